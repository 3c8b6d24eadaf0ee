//! Events.

mod accept;
mod reopen;

use frontdesk_core::{
    body::StoredBody,
    ids::{GroupId, Shard},
    inbox::{Accepted, Attempt, EventEnd, Inbox, InboxClaim, InboxKey, InboxStatus, LeasedEvent, NewEvent, WaitingRow},
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Item, Row, bytes, millis, number, text},
    write::{Change, Index, Written},
};

/// Held by one at a time. The owner's own repeated claim is not a new attempt, so it is not let through here.
const CLAIM_IF: &str = "st = :waiting OR (st = :claimed AND lease_until_ms <= :now_ms AND owner_token <> :me)";
const CLAIM: &str = "SET st = :claimed, owner_token = :me, lease_until_ms = :until_ms, attempts = attempts + :one";

/// Only who holds the row writes it. A lease that ran out and that nobody took over still holds.
const HELD: &str = "st = :claimed AND owner_token = :me";
const RENEW: &str = "SET lease_until_ms = :until_ms";
const FINISH: &str =
    "SET st = :end, outcome = :outcome, ended_at_ms = :now_ms REMOVE lease_until_ms, waiting_shard, waiting_since_ms";
/// The same, and what it said is forgotten with it.
const FINISH_AND_FORGET: &str = "SET st = :end, outcome = :outcome, ended_at_ms = :now_ms, body_form = :plain, \
     body_bytes = :nothing REMOVE lease_until_ms, waiting_shard, waiting_since_ms, group_id";
/// A parked row does not expire: a person has yet to look at it.
const PARK: &str = "SET st = :end, outcome = :outcome, ended_at_ms = :now_ms \
     REMOVE lease_until_ms, waiting_shard, waiting_since_ms, expires_at";
/// The count of attempts is how a poisonous event is found out; one that failed for another's fault is taken back.
const RELEASE: &str = "SET st = :waiting, last_write = :call, attempts = attempts - :forgiven REMOVE lease_until_ms";

const PUT_OFF: &str = "SET st = :waiting, last_write = :call, attempts = attempts - :forgiven, waiting_since_ms = :since_ms \
     REMOVE lease_until_ms";

/// Of several sweepers that saw the row at the same place only one moves it on; an ended row stands nowhere.
const REQUEUE_IF: &str = "waiting_since_ms = :since_ms";
const REQUEUE: &str = "SET waiting_since_ms = :now_ms, last_write = :call";

const WAITING: Index = Index {
    table: Table::Inbox,
    name: "waiting",
    condition: "waiting_shard = :shard AND waiting_since_ms <= :upto_ms",
};

impl Inbox for DynamoStore {
    async fn accept(&self, event: &NewEvent) -> Result<Accepted, StoreError> {
        self.accept_event(event).await
    }

    async fn claim(&self, key: &InboxKey, lease: &Lease) -> Result<InboxClaim, StoreError> {
        let claim = Change {
            table: Table::Inbox,
            key: key.to_key(),
            only_if: Some(CLAIM_IF),
            update: CLAIM,
            values: vec![
                (":waiting", text(InboxStatus::Waiting.as_str())),
                (":claimed", text(InboxStatus::Claimed.as_str())),
                (":me", text(lease.owner.as_str())),
                (":now_ms", millis(lease.now)),
                (":until_ms", millis(lease.until)),
                (":one", number(1)),
            ],
        };
        match self.change(claim).await? {
            Written::Made(item) => acquired(key, &item),
            Written::Refused(None) => Ok(InboxClaim::Missing),
            Written::Refused(Some(item)) => {
                let row = Row::new(Table::Inbox, &item);
                if status(&row)? != InboxStatus::Claimed || !row.is_of(&lease.owner) {
                    return standing(&row, lease);
                }
                if row.millis("lease_until_ms")? == lease.until {
                    return acquired(key, &item);
                }
                self.renew(key, lease).await
            }
        }
    }

    async fn finish(&self, key: &InboxKey, lease: &Lease, end: &EventEnd) -> Result<Fenced, StoreError> {
        match self.change(finish(key, lease, end)).await? {
            Written::Made(_) => Ok(Fenced::Written),
            Written::Refused(old) => Ok(if ended_by(old.as_ref(), lease)? { Fenced::Written } else { Fenced::Lost }),
        }
    }

    async fn release(&self, key: &InboxKey, lease: &Lease, attempt: Attempt) -> Result<Fenced, StoreError> {
        let call = self.ids.draw();
        let mut values = vec![
            (":claimed", text(InboxStatus::Claimed.as_str())),
            (":waiting", text(InboxStatus::Waiting.as_str())),
            (":me", text(lease.owner.as_str())),
            (":call", text(call.as_str())),
        ];
        let (update, forgiven) = match attempt {
            Attempt::Counts => (RELEASE, 0),
            Attempt::Forgiven => (RELEASE, 1),
            Attempt::PutOff { since } => {
                values.push((":since_ms", millis(since)));
                (PUT_OFF, 1)
            }
        };
        values.push((":forgiven", number(forgiven)));
        let release = Change { table: Table::Inbox, key: key.to_key(), only_if: Some(HELD), update, values };
        self.change(release).await.map(|written| written.fenced(&call))
    }

    async fn waiting(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<WaitingRow>, StoreError> {
        let items = self.page(&WAITING, shard, before, limit).await?;
        let read = items.iter().filter_map(|item| {
            let row = Row::new(Table::Inbox, item);
            // A source that only a newer version knows is that version's to sweep; it must not stop this one.
            let key = InboxKey::parse(row.text_if_any("pk")?)?;
            let group = row.text_if_any("group_id").map(GroupId::from_stored);
            Some(WaitingRow { key, since: row.millis_if_any("waiting_since_ms")?, group })
        });
        Ok(read.collect())
    }

    async fn requeue(&self, row: &WaitingRow, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        let call = self.ids.draw();
        let requeue = Change {
            table: Table::Inbox,
            key: row.key.to_key(),
            only_if: Some(REQUEUE_IF),
            update: REQUEUE,
            values: vec![(":since_ms", millis(row.since)), (":now_ms", millis(now)), (":call", text(call.as_str()))],
        };
        let written = self.change(requeue).await?;
        if !written.made_by(&call) {
            return Ok(None);
        }
        // A row written by hand may not say it.
        let received_at = written.row().and_then(|item| Row::new(Table::Inbox, item).millis_if_any("received_at_ms"));
        Ok(Some(received_at.unwrap_or(row.since)))
    }
}

impl DynamoStore {
    /// A repeated claim with a later end.
    async fn renew(&self, key: &InboxKey, lease: &Lease) -> Result<InboxClaim, StoreError> {
        let renew = Change {
            table: Table::Inbox,
            key: key.to_key(),
            only_if: Some(HELD),
            update: RENEW,
            values: vec![
                (":claimed", text(InboxStatus::Claimed.as_str())),
                (":me", text(lease.owner.as_str())),
                (":until_ms", millis(lease.until)),
            ],
        };
        match self.change(renew).await? {
            Written::Made(item) => acquired(key, &item),
            Written::Refused(None) => Ok(InboxClaim::Missing),
            Written::Refused(Some(item)) => standing(&Row::new(Table::Inbox, &item), lease),
        }
    }
}

/// The end of an event, alone or as a part of a transaction.
pub(super) fn finish(key: &InboxKey, lease: &Lease, end: &EventEnd) -> Change {
    let (update, status, outcome) = match end {
        EventEnd::Done(word) => (FINISH, InboxStatus::Done, (*word).to_owned()),
        EventEnd::Erased(word) => (FINISH_AND_FORGET, InboxStatus::Done, (*word).to_owned()),
        EventEnd::Rejected(reason) => (FINISH, InboxStatus::Rejected, reason.describe()),
        EventEnd::Parked(reason) => (PARK, InboxStatus::Parked, reason.describe()),
    };
    let mut values = vec![
        (":claimed", text(InboxStatus::Claimed.as_str())),
        (":me", text(lease.owner.as_str())),
        (":end", text(status.as_str())),
        (":outcome", text(outcome)),
        (":now_ms", millis(lease.now)),
    ];
    if let EventEnd::Erased(_) = end {
        values.extend([(":plain", text(PLAIN)), (":nothing", bytes(Vec::new()))]);
    }
    Change { table: Table::Inbox, key: key.to_key(), only_if: Some(HELD), update, values }
}

/// Whether the row ended, and by this lease's owner: then it was our own write, whose answer was lost.
pub(super) fn ended_by(old: Option<&Item>, lease: &Lease) -> Result<bool, StoreError> {
    let Some(old) = old else { return Ok(false) };
    let row = Row::new(Table::Inbox, old);
    Ok(row.is_of(&lease.owner) && is_end(status(&row)?))
}

const fn is_end(status: InboxStatus) -> bool {
    match status {
        InboxStatus::Waiting | InboxStatus::Claimed => false,
        InboxStatus::Done | InboxStatus::Rejected | InboxStatus::Parked | InboxStatus::Mismatch => true,
    }
}

fn status(row: &Row<'_>) -> Result<InboxStatus, StoreError> {
    row.parsed("st", InboxStatus::parse)
}

/// Why a row cannot be claimed.
fn standing(row: &Row<'_>, lease: &Lease) -> Result<InboxClaim, StoreError> {
    match status(row)? {
        // Given back between our two looks; it is somebody's at the next message.
        InboxStatus::Waiting => Ok(InboxClaim::Busy { until: lease.now }),
        InboxStatus::Claimed => Ok(InboxClaim::Busy { until: row.millis("lease_until_ms")? }),
        ended @ (InboxStatus::Done | InboxStatus::Rejected | InboxStatus::Parked | InboxStatus::Mismatch) => {
            Ok(InboxClaim::Ended(ended))
        }
    }
}

fn acquired(key: &InboxKey, item: &Item) -> Result<InboxClaim, StoreError> {
    let row = Row::new(Table::Inbox, item);
    let body = row.bytes("body_bytes")?;
    let event = LeasedEvent {
        key: key.clone(),
        body: row.parsed("body_form", |form| match form {
            PLAIN => Some(StoredBody::Plain(body)),
            DEFLATE => Some(StoredBody::Deflate(body)),
            _ => None,
        })?,
        received_at: row.millis("received_at_ms")?,
        attempts: row.count("attempts")?,
        reopened_at: row.millis_if_any("replayed_at_ms"),
        anew: row.count_or_none("anew")?,
    };
    Ok(InboxClaim::Acquired(Box::new(event)))
}

pub(super) const PLAIN: &str = "plain";
pub(super) const DEFLATE: &str = "deflate";
