//! Queues. A message is a row's key and nothing else.

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use frontdesk_core::{
    ids::{GroupId, OrderKey, short_hash},
    inbox::Source,
    notice::{NoticeKey, NoticeQueue},
    queue::{DelaySeconds, EventQueue, QueueError, SendQueue, Wake},
};

use crate::{
    failure,
    knock::{self, Knock},
    process::RandomIds,
};

/// SQS takes no more at once.
pub(crate) const BATCH_MAX: usize = 10;

/// The queue that wakes the worker of a provider's events.
#[derive(Clone, Debug)]
pub struct SqsEvents {
    queue: Queue,
    order: Order,
}

/// Whether a queue keeps an order.
#[derive(Clone, Debug)]
enum Order {
    /// It does not.
    None,
    /// Within each line. A message has a name of its own, since SQS drops for five minutes what it takes for a repetition:
    /// a key that is put into the queue again is to arrive again.
    Lines(RandomIds),
}

impl Order {
    /// The line of a hint, and its name.
    fn place(&self, wake: &Wake) -> (Option<String>, Option<String>) {
        match self {
            Self::None => (None, None),
            Self::Lines(ids) => {
                let of_its_own = || short_hash(&wake.key.to_key());
                let line = wake.group.as_ref().map_or_else(of_its_own, |group| group.as_str().to_owned());
                (Some(line), Some(ids.draw()))
            }
        }
    }
}

/// Every event goes to the queue of its worker.
#[derive(Clone, Debug)]
pub struct RoutedEvents {
    /// Shopify's.
    pub shopify: SqsEvents,
    /// Podium's.
    pub podium: SqsEvents,
    /// What customers ask about their data.
    pub privacy: SqsEvents,
    /// Chatwoot's.
    pub chatwoot: SqsEvents,
}

/// What an endpoint puts its hints into.
#[derive(Clone, Debug)]
pub enum DoorQueue {
    /// Shopify's: what customers ask about their data has a worker of its own.
    Shopify {
        /// All else.
        shopify: SqsEvents,
        /// What customers ask about their data.
        privacy: SqsEvents,
    },
    /// Podium's.
    Podium(SqsEvents),
    /// Chatwoot's.
    Chatwoot(SqsEvents),
}

/// The delay queue that wakes the notifier.
#[derive(Clone, Debug)]
pub struct SqsNotices(Queue);

/// The delay queue that wakes the sender of review requests.
#[derive(Clone, Debug)]
pub struct SqsSends(Queue);

#[derive(Clone, Debug)]
struct Queue {
    client: Client,
    url: String,
    /// The name in errors.
    label: &'static str,
}

impl Queue {
    fn trouble(&self, detail: String) -> QueueError {
        QueueError { queue: self.label, detail }
    }

    async fn open(&self) -> Result<(), String> {
        let knock = self.client.send_message().queue_url(&self.url).message_body("knock");
        knock::answered(knock.customize().interceptor(Knock).send().await)
    }

    /// A message that appears after a while.
    async fn send_later(&self, key: &str, delay: DelaySeconds) -> Result<(), QueueError> {
        let message = self.client.send_message().queue_url(&self.url).message_body(key);
        let sent = message.delay_seconds(i32::from(delay.get())).send().await;
        sent.map(|_| ()).map_err(|error| self.trouble(failure::detail(&error)))
    }
}

impl SqsEvents {
    /// The queue at this URL, which keeps no order.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self { queue: Queue { client, url, label: "events" }, order: Order::None }
    }

    /// The FIFO queue at this URL; `ids` name its messages. An event that belongs to no line has one of its own.
    #[must_use]
    pub fn in_lines(client: Client, url: String, ids: RandomIds) -> Self {
        Self { queue: Queue { client, url, label: "events" }, order: Order::Lines(ids) }
    }

    /// Opens the connection before the first event needs it. Sends nothing.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(&self) -> Result<(), String> {
        self.queue.open().await
    }

    async fn send_one(&self, wake: &Wake) -> Result<(), QueueError> {
        let (line, name) = self.order.place(wake);
        let message = self.queue.client.send_message().queue_url(&self.queue.url).message_body(wake.key.to_key());
        let sent = message.set_message_group_id(line).set_message_deduplication_id(name).send().await;
        sent.map(|_| ()).map_err(|error| self.queue.trouble(failure::detail(&error)))
    }

    async fn send_batch(&self, wakes: &[Wake]) -> Result<(), QueueError> {
        let mut batch = self.queue.client.send_message_batch().queue_url(&self.queue.url);
        for (number, wake) in wakes.iter().enumerate() {
            let (line, name) = self.order.place(wake);
            let entry = SendMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .message_body(wake.key.to_key())
                .set_message_group_id(line)
                .set_message_deduplication_id(name)
                .build();
            batch = batch.entries(entry.map_err(|error| self.queue.trouble(error.to_string()))?);
        }
        let sent = batch.send().await.map_err(|error| self.queue.trouble(failure::detail(&error)))?;
        // Taken as a whole, a batch may still have lost some of its messages.
        match sent.failed() {
            [] => Ok(()),
            [first, ..] => {
                let detail = format!("{} of {} were not taken: {}", sent.failed().len(), wakes.len(), first.code());
                Err(self.queue.trouble(detail))
            }
        }
    }
}

impl SqsSends {
    /// The queue at this URL.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self(Queue { client, url, label: "sends" })
    }

    /// Opens the connection before the first event needs it. Sends nothing.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(&self) -> Result<(), String> {
        self.0.open().await
    }
}

impl EventQueue for SqsEvents {
    async fn enqueue(&self, wakes: &[Wake]) -> Result<(), QueueError> {
        for some in wakes.chunks(BATCH_MAX) {
            match some {
                [one] => self.send_one(one).await?,
                several => self.send_batch(several).await?,
            }
        }
        Ok(())
    }
}

fn of(source: Source, wakes: &[Wake]) -> Vec<Wake> {
    wakes.iter().filter(|wake| wake.key.source == source).cloned().collect()
}

/// The same in a line beside each: whoever died in the middle of a message keeps its line shut until the message shows
/// again, and a customer waits. Two at once do no harm to a chat, whose row notices the other.
fn beside(wakes: Vec<Wake>) -> Vec<Wake> {
    let beside = |group: &GroupId| GroupId::of(&format!("{}~late", group.as_str()));
    wakes.into_iter().map(|wake| Wake { group: wake.group.as_ref().map(beside), ..wake }).collect()
}

impl EventQueue for RoutedEvents {
    /// Trouble of one queue does not keep the others' hints back.
    async fn enqueue(&self, wakes: &[Wake]) -> Result<(), QueueError> {
        let shopify = self.shopify.enqueue(&of(Source::Shopify, wakes)).await;
        let podium = self.podium.enqueue(&of(Source::Podium, wakes)).await;
        let privacy = self.privacy.enqueue(&of(Source::Privacy, wakes)).await;
        let chatwoot = self.chatwoot.enqueue(&beside(of(Source::Chatwoot, wakes))).await;
        shopify.and(podium).and(privacy).and(chatwoot)
    }
}

impl DoorQueue {
    /// Opens the connection before the first event needs it. Sends nothing.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(&self) -> Result<(), String> {
        match self {
            Self::Shopify { shopify, .. } => shopify.open().await,
            Self::Podium(events) | Self::Chatwoot(events) => events.open().await,
        }
    }
}

impl EventQueue for DoorQueue {
    async fn enqueue(&self, wakes: &[Wake]) -> Result<(), QueueError> {
        match self {
            Self::Shopify { shopify, privacy } => {
                let orders = shopify.enqueue(&of(Source::Shopify, wakes)).await;
                let demands = privacy.enqueue(&of(Source::Privacy, wakes)).await;
                orders.and(demands)
            }
            Self::Podium(events) | Self::Chatwoot(events) => events.enqueue(wakes).await,
        }
    }
}

impl SqsNotices {
    /// The queue at this URL.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self(Queue { client, url, label: "notices" })
    }

    /// Opens the connection before the first event needs it. Sends nothing.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(&self) -> Result<(), String> {
        self.0.open().await
    }
}

impl NoticeQueue for SqsNotices {
    async fn enqueue_notice(&self, key: &NoticeKey, delay: DelaySeconds) -> Result<(), QueueError> {
        self.0.send_later(key.as_str(), delay).await
    }
}

impl SendQueue for SqsSends {
    async fn enqueue_send(&self, key: &OrderKey, delay: DelaySeconds) -> Result<(), QueueError> {
        self.0.send_later(&key.to_key(), delay).await
    }
}
