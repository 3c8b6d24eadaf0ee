//! The outbox: one row per effect that a customer would notice, written before it happens.
//!
//! A row in `sending` whose writer is gone is the one case in which nobody knows whether the customer got it. It is
//! never sent again on a guess: the provider is asked, and without a clear "no" it ends as `unknown`, for a person.

use std::time::Duration;

use crate::{
    ids::{EffectKey, LocationUid, OwnerToken, ProviderId, Shard, short_hash},
    phone::E164Phone,
    redrive::Decided,
    store::{Fenced, Lease, StoreError},
    time::{DAY, UnixMillis},
};

/// A link made for one person and one request; kept so that a retry uses the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The provider's id of it.
    pub uid: ProviderId,
    /// Where it leads.
    pub url: String,
}

/// A send about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Its key.
    pub key: EffectKey,
    /// Whom it goes to.
    pub phone: E164Phone,
    /// From which location.
    pub location: LocationUid,
    /// When the row may be forgotten.
    pub expires_at: UnixMillis,
}

/// A send that somebody began and did not finish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Who began it; the fence for settling it.
    pub owner: OwnerToken,
    /// When.
    pub began_at: UnixMillis,
    /// The link that would be in the message.
    pub invite: Option<Invite>,
}

/// Why a provider says that something did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// Anything that says nothing about the person or the number.
    Other,
    /// A carrier rejected it. It may have been this text only; a person looks at the number.
    CarrierFiltered,
    /// The number is a landline.
    Landline,
    /// The number is none that can be reached.
    InvalidPhone,
    /// The person had opted out.
    OptedOut,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Other, Self::CarrierFiltered, Self::Landline, Self::InvalidPhone, Self::OptedOut];

    /// The stored word, also the metric's dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Other => "undeliverable",
            Self::CarrierFiltered => "carrier_filtered",
            Self::Landline => "landline",
            Self::InvalidPhone => "invalid_phone",
            Self::OptedOut => "recipient_optout",
        }
    }

    /// Reads [`FailureKind::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

/// What a provider says became of something after it took it.
///
/// `Ord` is by weight, and of several the weightiest holds, so the order of their arrival makes no difference: a text is
/// handed on first and may fail at the carrier after that; what was delivered did arrive, whatever is said later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryNews {
    /// Handed on to the carrier.
    Sent,
    /// Did not arrive.
    Failed(FailureKind),
    /// Arrived.
    Delivered,
}

impl DeliveryNews {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed(kind) => kind.as_str(),
            Self::Delivered => "delivered",
        }
    }

    /// Reads [`DeliveryNews::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "sent" => Some(Self::Sent),
            "delivered" => Some(Self::Delivered),
            _ => FailureKind::parse(text).map(Self::Failed),
        }
    }

    /// Its weight as a number, for the table's conditions; in the order of `Ord`.
    #[must_use]
    pub const fn weight(self) -> u8 {
        match self {
            Self::Sent => 0,
            Self::Failed(FailureKind::Other) => 1,
            Self::Failed(FailureKind::CarrierFiltered) => 2,
            Self::Failed(FailureKind::Landline) => 3,
            Self::Failed(FailureKind::InvalidPhone) => 4,
            Self::Failed(FailureKind::OptedOut) => 5,
            Self::Delivered => 6,
        }
    }
}

/// Where a send stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// Never begun, or begun and known not to have happened.
    Pending {
        /// A link already made for it.
        invite: Option<Invite>,
    },
    /// Begun; the outcome is not written down.
    Sending(Unfinished),
    /// The provider took it.
    Accepted {
        /// Its id there.
        message: ProviderId,
    },
    /// The provider says that it arrived.
    Delivered {
        /// Its id there.
        message: ProviderId,
    },
    /// The provider took it, and it did not arrive.
    Undelivered {
        /// Its id there.
        message: ProviderId,
        /// Why.
        kind: FailureKind,
    },
    /// The provider refused for good.
    Failed {
        /// Its reason, as a stable word.
        reason: String,
    },
    /// Nobody can say.
    Unknown,
}

/// A send as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendRow {
    /// Where it stands.
    pub state: OutboxState,
    /// Whom it goes to; `None` once that person's data was erased.
    pub phone: Option<E164Phone>,
    /// From which location.
    pub location: LocationUid,
    /// The link that is in it.
    pub invite: Option<Invite>,
    /// When it was settled last.
    pub settled_at: Option<UnixMillis>,
    /// When the row may be forgotten.
    pub expires_at: UnixMillis,
}

/// Within so long a provider says whether a request arrived; then it is asked (brief, section 3).
pub const DELIVERY_WITHIN: Duration = DAY;

/// Something that is known of an id of the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// We sent it, as this effect.
    Ours(EffectKey),
    /// What became of it.
    News(DeliveryNews),
    /// A customer wrote it, and it was worked on.
    Received,
}

/// All that is known of an id of the provider's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    /// What we sent under it.
    pub effect: Option<EffectKey>,
    /// The weightiest that was said of it.
    pub news: Option<DeliveryNews>,
    /// A customer wrote it.
    pub received: bool,
}

/// What became of [`Outbox::resolve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Where the send stands now.
    pub state: OutboxState,
    /// Whom it went to.
    pub phone: Option<E164Phone>,
    /// This call changed it.
    pub changed: bool,
}

/// A row of the `unresolved` index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// Its key.
    pub key: EffectKey,
    /// Since when it needs attention.
    pub at: UnixMillis,
}

/// How a begun send is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The provider took it.
    Accepted {
        /// Its id there.
        message: ProviderId,
    },
    /// It certainly did not happen; it may be begun again.
    NotSent,
    /// The provider refused for good.
    Failed {
        /// Its reason, as a stable word.
        reason: String,
    },
    /// Nobody can say.
    Unknown,
}

/// What became of [`Outbox::begin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// The call may be made now, by this owner only.
    Begun,
    /// It is not `pending`; this is what it is.
    Refused(OutboxState),
}

/// What a person says who looked at the provider for a send that nobody could say of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Testimony {
    /// It is there.
    Sent {
        /// Its id there, if they found it. Only by that its news can find it.
        message: Option<ProviderId>,
    },
    /// It is not there.
    NotSent,
}

/// Why a send that somebody looked for counts as failed.
pub const NOT_SENT: &str = "not_sent";

impl Testimony {
    /// The id under which a send is on record that is there; one that nobody read off is made of the send's own name.
    #[must_use]
    pub fn message_of(key: &EffectKey, read_off: Option<&ProviderId>) -> Option<ProviderId> {
        let made = || ProviderId::try_from(format!("seen-by-a-person-{}", short_hash(key.as_str())).as_str()).ok();
        read_off.cloned().or_else(made)
    }

    /// Whether somebody still has to say that it arrived: not if nothing could ever be said of it, for want of its id.
    #[must_use]
    pub fn awaits_delivery(&self, key: &EffectKey) -> bool {
        matches!(self, Self::Sent { message: Some(_) }) && key.awaits_delivery()
    }
}

/// What became of [`Testimonies::testify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Testified {
    /// It is on record; the send as it is now.
    Written(SendRow),
    /// It needs nobody's word: this is where it stands.
    NotUnknown(OutboxState),
    /// No such send.
    Missing,
}

/// What people say of sends: the operator's part of the outbox, which no function has.
pub trait Testimonies {
    /// Writes down what became of a send that is `unknown`, who says so and why, and in the same transaction what
    /// follows: its request, if it ended as unknown, ends as sent or failed, and one that did not happen frees the cooldown
    /// if, and only if, this send holds it.
    ///
    /// Sends nothing, and leaves nothing behind that would: one that is said not to have happened has failed, for good.
    async fn testify(&self, key: &EffectKey, testimony: &Testimony, decided: &Decided)
    -> Result<Testified, StoreError>;
}

/// The outbox table.
pub trait Outbox {
    /// Reads a send, strongly consistent.
    async fn outbox_state(&self, key: &EffectKey) -> Result<Option<OutboxState>, StoreError>;

    /// Keeps the link made for a send, unless one is kept already, and says which one counts.
    async fn keep_invite(&self, send: &Send, invite: &Invite) -> Result<Invite, StoreError>;

    /// Moves a send from absent or `pending` to `sending`. A repeated call by the same owner succeeds again.
    async fn begin(&self, send: &Send, lease: &Lease) -> Result<Begin, StoreError>;

    /// Reads a send with all that is kept of it, strongly consistent.
    async fn send_row(&self, key: &EffectKey) -> Result<Option<SendRow>, StoreError>;

    /// Writes a send that is to begin at `at`: `pending`, and due for attention then. One that is there is left as it is.
    async fn plan(&self, send: &Send, at: UnixMillis) -> Result<(), StoreError>;

    /// Writes down a fact about an id of the provider's, and returns all that is known of it then, in one write.
    ///
    /// What we sent and what became of it meet here: whichever of the two is written second sees the other, however the
    /// webhook and the end of our own call overtake each other. Of several news the weightiest stays.
    async fn track(&self, id: &ProviderId, fact: &Fact, expires_at: UnixMillis) -> Result<Tracked, StoreError>;

    /// Reads what is known of an id, strongly consistent.
    async fn tracked(&self, id: &ProviderId) -> Result<Tracked, StoreError>;

    /// Writes what became of an accepted send, unless something weightier is known, and in the same transaction what that
    /// means for the cooldown: a failure frees it if, and only if, this send holds it; an arrival after a failure takes it
    /// back unless somebody else has it by now. `None` when there is no such send.
    ///
    /// A send that is not accepted (yet) stays as it is. [`DeliveryNews::Sent`] is written down and changes nothing else:
    /// it may still fail at its carrier, so the wait for news goes on.
    async fn resolve(
        &self,
        key: &EffectKey,
        news: DeliveryNews,
        now: UnixMillis,
    ) -> Result<Option<Resolved>, StoreError>;

    /// Sends of one partition that need attention since before `before`, oldest first, `limit` at most.
    async fn unresolved(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<Unresolved>, StoreError>;

    /// Says when a send needs attention next; `None`: never again. One that is gone stays gone.
    async fn attend(&self, key: &EffectKey, next: Option<UnixMillis>) -> Result<(), StoreError>;

    /// Settles a send that `owner` began. One that [awaits its delivery](EffectKey::awaits_delivery) needs attention
    /// [`DELIVERY_WITHIN`] later; so does one that was begun and is never settled.
    async fn settle(
        &self,
        key: &EffectKey,
        owner: &OwnerToken,
        settlement: &Settlement,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError>;
}
