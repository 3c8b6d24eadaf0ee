//! Slack's incoming webhooks: `ok`, or one word that says what is wrong with the payload.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Form, FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;

use super::{NotKept, Told};
use crate::stand_ins::app::App;
use crate::stand_ins::requests::Provider;

/// Slack's limits.
const BLOCKS_MAX: usize = 50;
const HEADER_MAX_CHARS: usize = 150;
const SECTION_MAX_CHARS: usize = 3000;
const FIELDS_MAX: usize = 10;
const FIELD_MAX_CHARS: usize = 2000;
const CONTEXT_MAX: usize = 10;
const ACTIONS_MAX: usize = 25;
const BUTTON_MAX_CHARS: usize = 75;
const URL_MAX_CHARS: usize = 3000;
const BLOCK_ID_MAX_CHARS: usize = 255;

pub(in crate::stand_ins) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/services/{*path}", post(incoming))
        .fallback(|| async { answer(StatusCode::NOT_FOUND, "no_service") })
        .with_state(Arc::clone(app))
}

/// Slack answers a word, as plain text.
pub(in crate::stand_ins) fn answer(status: StatusCode, word: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], word).into_response()
}

async fn incoming(told: Told) -> Result<Response, NotKept> {
    let (status, word) = match payload(&told).await.and_then(|payload| check(&payload)) {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(word) => (StatusCode::BAD_REQUEST, word),
    };
    told.note(Provider::Slack, status, word)?;
    Ok(answer(status, word))
}

/// JSON as the body, or in the field `payload` of a form.
async fn payload(told: &Told) -> Result<Value, &'static str> {
    let text = if told.is("application/x-www-form-urlencoded") {
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(told.body.clone()));
        let request = request.map_err(|_| "invalid_payload")?;
        let form = Form::<BTreeMap<String, String>>::from_request(request, &()).await;
        let Form(mut fields) = form.map_err(|_| "invalid_payload")?;
        fields.remove("payload").ok_or("no_payload")?
    } else {
        told.body.clone()
    };
    let value: Value = serde_json::from_str(&text).map_err(|_| "invalid_payload")?;
    if value.is_object() { Ok(value) } else { Err("invalid_payload") }
}

fn check(payload: &Value) -> Result<(), &'static str> {
    let blocks = match payload.get("blocks") {
        None | Some(Value::Null) => &Vec::new(),
        Some(Value::Array(blocks)) => blocks,
        Some(_) => return Err("invalid_blocks_format"),
    };
    let attachments = payload.get("attachments").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let text = match payload.get("text") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text.trim(),
        Some(_) => return Err("invalid_payload"),
    };
    if text.is_empty() && blocks.is_empty() && !attachments {
        return Err("no_text");
    }
    if blocks.len() > BLOCKS_MAX || !blocks.iter().all(is_good) {
        return Err("invalid_blocks");
    }
    Ok(())
}

/// Whether Slack would show this block.
fn is_good(block: &Value) -> bool {
    let id_fits = match block.get("block_id") {
        None => true,
        Some(id) => id.as_str().is_some_and(|id| id.chars().count() <= BLOCK_ID_MAX_CHARS),
    };
    let good = match block.get("type").and_then(Value::as_str) {
        Some("header") => block.get("text").is_some_and(|text| is_plain(text, HEADER_MAX_CHARS)),
        Some("section") => is_section(block),
        Some("context") => {
            let short = |element: &Value| is_image(element) || is_text(element, FIELD_MAX_CHARS);
            list(block, "elements", CONTEXT_MAX).is_some_and(|elements| elements.iter().all(short))
        }
        Some("actions") => list(block, "elements", ACTIONS_MAX).is_some_and(|elements| elements.iter().all(is_element)),
        Some("image") => is_image(block),
        Some("divider") => true,
        Some("rich_text") => block.get("elements").is_some_and(Value::is_array),
        _ => false,
    };
    id_fits && good
}

fn is_section(block: &Value) -> bool {
    let text = block.get("text").map(|text| is_text(text, SECTION_MAX_CHARS));
    let fields = block.get("fields").map(|_| {
        let fields = list(block, "fields", FIELDS_MAX);
        fields.is_some_and(|fields| fields.iter().all(|field| is_text(field, FIELD_MAX_CHARS)))
    });
    text.or(fields).is_some() && text.unwrap_or(true) && fields.unwrap_or(true)
}

/// Buttons are looked at; other elements are let through.
fn is_element(element: &Value) -> bool {
    let url_fits = match element.get("url") {
        None => true,
        Some(url) => url.as_str().is_some_and(|url| url.chars().count() <= URL_MAX_CHARS && url.contains("://")),
    };
    match element.get("type").and_then(Value::as_str) {
        Some("button") => url_fits && element.get("text").is_some_and(|text| is_plain(text, BUTTON_MAX_CHARS)),
        Some(_) => true,
        None => false,
    }
}

fn is_image(value: &Value) -> bool {
    let has = |field: &str| value.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    value.get("type").and_then(Value::as_str) == Some("image") && has("image_url") && has("alt_text")
}

/// A list that is neither empty nor too long.
fn list<'a>(block: &'a Value, field: &str, max: usize) -> Option<&'a Vec<Value>> {
    block.get(field).and_then(Value::as_array).filter(|list| (1..=max).contains(&list.len()))
}

fn is_plain(text: &Value, max: usize) -> bool {
    text.get("type").and_then(Value::as_str) == Some("plain_text") && is_text(text, max)
}

fn is_text(text: &Value, max: usize) -> bool {
    let known = matches!(text.get("type").and_then(Value::as_str), Some("plain_text" | "mrkdwn"));
    let words = text.get("text").and_then(Value::as_str);
    known && words.is_some_and(|words| (1..=max).contains(&words.chars().count()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn header(length: usize) -> Value {
        json!({ "type": "header", "text": { "type": "plain_text", "text": "h".repeat(length) } })
    }

    fn section(length: usize) -> Value {
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": "é".repeat(length) } })
    }

    #[test]
    fn the_limits_are_slacks() {
        for (payload, expected) in [
            (json!({ "text": "hello" }), Ok(())),
            (json!({}), Err("no_text")),
            (json!({ "text": " ", "blocks": [] }), Err("no_text")),
            (json!({ "text": 5 }), Err("invalid_payload")),
            (json!({ "blocks": [header(150), section(3000), { "type": "divider" }] }), Ok(())),
            (json!({ "blocks": [header(151)] }), Err("invalid_blocks")),
            (json!({ "text": "t", "blocks": [section(3001)] }), Err("invalid_blocks")),
            (json!({ "blocks": [section(0)] }), Err("invalid_blocks")),
            (json!({ "blocks": vec![section(1); 50] }), Ok(())),
            (json!({ "blocks": vec![section(1); 51] }), Err("invalid_blocks")),
            (json!({ "blocks": [{ "type": "section" }] }), Err("invalid_blocks")),
            (json!({ "blocks": [{ "type": "hearsay" }] }), Err("invalid_blocks")),
            (json!({ "blocks": "none" }), Err("invalid_blocks_format")),
            (
                json!({ "blocks": [{ "type": "section", "fields": vec![json!({ "type": "mrkdwn", "text": "a" }); 11] }] }),
                Err("invalid_blocks"),
            ),
            (
                json!({ "blocks": [{ "type": "actions", "elements": [
                    { "type": "button", "url": "https://x.test", "text": { "type": "plain_text", "text": "Open" } },
                ] }] }),
                Ok(()),
            ),
        ] {
            assert_eq!(check(&payload), expected, "{payload}");
        }
    }
}
