use frontdesk_core::{
    rate::{Admission, RateKey, RateRule, RateWindows},
    store::StoreError,
    time::UnixMillis,
};

use super::ModelStore;

/// A client's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRow {
    /// How many requests were admitted in it.
    pub hits: u32,
    /// When it ends.
    pub ends_at: UnixMillis,
}

impl RateWindows for ModelStore {
    async fn admit(&self, key: &RateKey, rule: RateRule, now: UnixMillis) -> Result<Admission, StoreError> {
        let begun = RateRow { hits: 0, ends_at: now.plus(rule.window) };
        if rule.limit == 0 {
            return Ok(Admission::Refused { until: begun.ends_at });
        }
        let mut tables = self.lock();
        let row = tables.rates.entry(key.clone()).or_insert(begun);
        if row.ends_at <= now {
            *row = begun;
        }
        if row.hits >= rule.limit {
            return Ok(Admission::Refused { until: row.ends_at });
        }
        row.hits += 1;
        tables.writes += 1;
        Ok(Admission::Admitted)
    }
}
