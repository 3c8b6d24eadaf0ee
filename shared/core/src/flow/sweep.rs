//! The timer that finds events nobody works on: stored but never queued, or left behind by a worker that died.

use std::time::Duration;

use super::promote::{PAGE, PAGES_MAX};
use crate::{
    ids::Shard,
    inbox::Inbox,
    queue::{EventQueue, Wake},
    store::StoreError,
    telemetry::{Gauge, Line, Metric, Telemetry},
    time::Clock,
};

/// What the timer needs.
#[derive(Debug)]
pub struct Sweep<'a, S, Q, C, T> {
    /// The inbox.
    pub store: &'a S,
    /// The workers' queue.
    pub queue: &'a Q,
    /// Time.
    pub clock: &'a C,
    /// Reports.
    pub telemetry: &'a T,
    /// How long an event may wait before it is queued again.
    pub after: Duration,
}

impl<S: Inbox, Q: EventQueue, C: Clock, T: Telemetry> Sweep<'_, S, Q, C, T> {
    /// Queues waiting events again; returns how many.
    ///
    /// # Errors
    /// When the table cannot be used; the next run goes on where this one stopped.
    pub async fn run(&self) -> Result<usize, StoreError> {
        let mut swept = 0;
        let mut full = false;
        let mut oldest = Duration::ZERO;
        for _ in 0..PAGES_MAX {
            let now = self.clock.now();
            let mut rows = Vec::new();
            full = false;
            for shard in Shard::all() {
                let page = self.store.waiting(shard, now.minus(self.after), PAGE).await?;
                full |= page.len() >= usize::from(PAGE);
                rows.extend(page);
            }
            // A customer's events lie in several partitions, and are to be seen in the order in which they came.
            rows.sort_by_key(|row| row.since);
            let mut moved = 0;
            for row in &rows {
                // Marked first, so that of two timers only one queues it; a failure here waits for the next mark.
                let Some(received_at) = self.store.requeue(row, now).await? else { continue };
                oldest = oldest.max(now.since(received_at));
                moved += 1;
                let wake = Wake { key: row.key.clone(), group: row.group.clone() };
                if let Err(error) = self.queue.enqueue(&[wake]).await {
                    self.telemetry.count(Metric::QueueSendFailed, None);
                    self.telemetry.line(
                        Line::warn("a waiting event was not queued and will be swept again")
                            .id("event.id", &row.key.to_key())
                            .detail(&error),
                    );
                }
            }
            swept += moved;
            if !full || moved == 0 {
                break;
            }
        }
        self.telemetry.measure(Gauge::OldestWaitingSeconds, oldest.as_secs());
        if full {
            self.telemetry.count(Metric::TimerBacklog, Some("sweep"));
        }
        if swept > 0 {
            self.telemetry.count(Metric::EventRequeued, None);
            self.telemetry.line(
                Line::warn("waiting events were queued again")
                    .number("count", i64::try_from(swept).unwrap_or(i64::MAX)),
            );
        }
        Ok(swept)
    }
}
