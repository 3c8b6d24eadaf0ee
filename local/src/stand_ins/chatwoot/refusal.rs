//! How Chatwoot says no.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::say::warn;

/// An error, with its body.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::stand_ins) struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn of(status: StatusCode, error: &str) -> Self {
        Self { status, body: json!({ "error": error }) }
    }

    pub(super) fn unauthorized(error: &str) -> Self {
        Self::of(StatusCode::UNAUTHORIZED, error)
    }

    pub(super) fn no_token() -> Self {
        let errors = json!({ "errors": ["You need to sign in or sign up before continuing."] });
        Self { status: StatusCode::UNAUTHORIZED, body: errors }
    }

    pub(super) fn not_found() -> Self {
        Self::of(StatusCode::NOT_FOUND, "Resource could not be found")
    }

    pub(super) fn no_such_route() -> Self {
        Self { status: StatusCode::NOT_FOUND, body: json!({ "status": 404, "error": "Not Found" }) }
    }

    pub(super) fn bad_request(error: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, body: json!({ "status": 400, "error": error }) }
    }

    pub(super) fn unprocessable(error: &str) -> Self {
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// What a model's validation says.
    pub(super) fn invalid(problems: &[String]) -> Self {
        Self::unprocessable(&format!("Validation failed: {}", problems.join(", ")))
    }

    /// The ledger could not be written: then nothing was posted either.
    pub(super) fn ledger(error: &std::io::Error) -> Self {
        warn(format_args!("the ledger cannot be written, so nothing is posted: {error}"));
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// More than 200 messages in a conversation within a minute.
pub(in crate::stand_ins) fn flood() -> Refusal {
    Refusal::invalid(&["Too many messages".to_owned()])
}

/// The limiter before Chatwoot: text, and no word of when.
pub(in crate::stand_ins) fn rate_limited() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::CONTENT_TYPE, "text/plain")], "Retry later\n").into_response()
}

/// A page that says what went wrong.
pub(in crate::stand_ins) fn html(status: StatusCode, title: &str) -> Response {
    let page =
        format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n");
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}
