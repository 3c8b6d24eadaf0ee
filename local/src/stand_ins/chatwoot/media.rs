//! Files of conversations: behind a redirect, without a token, and of all tempers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::clock;
use crate::stand_ins::app::App;
use crate::stand_ins::percent::encoded;
use crate::stand_ins::podium::attachments::Filler;

/// How many calls are kept.
const CALLS_MAX: usize = 10_000;

/// What a file holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    These(Bytes),
    /// So many made-up ones.
    Filler(u64),
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::These(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Filler(size) => *size,
        }
    }
}

/// A file.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) content: Content,
    /// None leaves the header out.
    pub(super) content_type: Option<String>,
    /// So many calls yet find nothing: the upload ends after the message was told of.
    pub(super) late: u32,
    /// Where the redirect leads, instead of to the disk service.
    pub(super) redirect_to: Option<String>,
    /// Before the bytes.
    pub(super) slow_ms: u64,
    /// What is answered instead of the bytes.
    pub(super) status: Option<u16>,
    /// The size is told; else it is found out by reading to the end.
    pub(super) length: bool,
}

/// All files by their signed id, and who asked for them.
#[derive(Debug, Default)]
pub(crate) struct Media {
    files: BTreeMap<String, File>,
    calls: Vec<Value>,
}

impl Media {
    /// Puts a file there; returns its signed id.
    pub(super) fn put(&mut self, id: u64, file: File) -> String {
        let signed = format!("FICTIONALSIGNEDBLOB{id}--{:06x}", id.wrapping_mul(0x9e_3779) & 0xff_ffff);
        self.files.insert(signed.clone(), file);
        signed
    }

    /// Every call with its headers, oldest first.
    pub(crate) fn calls(&self) -> &[Value] {
        &self.calls
    }

    pub(super) fn clear_calls(&mut self) {
        self.calls.clear();
    }

    fn note(&mut self, path: &str, headers: &HeaderMap, status: StatusCode) {
        let headers: BTreeMap<String, String> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        if self.calls.len() < CALLS_MAX {
            let at_ms = clock::now_ms();
            self.calls.push(json!({ "at_ms": at_ms, "path": path, "headers": headers, "status": status.as_u16() }));
        }
    }
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/rails/active_storage/blobs/redirect/{signed}/{name}", get(redirect))
        .route("/rails/active_storage/disk/{signed}/{name}", get(disk))
}

async fn redirect(
    State(app): State<Arc<App>>,
    Path((signed, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let mut state = app.lock();
    let chatwoot = &mut state.chatwoot;
    let usual = match &chatwoot.settings.storage_url {
        Some(elsewhere) => elsewhere.trim_end_matches('/').to_owned(),
        None => format!("{}/rails/active_storage/disk", chatwoot.base_url()),
    };
    let file = chatwoot.media.files.get_mut(&signed);
    let place = file.and_then(|file| {
        if file.late > 0 {
            file.late -= 1;
            return None;
        }
        let usual = format!("{usual}/{signed}/{}?expires=300", encoded(&name));
        HeaderValue::from_str(file.redirect_to.as_ref().unwrap_or(&usual)).ok()
    });
    let status = if place.is_some() { StatusCode::FOUND } else { StatusCode::NOT_FOUND };
    chatwoot.media.note(&format!("/rails/active_storage/blobs/redirect/{signed}/{name}"), &headers, status);
    match place {
        Some(place) => (status, [(header::LOCATION, place)]).into_response(),
        None => status.into_response(),
    }
}

async fn disk(
    State(app): State<Arc<App>>,
    Path((signed, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let file = app.lock().chatwoot.media.files.get(&signed).cloned();
    let instead = file.as_ref().and_then(|file| StatusCode::from_u16(file.status?).ok());
    let status = instead.unwrap_or(if file.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND });
    app.lock().chatwoot.media.note(&format!("/rails/active_storage/disk/{signed}/{name}"), &headers, status);
    let Some(file) = file.filter(|_| instead.is_none()) else { return status.into_response() };
    if file.slow_ms > 0 {
        tokio::time::sleep(Duration::from_millis(file.slow_ms)).await;
    }
    let body = match file.content {
        Content::These(bytes) if file.length => Body::from(bytes),
        Content::These(bytes) => Body::new(Untold(Some(bytes))),
        Content::Filler(size) => Body::new(Filler::of(size, file.length)),
    };
    let mut response = Response::new(body);
    if let Some(kind) = file.content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// Bytes whose number is not told beforehand.
struct Untold(Option<Bytes>);

impl axum::body::HttpBody for Untold {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(self.0.take().map(|bytes| Ok(hyper::body::Frame::data(bytes))))
    }
}
