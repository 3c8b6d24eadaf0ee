//! A model and a catalogue that do what a test says, and remember what they were asked.

use std::{cell::RefCell, fmt, time::Duration};

use frontdesk_core::{
    agent::{Agent, KeywordAgent, ModelFailure, Talk, Thought, Turn},
    keyword::KeywordAnswers,
    outbound::Product,
    time::UnixMillis,
};
use serde_json::json;

/// What the model was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The conversation.
    pub turns: Vec<Turn>,
    /// How long the step might take.
    pub timeout: Duration,
    /// When.
    pub at: UnixMillis,
}

impl Asked {
    /// The customer's last words.
    #[must_use]
    pub fn last(&self) -> &str {
        let customers = self.turns.iter().rev().find_map(|turn| match turn {
            Turn::Customer { text, pictures: _ } => Some(text.as_str()),
            Turn::Us(_) | Turn::Calls { .. } | Turn::Found { .. } => None,
        });
        customers.unwrap_or_default()
    }

    /// All that was said, in one text.
    #[must_use]
    pub fn all(&self) -> String {
        let words = self.turns.iter().map(|turn| match turn {
            Turn::Customer { text, pictures: _ } => format!("customer: {text}"),
            Turn::Us(text) => format!("us: {text}"),
            Turn::Calls { .. } => "calls".to_owned(),
            Turn::Found { call: _, content } => format!("found: {content}"),
        });
        words.collect::<Vec<_>>().join("\n")
    }
}

/// What the model does with a step.
#[derive(Clone, Debug)]
pub struct Thinks {
    /// How long it takes.
    pub for_so_long: Duration,
    /// Whether it gives up when the step's time is over, as every real one is made to.
    pub heeds_its_time: bool,
    /// What comes of it.
    pub result: Result<Thought, ModelFailure>,
}

impl Thinks {
    /// At once.
    #[must_use]
    pub const fn of(result: Result<Thought, ModelFailure>) -> Self {
        Self { for_so_long: Duration::ZERO, heeds_its_time: true, result }
    }

    /// Words, at once.
    #[must_use]
    pub fn says(text: &str) -> Self {
        Self::of(Ok(words(text)))
    }

    /// After so long.
    #[must_use]
    pub const fn after(mut self, span: Duration) -> Self {
        self.for_so_long = span;
        self
    }
}

/// An answer of words.
#[must_use]
pub fn words(text: &str) -> Thought {
    let answer = json!({"text": text, "product_ids": [], "options": [], "handoff": false, "summary": ""});
    Thought::Said(answer.to_string())
}

type Script = Box<dyn Fn(&Asked) -> Thinks>;

enum Ways {
    Scripted(Script),
    Keywords(KeywordAgent),
}

/// The model and the catalogue.
pub struct Mind {
    ways: RefCell<Ways>,
    asked: RefCell<Vec<Asked>>,
    /// What a search finds; `None`: there is no catalogue.
    pub products: RefCell<Option<Vec<Product>>>,
}

impl fmt::Debug for Mind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mind({} times asked)", self.asked.borrow().len())
    }
}

impl Default for Mind {
    fn default() -> Self {
        let repeats = |asked: &Asked| Thinks::says(&format!("You said: {}", asked.last()));
        Self {
            ways: RefCell::new(Ways::Scripted(Box::new(repeats))),
            asked: RefCell::default(),
            products: RefCell::default(),
        }
    }
}

impl Mind {
    /// Does this from now on.
    pub fn does(&self, script: impl Fn(&Asked) -> Thinks + 'static) {
        *self.ways.borrow_mut() = Ways::Scripted(Box::new(script));
    }

    /// Answers by keyword from now on.
    ///
    /// # Panics
    /// When the rules cannot be read.
    pub fn answers_by_keyword(&self, rules: &str) {
        *self.ways.borrow_mut() = Ways::Keywords(KeywordAgent { answers: KeywordAnswers::parse(rules).unwrap() });
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    pub(super) async fn thinks(&self, talk: &Talk<'_>, now: UnixMillis) -> Thinks {
        let asked = Asked { turns: talk.turns.to_vec(), timeout: talk.timeout, at: now };
        self.asked.borrow_mut().push(asked.clone());
        let agent = match &*self.ways.borrow() {
            Ways::Scripted(script) => return script(&asked),
            Ways::Keywords(agent) => agent.clone(),
        };
        Thinks::of(agent.think(talk).await)
    }
}
