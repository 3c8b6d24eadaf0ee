//! Queues. A message is a row's key and nothing else.

use aws_sdk_sqs::Client;
use frontdesk_core::{
    ids::OrderKey,
    inbox::InboxKey,
    queue::{DelaySeconds, EventQueue, QueueError, SendQueue},
};

use crate::{
    failure,
    knock::{self, Knock},
};

/// The queue that wakes the worker of a provider's events.
#[derive(Clone, Debug)]
pub struct SqsEvents(Queue);

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
    async fn send(&self, body: String, delay: Option<DelaySeconds>) -> Result<(), QueueError> {
        let message = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = message.set_delay_seconds(delay.map(|d| i32::from(d.get()))).send().await;
        sent.map(|_| ()).map_err(|error| QueueError { queue: self.label, detail: failure::detail(&error) })
    }

    async fn open(&self) -> Result<(), String> {
        let knock = self.client.send_message().queue_url(&self.url).message_body("knock");
        knock::answered(knock.customize().interceptor(Knock).send().await)
    }
}

impl SqsEvents {
    /// The queue at this URL.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self(Queue { client, url, label: "events" })
    }

    /// Opens the connection before the first event needs it. Sends nothing.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(&self) -> Result<(), String> {
        self.0.open().await
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
    async fn enqueue(&self, key: &InboxKey) -> Result<(), QueueError> {
        self.0.send(key.to_key(), None).await
    }
}

impl SendQueue for SqsSends {
    async fn enqueue_send(&self, key: &OrderKey, delay: DelaySeconds) -> Result<(), QueueError> {
        self.0.send(key.to_key(), Some(delay)).await
    }
}
