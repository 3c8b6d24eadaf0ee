//! The control API: everything a test or the demo may do to the stand-ins, and ask of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::app::App;
use super::faults::FaultRule;
use super::{ai, chatwoot, podium, shop};

const HELP: &str = r#"The stand-ins for Podium, Shopify, Chatwoot, models, WooCommerce and the ways to people. What can be asked and said:

  GET    /_control/ledger[?phone=+61...][&conversation=7/418]   effects: everything a customer would have noticed;
                                               notices: what the shop's people were told (or were not: status);
                                               imports: what they were shown in Podium's conversations;
                                               webhooks: each attempt of Podium's or Chatwoot's to tell of an event
  DELETE /_control/ledger                      forget it, the conversations and contacts too, Chatwoot's also
  GET    /_control/requests[?provider=&method=&path_prefix=&phone=&conversation=]   provider calls, and how many
  DELETE /_control/requests

  POST   /_control/faults                      {"match": {...}, "times": 1 | "forever", "action": {...}}
           match:  provider (podium, shopify, attachments, slack, webhook, sns, chatwoot, ai, shop), method,
                   path_prefix, phone, contains, nth (first call to act on)
           action: delay_ms, reply_delay_ms, and at most one of
                   status (with headers, body) or canned, either with after_acting;
                   drop_reply_after_acting, close_before_acting, truncate
           canned: shopify_throttled_200, shopify_throttled_429, shopify_access_denied,
                   podium_rate_limit, podium_rate_limit_brief,
                   slack_rate_limited, slack_channel_is_archived, slack_no_service, slack_server_error,
                   sns_not_found, sns_authorization_error, sns_throttled, sns_internal_error,
                   chatwoot_rate_limited, chatwoot_flood, chatwoot_bad_gateway, chatwoot_server_error,
                   openai_money_gone, openai_rate_limited, openai_server_error, openai_model_not_found,
                   anthropic_money_gone, anthropic_spend_limit, anthropic_rate_limited, anthropic_overloaded,
                   bedrock_throttled, shop_cannot_view, shop_html
  GET    /_control/faults
  DELETE /_control/faults[/{id}]

  PUT    /_control/shopify/orders/{id}         {"displayFinancialStatus": "REFUNDED"}; any field of the order, and
                                               missing, marketingState, phone, orderPhone, timeZone, totalRefunded
  GET, DELETE the same                         what was said; forget it
  POST   /_control/shopify/orders              an order as its webhook has it (REST): said in GraphQL's words
  GET    /_control/shopify/orders              the orders that a list has: those that somebody spoke of
  GET, PUT    /_control/shopify                expires_in, client_id, client_secret, static_tokens, scope, shop,
                                               subscriptions ({"ORDERS_FULFILLED": "https://..."})
  POST   /_control/shopify/revoke              every access token is worthless
"#;

const HELP_END: &str = "  GET    /_control/health\n";

pub(super) type Parameters = Query<BTreeMap<String, String>>;
pub(super) type Controlled = State<Arc<App>>;

pub(super) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route(
            "/_control",
            get([
                HELP,
                podium::control::HELP,
                chatwoot::control::HELP,
                ai::control::HELP,
                shop::control::HELP,
                HELP_END,
            ]
            .join("\n")),
        )
        .route("/_control/health", get("ok\n"))
        .route("/_control/ledger", get(ledger).delete(clear_ledger))
        .route("/_control/requests", get(requests).delete(clear_requests))
        .route("/_control/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_control/faults/{id}", delete(remove_fault))
        .route("/_control/shopify", get(shopify).put(change_shopify))
        .route("/_control/shopify/revoke", post(revoke_shopify))
        .route("/_control/shopify/orders", get(orders).post(put_rest_order))
        .route("/_control/shopify/orders/{id}", get(order).put(merge_order).delete(forget_order))
        .merge(podium::control::routes())
        .merge(chatwoot::control::routes())
        .merge(ai::control::routes())
        .merge(shop::control::routes())
        .with_state(Arc::clone(app))
}

/// Why a command was not carried out.
pub(super) struct Problem(StatusCode, String);

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self(StatusCode::BAD_REQUEST, problem)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

pub(super) fn read(body: &Bytes) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::from(format!("not JSON: {error}")))
}

pub(super) fn found(found: bool) -> StatusCode {
    if found { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// `phone=` of a query. A plus that a person did not escape arrives as a space; here, unlike at Podium, that is forgiven.
pub(super) fn phone_in(asked: &BTreeMap<String, String>) -> Option<String> {
    asked.get("phone").map(|phone| phone.replace(' ', "+"))
}

async fn ledger(State(app): Controlled, Query(asked): Parameters) -> Json<Value> {
    let state = app.lock();
    let phone = phone_in(&asked);
    let conversation = asked.get("conversation");
    let effects: Vec<_> = state
        .ledger
        .effects()
        .iter()
        .filter(|effect| phone.as_ref().is_none_or(|phone| effect.phone == *phone))
        .filter(|effect| conversation.is_none_or(|conversation| effect.conversation == *conversation))
        .collect();
    // Texts to people mask phones, so nothing but the phone's own digits can be looked for there.
    let names = |text: &str| phone.as_ref().is_none_or(|phone| text.contains(phone.as_str()));
    let notices: Vec<_> = state.ledger.notices().iter().filter(|notice| names(&notice.body)).collect();
    let webhooks = state.ledger.webhooks().iter();
    let webhooks: Vec<_> = webhooks.filter(|webhook| phone.is_none() || webhook.phone == phone).collect();
    let imports = state.ledger.imports().iter();
    let imports: Vec<_> = imports
        .filter(|import| phone.as_ref().is_none_or(|phone| import.phone == *phone))
        .filter(|import| conversation.is_none_or(|conversation| import.conversation == *conversation))
        .collect();
    Json(json!({
        "count": effects.len(), "effects": effects, "notices": notices, "webhooks": webhooks, "imports": imports,
    }))
}

async fn clear_ledger(State(app): Controlled) -> Result<StatusCode, Problem> {
    let mut state = app.lock();
    let cleared = state.ledger.clear();
    cleared.map_err(|error| Problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    state.book = podium::book::Book::default();
    state.chatwoot.forget();
    Ok(StatusCode::NO_CONTENT)
}

async fn requests(State(app): Controlled, Query(asked): Parameters) -> Json<Value> {
    let state = app.lock();
    let phone = phone_in(&asked);
    let is = |name: &str, value: &str| asked.get(name).is_none_or(|wanted| wanted.eq_ignore_ascii_case(value));
    let records: Vec<_> = state
        .requests
        .records()
        .filter(|record| {
            is("provider", record.provider.mount().trim_start_matches('/'))
                && is("method", &record.method)
                && asked.get("path_prefix").is_none_or(|prefix| record.path.starts_with(prefix))
                && (phone.is_none() || record.phone == phone)
                && asked.get("conversation").is_none_or(|wanted| record.conversation.as_ref() == Some(wanted))
        })
        .collect();
    Json(json!({ "count": records.len(), "total": state.requests.total(), "requests": records }))
}

async fn clear_requests(State(app): Controlled) -> StatusCode {
    app.lock().requests.clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(app): Controlled) -> Json<Value> {
    Json(json!({ "faults": app.lock().faults.list() }))
}

async fn add_fault(State(app): Controlled, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let rule = FaultRule::from_json(read(&body)?)?;
    let id = app.lock().faults.add(rule);
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

async fn clear_faults(State(app): Controlled) -> StatusCode {
    app.lock().faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(app): Controlled, Path(id): Path<u64>) -> StatusCode {
    found(app.lock().faults.remove(id))
}

async fn shopify(State(app): Controlled) -> Json<Value> {
    Json(app.lock().shopify_tokens.report())
}

async fn change_shopify(State(app): Controlled, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    state.shopify_tokens.change(&read(&body)?)?;
    Ok(Json(state.shopify_tokens.report()))
}

async fn revoke_shopify(State(app): Controlled) -> StatusCode {
    app.lock().shopify_tokens.revoke();
    StatusCode::NO_CONTENT
}

async fn orders(State(app): Controlled) -> Json<Value> {
    let orders = app.lock().orders.all();
    Json(json!({ "count": orders.len(), "orders": orders }))
}

async fn put_rest_order(State(app): Controlled, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut state = app.lock();
    let number = state.orders.merge_rest(&read(&body)?)?;
    Ok((StatusCode::CREATED, Json(json!({ "id": number, "order": state.orders.get(&number) }))))
}

async fn order(State(app): Controlled, Path(id): Path<String>) -> Json<Value> {
    let state = app.lock();
    Json(json!({ "overrides": state.orders.said(&id), "order": state.orders.get(&id) }))
}

async fn merge_order(State(app): Controlled, Path(id): Path<String>, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    state.orders.merge(&id, read(&body)?)?;
    Ok(Json(json!({ "overrides": state.orders.said(&id), "order": state.orders.get(&id) })))
}

async fn forget_order(State(app): Controlled, Path(id): Path<String>) -> StatusCode {
    found(app.lock().orders.forget(&id))
}
