//! Chatwoot's webhooks, as far as they matter: what a customer wrote, and in whose hands the conversation is.
//!
//! The endpoint reads a delivery once and keeps only what is needed of it: a webhook's body repeats the message up to three
//! times and holds a live credential of the visitor's (`pubsub_token`), and neither belongs into a table.

mod desk;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    contact::{Direction, Evidence, OptOutChange, OptOutFlag, OptOutSource},
    ids::{EventId, GroupId},
    inbox::BodySha256,
    outbound::Choice,
    phone::E164Phone,
    podium::OptOutNews,
    time::UnixMillis,
    wish::{self, ExtraWords, Wish},
};

pub use desk::{Conversations, LoadFailure, Loaded, Media, PostFailure, Posted};
pub use read::{account_of, parse, read_attachments};

/// Characters kept of what a customer wrote. Chatwoot takes 150,000; no answer needs more than this.
pub const TEXT_CHARS_MAX: usize = 8_000;

/// A conversation, as the API's paths name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationRef {
    /// The account.
    pub account: u64,
    /// The conversation's number within the account (its display id).
    pub conversation: u64,
}

/// Why a delivery needs no work. Closed, so that no text from outside gets into an answer or a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IgnoreReason {
    /// Not about a message.
    OtherEvent,
    /// A person of the shop's wrote it.
    SentByAgent,
    /// A bot wrote it, ours included.
    SentByBot,
    /// Chatwoot's own assistant wrote it.
    SentByCaptain,
    /// The sender is of a kind that nobody has heard of; only contacts are answered.
    SentByOther,
    /// It goes to the customer.
    Outgoing,
    /// A greeting, an out-of-office note, a survey.
    Template,
    /// A note about what happened.
    Activity,
    /// A note among the shop's people.
    Private,
    /// What we (or another program) posted, back again.
    Echo,
    /// An update without an answer of the customer's.
    NothingNew,
    /// The shop has blocked the contact.
    Blocked,
    /// Of an inbox that is not answered here.
    OtherInbox,
}

impl IgnoreReason {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::OtherEvent,
        Self::SentByAgent,
        Self::SentByBot,
        Self::SentByCaptain,
        Self::SentByOther,
        Self::Outgoing,
        Self::Template,
        Self::Activity,
        Self::Private,
        Self::Echo,
        Self::NothingNew,
        Self::Blocked,
        Self::OtherInbox,
    ];

    /// The word in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherEvent => "other_event",
            Self::SentByAgent => "sent_by_agent",
            Self::SentByBot => "sent_by_bot",
            Self::SentByCaptain => "sent_by_captain",
            Self::SentByOther => "sent_by_other",
            Self::Outgoing => "outgoing",
            Self::Template => "template",
            Self::Activity => "activity",
            Self::Private => "private",
            Self::Echo => "echo",
            Self::NothingNew => "nothing_new",
            Self::Blocked => "blocked",
            Self::OtherInbox => "other_inbox",
        }
    }
}

/// What brings a customer's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A new message (`message_created`).
    Created,
    /// They chose an option or filled in a form of ours (`message_updated` with `submitted_values`).
    Submitted,
    /// Chatwoot has written down what they said (`message_updated` with `transcribed_text`).
    Transcribed,
}

impl Kind {
    /// The word in rows, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "message_created",
            Self::Submitted => "submitted",
            Self::Transcribed => "transcribed",
        }
    }
}

/// In whose hands a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A bot's.
    Pending,
    /// A person's.
    Open,
    /// It is over.
    Resolved,
    /// A person put it off.
    Snoozed,
    /// Not said, or a word that nobody has heard of.
    Unknown,
}

/// Whom a conversation is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// Nobody.
    Nobody,
    /// A person.
    Person,
    /// A bot.
    Bot,
}

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// In whose hands.
    pub status: Status,
    /// Assigned to whom.
    pub assignee: Assignee,
}

impl Standing {
    /// Whether the assistant may speak. A bot owns what is pending; `open_too`: also what is open and nobody's.
    #[must_use]
    pub const fn is_ours(self, open_too: bool) -> bool {
        match (self.status, self.assignee) {
            (_, Assignee::Person) => false,
            (Status::Pending, Assignee::Nobody | Assignee::Bot) => true,
            (Status::Open, Assignee::Nobody) => open_too,
            (Status::Open, Assignee::Bot)
            | (Status::Resolved | Status::Snoozed | Status::Unknown, Assignee::Nobody | Assignee::Bot) => false,
        }
    }
}

/// The way by which a conversation reaches the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The widget on a web page.
    WebWidget,
    /// WhatsApp.
    Whatsapp,
    /// Telegram.
    Telegram,
    /// LINE.
    Line,
    /// Facebook Messenger.
    Facebook,
    /// A program of somebody's.
    Api,
    /// Anything that shows words only.
    Other,
}

/// What a file is, for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// `image/*`.
    Image,
    /// `audio/*`.
    Audio,
    /// Anything else.
    Other,
}

/// Something that came with a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Chatwoot's id of it.
    pub id: Option<u64>,
    /// Chatwoot's word for its kind, such as `image`, `audio`, `location`.
    pub file_type: String,
    /// Its MIME type, in lower case, without parameters.
    pub mime: Option<String>,
    /// Where it lies.
    pub url: Option<String>,
    /// The file's name: the last segment of the URL, decoded.
    pub name: Option<String>,
    /// Its size in bytes.
    pub bytes: Option<u64>,
    /// What Chatwoot has written down of it.
    pub transcript: Option<String>,
    /// What there is of it in words: a place's name or coordinates, a contact's number, a title.
    pub words: Option<String>,
}

impl fmt::Debug for Attachment {
    /// Without what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({}, {:?}, {:?} bytes)", self.file_type, self.mime, self.bytes)
    }
}

/// The attachments that a delivery tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attached {
    /// All of them, with all that is needed.
    Listed(Vec<Attachment>),
    /// Something is missing: Chatwoot has to be asked for the message. With what is known so far.
    Incomplete(Vec<Attachment>),
}

/// Something that a customer said. This is what the inbox keeps of a delivery.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatwootMessage {
    /// The sender's id of the event, where it gives one.
    pub event_id: Option<String>,
    /// What brought it.
    pub kind: Kind,
    /// Where.
    pub at: ConversationRef,
    /// The inbox.
    pub inbox: Option<u64>,
    /// The message's id: unique in the installation, and rising.
    pub id: u64,
    /// The words.
    pub text: Option<String>,
    /// The options that were chosen, or the fields that were filled in.
    pub submitted: Vec<Choice>,
    /// What came with it.
    pub attached: Attached,
    /// The channel.
    pub channel: Channel,
    /// Where the conversation stood.
    pub standing: Standing,
    /// The customer's number, as Chatwoot has it.
    pub phone: Option<String>,
    /// When it was written, in milliseconds since the epoch.
    pub created_at_ms: Option<i64>,
}

impl fmt::Debug for ChatwootMessage {
    /// Without what was said and by whom.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChatwootMessage({:?} {} in {:?})", self.kind, self.id, self.at)
    }
}

/// What a delivery is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Something to work on.
    Message(Box<ChatwootMessage>),
    /// Nothing to do.
    Ignored(IgnoreReason),
}

impl ChatwootMessage {
    /// What makes it unique: the sender's id of the event, else event and message. An update of a message is no
    /// repetition of it.
    #[must_use]
    pub fn event(&self) -> EventId {
        let named = self.event_id.as_deref().and_then(|id| EventId::try_from(format!("event-{id}").as_str()).ok());
        let name = match self.kind {
            Kind::Created => "message_created",
            Kind::Submitted | Kind::Transcribed => "message_updated",
        };
        let own = format!("{name}-{}-{}", self.at.account, self.id);
        named.or_else(|| EventId::try_from(own.as_str()).ok()).unwrap_or_else(|| EventId::of_body(&self.fingerprint()))
    }

    /// The event of the message itself: what Chatwoot has written down of it is the same message once more.
    #[must_use]
    pub fn created(&self) -> EventId {
        match self.kind {
            Kind::Created | Kind::Submitted => self.event(),
            Kind::Transcribed => Self { kind: Kind::Created, event_id: None, ..self.clone() }.event(),
        }
    }

    /// The same message comes by two webhooks of an account with different bodies; this is the same for both.
    #[must_use]
    pub fn fingerprint(&self) -> BodySha256 {
        BodySha256::of(format!("{:?}#{}#{}", self.kind, self.at.account, self.id).as_bytes())
    }

    /// The line of its conversation.
    #[must_use]
    pub fn group(&self) -> GroupId {
        GroupId::of(&format!("chatwoot#{}#{}", self.at.account, self.at.conversation))
    }

    /// The customer's number, if it is one.
    #[must_use]
    pub fn e164(&self) -> Option<E164Phone> {
        E164Phone::parse_e164(self.phone.as_deref()?.trim()).ok()
    }

    /// What it wishes about being written to.
    #[must_use]
    pub fn wish(&self, extra: &ExtraWords) -> Wish {
        wish::read(self.text.as_deref().unwrap_or_default(), extra)
    }

    /// What it says about opt-outs.
    #[must_use]
    pub fn opt_outs(&self, extra: &ExtraWords, received_at: UnixMillis) -> OptOutNews {
        let direction = match self.wish(extra) {
            Wish::Stop => Direction::Out,
            Wish::Start => Direction::In,
            Wish::Help | Wish::Unsure | Wish::None => return OptOutNews::Nothing,
        };
        let Some(change) = self.change(direction, received_at) else {
            // Their conversation falls silent; of a START nobody knows whose number it should be about.
            return if direction == Direction::Out { OptOutNews::WithoutPhone } else { OptOutNews::Nothing };
        };
        OptOutNews::Changes(vec![change])
    }

    /// That they said STOP in a voice message; `None` when their number is not known.
    #[must_use]
    pub fn stopped_aloud(&self, received_at: UnixMillis) -> Option<OptOutChange> {
        self.change(Direction::Out, received_at)
    }

    fn change(&self, direction: Direction, received_at: UnixMillis) -> Option<OptOutChange> {
        let phone = self.e164()?;
        let evidence = Evidence {
            source: OptOutSource::Chatwoot,
            message_id: Some(self.id.to_string()),
            text_sha256: self.text.as_deref().map(|text| BodySha256::of(text.as_bytes()).as_str().to_owned()),
            recorded_at: received_at,
            by_hand: None,
        };
        let at = self.created_at_ms.map_or(received_at, UnixMillis::new).min(received_at);
        Some(OptOutChange { phone, flag: OptOutFlag::Keyword, direction, at, evidence })
    }
}
