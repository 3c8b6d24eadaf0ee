//! What every provider call goes through: logged, made to fail if a rule says so, carried out, answered or not.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::app::App;
use super::faults::{Action, Call};
use super::percent::decoded;
use super::requests::{Provider, RequestRecord};
use super::{canned, podium};
use crate::clock;
use crate::server::{cut_short, hang_up};

/// No provider takes more in one call, attachments included.
const BODY_MAX_BYTES: usize = 32 * 1024 * 1024;

/// The name under which the log knows this call; in the request's extensions.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

/// Puts the pipeline around a provider's routes. Nested routers see their own part of the path only, and so do the rules.
pub(super) fn around(router: Router, app: Arc<App>, provider: Provider) -> Router {
    router.layer(from_fn_with_state((app, provider), enter))
}

async fn enter(State((app, provider)): State<(Arc<App>, Provider)>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // A provider does not stop in the middle because its caller hung up, so the work is not tied to the connection.
    let work = tokio::spawn(async move { carry_out(&app, provider, parts, body, next).await });
    work.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn carry_out(app: &App, provider: Provider, mut parts: Parts, body: Bytes, next: Next) -> Response {
    let (request_id, action) = admit(app, provider, &parts, &body);
    parts.extensions.insert(RequestId(request_id.clone()));
    let request = Request::from_parts(parts, Body::from(body));
    let action = action.unwrap_or_default();
    let answer = answer(&action, request, next).await;
    pause(action.reply_delay_ms).await;
    let status = answer.as_ref().map(|response| response.status().as_u16());
    app.lock().requests.end(&request_id, status);
    answer.unwrap_or_else(hang_up)
}

/// Logs the call and asks the rules about it, in one step, so that two calls cannot both be the n-th.
fn admit(app: &App, provider: Provider, parts: &Parts, body: &[u8]) -> (String, Option<Action>) {
    let path = decoded(provider_path(provider, &parts.uri));
    let query = parts.uri.query().unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let mut state = app.lock();
    let conversation = (provider == Provider::Chatwoot).then(|| state.chatwoot.in_path(&path)).flatten();
    let phone = match conversation {
        Some(at) => state.chatwoot.phone_of(at),
        None => subject(&state.book, &path, &parts.uri, body),
    };
    let call = Call {
        provider,
        method: parts.method.as_str(),
        path: &path,
        query: &decoded(query),
        body: &text,
        phone: phone.as_deref(),
    };
    let taken = state.faults.take(&call);
    let request_id = state.ids.request();
    let named = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let record = RequestRecord {
        request_id: request_id.clone(),
        at_ms: clock::now_ms(),
        provider,
        method: parts.method.to_string(),
        podium_version: named("podium-version"),
        range: named("range"),
        authorized: parts.headers.contains_key(header::AUTHORIZATION),
        api_access_token: parts.headers.contains_key("api_access_token"),
        conversation: conversation.map(|(account, number)| format!("{account}/{number}")),
        query: query.to_owned(),
        status: None,
        fault: taken.as_ref().map(|(rule, _)| *rule),
        phone,
        path,
    };
    state.requests.begin(record);
    (request_id, taken.map(|(_, action)| action))
}

/// Shopify's API is served for a named shop too, `/north.myshopify.com/admin/...`: rules and log leave the shop out.
fn provider_path(provider: Provider, uri: &Uri) -> &str {
    let path = uri.path();
    match (provider, path.find("/admin/")) {
        (Provider::Shopify, Some(start)) => path.get(start..).unwrap_or(path),
        _ => path,
    }
}

/// Whom a Podium call is about: named in its body or query, or by the contact or conversation in its path.
fn subject(book: &podium::book::Book, path: &str, uri: &Uri, body: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let named = ["/channel/identifier", "/contact/phone", "/phoneNumber", "/phone"]
        .iter()
        .find_map(|place| json.pointer(place).and_then(Value::as_str).map(str::to_owned));
    let asked = || {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
        pairs.into_iter().find(|(name, _)| name == "phone").map(|(_, phone)| phone)
    };
    let in_path = || {
        let mut segments = path.trim_start_matches("/v4/").split('/');
        match (segments.next(), segments.next()) {
            (Some("contacts"), Some(identifier)) => {
                let known = book.identify(identifier).or_else(|| book.contact_with_uid(identifier));
                Some(known.map_or_else(|| identifier.to_owned(), |contact| contact.phone.clone()))
            }
            (Some("conversations"), Some(uid)) => book.conversation(uid).map(|found| found.phone.clone()),
            _ => None,
        }
    };
    named.or_else(asked).or_else(in_path)
}

/// Acts or not, as the action says. `None` is a closed connection.
async fn answer(action: &Action, request: Request, next: Next) -> Option<Response> {
    pause(action.delay_ms).await;
    if action.close_before_acting {
        return None;
    }
    if let Some(refusal) = refusal(action) {
        if action.after_acting {
            next.run(request).await;
        }
        return Some(refusal);
    }
    let response = next.run(request).await;
    if action.drop_reply_after_acting {
        return None;
    }
    if action.truncate {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        return Some(cut_short(Response::from_parts(parts, Body::empty()), &body));
    }
    Some(response)
}

/// The answer that the rule gives in place of the provider's own.
fn refusal(action: &Action) -> Option<Response> {
    if let Some(canned) = action.canned {
        return Some(canned::answer(canned));
    }
    let status = StatusCode::from_u16(action.status?).ok()?;
    let (body, content_type) = match &action.body {
        None => (String::new(), "application/json"),
        Some(Value::String(text)) => (text.clone(), "text/plain; charset=utf-8"),
        Some(json) => (json.to_string(), "application/json"),
    };
    let mut response = (status, [(header::CONTENT_TYPE, content_type)], body).into_response();
    for (name, value) in &action.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Some(response)
}

async fn pause(ms: u64) {
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}
