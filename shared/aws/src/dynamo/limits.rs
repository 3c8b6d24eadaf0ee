//! Times until which a provider is left alone, and counters.

use frontdesk_core::{
    provider::{Limits, Provider, Tally},
    store::StoreError,
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Item, Row, expiry, millis, number, text},
    write::{Change, Written},
};

/// A longer pause is never shortened.
const PAUSE_IF: &str = "attribute_not_exists(paused_until_ms) OR paused_until_ms < :until_ms";
const PAUSE: &str = "SET paused_until_ms = :until_ms, expires_at = :expires_at";

/// Counting one and the same thing twice is refused as long as nobody else has counted since.
const COUNT_IF: &str = "attribute_not_exists(last_write) OR last_write <> :call";
const COUNT: &str = "SET last_write = :call, expires_at = :expires_at ADD hits :one";

/// Of all who find the limit reached, one tells.
const TELL_IF: &str = "attribute_not_exists(told_by) OR told_by = :call";
const TELL: &str = "SET told_by = :call";

impl Limits for DynamoStore {
    async fn tally(&self, tally: &Tally) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        let window_ms = i64::try_from(tally.window.as_millis()).unwrap_or(i64::MAX).max(1);
        let number_of_window = tally.now.get().div_euclid(window_ms);
        let key = format!("tally#{}#{number_of_window}", tally.what);
        // No sooner than the next one is over, so that nobody who is late begins this one anew.
        let expires_at = UnixMillis::new(number_of_window.saturating_add(2).saturating_mul(window_ms));
        let count = Change {
            table: Table::Limits,
            key: key.clone(),
            only_if: Some(COUNT_IF),
            update: COUNT,
            values: vec![(":call", text(call.as_str())), (":expires_at", expiry(expires_at)), (":one", number(1))],
        };
        let item = match self.change(count).await? {
            Written::Made(item) => item,
            Written::Refused(old) => old.unwrap_or_default(),
        };
        if !is_to_be_told(&item, tally)? {
            return Ok(false);
        }
        let values = vec![(":call", text(call.as_str()))];
        let tell = Change { table: Table::Limits, key, only_if: Some(TELL_IF), update: TELL, values };
        Ok(matches!(self.change(tell).await?, Written::Made(_)))
    }

    async fn pause(&self, provider: Provider, until: UnixMillis) -> Result<(), StoreError> {
        let pause = Change {
            table: Table::Limits,
            key: key(provider),
            only_if: Some(PAUSE_IF),
            update: PAUSE,
            values: vec![(":until_ms", millis(until)), (":expires_at", expiry(until))],
        };
        self.change(pause).await.map(|_| ())
    }

    async fn paused_until(&self, provider: Provider, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        let item = self.get(Table::Limits, &key(provider), Some("paused_until_ms")).await?;
        let until = item.map(|item| Row::new(Table::Limits, &item).millis("paused_until_ms")).transpose()?;
        Ok(until.filter(|until| *until > now))
    }
}

fn is_to_be_told(counted: &Item, tally: &Tally) -> Result<bool, StoreError> {
    let row = Row::new(Table::Limits, counted);
    let hits: u64 = row.count("hits")?;
    Ok(hits >= u64::from(tally.limit) && !row.has("told_by"))
}

fn key(provider: Provider) -> String {
    format!("pause#{}", provider.as_str())
}
