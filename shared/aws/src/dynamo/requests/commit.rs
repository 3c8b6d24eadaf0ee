//! The end of an event and what it changes, in one transaction.

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    eligibility::Inputs,
    flow::promote::attention,
    ids::{OrderKey, Shard},
    inbox::{EventEnd, InboxKey},
    request::{Committed, NewRequest, RequestChange, RequestStatus},
    review::SkipReason,
    store::{Lease, StoreError},
    time::UnixMillis,
};

use super::{change, ended, rank};
use crate::dynamo::{
    DynamoStore, Table, inbox,
    row::{Item, expiry, millis, number, text},
    write::{Change, NewRow, Transacted},
};

/// An order has one request in its row's life; one that is there, ended or not, admits no second.
const SCHEDULE_IF: &str = "attribute_not_exists(pk)";

/// A webhook ends a request only before its sender has begun. Without a row the reason itself is put on record.
const SKIP_IF: &str = "attribute_not_exists(pk) OR st IN (:scheduled, :queued)";
macro_rules! skip {
    ($more:literal) => {
        concat!(
            "SET st = :status, st_rank = :ended, reason_code = :reason, ended_at_ms = :at_ms, \
             created_at_ms = if_not_exists(created_at_ms, :at_ms), expires_at = if_not_exists(expires_at, :expires_at)",
            $more,
            " REMOVE lease_until_ms, due_shard, due_at_ms"
        )
    };
}
const SKIP: &str = skip!("");
/// The same with what was known of the order then.
const SKIP_SEEN: &str = skip!(", eligibility = :inputs");

/// Never earlier than it stands, and only before its sender has begun.
const DEFER_IF: &str =
    "st IN (:scheduled, :queued) AND send_after_ms < :until_ms AND first_send_after_ms >= :planned_from_ms";
const DEFER: &str = "SET send_after_ms = :until_ms, due_at_ms = :due_ms";

/// Earlier or later, and only before its sender has begun. When it was first planned for stays: it limits every delay.
const RETIME_IF: &str = "st IN (:scheduled, :queued)";
const RETIME: &str = "SET send_after_ms = :at_ms, due_at_ms = :due_ms";

impl DynamoStore {
    pub(super) async fn commit_both(
        &self,
        event: &InboxKey,
        lease: &Lease,
        end: &EventEnd,
        wanted: &RequestChange,
    ) -> Result<Committed, StoreError> {
        let request = match wanted {
            RequestChange::Schedule(new) => self.put_part(schedule(new)),
            RequestChange::Skip { key, reason, at, expires_at, inputs } => {
                self.part(skip(key, *reason, (*at, *expires_at), inputs.as_ref()))
            }
            RequestChange::Defer { key, until, planned_from } => self.part(defer(key, *until, *planned_from)),
            RequestChange::Retime { key, send_after } => self.part(retime(key, *send_after)),
        };
        let parts = vec![self.part(inbox::finish(event, lease, end))?, request?];
        match self.transact(Table::Requests, None, parts).await? {
            Transacted::Made => Ok(Committed::Written),
            Transacted::Refused(refused) => match refused.into_iter().next().flatten() {
                Some(event) => {
                    let ours = inbox::ended_by(Some(&event).filter(|row| !row.is_empty()), lease)?;
                    Ok(if ours { Committed::Written } else { Committed::LeaseLost })
                }
                None => Ok(Committed::Refused),
            },
        }
    }
}

fn schedule(new: &NewRequest) -> NewRow {
    NewRow { table: Table::Requests, item: scheduled_row(new), only_if: SCHEDULE_IF, values: Vec::new() }
}

fn skip(
    key: &OrderKey,
    reason: SkipReason,
    (at, expires_at): (UnixMillis, UnixMillis),
    inputs: Option<&Inputs>,
) -> Change {
    let mut values = Vec::from(open());
    values.extend([
        (":status", text(RequestStatus::Skipped.as_str())),
        (":ended", ended()),
        (":reason", text(reason.as_str())),
        (":at_ms", millis(at)),
        (":expires_at", expiry(expires_at)),
    ]);
    values.extend(inputs.map(|inputs| (":inputs", text(inputs.to_json()))));
    change(key, SKIP_IF, if inputs.is_some() { SKIP_SEEN } else { SKIP }, values)
}

fn defer(key: &OrderKey, until: UnixMillis, planned_from: UnixMillis) -> Change {
    let mut values = Vec::from(open());
    values.extend([
        (":until_ms", millis(until)),
        (":due_ms", millis(attention(until))),
        (":planned_from_ms", millis(planned_from)),
    ]);
    change(key, DEFER_IF, DEFER, values)
}

fn retime(key: &OrderKey, send_after: UnixMillis) -> Change {
    let mut values = Vec::from(open());
    values.extend([(":at_ms", millis(send_after)), (":due_ms", millis(attention(send_after)))]);
    change(key, RETIME_IF, RETIME, values)
}

/// The states in which a webhook may still change a request.
fn open() -> [(&'static str, AttributeValue); 2] {
    [(":scheduled", text(RequestStatus::Scheduled.as_str())), (":queued", text(RequestStatus::Queued.as_str()))]
}

fn scheduled_row(new: &NewRequest) -> Item {
    let (key, plan) = (new.key.to_key(), &new.plan);
    let zones = plan.zones.iter().map(|zone| text(zone.as_str())).collect();
    let mut item = Item::with_capacity(18);
    item.insert("due_shard".into(), text(Shard::of(&key).to_key()));
    item.insert("pk".into(), text(key));
    item.insert("st".into(), text(RequestStatus::Scheduled.as_str()));
    item.insert("st_rank".into(), number(rank(RequestStatus::Scheduled)));
    item.insert("phone_e164".into(), text(plan.phone.expose()));
    item.insert("location_uid".into(), text(plan.location.as_str()));
    item.insert("fulfilled_at_ms".into(), millis(plan.fulfilled_at));
    item.insert("first_send_after_ms".into(), millis(plan.send_after));
    item.insert("send_after_ms".into(), millis(plan.send_after));
    item.insert("due_at_ms".into(), millis(attention(plan.send_after)));
    item.insert("zone_names".into(), AttributeValue::L(zones));
    item.insert("attempts".into(), number(0));
    item.insert("eligibility".into(), text(new.inputs.to_json()));
    item.insert("created_at_ms".into(), millis(new.at));
    item.insert("expires_at".into(), expiry(new.expires_at));
    if let Some(name) = &plan.first_name {
        item.insert("first_name".into(), text(name.as_str()));
    }
    item
}
