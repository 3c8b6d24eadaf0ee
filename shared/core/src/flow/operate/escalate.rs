//! Sees to it that people are told of a bad review that is on record, also when telling them failed before.

use crate::{
    contact::Contacts,
    directory::Locations,
    flow::{
        reviews::{ReviewDesk, ReviewRules, Told},
        wake,
    },
    ids::{EventId, Ids},
    inbox::InboxKey,
    notice::{Notice, NoticeKey, NoticeQueue, Notices, NoticesAnew},
    outbox::Outbox,
    podium::ReviewEvent,
    provider::{Limits, Messages},
    queue::DelaySeconds,
    rating::RatingClass,
    request::Requests,
    reviews::{ReviewBook, ReviewRecord, Turn},
    store::StoreError,
    telemetry::Telemetry,
    time::{Clock, UnixMillis},
};

/// What it takes.
#[derive(Debug)]
pub struct Escalate<'a, S, P, N, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// The messaging provider; nothing is sent through it here.
    pub messages: &'a P,
    /// The notifier's queue.
    pub notices: &'a N,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// What follows from reviews.
    pub rules: &'a ReviewRules,
}

/// The turn for which people are told: the one that this event brought about, else the one that stands.
#[must_use]
pub fn bad_turn<'r>(record: &'r ReviewRecord, event: &EventId) -> Option<&'r Turn> {
    let is_bad = |turn: &&Turn| turn.class == Some(RatingClass::Escalate);
    record.turns.iter().filter(is_bad).find(|turn| turn.by == *event).or_else(|| record.turns.last().filter(is_bad))
}

impl<S, P, N, C, I, T> Escalate<'_, S, P, N, C, I, T>
where
    S: Contacts + Outbox + Limits + Notices + NoticesAnew + ReviewBook + Requests + Locations,
    P: Messages,
    N: NoticeQueue,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// The notice of a bad review as its worker would write it; `None` when the review is not on record as a bad one.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn notice(
        &self,
        key: &InboxKey,
        review: &ReviewEvent,
        received_at: UnixMillis,
    ) -> Result<Option<Notice>, StoreError> {
        let Self { store, messages, notices, clock, ids, telemetry, rules } = *self;
        let told = Told { key, id: &key.event, happened_at: received_at, received_at };
        let Some(record) = store.review(&told.review(review)).await? else { return Ok(None) };
        let Some(turn) = bad_turn(&record, &key.event) else { return Ok(None) };
        let desk = ReviewDesk { store, messages, notices, clock, ids, telemetry, rules };
        Ok(Some(desk.bad(&told, review, &record, turn).await))
    }

    /// Opens the notice (again) unless it waits to be told, and wakes the notifier.
    ///
    /// # Errors
    /// When the table cannot be used.
    pub async fn tell(&self, notice: &Notice) -> Result<(), StoreError> {
        self.store.open_notice_anew(notice, self.clock.now()).await?;
        self.wake(&notice.key).await;
        Ok(())
    }

    /// Wakes the notifier; its timer finds the notice if this fails.
    pub async fn wake(&self, key: &NoticeKey) {
        wake(self.notices, self.telemetry, key, DelaySeconds::ZERO).await;
    }
}
