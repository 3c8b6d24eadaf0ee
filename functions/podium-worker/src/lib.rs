//! Works off the queue of Podium's events: who wrote to which location, what became of a text, who is unhappy, and what follows.

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
        reviews::ReviewRules,
        worker::WorkerRules,
    },
    ids::Ids,
    inbox::{Inbox, InboxKey},
    notice::{NoticeQueue, Notices},
    outbox::Outbox,
    provider::{Attachments, ContactBook, Desk, Imports, Limits, LocationList, Messages},
    request::Requests,
    reviews::ReviewBook,
    session::Sessions,
    telemetry::Telemetry,
    time::Clock,
};

/// No event is begun later than this before the end: Podium is called a few times, perhaps for a token first.
const MARGIN: Duration = Duration::from_secs(20);

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Worker<S, P, N, C, I, T> {
    /// The tables.
    pub store: S,
    /// Podium.
    pub podium: P,
    /// The notifier's queue.
    pub notices: N,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// The shop's rules.
    pub chat: ChatRules,
    /// What follows from reviews.
    pub reviews: ReviewRules,
    /// Limits.
    pub rules: WorkerRules,
}

impl<S, P, N, C, I, T> Worker<S, P, N, C, I, T>
where
    S: Inbox + Contacts + Outbox + Limits + Locations + Sessions + Notices + ReviewBook + Requests,
    P: ContactBook + LocationList + Desk + Messages + Attachments + Imports,
    N: NoticeQueue,
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
            notices: &self.notices,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            chat: &self.chat,
            reviews: &self.reviews,
            rules: self.rules,
        };
        let handle = async |key: InboxKey| worker.handle(&key).await;
        queue::work(batch, MARGIN, &self.clock, &self.telemetry, InboxKey::parse, handle).await
    }
}
