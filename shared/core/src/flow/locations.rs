//! Loads the list of locations from Podium: by the clock, and once more when a message names one that is not on it.

use std::time::Duration;

use super::{paused, report, respect};
use crate::{
    directory::{LocationBook, Locations},
    provider::{CallFailure, Limits, LocationList, NotDone, Provider, Tally},
    store::StoreError,
    telemetry::{Line, Metric, Telemetry},
    time::Clock,
    webchat::WebchatCode,
};

/// When the list is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocationRules {
    /// By the clock, so often. A list twice as old is reported.
    pub interval: Duration,
    /// A list not older than this is not loaded again for an unknown location: a page that names a wrong one would
    /// otherwise make us ask Podium at every message.
    pub fresh_for: Duration,
}

/// What the loading needs.
#[derive(Debug)]
pub struct RefreshLocations<'a, S, P, C, T> {
    /// The tables.
    pub store: &'a S,
    /// Podium.
    pub list: &'a P,
    /// Time.
    pub clock: &'a C,
    /// Reports.
    pub telemetry: &'a T,
    /// Limits.
    pub rules: LocationRules,
}

impl<S: Locations + Limits, P: LocationList, C: Clock, T: Telemetry> RefreshLocations<'_, S, P, C, T> {
    /// Loads and keeps the list. When that cannot be, the one that is known goes on being used, and is reported once it is
    /// stale.
    ///
    /// # Errors
    /// When a table cannot be used.
    pub async fn run(&self) -> Result<Result<LocationBook, NotDone>, StoreError> {
        if let Some(why) = paused(self.store, self.clock, Provider::Podium).await? {
            return self.failed(why).await;
        }
        let now = self.clock.now();
        match self.list.list_locations().await {
            // A shop without locations would have no webhooks either; a token without the right sees none.
            Ok(locations) if locations.is_empty() => {
                self.failed(NotDone::unavailable(Provider::Podium, "it lists no location")).await
            }
            Ok(locations) => {
                let book = LocationBook { fetched_at: now, locations };
                self.store.keep_locations(&book).await?;
                self.telemetry.count(Metric::LocationsRefreshed, None);
                Ok(Ok(book))
            }
            Err(CallFailure::NotDone(why)) => {
                respect(self.store, self.telemetry, now, &why).await?;
                self.failed(why).await
            }
            Err(CallFailure::Refused { status }) => {
                let detail = format!("it refuses the list of locations with status {status}");
                self.failed(NotDone::unavailable(Provider::Podium, detail)).await
            }
        }
    }

    async fn failed(&self, why: NotDone) -> Result<Result<LocationBook, NotDone>, StoreError> {
        self.telemetry.line(Line::warn("the list of locations could not be loaded").detail(&why));
        self.report_if_stale(self.store.locations().await?.as_ref()).await?;
        Ok(Err(why))
    }

    /// Says that the list is stale, once an interval.
    ///
    /// # Errors
    /// When a table cannot be used.
    pub async fn report_if_stale(&self, book: Option<&LocationBook>) -> Result<(), StoreError> {
        let now = self.clock.now();
        if book.is_some_and(|b| !b.is_stale(now, self.rules.interval)) {
            return Ok(());
        }
        let tally = Tally { what: "locations_stale", now, window: self.rules.interval, limit: 1 };
        if self.store.tally(&tally).await? {
            let age = book.map_or(-1, |b| i64::try_from(now.since(b.fetched_at).as_secs()).unwrap_or(i64::MAX));
            let line = Line::error("the list of locations is stale").number("age_s", age);
            report(self.telemetry, WebchatCode::LocationsStale, line);
        }
        Ok(())
    }
}
