//! Amazon Bedrock's Converse behind the core's agent port.
//!
//! The key is the function's role, and what is said stays in the account's region. Not every model there can be held to a
//! form of answers, so the form is told in words; the core checks every answer anyway.

mod blocks;
mod failure;

use aws_sdk_bedrockruntime::{
    Client, config,
    operation::converse::ConverseOutput,
    types::{
        ContentBlock, ConverseOutput as Output, InferenceConfiguration, SystemContentBlock, Tool, ToolConfiguration,
        ToolInputSchema, ToolSpecification,
    },
};
use aws_smithy_types::{error::operation::BuildError, retry::RetryConfig, timeout::TimeoutConfig};
use frontdesk_core::agent::{
    Agent, Extras, ModelFailure, SEARCH_TOOL, SEARCH_TOOL_MEANING, Talk, Thought, ToolCall, Turn, answer_schema,
    search_schema,
};

use crate::failure::{failure, unbuilt};

/// A model of Bedrock's.
#[derive(Clone, Debug)]
pub struct Bedrock {
    client: Client,
    model: String,
    sees: bool,
}

impl Bedrock {
    /// `model`: the id of a model or of an inference profile. `sees`: whether it gets pictures.
    #[must_use]
    pub const fn new(client: Client, model: String, sees: bool) -> Self {
        Self { client, model, sees }
    }
}

impl Agent for Bedrock {
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure> {
        let tokens = i32::try_from(talk.tokens_max).unwrap_or(i32::MAX);
        let messages = blocks::messages(talk.turns, self.sees).map_err(|error| unbuilt(&error))?;
        let request = self
            .client
            .converse()
            .model_id(&self.model)
            .system(SystemContentBlock::Text(system(talk.system, talk.extras)))
            .set_messages(Some(messages))
            .set_tool_config(tools(talk).map_err(|error| unbuilt(&error))?)
            .inference_config(InferenceConfiguration::builder().max_tokens(tokens).build());
        // The client's own limits are for tables. Whether to try again is the core's to say, which knows the budget.
        let limit = TimeoutConfig::builder().operation_timeout(talk.timeout).operation_attempt_timeout(talk.timeout);
        let rules = config::Builder::new().timeout_config(limit.build()).retry_config(RetryConfig::disabled());
        let answer = request.customize().config_override(rules).send().await.map_err(|error| failure(&error))?;
        Ok(read(answer))
    }

    fn sees(&self) -> bool {
        self.sees
    }
}

fn system(rules: &str, extras: &Extras) -> String {
    format!(
        "{rules}\n\nYour answer is one JSON object of this JSON Schema, without any other text before or after it:\n{}",
        answer_schema(extras)
    )
}

/// A conversation in which a tool was used has to name it to the end.
fn tools(talk: &Talk<'_>) -> Result<Option<ToolConfiguration>, BuildError> {
    let used = talk.turns.iter().any(|turn| matches!(turn, Turn::Calls { .. }));
    if !talk.may_search && !used {
        return Ok(None);
    }
    let tool = ToolSpecification::builder()
        .name(SEARCH_TOOL)
        .description(SEARCH_TOOL_MEANING)
        .input_schema(ToolInputSchema::Json(blocks::document(&search_schema())))
        .build()?;
    ToolConfiguration::builder().tools(Tool::ToolSpec(tool)).build().map(Some)
}

fn read(answer: ConverseOutput) -> Thought {
    match answer.stop_reason.as_str() {
        "content_filtered" | "guardrail_intervened" | "refusal" => return Thought::Refused,
        "max_tokens" | "model_context_window_exceeded" => return Thought::CutOff,
        "malformed_model_output" | "malformed_tool_use" => return Thought::Empty,
        _ => {}
    }
    let Some(Output::Message(message)) = answer.output else { return Thought::Empty };
    let content = message.content;
    let calls: Vec<ToolCall> = content.iter().filter_map(blocks::call).collect();
    if !calls.is_empty() {
        return Thought::Calls { calls, raw: blocks::kept(&content) };
    }
    let text: String =
        content.iter().filter_map(|block| ContentBlock::as_text(block).ok()).map(String::as_str).collect();
    let text = unfenced(&text);
    if text.is_empty() { Thought::Empty } else { Thought::Said(text.to_owned()) }
}

/// Models like to put JSON into a block of code.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
    inner.map_or(text, |inner| inner.strip_prefix("json").unwrap_or(inner).trim())
}
