//! Chat Completions, which many servers speak, each a little differently.

use frontdesk_core::{
    agent::{
        Agent, ModelFailure, Picture, SEARCH_TOOL, SEARCH_TOOL_MEANING, Talk, Thought, ToolCall, Turn, answer_schema,
        search_schema,
    },
    config::ModelConfig,
    time::Clock,
};
use serde_json::{Map, Value, json};

use super::{ANSWER, FORGOTTEN, URL, arguments, data_url, names_tools, put, thought};
use crate::{
    CredentialVault, Http, SetupError, json,
    model::{Service, failure, transient},
};

/// A server that speaks OpenAI's Chat Completions.
#[derive(Debug)]
pub struct Compatible<V, C> {
    service: Service<V, C>,
    config: ModelConfig,
}

impl<V: CredentialVault, C: Clock> Compatible<V, C> {
    /// Takes URL and model from the settings. The vault holds the key, or `{"api_key"}`.
    ///
    /// # Errors
    /// [`SetupError`] when the URL cannot be used.
    pub fn new(http: Http, config: &ModelConfig, vault: V, clock: C) -> Result<Self, SetupError> {
        let service = Service::new(http, URL, &config.url, "/v1/chat/completions", vault, clock)?;
        Ok(Self { service, config: config.clone() })
    }

    fn body(&self, talk: &Talk<'_>) -> Value {
        let format = json!({ "name": ANSWER, "strict": true, "schema": answer_schema(talk.extras) });
        let mut body = json!({
            "model": self.config.model,
            "messages": self.messages(talk),
            // Many of them know no other name for it.
            "max_tokens": talk.tokens_max,
            "response_format": { "type": "json_schema", "json_schema": format },
        });
        if let Some(effort) = &self.config.effort {
            put(&mut body, "reasoning_effort", json!(effort));
        }
        if names_tools(talk) {
            put(
                &mut body,
                "tools",
                json!([{ "type": "function", "function": {
                    "name": SEARCH_TOOL,
                    "description": SEARCH_TOOL_MEANING,
                    "parameters": search_schema(),
                    "strict": true,
                }}]),
            );
            if !talk.may_search {
                put(&mut body, "tool_choice", json!("none"));
            }
        }
        body
    }

    fn messages(&self, talk: &Talk<'_>) -> Vec<Value> {
        let mut messages = vec![json!({ "role": "system", "content": talk.system })];
        let mut heard: Vec<Value> = Vec::new();
        for turn in talk.turns {
            match turn {
                // Several in a row are one: some models' templates want the sides to take turns.
                Turn::Customer { text, pictures } => {
                    let seen: &[Picture] = if self.config.sees { pictures } else { &[] };
                    let url = |picture| json!({ "type": "image_url", "image_url": { "url": data_url(picture) } });
                    heard.extend(seen.iter().map(url));
                    heard.extend((!text.is_empty()).then(|| json!({ "type": "text", "text": text })));
                    continue;
                }
                Turn::Us(text) => {
                    if messages.len() == 1 && heard.is_empty() {
                        heard.push(json!({ "type": "text", "text": FORGOTTEN }));
                    }
                    flush(&mut messages, &mut heard);
                    messages.push(json!({ "role": "assistant", "content": text }));
                }
                Turn::Calls { calls, raw } => {
                    flush(&mut messages, &mut heard);
                    messages.push(if raw.is_object() { raw.clone() } else { called(calls) });
                }
                Turn::Found { call, content } => {
                    flush(&mut messages, &mut heard);
                    messages.push(json!({ "role": "tool", "tool_call_id": call, "content": content }));
                }
            }
        }
        flush(&mut messages, &mut heard);
        messages
    }
}

/// What was heard as one message: a text where there is nothing else, which every server understands.
fn flush(messages: &mut Vec<Value>, heard: &mut Vec<Value>) {
    if heard.is_empty() {
        return;
    }
    let parts = std::mem::take(heard);
    let texts: Option<Vec<&str>> = parts.iter().map(|part| part["text"].as_str()).collect();
    let content = texts.map(|texts| Value::from(texts.join("\n\n")));
    messages.push(json!({ "role": "user", "content": content.unwrap_or(Value::Array(parts)) }));
}

fn called(calls: &[ToolCall]) -> Value {
    let function = |call: &ToolCall| {
        let function = json!({ "name": call.tool, "arguments": call.arguments.to_string() });
        json!({ "id": call.id, "type": "function", "function": function })
    };
    json!({ "role": "assistant", "tool_calls": calls.iter().map(function).collect::<Vec<_>>() })
}

impl<V: CredentialVault, C: Clock> Agent for Compatible<V, C> {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        let body = self.body(talk);
        let make = |client: &reqwest::Client, url, key: &frontdesk_core::signature::Secret| {
            client.post(url).bearer_auth(key.expose()).json(&body)
        };
        read(&self.service.call(talk.timeout, make).await?)
    }

    fn sees(&self) -> bool {
        self.config.sees
    }
}

fn read(answer: &Value) -> Result<Thought, ModelFailure> {
    // A server that stands before others may say 200 for their failures.
    if let Some(error) = answer.get("error").filter(|error| error.is_object()) {
        let status = error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
        return Err(failure(status, error, None));
    }
    let choice = answer.pointer("/choices/0").ok_or_else(|| transient("an answer without a choice"))?;
    let message = &choice["message"];
    let refused = message["refusal"].as_str().is_some_and(|text| !text.is_empty());
    match choice["finish_reason"].as_str() {
        _ if refused => return Ok(Thought::Refused),
        Some("content_filter") => return Ok(Thought::Refused),
        Some("length") => return Ok(Thought::CutOff),
        _ => {}
    }
    let mut named = true;
    let calls: Vec<ToolCall> = json::items(message, "tool_calls")
        .enumerate()
        .map(|(at, call)| {
            let id = call["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
            named &= id.is_some();
            let function = &call["function"];
            let given = &function["arguments"];
            ToolCall {
                id: id.unwrap_or_else(|| format!("call_{at}")),
                tool: function["name"].as_str().unwrap_or_default().to_owned(),
                arguments: given.as_str().map_or_else(|| given.clone(), arguments),
            }
        })
        .collect();
    let parts = json::items(message, "content").filter_map(|part| part["text"].as_str());
    let text = message["content"].as_str().map_or_else(|| parts.collect(), str::to_owned);
    // Calls without names are told again with those that they were given here.
    Ok(thought(calls, || if named { without_nulls(message) } else { Value::Null }, text))
}

/// Servers that say `null` do not always take it back.
fn without_nulls(message: &Value) -> Value {
    let fields = message.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let mut fields: Map<String, Value> = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    fields.insert("role".to_owned(), json!("assistant"));
    Value::Object(fields)
}
