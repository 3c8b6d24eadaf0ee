//! What a chat widget on a web page is answered.
//!
//! The widget shows one response at a time, and of a response one thing: words, articles, cards, buttons or a form. It shows
//! plain text, in which line ends collapse and links cannot be followed, and an empty bubble where something is missing.

mod render;
mod said;
mod sends;

use std::fmt;

use serde_json::Value;

pub use render::render;
pub use said::{BadRequest, Said, SessionId};
pub use sends::{Known, Sends};

/// A response, ready for the widget.
#[derive(Clone, PartialEq)]
pub struct Rendered {
    /// The JSON: `output`, or `content`, `content_type` and `content_attributes`. Holds no `null`.
    pub body: Value,
    /// Whether the customer reads the words of it. Of a question with buttons the widget shows the buttons only, so what was
    /// disclosed in the question has not been read.
    pub shows_words: bool,
}

impl fmt::Debug for Rendered {
    /// Without the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.body.get("content_type").and_then(Value::as_str).unwrap_or("text");
        write!(f, "Rendered({kind})")
    }
}

/// The contact form, as it is offered to one customer.
#[derive(Clone, PartialEq, Eq)]
pub struct FormOffer {
    /// The widget's form: `title`, `description`, `submitLabel` and `fields`, one at least.
    pub form: Value,
    /// Where it is sent to: absolute, http(s). Relative to the page it would lead to the shop's site.
    pub submit_url: String,
}

impl fmt::Debug for FormOffer {
    /// Without the address, which is the customer's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormOffer")
    }
}
