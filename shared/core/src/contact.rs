//! The contact: one row per phone, with every opt-out and the cooldown on it.
//!
//! Both live on one row so that one conditional update is the whole gate: there is no moment between "may we?" and
//! "then we do" in which somebody else could act.

use std::time::Duration;

use crate::{ids::EffectKey, phone::E164Phone, review::Platform, store::StoreError, time::UnixMillis};

/// The ways in which a person can have opted out. Any one of them stops every message (brief, section 6).
///
/// They are kept apart because they end differently: START re-opens a keyword opt-out and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptOutFlag {
    /// STOP or its like, in any channel; also what Podium tracks on its side.
    Keyword,
    /// Unsubscribed from marketing texts.
    MarketingSms,
    /// Does not want to be asked for reviews.
    ReviewRequest,
    /// Wants nothing at all; also every opt-out recorded by hand.
    Global,
}

impl OptOutFlag {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Keyword, Self::MarketingSms, Self::ReviewRequest, Self::Global];

    /// The brief's name of the flag.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "podium_keyword_optout",
            Self::MarketingSms => "marketing_sms_opt_out",
            Self::ReviewRequest => "review_request_opt_out",
            Self::Global => "global_unsubscribe",
        }
    }
}

/// Which way a flag is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// No more messages.
    Out,
    /// Messages are welcome again.
    In,
}

/// Where the knowledge of an opt-out comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOutSource {
    /// A text message.
    Sms,
    /// A website's chat.
    Webchat,
    /// Podium's own record, or its refusal to send.
    Podium,
    /// Shopify's record of consent.
    Shopify,
    /// A person at the shop.
    Manual,
    /// A program through the library.
    Api,
}

impl OptOutSource {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Sms, Self::Webchat, Self::Podium, Self::Shopify, Self::Manual, Self::Api];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Webchat => "webchat",
            Self::Podium => "podium",
            Self::Shopify => "shopify",
            Self::Manual => "manual",
            Self::Api => "api",
        }
    }

    /// Reads [`OptOutSource::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What is kept as proof of a change. The message's text is kept as a hash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it comes from.
    pub source: OptOutSource,
    /// The message that said it, if one did.
    pub message_id: Option<String>,
    /// SHA-256 of the message's text, in hex.
    pub text_sha256: Option<String>,
    /// When we wrote it down.
    pub recorded_at: UnixMillis,
}

/// A change of one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutChange {
    /// Whose.
    pub phone: E164Phone,
    /// Which flag.
    pub flag: OptOutFlag,
    /// Which way.
    pub direction: Direction,
    /// When the person said so. The newest change wins whatever the order of arrival; on a tie, out wins.
    pub at: UnixMillis,
    /// The proof.
    pub evidence: Evidence,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It holds now.
    Applied,
    /// A newer change (or an equally old opt-out) holds.
    Superseded,
}

/// The state of one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutRecord {
    /// Which way it points.
    pub direction: Direction,
    /// Since when.
    pub at: UnixMillis,
    /// The proof.
    pub evidence: Evidence,
}

/// The last review request and who caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// When it was reserved.
    pub at: UnixMillis,
    /// The send that holds it; only this one may free it.
    pub holder: EffectKey,
}

/// Why a number cannot get texts, learned from a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTextable {
    /// The provider calls the number invalid.
    InvalidPhone,
    /// A landline.
    Landline,
}

impl NotTextable {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidPhone => "invalid_phone",
            Self::Landline => "landline",
        }
    }

    /// Reads [`NotTextable::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::InvalidPhone, Self::Landline].into_iter().find(|n| n.as_str() == text)
    }
}

/// A contact as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The number that names the row.
    pub phone: E164Phone,
    /// The flags that were ever set, by [`OptOutFlag::ALL`]'s order.
    pub opt_outs: Vec<(OptOutFlag, OptOutRecord)>,
    /// The last review request.
    pub cooldown: Option<Cooldown>,
    /// Set when a provider said that the number cannot get texts.
    pub not_textable: Option<NotTextable>,
    /// Where this person prefers to review.
    pub preferred_platform: Option<Platform>,
    /// Whether a Facebook account is known.
    pub has_facebook: bool,
}

impl Contact {
    /// The first flag that forbids messages.
    #[must_use]
    pub fn opted_out(&self) -> Option<OptOutFlag> {
        self.opt_outs.iter().find(|(_, r)| r.direction == Direction::Out).map(|(f, _)| *f)
    }

    /// Why `intent` may not have the cooldown at `now`; `None` when it may. The order of the reasons is fixed:
    /// the gate must name the opt-out even when a cooldown would do.
    #[must_use]
    pub fn objection(&self, hold: &Hold) -> Option<Objection> {
        if let Some(flag) = self.opted_out() {
            return Some(Objection::OptedOut(flag));
        }
        if let Some(why) = self.not_textable {
            return Some(Objection::NotTextable(why));
        }
        self.cooldown
            .as_ref()
            .filter(|c| c.holder != hold.intent && c.at > hold.now.minus(hold.window))
            .map(|c| Objection::CoolingDown { until: c.at.plus(hold.window) })
    }
}

/// The wish to reserve the cooldown of a contact for one send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Whose cooldown.
    pub phone: E164Phone,
    /// The send. A send that holds it already gets it again: a crash after the reservation must not cost the customer
    /// thirty days.
    pub intent: EffectKey,
    /// The present moment.
    pub now: UnixMillis,
    /// How long after one request the next may follow.
    pub window: Duration,
}

/// Why the gate stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The person opted out.
    OptedOut(OptOutFlag),
    /// The number cannot get texts.
    NotTextable(NotTextable),
    /// Another request was made too recently.
    CoolingDown {
        /// When the next may follow.
        until: UnixMillis,
    },
}

/// What became of [`Contacts::hold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldOutcome {
    /// Reserved; nobody objected at that very moment.
    Held,
    /// Not reserved, and why.
    Refused(Objection),
}

/// The contacts table.
pub trait Contacts {
    /// Reads a contact, strongly consistent.
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError>;

    /// Writes one change of a flag; the newest by event time wins, out wins a tie.
    async fn record_opt_out(&self, change: &OptOutChange) -> Result<ChangeOutcome, StoreError>;

    /// The gate's one conditional update: succeeds only if no flag is out, the number can be texted, and the cooldown
    /// is free, over, or this intent's own.
    async fn hold(&self, hold: &Hold) -> Result<HoldOutcome, StoreError>;

    /// Frees the cooldown if, and only if, `intent` holds it. Says whether it did.
    async fn release_hold(&self, phone: &E164Phone, intent: &EffectKey) -> Result<bool, StoreError>;

    /// Notes that the number cannot get texts.
    async fn mark_not_textable(&self, phone: &E164Phone, why: NotTextable, now: UnixMillis) -> Result<(), StoreError>;
}
