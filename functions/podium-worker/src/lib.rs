//! Works off the queue of Podium's events: who wrote to which location, and what follows.

use std::time::Duration;

use frontdesk_aws::lambda::{
    Invocation,
    queue::{self, QueueAnswer, QueueEvent, Unnamed},
};
use frontdesk_core::{
    contact::Contacts,
    directory::Locations,
    flow::{
        podium_worker::{ChatRules, PodiumWorker},
        worker::WorkerRules,
    },
    ids::Ids,
    inbox::{Inbox, InboxKey},
    outbox::Outbox,
    provider::{Attachments, ContactBook, Desk, Limits, LocationList, Messages},
    session::Sessions,
    telemetry::Telemetry,
    time::Clock,
};

/// No event is begun later than this before the end: Podium is called a few times, perhaps for a token first.
const MARGIN: Duration = Duration::from_secs(20);

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Worker<S, P, C, I, T> {
    /// The tables.
    pub store: S,
    /// Podium.
    pub podium: P,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// The shop's rules.
    pub chat: ChatRules,
    /// Limits.
    pub rules: WorkerRules,
}

impl<S, P, C, I, T> Worker<S, P, C, I, T>
where
    S: Inbox + Contacts + Outbox + Limits + Locations + Sessions,
    P: ContactBook + LocationList + Desk + Messages + Attachments,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on a batch of keys and names those that must come again, with all that stand behind them in their line.
    ///
    /// # Errors
    /// When the whole batch must come again.
    pub async fn handle(&self, batch: Invocation<QueueEvent>) -> Result<QueueAnswer, Unnamed> {
        let worker = PodiumWorker {
            store: &self.store,
            podium: &self.podium,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            chat: &self.chat,
            rules: self.rules,
        };
        let handle = async |key: InboxKey| worker.handle(&key).await;
        queue::work(batch, MARGIN, &self.clock, &self.telemetry, InboxKey::parse, handle).await
    }
}
