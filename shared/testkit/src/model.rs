//! The model store: the ports' promises in plain Rust, one lock, no network.
//!
//! The crash simulation runs on it, so it must behave as the tables do; the conformance suite (`tests/`) runs the same
//! random operations on both and compares every outcome.

mod chats;
mod contacts;
mod directory;
mod erasure;
mod forms;
mod inbox;
mod limits;
mod notices;
mod outbox;
mod rates;
mod requests;
mod sessions;
mod uploads;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use frontdesk_core::{
    chat::ChatKey,
    contact::Contact,
    directory::{Bookmark, LocationBook},
    form::{Submission, SubmissionId},
    ids::{EffectKey, OrderKey, ProviderId},
    inbox::InboxKey,
    notice::NoticeKey,
    outbox::Tracked,
    phone::E164Phone,
    provider::{Feed, Provider},
    rate::RateKey,
    reviews::ReviewRecord,
    session::SessionKey,
    time::UnixMillis,
};

pub use chats::{ChatRow, SavedChat};
pub use contacts::{Erased, Met};
pub use directory::InstallationWords;
pub use inbox::{InboxRow, MismatchRow};
pub use limits::Counter;
pub use notices::NoticeRow;
pub use outbox::OutboxRow;
pub use rates::RateRow;
pub use requests::RequestRow;
pub use sessions::SessionRow;
pub use uploads::Storage;

/// All rows.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Events.
    pub inbox: BTreeMap<InboxKey, InboxRow>,
    /// Second bodies under known ids.
    pub mismatches: BTreeMap<String, MismatchRow>,
    /// Contacts.
    pub contacts: BTreeMap<E164Phone, Contact>,
    /// What is remembered of contacts that were erased. The real table has a keyed hash for the number.
    pub erased: BTreeMap<E164Phone, Erased>,
    /// What is known of the people who wrote.
    pub met: BTreeMap<E164Phone, Met>,
    /// What made a contact due to be mirrored; counts up.
    pub marks: BTreeMap<E164Phone, u64>,
    /// Chats.
    pub chats: BTreeMap<ChatKey, ChatRow>,
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
    /// What is known of the provider's ids.
    pub tracked: BTreeMap<ProviderId, Tracked>,
    /// Notices.
    pub notices: BTreeMap<NoticeKey, NoticeRow>,
    /// Reviews.
    pub reviews: BTreeMap<ProviderId, ReviewRecord>,
    /// How far lists were compared.
    pub bookmarks: BTreeMap<Feed, Bookmark>,
    /// The newest words about the app's installation.
    pub installation: InstallationWords,
    /// Clients' windows.
    pub rates: BTreeMap<RateKey, RateRow>,
    /// Forms.
    pub forms: BTreeMap<SubmissionId, Submission>,
    /// Pauses.
    pub pauses: BTreeMap<Provider, UnixMillis>,
    /// How many writes changed something.
    pub writes: u64,
}

/// The model of the real store.
#[derive(Debug, Default)]
pub struct ModelStore(Mutex<Tables>);

impl ModelStore {
    /// A store that holds these rows.
    #[must_use]
    pub const fn holding(tables: Tables) -> Self {
        Self(Mutex::new(tables))
    }

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
