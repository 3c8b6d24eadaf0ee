//! The locations, as Podium lists them. A message for a location that is not listed goes nowhere (G8).

use std::time::Duration;

use crate::{ids::LocationUid, phone::Region, store::StoreError, time::UnixMillis};

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
