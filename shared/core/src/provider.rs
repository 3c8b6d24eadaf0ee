//! What is asked of the providers, and what their answers mean for what we may do next.

use std::time::Duration;

use thiserror::Error;

use crate::{
    gate::Permit,
    ids::{LocationUid, OrderId, ProviderId, ShopDomain},
    outbox::Invite,
    phone::E164Phone,
    review::Platform,
    time::UnixMillis,
};

/// Whom we call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Messaging and reviews.
    Podium,
    /// The shop.
    Shopify,
}

impl Provider {
    /// The name in keys and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Podium => "podium",
            Self::Shopify => "shopify",
        }
    }
}

/// A call that certainly had no effect and may be made again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotDone {
    /// The provider wants to be left alone for a while (429, 503, a throttled query).
    #[error("{} asks to wait {} s", provider.as_str(), wait.as_secs())]
    Throttled {
        /// Who.
        provider: Provider,
        /// How long, already capped.
        wait: Duration,
    },
    /// It could not be reached, or we could not prove who we are.
    #[error("{} cannot be used: {detail}", provider.as_str())]
    Unavailable {
        /// Who.
        provider: Provider,
        /// What happened; never holds customers' data or credentials.
        detail: String,
    },
}

impl NotDone {
    /// Who cannot help.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        match self {
            Self::Throttled { provider, .. } | Self::Unavailable { provider, .. } => *provider,
        }
    }
}

/// A refusal that another attempt would not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The number is not one that can be texted.
    InvalidPhone,
    /// The provider's own cooldown.
    CooldownViolation,
    /// The person opted out at the provider.
    OptedOut,
    /// Any other 4xx.
    Other {
        /// The HTTP status.
        status: u16,
    },
}

/// What became of a call that a customer would notice.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendFailure {
    /// It certainly did not happen.
    #[error(transparent)]
    NotSent(#[from] NotDone),
    /// The permit ran out before the call was made; the gate has to be asked again.
    #[error("the permit ran out before the call was made")]
    PermitExpired,
    /// The provider refused, for good.
    #[error("the provider refused: {0:?}")]
    Refused(Refusal),
    /// The request left us and no usable answer came: nobody knows.
    #[error("no usable answer: {detail}")]
    Ambiguous {
        /// What happened; never holds customers' data.
        detail: String,
    },
}

/// A review request to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewSend {
    /// From which location.
    pub location: LocationUid,
    /// Where the person is asked to review.
    pub platform: Platform,
    /// The link, where the contract has us send one ourselves.
    pub invite: Option<Invite>,
    /// The text, where the contract has us write it ourselves; empty otherwise.
    pub text: String,
    /// The order, for the provider's records.
    pub order: OrderId,
}

/// What to look for when nobody knows whether a message went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// To whom it went, if it did.
    pub phone: E164Phone,
    /// From which location.
    pub location: LocationUid,
    /// The link that it holds, if the contract has us send one.
    pub invite: Option<Invite>,
    /// When it was begun.
    pub began_at: UnixMillis,
}

/// What the provider knows about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUpAnswer {
    /// It went out.
    Sent {
        /// Its id.
        message: ProviderId,
    },
    /// It clearly did not.
    NotSent,
    /// This contract offers no way to tell.
    CannotTell,
}

/// Asks people for reviews. Both Podium contracts stand behind this.
pub trait Reviews {
    /// Makes the link to send, where the contract needs one. Not noticed by the customer.
    async fn prepare(&self, permit: &Permit, location: &LocationUid) -> Result<Option<Invite>, SendFailure>;

    /// Sends the request to the permit's person. Consumes the permit: one permit, one message.
    async fn send(&self, permit: Permit, send: &ReviewSend) -> Result<ProviderId, SendFailure>;

    /// Asks whether an earlier send went out.
    async fn look_up(&self, what: &LookUp) -> Result<LookUpAnswer, NotDone>;
}

/// Shopify's view of the money of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Financial {
    /// Nothing against asking.
    Settled,
    /// Some of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// The payment was voided or has expired.
    Voided,
}

/// Consent to marketing texts as the shop recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsConsent {
    /// Given.
    Subscribed,
    /// Taken back: an opt-out.
    Unsubscribed,
    /// Never asked, pending, or not known.
    NotGiven,
}

/// An order as it is right before the send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderNow {
    /// A test order.
    pub test: bool,
    /// Cancelled.
    pub cancelled: bool,
    /// Its money.
    pub financial: Financial,
    /// A return is asked for or on its way.
    pub return_open: bool,
    /// Everything is shipped.
    pub fulfilled: bool,
    /// Bought by a company.
    pub b2b: bool,
    /// Sold over a counter.
    pub point_of_sale: bool,
    /// Consent to texts, for the number on the customer's record.
    pub consent: SmsConsent,
    /// The number that the consent is about; `None` when Shopify does not say.
    pub consent_phone: Option<E164Phone>,
    /// When Shopify last changed the order; dates the consent for want of better.
    pub updated_at: Option<UnixMillis>,
    /// When the newest shipment that succeeded was made.
    pub fulfilled_at: Option<UnixMillis>,
    /// When the newest refund was made.
    pub refunded_at: Option<UnixMillis>,
    /// The shipping address's country, two capitals.
    pub country: Option<String>,
    /// The shipping address's time zone, an IANA name.
    pub time_zone: Option<String>,
}

/// Reads orders.
pub trait Orders {
    /// The order as it is now; `None` when the shop has no such order (any more).
    async fn order(&self, shop: &ShopDomain, order: OrderId) -> Result<Option<OrderNow>, NotDone>;
}

/// Times until which a provider is left alone.
pub trait Limits {
    /// Pauses a provider for everybody, at least until `until`; never shortens a longer pause.
    async fn pause(&self, provider: Provider, until: UnixMillis) -> Result<(), crate::store::StoreError>;

    /// Until when the provider is paused, if it is at `now`.
    async fn paused_until(
        &self,
        provider: Provider,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, crate::store::StoreError>;
}
