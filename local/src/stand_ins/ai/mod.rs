//! Models of several vendors, which all have the same small mind.
//!
//! Requests are held to what the vendors hold them to; what is answered is either scripted, step by step, or follows from
//! the customer's last words ([`brain`]). The same thought is said in each vendor's own form.

pub(super) mod anthropic;
mod brain;
pub(super) mod control;
pub(super) mod converse;
pub(super) mod openai;
mod schema;
mod script;
mod transcribe;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::brain::Heard;
use self::script::Step;
use super::app::App;
use super::pipeline::RequestId;
use super::podium::settings::changed;
use crate::clock;

/// How many questions are kept.
const ASKED_MAX: usize = 1_000;

/// `GET` and `PUT /_control/ai`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The only keys there are; any, while null.
    keys: Option<Vec<String>>,
    /// The models there are.
    models: Vec<String>,
    /// What is answered next, one step for each question; each is used up.
    script: VecDeque<Step>,
    /// What is answered when the script is used up; the customer's words decide, while null.
    default: Option<Step>,
    /// What is said in a file, by its name.
    transcripts: BTreeMap<String, Step>,
    /// What is answered to transcriptions next.
    transcription_script: VecDeque<Step>,
    /// Endings of the names of files that can be listened to.
    transcription_formats: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Self {
            keys: None,
            models: words(&[
                "gpt-6-luna",
                "gpt-6.1-terra",
                "gpt-6-sol",
                "gpt-6.1-sol",
                "gpt-6-astra",
                "gpt-5.6-luna",
                "gpt-5.6-terra",
                "gpt-5.6-sol",
                "gpt-transcribe",
                "local-model",
                "claude-haiku-5-5",
                "claude-sonnet-5-5",
                "claude-opus-5-5",
                "claude-haiku-4-5-20251001",
                "anthropic.claude-haiku-5-5",
                "anthropic.claude-sonnet-5-5",
                "anthropic.claude-opus-5-5",
            ]),
            script: VecDeque::new(),
            default: None,
            transcripts: BTreeMap::new(),
            transcription_script: VecDeque::new(),
            transcription_formats: words(&["flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "oga", "wav", "webm"]),
        }
    }
}

/// What models are like here, and what they were asked.
#[derive(Debug, Default)]
pub(super) struct Ai {
    settings: Settings,
    asked: VecDeque<Value>,
    last_id: u64,
}

impl Ai {
    pub(super) fn change(&mut self, change: &Value) -> Result<(), String> {
        self.settings = changed(&self.settings, change)?;
        Ok(())
    }

    /// Every question that was understood, oldest first (the last thousand).
    pub(super) fn asked(&self) -> impl Iterator<Item = &Value> {
        self.asked.iter()
    }

    fn note(&mut self, question: Value) {
        if self.asked.len() == ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(question);
    }

    /// A number for ids.
    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn knows(&self, model: &str) -> bool {
        // A region's profile of a model is that model.
        let plain = ["us.", "eu.", "apac.", "au.", "global."].iter().find_map(|region| model.strip_prefix(region));
        self.settings.models.iter().any(|known| known == model || Some(known.as_str()) == plain)
    }
}

/// What can go wrong, before it is said in a vendor's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No credit left.
    MoneyGone,
    /// A limit that somebody has set is reached.
    SpendLimit,
    RateLimited {
        retry_after: Option<u64>,
    },
    Overloaded,
    ServerError,
    NoKey,
    WrongKey,
    NoSuchModel(String),
    /// What is wrong with the request, and the field's name.
    Bad(String, &'static str),
    /// Something that the request refers to does not exist.
    Missing(String),
    TooLarge,
}

impl Trouble {
    fn bad(message: impl Into<String>, field: &'static str) -> Self {
        Self::Bad(message.into(), field)
    }
}

/// What came of thinking.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thought {
    /// A thought is shown before the rest.
    thinking: bool,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Said(String),
    /// Name and arguments.
    Calls(Vec<(String, Value)>),
    Refused,
    Empty,
    /// The tokens ran out in the middle of this.
    CutOff(String),
    Failed(Trouble),
}

pub(super) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .route("/v1/responses", post(openai::responses))
        .route("/v1/chat/completions", post(openai::chat))
        .route("/v1/messages", post(anthropic::messages))
        .route("/v1/audio/transcriptions", post(transcribe::transcribe))
        .route("/model/{id}/converse", post(converse::converse))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(Arc::clone(app))
}

/// A call, read.
pub(super) struct Ask {
    app: Arc<App>,
    request_id: String,
    headers: HeaderMap,
    bytes: Bytes,
}

impl FromRequest<Arc<App>> for Ask {
    type Rejection = StatusCode;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone());
        // The pipeline has read the body within its limit already.
        let bytes = to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::BAD_REQUEST)?;
        Ok(Self { app: Arc::clone(app), request_id: id.unwrap_or_default(), headers: parts.headers, bytes })
    }
}

impl Ask {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty())
    }

    /// Of `Authorization: Bearer ...`.
    fn bearer(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION.as_str())?.strip_prefix("Bearer ").filter(|key| !key.is_empty())
    }

    fn is_good(&self, key: Option<&str>) -> Result<(), Trouble> {
        let key = key.ok_or(Trouble::NoKey)?;
        let state = self.app.lock();
        let known = state.ai.settings.keys.as_ref().is_none_or(|keys| keys.iter().any(|known| known == key));
        known.then_some(()).ok_or(Trouble::WrongKey)
    }

    fn json(&self) -> Result<Value, Trouble> {
        let read = serde_json::from_slice::<Value>(&self.bytes).ok().filter(Value::is_object);
        read.ok_or_else(|| Trouble::bad("We could not parse the JSON body of your request.", "body"))
    }

    fn model(&self, model: Option<&str>) -> Result<String, Trouble> {
        let model = model.ok_or_else(|| Trouble::bad("you must provide a model parameter", "model"))?;
        let known = self.app.lock().ai.knows(model);
        known.then(|| model.to_owned()).ok_or_else(|| Trouble::NoSuchModel(model.to_owned()))
    }

    /// Thinks, for as long as the script says, and keeps the question.
    async fn think(&self, api: &str, heard: &Heard, body: Value) -> Thought {
        let (thought, slow_ms) = {
            let mut state = self.app.lock();
            let ai = &mut state.ai;
            let step = ai.settings.script.pop_front().or_else(|| ai.settings.default.clone());
            let slow_ms = step.as_ref().map_or(0, |step| step.slow_ms);
            let thought = match step {
                Some(step) => step.thought(heard),
                None => Thought { thinking: false, outcome: brain::answer(heard) },
            };
            ai.note(json!({
                "at_ms": clock::now_ms(),
                "request_id": self.request_id,
                "api": api,
                "model": heard.model,
                "last_customer_text": heard.text,
                "images": heard.images,
                "tools": heard.tools.keys().collect::<Vec<_>>(),
                "body": body,
                "answered": format!("{:?}", thought.outcome),
            }));
            (thought, slow_ms)
        };
        if slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(slow_ms)).await;
        }
        thought
    }

    fn id(&self, prefix: &str) -> String {
        format!("{prefix}{:06}", self.app.lock().ai.id())
    }
}

/// Models that take no `temperature`, among other things.
fn is_strict(model: &str) -> bool {
    ["gpt-5", "gpt-6", "o3"].iter().any(|start| model.starts_with(start)) || model.contains("-5-5")
}
