//! Notices: what the shop's people have to be told, as rows that outlive every crash, and the channels that carry them.
//!
//! A notice is told at least once. Its row says "delivered" only after a channel took it, so a crash between the two tells
//! it twice: to be told twice of a bad review is a nuisance, to be told never is a lost customer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    ids::Shard,
    queue::{DelaySeconds, QueueError},
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A bad review.
    BadReview,
    /// A review whose rating nobody can read.
    UnreadableReview,
    /// A request of which nobody said within a day whether it arrived, or whether it was sent at all.
    Unresolved,
    /// A carrier filters what is sent to somebody.
    CarrierFiltered,
    /// A customer wants to know what is kept about them.
    DataRequest,
    /// A customer's or the whole shop's data was erased.
    Erased,
    /// Shopify says that the app was uninstalled; nothing is sent any more.
    Uninstalled,
    /// An answer could not be posted into a chat.
    ChatUnanswered,
    /// The assistant's model cannot be used until somebody changes something.
    AssistantDown,
    /// Somebody filled in the form on the shop's page.
    ContactForm,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::BadReview,
        Self::UnreadableReview,
        Self::Unresolved,
        Self::CarrierFiltered,
        Self::DataRequest,
        Self::Erased,
        Self::Uninstalled,
        Self::ChatUnanswered,
        Self::AssistantDown,
        Self::ContactForm,
    ];

    /// The stored word, also the metric's dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadReview => "bad_review",
            Self::UnreadableReview => "unreadable_review",
            Self::Unresolved => "unresolved",
            Self::CarrierFiltered => "carrier_filtered",
            Self::DataRequest => "data_request",
            Self::Erased => "erased",
            Self::Uninstalled => "uninstalled",
            Self::ChatUnanswered => "chat_unanswered",
            Self::AssistantDown => "assistant_down",
            Self::ContactForm => "contact_form",
        }
    }

    /// Whether somebody has to hear of it within a minute.
    #[must_use]
    pub const fn is_urgent(self) -> bool {
        match self {
            Self::BadReview | Self::UnreadableReview | Self::ChatUnanswered => true,
            Self::Unresolved
            | Self::CarrierFiltered
            | Self::DataRequest
            | Self::Erased
            | Self::Uninstalled
            | Self::AssistantDown
            | Self::ContactForm => false,
        }
    }

    /// Whether somebody wrote to the shop and waits for an answer: then people need the words whole, with the address that was
    /// left. In all others a customer's numbers and addresses are nobody's business.
    #[must_use]
    pub const fn is_a_letter(self) -> bool {
        match self {
            Self::ContactForm => true,
            Self::BadReview
            | Self::UnreadableReview
            | Self::Unresolved
            | Self::CarrierFiltered
            | Self::DataRequest
            | Self::Erased
            | Self::Uninstalled
            | Self::ChatUnanswered
            | Self::AssistantDown => false,
        }
    }

    /// Reads [`NoticeKind::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

/// Names a notice for ever, `notice#kind#id`: what is opened twice under one key is told once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeKey(String);

impl NoticeKey {
    /// The notice of that kind about one thing.
    #[must_use]
    pub fn new(kind: NoticeKind, about: &str) -> Self {
        Self(format!("notice#{}#{about}", kind.as_str()))
    }

    /// Reads a stored or queued key; nothing that is no notice's.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, about) = text.strip_prefix("notice#")?.split_once('#')?;
        NoticeKind::parse(kind).filter(|_| !about.is_empty()).map(|_| Self(text.to_owned()))
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Option<NoticeKind> {
        NoticeKind::parse(self.0.split('#').nth(1)?)
    }

    /// The partition of the `attention` index that its row belongs to.
    #[must_use]
    pub fn shard(&self) -> Shard {
        Shard::of(&self.0)
    }
}

/// What people are to read. Customers' words are in [`Content::quote`] only, and are escaped by each channel; phones are
/// masked before they get here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// One sentence of ours: what happened.
    pub headline: String,
    /// Label and value. Values may hold ids, ratings, masked numbers, names of locations; never a customer's words.
    pub facts: Vec<(String, String)>,
    /// The customer's words, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// Where to look; shown only if it is an `https` address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What to do now.
    pub action: String,
}

impl std::fmt::Debug for Content {
    /// Without the customer's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({:?}, {} facts)", self.headline, self.facts.len())
    }
}

/// A notice to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its key.
    pub key: NoticeKey,
    /// What it is about.
    pub kind: NoticeKind,
    /// What to read.
    pub content: Content,
    /// The provider's and our own ids that it is about, by which an erasure finds it.
    pub about: Vec<String>,
    /// When it was opened; its time limit counts from here.
    pub opened_at: UnixMillis,
    /// When its row may be forgotten.
    pub expires_at: UnixMillis,
}

/// How long a notice's row is kept.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

impl Notice {
    /// One of a kind about one thing, opened now; it names no ids yet by which an erasure would find it.
    #[must_use]
    pub fn new(kind: NoticeKind, about: &str, content: Content, now: UnixMillis) -> Self {
        let key = NoticeKey::new(kind, about);
        Self { key, kind, content, about: Vec::new(), opened_at: now, expires_at: now.plus(KEPT) }
    }
}

/// A way to reach people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A Slack incoming webhook.
    Slack,
    /// Any HTTPS address that takes JSON.
    Webhook,
    /// An SNS topic.
    Sns,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Slack, Self::Webhook, Self::Sns];

    /// The word in settings, rows and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Webhook => "webhook",
            Self::Sns => "sns",
        }
    }

    /// Reads [`Channel::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == text)
    }
}

/// What became of telling a notice over a channel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Untold {
    /// It may work later: a timeout, a 5xx, a 429.
    #[error("it may work later: {detail}")]
    Later {
        /// How long the channel wants to be left alone, if it says.
        wait: Option<Duration>,
        /// What happened; holds neither the address nor the notice.
        detail: String,
    },
    /// It will not work until somebody mends something: the address is gone or refused.
    #[error("it will not work: {detail}")]
    Never {
        /// What happened; holds neither the address nor the notice.
        detail: String,
    },
}

/// Carries notices to people.
pub trait Channels {
    /// Tells a notice over a channel. `Ok` only when the channel said that it took it.
    async fn tell(&self, channel: Channel, notice: &Notice) -> Result<(), Untold>;
}

/// What is known of one channel for one notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// How often it was tried.
    pub attempts: u32,
    /// Until when it wants to be left alone, in milliseconds since the epoch.
    pub not_before_ms: i64,
    /// It does not work until somebody mends it: set aside for as long as another channel works.
    pub hopeless: bool,
}

/// How far a notice has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// By channel; one that was never tried is absent.
    pub tries: Vec<(Channel, Tries)>,
    /// It was reported as late.
    pub late: bool,
}

impl Progress {
    /// What is known of a channel.
    #[must_use]
    pub fn of(&self, channel: Channel) -> Tries {
        self.tries.iter().find(|(c, _)| *c == channel).map(|(_, t)| *t).unwrap_or_default()
    }

    /// With something new about a channel.
    #[must_use]
    pub fn with(mut self, channel: Channel, tries: Tries) -> Self {
        self.tries.retain(|(c, _)| *c != channel);
        self.tries.push((channel, tries));
        self.tries.sort_by_key(|(c, _)| *c);
        self
    }
}

/// A notice in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldNotice {
    /// What to tell.
    pub notice: Notice,
    /// How far it has come.
    pub progress: Progress,
}

/// What became of [`Notices::claim_notice`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeClaim {
    /// Held by the asker now.
    Acquired(Box<HeldNotice>),
    /// It is not to be tried before this moment.
    NotDue {
        /// When it is.
        at: UnixMillis,
    },
    /// Somebody else is at it.
    Busy {
        /// Until when at the latest.
        until: UnixMillis,
    },
    /// It was told, or given up.
    Ended,
    /// No such row.
    Missing,
}

/// How a notice ends. Its content goes with its end: what people were told is theirs to keep, not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeEnd {
    /// A channel took it.
    Told(Channel),
    /// No channel took it for too long.
    GivenUp,
}

/// What is written of a notice that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeStep {
    /// To be tried again.
    Again {
        /// What was learned.
        progress: Progress,
        /// When.
        at: UnixMillis,
    },
    /// Over.
    End(NoticeEnd),
}

/// A row of the `attention` index that is a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeDue {
    /// Its key.
    pub key: NoticeKey,
    /// Since when it is due.
    pub at: UnixMillis,
}

/// Where notices are kept.
pub trait Notices {
    /// Writes a notice, due at once, unless its key is there. Says whether it was new.
    async fn open_notice(&self, notice: &Notice) -> Result<bool, StoreError>;

    /// Takes the lease of a notice that is due and not held. A repeated call by the same owner succeeds again.
    async fn claim_notice(&self, key: &NoticeKey, lease: &Lease) -> Result<NoticeClaim, StoreError>;

    /// Writes what became of an attempt and gives the lease back.
    async fn step_notice(&self, key: &NoticeKey, lease: &Lease, step: &NoticeStep) -> Result<Fenced, StoreError>;

    /// Notices of one partition that are due since before `before`, oldest first, `limit` at most.
    async fn notices_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<NoticeDue>, StoreError>;
}

/// What an operator does about notices.
pub trait NoticesAnew {
    /// Writes a notice, due at once, also in the place of one that has ended. Says whether it was written: one that waits to be
    /// told stays as it is.
    async fn open_notice_anew(&self, notice: &Notice, now: UnixMillis) -> Result<bool, StoreError>;
}

/// The queue that wakes the notifier.
pub trait NoticeQueue {
    /// Puts a notice's key into the queue, to appear after `delay`. May be called twice for one: its lease makes it
    /// harmless.
    async fn enqueue_notice(&self, key: &NoticeKey, delay: DelaySeconds) -> Result<(), QueueError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_the_round_trip_and_nothing_else_is_one() {
        for kind in NoticeKind::ALL {
            let key = NoticeKey::new(kind, "rev_1#2");
            assert_eq!(NoticeKey::parse(key.as_str()), Some(key.clone()));
            assert_eq!(key.kind(), Some(kind));
        }
        for bad in ["", "notice#", "notice#bad_review", "notice#bad_review#", "notice#nothing#1", "review-request#a#1"]
        {
            assert_eq!(NoticeKey::parse(bad), None, "{bad}");
        }
    }
}
