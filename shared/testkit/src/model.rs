//! The model store: the ports' promises in plain Rust, one lock, no network.
//!
//! The crash simulation runs on it, so it must behave as the tables do; the conformance suite (`tests/`) runs the same
//! random operations on both and compares every outcome.

mod contacts;
mod inbox;
mod limits;
mod outbox;
mod requests;
mod sessions;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use frontdesk_core::{
    contact::Contact,
    directory::LocationBook,
    ids::{EffectKey, OrderKey},
    inbox::InboxKey,
    phone::E164Phone,
    provider::Provider,
    session::SessionKey,
    time::UnixMillis,
};

pub use contacts::Met;
pub use inbox::InboxRow;
pub use limits::Counter;
pub use outbox::OutboxRow;
pub use requests::RequestRow;
pub use sessions::SessionRow;

/// All rows.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Events.
    pub inbox: BTreeMap<InboxKey, InboxRow>,
    /// Second bodies under known ids.
    pub mismatches: BTreeMap<String, String>,
    /// Contacts.
    pub contacts: BTreeMap<E164Phone, Contact>,
    /// What is known of the people who wrote.
    pub met: BTreeMap<E164Phone, Met>,
    /// What made a contact due to be mirrored; counts up.
    pub marks: BTreeMap<E164Phone, u64>,
    /// Sessions.
    pub sessions: BTreeMap<SessionKey, SessionRow>,
    /// The list of locations.
    pub locations: Option<LocationBook>,
    /// What was counted, by word and beginning of the stretch.
    pub counters: BTreeMap<(&'static str, UnixMillis), Counter>,
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
