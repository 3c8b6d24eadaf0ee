//! Taking an event in: its row, and with it what it says about opt-outs, and that it is its chat's newest.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use frontdesk_core::{
    body::StoredBody,
    contact::{Contacts, Direction, OptOutChange},
    inbox::{Accepted, InboxStatus, NewEvent},
    store::StoreError,
    time::UnixMillis,
};

use super::{DEFLATE, PLAIN};
use crate::dynamo::{
    DynamoStore, Table,
    chats::Mark,
    contacts::{OPT_OUT_TRIES, OptOutBegin, OptOutWrite, changing, opt_out_begin, opt_out_write},
    row::{Item, Row, bytes, expiry, millis, number, past_second, text},
    write::{NewRow, Transacted, Written},
};

/// An id is taken once in its row's life. The expiry is compared, since DynamoDB deletes days late.
const ACCEPT_IF: &str = "attribute_not_exists(pk) OR expires_at <= :now_s";

/// A transaction holds a hundred parts, and a new contact takes two. An event that changes more contacts than this has its
/// changes written before it, each alone.
const TOGETHER_MAX: usize = 45;

impl DynamoStore {
    pub(super) async fn accept_event(&self, event: &NewEvent) -> Result<Accepted, StoreError> {
        let (together, before) = split(&event.opt_outs);
        for change in before {
            self.record_opt_out(change).await?;
        }
        let mut mark = Mark::Only;
        for attempt in 0..OPT_OUT_TRIES {
            self.step_aside(attempt).await;
            let marked = mark.change(event).map(|change| self.part(change)).transpose()?;
            let has_mark = marked.is_some();
            let mut writes = Vec::from_iter(marked);
            for change in &together {
                writes.extend(self.opt_out_parts(change, &event.receipt).await?);
            }
            let put = put(event_row(event), event.received_at);
            if writes.is_empty() {
                return match self.put(put).await? {
                    Written::Made(_) => Ok(Accepted::Stored),
                    Written::Refused(known) => self.known_event(event, &known.unwrap_or_default()).await,
                };
            }
            writes.insert(0, self.put_part(put)?);
            // Each try is another transaction; the name is for the client's own repetitions of it.
            let token = self.ids.draw();
            match self.transact(Table::Inbox, Some(token), writes).await? {
                Transacted::Made => return Ok(Accepted::Stored),
                Transacted::Refused(refused) => {
                    if let Some(Some(known)) = refused.first() {
                        return self.known_event(event, known).await;
                    }
                    if let Some(Some(chat)) = refused.get(1).filter(|_| has_mark) {
                        mark = Mark::after_refusal(event, chat);
                    }
                    // Or a contact changed since it was read.
                }
            }
        }
        Err(changing())
    }

    /// What a change writes together with its event: nothing if it is superseded, for that does not stand in the event's way.
    async fn opt_out_parts(&self, change: &OptOutChange, call: &str) -> Result<Vec<TransactWriteItem>, StoreError> {
        if let Some(known) = self.get(Table::Contacts, change.phone.expose(), None).await? {
            return match opt_out_write(&known, change, call) {
                OptOutWrite::Write(write, _) => Ok(vec![self.part(*write)?]),
                OptOutWrite::Nothing(_) => Ok(Vec::new()),
            };
        }
        let remembered = self.remembered(&change.phone).await?;
        match opt_out_begin(remembered.row(), change, call) {
            OptOutBegin::Row(row, _) => self.first_row(&change.phone, &remembered, *row).map(Vec::from),
            OptOutBegin::Nothing(_) => Ok(Vec::new()),
        }
    }

    /// What an event is whose id is there already.
    async fn known_event(&self, event: &NewEvent, known: &Item) -> Result<Accepted, StoreError> {
        let known = Row::new(Table::Inbox, known);
        if known.text("receipt")? == event.receipt {
            return Ok(Accepted::Stored);
        }
        let same_body = known.text("body_sha256")? == event.body_sha256.as_str();
        if !same_body || event.key.event.is_of_body() {
            for change in event.opt_outs.iter().filter(|change| change.direction == Direction::Out) {
                self.record_opt_out(change).await?;
            }
        }
        if same_body {
            return Ok(Accepted::Duplicate);
        }
        // Kept once for people; that it is there already is as good.
        self.put(put(mismatch_row(event), event.received_at)).await?;
        Ok(Accepted::Mismatch)
    }
}

/// The changes that go into one transaction with the event, and those that are written before it: a transaction touches a
/// row once, so of each contact's changes only the first is in it. Of the others only an "out" is written before it is
/// known whether the event counts at all; an "in" is left to the event's worker.
fn split(changes: &[OptOutChange]) -> (Vec<&OptOutChange>, Vec<&OptOutChange>) {
    let mut met = BTreeSet::new();
    let (together, rest): (Vec<_>, Vec<_>) = if changes.len() > TOGETHER_MAX {
        (Vec::new(), changes.iter().collect())
    } else {
        changes.iter().partition(|change| met.insert(&change.phone))
    };
    (together, rest.into_iter().filter(|change| change.direction == Direction::Out).collect())
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
