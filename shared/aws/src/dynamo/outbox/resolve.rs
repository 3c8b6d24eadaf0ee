//! What became of a send that a provider took, and what that means for the cooldown.

use aws_sdk_dynamodb::types::TransactWriteItem;
use frontdesk_core::{
    ids::EffectKey,
    outbox::{DeliveryNews, OutboxState, Resolved},
    phone::E164Phone,
    store::StoreError,
    time::UnixMillis,
};

use super::{ACCEPTED, DELIVERED, UNDELIVERED, change, phone, state};
use crate::dynamo::{
    DynamoStore, Table, contacts,
    row::{Item, Row, millis, number, text},
    write::{Change, Transacted},
};

/// Only over the very row that the decision was made on.
const FIRST_NEWS_IF: &str = "st = :seen AND attribute_not_exists(news_weight)";
const NEXT_NEWS_IF: &str = "st = :seen AND news_weight = :seen_weight";
/// Handed on is not yet arrived: it stays in `unresolved`.
const SENT: &str = "SET news_weight = :weight, last_write = :call";
const DELIVER: &str = "SET st = :state, news_weight = :weight, resolved_at_ms = :now_ms, last_write = :call \
     REMOVE unresolved_shard, since_ms, failure_kind";
const FAIL: &str = "SET st = :state, news_weight = :weight, failure_kind = :kind, resolved_at_ms = :now_ms, \
     last_write = :call REMOVE unresolved_shard, since_ms";

/// A failure frees the cooldown that its send set, never a later one.
const FREE_IF: &str = "cooldown_holder = :intent";
const FREE: &str = "REMOVE cooldown_at_ms, cooldown_holder";
/// What arrived after all takes it back, if nobody else has it.
const TAKE_BACK_IF: &str = "attribute_exists(pk) AND attribute_not_exists(cooldown_at_ms)";
const TAKE_BACK: &str = "SET cooldown_at_ms = :at_ms, cooldown_holder = :intent";

/// How often the rows may change under a decision before that is trouble.
const TRIES: u8 = 8;

/// A send that was taken, as it was read.
struct Taken {
    state: OutboxState,
    word: &'static str,
    weight: Option<u8>,
    phone: Option<E164Phone>,
    settled_at: Option<UnixMillis>,
}

impl DynamoStore {
    pub(super) async fn resolve_send(
        &self,
        key: &EffectKey,
        news: DeliveryNews,
        now: UnixMillis,
    ) -> Result<Option<Resolved>, StoreError> {
        for tried in 0..TRIES {
            self.step_aside(tried).await;
            let Some(item) = self.get(Table::Outbox, key.as_str(), None).await? else { return Ok(None) };
            let taken = match taken(&item)? {
                Ok(taken) => taken,
                Err(unchanged) => return Ok(Some(unchanged)),
            };
            if taken.weight.is_some_and(|known| known >= news.weight()) {
                return Ok(Some(Resolved { state: taken.state, phone: taken.phone, changed: false }));
            }
            if self.write_news(key, news, now, &taken).await? {
                let state = after(&taken.state, news);
                return Ok(Some(Resolved { state, phone: taken.phone, changed: true }));
            }
            // One of the two rows changed since it was read.
        }
        Err(Table::Outbox.unavailable("a send changed at every try to say what became of it".to_owned()))
    }

    async fn write_news(
        &self,
        key: &EffectKey,
        news: DeliveryNews,
        now: UnixMillis,
        taken: &Taken,
    ) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        let outcome = outcome(key, news, now, taken, &call);
        let cooldown = self.cooldown_after(key, news, now, taken).await?;
        if cooldown.is_empty() {
            return self.change(outcome).await.map(|written| written.made_by(&call));
        }
        let parts = [self.part(outcome)?].into_iter().chain(cooldown).collect();
        Ok(matches!(self.transact(Table::Outbox, None, parts).await?, Transacted::Made))
    }

    /// What news of a send mean for the cooldown of whom it went to; often nothing.
    async fn cooldown_after(
        &self,
        key: &EffectKey,
        news: DeliveryNews,
        now: UnixMillis,
        taken: &Taken,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let Some(phone) = taken.phone.as_ref().filter(|_| key.requested_order().is_some()) else {
            return Ok(Vec::new());
        };
        let failed_before = matches!(taken.state, OutboxState::Undelivered { .. });
        match news {
            DeliveryNews::Failed(_) => self.free_cooldown(key, phone).await,
            DeliveryNews::Delivered if failed_before => {
                self.take_cooldown_back(key, phone, taken.settled_at.unwrap_or(now)).await
            }
            DeliveryNews::Delivered | DeliveryNews::Sent => Ok(Vec::new()),
        }
    }

    pub(super) async fn free_cooldown(
        &self,
        key: &EffectKey,
        phone: &E164Phone,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let Some(contact) = self.get(Table::Contacts, phone.expose(), None).await? else { return Ok(Vec::new()) };
        if Row::new(Table::Contacts, &contact).text_if_any("cooldown_holder") != Some(key.as_str()) {
            return Ok(Vec::new());
        }
        let values = vec![(":intent", text(key.as_str()))];
        Ok(vec![self.part(contacts::change(phone, Some(FREE_IF), FREE, values))?])
    }

    async fn take_cooldown_back(
        &self,
        key: &EffectKey,
        phone: &E164Phone,
        at: UnixMillis,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let has_one = |item: &Item| Row::new(Table::Contacts, item).has("cooldown_at_ms");
        if let Some(contact) = self.get(Table::Contacts, phone.expose(), None).await? {
            if has_one(&contact) {
                return Ok(Vec::new());
            }
            let values = vec![(":intent", text(key.as_str())), (":at_ms", millis(at))];
            return Ok(vec![self.part(contacts::change(phone, Some(TAKE_BACK_IF), TAKE_BACK, values))?]);
        }
        // Somebody who is being erased: the erasure's second round finds the row and remembers the time.
        let remembered = self.remembered(phone).await?;
        let mut row = remembered.row();
        if has_one(&row) {
            return Ok(Vec::new());
        }
        row.insert("cooldown_at_ms".to_owned(), millis(at));
        row.insert("cooldown_holder".to_owned(), text(key.as_str()));
        self.first_row(phone, &remembered, row).map(Vec::from)
    }
}

fn outcome(key: &EffectKey, news: DeliveryNews, now: UnixMillis, taken: &Taken, call: &str) -> Change {
    let mut values = vec![(":seen", text(taken.word)), (":weight", number(news.weight())), (":call", text(call))];
    let update = match news {
        DeliveryNews::Sent => SENT,
        DeliveryNews::Delivered => {
            values.extend([(":state", text(DELIVERED)), (":now_ms", millis(now))]);
            DELIVER
        }
        DeliveryNews::Failed(kind) => {
            values.extend([(":state", text(UNDELIVERED)), (":kind", text(kind.as_str())), (":now_ms", millis(now))]);
            FAIL
        }
    };
    let only_if = match taken.weight {
        Some(weight) => {
            values.push((":seen_weight", number(weight)));
            NEXT_NEWS_IF
        }
        None => FIRST_NEWS_IF,
    };
    change(key, Some(only_if), update, values)
}

/// Where a send stands after news that count.
fn after(state: &OutboxState, news: DeliveryNews) -> OutboxState {
    let (OutboxState::Accepted { message }
    | OutboxState::Delivered { message }
    | OutboxState::Undelivered { message, .. }) = state
    else {
        return state.clone();
    };
    let message = message.clone();
    match news {
        DeliveryNews::Sent => state.clone(),
        DeliveryNews::Delivered => OutboxState::Delivered { message },
        DeliveryNews::Failed(kind) => OutboxState::Undelivered { message, kind },
    }
}

/// A send that a provider took; `Err`: no news can be of it (yet).
fn taken(item: &Item) -> Result<Result<Taken, Resolved>, StoreError> {
    let row = Row::new(Table::Outbox, item);
    let (state, phone) = (state(&row)?, phone(&row)?);
    let word = match &state {
        OutboxState::Accepted { .. } => ACCEPTED,
        OutboxState::Delivered { .. } => DELIVERED,
        OutboxState::Undelivered { .. } => UNDELIVERED,
        OutboxState::Pending { .. } | OutboxState::Sending(_) | OutboxState::Failed { .. } | OutboxState::Unknown => {
            return Ok(Err(Resolved { state, phone, changed: false }));
        }
    };
    let weight = row.has("news_weight").then(|| row.count("news_weight")).transpose()?;
    Ok(Ok(Taken { state, word, weight, phone, settled_at: row.millis_if_any("settled_at_ms") }))
}
