//! Queues as an operator sees them: what is in one, and back into another.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    types::{ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName},
};
use frontdesk_core::{
    dead_letter::{DeadLetters, Letter, SendAgain},
    ids::{GroupId, short_hash},
    queue::QueueError,
    time::UnixMillis,
};

use crate::{failure, probes, process::RandomIds, sqs::BATCH_MAX};

/// How long a look waits for messages: one that does not wait asks a part of the queue only.
const WAIT_SECONDS: i32 = 1;
/// How often an empty answer is not believed.
const LOOKS: u32 = 2;

/// A queue at its URL.
#[derive(Clone, Debug)]
pub struct SqsLetters {
    client: Client,
    url: String,
    ids: RandomIds,
}

impl SqsLetters {
    /// The queue at this URL; `ids` name what is put into it.
    #[must_use]
    pub const fn new(client: Client, url: String, ids: RandomIds) -> Self {
        Self { client, url, ids }
    }

    fn keeps_lines(&self) -> bool {
        self.url.ends_with(".fifo")
    }

    fn trouble(detail: String) -> QueueError {
        QueueError { queue: "dead letters", detail }
    }
}

impl DeadLetters for SqsLetters {
    async fn count(&self) -> Result<u64, QueueError> {
        probes::messages(&self.client, &self.url).await.map_err(|why| Self::trouble(why.0))
    }

    async fn take(&self, hold: Duration) -> Result<Vec<Letter>, QueueError> {
        for _ in 0..LOOKS {
            let asked = self
                .client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(i32::try_from(BATCH_MAX).unwrap_or(1))
                .visibility_timeout(i32::try_from(hold.as_secs()).unwrap_or(i32::MAX))
                .wait_time_seconds(WAIT_SECONDS)
                .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
                .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
            let told = asked.send().await.map_err(|error| Self::trouble(failure::detail(&error)))?;
            let letters: Vec<Letter> = told.messages().iter().filter_map(letter).collect();
            if !letters.is_empty() {
                return Ok(letters);
            }
        }
        Ok(Vec::new())
    }

    async fn put_back(&self, letters: &[Letter]) -> Result<(), QueueError> {
        for some in letters.chunks(BATCH_MAX) {
            let mut batch = self.client.change_message_visibility_batch().queue_url(&self.url);
            for (number, letter) in some.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(number.to_string())
                    .receipt_handle(&letter.receipt)
                    .visibility_timeout(0)
                    .build();
                batch = batch.entries(entry.map_err(|error| Self::trouble(error.to_string()))?);
            }
            let done = batch.send().await.map_err(|error| Self::trouble(failure::detail(&error)))?;
            if let Some(first) = done.failed().first() {
                return Err(Self::trouble(format!(
                    "{} could not be shown again: {}",
                    done.failed().len(),
                    first.code()
                )));
            }
        }
        Ok(())
    }

    async fn delete(&self, letter: &Letter) -> Result<(), QueueError> {
        let asked = self.client.delete_message().queue_url(&self.url).receipt_handle(&letter.receipt);
        asked.send().await.map(|_| ()).map_err(|error| Self::trouble(failure::detail(&error)))
    }
}

impl SendAgain for SqsLetters {
    async fn send_again(&self, body: &str, line: Option<&GroupId>) -> Result<(), QueueError> {
        let mut message = self.client.send_message().queue_url(&self.url).message_body(body);
        if self.keeps_lines() {
            // A name of its own, since SQS drops for five minutes what it takes for a repetition.
            let line = line.map_or_else(|| short_hash(body), |line| line.as_str().to_owned());
            message = message.message_group_id(line).message_deduplication_id(self.ids.draw());
        }
        let sent = message.send().await;
        sent.map(|_| ()).map_err(|error| QueueError { queue: "work", detail: failure::detail(&error) })
    }
}

fn letter(message: &Message) -> Option<Letter> {
    let attribute = |name| message.attributes().and_then(|all| all.get(&name)).map(String::as_str);
    let sent_at = attribute(MessageSystemAttributeName::SentTimestamp).and_then(|ms| ms.parse().ok());
    Some(Letter {
        body: message.body().unwrap_or_default().to_owned(),
        receipt: message.receipt_handle()?.to_owned(),
        sent_at: sent_at.map(UnixMillis::new),
        group: attribute(MessageSystemAttributeName::MessageGroupId).map(GroupId::from_stored),
    })
}
