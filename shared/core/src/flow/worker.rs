//! What all workers of inbox events share: claim, count, park, unpack, end, and give back what failed.

use std::time::Duration;

use thiserror::Error;

use super::lease;
use crate::{
    ids::Ids,
    inbox::{Attempt, EventEnd, Inbox, InboxClaim, InboxKey, LeasedEvent, RejectReason},
    provider::NotDone,
    store::{Fenced, Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};

/// The limits of an event's worker.
#[derive(Clone, Copy, Debug)]
pub struct WorkerRules {
    /// Longer than the function may run, clocks' differences included.
    pub lease: Duration,
    /// After so many attempts an event is parked for a person.
    pub attempts_max: u32,
    /// A stored body unpacks to no more than this.
    pub body_bytes_max: usize,
    /// How long an event waits before the sweeper queues it again.
    pub sweep_after: Duration,
}

/// How long a provider may fail to help with an event before a person has to look.
const NO_HELP_FOR: Duration = Duration::from_secs(86_400);
/// Bounds of the wait after a provider could not help; in between it grows with the event's age.
const PUT_OFF: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(900));

/// Why an event's work stopped before its end; its message must come again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WorkError {
    /// A table could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A provider could not help.
    #[error(transparent)]
    Provider(#[from] NotDone),
    /// It is not its time yet.
    #[error("it waits for its time")]
    NotBefore {
        /// When it is to be worked on.
        at: UnixMillis,
    },
}

/// The shell around a worker.
#[derive(Debug)]
pub(super) struct Shell<'a, S, C, I, T> {
    pub(super) store: &'a S,
    pub(super) clock: &'a C,
    pub(super) ids: &'a I,
    pub(super) telemetry: &'a T,
    pub(super) rules: WorkerRules,
}

impl<S: Inbox, C: Clock, I: Ids, T: Telemetry> Shell<'_, S, C, I, T> {
    /// Works on the event of a key. Anything that somebody else holds or has finished is left alone: the sweeper brings
    /// back what really is unfinished.
    pub(super) async fn run(
        &self,
        key: &InboxKey,
        work: impl AsyncFnOnce(&LeasedEvent, &Lease, Vec<u8>) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        let lease = lease(self.clock, self.ids, self.rules.lease);
        let event = match self.store.claim(key, &lease).await? {
            InboxClaim::Acquired(event) => event,
            InboxClaim::Missing => {
                self.telemetry.line(Line::warn("a queued key has no event").id("event.id", &key.to_key()));
                return Ok(());
            }
            InboxClaim::Busy { .. } | InboxClaim::Ended(_) => return Ok(()),
        };
        if event.attempts > self.rules.attempts_max {
            let reason = RejectReason::TooManyAttempts { attempts: event.attempts - 1 };
            self.telemetry.count(Metric::EventParked, Some(key.source.as_str()));
            return self.finish(key, &lease, &EventEnd::Parked(reason)).await;
        }
        if event.attempts > 1 {
            self.telemetry.count(Metric::EventRetried, Some(key.source.as_str()));
        }
        let Ok(body) = event.body.unpack(self.rules.body_bytes_max) else {
            return self.finish(key, &lease, &EventEnd::Rejected(RejectReason::UnreadableBody)).await;
        };
        let Err(error) = work(&event, &lease, body).await else { return Ok(()) };
        let (attempt, outcome) = match error {
            // Out of the queue, so that nothing behind it waits with it; its message is done with.
            WorkError::Provider(_) if lease.now > event.current_since().plus(NO_HELP_FOR) => {
                self.telemetry.count(Metric::EventParked, Some(key.source.as_str()));
                return self.finish(key, &lease, &EventEnd::Parked(RejectReason::ProviderNoHelp)).await;
            }
            WorkError::Provider(why) => {
                let wait = (lease.now.since(event.current_since()) / 4).clamp(PUT_OFF.0, PUT_OFF.1);
                self.telemetry
                    .line(Line::warn("an event waits for a provider").id("event.id", &key.to_key()).detail(&why));
                (Attempt::PutOff { since: lease.now.plus(wait).minus(self.rules.sweep_after) }, Ok(()))
            }
            WorkError::NotBefore { at } => (Attempt::PutOff { since: at.minus(self.rules.sweep_after) }, Ok(())),
            // An outage of a table must not park a day of events.
            WorkError::Store(error @ StoreError::Unavailable { .. }) => (Attempt::Forgiven, Err(error.into())),
            WorkError::Store(error @ StoreError::Corrupt { .. }) => (Attempt::Counts, Err(error.into())),
        };
        // The next attempt need not wait for the lease. If this fails too, it waits.
        if let Err(second) = self.store.release(key, &lease, attempt).await {
            self.telemetry
                .line(Line::warn("a lease could not be given back").id("event.id", &key.to_key()).detail(&second));
        }
        outcome
    }

    pub(super) async fn finish(&self, event: &InboxKey, lease: &Lease, end: &EventEnd) -> Result<(), WorkError> {
        match self.store.finish(event, lease, end).await? {
            Fenced::Written => {
                let line = match end {
                    EventEnd::Done(word) | EventEnd::Erased(word) => {
                        self.telemetry.count(Metric::EventDone, Some(event.source.as_str()));
                        Line::info("an event is done").word("outcome", word)
                    }
                    EventEnd::Rejected(reason) => {
                        self.telemetry.count(Metric::EventRejected, Some(event.source.as_str()));
                        Line::warn("an event is not usable").id("reason", &reason.describe())
                    }
                    EventEnd::Parked(reason) => {
                        Line::error("an event is parked for a person").id("reason", &reason.describe())
                    }
                };
                self.telemetry.line(line.id("event.id", &event.to_key()));
                Ok(())
            }
            Fenced::Lost => self.lost(event),
        }
    }

    /// Somebody else has taken over and does the same work; nothing of ours was written.
    pub(super) fn lost(&self, event: &InboxKey) -> Result<(), WorkError> {
        self.telemetry.line(Line::warn("a lease was lost before the end").id("event.id", &event.to_key()));
        Ok(())
    }
}
