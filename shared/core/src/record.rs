//! Rows as an operator looks at them: every attribute as it is stored, also of a row that no version can read.
//!
//! For the operator's tool alone. A function that decided by this would decide by names of attributes instead of types.

use serde_json::{Map, Value};

use crate::{store::StoreError, time::UnixMillis};

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shelf {
    /// Events.
    Inbox,
    /// People: opt-outs, cooldowns, links to the provider.
    Contacts,
    /// Review requests.
    Requests,
    /// Sends, notices, and what is known of a provider's ids.
    Outbox,
    /// Webchat sessions.
    Sessions,
    /// Reviews.
    Reviews,
    /// Chats with the assistant.
    Chats,
    /// Contact forms.
    Forms,
    /// Shared tokens, locations, bookmarks.
    Directory,
    /// Pauses and rate windows.
    Limits,
}

impl Shelf {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Inbox,
        Self::Contacts,
        Self::Requests,
        Self::Outbox,
        Self::Sessions,
        Self::Reviews,
        Self::Chats,
        Self::Forms,
        Self::Directory,
        Self::Limits,
    ];

    /// The name that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Contacts => "contacts",
            Self::Requests => "review_requests",
            Self::Outbox => "outbox",
            Self::Sessions => "sessions",
            Self::Reviews => "reviews",
            Self::Chats => "chats",
            Self::Forms => "forms",
            Self::Directory => "directory",
            Self::Limits => "limits",
        }
    }
}

/// A row.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// Its table.
    pub shelf: Shelf,
    /// Its key.
    pub key: String,
    /// Its attributes but the key, by their stored names. Sets and lists are arrays, bytes are base64, and a text that is
    /// called `…_json` is what it says. An event's bytes are its `body`: JSON, or text, or base64.
    pub fields: Map<String, Value>,
}

impl std::fmt::Debug for Record {
    /// Without what is in it: rows hold names, phones and messages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, {} fields)", self.shelf.as_str(), self.fields.len())
    }
}

impl Record {
    /// A text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// A number that is never negative.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        self.fields.get(name)?.as_u64()
    }

    /// A moment: milliseconds, or, where the name says so (`expires_at`), seconds.
    #[must_use]
    pub fn millis(&self, name: &str) -> Option<UnixMillis> {
        let number = self.fields.get(name)?.as_i64()?;
        Some(UnixMillis::new(if name.ends_with("_ms") { number } else { number.saturating_mul(1_000) }))
    }
}

/// Which rows of a table are wanted, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sieve {
    /// Attributes with one of these texts.
    pub equals: Vec<(&'static str, Vec<String>)>,
    /// Attributes, or the key as `pk`, that begin with this text.
    pub begins: Vec<(&'static str, String)>,
    /// A moment in milliseconds that is no earlier.
    pub since: Option<(&'static str, UnixMillis)>,
    /// The attributes to bring; empty: all of them.
    pub only: &'static [&'static str],
}

/// A part of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordPage {
    /// The rows that are wanted.
    pub rows: Vec<Record>,
    /// Where the rest begins; `None` at the end.
    pub next: Option<String>,
    /// How many rows were looked at for it.
    pub looked_at: usize,
}

/// Reads rows.
pub trait Records {
    /// One row, strongly consistent.
    async fn record(&self, shelf: Shelf, key: &str) -> Result<Option<Record>, StoreError>;

    /// A part of a table, strongly consistent. It is read from end to end, sieve or not, and billed for that: this is for a
    /// person with a question, not for work that is done each minute.
    async fn records(&self, shelf: Shelf, sieve: &Sieve, after: Option<&str>) -> Result<RecordPage, StoreError>;
}
