//! Anthropic's Messages.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::brain::{Heard, Turn};
use super::{Ask, Outcome, Thought, Trouble, is_strict, schema};

/// A signature that thoughts carry. What comes back has to carry it still.
const SIGNATURE: &str = "EqoBCkgIFICTIONAL";

/// A refusal in Anthropic's words.
pub(in crate::stand_ins) fn refused(trouble: &Trouble) -> Response {
    let mut details = Value::Null;
    let (status, kind, message): (u16, &str, String) = match trouble {
        Trouble::MoneyGone => {
            let message = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.";
            (402, "billing_error", message.to_owned())
        }
        Trouble::SpendLimit => {
            details = json!({ "error_code": "enforced_spend_limit_reached" });
            (429, "rate_limit_error", "This organization has reached its spend limit.".to_owned())
        }
        Trouble::RateLimited { .. } => {
            (429, "rate_limit_error", "This request would exceed your organization's rate limit.".to_owned())
        }
        Trouble::Overloaded => (529, "overloaded_error", "Overloaded".to_owned()),
        Trouble::ServerError => (500, "api_error", "Internal server error".to_owned()),
        Trouble::NoKey => (401, "authentication_error", "x-api-key header is required".to_owned()),
        Trouble::WrongKey => (401, "authentication_error", "invalid x-api-key".to_owned()),
        Trouble::NoSuchModel(model) => (404, "not_found_error", format!("model: {model}")),
        Trouble::Bad(message, _) => (400, "invalid_request_error", message.clone()),
        Trouble::Missing(message) => (404, "not_found_error", message.clone()),
        Trouble::TooLarge => (413, "request_too_large", "Request exceeds the maximum size".to_owned()),
    };
    let mut error = json!({ "type": kind, "message": message });
    if let Some(fields) = error.as_object_mut().filter(|_| !details.is_null()) {
        fields.insert("details".to_owned(), details);
    }
    let body = json!({ "type": "error", "error": error, "request_id": "req_local" });
    let mut headers = HeaderMap::new();
    headers.insert("request-id", HeaderValue::from_static("req_local"));
    if let Trouble::RateLimited { retry_after: Some(seconds) } = trouble {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, Json(body)).into_response()
}

fn bad(message: impl Into<String>) -> Trouble {
    Trouble::bad(message, "body")
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// `POST /v1/messages`
pub(super) async fn messages(ask: Ask) -> Response {
    match answered(&ask).await {
        Ok(answer) => Json(answer).into_response(),
        Err(trouble) => refused(&trouble),
    }
}

async fn answered(ask: &Ask) -> Result<Value, Trouble> {
    ask.is_good(ask.header("x-api-key"))?;
    if ask.header("anthropic-version") != Some("2023-06-01") {
        return Err(bad("anthropic-version: header is required"));
    }
    let body = ask.json()?;
    let named = body.get("model").and_then(Value::as_str);
    let model = ask.model(Some(named.ok_or_else(|| bad("model: Field required"))?))?;
    if body.get("max_tokens").and_then(Value::as_u64).is_none_or(|tokens| tokens == 0) {
        return Err(bad("max_tokens: Field required"));
    }
    let sampling = ["temperature", "top_p", "top_k"].into_iter().find(|field| body.get(*field).is_some());
    if let Some(field) = sampling.filter(|_| is_strict(&model)) {
        return Err(bad(format!("`{field}` is not supported by this model")));
    }
    if is_strict(&model) && matches!(body.pointer("/tool_choice/type").and_then(Value::as_str), Some("any" | "tool")) {
        return Err(bad("tool_choice: forced tool use is not supported by this model"));
    }
    if let Some(format) = body.pointer("/output_config/format") {
        let problem = schema::problem(format.get("schema").unwrap_or(&Value::Null), false);
        if text_of(format, "type") != "json_schema" || problem.is_some() {
            return Err(bad(format!("output_config.format: {}", problem.unwrap_or_default())));
        }
    }
    let mut tools = BTreeMap::new();
    for tool in list(&body, "tools") {
        let schema = tool.get("input_schema").filter(|schema| schema.is_object());
        let schema = schema.ok_or_else(|| bad("tools.0.input_schema: Field required"))?;
        tools.insert(text_of(tool, "name").to_owned(), schema.clone());
    }
    let turns = turns(&body, is_strict(&model))?;
    let heard = Heard::of(model, &turns, tools);
    let thought = ask.think("messages", &heard, body).await;
    message(ask, &heard.model, thought)
}

fn turns(body: &Value, strict: bool) -> Result<Vec<Turn>, Trouble> {
    let all = list(body, "messages");
    if all.is_empty() {
        return Err(bad("messages: at least one message is required"));
    }
    let mut turns = Vec::new();
    let mut calls: Vec<&str> = Vec::new();
    for (place, message) in all.iter().enumerate() {
        let role = text_of(message, "role");
        let blocks = list(message, "content");
        let plain = message.get("content").and_then(Value::as_str);
        if plain.is_some_and(str::is_empty) || (plain.is_none() && blocks.is_empty()) {
            return Err(bad(format!("messages.{place}: all messages must have non-empty content")));
        }
        match role {
            "assistant" => {
                calls = blocks
                    .iter()
                    .filter(|one| text_of(one, "type") == "tool_use")
                    .map(|one| text_of(one, "id"))
                    .collect();
                let forged = blocks
                    .iter()
                    .find(|one| text_of(one, "type") == "thinking" && text_of(one, "signature") != SIGNATURE);
                if forged.is_some() {
                    return Err(bad(format!("messages.{place}.content.0: Invalid `signature` in `thinking` block")));
                }
                turns.push(Turn::Us);
            }
            "user" => {
                turns.extend(customer(place, plain, blocks, &calls)?);
                calls.clear();
            }
            _ => return Err(bad(format!("messages.{place}.role: Input should be 'user' or 'assistant'"))),
        }
    }
    if all.last().is_some_and(|last| text_of(last, "role") == "assistant") && strict {
        return Err(bad(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    Ok(turns)
}

fn customer(place: usize, plain: Option<&str>, blocks: &[Value], calls: &[&str]) -> Result<Vec<Turn>, Trouble> {
    let mut texts: Vec<&str> = plain.into_iter().collect();
    let (mut images, mut found, mut answered) = (0, Vec::new(), Vec::new());
    for block in blocks {
        match text_of(block, "type") {
            "text" if text_of(block, "text").is_empty() => {
                return Err(bad("messages: text content blocks must be non-empty"));
            }
            "text" => texts.push(text_of(block, "text")),
            "image" if block.pointer("/source/type").is_some() => images += 1,
            "tool_result" => {
                let call = text_of(block, "tool_use_id");
                if !calls.contains(&call) {
                    let message = format!(
                        "messages.{place}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {call}"
                    );
                    return Err(bad(message));
                }
                answered.push(call);
                let inner =
                    list(block, "content").iter().map(|one| text_of(one, "text")).collect::<Vec<_>>().join("\n");
                let plain = text_of(block, "content");
                found.push(Turn::Found(if inner.is_empty() { plain.to_owned() } else { inner }));
            }
            other => return Err(bad(format!("messages.{place}.content.0: Input tag '{other}' found"))),
        }
    }
    if let Some(open) = calls.iter().find(|call| !answered.contains(call)) {
        let message = format!(
            "messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {open}"
        );
        return Err(bad(message));
    }
    if found.is_empty() {
        found.push(Turn::Customer { text: texts.join("\n"), images });
    }
    Ok(found)
}

fn message(ask: &Ask, model: &str, thought: Thought) -> Result<Value, Trouble> {
    let mut content = Vec::new();
    if thought.thinking {
        content.push(json!({ "type": "thinking", "thinking": "A short answer will do.", "signature": SIGNATURE }));
    }
    let stop = match thought.outcome {
        Outcome::Said(text) => {
            content.push(json!({ "type": "text", "text": text }));
            "end_turn"
        }
        Outcome::Calls(calls) => {
            content.extend(calls.into_iter().map(
                |(name, input)| json!({ "type": "tool_use", "id": ask.id("toolu_"), "name": name, "input": input }),
            ));
            "tool_use"
        }
        Outcome::Refused => "refusal",
        Outcome::Empty => "end_turn",
        Outcome::CutOff(text) => {
            // A thought may use up all there is.
            if !thought.thinking {
                content.push(json!({ "type": "text", "text": text }));
            }
            "max_tokens"
        }
        Outcome::Failed(trouble) => return Err(trouble),
    };
    Ok(json!({
        "id": ask.id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": {
            "input_tokens": 230, "output_tokens": 42, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        },
    }))
}
