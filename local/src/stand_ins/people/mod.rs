//! The ways by which the shop's people are told: Slack, a webhook of their own, and Amazon SNS.
//!
//! Each keeps what it took in the ledger's `notices`, and what it refused too, with the status. A fault that stops a call
//! before it acts leaves nothing there: nobody has read it.

pub(super) mod slack;
pub(super) mod sns;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::app::App;
use super::ledger::Notice;
use super::pipeline::RequestId;
use super::requests::Provider;
use crate::clock;
use crate::say::warn;

/// The ledger could not be written: then nobody was told either.
pub(super) struct NotKept;

impl IntoResponse for NotKept {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// A call, read.
pub(super) struct Told {
    app: Arc<App>,
    request_id: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl FromRequest<Arc<App>> for Told {
    type Rejection = StatusCode;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone());
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        // The pipeline has read the body within its limit already.
        let bytes = to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(Self {
            app: Arc::clone(app),
            request_id: id.unwrap_or_default(),
            path: parts.uri.path().to_owned(),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
            body: text(&bytes),
        })
    }
}

impl Told {
    /// Whether the body is declared to be of this kind.
    fn is(&self, kind: &str) -> bool {
        let declared = self.headers.get("content-type").and_then(|value| value.split(';').next()).map(str::trim);
        declared.is_some_and(|declared| declared.eq_ignore_ascii_case(kind))
    }

    /// Writes down what came and how it ended.
    fn note(&self, channel: Provider, status: StatusCode, answer: &str) -> Result<(), NotKept> {
        let notice = Notice {
            seq: 0,
            at_ms: clock::now_ms(),
            channel,
            path: self.path.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            status: status.as_u16(),
            answer: answer.to_owned(),
            request_id: self.request_id.clone(),
        };
        let recorded = self.app.lock().ledger.record_notice(notice);
        recorded.map_err(|error| {
            warn(format_args!("the ledger cannot be written, so nobody is told: {error}"));
            NotKept
        })
    }
}

/// `POST /webhook/...`: takes everything, checks nothing.
pub(super) fn webhook_routes(app: &Arc<App>) -> Router {
    Router::new().route("/{*path}", post(webhook)).route("/", post(webhook)).with_state(Arc::clone(app))
}

async fn webhook(told: Told) -> Result<StatusCode, NotKept> {
    told.note(Provider::Webhook, StatusCode::OK, "")?;
    Ok(StatusCode::OK)
}
