//! Rows as an operator looks at them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use frontdesk_core::{
    record::{Record, RecordPage, Records, Shelf, Sieve},
    store::StoreError,
};
use serde_json::{Map, Value};

use super::{
    DynamoStore, Table, erase,
    row::{Item, Row, millis, text},
};
use crate::failure;

impl Records for DynamoStore {
    async fn record(&self, shelf: Shelf, key: &str) -> Result<Option<Record>, StoreError> {
        let item = self.get(table(shelf), key, None).await?;
        Ok(item.map(|item| record(shelf, key.to_owned(), &item)))
    }

    async fn records(&self, shelf: Shelf, sieve: &Sieve, after: Option<&str>) -> Result<RecordPage, StoreError> {
        let table = table(shelf);
        let start = after.map(|key| Item::from([("pk".to_owned(), text(key))]));
        let Expressions { filter, projection, names, values } = Expressions::of(sieve);
        let scan = self.client.scan().table_name(self.name(table)).consistent_read(true);
        let page = scan
            .set_filter_expression(filter)
            .set_projection_expression(projection)
            .set_expression_attribute_names(Some(names).filter(|names| !names.is_empty()))
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| table.unavailable(failure::detail(&error)))?;
        let key = |item: &Item| Row::new(table, item).text_if_any("pk").map(str::to_owned);
        Ok(RecordPage {
            rows: page.items().iter().filter_map(|item| Some(record(shelf, key(item)?, item))).collect(),
            next: page.last_evaluated_key.as_ref().and_then(key),
            looked_at: usize::try_from(page.scanned_count).unwrap_or_default(),
        })
    }
}

/// A sieve as DynamoDB wants it. Every name is a placeholder, since some are reserved words.
#[derive(Default)]
struct Expressions {
    filter: Option<String>,
    projection: Option<String>,
    names: HashMap<String, String>,
    values: Item,
}

impl Expressions {
    fn of(sieve: &Sieve) -> Self {
        let mut made = Self::default();
        let mut conditions = Vec::new();
        for (name, wanted) in &sieve.equals {
            let name = made.name(name);
            let wanted: Vec<String> = wanted.iter().map(|value| made.value(text(value.as_str()))).collect();
            conditions.push(format!("{name} IN ({})", wanted.join(", ")));
        }
        for (name, beginning) in &sieve.begins {
            let (name, beginning) = (made.name(name), made.value(text(beginning.as_str())));
            conditions.push(format!("begins_with({name}, {beginning})"));
        }
        if let Some((name, since)) = sieve.since {
            let (name, since) = (made.name(name), made.value(millis(since)));
            conditions.push(format!("{name} >= {since}"));
        }
        made.filter = Some(conditions.join(" AND ")).filter(|filter| !filter.is_empty());
        if !sieve.only.is_empty() {
            let wanted: Vec<String> = ["pk"].iter().chain(sieve.only).map(|name| made.name(name)).collect();
            made.projection = Some(wanted.join(", "));
        }
        made
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}

const fn table(shelf: Shelf) -> Table {
    match shelf {
        Shelf::Inbox => Table::Inbox,
        Shelf::Contacts => Table::Contacts,
        Shelf::Requests => Table::Requests,
        Shelf::Outbox => Table::Outbox,
        Shelf::Sessions => Table::Sessions,
        Shelf::Reviews => Table::Reviews,
        Shelf::Chats => Table::Chats,
        Shelf::Forms => Table::Forms,
        Shelf::Directory => Table::Directory,
        Shelf::Limits => Table::Limits,
    }
}

fn record(shelf: Shelf, key: String, item: &Item) -> Record {
    let row = Row::new(table(shelf), item);
    let body = row.has("body_bytes").then(|| erase::body(&row)).flatten();
    let mut fields: Map<String, Value> = item
        .iter()
        .filter(|(name, _)| *name != "pk" && !(*name == "body_bytes" && body.is_some()))
        .map(|(name, value)| (name.clone(), shown(name, value)))
        .collect();
    if let Some(body) = body {
        fields.insert("body".to_owned(), readable(body));
    }
    Record { shelf, key, fields }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK's enum may grow")]
fn shown(name: &str, value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) if name.ends_with("_json") => {
            serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
        }
        AttributeValue::S(text) => text.as_str().into(),
        // A number that is too long for one of JSON's stays a text.
        AttributeValue::N(number) => serde_json::from_str(number).unwrap_or_else(|_| number.as_str().into()),
        AttributeValue::Bool(flag) => (*flag).into(),
        AttributeValue::B(bytes) => BASE64_STANDARD.encode(bytes).into(),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => texts.clone().into(),
        AttributeValue::L(list) => list.iter().map(|value| shown("", value)).collect::<Vec<_>>().into(),
        AttributeValue::M(map) => {
            Value::Object(map.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect())
        }
        AttributeValue::Bs(all) => all.iter().map(|bytes| BASE64_STANDARD.encode(bytes)).collect::<Vec<_>>().into(),
        AttributeValue::Null(_) => Value::Null,
        // A kind that DynamoDB does not have yet.
        _ => "?".into(),
    }
}

/// An event's body as a person can read it.
fn readable(body: Vec<u8>) -> Value {
    match String::from_utf8(body) {
        Ok(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Err(bytes) => BASE64_STANDARD.encode(bytes.into_bytes()).into(),
    }
}
