//! The inbox: one row per event that somebody sent us, written before we answer.
//!
//! The row is the dedup, the durable copy and the audit trail in one conditional write. The queue carries only its
//! key, so that a message lost, doubled or late is never more than a hint to look here.

use crate::{
    body::StoredBody,
    chat::ChatKey,
    chat_code::ChatCode,
    contact::OptOutChange,
    ids::{EventId, GroupId, Shard},
    phone::PhoneReject,
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
    webchat::{AttachmentProblem, WebchatCode},
};

/// Who sends webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The shop.
    Shopify,
    /// The messaging provider.
    Podium,
    /// The shop, where it is about what is kept of a person. Apart, because another worker does it: one that may read
    /// and erase everything.
    Privacy,
    /// The shop's Chatwoot.
    Chatwoot,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Shopify, Self::Podium, Self::Privacy, Self::Chatwoot];

    /// The name in keys and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shopify => "shopify",
            Self::Podium => "podium",
            Self::Privacy => "privacy",
            Self::Chatwoot => "chatwoot",
        }
    }

    /// Reads [`Source::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// Key of an inbox row, `source#event-id`. This is all that travels through a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboxKey {
    /// Who sent the event.
    pub source: Source,
    /// The sender's id of it.
    pub event: EventId,
}

impl InboxKey {
    /// The text under which the row is stored and queued.
    #[must_use]
    pub fn to_key(&self) -> String {
        format!("{}#{}", self.source.as_str(), self.event)
    }

    /// Reads back what [`InboxKey::to_key`] wrote; nothing else.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let (source, event) = key.split_once('#')?;
        Some(Self { source: Source::parse(source)?, event: EventId::try_from(event).ok()? })
    }

    /// The partition of the `waiting` index that this row belongs to.
    #[must_use]
    pub fn shard(&self) -> Shard {
        Shard::of(&self.to_key())
    }

    /// Where a second body under the same id is kept, for people to look at.
    #[must_use]
    pub fn mismatch_key(&self, body: &BodySha256) -> String {
        format!("{}~{}", self.to_key(), body.as_str().get(..16).unwrap_or_default())
    }
}

/// Hex SHA-256 of the raw body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BodySha256(String);

impl BodySha256 {
    /// Hashes a body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        Self(Sha256::digest(body).iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Reads a stored hash.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The hash in hex.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An event about to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its key.
    pub key: InboxKey,
    /// The sender's name for its kind; from an unsigned header, so it informs people and decides nothing.
    pub topic: Option<String>,
    /// The body, packed for storage.
    pub body: StoredBody,
    /// Hash of the raw body.
    pub body_sha256: BodySha256,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// When the row may be forgotten. Compared by us on every use; the table's own expiry is days late.
    pub expires_at: UnixMillis,
    /// Unique to this attempt to store it: tells a retried write from a duplicate delivery.
    pub receipt: String,
    /// `None`: a worker has to see it. `Some`: it ends here, with this reason.
    pub rejected: Option<RejectReason>,
    /// The line in which its worker has to see it; `None` where order does not matter.
    pub group: Option<GroupId>,
    /// What it says about opt-outs: written with the row, in one transaction, before anybody is answered.
    pub opt_outs: Vec<OptOutChange>,
    /// The chat whose newest event it becomes, in the same transaction.
    pub chat: Option<ChatKey>,
}

/// Why a verified event cannot be used. Closed, so that no text from outside gets into a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Not JSON, or not of the expected types; where the parser gave up.
    Malformed {
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
    },
    /// JSON, but no shape of event that this endpoint knows.
    UnknownShape,
    /// The sender's shop header names another shop than this installation serves.
    OtherShop,
    /// The stored body could not be read back.
    UnreadableBody,
    /// Verified, but larger than is kept; only its hash is.
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The phone is not one.
    InvalidPhone(PhoneReject),
    /// No phone at all where there has to be one.
    MissingPhone,
    /// It does not say which location it is for, and there is no default.
    MissingLocation,
    /// It names a location that Podium does not list.
    UnknownLocation,
    /// An attachment is too large, or does not say how large it is.
    Attachment(AttachmentProblem),
    /// Somebody wants no more messages, and it cannot be told who.
    UnattributedOptOut,
    /// The review's rating is no number of stars; people were told.
    RatingUnusable,
    /// What it said was erased before it was worked on.
    Erased,
    /// The answer could not be posted, or nobody can say whether it was; a person has to look.
    Unanswered(ChatCode),
    /// A provider did not help with it for a day; a person has to look.
    ProviderNoHelp,
    /// Its worker failed on it this many times; a person has to look.
    TooManyAttempts {
        /// How often it was tried.
        attempts: u32,
    },
}

impl RejectReason {
    /// The reason as stored and shown.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Malformed { line, column } => format!("malformed: unreadable at line {line} column {column}"),
            Self::UnknownShape => "unknown_shape: no event of a known shape".into(),
            Self::OtherShop => "other_shop: the shop header names a shop that is not served here".into(),
            Self::UnreadableBody => "unreadable_body: the stored body could not be read back".into(),
            Self::TooLarge { bytes } => format!("too_large: {bytes} bytes are more than is kept"),
            Self::InvalidPhone(why) => {
                format!("{}: {} ({why})", WebchatCode::InvalidPhone.described(), why.reason())
            }
            Self::MissingPhone => format!("{}: missing", WebchatCode::InvalidPhone.described()),
            Self::MissingLocation => WebchatCode::MissingLocation.described(),
            Self::UnknownLocation => WebchatCode::UnknownLocation.described(),
            Self::Attachment(problem) => format!("{}: {problem}", WebchatCode::AttachmentTooLarge.described()),
            Self::UnattributedOptOut => {
                format!("{}: no phone that could be told", WebchatCode::OptOutReceived.described())
            }
            Self::RatingUnusable => "rating_unusable: the review's rating is no number of stars".into(),
            Self::Erased => "erased: its person's data was erased before it was worked on".into(),
            Self::Unanswered(code) => code.described(),
            Self::ProviderNoHelp => "provider_no_help: a provider did not help with it for a day".into(),
            Self::TooManyAttempts { attempts } => format!("too_many_attempts: failed {attempts} times"),
        }
    }

    /// The stable code, where it has one.
    #[must_use]
    pub const fn webchat_code(&self) -> Option<WebchatCode> {
        match self {
            Self::InvalidPhone(_) | Self::MissingPhone => Some(WebchatCode::InvalidPhone),
            Self::MissingLocation => Some(WebchatCode::MissingLocation),
            Self::UnknownLocation => Some(WebchatCode::UnknownLocation),
            Self::Attachment(_) => Some(WebchatCode::AttachmentTooLarge),
            Self::UnattributedOptOut => Some(WebchatCode::OptOutReceived),
            Self::Malformed { .. }
            | Self::UnknownShape
            | Self::OtherShop
            | Self::UnreadableBody
            | Self::TooLarge { .. }
            | Self::RatingUnusable
            | Self::Erased
            | Self::Unanswered(_)
            | Self::ProviderNoHelp
            | Self::TooManyAttempts { .. } => None,
        }
    }
}

/// How an accepted event's row ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventEnd {
    /// Carried out; the word says what came of it.
    Done(&'static str),
    /// Carried out, and its body goes with the same write.
    Erased(&'static str),
    /// Not usable; kept and shown with its reason.
    Rejected(RejectReason),
    /// Given up after too many attempts: the row stays and an alarm rings.
    Parked(RejectReason),
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InboxStatus {
    /// Stored, nobody works on it.
    Waiting,
    /// A worker holds it.
    Claimed,
    /// Carried out.
    Done,
    /// Ended with a reason.
    Rejected,
    /// Ended by giving up; a person has to look.
    Parked,
    /// A second body under a known id; kept for people, never worked on.
    Mismatch,
}

impl InboxStatus {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Claimed, Self::Done, Self::Rejected, Self::Parked, Self::Mismatch];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::Parked => "parked",
            Self::Mismatch => "mismatch",
        }
    }

    /// Reads [`InboxStatus::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What became of [`Inbox::accept`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// This call stored it.
    Stored,
    /// It was there already, with the same body.
    Duplicate,
    /// The id was there with another body; the newcomer is kept beside it as a `mismatch` row.
    Mismatch,
}

/// A row that this worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedEvent {
    /// Its key.
    pub key: InboxKey,
    /// The body as stored.
    pub body: StoredBody,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// When a person set it going again, if one did.
    pub reopened_at: Option<UnixMillis>,
    /// The number of the time at which a person wanted its answer made anew; 0: never.
    pub anew: u32,
}

impl LeasedEvent {
    /// From when on a provider's patience with it is counted: whoever set it going again knows that it is old.
    #[must_use]
    pub fn current_since(&self) -> UnixMillis {
        self.reopened_at.map_or(self.received_at, |at| at.max(self.received_at))
    }
}

/// Whether a failed attempt speaks against the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It failed on the event.
    Counts,
    /// A table was down; an outage must not park a day of events.
    Forgiven,
    /// A provider cannot help now. It waits outside the queue until the sweeper brings it back: in the queue it would hold up
    /// everything behind it in its line.
    PutOff {
        /// Since when it is to count as waiting; the sweeper takes those that wait for long enough.
        since: UnixMillis,
    },
}

/// What became of [`Inbox::claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxClaim {
    /// Held by the asker now.
    Acquired(Box<LeasedEvent>),
    /// Somebody else works on it.
    Busy {
        /// Until when at the latest.
        until: UnixMillis,
    },
    /// There is nothing left to do.
    Ended(InboxStatus),
    /// No such row.
    Missing,
}

/// A row of the `waiting` index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    /// Its key.
    pub key: InboxKey,
    /// Since when it waits, or when it was last put into the queue again.
    pub since: UnixMillis,
    /// The line it belongs to.
    pub group: Option<GroupId>,
}

/// The inbox table.
pub trait Inbox {
    /// Stores an event if its id is new (or its old row has expired). One write when new.
    ///
    /// Its opt-outs are written in the same transaction, by the rules of [`Contacts::record_opt_out`]; one that is
    /// superseded does not stand in the event's way. Those of a [`Accepted::Mismatch`] that say "out" are written too:
    /// which of the two bodies is right does not matter to somebody who wants no messages. So are those of a
    /// [`Accepted::Duplicate`] without an id of its own: a second STOP may have the very bytes of the first. Of several
    /// changes for one phone the first is in the transaction; of the others those that say "out" are written just before
    /// it, whatever becomes of the event, and those that say "in" are the worker's to write.
    ///
    /// [`Contacts::record_opt_out`]: crate::contact::Contacts::record_opt_out
    async fn accept(&self, event: &NewEvent) -> Result<Accepted, StoreError>;

    /// Takes the lease of a row that waits or whose lease has run out, and counts the attempt.
    /// A repeated call by the same owner succeeds again.
    async fn claim(&self, key: &InboxKey, lease: &Lease) -> Result<InboxClaim, StoreError>;

    /// Ends a row; it leaves the `waiting` index. A parked one does not expire: somebody has yet to look at it.
    async fn finish(&self, key: &InboxKey, lease: &Lease, end: &EventEnd) -> Result<Fenced, StoreError>;

    /// Gives a row back, so that the next worker need not wait for the lease. `attempt` says whether this one counts, and
    /// whether the row's place in the `waiting` index changes.
    async fn release(&self, key: &InboxKey, lease: &Lease, attempt: Attempt) -> Result<Fenced, StoreError>;

    /// Rows of one partition that wait since before `before`, oldest first, `limit` at most.
    async fn waiting(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<WaitingRow>, StoreError>;

    /// Notes that a waiting row is put into the queue again now, and says when its event came in. `None`: somebody else did,
    /// or it has ended.
    async fn requeue(&self, row: &WaitingRow, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError>;
}
