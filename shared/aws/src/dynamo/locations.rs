//! The list of locations, one row for all functions.

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    directory::{KnownLocation, LocationBook, Locations},
    ids::LocationUid,
    phone::Region,
    store::StoreError,
};

use super::{
    DynamoStore, Table,
    row::{Item, Row, millis, text},
    write::Change,
};

const KEY: &str = "locations";

/// Of two that fetched it, the one that was slower to write does not bring the older list back.
const KEEP_IF: &str = "attribute_not_exists(fetched_at_ms) OR fetched_at_ms <= :at_ms";
const KEEP: &str = "SET location_list = :list, fetched_at_ms = :at_ms";

impl Locations for DynamoStore {
    async fn locations(&self) -> Result<Option<LocationBook>, StoreError> {
        let Some(item) = self.get(Table::Directory, KEY, None).await? else { return Ok(None) };
        let row = Row::new(Table::Directory, &item);
        let list = row.list("location_list").ok_or_else(|| row.corrupt("location_list"))?;
        let locations = list.iter().map(|value| {
            let entry = value.as_m().map_err(|_| row.corrupt("location_list"))?;
            location(&Row::new(Table::Directory, entry))
        });
        Ok(Some(LocationBook {
            fetched_at: row.millis("fetched_at_ms")?,
            locations: locations.collect::<Result<_, _>>()?,
        }))
    }

    async fn keep_locations(&self, book: &LocationBook) -> Result<(), StoreError> {
        let list = AttributeValue::L(book.locations.iter().map(entry).collect());
        let values = vec![(":list", list), (":at_ms", millis(book.fetched_at))];
        let table = Table::Directory;
        self.change(Change { table, key: KEY.to_owned(), only_if: Some(KEEP_IF), update: KEEP, values })
            .await
            .map(|_| ())
    }
}

fn location(row: &Row<'_>) -> Result<KnownLocation, StoreError> {
    Ok(KnownLocation {
        uid: row.parsed("uid", |uid| LocationUid::try_from(uid).ok())?,
        name: row.text("name")?.to_owned(),
        // A country that nobody knows is as good as none: a number has to bring its own then.
        country: row.text_if_any("country").and_then(|country| Region::try_from(country).ok()),
    })
}

fn entry(location: &KnownLocation) -> AttributeValue {
    let mut entry = Item::with_capacity(3);
    entry.insert("uid".into(), text(location.uid.as_str()));
    entry.insert("name".into(), text(location.name.as_str()));
    if let Some(country) = &location.country {
        entry.insert("country".into(), text(country.as_str()));
    }
    AttributeValue::M(entry)
}
