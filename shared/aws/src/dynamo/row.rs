//! Values in and out of rows.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use frontdesk_core::{ids::OwnerToken, store::StoreError, time::UnixMillis};

use super::Table;

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A number that is never negative and may be larger than an `i64` is.
pub(super) fn count(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn millis(at: UnixMillis) -> AttributeValue {
    number(at.get())
}

pub(super) fn bytes(value: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// An expiry as DynamoDB wants it.
pub(super) fn expiry(at: UnixMillis) -> AttributeValue {
    number(at.as_secs_ceil())
}

/// The moment against which an expiry is judged: the last second that is over.
pub(super) fn past_second(now: UnixMillis) -> AttributeValue {
    number(now.get().div_euclid(1000))
}

/// A row as it was read. What it must hold and does not is reported by attribute, never by content.
#[derive(Clone, Copy)]
pub(super) struct Row<'i> {
    table: Table,
    item: &'i Item,
}

impl<'i> Row<'i> {
    pub(super) const fn new(table: Table, item: &'i Item) -> Self {
        Self { table, item }
    }

    pub(super) fn corrupt(&self, what: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table.label(), what }
    }

    pub(super) fn text_if_any(&self, name: &str) -> Option<&'i str> {
        self.item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    /// A set of texts; empty where there is none.
    pub(super) fn set(&self, name: &'static str) -> Result<&'i [String], StoreError> {
        match self.item.get(name) {
            Some(value) => value.as_ss().map(Vec::as_slice).map_err(|_| self.corrupt(name)),
            None => Ok(&[]),
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&'i str, StoreError> {
        self.text_if_any(name).ok_or_else(|| self.corrupt(name))
    }

    /// Reads a text by `parse`; what it does not know is as bad as a missing one.
    pub(super) fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&'i str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(self.text(name)?).ok_or_else(|| self.corrupt(name))
    }

    pub(super) fn millis_if_any(&self, name: &str) -> Option<UnixMillis> {
        self.item.get(name)?.as_n().ok()?.parse().ok().map(UnixMillis::new)
    }

    pub(super) fn millis(&self, name: &'static str) -> Result<UnixMillis, StoreError> {
        self.millis_if_any(name).ok_or_else(|| self.corrupt(name))
    }

    pub(super) fn count<T: FromStr>(&self, name: &'static str) -> Result<T, StoreError> {
        let read = self.item.get(name).and_then(|value| value.as_n().ok()).and_then(|n| n.parse().ok());
        read.ok_or_else(|| self.corrupt(name))
    }

    /// A count that begins with its first one.
    pub(super) fn count_or_none<T: FromStr + Default>(&self, name: &'static str) -> Result<T, StoreError> {
        if self.has(name) { self.count(name) } else { Ok(T::default()) }
    }

    pub(super) fn bytes(&self, name: &'static str) -> Result<Vec<u8>, StoreError> {
        let read = self.item.get(name).and_then(|value| value.as_b().ok()).map(|b| b.as_ref().to_vec());
        read.ok_or_else(|| self.corrupt(name))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.item.get(name).is_some_and(|value| value.as_bool().is_ok_and(|b| *b))
    }

    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<String>, StoreError> {
        let list = self.item.get(name).and_then(|value| value.as_l().ok()).ok_or_else(|| self.corrupt(name))?;
        list.iter().map(|value| value.as_s().cloned().map_err(|_| self.corrupt(name))).collect()
    }

    pub(super) fn list(&self, name: &str) -> Option<&'i [AttributeValue]> {
        self.item.get(name)?.as_l().ok().map(Vec::as_slice)
    }

    pub(super) fn map(&self, name: &str) -> Option<Row<'i>> {
        let item = self.item.get(name)?.as_m().ok()?;
        Some(Row { table: self.table, item })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.item.contains_key(name)
    }

    /// When the row may be forgotten.
    pub(super) fn expires_at(&self) -> Result<UnixMillis, StoreError> {
        let seconds: i64 = self.count("expires_at")?;
        Ok(UnixMillis::new(seconds.saturating_mul(1000)))
    }

    /// Whether the row's time is over, although it is still there.
    pub(super) fn has_expired(&self, now: UnixMillis) -> bool {
        let at = self.item.get("expires_at").and_then(|value| value.as_n().ok()).and_then(|n| n.parse::<i64>().ok());
        at.is_some_and(|at| at <= now.get().div_euclid(1000))
    }

    /// Whether `owner` wrote the row's lease last.
    pub(super) fn is_of(&self, owner: &OwnerToken) -> bool {
        self.text_if_any("owner_token") == Some(owner.as_str())
    }
}
