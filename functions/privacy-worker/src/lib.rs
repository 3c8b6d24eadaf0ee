//! Works off what Shopify demands about personal data: people are told of a question, and a person is forgotten.

use std::time::Duration;

use frontdesk_aws::lambda::{
    Invocation,
    queue::{self, QueueAnswer, QueueEvent, Unnamed},
};
use frontdesk_core::{
    contact::Contacts,
    erase::Erasure,
    flow::{privacy::PrivacyWorker, worker::WorkerRules},
    ids::{Ids, ShopDomain},
    inbox::{Inbox, InboxKey},
    notice::Notices,
    outbox::Outbox,
    request::Requests,
    telemetry::Telemetry,
    time::Clock,
};

/// No demand is begun later than this before the end. It comes one at a time, so this only keeps one from a run that was frozen for long.
const MARGIN: Duration = Duration::from_secs(60);

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
    /// The shop that is served.
    pub shop: ShopDomain,
    /// Countries in which a number without its country code is read.
    pub countries: Vec<String>,
    /// Limits.
    pub rules: WorkerRules,
}

impl<S, C, I, T> Worker<S, C, I, T>
where
    S: Inbox + Contacts + Requests + Outbox + Erasure + Notices,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on a batch of keys and names those that must come again.
    ///
    /// # Errors
    /// When the whole batch must come again.
    pub async fn handle(&self, batch: Invocation<QueueEvent>) -> Result<QueueAnswer, Unnamed> {
        let worker = PrivacyWorker {
            store: &self.store,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            shop: &self.shop,
            countries: &self.countries,
            rules: self.rules,
        };
        let handle = async |key: InboxKey| worker.handle(&key).await;
        queue::work(batch, MARGIN, &self.clock, &self.telemetry, InboxKey::parse, handle).await
    }
}
