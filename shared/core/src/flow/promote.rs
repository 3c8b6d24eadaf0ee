//! The timer that hands due requests to the delay queue.
//!
//! SQS waits fifteen minutes at most, so a request waits in its table until then. It is marked before it is queued: of
//! two timers at once only one queues it, and should the timer die in between, the mark itself says when to try again.

use std::time::Duration;

use crate::{
    ids::Shard,
    queue::{DelaySeconds, SendQueue},
    request::{DueRow, Requests},
    store::StoreError,
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};

/// Rows asked for at once.
pub const PAGE: u16 = 25;

/// Pages per partition and run; what is left waits a minute for the next run.
pub const PAGES_MAX: usize = 20;

/// When a request planned for `send_after` first needs attention: as soon as SQS can wait for the rest.
#[must_use]
pub fn attention(send_after: UnixMillis) -> UnixMillis {
    send_after.minus(DelaySeconds::MAX)
}

/// What the timer needs.
#[derive(Debug)]
pub struct Promote<'a, S, Q, C, T> {
    /// The requests.
    pub store: &'a S,
    /// The delay queue.
    pub queue: &'a Q,
    /// Time.
    pub clock: &'a C,
    /// Reports.
    pub telemetry: &'a T,
    /// How long after its time a queued request that did not end is queued again.
    pub requeue_after: Duration,
}

impl<S: Requests, Q: SendQueue, C: Clock, T: Telemetry> Promote<'_, S, Q, C, T> {
    /// Queues everything that is due; returns how many.
    ///
    /// # Errors
    /// When a table cannot be used; the next run goes on where this one stopped.
    pub async fn run(&self) -> Result<usize, StoreError> {
        let mut queued = 0;
        for shard in Shard::all() {
            let mut full = false;
            for _ in 0..PAGES_MAX {
                let rows = self.store.due(shard, self.clock.now(), PAGE).await?;
                full = rows.len() >= usize::from(PAGE);
                let mut moved = 0;
                for row in &rows {
                    moved += usize::from(self.promote(row).await?);
                }
                queued += moved;
                // An index is read late; if nothing moved, the same rows would come again.
                if !full || moved == 0 {
                    break;
                }
            }
            if full {
                self.telemetry.count(Metric::TimerBacklog, Some("promote"));
            }
        }
        Ok(queued)
    }

    async fn promote(&self, row: &DueRow) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let next_attention = row.send_after.max(now).plus(self.requeue_after);
        // Never more than SQS can wait: the row is not due before then. Should a clock differ, the longest will do, and
        // the sender sends nothing before its time.
        let remaining = row.send_after.since(now).min(DelaySeconds::MAX);
        let Some(delay) = DelaySeconds::covering(remaining) else { return Ok(false) };
        if !self.store.mark_queued(row, next_attention).await? {
            return Ok(false);
        }
        if let Err(error) = self.queue.enqueue_send(&row.key, delay).await {
            self.telemetry.count(Metric::QueueSendFailed, None);
            self.telemetry.line(
                Line::warn("a due request was not queued and will be queued again")
                    .id("request.key", &row.key.to_key())
                    .detail(&error),
            );
        }
        Ok(true)
    }
}
