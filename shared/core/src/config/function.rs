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
    /// Podium's webhooks of reviews.
    PodiumReviews,
    /// Podium's events.
    PodiumWorker,
    /// Shopify's webhooks about personal data.
    ShopifyPrivacy,
    /// What customers ask about their data.
    PrivacyWorker,
    /// What people have to be told.
    Notifier,
    /// Chatwoot's webhooks.
    Chatwoot,
    /// Chatwoot's events: the assistant.
    ChatwootWorker,
    /// The website's chat.
    Chat,
    /// The website's forms.
    ContactForm,
    /// The shop's own webchat form.
    WidgetEdge,
    /// What is due each minute.
    Timers,
    /// What nobody told us in time.
    FollowUp,
    /// Whether all is well.
    Health,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::ShopifyOrders,
        Self::ShopifyWorker,
        Self::ReviewSender,
        Self::PodiumWebchat,
        Self::PodiumSms,
        Self::PodiumContacts,
        Self::PodiumReviews,
        Self::PodiumWorker,
        Self::ShopifyPrivacy,
        Self::PrivacyWorker,
        Self::Notifier,
        Self::Chatwoot,
        Self::ChatwootWorker,
        Self::Chat,
        Self::ContactForm,
        Self::WidgetEdge,
        Self::Timers,
        Self::FollowUp,
        Self::Health,
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
            Self::PodiumReviews => "podium-reviews",
            Self::PodiumWorker => "podium-worker",
            Self::ShopifyPrivacy => "shopify-privacy",
            Self::PrivacyWorker => "privacy-worker",
            Self::Notifier => "notifier",
            Self::Chatwoot => "chatwoot",
            Self::ChatwootWorker => "chatwoot-worker",
            Self::Chat => "chat",
            Self::ContactForm => "contact-form",
            Self::WidgetEdge => "widget-edge",
            Self::Timers => "timers",
            Self::FollowUp => "follow-up",
            Self::Health => "health",
        }
    }
}
