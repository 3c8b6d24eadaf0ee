//! The notifier: a notice reaches a person, over the next channel if the first does not take it in time.
//!
//! Until its time is over, a notice is tried on the first channel that is not hopeless; from then on on every channel in
//! turn, the least tried first. The row says "told" only after a channel took it, so a death in between tells it twice.

use std::time::Duration;

use super::{lease, report_review, unreadable, wake};
use crate::{
    ids::{Ids, Shard},
    notice::{
        Channel, Channels, HeldNotice, NoticeClaim, NoticeEnd, NoticeKey, NoticeKind, NoticeQueue, NoticeStep, Notices,
        Progress, Tries, Untold,
    },
    queue::DelaySeconds,
    retry::Backoff,
    review_code::ReviewCode,
    store::{Fenced, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};

/// Rows that the timer asks for at once.
const PAGE: u16 = 25;

/// The rules of the notifier.
#[derive(Clone, Debug)]
pub struct NotifyRules {
    /// The channels, in the order in which they are tried. Empty: nobody is told, and an alarm says so.
    pub channels: Vec<Channel>,
    /// Within so long a notice is to be told; then the next channel is tried, and an alarm rings.
    pub within: Duration,
    /// After so long it is given up.
    pub give_up_after: Duration,
    /// Between attempts on one channel.
    pub backoff: Backoff,
    /// Longer than the function may run, clocks' differences included.
    pub lease: Duration,
}

/// What is to be done with a notice now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Try this channel.
    Try(Channel),
    /// Nothing before this moment.
    Wait(UnixMillis),
    /// No channel will ever take it, or it has been tried for too long.
    GiveUp,
}

impl NotifyRules {
    /// Decides what to do with a notice now. Pure, so that every course of things can be played through.
    #[must_use]
    pub fn pick(&self, opened_at: UnixMillis, progress: &Progress, now: UnixMillis) -> Pick {
        let all: Vec<(Channel, Tries)> = self.channels.iter().map(|c| (*c, progress.of(*c))).collect();
        // Not one that was never tried: the notifier itself may have been away for all that time.
        if now >= opened_at.plus(self.give_up_after) && all.iter().all(|(_, t)| t.attempts > 0) {
            return Pick::GiveUp;
        }
        let not_before = |tries: &Tries| UnixMillis::new(tries.not_before_ms);
        let mut live: Vec<(Channel, Tries)> = all.iter().filter(|(_, t)| !t.hopeless).copied().collect();
        if live.is_empty() {
            // Somebody may mend one of them; to stop trying helps nobody.
            live = all;
        }
        let Some((first, tried)) = live.first() else { return Pick::GiveUp };
        let limit = opened_at.plus(self.within);
        if now < limit {
            let free_at = not_before(tried);
            return if free_at <= now { Pick::Try(*first) } else { Pick::Wait(free_at.min(limit)) };
        }
        let free = live.iter().filter(|(_, t)| not_before(t) <= now).min_by_key(|(_, t)| t.attempts);
        match free {
            Some((channel, _)) => Pick::Try(*channel),
            None => Pick::Wait(live.iter().map(|(_, t)| not_before(t)).min().unwrap_or(now)),
        }
    }
}

/// What the notifier needs.
#[derive(Debug)]
pub struct Notifier<'a, S, Q, N, C, I, T> {
    /// The notices.
    pub store: &'a S,
    /// The notifier's own queue.
    pub queue: &'a Q,
    /// The channels.
    pub channels: &'a N,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// Limits.
    pub rules: &'a NotifyRules,
}

impl<S, Q, N, C, I, T> Notifier<'_, S, Q, N, C, I, T>
where
    S: Notices,
    Q: NoticeQueue,
    N: Channels,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on a notice. One that somebody else holds, that is not due or that has ended is left alone.
    ///
    /// # Errors
    /// When the table cannot be used; the message must come again.
    pub async fn handle(&self, key: &NoticeKey) -> Result<(), StoreError> {
        let lease = lease(self.clock, self.ids, self.rules.lease);
        let held = match self.store.claim_notice(key, &lease).await? {
            NoticeClaim::Acquired(held) => *held,
            NoticeClaim::Missing => {
                self.telemetry.line(Line::warn("a queued key has no notice").id("notice.key", key.as_str()));
                return Ok(());
            }
            NoticeClaim::NotDue { .. } | NoticeClaim::Busy { .. } | NoticeClaim::Ended => return Ok(()),
        };
        let step = self.advance(&held).await;
        if self.store.step_notice(key, &lease, &step).await? == Fenced::Lost {
            self.telemetry.line(self.about(key, Line::warn("a notice went to somebody else meanwhile")));
            return Ok(());
        }
        self.report(&held, &step);
        if let NoticeStep::Again { at, .. } = step {
            self.wake_at(key, at).await;
        }
        Ok(())
    }

    /// Tries channels until one takes it or none is left for now.
    async fn advance(&self, held: &HeldNotice) -> NoticeStep {
        let notice = &held.notice;
        let mut progress = held.progress.clone();
        // Each channel fails at most once before it is to be left alone, so this ends.
        for _ in 0..=self.rules.channels.len() {
            let now = self.clock.now();
            if now >= notice.opened_at.plus(patience(&notice.key, self.rules.within)) && !progress.late {
                progress.late = true;
                report_late(self.telemetry, &notice.key);
            }
            let channel = match self.rules.pick(notice.opened_at, &progress, now) {
                Pick::Try(channel) => channel,
                Pick::Wait(at) => return NoticeStep::Again { progress, at },
                Pick::GiveUp => return NoticeStep::End(NoticeEnd::GivenUp),
            };
            let untold = match self.channels.tell(channel, notice).await {
                Ok(()) => return NoticeStep::End(NoticeEnd::Told(channel)),
                Err(untold) => untold,
            };
            let line = Line::warn("a channel did not take a notice").word("channel", channel.as_str()).detail(&untold);
            self.telemetry.line(self.about(&notice.key, line));
            let tries = self.after(progress.of(channel), &untold, &notice.key);
            progress = progress.with(channel, tries);
        }
        let at = self.clock.now().plus(self.rules.backoff.after(1, notice.key.as_str()));
        NoticeStep::Again { progress, at }
    }

    fn after(&self, tries: Tries, untold: &Untold, key: &NoticeKey) -> Tries {
        let attempts = tries.attempts.saturating_add(1);
        match untold {
            // Set aside for as long as another works.
            Untold::Never { .. } => {
                let not_before = self.clock.now().plus(self.rules.backoff.cap);
                Tries { attempts, not_before_ms: not_before.get(), hopeless: true }
            }
            Untold::Later { wait, .. } => {
                let backoff = self.rules.backoff.after(attempts, key.as_str());
                let not_before = self.clock.now().plus(wait.unwrap_or(backoff).max(Duration::from_secs(1)));
                Tries { attempts, not_before_ms: not_before.get(), hopeless: false }
            }
        }
    }

    async fn wake_at(&self, key: &NoticeKey, at: UnixMillis) {
        let wait = at.since(self.clock.now()).min(DelaySeconds::MAX);
        let delay = DelaySeconds::covering(wait).unwrap_or(DelaySeconds::ZERO);
        wake(self.queue, self.telemetry, key, delay).await;
    }

    fn report(&self, held: &HeldNotice, step: &NoticeStep) {
        let key = &held.notice.key;
        let waited = self.clock.now().since(held.notice.opened_at).as_millis();
        let waited = i64::try_from(waited).unwrap_or(i64::MAX);
        match step {
            NoticeStep::End(NoticeEnd::Told(channel)) => {
                self.telemetry.count(Metric::NoticeTold, Some(channel.as_str()));
                let line = Line::info("people were told").word("channel", channel.as_str());
                self.telemetry.line(self.about(key, line.number("latency_ms", waited)));
            }
            NoticeStep::End(NoticeEnd::GivenUp) => {
                self.telemetry.count(Metric::NoticeGivenUp, Some(held.notice.kind.as_str()));
                let line = Line::error("no channel took a notice; nobody was told");
                let line = self.about(key, line);
                if held.notice.kind == NoticeKind::BadReview {
                    report_review(self.telemetry, ReviewCode::EscalationFailed, line);
                } else {
                    self.telemetry.line(line);
                }
            }
            NoticeStep::Again { .. } => {}
        }
    }

    fn about(&self, key: &NoticeKey, line: Line) -> Line {
        line.id("notice.key", key.as_str())
    }
}

/// What is not urgent is not queued at once; the timer, which comes each minute, must not be late for it.
fn patience(key: &NoticeKey, within: Duration) -> Duration {
    if key.kind().is_some_and(NoticeKind::is_urgent) { within } else { within.max(Duration::from_secs(60)) * 5 }
}

fn report_late(telemetry: &impl Telemetry, key: &NoticeKey) {
    telemetry.count(Metric::NoticeLate, key.kind().map(NoticeKind::as_str));
    let line = Line::error("a notice was not told within its time").id("notice.key", key.as_str());
    if key.kind() == Some(NoticeKind::BadReview) {
        report_review(telemetry, ReviewCode::EscalationFailed, line);
    } else {
        telemetry.line(line);
    }
}

/// The timer that brings notices back which nobody works on: their message was lost, or the notifier is dead.
#[derive(Debug)]
pub struct WatchNotices<'a, S, Q, C, T> {
    /// The notices.
    pub store: &'a S,
    /// The notifier's queue.
    pub queue: &'a Q,
    /// Time.
    pub clock: &'a C,
    /// Reports.
    pub telemetry: &'a T,
    /// Within so long a notice is to be told.
    pub within: Duration,
}

impl<S: Notices, Q: NoticeQueue, C: Clock, T: Telemetry> WatchNotices<'_, S, Q, C, T> {
    /// Queues every notice that is due; returns how many. An overdue one is counted at every run, so that its alarm rings
    /// even when the notifier itself is what is broken.
    ///
    /// # Errors
    /// When the table cannot be used; the next run goes on.
    pub async fn run(&self) -> Result<usize, StoreError> {
        let mut queued = 0;
        for shard in Shard::all() {
            let now = self.clock.now();
            let due = match self.store.notices_due(shard, now, PAGE).await {
                Ok(due) => due,
                Err(error) => {
                    unreadable(self.telemetry, &error)?;
                    continue;
                }
            };
            for notice in due {
                if notice.at.plus(patience(&notice.key, self.within)) < now {
                    report_late(self.telemetry, &notice.key);
                }
                queued += usize::from(wake(self.queue, self.telemetry, &notice.key, DelaySeconds::ZERO).await);
            }
        }
        Ok(queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(channels: &[Channel]) -> NotifyRules {
        NotifyRules {
            channels: channels.to_vec(),
            within: Duration::from_secs(60),
            give_up_after: Duration::from_secs(86_400),
            backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(300) },
            lease: Duration::from_secs(60),
        }
    }

    const OPENED: UnixMillis = UnixMillis::new(1_795_132_800_000);

    fn at(seconds: u64) -> UnixMillis {
        OPENED.plus(Duration::from_secs(seconds))
    }

    fn tried(attempts: u32, again_at: u64) -> Tries {
        Tries { attempts, not_before_ms: at(again_at).get(), hopeless: false }
    }

    use Channel::{Slack, Sns, Webhook};

    #[test]
    fn within_its_time_a_notice_stays_with_the_first_channel() {
        let rules = rules(&[Slack, Sns]);
        let none = Progress::default();
        assert_eq!(rules.pick(OPENED, &none, at(0)), Pick::Try(Slack));
        let once = none.clone().with(Slack, tried(1, 5));
        assert_eq!(rules.pick(OPENED, &once, at(2)), Pick::Wait(at(5)));
        assert_eq!(rules.pick(OPENED, &once, at(5)), Pick::Try(Slack));
        // A channel that wants to be left alone for longer is not waited for beyond the limit.
        let away = none.with(Slack, tried(1, 600));
        assert_eq!(rules.pick(OPENED, &away, at(2)), Pick::Wait(at(60)));
        assert_eq!(rules.pick(OPENED, &away, at(60)), Pick::Try(Sns));
    }

    #[test]
    fn after_its_time_every_channel_has_its_turn() {
        let rules = rules(&[Slack, Webhook, Sns]);
        let progress = Progress::default().with(Slack, tried(4, 61));
        assert_eq!(rules.pick(OPENED, &progress, at(61)), Pick::Try(Webhook));
        let progress = progress.with(Webhook, tried(1, 70)).with(Sns, tried(1, 66));
        assert_eq!(rules.pick(OPENED, &progress, at(62)), Pick::Try(Slack));
        let progress = progress.with(Slack, tried(5, 90));
        assert_eq!(rules.pick(OPENED, &progress, at(63)), Pick::Wait(at(66)));
    }

    #[test]
    fn a_hopeless_channel_costs_no_time() {
        let rules = rules(&[Slack, Sns]);
        let gone = Progress::default().with(Slack, Tries { attempts: 1, not_before_ms: 0, hopeless: true });
        assert_eq!(rules.pick(OPENED, &gone, at(1)), Pick::Try(Sns));
        let set_aside = |until| Tries { attempts: 1, not_before_ms: at(until).get(), hopeless: true };
        let both = Progress::default().with(Slack, set_aside(300)).with(Sns, set_aside(301));
        assert_eq!(rules.pick(OPENED, &both, at(70)), Pick::Wait(at(300)));
        assert_eq!(rules.pick(OPENED, &both, at(300)), Pick::Try(Slack));
    }

    #[test]
    fn without_channels_and_after_too_long_it_is_given_up() {
        assert_eq!(rules(&[]).pick(OPENED, &Progress::default(), at(0)), Pick::GiveUp);
        let tried = Progress::default().with(Slack, tried(9, 86_000));
        assert_eq!(rules(&[Slack]).pick(OPENED, &tried, at(86_400)), Pick::GiveUp);
        assert_eq!(rules(&[Slack, Sns]).pick(OPENED, &tried, at(86_400)), Pick::Try(Sns));
    }

    #[test]
    fn what_waited_for_a_broken_notifier_is_tried_however_old_it_is() {
        assert_eq!(rules(&[Slack]).pick(OPENED, &Progress::default(), at(400_000)), Pick::Try(Slack));
    }
}
