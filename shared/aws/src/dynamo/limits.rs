//! Times until which a provider is left alone.

use frontdesk_core::{
    provider::{Limits, Provider},
    store::StoreError,
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Row, expiry, millis},
    write::Change,
};

/// A longer pause is never shortened.
const PAUSE_IF: &str = "attribute_not_exists(paused_until_ms) OR paused_until_ms < :until_ms";
const PAUSE: &str = "SET paused_until_ms = :until_ms, expires_at = :expires_at";

impl Limits for DynamoStore {
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

fn key(provider: Provider) -> String {
    format!("pause#{}", provider.as_str())
}
