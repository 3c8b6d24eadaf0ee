//! What is kept of reviews. A row is only ever replaced as a whole, by the next version of what was read.

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    ids::{EventId, LocationUid, OrderKey, ProviderId},
    rating::{Rating, RatingClass},
    reviews::{ReviewBook, ReviewRecord, Turn},
    store::{Fenced, StoreError},
};

use super::{
    DynamoStore, Table,
    row::{Item, Row, count, millis, number, text},
    write::{NewRow, Written},
};

const FIRST_IF: &str = "attribute_not_exists(pk)";
/// Every other replaces the very one that it was made from.
const NEXT_IF: &str = "version_number = :earlier";

impl ReviewBook for DynamoStore {
    async fn review(&self, uid: &ProviderId) -> Result<Option<ReviewRecord>, StoreError> {
        let item = self.get(Table::Reviews, uid.as_str(), None).await?;
        item.map(|item| record(uid, &item)).transpose()
    }

    async fn save_review(&self, wanted: &ReviewRecord) -> Result<Fenced, StoreError> {
        let (only_if, values) = match wanted.version {
            0 | 1 => (FIRST_IF, Vec::new()),
            later => (NEXT_IF, vec![(":earlier", number(later - 1))]),
        };
        let save = NewRow { table: Table::Reviews, item: review_row(wanted), only_if, values };
        Ok(match self.put(save).await? {
            Written::Made(_) => Fenced::Written,
            // What stands there may be what was to be written: then it was our own write.
            Written::Refused(Some(item)) if record(&wanted.uid, &item)? == *wanted => Fenced::Written,
            Written::Refused(_) => Fenced::Lost,
        })
    }
}

fn review_row(record: &ReviewRecord) -> Item {
    let mut item = Item::with_capacity(8);
    item.insert("pk".into(), text(record.uid.as_str()));
    item.insert("version_number".into(), number(record.version));
    item.insert("changed_at_ms".into(), millis(record.changed_at));
    item.insert("turn_list".into(), AttributeValue::L(record.turns.iter().map(turn_map).collect()));
    if let Some(rating) = record.rating {
        item.insert("rating_stars".into(), number(rating.stars()));
    }
    if let Some(platform) = &record.platform {
        item.insert("platform_name".into(), text(platform.as_str()));
    }
    if let Some(location) = &record.location {
        item.insert("location_uid".into(), text(location.as_str()));
    }
    if let Some(order) = &record.order {
        item.insert("order_key".into(), text(order.to_key()));
    }
    item
}

fn turn_map(turn: &Turn) -> AttributeValue {
    let mut map = Item::with_capacity(3);
    map.insert("turn_number".into(), count(u64::from(turn.number)));
    map.insert("event_id".into(), text(turn.by.as_str()));
    if let Some(class) = turn.class {
        map.insert("rating_class".into(), text(class.as_str()));
    }
    AttributeValue::M(map)
}

fn record(uid: &ProviderId, item: &Item) -> Result<ReviewRecord, StoreError> {
    let row = Row::new(Table::Reviews, item);
    let turns = row.list("turn_list").ok_or_else(|| row.corrupt("turn_list"))?.iter().map(|value| {
        let entry = value.as_m().map_err(|_| row.corrupt("turn_list"))?;
        turn(&Row::new(Table::Reviews, entry))
    });
    let rating = row.has("rating_stars").then(|| row.count("rating_stars")).transpose()?;
    Ok(ReviewRecord {
        uid: uid.clone(),
        version: row.count("version_number")?,
        rating: rating.map(|stars| Rating::new(stars).ok_or_else(|| row.corrupt("rating_stars"))).transpose()?,
        changed_at: row.millis("changed_at_ms")?,
        platform: row.text_if_any("platform_name").map(str::to_owned),
        location: if_any(&row, "location_uid", |uid| LocationUid::try_from(uid).ok())?,
        order: if_any(&row, "order_key", OrderKey::parse)?,
        turns: turns.collect::<Result<_, _>>()?,
    })
}

fn turn(row: &Row<'_>) -> Result<Turn, StoreError> {
    Ok(Turn {
        number: row.count("turn_number")?,
        class: if_any(row, "rating_class", RatingClass::parse)?,
        by: row.parsed("event_id", |event| EventId::try_from(event).ok())?,
    })
}

fn if_any<T>(
    row: &Row<'_>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    row.has(name).then(|| row.parsed(name, parse)).transpose()
}
