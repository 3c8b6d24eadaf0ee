//! Taking an event in: its row, and with it what it says about opt-outs.

use frontdesk_core::{
    body::StoredBody,
    contact::{Contacts, Direction, OptOutChange},
    ids::short_hash,
    inbox::{Accepted, InboxStatus, NewEvent},
    store::StoreError,
    time::UnixMillis,
};

use super::{DEFLATE, PLAIN};
use crate::dynamo::{
    DynamoStore, Table, contacts,
    row::{Item, Row, bytes, expiry, millis, number, past_second, text},
    write::{NewRow, Transacted, Written},
};

/// An id is taken once in its row's life. The expiry is compared, since DynamoDB deletes days late.
const ACCEPT_IF: &str = "attribute_not_exists(pk) OR expires_at <= :now_s";

/// A transaction holds a hundred writes. An event that changes more contacts than this has its changes written before it,
/// each alone.
const TOGETHER_MAX: usize = 90;

/// Changes of an event, each with its place there.
type Changes<'e> = Vec<(usize, &'e OptOutChange)>;

impl DynamoStore {
    pub(super) async fn accept_event(&self, event: &NewEvent) -> Result<Accepted, StoreError> {
        let (mut together, before) = split(&event.opt_outs);
        for (_, change) in before {
            self.record_opt_out(change).await?;
        }
        while !together.is_empty() {
            let mut parts = vec![self.put_part(put(event_row(event), event.received_at))?];
            for (_, change) in &together {
                // The receipt is this call's name on the contact too: what is asked for is the same at each repetition.
                parts.push(self.part(contacts::opt_out_change(change, &event.receipt))?);
            }
            let refused = match self.transact(Table::Inbox, Some(token(event, &together)), parts).await? {
                Transacted::Made => return Ok(Accepted::Stored),
                Transacted::Refused(refused) => refused,
            };
            if let Some(Some(known)) = refused.first() {
                return self.known_event(event, known).await;
            }
            // Superseded changes do not stand in the event's way. At least one is, so this comes to an end.
            let contacts = refused.into_iter().skip(1);
            together = together.into_iter().zip(contacts).filter(|(_, old)| old.is_none()).map(|(c, _)| c).collect();
        }
        match self.put(put(event_row(event), event.received_at)).await? {
            Written::Made(_) => Ok(Accepted::Stored),
            Written::Refused(known) => self.known_event(event, &known.unwrap_or_default()).await,
        }
    }

    /// What an event is whose id is there already.
    async fn known_event(&self, event: &NewEvent, known: &Item) -> Result<Accepted, StoreError> {
        let known = Row::new(Table::Inbox, known);
        if known.text("receipt")? == event.receipt {
            return Ok(Accepted::Stored);
        }
        if known.text("body_sha256")? == event.body_sha256.as_str() {
            return Ok(Accepted::Duplicate);
        }
        for change in event.opt_outs.iter().filter(|change| change.direction == Direction::Out) {
            self.record_opt_out(change).await?;
        }
        // Kept once for people; that it is there already is as good.
        self.put(put(mismatch_row(event), event.received_at)).await?;
        Ok(Accepted::Mismatch)
    }
}

/// The changes that go into one transaction with the event, and those that are written before it: a transaction touches a
/// row once, so of each contact's changes only the first is in it.
fn split(changes: &[OptOutChange]) -> (Changes<'_>, Changes<'_>) {
    let numbered = || changes.iter().enumerate();
    let first = |(n, change): &(usize, &OptOutChange)| changes.iter().position(|c| c.phone == change.phone) == Some(*n);
    let (together, before): (Changes<'_>, Changes<'_>) = numbered().partition(first);
    if together.len() > TOGETHER_MAX { (Vec::new(), numbered().collect()) } else { (together, before) }
}

/// Names a transaction. It holds which changes are in it: DynamoDB refuses another content under a known name.
fn token(event: &NewEvent, together: &Changes<'_>) -> String {
    let places: Vec<String> = together.iter().map(|(place, _)| place.to_string()).collect();
    short_hash(&format!("{}#{}", event.receipt, places.join(",")))
}

fn put(item: Item, now: UnixMillis) -> NewRow {
    NewRow { table: Table::Inbox, item, only_if: ACCEPT_IF, values: vec![(":now_s", past_second(now))] }
}

fn event_row(event: &NewEvent) -> Item {
    let mut item = common_row(event, event.key.to_key());
    match &event.rejected {
        None => {
            item.insert("st".into(), text(InboxStatus::Waiting.as_str()));
            item.insert("waiting_shard".into(), text(event.key.shard().to_key()));
            item.insert("waiting_since_ms".into(), millis(event.received_at));
            if let Some(group) = &event.group {
                item.insert("group_id".into(), text(group.as_str()));
            }
        }
        Some(reason) => {
            item.insert("st".into(), text(InboxStatus::Rejected.as_str()));
            item.insert("outcome".into(), text(reason.describe()));
            item.insert("ended_at_ms".into(), millis(event.received_at));
        }
    }
    item
}

/// A second body under a known id. It stands in no index: nobody works on it.
fn mismatch_row(event: &NewEvent) -> Item {
    let mut item = common_row(event, event.key.mismatch_key(&event.body_sha256));
    item.insert("st".into(), text(InboxStatus::Mismatch.as_str()));
    item.insert("ended_at_ms".into(), millis(event.received_at));
    item
}

fn common_row(event: &NewEvent, key: String) -> Item {
    let (form, body) = match &event.body {
        StoredBody::Plain(body) => (PLAIN, body),
        StoredBody::Deflate(body) => (DEFLATE, body),
    };
    let mut item = Item::with_capacity(15);
    item.insert("pk".into(), text(key));
    item.insert("body_form".into(), text(form));
    item.insert("body_bytes".into(), bytes(body.clone()));
    item.insert("body_sha256".into(), text(event.body_sha256.as_str()));
    item.insert("received_at_ms".into(), millis(event.received_at));
    item.insert("expires_at".into(), expiry(event.expires_at));
    item.insert("receipt".into(), text(event.receipt.as_str()));
    item.insert("attempts".into(), number(0));
    if let Some(topic) = &event.topic {
        item.insert("topic_header".into(), text(topic.as_str()));
    }
    item
}
