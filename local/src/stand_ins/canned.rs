//! The providers' own refusals, ready for a fault rule to name.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::faults::Canned;
use super::people::{slack, sns};
use super::podium::envelope;
use super::shopify::cost;
use super::{ai, chatwoot, shop};

pub(super) fn answer(canned: Canned) -> Response {
    match canned {
        Canned::ShopifyThrottled200 => Json(throttled()).into_response(),
        Canned::ShopifyThrottled429 => {
            let errors =
                "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.";
            let headers = [(header::RETRY_AFTER, "2.0")];
            (StatusCode::TOO_MANY_REQUESTS, headers, Json(json!({ "errors": errors }))).into_response()
        }
        Canned::ShopifyAccessDenied => Json(access_denied()).into_response(),
        Canned::PodiumRateLimit => {
            envelope::error(StatusCode::TOO_MANY_REQUESTS, "rate_limit", "You have exceeded the rate limit.")
        }
        Canned::PodiumRateLimitBrief => {
            let mut response = envelope::brief_error(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
            response.headers_mut().insert(header::RETRY_AFTER, 2.into());
            response
        }
        Canned::SlackRateLimited => {
            let mut response = slack::answer(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
            response.headers_mut().insert(header::RETRY_AFTER, 1.into());
            response
        }
        Canned::SlackChannelIsArchived => slack::answer(StatusCode::GONE, "channel_is_archived"),
        Canned::SlackNoService => slack::answer(StatusCode::NOT_FOUND, "no_service"),
        Canned::SlackServerError => slack::answer(StatusCode::INTERNAL_SERVER_ERROR, "rollup_error"),
        Canned::SnsNotFound => sns::error(StatusCode::NOT_FOUND, "NotFound", "Topic does not exist"),
        Canned::SnsAuthorizationError => {
            sns::error(StatusCode::FORBIDDEN, "AuthorizationError", "User is not authorized to perform: SNS:Publish")
        }
        Canned::SnsThrottled => sns::error(StatusCode::BAD_REQUEST, "Throttling", "Rate exceeded"),
        Canned::SnsInternalError => {
            sns::error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "An internal error occurred")
        }
        Canned::ChatwootRateLimited => chatwoot::refusal::rate_limited(),
        Canned::ChatwootFlood => chatwoot::refusal::flood().into_response(),
        Canned::ChatwootBadGateway => chatwoot::refusal::html(StatusCode::BAD_GATEWAY, "502 Bad Gateway"),
        Canned::ChatwootServerError => {
            chatwoot::refusal::html(StatusCode::INTERNAL_SERVER_ERROR, "We're sorry, but something went wrong (500)")
        }
        Canned::OpenaiMoneyGone => ai::openai::refused(&ai::Trouble::MoneyGone),
        Canned::OpenaiRateLimited => ai::openai::refused(&ai::Trouble::RateLimited { retry_after: Some(1) }),
        Canned::OpenaiServerError => ai::openai::refused(&ai::Trouble::ServerError),
        Canned::OpenaiModelNotFound => ai::openai::refused(&ai::Trouble::NoSuchModel("the one asked for".to_owned())),
        Canned::AnthropicMoneyGone => ai::anthropic::refused(&ai::Trouble::MoneyGone),
        Canned::AnthropicSpendLimit => ai::anthropic::refused(&ai::Trouble::SpendLimit),
        Canned::AnthropicRateLimited => ai::anthropic::refused(&ai::Trouble::RateLimited { retry_after: Some(1) }),
        Canned::AnthropicOverloaded => ai::anthropic::refused(&ai::Trouble::Overloaded),
        Canned::BedrockThrottled => ai::converse::refused(&ai::Trouble::RateLimited { retry_after: None }),
        Canned::ShopCannotView => shop::cannot_view(),
        Canned::ShopHtml => shop::page(),
    }
}

fn throttled() -> Value {
    json!({
        "errors": [{
            "message": "Throttled",
            "extensions": { "code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits" },
        }],
        "extensions": { "cost": cost(None, 0) },
    })
}

fn access_denied() -> Value {
    json!({
        "errors": [{
            "message": "Access denied for order field. Required access: `read_orders` access scope.",
            "locations": [{ "line": 2, "column": 3 }],
            "extensions": {
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/access-scopes",
                "requiredAccess": "`read_orders` access scope.",
            },
            "path": ["order"],
        }],
        "data": { "order": null },
    })
}
