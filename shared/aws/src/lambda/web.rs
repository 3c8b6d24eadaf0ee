//! Requests of browsers, as the functions that answer them see them.

use std::borrow::Cow;

use frontdesk_core::web::{Call, Reply};

use super::http::{HttpAnswer, HttpEvent, parts};

/// The request.
#[must_use]
pub fn call(event: HttpEvent) -> Call {
    let parts = parts(event);
    Call {
        method: parts.method,
        path: parts.path,
        query: parts.query,
        headers: parts.headers,
        body: parts.body,
        client: parts.client,
        own_url: parts.own_url,
    }
}

/// The answer. What it holds is never run by a browser, whatever it looks like.
#[must_use]
pub fn answer(reply: Reply) -> HttpAnswer {
    let Reply { status, mut headers, body } = reply;
    headers.push(("x-content-type-options", "nosniff".to_owned()));
    if body.is_some() {
        headers.push(("content-type", "application/json; charset=utf-8".to_owned()));
    }
    HttpAnswer {
        status_code: status,
        headers: headers.into_iter().collect(),
        body: body.map_or(Cow::Borrowed(""), |body| Cow::Owned(body.to_string())),
        is_base64_encoded: false,
    }
}
