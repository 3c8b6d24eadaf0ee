//! Names of things, each its own type: a location cannot be passed where an order is wanted, and a key is built in
//! one place only. Every constructor caps the length, because all of these come from outside.

use std::fmt;

use thiserror::Error;

/// Why a text is not usable as an identifier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}: {problem}")]
pub struct BadId {
    kind: &'static str,
    problem: &'static str,
}

fn check(kind: &'static str, text: &str, max: usize) -> Result<(), BadId> {
    let problem = if text.is_empty() {
        "is empty"
    } else if text.len() > max {
        "is too long"
    } else if text.chars().any(|c| c == '#' || c.is_control() || c.is_whitespace()) {
        // `#` separates the parts of a key; white space and control characters would let one log line look like two.
        "holds white space, a control character or '#'"
    } else {
        return Ok(());
    };
    Err(BadId { kind, problem })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The identifier's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = BadId;

            fn try_from(text: &str) -> Result<Self, BadId> {
                check(stringify!($name), text, $max)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A shop's `*.myshopify.com` domain.
    ShopDomain, 255
);
id!(
    /// A Podium location's uid.
    LocationUid, 128
);
id!(
    /// What makes a provider's event unique, as the provider names it (or the hash of its body).
    EventId, 255
);
id!(
    /// Who holds a lease: new for every invocation, so that a successor can tell itself from its predecessor.
    OwnerToken, 64
);
id!(
    /// An id that a provider gave to what we sent (message, invitation).
    ProviderId, 255
);

id!(
    /// A conversation at a messaging provider.
    ConversationUid, 255
);

id!(
    /// One run of a command that an operator may have to repeat.
    RunId, 64
);

impl From<&EventId> for ProviderId {
    /// For what has no name but its event's.
    fn from(event: &EventId) -> Self {
        Self(event.0.clone())
    }
}

impl EventId {
    /// Whether it is [`EventId::of_body`]: two events of it need not be one.
    #[must_use]
    pub fn is_of_body(&self) -> bool {
        self.0.starts_with("sha256-")
    }

    /// For an event whose sender gives it no id: what it says is what it is.
    #[must_use]
    pub fn of_body(body: &crate::inbox::BodySha256) -> Self {
        Self(format!("sha256-{}", body.as_str()))
    }
}

/// Names the line in which a queue's messages keep their order. A hash, because queues hold no phone numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(String);

impl GroupId {
    /// The line of everything that has `what` in common.
    #[must_use]
    pub fn of(what: &str) -> Self {
        Self(short_hash(what))
    }

    /// Reads a stored one.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first half of a SHA-256, in hex: names a thing without showing what it is made of.
#[must_use]
pub fn short_hash(what: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(what.as_bytes()).iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// A Shopify order's number. Real ones exceed 2^53, so it is never a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Key of a review request: there is one per shop and order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// The shop that took the order.
    pub shop: ShopDomain,
    /// The order.
    pub order: OrderId,
}

impl OrderKey {
    /// The text under which the row is stored, `shop#order`.
    #[must_use]
    pub fn to_key(&self) -> String {
        format!("{}#{}", self.shop, self.order)
    }

    /// Reads back what [`OrderKey::to_key`] wrote.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let (shop, order) = key.split_once('#')?;
        Some(Self { shop: ShopDomain::try_from(shop).ok()?, order: OrderId(order.parse().ok()?) })
    }
}

/// How the key of an import begins.
const IMPORT: &str = "import#";

/// Names one effect on the outside world for ever. Built from *signed* content only, so that a replay with forged
/// headers yields the same key and is stopped by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectKey(String);

impl EffectKey {
    /// The one review request that an order may cause.
    #[must_use]
    pub fn review_request(order: &OrderKey) -> Self {
        Self(format!("review-request#{}", order.to_key()))
    }

    /// The one prompt of an idle spell of a session.
    #[must_use]
    pub fn keep_alive(session: &str, spell: u32) -> Self {
        Self(format!("keep-alive#{session}#{spell}"))
    }

    /// The one confirmation of a session.
    #[must_use]
    pub fn confirmation(session: &str) -> Self {
        Self(format!("confirmation#{session}"))
    }

    /// The one answer to a message.
    #[must_use]
    pub fn answer(event: &EventId) -> Self {
        Self(format!("answer#{event}"))
    }

    /// The same at the time numbered `anew` at which a person wanted it made once more; 0: the first.
    #[must_use]
    pub fn anew(self, event: &EventId, anew: u32) -> Self {
        if anew == 0 { self } else { Self(format!("{}#anew#{event}#{anew}", self.0)) }
    }

    /// The one reminder of an order's review request.
    #[must_use]
    pub fn reminder(order: &OrderKey) -> Self {
        Self(format!("reminder#{}", order.to_key()))
    }

    /// The one thank-you for a review.
    #[must_use]
    pub fn thanks(review: &ProviderId) -> Self {
        Self(format!("thanks#{review}"))
    }

    /// The one showing of a message at Podium that came in through the shop's own form. No customer notices it.
    #[must_use]
    pub fn import(event: &EventId) -> Self {
        Self(format!("{IMPORT}{event}"))
    }

    /// The message that it shows at Podium.
    #[must_use]
    pub fn imported(&self) -> Option<EventId> {
        EventId::try_from(self.0.strip_prefix(IMPORT)?).ok()
    }

    /// The order whose review request it is.
    #[must_use]
    pub fn requested_order(&self) -> Option<OrderKey> {
        OrderKey::parse(self.0.strip_prefix("review-request#")?)
    }

    /// The order whose reminder it is.
    #[must_use]
    pub fn reminded_order(&self) -> Option<OrderKey> {
        OrderKey::parse(self.0.strip_prefix("reminder#")?)
    }

    /// Whether somebody has to say that it arrived. An answer within a conversation shows by the conversation, and what is
    /// only shown to the shop's people goes to no customer.
    #[must_use]
    pub fn awaits_delivery(&self) -> bool {
        self.requested_order().or_else(|| self.reminded_order()).is_some()
    }

    /// Reads a stored key.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where unguessable names come from. An implementation must never give the same one twice.
pub trait Ids {
    /// A new lease owner.
    fn owner(&self) -> OwnerToken;
}

/// How many partitions the sparse indexes are spread over.
///
/// Not a setting: lowering it would strand the rows of the partitions that nobody asks any more.
/// One partition takes about 1,000 writes a second, so four carry far more than a shop's day.
pub const SHARDS: u8 = 4;

/// One partition of a sparse index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// The partition that a row belongs to, by its key (FNV-1a, so that it never changes with a library).
    #[must_use]
    pub fn of(key: &str) -> Self {
        let hash =
            key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self(u8::try_from(hash % u64::from(SHARDS)).unwrap_or(0))
    }

    /// All partitions.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }

    /// The value stored in the index's partition attribute.
    #[must_use]
    pub fn to_key(self) -> String {
        format!("s{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_key_survives_the_round_trip_beyond_two_to_the_53() {
        let key = OrderKey {
            shop: ShopDomain::try_from("a.myshopify.com").unwrap(),
            order: OrderId(820_982_911_946_154_508),
        };
        assert_eq!(OrderKey::parse(&key.to_key()), Some(key));
    }

    #[test]
    fn separators_and_control_characters_are_refused() {
        for bad in ["", "a#b", "a b", "a\nb", &"x".repeat(256)] {
            assert!(ShopDomain::try_from(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_import_is_no_message_to_a_customer() {
        let message = EventId::try_from("widget-9f3c").unwrap();
        let import = EffectKey::import(&message);
        assert_eq!(import.imported(), Some(message.clone()));
        assert!(!import.awaits_delivery());
        assert_eq!((import.requested_order(), import.reminded_order()), (None, None));
        assert_eq!(EffectKey::answer(&message).imported(), None);
    }

    #[test]
    fn what_a_person_wants_anew_has_a_name_of_its_own_each_time() {
        let event = EventId::try_from("e1").unwrap();
        let answer = || EffectKey::answer(&event);
        assert_eq!(answer().anew(&event, 0), answer());
        assert_eq!(answer().anew(&event, 2).as_str(), "answer#e1#anew#e1#2");
        assert_ne!(answer().anew(&event, 1), answer().anew(&event, 2));
        let other = EventId::try_from("e2").unwrap();
        let confirmation = || EffectKey::confirmation("s1");
        assert_ne!(confirmation().anew(&event, 1), confirmation().anew(&other, 1));
    }

    #[test]
    fn every_shard_is_listed() {
        assert!((0..1000).all(|n| Shard::all().any(|s| s == Shard::of(&n.to_string()))));
    }
}
