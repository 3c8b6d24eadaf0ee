//! Anthropic's Messages API.

use frontdesk_core::{
    agent::{
        Agent, ModelFailure, Picture, SEARCH_TOOL, SEARCH_TOOL_MEANING, Talk, Thought, ToolCall, Turn, answer_schema,
        search_schema,
    },
    config::ModelConfig,
    signature::Secret,
    time::Clock,
};
use serde_json::{Value, json};

use super::{FORGOTTEN, URL, base64, names_tools, put, thought};
use crate::{
    CredentialVault, Http, SetupError, json,
    model::{Service, transient},
};

const VERSION: &str = "2023-06-01";

/// Anthropic's models.
#[derive(Debug)]
pub struct Anthropic<V, C> {
    service: Service<V, C>,
    config: ModelConfig,
}

impl<V: CredentialVault, C: Clock> Anthropic<V, C> {
    /// Takes URL and model from the settings. The vault holds the key, or `{"api_key"}`.
    ///
    /// # Errors
    /// [`SetupError`] when the URL cannot be used.
    pub fn new(http: Http, config: &ModelConfig, vault: V, clock: C) -> Result<Self, SetupError> {
        let service = Service::new(http, URL, &config.url, "/v1/messages", vault, clock)?;
        Ok(Self { service, config: config.clone() })
    }

    fn body(&self, talk: &Talk<'_>) -> Value {
        let mut output = json!({ "format": { "type": "json_schema", "schema": answer_schema(talk.extras) } });
        if let Some(effort) = &self.config.effort {
            put(&mut output, "effort", json!(effort));
        }
        let mut body = json!({
            "model": self.config.model,
            "max_tokens": talk.tokens_max,
            "system": talk.system,
            "messages": self.messages(talk.turns),
            "output_config": output,
        });
        if names_tools(talk) {
            put(
                &mut body,
                "tools",
                json!([{ "name": SEARCH_TOOL, "description": SEARCH_TOOL_MEANING, "input_schema": search_schema() }]),
            );
            if !talk.may_search {
                put(&mut body, "tool_choice", json!({ "type": "none" }));
            }
        }
        body
    }

    /// The sides take turns, and the customer begins.
    fn messages(&self, turns: &[Turn]) -> Vec<Value> {
        let mut sides: Vec<(&str, Vec<Value>)> = Vec::new();
        for turn in turns {
            let (side, blocks) = self.blocks(turn);
            if blocks.is_empty() {
                continue;
            }
            if sides.is_empty() && side == "assistant" {
                sides.push(("user", vec![json!({ "type": "text", "text": FORGOTTEN })]));
            }
            match sides.last_mut() {
                Some((last, content)) if *last == side => content.extend(blocks),
                _ => sides.push((side, blocks)),
            }
        }
        sides.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect()
    }

    fn blocks(&self, turn: &Turn) -> (&'static str, Vec<Value>) {
        let words = |text: &String| (!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text }));
        match turn {
            Turn::Customer { text, pictures } => {
                let seen: &[Picture] = if self.config.sees { pictures } else { &[] };
                ("user", seen.iter().map(image).chain(words(text)).collect())
            }
            Turn::Us(text) => ("assistant", words(text).into_iter().collect()),
            Turn::Calls { calls, raw } => match raw.as_array() {
                // Thoughts are signed: word for word, or not at all.
                Some(blocks) if !blocks.is_empty() => ("assistant", blocks.clone()),
                _ => ("assistant", calls.iter().map(tool_use).collect()),
            },
            Turn::Found { call, content } => {
                ("user", vec![json!({ "type": "tool_result", "tool_use_id": call, "content": content })])
            }
        }
    }
}

fn image(picture: &Picture) -> Value {
    let source = json!({ "type": "base64", "media_type": picture.mime, "data": base64(picture) });
    json!({ "type": "image", "source": source })
}

fn tool_use(call: &ToolCall) -> Value {
    json!({ "type": "tool_use", "id": call.id, "name": call.tool, "input": call.arguments })
}

impl<V: CredentialVault, C: Clock> Agent for Anthropic<V, C> {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        let body = self.body(talk);
        let make = |client: &reqwest::Client, url, key: &Secret| {
            client.post(url).header("x-api-key", key.expose()).header("anthropic-version", VERSION).json(&body)
        };
        read(&self.service.call(talk.timeout, make).await?)
    }

    fn sees(&self) -> bool {
        self.config.sees
    }
}

fn read(answer: &Value) -> Result<Thought, ModelFailure> {
    match answer["stop_reason"].as_str() {
        Some("refusal") => return Ok(Thought::Refused),
        Some("max_tokens" | "model_context_window_exceeded") => return Ok(Thought::CutOff),
        Some(_) => {}
        None => return Err(transient("an answer without an end")),
    }
    let (mut calls, mut text) = (Vec::new(), String::new());
    for block in json::items(answer, "content") {
        match block["type"].as_str() {
            Some("text") => text.push_str(block["text"].as_str().unwrap_or_default()),
            Some("tool_use") => calls.push(ToolCall {
                id: block["id"].as_str().unwrap_or_default().to_owned(),
                tool: block["name"].as_str().unwrap_or_default().to_owned(),
                arguments: block["input"].clone(),
            }),
            _ => {}
        }
    }
    Ok(thought(calls, || answer["content"].clone(), text))
}
