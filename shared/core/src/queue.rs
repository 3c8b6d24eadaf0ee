//! Queues carry keys, never content: what a message says is only "look at this row".

use std::time::Duration;

use thiserror::Error;

use crate::{
    ids::{GroupId, OrderKey},
    inbox::InboxKey,
};

/// A queue did not take a message (or its answer was lost).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("queue {queue} did not answer: {detail}")]
pub struct QueueError {
    /// Which queue.
    pub queue: &'static str,
    /// What the client reported.
    pub detail: String,
}

/// SQS delays a message by whole seconds from 0 to 900. Local emulators accept more, AWS does not, so the type refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DelaySeconds(u16);

impl DelaySeconds {
    /// The longest delay that SQS knows.
    pub const MAX: Duration = Duration::from_secs(900);

    /// At once.
    pub const ZERO: Self = Self(0);

    /// The delay that covers `span`, rounded up to whole seconds; `None` when SQS cannot wait that long.
    #[must_use]
    pub fn covering(span: Duration) -> Option<Self> {
        let seconds = span.as_millis().div_ceil(1000);
        u16::try_from(seconds).ok().filter(|s| *s <= 900).map(Self)
    }

    /// The number of seconds.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A hint that an event waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// Which event.
    pub key: InboxKey,
    /// The line in which it is to be seen; `None` where order does not matter.
    pub group: Option<GroupId>,
}

/// The queue that wakes the worker of a provider's events.
pub trait EventQueue {
    /// Puts hints into the queue, in this order. May be called twice for one row: the row's lease makes it harmless. On an
    /// error some may have been taken.
    async fn enqueue(&self, wakes: &[Wake]) -> Result<(), QueueError>;
}

/// The delay queue that wakes the sender of review requests.
pub trait SendQueue {
    /// Puts a request's key into the queue, to appear after `delay`.
    async fn enqueue_send(&self, key: &OrderKey, delay: DelaySeconds) -> Result<(), QueueError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_round_up_and_end_at_900() {
        assert_eq!(DelaySeconds::covering(Duration::from_millis(1)).map(DelaySeconds::get), Some(1));
        assert_eq!(DelaySeconds::covering(Duration::from_secs(900)).map(DelaySeconds::get), Some(900));
        assert_eq!(DelaySeconds::covering(Duration::from_millis(900_001)), None);
        assert_eq!(DelaySeconds::covering(Duration::from_secs(u64::MAX)), None);
    }
}
