//! The clock's function: each schedule names a task, and each task asks an index for what is due.

use std::{fmt, time::Duration};

use frontdesk_core::{
    config::{MirrorConfig, TimersConfig, WatchConfig},
    contact::Contacts,
    directory::Locations,
    flow::{
        locations::{LocationRules, RefreshLocations},
        mirror::MirrorOptOuts,
        promote::Promote,
        say::SpeakerRules,
        sessions::WatchSessions,
        sweep::Sweep,
    },
    ids::Ids,
    inbox::Inbox,
    outbox::Outbox,
    provider::{ContactBook, Desk, Limits, LocationList, Messages},
    queue::{EventQueue, SendQueue},
    request::Requests,
    session::Sessions,
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
    /// How many rows it saw to.
    pub handled: usize,
}

/// Something that is done by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Hands due requests to the delay queue.
    Promote,
    /// Puts waiting events into their queue again.
    Sweep,
    /// Asks the silent whether they are still there, and closes what stays silent.
    Sessions,
    /// Loads the list of locations.
    Locations,
    /// Tells Podium of opt-outs.
    Mirror,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Promote, Self::Sweep, Self::Sessions, Self::Locations, Self::Mirror];

    /// The name that a schedule gives.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Sweep => "sweep",
            Self::Sessions => "sessions",
            Self::Locations => "locations",
            Self::Mirror => "mirror",
        }
    }

    fn of(name: &str) -> Result<Self, TaskError> {
        let unknown = || TaskError::Unknown(name.chars().take(40).collect());
        Self::ALL.into_iter().find(|task| task.as_str() == name).ok_or_else(unknown)
    }
}

/// The names of all tasks.
struct Names;

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Task::ALL.map(|task| format!("{:?}", task.as_str())).join(", "))
    }
}

/// Why a task did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TaskError {
    /// The schedule names no task of ours.
    #[error("there is no task {0:?}; the tasks are {Names}")]
    Unknown(String),
    /// A table could not be used; the next tick goes on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The rules of the tasks.
#[derive(Clone, Debug)]
pub struct TaskRules {
    /// How long an event may wait before it is queued again.
    pub sweep_after: Duration,
    /// How long after its time a request that did not end is queued again.
    pub requeue_after: Duration,
    /// The watch over the sessions.
    pub watch: WatchConfig,
    /// How messages are sent.
    pub speaker: SpeakerRules,
    /// The list of locations.
    pub locations: LocationRules,
    /// How Podium is told of opt-outs.
    pub mirror: MirrorConfig,
}

impl From<&TimersConfig> for TaskRules {
    fn from(config: &TimersConfig) -> Self {
        let (watch, mirror) = (config.watch.clone(), config.mirror.clone());
        let TimersConfig { sweep_after, requeue_after, speaker, locations, .. } = *config;
        Self { sweep_after, requeue_after, watch, speaker, locations, mirror }
    }
}

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Timers<S, E, R, P, C, I, T> {
    /// The tables.
    pub store: S,
    /// The queues of events.
    pub events: E,
    /// The delay queue of review requests.
    pub sends: R,
    /// Podium.
    pub podium: P,
    /// Time.
    pub clock: C,
    /// Lease owners.
    pub ids: I,
    /// Reports.
    pub telemetry: T,
    /// Limits and texts.
    pub rules: TaskRules,
}

impl<S, E, R, P, C, I, T> Timers<S, E, R, P, C, I, T>
where
    S: Inbox + Requests + Contacts + Outbox + Limits + Locations + Sessions,
    E: EventQueue,
    R: SendQueue,
    P: ContactBook + LocationList + Desk + Messages,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Does one task.
    ///
    /// # Errors
    /// [`TaskError`].
    pub async fn handle(&self, tick: &Tick) -> Result<Done, TaskError> {
        let Self { store, clock, telemetry, rules, .. } = self;
        // On the heap each by itself: a run is one of them, and need not have room for all.
        let handled = match Task::of(&tick.task)? {
            Task::Promote => {
                let (queue, requeue_after) = (&self.sends, rules.requeue_after);
                Promote { store, queue, clock, telemetry, requeue_after }.run().await?
            }
            Task::Sweep => {
                let (queue, after) = (&self.events, rules.sweep_after);
                Sweep { store, queue, clock, telemetry, after }.run().await?
            }
            Task::Sessions => Box::pin(self.sessions()).await?,
            Task::Locations => {
                let (list, rules) = (&self.podium, rules.locations);
                // That Podium did not answer is reported already; the list that is known goes on being used.
                let refresh = RefreshLocations { store, list, clock, telemetry, rules };
                let loaded = Box::pin(refresh.run()).await?;
                loaded.map_or(0, |book| book.locations.len())
            }
            Task::Mirror => {
                let MirrorConfig { how, backoff, .. } = rules.mirror;
                let mirror = MirrorOptOuts { store, contacts: &self.podium, clock, telemetry, how, backoff };
                Box::pin(mirror.run()).await?
            }
        };
        Ok(Done { handled })
    }

    async fn sessions(&self) -> Result<usize, StoreError> {
        let watch = WatchSessions {
            store: &self.store,
            podium: &self.podium,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.telemetry,
            sessions: self.rules.watch.sessions,
            speaker: self.rules.speaker,
            prompt: self.rules.watch.prompt.as_deref(),
        };
        let watched = watch.run().await?;
        Ok(watched.prompted + watched.closed)
    }
}
