//! Sends that a customer notices, what became of them, and the ids by which the two are brought together.
//!
//! Three kinds of rows are in this table: a send under its effect's key, an id of a provider's under `message#<id>`, and a
//! notice under its own key. A send stands in `unresolved` at the moment at which it next needs attention.

mod resolve;
mod testify;
mod track;

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    ids::{EffectKey, LocationUid, OwnerToken, ProviderId, Shard},
    outbox::{
        Begin, DELIVERY_WITHIN, DeliveryNews, Fact, FailureKind, Invite, Outbox, OutboxState, Resolved, Send, SendRow,
        Settlement, Tracked, Unfinished, Unresolved,
    },
    phone::E164Phone,
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

pub(super) use track::{PREFIX as TRACKED, effect_of};

use super::{
    DynamoStore, Table,
    row::{Item, Row, expiry, millis, number, text},
    write::{Change, Index, NewRow, Written},
};

/// The first link made is the one that counts, so that a person never sees two.
const KEEP_INVITE: &str = "SET invite_uid = if_not_exists(invite_uid, :uid), invite_url = if_not_exists(invite_url, :url), \
     st = if_not_exists(st, :pending), st_rank = if_not_exists(st_rank, :zero), \
     phone_e164 = if_not_exists(phone_e164, :phone), location_uid = if_not_exists(location_uid, :location), \
     expires_at = if_not_exists(expires_at, :expires_at)";
/// What was erased stays so: its sender may have been on its way.
const KEEP_INVITE_IF: &str = "attribute_not_exists(erased)";

/// Begun by one only, and never again while somebody may have sent it. The expiry is not looked at: as long as the row
/// is there, it counts.
const BEGIN_IF: &str = "attribute_not_exists(pk) OR st = :pending";
/// From now on the row stands in `unresolved`, until it is certain what became of it.
const BEGIN: &str = "SET st = :sending, st_rank = :one, owner_token = :me, began_at_ms = :now_ms, lease_until_ms = :until_ms, \
     phone_e164 = :phone, location_uid = :location, expires_at = :expires_at, \
     unresolved_shard = :shard, since_ms = :attention_ms";

/// What is planned twice is planned once, and what has begun is not planned.
const PLAN_IF: &str = "attribute_not_exists(pk)";

/// Only who began it says what became of it, once.
const SETTLE_IF: &str = "st = :sending AND owner_token = :me";
/// Taken by the provider is not yet arrived: whatever somebody has to confirm needs attention if nobody does.
const ACCEPT_AND_WAIT: &str = "SET st = :state, st_rank = :two, message_id = :detail, settled_at_ms = :now_ms, \
     unresolved_shard = :shard, since_ms = :attention_ms REMOVE lease_until_ms";
const ACCEPT: &str = "SET st = :state, st_rank = :two, message_id = :detail, settled_at_ms = :now_ms \
     REMOVE lease_until_ms, unresolved_shard, since_ms";
const FAIL: &str = "SET st = :state, st_rank = :two, reason_code = :detail, settled_at_ms = :now_ms \
     REMOVE lease_until_ms, unresolved_shard, since_ms";
const GIVE_UP: &str = "SET st = :state, st_rank = :two, settled_at_ms = :now_ms \
     REMOVE lease_until_ms, unresolved_shard, since_ms";
const NOT_SENT: &str = "SET st = :state, st_rank = :zero, settled_at_ms = :now_ms \
     REMOVE lease_until_ms, unresolved_shard, since_ms";
/// A reminder that did not go out has no other timer than this index.
const NOT_SENT_YET: &str = "SET st = :state, st_rank = :zero, settled_at_ms = :now_ms, unresolved_shard = :shard, \
     since_ms = :attention_ms REMOVE lease_until_ms";

/// One that is gone stays gone.
const ATTEND_IF: &str = "attribute_exists(pk)";
const ATTEND: &str = "SET unresolved_shard = :shard, since_ms = :at_ms";
const NEVER_AGAIN: &str = "REMOVE unresolved_shard, since_ms";

const UNRESOLVED: Index =
    Index { table: Table::Outbox, name: "unresolved", condition: "unresolved_shard = :shard AND since_ms <= :upto_ms" };

pub(super) const PENDING: &str = "pending";
const SENDING: &str = "sending";
const ACCEPTED: &str = "accepted";
const DELIVERED: &str = "delivered";
const UNDELIVERED: &str = "undelivered";
pub(super) const FAILED: &str = "failed";
const UNKNOWN: &str = "unknown";

impl Outbox for DynamoStore {
    async fn outbox_state(&self, key: &EffectKey) -> Result<Option<OutboxState>, StoreError> {
        let item = self.get(Table::Outbox, key.as_str(), None).await?;
        item.map(|item| state(&Row::new(Table::Outbox, &item))).transpose()
    }

    async fn keep_invite(&self, send: &Send, made: &Invite) -> Result<Invite, StoreError> {
        let values = vec![
            (":uid", text(made.uid.as_str())),
            (":url", text(made.url.as_str())),
            (":pending", text(PENDING)),
            (":zero", number(0)),
            (":phone", text(send.phone.expose())),
            (":location", text(send.location.as_str())),
            (":expires_at", expiry(send.expires_at)),
        ];
        let item = match self.change(change(&send.key, Some(KEEP_INVITE_IF), KEEP_INVITE, values)).await? {
            Written::Made(item) => item,
            // It will not be sent.
            Written::Refused(_) => return Ok(made.clone()),
        };
        let row = Row::new(Table::Outbox, &item);
        invite(&row)?.ok_or_else(|| row.corrupt("invite_uid"))
    }

    async fn begin(&self, send: &Send, lease: &Lease) -> Result<Begin, StoreError> {
        let values = vec![
            (":pending", text(PENDING)),
            (":sending", text(SENDING)),
            (":one", number(1)),
            (":me", text(lease.owner.as_str())),
            (":now_ms", millis(lease.now)),
            (":until_ms", millis(lease.until)),
            (":phone", text(send.phone.expose())),
            (":location", text(send.location.as_str())),
            (":expires_at", expiry(send.expires_at)),
            (":shard", shard(&send.key)),
            (":attention_ms", millis(lease.now.plus(DELIVERY_WITHIN))),
        ];
        match self.change(change(&send.key, Some(BEGIN_IF), BEGIN, values)).await? {
            Written::Made(_) => Ok(Begin::Begun),
            Written::Refused(old) => {
                let state = state(&Row::new(Table::Outbox, &old.unwrap_or_default()))?;
                let ours = matches!(&state, OutboxState::Sending(begun) if begun.owner == lease.owner);
                Ok(if ours { Begin::Begun } else { Begin::Refused(state) })
            }
        }
    }

    async fn send_row(&self, key: &EffectKey) -> Result<Option<SendRow>, StoreError> {
        let item = self.get(Table::Outbox, key.as_str(), None).await?;
        item.map(|item| send_row(&Row::new(Table::Outbox, &item))).transpose()
    }

    async fn plan(&self, send: &Send, at: UnixMillis) -> Result<(), StoreError> {
        let mut item = Item::with_capacity(8);
        item.insert("pk".into(), text(send.key.as_str()));
        item.insert("st".into(), text(PENDING));
        item.insert("st_rank".into(), number(0));
        item.insert("phone_e164".into(), text(send.phone.expose()));
        item.insert("location_uid".into(), text(send.location.as_str()));
        item.insert("expires_at".into(), expiry(send.expires_at));
        item.insert("unresolved_shard".into(), shard(&send.key));
        item.insert("since_ms".into(), millis(at));
        self.put(NewRow { table: Table::Outbox, item, only_if: PLAN_IF, values: Vec::new() }).await.map(|_| ())
    }

    async fn track(&self, id: &ProviderId, fact: &Fact, expires_at: UnixMillis) -> Result<Tracked, StoreError> {
        self.track_fact(id, fact, expires_at).await
    }

    async fn tracked(&self, id: &ProviderId) -> Result<Tracked, StoreError> {
        self.read_tracked(id).await
    }

    async fn resolve(
        &self,
        key: &EffectKey,
        news: DeliveryNews,
        now: UnixMillis,
    ) -> Result<Option<Resolved>, StoreError> {
        self.resolve_send(key, news, now).await
    }

    async fn unresolved(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<Unresolved>, StoreError> {
        let items = self.page(&UNRESOLVED, shard, before, limit).await?;
        let read = items.iter().filter_map(|item| {
            let row = Row::new(Table::Outbox, item);
            let key = EffectKey::from_stored(row.text_if_any("pk")?);
            Some(Unresolved { key, at: row.millis_if_any("since_ms")? })
        });
        Ok(read.collect())
    }

    async fn attend(&self, key: &EffectKey, next: Option<UnixMillis>) -> Result<(), StoreError> {
        let attend = match next {
            Some(at) => {
                let values = vec![(":shard", shard(key)), (":at_ms", millis(at))];
                change(key, Some(ATTEND_IF), ATTEND, values)
            }
            None => change(key, Some(ATTEND_IF), NEVER_AGAIN, Vec::new()),
        };
        self.change(attend).await.map(|_| ())
    }

    async fn settle(
        &self,
        key: &EffectKey,
        owner: &OwnerToken,
        settlement: &Settlement,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError> {
        let mut values = vec![(":sending", text(SENDING)), (":me", text(owner.as_str())), (":now_ms", millis(now))];
        let waits = match settlement {
            Settlement::Accepted { .. } | Settlement::NotSent => key.awaits_delivery(),
            Settlement::Failed { .. } | Settlement::Unknown => false,
        };
        let (update, word) = match settlement {
            Settlement::Accepted { message } => {
                values.extend([(":detail", text(message.as_str())), (":two", number(2))]);
                (if waits { ACCEPT_AND_WAIT } else { ACCEPT }, ACCEPTED)
            }
            Settlement::Failed { reason } => {
                values.extend([(":detail", text(reason.as_str())), (":two", number(2))]);
                (FAIL, FAILED)
            }
            Settlement::Unknown => {
                values.push((":two", number(2)));
                (GIVE_UP, UNKNOWN)
            }
            Settlement::NotSent => {
                values.push((":zero", number(0)));
                (if waits { NOT_SENT_YET } else { NOT_SENT }, PENDING)
            }
        };
        values.push((":state", text(word)));
        if waits {
            values.extend([(":shard", shard(key)), (":attention_ms", millis(now.plus(DELIVERY_WITHIN)))]);
        }
        match self.change(change(key, Some(SETTLE_IF), update, values)).await? {
            Written::Made(_) => Ok(Fenced::Written),
            Written::Refused(None) => Ok(Fenced::Lost),
            Written::Refused(Some(item)) => {
                let row = Row::new(Table::Outbox, &item);
                let ours = row.is_of(owner) && is_settled_as(&state(&row)?, settlement);
                Ok(if ours { Fenced::Written } else { Fenced::Lost })
            }
        }
    }
}

fn change(
    key: &EffectKey,
    only_if: Option<&'static str>,
    update: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
) -> Change {
    Change { table: Table::Outbox, key: key.as_str().to_owned(), only_if, update, values }
}

fn shard(key: &EffectKey) -> AttributeValue {
    text(Shard::of(key.as_str()).to_key())
}

/// Whether a row says what a settlement would have made it say: then it was our own write, whose answer was lost. What
/// became of the message may have been written down since.
fn is_settled_as(state: &OutboxState, settlement: &Settlement) -> bool {
    match (state, settlement) {
        (
            OutboxState::Accepted { message: stored }
            | OutboxState::Delivered { message: stored }
            | OutboxState::Undelivered { message: stored, .. },
            Settlement::Accepted { message },
        ) => stored == message,
        (OutboxState::Failed { reason: stored }, Settlement::Failed { reason }) => stored == reason,
        (OutboxState::Unknown, Settlement::Unknown) | (OutboxState::Pending { .. }, Settlement::NotSent) => true,
        _ => false,
    }
}

fn invite(row: &Row<'_>) -> Result<Option<Invite>, StoreError> {
    if !row.has("invite_uid") {
        return Ok(None);
    }
    let uid = row.parsed("invite_uid", |uid| ProviderId::try_from(uid).ok())?;
    Ok(Some(Invite { uid, url: row.text("invite_url")?.to_owned() }))
}

fn phone(row: &Row<'_>) -> Result<Option<E164Phone>, StoreError> {
    let read = || row.parsed("phone_e164", |phone| E164Phone::parse_e164(phone).ok());
    row.has("phone_e164").then(read).transpose()
}

fn send_row(row: &Row<'_>) -> Result<SendRow, StoreError> {
    Ok(SendRow {
        state: state(row)?,
        phone: phone(row)?,
        location: row.parsed("location_uid", |uid| LocationUid::try_from(uid).ok())?,
        invite: invite(row)?,
        settled_at: row.millis_if_any("settled_at_ms"),
        expires_at: row.expires_at()?,
    })
}

fn state(row: &Row<'_>) -> Result<OutboxState, StoreError> {
    let message = || row.parsed("message_id", |id| ProviderId::try_from(id).ok());
    match row.text("st")? {
        PENDING => Ok(OutboxState::Pending { invite: invite(row)? }),
        SENDING => Ok(OutboxState::Sending(Unfinished {
            owner: row.parsed("owner_token", |owner| OwnerToken::try_from(owner).ok())?,
            began_at: row.millis("began_at_ms")?,
            invite: invite(row)?,
        })),
        ACCEPTED => Ok(OutboxState::Accepted { message: message()? }),
        DELIVERED => Ok(OutboxState::Delivered { message: message()? }),
        UNDELIVERED => {
            Ok(OutboxState::Undelivered { message: message()?, kind: row.parsed("failure_kind", FailureKind::parse)? })
        }
        FAILED => Ok(OutboxState::Failed { reason: row.text("reason_code")?.to_owned() }),
        UNKNOWN => Ok(OutboxState::Unknown),
        _ => Err(row.corrupt("st")),
    }
}
