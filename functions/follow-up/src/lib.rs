//! What nobody told us in time: sends without news, reminders whose day has come, and what only the providers' lists know.
//!
//! It needs the merchant's whole policy and both providers, and may take minutes; the clock's other function, `timers`,
//! needs neither and has a minute.

use frontdesk_core::{
    config::FollowUpConfig,
    contact::Contacts,
    directory::{Bookmarks, Installation, Locations},
    flow::{
        ingest::{Endpoint, IngestRules, PodiumEndpoint, ShopifyEndpoint},
        reconcile::{Reconcile, ReconcileRules},
        say::SpeakerRules,
        unresolved::WatchSends,
    },
    ids::{Ids, ShopDomain},
    inbox::Inbox,
    notice::Notices,
    outbox::Outbox,
    provider::{Backlog, Deliveries, Feed, Limits, Messages, Orders},
    queue::EventQueue,
    request::Requests,
    review::ReviewPolicy,
    reviews::ReviewBook,
    store::StoreError,
    task::{Done, TaskError, Tick},
    telemetry::Telemetry,
    time::Clock,
};

/// Something that is done by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Looks after sends of which nobody said what became of them, and sends reminders.
    Sends,
    /// Compares Podium's reviews with what came by webhook.
    ReconcileReviews,
    /// Compares Podium's messages with what came by webhook.
    ReconcileMessages,
    /// Compares Shopify's orders with what came by webhook.
    ReconcileOrders,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sends, Self::ReconcileReviews, Self::ReconcileMessages, Self::ReconcileOrders];

    /// The name that a schedule gives.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sends => "sends",
            Self::ReconcileReviews => "reconcile-reviews",
            Self::ReconcileMessages => "reconcile-messages",
            Self::ReconcileOrders => "reconcile-orders",
        }
    }
}

/// The rules of the tasks.
#[derive(Clone, Debug)]
pub struct TaskRules {
    /// The shop that is served.
    pub shop: ShopDomain,
    /// The merchant's rules.
    pub policy: ReviewPolicy,
    /// How a reminder is sent.
    pub speaker: SpeakerRules,
    /// How Podium's events are read.
    pub podium: PodiumEndpoint,
    /// Limits of what is taken in from lists.
    pub intake: IngestRules,
    /// The comparison with the providers' lists.
    pub reconcile: ReconcileRules,
}

impl From<&FollowUpConfig> for TaskRules {
    fn from(config: &FollowUpConfig) -> Self {
        let (shop, policy, podium) = (config.shop.clone(), config.policy.clone(), config.podium_events());
        let FollowUpConfig { speaker, intake, reconcile, .. } = *config;
        Self { shop, policy, speaker, podium, intake, reconcile }
    }
}

/// The function with everything that it needs.
#[derive(Debug)]
pub struct FollowUp<S, E, P, O, C, I, T> {
    /// The tables.
    pub store: S,
    /// The queue of Shopify's events.
    pub shopify_events: E,
    /// The queue of Podium's events.
    pub podium_events: E,
    /// Podium.
    pub podium: P,
    /// Shopify.
    pub shopify: O,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// Limits and texts.
    pub rules: TaskRules,
}

impl<S, E, P, O, C, I, T> FollowUp<S, E, P, O, C, I, T>
where
    S: Inbox + Requests + Contacts + Outbox + Limits + Locations,
    S: Bookmarks + Installation + Notices + ReviewBook,
    E: EventQueue,
    P: Messages + Deliveries + Backlog,
    O: Orders + Backlog,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Does one task.
    ///
    /// # Errors
    /// [`TaskError`].
    pub async fn handle(&self, tick: &Tick) -> Result<Done, TaskError> {
        // On the heap each by itself: a run is one of them, and need not have room for all.
        let handled = match tick.which(&Task::ALL, Task::as_str)? {
            Task::Sends => Box::pin(self.unresolved()).await?,
            Task::ReconcileReviews => Box::pin(self.reconcile_podium(Feed::PodiumReviews)).await?,
            Task::ReconcileMessages => Box::pin(self.reconcile_podium(Feed::PodiumMessages)).await?,
            Task::ReconcileOrders => {
                let endpoint = ShopifyEndpoint { shop: self.rules.shop.clone() };
                let list = (&self.shopify, Feed::ShopifyOrders);
                Box::pin(self.reconcile(&endpoint, list, &self.shopify_events)).await?
            }
        };
        Ok(Done { handled })
    }

    async fn unresolved(&self) -> Result<usize, StoreError> {
        let watch = WatchSends {
            store: &self.store,
            orders: &self.shopify,
            podium: &self.podium,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            policy: &self.rules.policy,
            speaker: self.rules.speaker,
        };
        watch.run().await
    }

    async fn reconcile_podium(&self, feed: Feed) -> Result<usize, StoreError> {
        self.reconcile(&self.rules.podium, (&self.podium, feed), &self.podium_events).await
    }

    async fn reconcile(
        &self,
        endpoint: &impl Endpoint,
        (provider, feed): (&impl Backlog, Feed),
        queue: &E,
    ) -> Result<usize, StoreError> {
        let reconcile = Reconcile {
            endpoint,
            store: &self.store,
            provider,
            queue,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            policy: &self.rules.policy,
            shop: &self.rules.shop,
            intake: self.rules.intake,
            rules: self.rules.reconcile,
        };
        Ok(reconcile.run(feed, None).await?.recovered)
    }
}
