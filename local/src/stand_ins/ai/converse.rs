//! Amazon Bedrock's Converse, in JSON. Signatures are not looked at, only that there is one.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequest, Path, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

use super::brain::{Heard, Turn};
use super::{Ask, Outcome, Thought, Trouble, is_strict};
use crate::stand_ins::app::App;

/// A refusal in Bedrock's words.
pub(in crate::stand_ins) fn refused(trouble: &Trouble) -> Response {
    let (status, kind, message): (u16, &str, String) = match trouble {
        Trouble::MoneyGone | Trouble::SpendLimit => {
            let message = "Model access is denied due to INVALID_PAYMENT_INSTRUMENT: a valid payment instrument must be provided.";
            (403, "AccessDeniedException", message.to_owned())
        }
        Trouble::RateLimited { .. } => {
            (429, "ThrottlingException", "Too many requests, please wait before trying again.".to_owned())
        }
        Trouble::Overloaded => {
            (503, "ServiceUnavailableException", "Bedrock is unable to process your request.".to_owned())
        }
        Trouble::ServerError => {
            (500, "InternalServerException", "The system encountered an unexpected error.".to_owned())
        }
        Trouble::NoKey => (403, "MissingAuthenticationTokenException", "Missing Authentication Token".to_owned()),
        Trouble::WrongKey => {
            (403, "UnrecognizedClientException", "The security token included in the request is invalid.".to_owned())
        }
        Trouble::NoSuchModel(_) => (400, "ValidationException", "The provided model identifier is invalid.".to_owned()),
        Trouble::Bad(message, _) => (400, "ValidationException", message.clone()),
        Trouble::Missing(message) => (404, "ResourceNotFoundException", message.clone()),
        Trouble::TooLarge => (413, "ValidationException", "Request is too large.".to_owned()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("x-amzn-errortype", kind)], Json(json!({ "message": message }))).into_response()
}

fn bad(message: impl Into<String>) -> Trouble {
    Trouble::bad(message, "body")
}

fn text_of<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, place: &str) -> &'a [Value] {
    value.pointer(place).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// `POST /model/{id}/converse`
pub(super) async fn converse(
    Path(model): Path<String>,
    app: axum::extract::State<Arc<App>>,
    request: Request,
) -> Response {
    let ask = match Ask::from_request(request, &app.0).await {
        Ok(ask) => ask,
        Err(status) => return status.into_response(),
    };
    match answered(&ask, &model).await {
        Ok(answer) => Json(answer).into_response(),
        Err(trouble) => refused(&trouble),
    }
}

async fn answered(ask: &Ask, model: &str) -> Result<Value, Trouble> {
    ask.header(header::AUTHORIZATION.as_str()).ok_or(Trouble::NoKey)?;
    let body = ask.json()?;
    let model = ask.model(Some(model))?;
    let sampling =
        ["temperature", "topP"].into_iter().find(|field| body.pointer(&format!("/inferenceConfig/{field}")).is_some());
    if let Some(field) = sampling.filter(|_| is_strict(&model)) {
        return Err(bad(format!("The model returned the following errors: `{field}` is not supported by this model")));
    }
    let forced = ["any", "tool"].iter().any(|kind| body.pointer(&format!("/toolConfig/toolChoice/{kind}")).is_some());
    if forced && is_strict(&model) {
        return Err(bad("The model returned the following errors: forced tool use is not supported by this model"));
    }
    let mut tools = BTreeMap::new();
    for tool in list(&body, "/toolConfig/tools") {
        let schema = tool.pointer("/toolSpec/inputSchema/json").cloned();
        let schema = schema.ok_or_else(|| bad("toolConfig.tools.0.toolSpec.inputSchema: json is required"))?;
        tools.insert(text_of(tool, "/toolSpec/name").to_owned(), schema);
    }
    let turns = turns(&body, !tools.is_empty(), is_strict(&model))?;
    let heard = Heard::of(model, &turns, tools);
    let thought = ask.think("converse", &heard, body).await;
    message(ask, thought)
}

fn turns(body: &Value, has_tools: bool, strict: bool) -> Result<Vec<Turn>, Trouble> {
    let all = list(body, "/messages");
    let roles: Vec<&str> = all.iter().map(|message| text_of(message, "/role")).collect();
    if roles.first() != Some(&"user") {
        return Err(bad(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
        ));
    }
    if roles.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(bad(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
        ));
    }
    if strict && roles.last() == Some(&"assistant") {
        return Err(bad(
            "The model returned the following errors: This model does not support assistant message prefill.",
        ));
    }
    let mut turns = Vec::new();
    let mut calls: Vec<&str> = Vec::new();
    for message in all {
        let (mut texts, mut images, mut found, mut asked) = (Vec::new(), 0, Vec::new(), Vec::new());
        for block in list(message, "/content") {
            let of_tools = block.get("toolUse").is_some() || block.get("toolResult").is_some();
            if of_tools && !has_tools {
                return Err(bad(
                    "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
                ));
            }
            if let Some(text) = block.get("text").and_then(Value::as_str) {
                if text.trim().is_empty() {
                    return Err(bad(
                        "The text field in the ContentBlock object is blank. Add text to the text field, and try again.",
                    ));
                }
                texts.push(text);
            } else if block.pointer("/image/source/bytes").is_some_and(Value::is_string) {
                images += 1;
            } else if block.get("toolUse").is_some() {
                asked.push(text_of(block, "/toolUse/toolUseId"));
            } else if block.get("toolResult").is_some() {
                if !calls.contains(&text_of(block, "/toolResult/toolUseId")) {
                    return Err(bad(
                        "The number of toolResult blocks exceeds the number of toolUse blocks of previous turn.",
                    ));
                }
                let parts = list(block, "/toolResult/content").iter();
                let parts = parts
                    .map(|part| part.get("json").map_or_else(|| text_of(part, "/text").to_owned(), Value::to_string));
                found.push(Turn::Found(parts.collect::<Vec<_>>().join("\n")));
            } else if block.get("reasoningContent").is_none() {
                return Err(bad(
                    "ContentBlock object must set one of the following keys: text, image, toolUse, toolResult, reasoningContent.",
                ));
            }
        }
        calls = asked;
        match text_of(message, "/role") {
            "user" if found.is_empty() => turns.push(Turn::Customer { text: texts.join("\n"), images }),
            "user" => turns.extend(found),
            _ => turns.push(Turn::Us),
        }
    }
    Ok(turns)
}

fn message(ask: &Ask, thought: Thought) -> Result<Value, Trouble> {
    let mut content = Vec::new();
    if thought.thinking {
        let thinking = json!({ "text": "A short answer will do.", "signature": "EqoBCkgIFICTIONAL" });
        content.push(json!({ "reasoningContent": { "reasoningText": thinking } }));
    }
    let stop = match thought.outcome {
        Outcome::Said(text) => {
            content.push(json!({ "text": text }));
            "end_turn"
        }
        Outcome::Calls(calls) => {
            content.extend(calls.into_iter().map(
                |(name, input)| json!({ "toolUse": { "toolUseId": ask.id("tooluse_"), "name": name, "input": input } }),
            ));
            "tool_use"
        }
        Outcome::Refused => "content_filtered",
        Outcome::Empty => "end_turn",
        Outcome::CutOff(text) => {
            content.push(json!({ "text": text }));
            "max_tokens"
        }
        Outcome::Failed(trouble) => return Err(trouble),
    };
    Ok(json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop,
        "usage": { "inputTokens": 230, "outputTokens": 42, "totalTokens": 272 },
        "metrics": { "latencyMs": 12 },
    }))
}
