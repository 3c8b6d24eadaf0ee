//! Works off the queue of Shopify's events: what each means for a review request.

use std::time::Duration;

use frontdesk_aws::lambda::{
    Invocation,
    queue::{self, QueueAnswer, QueueEvent, Unnamed},
};
use frontdesk_core::{
    contact::Contacts,
    directory::Installation,
    flow::{shopify_worker::ShopifyWorker, worker::WorkerRules},
    ids::{Ids, ShopDomain},
    inbox::{Inbox, InboxKey},
    notice::Notices,
    request::Requests,
    review::ReviewPolicy,
    telemetry::Telemetry,
    time::Clock,
};

/// No event is begun later than this before the end; each takes a few calls to tables.
const MARGIN: Duration = Duration::from_secs(10);

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Worker<S, C, I, T> {
    /// The tables.
    pub store: S,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// The merchant's rules.
    pub policy: ReviewPolicy,
    /// The shop that is served.
    pub shop: ShopDomain,
    /// Limits.
    pub rules: WorkerRules,
}

impl<S, C, I, T> Worker<S, C, I, T>
where
    S: Inbox + Contacts + Requests + Notices + Installation,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on a batch of keys and names those that must come again.
    ///
    /// # Errors
    /// When the whole batch must come again.
    pub async fn handle(&self, batch: Invocation<QueueEvent>) -> Result<QueueAnswer, Unnamed> {
        let worker = ShopifyWorker {
            store: &self.store,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            policy: &self.policy,
            shop: &self.shop,
            rules: self.rules,
        };
        let handle = async |key: InboxKey| worker.handle(&key).await;
        queue::work(batch, MARGIN, &self.clock, &self.telemetry, InboxKey::parse, handle).await
    }
}
