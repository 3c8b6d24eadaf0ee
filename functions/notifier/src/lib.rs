//! Works off the queue of notices: a person is told, over the next channel if the first does not take it in time.

use std::time::Duration;

use frontdesk_aws::lambda::{
    Invocation,
    queue::{self, QueueAnswer, QueueEvent, Unnamed},
};
use frontdesk_core::{
    flow::notify::{self, NotifyRules},
    ids::Ids,
    notice::{Channels, NoticeKey, NoticeQueue, Notices},
    telemetry::Telemetry,
    time::Clock,
};

/// No notice is begun later than this before the end: each channel may take a few seconds to refuse it.
const MARGIN: Duration = Duration::from_secs(20);

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Notifier<S, Q, N, C, I, T> {
    /// The notices.
    pub store: S,
    /// Its own queue.
    pub queue: Q,
    /// The channels.
    pub channels: N,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// Limits.
    pub rules: NotifyRules,
}

impl<S, Q, N, C, I, T> Notifier<S, Q, N, C, I, T>
where
    S: Notices,
    Q: NoticeQueue,
    N: Channels,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on a batch of keys and names those that must come again.
    ///
    /// # Errors
    /// When the whole batch must come again.
    pub async fn handle(&self, batch: Invocation<QueueEvent>) -> Result<QueueAnswer, Unnamed> {
        let notifier = notify::Notifier {
            store: &self.store,
            queue: &self.queue,
            channels: &self.channels,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            rules: &self.rules,
        };
        let handle = async |key: NoticeKey| notifier.handle(&key).await;
        queue::work(batch, MARGIN, &self.clock, &self.telemetry, NoticeKey::parse, handle).await
    }
}
