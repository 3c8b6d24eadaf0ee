//! The life of a review request: scheduled → queued → sending → sent | skipped | failed | unknown.
//!
//! It only ever moves to the right, but for one thing: a person who looked may say of an unknown one whether it was sent. Until `sending`, a refund or a cancellation ends it from outside; from then on only
//! the holder of its lease does. While it is not ended, the row stands in the sparse `due` index at the moment when it
//! next needs attention, whatever happened to the queue in between.

use crate::{
    eligibility::Inputs,
    ids::{LocationUid, OrderKey, ProviderId, Shard},
    inbox::{EventEnd, InboxKey},
    outbox::NOT_SENT,
    phone::E164Phone,
    review::{PlatformChoice, SkipReason},
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

/// Where a request stands. `Ord` is the order in which it may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestStatus {
    /// Waits for its day.
    Scheduled,
    /// Handed to the delay queue.
    Queued,
    /// The sender has begun; a webhook no longer ends it.
    Sending,
    /// The provider took it.
    Sent,
    /// Will not be sent, for the reason on the row.
    Skipped,
    /// Could not be sent, for the reason on the row.
    Failed,
    /// Nobody can say whether it was sent; a person has to look.
    Unknown,
}

impl RequestStatus {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Scheduled, Self::Queued, Self::Sending, Self::Sent, Self::Skipped, Self::Failed, Self::Unknown];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Reads [`RequestStatus::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Sent | Self::Skipped | Self::Failed | Self::Unknown)
    }
}

/// What a schedulable order asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whom to ask.
    pub phone: E164Phone,
    /// The shop's location that shipped the order, as Podium names it. There is no default.
    pub location: LocationUid,
    /// The buyer's first name, if it is fit for a text.
    pub first_name: Option<String>,
    /// The order's newest successful fulfilment.
    pub fulfilled_at: UnixMillis,
    /// When it is to be sent.
    pub send_after: UnixMillis,
    /// Zones in which the hour must be allowed, as known from the webhook. IANA names or fixed offsets.
    pub zones: Vec<String>,
}

/// A request about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    /// Its key.
    pub key: OrderKey,
    /// What it asks for.
    pub plan: Plan,
    /// When it is written.
    pub at: UnixMillis,
    /// When the row may be forgotten.
    pub expires_at: UnixMillis,
    /// What was known of the order when it was decided.
    pub inputs: Inputs,
}

/// Why a request could not be sent although it should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailReason {
    /// The provider refused, for good.
    Refused {
        /// HTTP status of the refusal.
        status: u16,
    },
    /// Shopify could not be asked about the order for too long.
    OrderUnreadable,
    /// The provider could not be reached for too long.
    ProviderUnreachable,
    /// It was taken up this often and never ended: something of ours fails on it.
    TooManyAttempts,
    /// Nobody could say, and a person who looked did not find it.
    NotSent,
}

impl FailReason {
    /// The reason as stored and shown.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Refused { status } => format!("refused_{status}"),
            Self::OrderUnreadable => "order_unreadable".into(),
            Self::ProviderUnreachable => "provider_unreachable".into(),
            Self::TooManyAttempts => "too_many_attempts".into(),
            Self::NotSent => NOT_SENT.into(),
        }
    }
}

/// How the sender ends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    /// The provider took it.
    Sent {
        /// Its id there.
        message: ProviderId,
    },
    /// Not to be sent.
    Skipped(SkipReason),
    /// Could not be sent.
    Failed(FailReason),
    /// Nobody can say.
    Unknown,
}

impl RequestEnd {
    /// The status it leads to.
    #[must_use]
    pub const fn status(&self) -> RequestStatus {
        match self {
            Self::Sent { .. } => RequestStatus::Sent,
            Self::Skipped(_) => RequestStatus::Skipped,
            Self::Failed(_) => RequestStatus::Failed,
            Self::Unknown => RequestStatus::Unknown,
        }
    }

    /// The end that a refusal noted in the outbox amounts to; reads what [`RequestEnd::reason`] wrote.
    #[must_use]
    pub fn from_reason(reason: &str) -> Self {
        if reason == NOT_SENT {
            return Self::Failed(FailReason::NotSent);
        }
        let skip = SkipReason::ALL.into_iter().find(|s| s.as_str() == reason);
        skip.map_or_else(
            || {
                let status = reason.strip_prefix("refused_").and_then(|s| s.parse().ok()).unwrap_or_default();
                Self::Failed(FailReason::Refused { status })
            },
            Self::Skipped,
        )
    }

    /// The reason stored beside the status.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Sent { .. } => None,
            Self::Skipped(why) => Some(why.as_str().to_owned()),
            Self::Failed(why) => Some(why.describe()),
            Self::Unknown => Some("outcome_unknown".to_owned()),
        }
    }
}

/// A request as the sender finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRequest {
    /// Its key.
    pub key: OrderKey,
    /// Where it stands; never an end.
    pub status: RequestStatus,
    /// What it asks for.
    pub plan: Plan,
    /// How often the sender took it, this time included.
    pub attempts: u32,
    /// When it was first meant to be sent; limits how long it is put off.
    pub first_send_after: UnixMillis,
    /// Since when a provider's trouble keeps it from being sent, without a break.
    pub trouble_since: Option<UnixMillis>,
}

/// A request as stored, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// Where it stands.
    pub status: RequestStatus,
    /// What it asks for; `None` for an order that was skipped at once, or whose customer's data was erased.
    pub plan: Option<Plan>,
    /// When it was first meant to be sent.
    pub first_send_after: Option<UnixMillis>,
    /// When a review came of it.
    pub reviewed_at: Option<UnixMillis>,
}

/// What a worker changes together with the end of the event that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestChange {
    /// Writes the request, if the order has none.
    Schedule(Box<NewRequest>),
    /// Ends it before it was sent. Writes the row if there is none, so that the reason is on record and a later
    /// "fulfilled" finds it.
    Skip {
        /// Which request.
        key: OrderKey,
        /// Why.
        reason: SkipReason,
        /// When.
        at: UnixMillis,
        /// When a newly written row may be forgotten.
        expires_at: UnixMillis,
        /// What was known of the order when it was decided; a refund does not say.
        inputs: Option<Inputs>,
    },
    /// Puts it off; only if there is one that has not begun. Never earlier than it stands.
    Defer {
        /// Which request.
        key: OrderKey,
        /// Not before.
        until: UnixMillis,
        /// Only a request that was first planned for this time or later; others have waited long enough.
        planned_from: UnixMillis,
    },
    /// Plans it anew, earlier or later; only if there is one that has not begun.
    Retime {
        /// Which request.
        key: OrderKey,
        /// When it is to be sent now.
        send_after: UnixMillis,
    },
}

impl RequestChange {
    /// The request it is about.
    #[must_use]
    pub fn key(&self) -> &OrderKey {
        match self {
            Self::Schedule(new) => &new.key,
            Self::Skip { key, .. } | Self::Defer { key, .. } | Self::Retime { key, .. } => key,
        }
    }
}

/// What became of [`Requests::commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Both written.
    Written,
    /// Neither written: the request does not admit the change (it exists already, has begun or has ended; or is absent).
    Refused,
    /// Neither written: somebody else holds the event by now.
    LeaseLost,
}

/// What became of [`Requests::claim_request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestClaim {
    /// Held by the asker now.
    Acquired(Box<ReviewRequest>),
    /// It was put off; the `due` index will bring it back.
    NotDue {
        /// When it is due.
        at: UnixMillis,
    },
    /// Somebody else works on it.
    Busy {
        /// Until when at the latest.
        until: UnixMillis,
    },
    /// There is nothing left to do.
    Ended(RequestStatus),
    /// No such row.
    Missing,
}

/// A row of the `due` index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRow {
    /// Its key.
    pub key: OrderKey,
    /// Where it stands, as the index says; the base row decides.
    pub status: RequestStatus,
    /// When it needs attention.
    pub due_at: UnixMillis,
    /// When it is to be sent.
    pub send_after: UnixMillis,
}

/// How a sender puts a request back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Postpone {
    /// When to try again.
    pub until: UnixMillis,
    /// Why.
    pub why: Wait,
}

/// What a request that was put back waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The customer's morning, or the answer to a look-up.
    Clock,
    /// A shipment, refund or return that is not settled.
    Settling,
    /// A provider that cannot help now. How long this lasts is remembered; anything else ends it.
    Trouble,
}

/// The table of review requests.
pub trait Requests {
    /// Changes a request and ends its event in one transaction.
    async fn commit(
        &self,
        event: &InboxKey,
        lease: &Lease,
        end: &EventEnd,
        change: &RequestChange,
    ) -> Result<Committed, StoreError>;

    /// Requests of one partition that need attention before `before`, oldest first, `limit` at most.
    async fn due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<DueRow>, StoreError>;

    /// Notes that a due request goes to the queue now and, should nothing come of it, needs attention again at
    /// `next_attention`. `false`: it changed since the index was read.
    async fn mark_queued(&self, row: &DueRow, next_attention: UnixMillis) -> Result<bool, StoreError>;

    /// Takes the lease of a request that is due and not held, and counts the attempt.
    /// A repeated call by the same owner succeeds again.
    async fn claim_request(&self, key: &OrderKey, lease: &Lease) -> Result<RequestClaim, StoreError>;

    /// The point of no return for webhooks: from here on only the lease's holder ends the request. Refused when a webhook
    /// has put the request off since it was claimed.
    async fn begin_sending(&self, key: &OrderKey, lease: &Lease, choice: &PlatformChoice)
    -> Result<Fenced, StoreError>;

    /// Gives the request back, to be due again later.
    async fn postpone(&self, key: &OrderKey, lease: &Lease, postpone: &Postpone) -> Result<Fenced, StoreError>;

    /// Ends the request, with what was known of the order when that was decided; it leaves the `due` index.
    async fn end_request(
        &self,
        key: &OrderKey,
        lease: &Lease,
        end: &RequestEnd,
        inputs: Option<&Inputs>,
    ) -> Result<Fenced, StoreError>;

    /// Reads a request, strongly consistent, wherever it stands.
    async fn request(&self, key: &OrderKey) -> Result<Option<RequestRow>, StoreError>;

    /// Notes that a review came of a request, the first time; a reminder is pointless from then on.
    async fn note_reviewed(&self, key: &OrderKey, at: UnixMillis) -> Result<(), StoreError>;
}
