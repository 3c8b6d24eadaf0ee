//! OpenAI's Responses API.

use std::sync::atomic::{AtomicBool, Ordering};

use frontdesk_core::{
    agent::{
        Agent, ModelFailure, Picture, SEARCH_TOOL, SEARCH_TOOL_MEANING, Talk, Thought, ToolCall, Turn, answer_schema,
        search_schema,
    },
    config::ModelConfig,
    time::Clock,
};
use serde_json::{Value, json};

use super::{ANSWER, URL, arguments, data_url, names_tools, put, thought};
use crate::{
    CredentialVault, Http, SetupError, json,
    model::{INCLUDE, Service, failure, transient},
};

/// OpenAI's models. Nothing is stored there: every step sends the whole conversation, thoughts included, which come
/// encrypted.
#[derive(Debug)]
pub struct OpenAi<V, C> {
    service: Service<V, C>,
    config: ModelConfig,
    /// The model has said that it has no thoughts to send. Older ones refuse to be asked for them.
    thoughtless: AtomicBool,
}

impl<V: CredentialVault, C: Clock> OpenAi<V, C> {
    /// Takes URL and model from the settings. The vault holds the key, or `{"api_key"}`.
    ///
    /// # Errors
    /// [`SetupError`] when the URL cannot be used.
    pub fn new(http: Http, config: &ModelConfig, vault: V, clock: C) -> Result<Self, SetupError> {
        let service = Service::new(http, URL, &config.url, "/v1/responses", vault, clock)?;
        Ok(Self { service, config: config.clone(), thoughtless: AtomicBool::new(false) })
    }

    fn body(&self, talk: &Talk<'_>) -> Value {
        let mut body = json!({
            "model": self.config.model,
            "instructions": talk.system,
            "input": talk.turns.iter().flat_map(|turn| self.items(turn)).collect::<Vec<_>>(),
            "max_output_tokens": talk.tokens_max,
            "store": false,
            "text": { "format": { "type": "json_schema", "name": ANSWER, "strict": true, "schema": answer_schema(talk.extras) } },
        });
        if !self.thoughtless.load(Ordering::Relaxed) {
            put(&mut body, INCLUDE, json!(["reasoning.encrypted_content"]));
        }
        if let Some(effort) = &self.config.effort {
            put(&mut body, "reasoning", json!({ "effort": effort }));
        }
        if names_tools(talk) {
            put(
                &mut body,
                "tools",
                json!([{
                    "type": "function",
                    "name": SEARCH_TOOL,
                    "description": SEARCH_TOOL_MEANING,
                    "parameters": search_schema(),
                    "strict": true,
                }]),
            );
            if !talk.may_search {
                put(&mut body, "tool_choice", json!("none"));
            }
        }
        body
    }

    fn items(&self, turn: &Turn) -> Vec<Value> {
        match turn {
            Turn::Customer { text, pictures } => {
                let seen: &[Picture] = if self.config.sees { pictures } else { &[] };
                let pictures =
                    seen.iter().map(|picture| json!({ "type": "input_image", "image_url": data_url(picture) }));
                let words = (!text.is_empty()).then(|| json!({ "type": "input_text", "text": text }));
                let content: Vec<Value> = pictures.chain(words).collect();
                if content.is_empty() { Vec::new() } else { vec![json!({ "role": "user", "content": content })] }
            }
            Turn::Us(text) => vec![json!({ "role": "assistant", "content": text })],
            Turn::Calls { calls, raw } => match raw.as_array() {
                Some(items) if !items.is_empty() => items.clone(),
                _ => calls.iter().map(function_call).collect(),
            },
            Turn::Found { call, content } => {
                vec![json!({ "type": "function_call_output", "call_id": call, "output": content })]
            }
        }
    }
}

fn function_call(call: &ToolCall) -> Value {
    let arguments = call.arguments.to_string();
    json!({ "type": "function_call", "call_id": call.id, "name": call.tool, "arguments": arguments })
}

impl<V: CredentialVault, C: Clock> Agent for OpenAi<V, C> {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        let asked = !self.thoughtless.load(Ordering::Relaxed);
        let send = |body: Value| async move {
            self.service
                .call(talk.timeout, |client, url, key| client.post(url).bearer_auth(key.expose()).json(&body))
                .await
        };
        let answer = match send(self.body(talk)).await {
            Err(ModelFailure::Refused { detail }) if asked && detail.ends_with(&format!("({INCLUDE})")) => {
                self.thoughtless.store(true, Ordering::Relaxed);
                send(self.body(talk)).await?
            }
            first => first?,
        };
        read(&answer)
    }

    fn sees(&self) -> bool {
        self.config.sees
    }
}

fn read(answer: &Value) -> Result<Thought, ModelFailure> {
    match answer.get("status").and_then(Value::as_str) {
        Some("completed") => {}
        Some("incomplete") => {
            let reason = answer.pointer("/incomplete_details/reason").and_then(Value::as_str);
            return Ok(if reason == Some("content_filter") { Thought::Refused } else { Thought::CutOff });
        }
        Some("failed") => {
            let error = answer.get("error").unwrap_or(&Value::Null);
            let status = if error["code"] == "rate_limit_exceeded" { 429 } else { 500 };
            return Err(failure(status, error, None));
        }
        _ => return Err(transient("an answer without an end")),
    }
    let (mut calls, mut text) = (Vec::new(), String::new());
    for item in json::items(answer, "output") {
        match item["type"].as_str() {
            Some("function_call") => calls.push(ToolCall {
                id: item["call_id"].as_str().unwrap_or_default().to_owned(),
                tool: item["name"].as_str().unwrap_or_default().to_owned(),
                arguments: arguments(item["arguments"].as_str().unwrap_or_default()),
            }),
            Some("message") => {
                if json::items(item, "content").any(|part| part["type"] == "refusal") {
                    return Ok(Thought::Refused);
                }
                let parts = json::items(item, "content").filter(|part| part["type"] == "output_text");
                let said: String = parts.filter_map(|part| part["text"].as_str()).collect();
                // Of several the last one is the answer; the others say what it is about to do.
                if !said.trim().is_empty() {
                    text = said;
                }
            }
            _ => {}
        }
    }
    Ok(thought(calls, || answer["output"].clone(), text))
}
