use frontdesk_core::{
    provider::{Limits, Provider, Tally},
    store::StoreError,
    time::UnixMillis,
};

use super::ModelStore;

/// What happened in one stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// How often.
    pub count: u32,
    /// Whether somebody was told that the limit is reached.
    pub told: bool,
}

impl Limits for ModelStore {
    async fn tally(&self, tally: &Tally) -> Result<bool, StoreError> {
        let length = i64::try_from(tally.window.as_millis()).unwrap().max(1);
        let begin = UnixMillis::new(tally.now.get().div_euclid(length) * length);
        let mut tables = self.lock();
        tables.writes += 1;
        let counter = tables.counters.entry((tally.what, begin)).or_default();
        counter.count += 1;
        let tell = counter.count >= tally.limit && !counter.told;
        counter.told |= tell;
        Ok(tell)
    }

    async fn pause(&self, provider: Provider, until: UnixMillis) -> Result<(), StoreError> {
        let mut tables = self.lock();
        tables.writes += 1;
        let stored = tables.pauses.entry(provider).or_insert(until);
        *stored = (*stored).max(until);
        Ok(())
    }

    async fn paused_until(&self, provider: Provider, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        Ok(self.lock().pauses.get(&provider).copied().filter(|until| *until > now))
    }
}
