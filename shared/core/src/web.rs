//! Requests of browsers and what is answered to them: origins, limits, tokens. What the answers say is each function's own.

mod code;
mod cors;
mod json;
mod ticket;

use std::net::IpAddr;

use serde_json::Value;

pub use code::WebCode;
pub use cors::{BadOrigin, Caller, Origins};
pub use json::{DEPTH_MAX, NotUsable, read as read_json};
pub use ticket::{BadTicket, Purpose, Ticket};

/// A request as the gateway hands it over.
#[derive(Clone, Default)]
pub struct Call {
    /// The method, in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query's names and values, decoded.
    pub query: Vec<(String, String)>,
    /// Names in lower case, and values as bytes: they need not be text.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The raw body.
    pub body: Vec<u8>,
    /// The client's address as the gateway saw it. No header says it: those are the client's to write.
    pub client: Option<IpAddr>,
    /// Base of the address by which the gateway was reached, as the gateway says: `https://api.example`.
    pub own_url: Option<String>,
}

impl std::fmt::Debug for Call {
    /// Without the body and the addresses: a path may hold a ticket.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({}, {} bytes)", self.method, self.body.len())
    }
}

impl Call {
    /// The first header of that name (in lower case), if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v)?;
        std::str::from_utf8(value).ok().map(str::trim)
    }

    /// The first value of that name in the query.
    #[must_use]
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// An answer to a browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers besides those of every answer.
    pub headers: Vec<(&'static str, String)>,
    /// The body, in JSON; `None`: empty.
    pub body: Option<Value>,
}

impl std::fmt::Debug for Reply {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({})", self.status)
    }
}

impl Reply {
    /// An answer in JSON.
    #[must_use]
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    /// An answer without a body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }
}

/// Characters as people count them: an accented letter, an emoji of a family and a flag are one each.
#[must_use]
pub fn length(text: &str) -> usize {
    use unicode_segmentation::UnicodeSegmentation as _;
    text.graphemes(true).count()
}

/// Zero-width characters and marks of direction.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{AD}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_as_people_count_them() {
        for (text, expected) in [
            ("", 0),
            ("abc", 3),
            ("e\u{301}", 1),
            ("\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}", 1),
            ("\u{1F1E6}\u{1F1FA}", 1),
            ("a\r\nb", 3),
        ] {
            assert_eq!(length(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_header_that_is_no_text_is_none() {
        let headers = vec![("origin".to_owned(), vec![0xff]), ("x-csrftoken".to_owned(), b" t ".to_vec())];
        let call = Call { headers, ..Call::default() };
        assert_eq!((call.header("origin"), call.header("x-csrftoken"), call.header("other")), (None, Some("t"), None));
    }
}
