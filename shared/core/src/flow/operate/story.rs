//! Everything that is kept of a person or an order: whole, and as a time line.
//!
//! What belongs to whom is [`Forget`]'s answer, so that what is shown to somebody and what is erased for them are the same
//! rows. A row that cannot be read ends it: a part of a story would look like all of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    contact::{Contact, Contacts, OptOutFlag},
    erase::{Erasure, Place, Subject},
    flow::forget::{Forget, Found},
    ids::ShopDomain,
    notice::NoticeKey,
    outbox::Outbox,
    record::{Record, Records, Shelf},
    request::Requests,
    store::StoreError,
    time::UnixMillis,
};

/// Everything that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Of whom.
    pub found: Found,
    /// The rows, table by table.
    pub records: Vec<Record>,
    /// People without a contact's row of whom something is remembered since they were erased.
    pub remembered: Vec<Contact>,
}

impl Story {
    /// Whether nothing at all is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.remembered.is_empty()
    }

    /// How many rows of each table, tables without any left out.
    #[must_use]
    pub fn counts(&self) -> Vec<(Shelf, usize)> {
        let of = |shelf: Shelf| self.records.iter().filter(|record| record.shelf == shelf).count();
        Shelf::ALL.into_iter().map(|shelf| (shelf, of(shelf))).filter(|(_, count)| *count > 0).collect()
    }
}

/// Collects everything. `looked` hears how many rows were looked at.
///
/// # Errors
/// When a table does not answer, or a row of the person's cannot be read.
pub async fn collect<S>(
    store: &S,
    shop: &ShopDomain,
    subject: Subject,
    mut looked: impl FnMut(usize),
) -> Result<Story, StoreError>
where
    S: Records + Contacts + Requests + Outbox + Erasure,
{
    let forget = Forget { store, shop };
    let found = forget.find(subject, &mut looked).await?;
    let mut rows = Vec::new();
    let show = |place: Place, row: &crate::erase::KeptRow| {
        let state = row.body.clone().filter(|_| place == Place::Chats);
        rows.push((shelf(place), row.key.clone(), state));
    };
    forget.rows(&found, &mut looked, show).await?;
    let mut records = Vec::with_capacity(rows.len());
    for (shelf, key, state) in rows {
        // One that is gone since it was seen is nothing that is kept.
        if let Some(record) = store.record(shelf, &key).await? {
            records.push(readable(record, state)?);
        }
    }
    let mut remembered = Vec::new();
    for phone in &found.customers {
        match store.record(Shelf::Contacts, phone.expose()).await? {
            Some(record) => records.push(record),
            None => remembered.extend(store.contact(phone).await?),
        }
    }
    Ok(Story { found, records, remembered })
}

/// The table of a place.
#[must_use]
pub const fn shelf(place: Place) -> Shelf {
    match place {
        Place::Inbox => Shelf::Inbox,
        Place::Requests => Shelf::Requests,
        Place::Outbox => Shelf::Outbox,
        Place::Sessions => Shelf::Sessions,
        Place::Chats => Shelf::Chats,
        Place::Reviews => Shelf::Reviews,
        Place::Forms => Shelf::Forms,
    }
}

/// With a chat's packed state as what it says. What is packed and cannot be unpacked is an error.
fn readable(mut record: Record, state: Option<Vec<u8>>) -> Result<Record, StoreError> {
    if record.fields.contains_key("state_bytes") {
        let state = state.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
        let corrupt = StoreError::Corrupt { table: record.shelf.as_str(), what: "state_bytes" };
        record.fields.insert("state".to_owned(), state.ok_or(corrupt)?);
        record.fields.remove("state_bytes");
        record.fields.remove("state_form");
    }
    if record.text("body_bytes").is_some_and(|packed| !packed.is_empty()) {
        return Err(StoreError::Corrupt { table: record.shelf.as_str(), what: "body_bytes" });
    }
    Ok(record)
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When.
    pub at: UnixMillis,
    /// Which table says so.
    pub shelf: Shelf,
    /// Which row.
    pub key: String,
    /// What, in our words; nobody else's are in it.
    pub what: String,
}

/// What happened, in its order, as far as rows say when.
#[must_use]
pub fn timeline(records: &[Record]) -> Vec<Moment> {
    let moments = records.iter().flat_map(|record| {
        let happened = happened(record).into_iter();
        happened.map(|(at, what)| Moment { at, shelf: record.shelf, key: record.key.clone(), what })
    });
    let sorted: BTreeSet<Moment> = moments.collect();
    sorted.into_iter().collect()
}

fn happened(record: &Record) -> Vec<(UnixMillis, String)> {
    let word = |name: &str| record.text(name).unwrap_or("?");
    let also = |name: &str| record.text(name).map(|text| format!(" ({text})")).unwrap_or_default();
    let mut moments = Vec::new();
    let mut when = |name: &str, what: String| moments.extend(record.millis(name).map(|at| (at, what)));
    match record.shelf {
        Shelf::Inbox => {
            let source = record.key.split('#').next().unwrap_or_default();
            when("received_at_ms", format!("an event of {source} came in{}", also("topic_header")));
            when("ended_at_ms", format!("an event of {source} ended: {}{}", word("st"), also("outcome")));
        }
        Shelf::Requests => {
            when("created_at_ms", "the review request was planned".to_owned());
            when("fulfilled_at_ms", "the order was shipped".to_owned());
            if !record.fields.contains_key("ended_at_ms") {
                when("send_after_ms", "the review request is to be sent".to_owned());
            }
            when("ended_at_ms", format!("the review request ended: {}{}", word("st"), also("reason_code")));
            when("reviewed_at_ms", "a review came of the request".to_owned());
        }
        Shelf::Outbox if NoticeKey::parse(&record.key).is_some() => {
            when("opened_at_ms", format!("people had something to be told{}", also("notice_kind")));
            when("ended_at_ms", format!("telling people ended: {}{}", word("st"), also("told_over")));
        }
        Shelf::Outbox => {
            let what = record.key.split('#').next().unwrap_or_default();
            when("began_at_ms", format!("sending began: {what}"));
            let taken = record.text("message_id").map_or_else(|| word("st").to_owned(), |_| "accepted".to_owned());
            when("settled_at_ms", format!("the provider's answer: {what} {taken}{}", also("reason_code")));
            when("resolved_at_ms", format!("what became of it: {what} {}{}", word("st"), also("failure_kind")));
        }
        Shelf::Sessions => {
            for list in ["answers", "kept", "handed_back"] {
                let said = record.fields.get(list).and_then(Value::as_array).into_iter().flatten();
                let at = said.filter_map(|entry| entry.get("at_ms")?.as_i64());
                moments.extend(at.map(|at| (UnixMillis::new(at), "the person wrote in a chat".to_owned())));
            }
        }
        Shelf::Chats => {
            when("newest_at_ms", "the last message of a chat came in".to_owned());
            let state = record.fields.get("state").and_then(Value::as_object);
            moments.extend(state.into_iter().flat_map(answered));
        }
        Shelf::Reviews => {
            let stars = record.count("rating_stars").map(|stars| format!(" of {stars} stars")).unwrap_or_default();
            when("changed_at_ms", format!("a review{stars} was written or changed"));
        }
        Shelf::Forms => when("received_at_ms", "a form was filled in".to_owned()),
        Shelf::Contacts => {
            when("created_at_ms", "the contact was made".to_owned());
            when("cooldown_at_ms", "the person was last asked for a review".to_owned());
            when("not_textable_at_ms", format!("the number cannot get texts{}", also("not_textable")));
            when("flagged_at_ms", "a carrier filtered a text to the number".to_owned());
            for flag in OptOutFlag::ALL.map(OptOutFlag::as_str) {
                let proof = record.fields.get(&format!("{flag}_evidence"));
                let source = proof.and_then(|proof| proof.get("source")?.as_str()).unwrap_or("?");
                when(&format!("{flag}_at_ms"), format!("{flag}: {} by {source}", word(flag)));
            }
        }
        Shelf::Directory | Shelf::Limits => {}
    }
    moments
}

fn answered(state: &Map<String, Value>) -> Vec<(UnixMillis, String)> {
    let answers = state.get("answered_at_ms").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64);
    let handed_over = state.get("handed_over_at_ms").and_then(Value::as_i64);
    let answers = answers.map(|at| (at, "the assistant answered in a chat"));
    let all = answers.chain(handed_over.map(|at| (at, "the chat was handed over to people")));
    all.map(|(at, what)| (UnixMillis::new(at), what.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(shelf: Shelf, key: &str, fields: &Value) -> Record {
        Record { shelf, key: key.to_owned(), fields: fields.as_object().cloned().unwrap_or_default() }
    }

    #[test]
    fn a_time_line_is_in_the_order_of_what_happened_and_says_nothing_that_somebody_else_said() {
        let records = [
            record(
                Shelf::Requests,
                "shop.example#7",
                &json!({ "st": "sent", "created_at_ms": 20, "fulfilled_at_ms": 10, "send_after_ms": 30, "ended_at_ms": 31 }),
            ),
            record(
                Shelf::Sessions,
                "+61491570156#loc",
                &json!({ "answers": [{ "text": "call me", "at_ms": 25 }], "last_at_ms": 25 }),
            ),
            record(
                Shelf::Contacts,
                "+61491570156",
                &json!({
                    "global_unsubscribe": "out", "global_unsubscribe_at_ms": 40,
                    "global_unsubscribe_evidence": { "source": "manual", "reason": "she called" },
                }),
            ),
            record(Shelf::Chats, "chatwoot#1#2", &json!({ "state": { "answered_at_ms": [27] } })),
        ];
        let told: Vec<(i64, String)> = timeline(&records).into_iter().map(|m| (m.at.get(), m.what)).collect();
        let expected = [
            (10, "the order was shipped"),
            (20, "the review request was planned"),
            (25, "the person wrote in a chat"),
            (27, "the assistant answered in a chat"),
            (31, "the review request ended: sent"),
            (40, "global_unsubscribe: out by manual"),
        ];
        assert_eq!(told, expected.map(|(at, what)| (at, what.to_owned())));
    }

    #[test]
    fn what_is_packed_and_cannot_be_unpacked_is_an_error() {
        let chat = || record(Shelf::Chats, "c", &json!({ "state_bytes": "AAAA", "state_form": "deflate" }));
        assert!(matches!(readable(chat(), None), Err(StoreError::Corrupt { what: "state_bytes", .. })));
        let read = readable(chat(), Some(b"{\"disclosed\":true}".to_vec())).unwrap();
        assert_eq!(Value::Object(read.fields), json!({ "state": { "disclosed": true } }));
        let event = record(Shelf::Inbox, "podium#1", &json!({ "body_bytes": "AAAA" }));
        assert!(matches!(readable(event, None), Err(StoreError::Corrupt { what: "body_bytes", .. })));
        let emptied = record(Shelf::Inbox, "podium#1", &json!({ "body_bytes": "" }));
        assert!(readable(emptied, None).is_ok());
    }
}
