//! From a conversation to a checked answer: the model's steps, its searches, its budget, and what counts as none.
//!
//! Nothing in here is noticed by the customer, so all of it may be done again. What comes of it is either an answer of the
//! agreed form or a reason to ask a person; there is no third.

use std::time::Duration;

use serde_json::json;

use super::{day_name, open_notice, paused, report_chat};
use crate::{
    agent::{
        Agent, Answer, BadAnswer, Catalogue, Extras, ModelFailure, Talk, Thought, ToolCall, Turn, read_answer,
        read_search,
    },
    chat_code::ChatCode,
    notice::{Content, Notice, NoticeKind, Notices},
    outbound::Product,
    provider::{Limits, Provider},
    store::StoreError,
    telemetry::{Line, Telemetry},
    time::Clock,
    token::Pause,
};

/// A step is not begun with less time than this.
const SHORTEST_STEP: Duration = Duration::from_secs(1);
/// Waits before a step is tried again that failed for a moment.
const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// What the model is told when its answer is not of the agreed form.
const NOT_THE_FORM: &str = "Your last reply was not usable. Reply again with one JSON object of the agreed form and nothing else; \
                            name only products that a search of yours has found, and only articles that you were told of.";

/// The bounds of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerRules {
    /// How long all steps together may take.
    pub budget: Duration,
    /// How often products are searched for one answer.
    pub searches_max: u32,
    /// How many tokens a step may write, thoughts included.
    pub tokens_max: u32,
    /// How long nothing is asked of a model whose account has no money left, or that is set up wrongly.
    pub breaker: Duration,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The model cannot be used now.
    Unavailable,
    /// Its account has no money left.
    MoneyGone,
    /// It is set up wrongly.
    Misconfigured,
    /// It does not want to answer.
    Refused,
    /// It said nothing.
    Empty,
    /// It ran out of time or tokens.
    Budget,
    /// What it said is not of the agreed form.
    Unusable,
}

impl NoAnswer {
    /// The word in metrics and notes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "model_unavailable",
            Self::MoneyGone => "model_out_of_credit",
            Self::Misconfigured => "model_misconfigured",
            Self::Refused => "model_refused",
            Self::Empty => "model_said_nothing",
            Self::Budget => "budget_exhausted",
            Self::Unusable => "answer_unusable",
        }
    }

    const fn code(self) -> ChatCode {
        match self {
            Self::Unavailable => ChatCode::AgentUnavailable,
            Self::MoneyGone => ChatCode::AgentMoneyGone,
            Self::Misconfigured => ChatCode::AgentMisconfigured,
            Self::Refused | Self::Empty | Self::Budget | Self::Unusable => ChatCode::AgentNoAnswer,
        }
    }
}

/// What an answerer needs.
#[derive(Debug)]
pub struct Answerer<'a, S, P, W, C, T> {
    /// The tables.
    pub store: &'a S,
    /// The model and the catalogue.
    pub minds: &'a P,
    /// Waits.
    pub pause: &'a W,
    /// Time.
    pub clock: &'a C,
    /// Reports.
    pub telemetry: &'a T,
    /// Bounds.
    pub rules: AnswerRules,
    /// What an answer may hold beside words, products and options.
    pub extras: &'a Extras,
}

/// A failed step: to be tried again, or the end.
enum Failed {
    Again(Duration),
    Over(NoAnswer),
}

impl<S, P, W, C, T> Answerer<'_, S, P, W, C, T>
where
    S: Limits + Notices,
    P: Agent + Catalogue,
    W: Pause,
    C: Clock,
    T: Telemetry,
{
    /// Thinks about a conversation whose last turn is the customer's.
    ///
    /// # Errors
    /// When a table cannot be used.
    pub async fn answer(&self, system: &str, mut turns: Vec<Turn>) -> Result<Result<Answer, NoAnswer>, StoreError> {
        if paused(self.store, self.clock, Provider::Agent).await?.is_some() {
            return Ok(Err(self.none(NoAnswer::Unavailable, &"the model is left alone for a while")));
        }
        let until = self.clock.now().plus(self.rules.budget);
        let mut found: Vec<Product> = Vec::new();
        let (mut searches, mut failures, mut corrected, mut told_off) = (0, 0, false, false);
        loop {
            let timeout = until.since(self.clock.now());
            if timeout < SHORTEST_STEP {
                return Ok(Err(self.none(NoAnswer::Budget, &"no time is left")));
            }
            let may_search = self.minds.is_open() && searches < self.rules.searches_max;
            let (extras, tokens_max) = (self.extras, self.rules.tokens_max);
            let talk = Talk { system, turns: &turns, may_search, extras, timeout, tokens_max };
            match self.minds.think(&talk).await {
                Ok(Thought::Said(said)) => match read_answer(&said, &found, self.extras) {
                    Ok(answer) => return Ok(Ok(answer)),
                    Err(BadAnswer::Empty) => return Ok(Err(self.none(NoAnswer::Empty, &BadAnswer::Empty))),
                    Err(bad) if corrected => return Ok(Err(self.none(NoAnswer::Unusable, &bad))),
                    Err(_) => {
                        corrected = true;
                        turns.push(Turn::Us(said));
                        turns.push(Turn::Customer { text: NOT_THE_FORM.into(), pictures: Vec::new() });
                    }
                },
                // Some providers cannot be told that a tool is not to be used any more; so the model is.
                Ok(Thought::Calls { calls, raw }) if may_search || !told_off => {
                    told_off |= !may_search;
                    let mut results = Vec::with_capacity(calls.len());
                    for call in &calls {
                        let goes = may_search && searches < self.rules.searches_max && self.clock.now() < until;
                        let content = if goes { self.search(call, &mut found).await } else { no_more() };
                        searches += 1;
                        results.push(Turn::Found { call: call.id.clone(), content });
                    }
                    turns.push(Turn::Calls { calls, raw });
                    turns.append(&mut results);
                }
                Ok(Thought::Calls { .. }) => return Ok(Err(self.none(NoAnswer::Budget, &"it goes on searching"))),
                Ok(Thought::Refused) => return Ok(Err(self.none(NoAnswer::Refused, &"it does not want to answer"))),
                Ok(Thought::Empty) => return Ok(Err(self.none(NoAnswer::Empty, &"it said nothing"))),
                Ok(Thought::CutOff) => return Ok(Err(self.none(NoAnswer::Budget, &"its tokens were used up"))),
                Err(failure) => match self.failed(&failure, failures).await? {
                    Failed::Again(wait) if wait + SHORTEST_STEP < until.since(self.clock.now()) => {
                        failures += 1;
                        self.pause.pause(wait).await;
                    }
                    Failed::Again(_) => return Ok(Err(self.none(NoAnswer::Unavailable, &failure))),
                    Failed::Over(why) => return Ok(Err(self.none(why, &failure))),
                },
            }
        }
    }

    /// What a search found, as the model reads it. That nothing could be searched is an answer too, and no reason to be
    /// silent.
    async fn search(&self, call: &ToolCall, found: &mut Vec<Product>) -> String {
        let Some(query) = read_search(&call.arguments) else {
            return json!({ "error": "the search needs words" }).to_string();
        };
        match self.minds.search(&query).await {
            Ok(products) => {
                let products = products.unwrap_or_default();
                let listed: Vec<_> = products.iter().map(as_read).collect();
                for product in products {
                    found.retain(|known| known.id != product.id);
                    found.push(product);
                }
                serde_json::Value::Array(listed).to_string()
            }
            Err(error) => {
                let line = Line::warn("products could not be searched").detail(&error);
                report_chat(self.telemetry, ChatCode::CatalogueFailed, line);
                json!({ "error": "the catalogue cannot be searched at the moment" }).to_string()
            }
        }
    }

    async fn failed(&self, failure: &ModelFailure, failures: usize) -> Result<Failed, StoreError> {
        Ok(match failure {
            ModelFailure::MoneyGone { .. } => {
                self.open_breaker("The assistant's model has no money left", "Top up the account of the model.")
                    .await?;
                Failed::Over(NoAnswer::MoneyGone)
            }
            ModelFailure::Misconfigured { .. } => {
                let action =
                    "Look at the log line with ERR_CHAT_007: the model's name, its key or its access is wrong.";
                self.open_breaker("The assistant's model cannot be used", action).await?;
                Failed::Over(NoAnswer::Misconfigured)
            }
            ModelFailure::Refused { .. } => Failed::Over(NoAnswer::Refused),
            ModelFailure::Throttled { wait } => match AGAIN_AFTER.get(failures) {
                Some(least) => Failed::Again(wait.unwrap_or(*least).max(*least)),
                None => Failed::Over(NoAnswer::Unavailable),
            },
            ModelFailure::Transient { .. } => match AGAIN_AFTER.get(failures) {
                Some(wait) => Failed::Again(*wait),
                None => Failed::Over(NoAnswer::Unavailable),
            },
        })
    }

    /// Nothing is asked of the model for a while, by nobody; people are told once a day.
    async fn open_breaker(&self, headline: &str, action: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store.pause(Provider::Agent, now.plus(self.rules.breaker)).await?;
        let notice = Notice::new(
            NoticeKind::AssistantDown,
            &day_name(now),
            Content {
                headline: headline.to_owned(),
                facts: vec![("Meanwhile".into(), "every chat is handed to people".into())],
                quote: None,
                link: None,
                action: action.to_owned(),
            },
            now,
        );
        open_notice(self.store, self.telemetry, &notice).await
    }

    fn none(&self, why: NoAnswer, detail: &impl std::fmt::Display) -> NoAnswer {
        let line = Line::warn("the assistant has no answer; a person is asked").word("reason", why.as_str());
        report_chat(self.telemetry, why.code(), line.detail(detail));
        why
    }
}

fn no_more() -> String {
    json!({ "error": "there are no more searches; answer now with what you know, or hand off" }).to_string()
}

/// A product as a model reads it: no addresses, which it would only copy wrongly.
fn as_read(product: &Product) -> serde_json::Value {
    let attributes: Vec<String> = product.attributes.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    json!({
        "id": product.id,
        "title": product.title,
        "price": product.price,
        "currency": product.currency,
        "price_from": product.price_from,
        "stock": product.stock,
        "attributes": attributes,
    })
}
