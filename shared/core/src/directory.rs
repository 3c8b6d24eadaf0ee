//! What is kept under a name: the locations as Podium lists them (a message for one that is not listed goes nowhere, G8),
//! how far the providers' lists have been compared, and whether the app is installed.

use std::time::Duration;

use crate::{ids::LocationUid, phone::Region, provider::Feed, store::StoreError, time::UnixMillis};

/// A location that messages may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLocation {
    /// Its uid.
    pub uid: LocationUid,
    /// Its name, for texts and notes.
    pub name: String,
    /// Where it is; says how a number without a country code is read.
    pub country: Option<Region>,
}

/// The list, and when it was fetched. Archived locations are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationBook {
    /// When Podium gave it.
    pub fetched_at: UnixMillis,
    /// The locations.
    pub locations: Vec<KnownLocation>,
}

impl LocationBook {
    /// The location of that uid.
    #[must_use]
    pub fn get(&self, uid: &LocationUid) -> Option<&KnownLocation> {
        self.locations.iter().find(|l| l.uid == *uid)
    }

    /// The countries in which there are locations, each once.
    #[must_use]
    pub fn countries(&self) -> Vec<Region> {
        let mut countries: Vec<Region> = self.locations.iter().filter_map(|l| l.country).collect();
        countries.sort_unstable();
        countries.dedup();
        countries
    }

    /// Whether a refresh is overdue by a whole interval.
    #[must_use]
    pub fn is_stale(&self, now: UnixMillis, interval: Duration) -> bool {
        now.since(self.fetched_at) > interval * 2
    }
}

/// Where the list is kept.
pub trait Locations {
    /// The list; `None` before the first refresh.
    async fn locations(&self) -> Result<Option<LocationBook>, StoreError>;

    /// Keeps a list, unless a newer one is kept.
    async fn keep_locations(&self, book: &LocationBook) -> Result<(), StoreError>;
}

/// How far a list of a provider's has been compared with what we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Everything that changed before this moment has been compared.
    pub done_to: UnixMillis,
    /// A comparison under way.
    pub under_way: Option<Comparison>,
}

/// A comparison that goes on where it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// From which moment on.
    pub from: UnixMillis,
    /// Up to which moment.
    pub to: UnixMillis,
    /// Where in the list; `None` at its beginning.
    pub cursor: Option<String>,
}

/// Where bookmarks are kept.
pub trait Bookmarks {
    /// The bookmark of a list; `None` before the first comparison.
    async fn bookmark(&self, feed: Feed) -> Result<Option<Bookmark>, StoreError>;

    /// Keeps a bookmark. Two comparisons at once repeat each other's work and nothing else, so the last one to write wins.
    async fn keep_bookmark(&self, feed: Feed, bookmark: &Bookmark) -> Result<(), StoreError>;
}

/// Whether anything may be done in the shop's name.
pub trait Installation {
    /// When the app was uninstalled from the shop; `None` while it is installed.
    async fn uninstalled_at(&self) -> Result<Option<UnixMillis>, StoreError>;

    /// Notes that it was uninstalled, unless a later word is known.
    async fn note_uninstalled(&self, at: UnixMillis) -> Result<(), StoreError>;

    /// Notes that the shop told us of something at `at`: it does so only while the app is installed.
    async fn note_installed(&self, at: UnixMillis) -> Result<(), StoreError>;
}
