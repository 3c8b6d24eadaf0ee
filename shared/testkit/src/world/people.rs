//! The shop's people, the channels that lead to them, and the notifier.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use frontdesk_core::{
    flow::{
        notify::{Notifier, NotifyRules, WatchNotices},
        reviews::ReviewRules,
    },
    notice::{Channel, Channels, Notice, NoticeKey, NoticeQueue, Untold},
    queue::{DelaySeconds, QueueError},
    retry::Backoff,
    time::{Clock, DAY, UnixMillis},
};

use super::{
    Queued, World,
    driver::{ready, take_visible},
    ports::{Taken, answered},
};
use crate::dice::Dice;

/// How a channel answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It takes what it is told.
    Fine,
    /// It does not answer, at once.
    Dead,
    /// It takes so long, and then whoever asked has stopped waiting.
    TooSlow(Duration),
    /// It takes so long, and then takes what it is told.
    Slow(Duration),
    /// It wants to be left alone for so long.
    Busy(Duration),
    /// It will never take anything.
    Gone,
}

/// Something that people were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// Over which channel.
    pub channel: Channel,
    /// What.
    pub key: NoticeKey,
    /// The words.
    pub notice: Notice,
    /// When.
    pub at: UnixMillis,
}

/// The shop's people.
#[derive(Debug)]
pub struct People {
    /// How they are told.
    pub rules: NotifyRules,
    /// How the channels answer; one that is not here is fine.
    pub behaviours: RefCell<BTreeMap<Channel, Behaviour>>,
    /// Whether the notifier does not run at all.
    pub notifier_dead: Cell<bool>,
    /// The notifier's queue doubles and reorders by this; zero: it does neither.
    pub disorder: RefCell<Dice>,
    pub(super) told: RefCell<Vec<Telling>>,
    pub(super) tries: RefCell<Vec<(Channel, UnixMillis)>>,
}

impl Default for People {
    fn default() -> Self {
        Self {
            rules: NotifyRules {
                channels: vec![Channel::Slack, Channel::Sns],
                within: Duration::from_secs(60),
                give_up_after: DAY,
                backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(300) },
                lease: Duration::from_secs(60),
            },
            behaviours: RefCell::default(),
            notifier_dead: Cell::new(false),
            disorder: RefCell::new(Dice(0)),
            told: RefCell::default(),
            tries: RefCell::default(),
        }
    }
}

impl People {
    /// What people were told.
    #[must_use]
    pub fn told(&self) -> Vec<Telling> {
        self.told.borrow().clone()
    }

    /// When which channel was tried.
    #[must_use]
    pub fn tries(&self) -> Vec<(Channel, UnixMillis)> {
        self.tries.borrow().clone()
    }

    /// Has a channel behave in some way from now on.
    pub fn becomes(&self, channel: Channel, behaviour: Behaviour) {
        self.behaviours.borrow_mut().insert(channel, behaviour);
    }

    fn behaviour(&self, channel: Channel) -> Behaviour {
        self.behaviours.borrow().get(&channel).copied().unwrap_or(Behaviour::Fine)
    }

    /// Rolls the disorder's dice; zero where there is none.
    fn chance(&self, sides: usize) -> usize {
        let mut dice = self.disorder.borrow_mut();
        if dice.0 == 0 { 0 } else { dice.roll(sides) }
    }
}

impl Channels for World {
    async fn tell(&self, channel: Channel, notice: &Notice) -> Result<(), Untold> {
        let later = |detail: &str| Untold::Later { wait: None, detail: detail.into() };
        self.people.tries.borrow_mut().push((channel, self.clock.now()));
        let told = self.step(async {
            let take = || {
                let (at, notice) = (self.clock.now(), notice.clone());
                self.people.told.borrow_mut().push(Telling { channel, key: notice.key.clone(), notice, at });
                Ok(())
            };
            match self.people.behaviour(channel) {
                Behaviour::Fine => take(),
                Behaviour::Dead => Err(later("no answer")),
                Behaviour::TooSlow(span) => {
                    self.clock.advance(span);
                    Err(later("too slow"))
                }
                Behaviour::Slow(span) => {
                    self.clock.advance(span);
                    take()
                }
                Behaviour::Busy(wait) => Err(Untold::Later { wait: Some(wait), detail: "429".into() }),
                Behaviour::Gone => Err(Untold::Never { detail: "404".into() }),
            }
        });
        match told.await {
            Taken::Answered(answer) => answer,
            Taken::Silent => Err(later("no answer")),
            Taken::Refused => Err(Untold::Later { wait: Some(Duration::from_secs(30)), detail: "429".into() }),
        }
    }
}

impl NoticeQueue for World {
    async fn enqueue_notice(&self, key: &NoticeKey, delay: DelaySeconds) -> Result<(), QueueError> {
        let visible_at = self.clock.now().plus(Duration::from_secs(u64::from(delay.get())));
        let put = self.step(async {
            let message = Queued { key: key.clone(), visible_at, receives: 0 };
            let mut queue = self.notices.borrow_mut();
            if self.people.chance(4) == 1 {
                queue.push(message.clone());
            }
            if self.people.chance(3) == 1 { queue.insert(0, message) } else { queue.push(message) }
        });
        answered(&put.await, "notices")
    }
}

impl World {
    pub(super) fn review_rules(&self) -> ReviewRules {
        ReviewRules { thanks: self.thanks.clone(), speaker: self.speaker_rules() }
    }

    /// The notifier takes a message, if one is visible.
    pub(super) fn work_on_notice(&self) -> bool {
        if self.people.notifier_dead.get() {
            return false;
        }
        let now = self.clock.now();
        let Some(message) = take_visible(&mut self.notices.borrow_mut(), now) else { return false };
        self.notifies(message);
        true
    }

    fn notifies(&self, message: Queued<NoticeKey>) {
        let done = matches!(ready(self.notifier().handle(&message.key)), Some(Ok(())));
        self.process_ends();
        if !done {
            self.give_back(message, &self.notices, |key| key.as_str().to_owned());
        }
    }

    fn notifier(
        &self,
    ) -> Notifier<'_, Self, Self, Self, crate::clock::ManualClock, crate::clock::CountingIds, crate::recorder::Recorder>
    {
        Notifier {
            store: self,
            queue: self,
            channels: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            rules: &self.people.rules,
        }
    }

    /// Has another notifier take every notice that is queued, at this very moment, whatever else is going on.
    pub fn notifies_as_well(&self) {
        let keys: Vec<NoticeKey> = self.store.look(|t| t.notices.keys().cloned().collect());
        for key in keys {
            let _: Option<_> = ready(self.notifier().handle(&key));
        }
    }

    /// The schedule of the notices fires.
    pub(super) fn tick_notices(&self) {
        let watch = WatchNotices {
            store: self,
            queue: self,
            clock: &self.clock,
            telemetry: &self.recorder,
            within: self.people.rules.within,
        };
        let _: Option<_> = ready(watch.run());
        self.process_ends();
    }

    /// When the notices need attention next.
    pub(super) fn next_of_notices(&self) -> Option<UnixMillis> {
        let queued = self.notices.borrow().iter().map(|m| m.visible_at).min();
        let due = self.store.look(|t| t.notices.values().filter_map(|row| row.attention).min());
        let queued = queued.filter(|_| !self.people.notifier_dead.get());
        [queued, due].into_iter().flatten().min()
    }
}
