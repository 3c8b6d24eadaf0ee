//! How often one client may ask: a number of requests in a window that begins with its first.
//!
//! Who a client is comes from the gateway, never from a header that it sends itself.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use crate::{ids::short_hash, store::StoreError, time::UnixMillis};

/// How much is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRule {
    /// So many requests are admitted in a window; with 0 none ever is.
    pub limit: u32,
    /// How long a window lasts, from the client's first request on.
    pub window: Duration,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateScope {
    /// Questions to the assistant.
    Chat,
    /// Forms.
    ContactForm,
    /// Everything under `/webchat`.
    Webchat,
}

impl RateScope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Chat, Self::ContactForm, Self::Webchat];

    /// The word in keys and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::ContactForm => "contact-form",
            Self::Webchat => "webchat",
        }
    }
}

/// Names a client's window in one scope. It holds no address, only a hash of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateKey(String);

impl RateKey {
    /// The window of a client. An IPv6 address counts by its /64, because a household or a server has all of one to
    /// choose from; an IPv4 address within an IPv6 one is the IPv4 address.
    #[must_use]
    pub fn of(scope: RateScope, client: IpAddr) -> Self {
        let client = match client.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        };
        Self(format!("rate#{}#{}", scope.as_str(), short_hash(&client)))
    }

    /// The text under which the row is stored, `rate#scope#hash`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RateKey {
    /// The scope only: of an IPv4 address every hash can be undone by trying.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RateKey({})", self.0.split('#').nth(1).unwrap_or_default())
    }
}

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// It may, and is counted.
    Admitted,
    /// It may not, and is not counted.
    Refused {
        /// When the window ends.
        until: UnixMillis,
    },
}

/// Counts requests.
pub trait RateWindows {
    /// Counts a request of a client if its window has room. The first request begins a window that lasts as long as the
    /// rule says; the request that reaches the limit is admitted, and each after it refused until the window's end. A rule
    /// that changes meanwhile changes the limit of a running window, not its end.
    ///
    /// However many ask at once, never more than the limit are admitted in one window. A write whose answer was lost is
    /// recognised when it is repeated, unless another request of the same client was counted in between: then the one
    /// request counts twice, or is refused although it was counted as the last. Both err on the side of refusing.
    async fn admit(&self, key: &RateKey, rule: RateRule, now: UnixMillis) -> Result<Admission, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(client: &str) -> RateKey {
        RateKey::of(RateScope::Chat, client.parse().unwrap())
    }

    #[test]
    fn a_client_is_its_address_or_its_network() {
        for (one, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1"),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
            ("2001:db8:1:2::", "2001:0DB8:0001:0002:0:0:0:9"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        for (one, other) in
            [("192.0.2.1", "192.0.2.2"), ("2001:db8:1:2::1", "2001:db8:1:3::1"), ("192.0.2.1", "::192.0.2.1")]
        {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn scopes_are_counted_apart() {
        let client = "192.0.2.1".parse().unwrap();
        let keys: std::collections::BTreeSet<RateKey> = RateScope::ALL.map(|s| RateKey::of(s, client)).into();
        assert_eq!(keys.len(), 3);
    }

    #[test]
    fn nothing_of_the_address_is_shown() {
        for client in ["192.0.2.1", "2001:db8::1"] {
            let key = key(client);
            let hash = key.as_str().strip_prefix("rate#chat#").unwrap();
            assert_eq!(hash.len(), 32);
            assert!(hash.bytes().all(|b| b.is_ascii_hexdigit()));
            assert_eq!(format!("{key:?}"), "RateKey(chat)");
        }
    }
}
