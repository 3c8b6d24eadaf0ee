//! What a Podium call is made of, and the envelopes of its answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequest, OriginalUri, Query, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::VERSION;
use crate::say::warn;
use crate::stand_ins::app::App;
use crate::stand_ins::pipeline::RequestId;

/// What a handler returns.
pub(super) type Answer = Result<Response, Refusal>;

/// A call, read: what all handlers need and nothing of HTTP.
pub(super) struct Ask {
    pub(super) app: Arc<App>,
    pub(super) request_id: String,
    pub(super) url: String,
    pub(super) query: BTreeMap<String, String>,
    /// Null when there was no body.
    pub(super) body: Value,
}

impl FromRequest<Arc<App>> for Ask {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let path = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
        let id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone());
        let Query(query) =
            Query::try_from_uri(&parts.uri).map_err(|_| Refusal::invalid("The query string cannot be read."))?;
        // The pipeline has read the body within its limit already.
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let bad = |message| Refusal::published(StatusCode::BAD_REQUEST, "bad_request", message);
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let declared = content_type.and_then(|value| value.split(';').next()).map(str::trim);
        let body = if bytes.is_empty() {
            Value::Null
        } else if declared.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
            serde_json::from_slice(&bytes).map_err(|_| bad("The body is not JSON."))?
        } else {
            return Err(bad("The content type must be application/json."));
        };
        let url = path.to_string();
        Ok(Self { app: Arc::clone(app), request_id: id.unwrap_or_default(), url, query, body })
    }
}

impl Ask {
    /// A text field of the body that is there and not blank. `place` is a JSON pointer.
    pub(super) fn text(&self, place: &str) -> Option<&str> {
        self.body.pointer(place).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    /// A text field of the body that must be there.
    pub(super) fn required(&self, field: &str) -> Result<&str, Refusal> {
        self.text(&format!("/{field}")).ok_or_else(|| Refusal::invalid(format!("{field} is required.")))
    }

    /// A text field of the body that may be missing, but not blank and nothing but a text.
    pub(super) fn optional(&self, field: &str) -> Result<Option<&str>, Refusal> {
        self.body.get(field).map(|_| self.required(field)).transpose()
    }

    /// Holds the body to the fields that Podium's description names: it allows no others here.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let fields = self.body.as_object().ok_or_else(|| Refusal::invalid("The body is not an object."))?;
        match fields.keys().find(|field| !known.contains(&field.as_str())) {
            Some(field) => Err(Refusal::invalid(format!("{field} is not a field of this."))),
            None => Ok(()),
        }
    }

    pub(super) fn ok(&self, data: &Value) -> Response {
        self.reply(StatusCode::OK, data)
    }

    pub(super) fn reply(&self, status: StatusCode, data: &Value) -> Response {
        self.reply_with(status, data, &json!({}))
    }

    /// `{"data": …, "metadata": {"url": …, "version": …, …}}`
    pub(super) fn reply_with(&self, status: StatusCode, data: &Value, more: &Value) -> Response {
        let mut metadata = json!({ "url": self.url, "version": VERSION });
        if let (Some(metadata), Some(more)) = (metadata.as_object_mut(), more.as_object()) {
            metadata.extend(more.clone());
        }
        (status, Json(json!({ "data": data, "metadata": metadata }))).into_response()
    }
}

/// An error in one of the two pictures.
#[derive(Debug)]
pub(in crate::stand_ins) enum Refusal {
    /// `{"code", "message", "moreInfo"}`
    Published { status: StatusCode, code: &'static str, message: String },
    /// `{"error"}`
    Brief { status: StatusCode, error: &'static str },
}

impl Refusal {
    pub(super) fn published(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::Published { status, code, message: message.into() }
    }

    pub(super) fn brief(status: StatusCode, error: &'static str) -> Self {
        Self::Brief { status, error }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::published(StatusCode::BAD_REQUEST, "invalid_request_values", message)
    }

    pub(super) fn not_found() -> Self {
        Self::published(StatusCode::NOT_FOUND, "resource_not_found", "The resource was not found.")
    }

    /// The ledger could not be written: then nothing was sent either.
    pub(super) fn ledger(error: &std::io::Error) -> Self {
        warn(format_args!("the ledger cannot be written, so nothing is sent: {error}"));
        Self::published(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", "Something went wrong.")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Published { status, code, message } => error(status, code, &message),
            Self::Brief { status, error } => brief_error(status, error),
        }
    }
}

/// Podium's published error body.
pub(in crate::stand_ins) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let more = format!("https://docs.podium.com/docs/errors#{code}");
    (status, Json(json!({ "code": code, "message": message, "moreInfo": more }))).into_response()
}

/// The briefs' error body.
pub(in crate::stand_ins) fn brief_error(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
