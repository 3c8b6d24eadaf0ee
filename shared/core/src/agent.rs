//! The assistant: what it is given, what it may do, and what counts as an answer.
//!
//! An [`Agent`] thinks one step at a time: it answers, or it asks for products first. Everything around the steps is the
//! same for all of them and stands in [`crate::flow::answer`]: the budget, the tools, the check of what came back, and
//! the hand-off to a person when there is no good answer.

mod keyword;
mod prompt;
mod structured;

use std::{fmt, time::Duration};

use serde_json::Value;
use thiserror::Error;

use crate::{
    outbound::{Article, Outbound, Product},
    provider::NotDone,
};

pub use keyword::KeywordAgent;
pub use prompt::{Instructions, system};
pub use structured::{BadAnswer, answer_schema, read_answer, read_search, search_schema};

/// Name of the tool that finds products.
pub const SEARCH_TOOL: &str = "search_products";
/// What it is for, as a model reads it.
pub const SEARCH_TOOL_MEANING: &str =
    "Searches the shop's products. Use it before you say anything about products, prices or stock.";

/// A picture that a customer sent, loaded.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its type, such as `image/jpeg`.
    pub mime: String,
    /// The file.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Picture {
    /// Without the picture.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}, {} bytes)", self.mime, self.bytes.len())
    }
}

/// A wish of the model's to use a tool.
#[derive(Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The model's name for the call.
    pub id: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments, unchecked.
    pub arguments: Value,
}

impl fmt::Debug for ToolCall {
    /// Without the arguments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToolCall({})", self.tool)
    }
}

/// A part of the conversation as the model gets it.
#[derive(Clone, PartialEq)]
pub enum Turn {
    /// The customer wrote. What stands here is data, whatever it says.
    Customer {
        /// The words; what they sent besides is described in them.
        text: String,
        /// Pictures, for a model that sees.
        pictures: Vec<Picture>,
    },
    /// We wrote.
    Us(String),
    /// The model asked for tools in this conversation.
    Calls {
        /// Its wishes.
        calls: Vec<ToolCall>,
        /// What the provider wants to get back word for word: thoughts are signed.
        raw: Value,
    },
    /// What a tool found.
    Found {
        /// The call's id.
        call: String,
        /// What the model reads.
        content: String,
    },
}

impl fmt::Debug for Turn {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Customer { .. } => "Customer",
            Self::Us(_) => "Us",
            Self::Calls { .. } => "Calls",
            Self::Found { .. } => "Found",
        })
    }
}

/// What an answer may hold beside words, products and options. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// The help articles that there are.
    pub articles: Vec<Article>,
    /// Whether the contact form can be shown.
    pub form: bool,
}

/// What an agent thinks about.
#[derive(Clone, Debug)]
pub struct Talk<'a> {
    /// The rules that it follows.
    pub system: &'a str,
    /// The conversation, oldest first. The last turn is the customer's, or what a tool found.
    pub turns: &'a [Turn],
    /// Whether it may search for products in this step.
    pub may_search: bool,
    /// What its answer may hold besides.
    pub extras: &'a Extras,
    /// How long this step may take.
    pub timeout: Duration,
    /// How many tokens it may write, thoughts included.
    pub tokens_max: u32,
}

/// What came of one step.
#[derive(Clone, PartialEq)]
pub enum Thought {
    /// An answer: JSON of [`answer_schema`], unchecked.
    Said(String),
    /// It wants tools first.
    Calls {
        /// At least one.
        calls: Vec<ToolCall>,
        /// See [`Turn::Calls`].
        raw: Value,
    },
    /// It does not want to answer.
    Refused,
    /// It said nothing.
    Empty,
    /// It used up its tokens before the end.
    CutOff,
}

impl fmt::Debug for Thought {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Said(_) => "Said",
            Self::Calls { .. } => "Calls",
            Self::Refused => "Refused",
            Self::Empty => "Empty",
            Self::CutOff => "CutOff",
        })
    }
}

/// Why a step of thinking (or of listening) did not work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelFailure {
    /// The account has no money or credit left. Nothing changes that but a person: it is never tried again by itself.
    #[error("there is no money left: {detail}")]
    MoneyGone {
        /// The provider's code.
        detail: String,
    },
    /// Too many requests.
    #[error("too many requests")]
    Throttled {
        /// How long to wait, if it says.
        wait: Option<Duration>,
    },
    /// A timeout, a 5xx, an overload: it may work in a moment.
    #[error("it may work in a moment: {detail}")]
    Transient {
        /// What happened.
        detail: String,
    },
    /// It will not work until somebody changes a setting or a key: no such model, no access.
    #[error("it is set up wrongly: {detail}")]
    Misconfigured {
        /// What happened.
        detail: String,
    },
    /// This very request cannot be served; another may.
    #[error("it was refused: {detail}")]
    Refused {
        /// What happened.
        detail: String,
    },
}

/// Thinks.
pub trait Agent {
    /// One step.
    async fn think(&self, talk: &Talk<'_>) -> Result<Thought, ModelFailure>;

    /// Whether it can look at pictures.
    fn sees(&self) -> bool;
}

/// A search for products.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductQuery {
    /// The words.
    pub text: String,
    /// Only what can be had now.
    pub in_stock: bool,
    /// Not dearer than so much, in the shop's currency.
    pub price_max: Option<u64>,
}

/// The shop's catalogue.
pub trait Catalogue {
    /// The products that suit, best first, [`crate::outbound::PRODUCTS_MAX`] at most; `None` where there is no shop to ask.
    async fn search(&self, query: &ProductQuery) -> Result<Option<Vec<Product>>, NotDone>;

    /// Whether there is a shop to ask.
    fn is_open(&self) -> bool;
}

/// A sound to be written down.
#[derive(Clone)]
pub struct Sound<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Its type, such as `audio/ogg`.
    pub mime: &'a str,
    /// Its name; its ending tells providers the format.
    pub name: &'a str,
}

impl fmt::Debug for Sound<'_> {
    /// Without the sound.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sound({}, {} bytes)", self.mime, self.bytes.len())
    }
}

/// Writes down what is said.
pub trait Listener {
    /// The words; empty when nothing is said in it.
    async fn transcribe(&self, sound: &Sound<'_>) -> Result<String, ModelFailure>;
}

/// A checked answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What to say, in this order; at least one.
    pub outbound: Vec<Outbound>,
}
