//! The clock's function: each schedule names a task, and each task asks an index for what is due.

use std::time::Duration;

use frontdesk_core::{
    flow::{promote::Promote, sweep::Sweep},
    inbox::Inbox,
    queue::{EventQueue, SendQueue},
    request::Requests,
    store::StoreError,
    telemetry::Telemetry,
    time::Clock,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a schedule sends.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Tick {
    /// The task's name.
    #[serde(default)]
    pub task: String,
}

/// What a task did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// How many rows it handed on.
    pub queued: usize,
}

/// Why a task did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TaskError {
    /// The schedule names no task of ours.
    #[error("there is no task {0:?}; the tasks are \"promote\" and \"sweep\"")]
    Unknown(String),
    /// A table could not be used; the next tick goes on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Timers<S, E, R, C, T> {
    /// The tables.
    pub store: S,
    /// The queue of Shopify's events.
    pub events: E,
    /// The delay queue of review requests.
    pub sends: R,
    /// Time.
    pub clock: C,
    /// Reports.
    pub telemetry: T,
    /// How long an event may wait before it is queued again.
    pub sweep_after: Duration,
    /// How long after its time a request that did not end is queued again.
    pub requeue_after: Duration,
}

impl<S, E, R, C, T> Timers<S, E, R, C, T>
where
    S: Inbox + Requests,
    E: EventQueue,
    R: SendQueue,
    C: Clock,
    T: Telemetry,
{
    /// Does one task.
    ///
    /// # Errors
    /// [`TaskError`].
    pub async fn handle(&self, tick: &Tick) -> Result<Done, TaskError> {
        let (clock, telemetry) = (&self.clock, &self.telemetry);
        let queued = match tick.task.as_str() {
            "promote" => {
                let (store, queue, requeue_after) = (&self.store, &self.sends, self.requeue_after);
                Promote { store, queue, clock, telemetry, requeue_after }.run().await?
            }
            "sweep" => {
                let (store, queue, after) = (&self.store, &self.events, self.sweep_after);
                Sweep { store, queue, clock, telemetry, after }.run().await?
            }
            other => return Err(TaskError::Unknown(other.chars().take(40).collect())),
        };
        Ok(Done { queued })
    }
}
