//! The outbox: one row per effect that a customer would notice, written before it happens.
//!
//! A row in `sending` whose writer is gone is the one case in which nobody knows whether the customer got it. It is
//! never sent again on a guess: the provider is asked, and without a clear "no" it ends as `unknown`, for a person.

use crate::{
    ids::{EffectKey, LocationUid, OwnerToken, ProviderId},
    phone::E164Phone,
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
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
    /// The provider refused for good.
    Failed {
        /// Its reason, as a stable word.
        reason: String,
    },
    /// Nobody can say.
    Unknown,
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

/// The outbox table.
pub trait Outbox {
    /// Reads a send, strongly consistent.
    async fn outbox_state(&self, key: &EffectKey) -> Result<Option<OutboxState>, StoreError>;

    /// Keeps the link made for a send, unless one is kept already, and says which one counts.
    async fn keep_invite(&self, send: &Send, invite: &Invite) -> Result<Invite, StoreError>;

    /// Moves a send from absent or `pending` to `sending`. A repeated call by the same owner succeeds again.
    async fn begin(&self, send: &Send, lease: &Lease) -> Result<Begin, StoreError>;

    /// Whom the message or invitation of that id went to; `None` when it is none of ours.
    async fn recipient_of(&self, id: &ProviderId) -> Result<Option<E164Phone>, StoreError>;

    /// Settles a send that `owner` began.
    async fn settle(
        &self,
        key: &EffectKey,
        owner: &OwnerToken,
        settlement: &Settlement,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError>;
}
