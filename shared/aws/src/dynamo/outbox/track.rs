//! What is known of a provider's ids, a row for each.

use frontdesk_core::{
    ids::{EffectKey, ProviderId},
    outbox::{DeliveryNews, Fact, Tracked},
    store::StoreError,
    time::UnixMillis,
};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamo::{
    DynamoStore, Table,
    row::{Item, Row, expiry, number, text},
    write::{Change, Written},
};

/// What the keys of these rows begin with.
pub(in crate::dynamo) const PREFIX: &str = "message#";

/// What we sent is to be found for as long as the send itself.
const OURS: &str = "SET effect_key = :effect, expires_at = :expires_at";
/// Of several news the weightiest stays, whatever the order of their arrival.
const NEWS_IF: &str = "attribute_not_exists(news_weight) OR news_weight < :weight";
const NEWS: &str = "SET news_word = :news, news_weight = :weight, expires_at = if_not_exists(expires_at, :expires_at)";
const RECEIVED: &str = "SET was_received = :yes, expires_at = if_not_exists(expires_at, :expires_at)";

impl DynamoStore {
    pub(super) async fn track_fact(
        &self,
        id: &ProviderId,
        fact: &Fact,
        expires_at: UnixMillis,
    ) -> Result<Tracked, StoreError> {
        let mut values = vec![(":expires_at", expiry(expires_at))];
        let (only_if, update) = match fact {
            Fact::Ours(effect) => {
                values.push((":effect", text(effect.as_str())));
                (None, OURS)
            }
            Fact::News(news) => {
                values.extend([(":news", text(news.as_str())), (":weight", number(news.weight()))]);
                (Some(NEWS_IF), NEWS)
            }
            Fact::Received => {
                values.push((":yes", AttributeValue::Bool(true)));
                (None, RECEIVED)
            }
        };
        let track = Change { table: Table::Outbox, key: key(id), only_if, update, values };
        match self.change(track).await? {
            Written::Made(item) => tracked(&item),
            // Something as weighty or weightier is known; it is what counts.
            Written::Refused(old) => tracked(&old.unwrap_or_default()),
        }
    }

    pub(super) async fn read_tracked(&self, id: &ProviderId) -> Result<Tracked, StoreError> {
        let item = self.get(Table::Outbox, &key(id), None).await?;
        tracked(&item.unwrap_or_default())
    }
}

fn key(id: &ProviderId) -> String {
    format!("{PREFIX}{id}")
}

/// What was sent under the id of a row.
pub(in crate::dynamo) fn effect_of<'i>(row: &Row<'i>) -> Option<&'i str> {
    row.text_if_any("effect_key")
}

fn tracked(item: &Item) -> Result<Tracked, StoreError> {
    let row = Row::new(Table::Outbox, item);
    let news = row.has("news_word").then(|| row.parsed("news_word", DeliveryNews::parse)).transpose()?;
    Ok(Tracked { effect: effect_of(&row).map(EffectKey::from_stored), news, received: row.flag("was_received") })
}
