//! Sends that a customer notices.
//!
//! A message is found by the provider's id of it. An invite link is not: its uid never comes back alone, since what the
//! provider reports about a text names the message, and the briefs' invitation is the message.

use frontdesk_core::{
    ids::{EffectKey, OwnerToken, ProviderId, Shard},
    outbox::{Begin, Invite, Outbox, OutboxState, Send, Settlement, Unfinished},
    phone::E164Phone,
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Row, expiry, millis, number, text},
    write::{Change, Written},
};
use crate::failure;

/// The first link made is the one that counts, so that a person never sees two.
const KEEP_INVITE: &str = "SET invite_uid = if_not_exists(invite_uid, :uid), invite_url = if_not_exists(invite_url, :url), \
     st = if_not_exists(st, :pending), st_rank = if_not_exists(st_rank, :zero), \
     phone_e164 = if_not_exists(phone_e164, :phone), location_uid = if_not_exists(location_uid, :location), \
     expires_at = if_not_exists(expires_at, :expires_at)";

/// Begun by one only, and never again while somebody may have sent it. The expiry is not looked at: as long as the row
/// is there, it counts.
const BEGIN_IF: &str = "attribute_not_exists(pk) OR st = :pending";
/// From now on the row stands in `unresolved`, until it is certain what became of it.
const BEGIN: &str = "SET st = :sending, st_rank = :one, owner_token = :me, began_at_ms = :now_ms, lease_until_ms = :until_ms, \
     phone_e164 = :phone, location_uid = :location, expires_at = :expires_at, \
     unresolved_shard = :shard, since_ms = :now_ms";

/// Only who began it says what became of it, once.
const SETTLE_IF: &str = "st = :sending AND owner_token = :me";
/// Taken by the provider is not yet arrived, so it stays in `unresolved`.
const ACCEPT: &str =
    "SET st = :state, st_rank = :two, message_id = :detail, settled_at_ms = :now_ms REMOVE lease_until_ms";
const FAIL: &str = "SET st = :state, st_rank = :two, reason_code = :detail, settled_at_ms = :now_ms \
     REMOVE lease_until_ms, unresolved_shard, since_ms";
const GIVE_UP: &str = "SET st = :state, st_rank = :two, settled_at_ms = :now_ms \
     REMOVE lease_until_ms, unresolved_shard, since_ms";
const NOT_SENT: &str = "SET st = :state, st_rank = :zero, settled_at_ms = :now_ms \
     REMOVE lease_until_ms, unresolved_shard, since_ms";

const PENDING: &str = "pending";
const SENDING: &str = "sending";
const ACCEPTED: &str = "accepted";
const FAILED: &str = "failed";
const UNKNOWN: &str = "unknown";

impl Outbox for DynamoStore {
    async fn outbox_state(&self, key: &EffectKey) -> Result<Option<OutboxState>, StoreError> {
        let item = self.get(Table::Outbox, key.as_str(), None).await?;
        item.map(|item| state(&Row::new(Table::Outbox, &item))).transpose()
    }

    async fn keep_invite(&self, send: &Send, made: &Invite) -> Result<Invite, StoreError> {
        let keep = Change {
            table: Table::Outbox,
            key: send.key.as_str().to_owned(),
            only_if: None,
            update: KEEP_INVITE,
            values: vec![
                (":uid", text(made.uid.as_str())),
                (":url", text(made.url.as_str())),
                (":pending", text(PENDING)),
                (":zero", number(0)),
                (":phone", text(send.phone.expose())),
                (":location", text(send.location.as_str())),
                (":expires_at", expiry(send.expires_at)),
            ],
        };
        let item = match self.change(keep).await? {
            Written::Made(item) => item,
            Written::Refused(old) => old.unwrap_or_default(),
        };
        let row = Row::new(Table::Outbox, &item);
        invite(&row)?.ok_or_else(|| row.corrupt("invite_uid"))
    }

    async fn begin(&self, send: &Send, lease: &Lease) -> Result<Begin, StoreError> {
        let key = send.key.as_str();
        let begin = Change {
            table: Table::Outbox,
            key: key.to_owned(),
            only_if: Some(BEGIN_IF),
            update: BEGIN,
            values: vec![
                (":pending", text(PENDING)),
                (":sending", text(SENDING)),
                (":one", number(1)),
                (":me", text(lease.owner.as_str())),
                (":now_ms", millis(lease.now)),
                (":until_ms", millis(lease.until)),
                (":phone", text(send.phone.expose())),
                (":location", text(send.location.as_str())),
                (":expires_at", expiry(send.expires_at)),
                (":shard", text(Shard::of(key).to_key())),
            ],
        };
        match self.change(begin).await? {
            Written::Made(_) => Ok(Begin::Begun),
            Written::Refused(old) => {
                let state = state(&Row::new(Table::Outbox, &old.unwrap_or_default()))?;
                let ours = matches!(&state, OutboxState::Sending(begun) if begun.owner == lease.owner);
                Ok(if ours { Begin::Begun } else { Begin::Refused(state) })
            }
        }
    }

    async fn recipient_of(&self, id: &ProviderId) -> Result<Option<E164Phone>, StoreError> {
        let request = self
            .client
            .query()
            .table_name(self.name(Table::Outbox))
            .index_name("by_message")
            .key_condition_expression("message_id = :id")
            .expression_attribute_values(":id", text(id.as_str()))
            .limit(1);
        let output = request.send().await.map_err(|error| Table::Outbox.unavailable(failure::detail(&error)))?;
        let found = output.items().first().map(|item| {
            let row = Row::new(Table::Outbox, item);
            row.parsed("phone_e164", |phone| E164Phone::parse_e164(phone).ok())
        });
        found.transpose()
    }

    async fn settle(
        &self,
        key: &EffectKey,
        owner: &OwnerToken,
        settlement: &Settlement,
        now: UnixMillis,
    ) -> Result<Fenced, StoreError> {
        let mut values = vec![(":sending", text(SENDING)), (":me", text(owner.as_str())), (":now_ms", millis(now))];
        let (update, word) = match settlement {
            Settlement::Accepted { message } => {
                values.extend([(":detail", text(message.as_str())), (":two", number(2))]);
                (ACCEPT, ACCEPTED)
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
                (NOT_SENT, PENDING)
            }
        };
        values.push((":state", text(word)));
        let table = Table::Outbox;
        let settle = Change { table, key: key.as_str().to_owned(), only_if: Some(SETTLE_IF), update, values };
        match self.change(settle).await? {
            Written::Made(_) => Ok(Fenced::Written),
            Written::Refused(None) => Ok(Fenced::Lost),
            Written::Refused(Some(item)) => {
                let row = Row::new(table, &item);
                let ours = row.is_of(owner) && is_settled_as(&state(&row)?, settlement);
                Ok(if ours { Fenced::Written } else { Fenced::Lost })
            }
        }
    }
}

/// Whether a row says what a settlement would have made it say: then it was our own write, whose answer was lost.
fn is_settled_as(state: &OutboxState, settlement: &Settlement) -> bool {
    match (state, settlement) {
        (OutboxState::Accepted { message: stored }, Settlement::Accepted { message }) => stored == message,
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

fn state(row: &Row<'_>) -> Result<OutboxState, StoreError> {
    match row.text("st")? {
        PENDING => Ok(OutboxState::Pending { invite: invite(row)? }),
        SENDING => Ok(OutboxState::Sending(Unfinished {
            owner: row.parsed("owner_token", |owner| OwnerToken::try_from(owner).ok())?,
            began_at: row.millis("began_at_ms")?,
            invite: invite(row)?,
        })),
        ACCEPTED => {
            let message = row.parsed("message_id", |id| ProviderId::try_from(id).ok())?;
            Ok(OutboxState::Accepted { message })
        }
        FAILED => Ok(OutboxState::Failed { reason: row.text("reason_code")?.to_owned() }),
        UNKNOWN => Ok(OutboxState::Unknown),
        _ => Err(row.corrupt("st")),
    }
}
