//! OpenAI: Responses, and Chat Completions, which other servers speak too.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::brain::{Heard, Turn};
use super::{Ask, Outcome, Thought, Trouble, is_strict, schema};
use crate::clock;

/// A refusal in OpenAI's words.
pub(in crate::stand_ins) fn refused(trouble: &Trouble) -> Response {
    let (status, kind, param, code, message): (u16, &str, Option<&str>, Option<&str>, String) = match trouble {
        Trouble::MoneyGone => {
            let message = "You exceeded your current quota, please check your plan and billing details.";
            (429, "insufficient_quota", None, Some("credit_balance_exhausted"), message.to_owned())
        }
        Trouble::SpendLimit => {
            let message = "Your organization has reached its spend limit.";
            (429, "insufficient_quota", None, Some("organization_spend_limit_exceeded"), message.to_owned())
        }
        Trouble::RateLimited { .. } => {
            let message = "Rate limit reached for requests. Please try again later.";
            (429, "requests", None, Some("rate_limit_exceeded"), message.to_owned())
        }
        Trouble::Overloaded => {
            let message = "The engine is currently overloaded, please try again later";
            (503, "service_unavailable_error", None, Some("server_is_overloaded"), message.to_owned())
        }
        Trouble::ServerError => {
            let message = "The server had an error while processing your request. Sorry about that!";
            (500, "server_error", None, None, message.to_owned())
        }
        Trouble::NoKey => {
            let message = "You didn't provide an API key. You need to provide your API key in an Authorization header.";
            (401, "invalid_request_error", None, None, message.to_owned())
        }
        Trouble::WrongKey => {
            let message = "Incorrect API key provided.";
            (401, "invalid_request_error", None, Some("invalid_api_key"), message.to_owned())
        }
        Trouble::NoSuchModel(model) => {
            let message = format!("The model `{model}` does not exist or you do not have access to it.");
            (404, "invalid_request_error", None, Some("model_not_found"), message)
        }
        Trouble::Bad(message, field) => (400, "invalid_request_error", Some(field), code_of(message), message.clone()),
        Trouble::Missing(message) => (404, "invalid_request_error", Some("input"), None, message.clone()),
        Trouble::TooLarge => {
            let message = "Maximum content size limit (26214400) exceeded";
            (413, "server_error", None, None, message.to_owned())
        }
    };
    let body = json!({ "error": { "message": message, "type": kind, "param": param, "code": code } });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", HeaderValue::from_static("req_local"));
    if let Trouble::RateLimited { retry_after: Some(seconds) } = trouble {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    (status, headers, Json(body)).into_response()
}

fn code_of(message: &str) -> Option<&'static str> {
    match message {
        message if message.starts_with("Unsupported parameter") => Some("unsupported_parameter"),
        message if message.starts_with("Invalid schema") => Some("invalid_json_schema"),
        message if message.starts_with("Missing required parameter") => Some("missing_required_parameter"),
        message if message.starts_with("Invalid value") => Some("invalid_value"),
        _ => None,
    }
}

fn unsupported(body: &Value, model: &str, fields: &[&'static str]) -> Result<(), Trouble> {
    let given = fields.iter().find(|field| is_strict(model) && body.get(**field).is_some_and(|value| !value.is_null()));
    match given {
        Some(field) => {
            let instead = if *field == "max_tokens" { " Use 'max_completion_tokens' instead." } else { "" };
            let message = format!("Unsupported parameter: '{field}' is not supported with this model.{instead}");
            Err(Trouble::bad(message, field))
        }
        None => Ok(()),
    }
}

fn strict_schema(format: Option<&Value>, field: &'static str) -> Result<(), Trouble> {
    let Some(format) = format else { return Ok(()) };
    if format.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(Trouble::bad(format!("Missing required parameter: '{field}.name'."), field));
    }
    let strict = format.get("strict") == Some(&Value::Bool(true));
    let problem = schema::problem(format.get("schema").unwrap_or(&Value::Null), true);
    match problem.filter(|_| strict) {
        Some(problem) => Err(Trouble::bad(format!("Invalid schema for response_format: {problem}"), field)),
        None => Ok(()),
    }
}

fn missing(field: &'static str) -> Trouble {
    Trouble::bad(format!("Missing required parameter: '{field}'."), field)
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// `POST /v1/responses`
pub(super) async fn responses(ask: Ask) -> Response {
    match responded(&ask).await {
        Ok(answer) => Json(answer).into_response(),
        Err(trouble) => refused(&trouble),
    }
}

async fn responded(ask: &Ask) -> Result<Value, Trouble> {
    ask.is_good(ask.bearer())?;
    let body = ask.json()?;
    let model = ask.model(body.get("model").and_then(Value::as_str))?;
    unsupported(&body, &model, &["temperature", "top_p"])?;
    for foreign in ["messages", "max_tokens", "max_completion_tokens", "response_format"] {
        if body.get(foreign).is_some() {
            return Err(Trouble::bad(format!("Unsupported parameter: '{foreign}'."), "body"));
        }
    }
    if body.get("max_output_tokens").and_then(Value::as_u64).is_some_and(|tokens| tokens < 16) {
        return Err(Trouble::bad(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.",
            "max_output_tokens",
        ));
    }
    let format = body.pointer("/text/format").filter(|format| text_of(format, "type") == "json_schema");
    strict_schema(format, "text.format")?;
    let mut tools = BTreeMap::new();
    for tool in list(&body, "tools") {
        let name = text_of(tool, "name");
        if text_of(tool, "type") == "function" && name.is_empty() {
            return Err(missing("tools[0].name"));
        }
        tools.insert(name.to_owned(), tool.get("parameters").cloned().unwrap_or_default());
    }
    let turns = input(&body)?;
    let heard = Heard::of(model, &turns, tools);
    let thought = ask.think("responses", &heard, body.clone()).await;
    response(ask, &heard.model, &body, thought)
}

/// The conversation, each part held to the form that its author has to use.
fn input(body: &Value) -> Result<Vec<Turn>, Trouble> {
    let items = match body.get("input") {
        Some(Value::String(text)) => return Ok(vec![Turn::Customer { text: text.clone(), images: 0 }]),
        Some(Value::Array(items)) => items,
        _ => return Err(missing("input")),
    };
    let stored = body.get("store") != Some(&Value::Bool(false));
    let mut turns = Vec::new();
    let mut calls = Vec::new();
    for item in items {
        match text_of(item, "type") {
            "function_call" => {
                calls.push(text_of(item, "call_id"));
                turns.push(Turn::Us);
            }
            "function_call_output" => {
                let call = text_of(item, "call_id");
                if !calls.contains(&call) {
                    let message = format!("No tool call found for function call output with call_id {call}.");
                    return Err(Trouble::bad(message, "input"));
                }
                let output = item.get("output").cloned().unwrap_or_default();
                turns.push(Turn::Found(output.as_str().map_or_else(|| output.to_string(), str::to_owned)));
            }
            "reasoning" if !stored && item.get("encrypted_content").is_none_or(Value::is_null) => {
                let id = text_of(item, "id");
                let message = format!(
                    "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with \
                     `store` set to true, or remove this item from your input."
                );
                return Err(Trouble::Missing(message));
            }
            "reasoning" => {}
            "" | "message" => turns.extend(spoken(item)?),
            other => return Err(Trouble::bad(format!("Invalid value: '{other}'."), "input")),
        }
    }
    Ok(turns)
}

fn spoken(item: &Value) -> Result<Option<Turn>, Trouble> {
    let role = text_of(item, "role");
    let (mut texts, mut images) = (Vec::new(), 0);
    match item.get("content") {
        Some(Value::String(text)) => texts.push(text.clone()),
        Some(Value::Array(parts)) => {
            for part in parts {
                match (role, text_of(part, "type")) {
                    ("assistant", "output_text" | "refusal") => {}
                    ("user" | "system" | "developer", "input_text") => texts.push(text_of(part, "text").to_owned()),
                    ("user", "input_image") if text_of(part, "image_url").starts_with("http") => images += 1,
                    ("user", "input_image") if text_of(part, "image_url").starts_with("data:image/") => images += 1,
                    (_, other) => {
                        let good = if role == "assistant" {
                            "'output_text' and 'refusal'"
                        } else {
                            "'input_text' and 'input_image'"
                        };
                        let message = format!("Invalid value: '{other}'. Supported values are: {good}.");
                        return Err(Trouble::bad(message, "input"));
                    }
                }
            }
        }
        _ => return Err(missing("input[0].content")),
    }
    match role {
        "user" => Ok(Some(Turn::Customer { text: texts.join("\n"), images })),
        "assistant" => Ok(Some(Turn::Us)),
        "system" | "developer" => Ok(None),
        other => Err(Trouble::bad(format!("Invalid value: '{other}'."), "input")),
    }
}

fn response(ask: &Ask, model: &str, body: &Value, thought: Thought) -> Result<Value, Trouble> {
    let mut output = Vec::new();
    if thought.thinking {
        let mut item = json!({ "id": ask.id("rs_"), "type": "reasoning", "summary": [] });
        let wanted = list(body, "include").iter().any(|wanted| wanted == "reasoning.encrypted_content");
        if let Some(fields) = item.as_object_mut().filter(|_| wanted) {
            fields.insert("encrypted_content".to_owned(), json!(format!("gAAAA{}", ask.id("think"))));
        }
        output.push(item);
    }
    let message = |status: &str, part: Value| json!({ "id": ask.id("msg_"), "type": "message", "status": status, "role": "assistant", "content": [part] });
    let said = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] });
    let mut incomplete = Value::Null;
    match thought.outcome {
        Outcome::Said(text) => output.push(message("completed", said(&text))),
        Outcome::Calls(calls) => output.extend(calls.into_iter().map(|(name, arguments)| {
            json!({
                "id": ask.id("fc_"), "type": "function_call", "status": "completed", "call_id": ask.id("call_"),
                "name": name, "arguments": arguments.to_string(),
            })
        })),
        Outcome::Refused => {
            let refusal = json!({ "type": "refusal", "refusal": "I'm sorry, I cannot assist with that request." });
            output.push(message("completed", refusal));
        }
        Outcome::Empty => {}
        Outcome::CutOff(text) => {
            output.push(message("incomplete", said(&text)));
            incomplete = json!({ "reason": "max_output_tokens" });
        }
        Outcome::Failed(trouble) => return Err(trouble),
    }
    Ok(json!({
        "id": ask.id("resp_"),
        "object": "response",
        "created_at": clock::now_ms().div_euclid(1000),
        "status": if incomplete.is_null() { "completed" } else { "incomplete" },
        "error": null,
        "incomplete_details": incomplete,
        "model": model,
        "output": output,
        "parallel_tool_calls": true,
        "store": body.get("store").cloned().unwrap_or(json!(true)),
        "usage": {
            "input_tokens": 210, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": 42,
            "output_tokens_details": { "reasoning_tokens": if thought.thinking { 24 } else { 0 } }, "total_tokens": 252,
        },
    }))
}

/// `POST /v1/chat/completions`
pub(super) async fn chat(ask: Ask) -> Response {
    match chatted(&ask).await {
        Ok(answer) => Json(answer).into_response(),
        Err(trouble) => refused(&trouble),
    }
}

async fn chatted(ask: &Ask) -> Result<Value, Trouble> {
    ask.is_good(ask.bearer())?;
    let body = ask.json()?;
    let model = ask.model(body.get("model").and_then(Value::as_str))?;
    unsupported(&body, &model, &["temperature", "top_p", "max_tokens"])?;
    let format = body.get("response_format").filter(|format| text_of(format, "type") == "json_schema");
    strict_schema(format.map(|format| format.get("json_schema").unwrap_or(&Value::Null)), "response_format")?;
    let mut tools = BTreeMap::new();
    for tool in list(&body, "tools") {
        let function = tool.get("function").ok_or_else(|| missing("tools[0].function"))?;
        tools.insert(text_of(function, "name").to_owned(), function.get("parameters").cloned().unwrap_or_default());
    }
    let effort = body.get("reasoning_effort").and_then(Value::as_str);
    if model.starts_with("gpt-5.6") && !tools.is_empty() && effort.is_some_and(|effort| effort != "none") {
        let message =
            "Function tools with reasoning_effort are not supported in /v1/chat/completions. Use /v1/responses.";
        return Err(Trouble::bad(message, "reasoning_effort"));
    }
    let turns = messages(&body)?;
    let heard = Heard::of(model, &turns, tools);
    let thought = ask.think("chat_completions", &heard, body).await;
    completion(ask, &heard.model, thought)
}

fn messages(body: &Value) -> Result<Vec<Turn>, Trouble> {
    let all = list(body, "messages");
    if all.is_empty() {
        return Err(missing("messages"));
    }
    let (mut turns, mut calls) = (Vec::new(), Vec::new());
    for message in all {
        match text_of(message, "role") {
            "system" | "developer" => {}
            "assistant" => {
                calls = list(message, "tool_calls").iter().map(|call| text_of(call, "id")).collect();
                turns.push(Turn::Us);
            }
            "tool" => {
                if !calls.contains(&text_of(message, "tool_call_id")) {
                    let words = "Invalid parameter: messages with role 'tool' must be a response to a preceding message \
                                 with 'tool_calls'.";
                    return Err(Trouble::bad(words, "messages"));
                }
                turns.push(Turn::Found(text_of(message, "content").to_owned()));
            }
            "user" => {
                let (mut texts, mut images) = (vec![text_of(message, "content").to_owned()], 0);
                for part in list(message, "content") {
                    match text_of(part, "type") {
                        "text" => texts.push(text_of(part, "text").to_owned()),
                        "image_url" if part.pointer("/image_url/url").is_some_and(Value::is_string) => images += 1,
                        other => return Err(Trouble::bad(format!("Invalid value: '{other}'."), "messages")),
                    }
                }
                texts.retain(|text| !text.is_empty());
                turns.push(Turn::Customer { text: texts.join("\n"), images });
            }
            other => return Err(Trouble::bad(format!("Invalid value: '{other}'."), "messages")),
        }
    }
    Ok(turns)
}

fn completion(ask: &Ask, model: &str, thought: Thought) -> Result<Value, Trouble> {
    let mut message = json!({ "role": "assistant", "content": null, "refusal": null });
    let mut finish = "stop";
    let mut put = |field: &str, value: Value| {
        if let Some(fields) = message.as_object_mut() {
            fields.insert(field.to_owned(), value);
        }
    };
    match thought.outcome {
        Outcome::Said(text) => put("content", json!(text)),
        Outcome::Calls(calls) => {
            let call = |(name, arguments): (String, Value)| {
                let function = json!({ "name": name, "arguments": arguments.to_string() });
                json!({ "id": ask.id("call_"), "type": "function", "function": function })
            };
            put("tool_calls", calls.into_iter().map(call).collect());
            finish = "tool_calls";
        }
        Outcome::Refused => put("refusal", json!("I'm sorry, I cannot assist with that request.")),
        Outcome::Empty => put("content", json!("")),
        Outcome::CutOff(text) => {
            put("content", json!(text));
            finish = "length";
        }
        Outcome::Failed(trouble) => return Err(trouble),
    }
    if thought.thinking {
        // As servers of open models show it.
        put("reasoning_content", json!("The customer wants something; a short answer will do."));
    }
    Ok(json!({
        "id": ask.id("chatcmpl-"),
        "object": "chat.completion",
        "created": clock::now_ms().div_euclid(1000),
        "model": model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
        "usage": { "prompt_tokens": 210, "completion_tokens": 42, "total_tokens": 252 },
    }))
}
