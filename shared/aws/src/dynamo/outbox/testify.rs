//! What a person says of a send that nobody could say of.

use aws_sdk_dynamodb::types::TransactWriteItem;
use frontdesk_core::{
    ids::{EffectKey, ProviderId},
    outbox::{DELIVERY_WITHIN, OutboxState, Testified, Testimonies, Testimony},
    redrive::Decided,
    request::{FailReason, RequestStatus},
    store::StoreError,
};

use super::{ACCEPTED, FAILED, UNKNOWN, change, send_row, shard};
use crate::dynamo::{
    DynamoStore, Table, requests,
    row::{Item, Row, millis, text},
    write::{Change, Transacted},
};

/// Only of one that nobody could say of, and by the first who says something.
const UNKNOWN_IF: &str = "st = :unknown";
macro_rules! said {
    ($what:literal) => {
        concat!(
            "SET st = :state, settled_at_ms = :now_ms, testified_by = :by, testified_reason = :reason, \
             testified_at_ms = :now_ms, last_write = :call, ",
            $what
        )
    };
}
const SENT: &str = said!("message_id = :detail");
const SENT_AND_WAIT: &str = said!("message_id = :detail, unresolved_shard = :shard, since_ms = :attention_ms");
const NOT_SENT: &str = said!("reason_code = :detail");

/// A request that has not ended as unknown is its sender's to end, by what it finds here.
const REQUEST_IF: &str = "st = :unknown";
const REQUEST_SENT: &str = "SET st = :status, message_id = :detail REMOVE reason_code";
const REQUEST_FAILED: &str = "SET st = :status, reason_code = :detail";

/// How often the rows may change under a decision before that is trouble.
const TRIES: u8 = 8;

impl Testimonies for DynamoStore {
    async fn testify(
        &self,
        key: &EffectKey,
        testimony: &Testimony,
        decided: &Decided,
    ) -> Result<Testified, StoreError> {
        let call = self.ids.draw();
        for tried in 0..TRIES {
            self.step_aside(tried).await;
            let Some(item) = self.get(Table::Outbox, key.as_str(), None).await? else {
                return Ok(Testified::Missing);
            };
            let row = send_row(&Row::new(Table::Outbox, &item))?;
            if row.state != OutboxState::Unknown {
                // Our own success, whose answer was lost.
                let ours = Row::new(Table::Outbox, &item).text_if_any("last_write") == Some(call.as_str());
                return Ok(if ours { Testified::Written(row) } else { Testified::NotUnknown(row.state) });
            }
            let mut parts = vec![self.part(send_change(key, testimony, decided, &call)?)?];
            parts.extend(self.request_part(key, testimony).await?);
            if let (Testimony::NotSent, Some(phone)) = (testimony, &row.phone) {
                parts.extend(self.free_cooldown(key, phone).await?);
            }
            if matches!(self.transact(Table::Outbox, None, parts).await?, Transacted::Made) {
                let item = self.get(Table::Outbox, key.as_str(), None).await?;
                let row = item.map(|item| send_row(&Row::new(Table::Outbox, &item))).transpose()?;
                return Ok(row.map_or(Testified::Missing, Testified::Written));
            }
            // One of the rows changed since it was read.
        }
        Err(Table::Outbox.unavailable("a send changed at every try to say what became of it".to_owned()))
    }
}

impl DynamoStore {
    /// What follows for the request that it was.
    async fn request_part(
        &self,
        key: &EffectKey,
        testimony: &Testimony,
    ) -> Result<Option<TransactWriteItem>, StoreError> {
        let Some(order) = key.requested_order() else { return Ok(None) };
        let Some(item) = self.get(Table::Requests, &order.to_key(), None).await? else { return Ok(None) };
        if !is_unknown(&item) {
            return Ok(None);
        }
        let (update, status, detail) = match testimony {
            Testimony::Sent { message } => {
                let message = message_of(key, message.as_ref())?;
                (REQUEST_SENT, RequestStatus::Sent, message.as_str().to_owned())
            }
            Testimony::NotSent => (REQUEST_FAILED, RequestStatus::Failed, FailReason::NotSent.describe()),
        };
        let values = vec![
            (":unknown", text(RequestStatus::Unknown.as_str())),
            (":status", text(status.as_str())),
            (":detail", text(detail)),
        ];
        Ok(Some(self.part(requests::change(&order, REQUEST_IF, update, values))?))
    }
}

fn is_unknown(request: &Item) -> bool {
    Row::new(Table::Requests, request).text_if_any("st") == Some(RequestStatus::Unknown.as_str())
}

fn message_of(key: &EffectKey, read_off: Option<&ProviderId>) -> Result<ProviderId, StoreError> {
    let message = Testimony::message_of(key, read_off);
    message.ok_or(StoreError::Corrupt { table: Table::Outbox.label(), what: "pk" })
}

fn send_change(key: &EffectKey, testimony: &Testimony, decided: &Decided, call: &str) -> Result<Change, StoreError> {
    let mut values = vec![
        (":unknown", text(UNKNOWN)),
        (":now_ms", millis(decided.at)),
        (":by", text(decided.by.as_str())),
        (":reason", text(decided.reason.as_str())),
        (":call", text(call)),
    ];
    let (update, state, detail) = match testimony {
        Testimony::Sent { message } => {
            let waits = testimony.awaits_delivery(key);
            if waits {
                let attention = decided.at.plus(DELIVERY_WITHIN);
                values.extend([(":shard", shard(key)), (":attention_ms", millis(attention))]);
            }
            let message = message_of(key, message.as_ref())?;
            (if waits { SENT_AND_WAIT } else { SENT }, ACCEPTED, message.as_str().to_owned())
        }
        Testimony::NotSent => (NOT_SENT, FAILED, FailReason::NotSent.describe()),
    };
    values.extend([(":state", text(state)), (":detail", text(detail))]);
    Ok(change(key, Some(UNKNOWN_IF), update, values))
}
