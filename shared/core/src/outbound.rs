//! What the assistant wants to say, and what a channel can show of it.
//!
//! The briefs' outbound types are what an agent decides; posts are what a conversation gets. Between the two stands the
//! channel: some show buttons and cards, the others get the same in words, with nothing lost.

mod address;
mod article;
mod choice;
mod disclosure;
mod neutral;
mod render;
mod split;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use address::web_address;
pub use article::{Article, BadArticles};
pub use choice::{chosen, reads_as_wish};
pub use disclosure::disclosed;
pub(crate) use neutral::visible;
pub use render::{Abilities, Interactive, neutralise, render};
pub(crate) use render::{attribute_in_words, cut};

/// Most options of a question: a list on WhatsApp has ten rows, and nobody reads more.
pub const OPTIONS_MAX: usize = 10;
/// Most products in one answer.
pub const PRODUCTS_MAX: usize = 10;
/// Most articles that a shop lists.
pub const ARTICLES_MAX: usize = 20;
/// Most articles in one answer.
pub const ARTICLES_SHOWN_MAX: usize = 10;
/// Longest title and longest description of an article, in characters.
const ARTICLE_TITLE_CHARS_MAX: usize = 150;
const ARTICLE_DESCRIPTION_CHARS_MAX: usize = 300;

/// An option of a question.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What people read.
    pub title: String,
    /// What programs read.
    pub value: String,
}

impl fmt::Debug for Choice {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Choice({} characters)", self.title.chars().count())
    }
}

/// Whether a product can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stock {
    /// On the shelf.
    InStock,
    /// Can be ordered and comes later.
    OnBackorder,
    /// Not now.
    OutOfStock,
}

/// A product as the shop lists it. Texts are plain: no HTML, no entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The shop's id of it, by which a model refers to it.
    pub id: String,
    /// Its name.
    pub title: String,
    /// The price with its decimals, such as `129.95`; `None` when the shop names none.
    pub price: Option<String>,
    /// ISO code, such as `AUD`.
    pub currency: String,
    /// Whether the price is the lowest of several.
    pub price_from: bool,
    /// Whether it can be had.
    pub stock: Stock,
    /// Name and values, such as `Colour` and `blue, red`.
    pub attributes: Vec<(String, String)>,
    /// Its page: absolute, http(s).
    pub url: String,
    /// A picture: absolute, http(s).
    pub image: Option<String>,
}

/// Something to say. These are the briefs' outbound types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outbound {
    /// Words.
    Text(String),
    /// Products, after a sentence about them (which may be empty).
    ProductCards {
        /// The sentence.
        intro: String,
        /// One at least.
        products: Vec<Product>,
    },
    /// A question with options.
    QuickReplies {
        /// The question.
        prompt: String,
        /// Two at least.
        options: Vec<Choice>,
    },
    /// Help articles, after a sentence about them (which may be empty).
    Articles {
        /// The sentence.
        intro: String,
        /// One at least.
        articles: Vec<Article>,
    },
    /// The contact form, after a sentence about it (which may be empty).
    Form {
        /// The sentence.
        intro: String,
    },
    /// Something failed; safe words for the customer.
    Error {
        /// The words.
        text: String,
        /// Whether it will be tried again by itself.
        retryable: bool,
    },
    /// A person has to go on.
    HandOff {
        /// What the customer reads; `None`: the shop's own sentence.
        text: Option<String>,
        /// What the shop's people read.
        summary: String,
    },
}

/// What a post shows beside its text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// Nothing.
    Text,
    /// Buttons (`input_select`).
    Select(Vec<Choice>),
    /// Cards with a link each (`cards`).
    Cards(Vec<Product>),
}

impl fmt::Debug for Show {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("Text"),
            Self::Select(options) => write!(f, "Select({})", options.len()),
            Self::Cards(products) => write!(f, "Cards({})", products.len()),
        }
    }
}

/// One message of a conversation, ready for the provider: neutralised, cut to length.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// The words. Never empty: a channel that cannot show the rest shows these.
    pub text: String,
    /// What else.
    pub show: Show,
}

impl fmt::Debug for Post {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Post({} characters, {:?})", self.text.chars().count(), self.show)
    }
}

impl Outbound {
    /// The briefs' word for it, also the metric's dimension.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::ProductCards { .. } => "product_cards",
            Self::QuickReplies { .. } => "quick_replies",
            Self::Articles { .. } => "article",
            Self::Form { .. } => "form",
            Self::Error { .. } => "error",
            Self::HandOff { .. } => "handoff",
        }
    }

    /// What the history keeps of it.
    #[must_use]
    pub fn in_short(&self) -> String {
        match self {
            Self::Text(text) | Self::Error { text, .. } => text.clone(),
            Self::ProductCards { intro, products } => {
                let titles: Vec<&str> = products.iter().map(|p| p.title.as_str()).collect();
                format!("{intro} [shown: {}]", titles.join("; ")).trim().to_owned()
            }
            Self::QuickReplies { prompt, options } => {
                let titles: Vec<&str> = options.iter().map(|o| o.title.as_str()).collect();
                format!("{prompt} [options: {}]", titles.join("; "))
            }
            Self::Articles { intro, articles } => {
                let titles: Vec<&str> = articles.iter().map(|a| a.title.as_str()).collect();
                format!("{intro} [articles: {}]", titles.join("; ")).trim().to_owned()
            }
            Self::Form { intro } => format!("{intro} [contact form]").trim().to_owned(),
            Self::HandOff { text, .. } => text.clone().unwrap_or_default(),
        }
    }
}
