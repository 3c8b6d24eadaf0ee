//! `frontdesk locations refresh`: the list of locations loaded now, as the clock and unknown locations have it loaded.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Subcommand;
use frontdesk_core::{
    config::{self, Function},
    directory::{KnownLocation, LocationBook, Locations as _},
    flow::locations::RefreshLocations,
    phone::Region,
    provider::NotDone,
};
use frontdesk_wiring::Wiring;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::installation::{self, Installation, unusable};
use crate::reach::Reach;
use crate::show::{self, Grid, Paint};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Load the list of locations from Podium now, and show what changed.
    #[command(after_help = EXAMPLES)]
    Refresh(Refresh),
}

const EXAMPLES: &str = r#"Examples:
  frontdesk --profile shop locations refresh
  frontdesk locations refresh --output human

Messages are attributed by this list, and those for a location that is not on it go nowhere. The clock loads it
every few minutes; this loads it at once, keeps it for all functions, and says what changed. The uid is what
SHOPIFY_LOCATIONS and Podium's own pages name a location by. Without a country only numbers with a plus are read.

Exit codes: 0 loaded, 1 Podium lists no location (the known list stays), 2 usage or configuration, or Podium or
a table did not answer."#;

#[derive(clap::Args)]
pub(crate) struct Refresh {}

pub(crate) fn run(reach: &Reach, command: &Command) -> Result<ExitCode, Failure> {
    let Command::Refresh(Refresh {}) = command;
    installation::run(reach, async |shop| refresh(reach, &shop).await)
}

async fn refresh(reach: &Reach, shop: &Installation) -> Result<ExitCode, Failure> {
    let Installation { aws, process, store, .. } = shop;
    let config = shop.settings(Function::Timers, config::podium_reach)?;
    let wiring = Wiring::new(&config.http, aws, store, process).map_err(unusable)?;
    let podium = wiring.podium(&config.podium).await.map_err(unusable)?;
    let lost = |error| Failure::Unreachable(vec![format!("the list is not kept: {error}")]);
    let before = store.locations().await.map_err(lost)?;
    let refreshing = RefreshLocations {
        store,
        list: &podium,
        clock: &process.clock,
        telemetry: &process.telemetry,
        rules: config.locations,
    };
    match refreshing.run().await.map_err(lost)? {
        Ok(after) => {
            let changes = changes(before.as_ref(), &after);
            reach.show(&document(&after, &changes), |paint| table(&after, &changes, *paint))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(NotDone::Unavailable { detail, .. }) if detail == "it lists no location" => {
            crate::failure::complain(
                "Podium lists no location: was the app authorized for the organization, with read_locations?",
            );
            Ok(ExitCode::FAILURE)
        }
        Err(why) => Err(Failure::Unreachable(vec![format!("the list of locations was not loaded: {why}")])),
    }
}

/// What became of a location since the list was loaded last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Added,
    Changed,
    Removed,
}

impl Change {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

fn changes(before: Option<&LocationBook>, after: &LocationBook) -> Vec<(Change, KnownLocation)> {
    let known = |book: Option<&LocationBook>| -> BTreeMap<String, KnownLocation> {
        let locations = book.map(|book| book.locations.clone()).unwrap_or_default();
        locations.into_iter().map(|location| (location.uid.to_string(), location)).collect()
    };
    let (before, after) = (known(before), known(Some(after)));
    let added = after.iter().filter_map(|(uid, location)| match before.get(uid) {
        None => Some((Change::Added, location.clone())),
        Some(other) if other != location => Some((Change::Changed, location.clone())),
        Some(_) => None,
    });
    let removed = before.iter().filter(|(uid, _)| !after.contains_key(*uid));
    added.chain(removed.map(|(_, location)| (Change::Removed, location.clone()))).collect()
}

fn country(location: &KnownLocation) -> Option<&str> {
    location.country.as_ref().map(Region::as_str)
}

fn document(book: &LocationBook, changes: &[(Change, KnownLocation)]) -> Value {
    let shown = |location: &KnownLocation| json!({ "uid": location.uid.as_str(), "name": location.name, "country": country(location) });
    let change = |(change, location): &(Change, KnownLocation)| json!({ "change": change.as_str(), "uid": location.uid.as_str(), "name": location.name });
    json!({
        "fetched_at": show::iso(book.fetched_at),
        "locations": book.locations.iter().map(shown).collect::<Vec<_>>(),
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn table(book: &LocationBook, changes: &[(Change, KnownLocation)], paint: Paint) -> String {
    let mut grid = Grid::new(["UID", "NAME", "COUNTRY", "SINCE THE LAST TIME"]);
    let change_of =
        |location: &KnownLocation| changes.iter().find(|(_, other)| other.uid == location.uid).map(|(c, _)| *c);
    let row = |location: &KnownLocation, change: Option<Change>| {
        let since = match change {
            None => String::new(),
            Some(change @ Change::Removed) => paint.warn(change.as_str()),
            Some(change) => paint.good(change.as_str()),
        };
        let country = country(location).map_or_else(|| paint.warn("none"), str::to_owned);
        [location.uid.to_string(), location.name.clone(), country, since]
    };
    for location in &book.locations {
        grid.row(row(location, change_of(location)));
    }
    for (change, location) in changes.iter().filter(|(change, _)| *change == Change::Removed) {
        grid.row(row(location, Some(*change)));
    }
    grid.to_string()
}
