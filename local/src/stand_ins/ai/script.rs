//! A script: what is answered, whatever was asked.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::brain::{self, Heard};
use super::{Outcome, Thought, Trouble};

/// One answer. Of what says how it ends, one thing is given; without any, the customer's words decide.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Step {
    /// An answer of the agreed form; what is left out is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<Value>,
    /// An answer, letter by letter; of a transcription: what is said in it.
    #[serde(alias = "text", skip_serializing_if = "Option::is_none")]
    pub(super) raw_text: Option<String>,
    /// `{"name", "arguments"}`, or a list of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call: Option<Value>,
    /// Shows a thought first.
    thinking: bool,
    refuse: bool,
    empty: bool,
    cut_off: bool,
    invalid_json: bool,
    money_gone: bool,
    spend_limit: bool,
    rate_limited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    overloaded: bool,
    server_error: bool,
    /// A 400.
    bad_request: bool,
    /// Before the answer.
    pub(super) slow_ms: u64,
}

impl Step {
    /// What goes wrong, if anything does.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let troubles = [
            (self.money_gone, Trouble::MoneyGone),
            (self.spend_limit, Trouble::SpendLimit),
            (self.rate_limited, Trouble::RateLimited { retry_after: self.retry_after }),
            (self.overloaded, Trouble::Overloaded),
            (self.server_error, Trouble::ServerError),
            (self.bad_request, Trouble::bad("The request was not understood.", "body")),
        ];
        troubles.into_iter().find(|(given, _)| *given).map(|(_, trouble)| trouble)
    }

    pub(super) fn thought(&self, heard: &Heard) -> Thought {
        let outcome = if let Some(trouble) = self.trouble() {
            Outcome::Failed(trouble)
        } else if self.refuse {
            Outcome::Refused
        } else if self.empty {
            Outcome::Empty
        } else if self.cut_off {
            Outcome::CutOff("{\"text\":\"You sai".to_owned())
        } else if self.invalid_json {
            Outcome::Said("{\"text\": \"no end, \"product_ids\": [".to_owned())
        } else if let Some(text) = &self.raw_text {
            Outcome::Said(text.clone())
        } else if let Some(call) = &self.tool_call {
            let calls = call.as_array().cloned().unwrap_or_else(|| vec![call.clone()]);
            let read = |call: &Value| {
                let name = call.get("name").and_then(Value::as_str).unwrap_or("search_products").to_owned();
                (name, call.get("arguments").cloned().unwrap_or_else(|| json!({})))
            };
            Outcome::Calls(calls.iter().map(read).collect())
        } else if let Some(reply) = &self.reply {
            let mut whole = json!({ "text": "", "product_ids": [], "options": [], "handoff": false, "summary": "" });
            if let (Some(whole), Some(reply)) = (whole.as_object_mut(), reply.as_object()) {
                whole.extend(reply.clone());
            }
            Outcome::Said(whole.to_string())
        } else {
            brain::answer(heard)
        };
        Thought { thinking: self.thinking, outcome }
    }
}
