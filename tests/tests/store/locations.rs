//! The list of locations: the newest that was fetched is the one that counts.

use frontdesk_core::{
    directory::{KnownLocation, LocationBook, Locations},
    ids::LocationUid,
    phone::Region,
    store::StoreError,
    time::UnixMillis,
};
use frontdesk_tests::tables::Tables;
use serde_json::json;

use super::{T0, at};

fn book(fetched_at: UnixMillis, places: &[(&str, &str, Option<&str>)]) -> LocationBook {
    let locations = places.iter().map(|(uid, name, country)| KnownLocation {
        uid: LocationUid::try_from(*uid).unwrap(),
        name: (*name).to_owned(),
        country: country.map(|c| Region::try_from(c).unwrap()),
    });
    LocationBook { fetched_at, locations: locations.collect() }
}

#[tokio::test]
async fn a_list_comes_back_as_it_was_kept_unless_a_newer_one_is() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.locations().await, Ok(None));
    let first = book(at(10), &[("loc-1", "Harbour Lane", Some("AU")), ("loc-2", "Zürich · Bahnhof", None)]);
    store.keep_locations(&first).await.unwrap();
    assert_eq!(store.locations().await, Ok(Some(first.clone())));
    store.keep_locations(&book(at(9), &[])).await.unwrap();
    assert_eq!(store.locations().await, Ok(Some(first)), "an older one changes nothing");
    for newer in [book(at(10), &[("loc-3", "", Some("NZ"))]), book(at(11), &[])] {
        store.keep_locations(&newer).await.unwrap();
        assert_eq!(store.locations().await, Ok(Some(newer)));
    }
    assert_eq!(tables.items("directory").len(), 1);
}

#[tokio::test]
async fn a_country_that_nobody_knows_is_none_and_a_location_without_a_name_of_ours_is_an_error() {
    let tables = Tables::start().await;
    let store = tables.store();
    let row = |entry| {
        json!({
            "pk": {"S": "locations"}, "fetched_at_ms": {"N": T0.get().to_string()}, "location_list": {"L": [{"M": entry}]},
        })
    };
    let strange = json!({"uid": {"S": "loc-1"}, "name": {"S": "A"}, "country": {"S": "Atlantis"}});
    tables.put("directory", &row(strange));
    assert_eq!(store.locations().await, Ok(Some(book(T0, &[("loc-1", "A", None)]))));
    for (entry, what) in [
        (json!({"name": {"S": "A"}}), "uid"),
        (json!({"uid": {"S": "a b"}, "name": {"S": "A"}}), "uid"),
        (json!({"uid": {"S": "loc-1"}}), "name"),
    ] {
        tables.put("directory", &row(entry));
        assert_eq!(store.locations().await, Err(StoreError::Corrupt { table: "directory", what }));
    }
    tables.put("directory", &json!({"pk": {"S": "locations"}, "fetched_at_ms": {"N": "1"}}));
    assert_eq!(store.locations().await, Err(StoreError::Corrupt { table: "directory", what: "location_list" }));
}
