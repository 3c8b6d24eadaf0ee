//! The clock's function of every minute: each schedule names a task, and each task asks an index for what is due.

use std::time::Duration;

use frontdesk_core::{
    config::{MirrorConfig, TimersConfig, WatchConfig},
    contact::Contacts,
    directory::Locations,
    flow::{
        locations::{LocationRules, RefreshLocations},
        mirror::MirrorOptOuts,
        notify::WatchNotices,
        promote::Promote,
        say::SpeakerRules,
        sessions::WatchSessions,
        sweep::Sweep,
    },
    ids::Ids,
    inbox::Inbox,
    notice::{NoticeQueue, Notices},
    outbox::Outbox,
    provider::{ContactBook, Desk, Limits, LocationList, Messages},
    queue::{EventQueue, SendQueue},
    request::Requests,
    session::Sessions,
    store::StoreError,
    task::{Done, TaskError, Tick},
    telemetry::Telemetry,
    time::Clock,
};

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
    /// Hands notices that are due to the notifier.
    Notices,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Promote, Self::Sweep, Self::Sessions, Self::Locations, Self::Mirror, Self::Notices];

    /// The name that a schedule gives.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Sweep => "sweep",
            Self::Sessions => "sessions",
            Self::Locations => "locations",
            Self::Mirror => "mirror",
            Self::Notices => "notices",
        }
    }
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
    /// Within so long a notice is to be told.
    pub notify_within: Duration,
}

impl From<&TimersConfig> for TaskRules {
    fn from(config: &TimersConfig) -> Self {
        let (watch, mirror) = (config.watch.clone(), config.mirror.clone());
        let TimersConfig { sweep_after, requeue_after, speaker, locations, notify_within, .. } = *config;
        Self { sweep_after, requeue_after, watch, speaker, locations, mirror, notify_within }
    }
}

/// The function with everything that it needs.
#[derive(Debug)]
pub struct Timers<S, E, R, N, P, C, I, T> {
    /// The tables.
    pub store: S,
    /// The queues of events.
    pub events: E,
    /// The delay queue of review requests.
    pub sends: R,
    /// The notifier's queue.
    pub notices: N,
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

impl<S, E, R, N, P, C, I, T> Timers<S, E, R, N, P, C, I, T>
where
    S: Inbox + Requests + Contacts + Outbox + Limits + Locations + Sessions + Notices,
    E: EventQueue,
    R: SendQueue,
    N: NoticeQueue,
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
        let handled = match tick.which(&Task::ALL, Task::as_str)? {
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
            Task::Notices => {
                let (queue, within) = (&self.notices, rules.notify_within);
                Box::pin(WatchNotices { store, queue, clock, telemetry, within }.run()).await?
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
