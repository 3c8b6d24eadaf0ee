//! The deployed functions, by the names of their packages.

/// A deployed function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Shopify's webhooks.
    ShopifyOrders,
    /// Shopify's events.
    ShopifyWorker,
    /// Due requests.
    ReviewSender,
    /// Podium's webhooks of webchats.
    PodiumWebchat,
    /// Podium's webhooks of text messages.
    PodiumSms,
    /// Podium's webhooks of contacts.
    PodiumContacts,
    /// Podium's events.
    PodiumWorker,
    /// The schedules.
    Timers,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ShopifyOrders,
        Self::ShopifyWorker,
        Self::ReviewSender,
        Self::PodiumWebchat,
        Self::PodiumSms,
        Self::PodiumContacts,
        Self::PodiumWorker,
        Self::Timers,
    ];

    /// The package's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShopifyOrders => "shopify-orders",
            Self::ShopifyWorker => "shopify-worker",
            Self::ReviewSender => "review-sender",
            Self::PodiumWebchat => "podium-webchat",
            Self::PodiumSms => "podium-sms",
            Self::PodiumContacts => "podium-contacts",
            Self::PodiumWorker => "podium-worker",
            Self::Timers => "timers",
        }
    }
}
