//! The models that think: one step of a conversation, in the words of each provider.
//!
//! What they have in common: parts of an answer are chosen by their type and never by their place, since thoughts may come
//! first; no tool is ever forced; no sampling parameter is sent, which current models refuse; and what a provider wants to
//! see again goes back word for word.

mod anthropic;
mod compatible;
mod openai;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use frontdesk_core::{
    agent::{Agent, KeywordAgent, ModelFailure, Picture, Talk, Thought, ToolCall, Turn},
    time::Clock,
};
use serde_json::Value;

use crate::CredentialVault;

pub use anthropic::Anthropic;
pub use compatible::Compatible;
pub use openai::OpenAi;

const URL: &str = "AGENT_URL";

/// Name of the form of an answer.
const ANSWER: &str = "answer";

/// Begins a conversation whose beginning is forgotten: it has to begin with the customer.
const FORGOTTEN: &str = "(What was said before is not shown.)";

/// Any of them. `O`: one that lives elsewhere, such as Bedrock behind the AWS SDK.
#[derive(Debug)]
pub enum AnyAgent<V, C, O = NoOther> {
    /// The shop's own words.
    Keyword(KeywordAgent),
    /// OpenAI.
    OpenAi(OpenAi<V, C>),
    /// Whoever speaks Chat Completions.
    Compatible(Compatible<V, C>),
    /// Anthropic.
    Anthropic(Anthropic<V, C>),
    /// Another.
    Other(O),
}

/// There is no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOther {}

impl Agent for NoOther {
    async fn think(&self, _: &Talk<'_>) -> Result<Thought, ModelFailure> {
        match *self {}
    }

    fn sees(&self) -> bool {
        match *self {}
    }
}

impl<V: CredentialVault, C: Clock, O: Agent> Agent for AnyAgent<V, C, O> {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        match self {
            Self::Keyword(agent) => agent.think(talk).await,
            Self::OpenAi(agent) => agent.think(talk).await,
            Self::Compatible(agent) => agent.think(talk).await,
            Self::Anthropic(agent) => agent.think(talk).await,
            Self::Other(agent) => agent.think(talk).await,
        }
    }

    fn sees(&self) -> bool {
        match self {
            Self::Keyword(agent) => agent.sees(),
            Self::OpenAi(agent) => agent.sees(),
            Self::Compatible(agent) => agent.sees(),
            Self::Anthropic(agent) => agent.sees(),
            Self::Other(agent) => agent.sees(),
        }
    }
}

/// Whether the tools are named. A conversation in which one was used has to name it to the end.
fn names_tools(talk: &Talk<'_>) -> bool {
    talk.may_search || talk.turns.iter().any(|turn| matches!(turn, Turn::Calls { .. }))
}

/// Adds a field to an object.
fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn base64(picture: &Picture) -> String {
    STANDARD.encode(&picture.bytes)
}

fn data_url(picture: &Picture) -> String {
    format!("data:{};base64,{}", picture.mime, base64(picture))
}

/// Arguments that come as JSON within a text. What is none stays a text, which no check of arguments takes.
fn arguments(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// What there is, once everything that may go wrong is excluded.
fn thought(calls: Vec<ToolCall>, raw: impl FnOnce() -> Value, text: String) -> Thought {
    if !calls.is_empty() {
        return Thought::Calls { calls, raw: raw() };
    }
    if text.trim().is_empty() { Thought::Empty } else { Thought::Said(text) }
}
