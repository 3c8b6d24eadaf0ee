//! The model store: the ports' promises in plain Rust, one lock, no network.
//!
//! The crash simulation runs on it, so it must behave as the tables do; the conformance suite (`tests/`) runs the same
//! random operations on both and compares every outcome.

mod contacts;
mod inbox;
mod outbox;
mod requests;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use frontdesk_core::{
    contact::Contact,
    ids::{EffectKey, OrderKey},
    inbox::InboxKey,
    phone::E164Phone,
    provider::{Limits, Provider},
    store::StoreError,
    time::UnixMillis,
};

pub use inbox::InboxRow;
pub use outbox::OutboxRow;
pub use requests::RequestRow;

/// All rows.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Events.
    pub inbox: BTreeMap<InboxKey, InboxRow>,
    /// Second bodies under known ids.
    pub mismatches: BTreeMap<String, String>,
    /// Contacts.
    pub contacts: BTreeMap<E164Phone, Contact>,
    /// Requests.
    pub requests: BTreeMap<OrderKey, RequestRow>,
    /// Sends.
    pub outbox: BTreeMap<EffectKey, OutboxRow>,
    /// Pauses.
    pub pauses: BTreeMap<Provider, UnixMillis>,
    /// How many writes changed something.
    pub writes: u64,
}

/// The model of the real store.
#[derive(Debug, Default)]
pub struct ModelStore(Mutex<Tables>);

impl ModelStore {
    /// The rows, for looking.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.lock().clone()
    }

    /// Looks at the rows without copying them.
    pub fn look<T>(&self, at: impl FnOnce(&Tables) -> T) -> T {
        at(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap()
    }
}

impl Limits for ModelStore {
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
