//! Works off the queue of Chatwoot's events: what a customer said is heard, thought about and answered once, or handed to people.

use std::time::Duration;

use frontdesk_aws::lambda::{
    Invocation,
    queue::{self, QueueAnswer, QueueEvent, Unnamed},
};
use frontdesk_core::{
    agent::{Agent, Catalogue, Listener},
    chat::Chats,
    chatwoot::{Conversations, Media},
    contact::Contacts,
    flow::{
        chatwoot_worker::{AssistantRules, ChatwootWorker},
        worker::WorkerRules,
    },
    ids::Ids,
    inbox::{Inbox, InboxKey},
    notice::{NoticeQueue, Notices},
    provider::Limits,
    telemetry::Telemetry,
    time::Clock,
    token::Pause,
};

/// No event is begun later than this before the end. There is one in a batch: whoever waited for another's model would wait
/// for long.
const MARGIN: Duration = Duration::from_secs(100);

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Worker<S, P, N, W, C, I, T> {
    /// The tables.
    pub store: S,
    /// Chatwoot, the model, the catalogue, files and voices.
    pub desk: P,
    /// The notifier's queue.
    pub notices: N,
    /// Waits.
    pub pause: W,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// The shop's rules.
    pub assistant: AssistantRules,
    /// Limits.
    pub rules: WorkerRules,
}

impl<S, P, N, W, C, I, T> Worker<S, P, N, W, C, I, T>
where
    S: Inbox + Contacts + Chats + Limits + Notices,
    P: Conversations + Media + Agent + Catalogue + Listener,
    N: NoticeQueue,
    W: Pause,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on a batch of keys and names those that must come again, with all that stand behind them in their line.
    ///
    /// # Errors
    /// When the whole batch must come again.
    pub async fn handle(&self, batch: Invocation<QueueEvent>) -> Result<QueueAnswer, Unnamed> {
        let worker = ChatwootWorker {
            store: &self.store,
            desk: &self.desk,
            notices: &self.notices,
            pause: &self.pause,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            assistant: &self.assistant,
            rules: self.rules,
        };
        let handle = async |key: InboxKey| worker.handle(&key).await;
        queue::work(batch, MARGIN, &self.clock, &self.telemetry, InboxKey::parse, handle).await
    }
}
