//! The host that `attachmentUrl` points to: public, on another address than the API, and of all tempers that file hosts
//! have. What a file holds does not matter here, so it is a size and a content type, and its bytes are made up as they
//! are sent.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hyper::body::{Frame, SizeHint};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::changed;
use crate::stand_ins::app::App;

/// `GET`, `PUT` and `DELETE /_control/podium/attachments/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::stand_ins) struct Attachment {
    /// In bytes.
    size: u64,
    /// None leaves the header out.
    content_type: Option<String>,
    /// `HEAD` is answered; else it is a 405.
    head: bool,
    /// Ranges are honoured with a 206; else the whole file is sent for them.
    ranges: bool,
    /// The size is told; else it is found out by reading to the end.
    length: bool,
    /// The file is elsewhere: 302 to this.
    redirect_to: Option<String>,
}

impl Default for Attachment {
    fn default() -> Self {
        Self {
            size: 1024,
            content_type: Some("image/jpeg".to_owned()),
            head: true,
            ranges: true,
            length: true,
            redirect_to: None,
        }
    }
}

/// The files there are, by name. Others are a 404.
#[derive(Debug, Default)]
pub(in crate::stand_ins) struct Attachments(BTreeMap<String, Attachment>);

impl Attachments {
    pub(in crate::stand_ins) fn get(&self, name: &str) -> Option<&Attachment> {
        self.0.get(name)
    }

    /// Changes a file, or puts one there.
    pub(in crate::stand_ins) fn put(&mut self, name: &str, change: &Value) -> Result<(), String> {
        let attachment = changed(&self.get(name).cloned().unwrap_or_default(), change)?;
        let unusable = |text: &Option<String>| text.as_ref().is_some_and(|text| HeaderValue::from_str(text).is_err());
        if unusable(&attachment.content_type) || unusable(&attachment.redirect_to) {
            return Err("not a header's value".to_owned());
        }
        self.0.insert(name.to_owned(), attachment);
        Ok(())
    }

    pub(in crate::stand_ins) fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }
}

pub(in crate::stand_ins) fn routes(app: &Arc<App>) -> Router {
    Router::new().route("/{*name}", any(serve)).with_state(Arc::clone(app))
}

async fn serve(State(app): State<Arc<App>>, Path(name): Path<String>, method: Method, headers: HeaderMap) -> Response {
    let Some(attachment) = app.lock().attachments.get(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let head = method == Method::HEAD;
    if method != Method::GET && !(head && attachment.head) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    if let Some(place) = attachment.redirect_to {
        return (StatusCode::FOUND, [(header::LOCATION, place)]).into_response();
    }
    // A range is for GET only, and what is no single range of bytes is as if it were not there.
    let wanted = headers.get(header::RANGE).filter(|_| attachment.ranges && !head);
    let wanted = wanted.and_then(|value| value.to_str().ok()).and_then(|text| Range::read(text, attachment.size));
    let mut response = match wanted {
        Some(Range::Unsatisfiable) => {
            let total = format!("bytes */{}", attachment.size);
            return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, total)]).into_response();
        }
        Some(Range::Part { start, end }) => {
            let mut response = Response::new(Body::new(Filler { next: start, end: end + 1, told: true }));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let total = if attachment.length { attachment.size.to_string() } else { "*".to_owned() };
            if let Ok(value) = HeaderValue::from_str(&format!("bytes {start}-{end}/{total}")) {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            response
        }
        None => Response::new(Body::new(Filler::of(attachment.size, attachment.length))),
    };
    // The server leaves the body of a HEAD's answer out, and keeps what the headers say of it.
    if attachment.ranges {
        response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    if let Some(kind) = attachment.content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// One range of bytes, both ends included.
enum Range {
    Part { start: u64, end: u64 },
    Unsatisfiable,
}

impl Range {
    /// `bytes=0-99`, `bytes=100-`, `bytes=-100`
    fn read(text: &str, size: u64) -> Option<Self> {
        let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
        let (start, end) = if first.is_empty() {
            let length = last.parse::<u64>().ok()?.min(size);
            (size - length, size.saturating_sub(1))
        } else {
            let end = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
            (first.parse().ok()?, end)
        };
        match (start < size, start <= end) {
            (true, true) => Some(Self::Part { start, end: end.min(size - 1) }),
            (false, true) => Some(Self::Unsatisfiable),
            (_, false) => None,
        }
    }
}

/// Bytes that follow from their place in the file, so that parts can be told from each other.
pub(in crate::stand_ins) struct Filler {
    next: u64,
    end: u64,
    /// Whether the answer says how many there are.
    told: bool,
}

impl Filler {
    /// A whole file.
    pub(in crate::stand_ins) fn of(size: u64, told: bool) -> Self {
        Self { next: 0, end: size, told }
    }
}

impl axum::body::HttpBody for Filler {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        const CHUNK_BYTES: u64 = 64 * 1024;
        let end = self.end.min(self.next.saturating_add(CHUNK_BYTES));
        let letter = |place: u64| b'a' + u8::try_from(place % 26).unwrap_or(0);
        let bytes: Bytes = (self.next..end).map(letter).collect();
        self.next = end;
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    /// hyper makes the `content-length` of this.
    fn size_hint(&self) -> SizeHint {
        if self.told { SizeHint::with_exact(self.end.saturating_sub(self.next)) } else { SizeHint::default() }
    }
}
