//! Review requests.

mod commit;

use frontdesk_core::{
    eligibility::Inputs,
    flow::promote::attention,
    ids::{LocationUid, OrderKey, Shard},
    inbox::{EventEnd, InboxKey},
    phone::E164Phone,
    request::{
        Committed, DueRow, Plan, Postpone, RequestChange, RequestClaim, RequestEnd, RequestRow, RequestStatus,
        Requests, ReviewRequest, Wait,
    },
    review::PlatformChoice,
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};

use super::{
    DynamoStore, Table,
    row::{Item, Row, millis, number, text},
    write::{Change, Index, Written},
};
use aws_sdk_dynamodb::types::AttributeValue;

/// The rank that only grows: scheduled, queued, sending, any end.
const fn rank(status: RequestStatus) -> u8 {
    match status {
        RequestStatus::Scheduled => 0,
        RequestStatus::Queued => 1,
        RequestStatus::Sending => 2,
        RequestStatus::Sent | RequestStatus::Skipped | RequestStatus::Failed | RequestStatus::Unknown => 3,
    }
}

/// Of several timers that read the same entry of the index only one queues it; whatever happened to the request since
/// then has moved `due_at_ms`.
const QUEUE_IF: &str = "due_at_ms = :seen_ms AND st = :seen";
const QUEUE: &str = "SET due_at_ms = :next_ms, st = :status, st_rank = :rank, last_write = :call";

/// Open, due and held by nobody. The owner's own repeated claim is not a new attempt, so it is not let through here.
const CLAIM_IF: &str = "st_rank < :ended AND send_after_ms <= :now_ms \
     AND (attribute_not_exists(lease_until_ms) OR (lease_until_ms <= :now_ms AND owner_token <> :me))";
/// Should its holder die, the row needs attention when the lease is over.
const CLAIM: &str =
    "SET owner_token = :me, lease_until_ms = :until_ms, due_at_ms = :until_ms, attempts = attempts + :one";

/// Only who holds the row writes it, and nothing leaves an end. A lease that nobody took over still holds.
const HELD: &str = "owner_token = :me AND attribute_exists(lease_until_ms) AND st_rank < :ended";
/// The same, and no webhook has put the request off since the claim. For a repeated claim and for beginning to send.
const HELD_AND_DUE: &str =
    "owner_token = :me AND attribute_exists(lease_until_ms) AND st_rank < :ended AND send_after_ms <= :now_ms";
const RENEW: &str = "SET lease_until_ms = :until_ms, due_at_ms = :until_ms";
const BEGIN: &str = "SET st = :status, st_rank = :rank, platform_chosen = :platform, platform_rule = :rule";
const POSTPONE: &str = "SET send_after_ms = :until_ms, due_at_ms = :due_ms, last_write = :call \
     REMOVE lease_until_ms, trouble_since_ms";
/// Trouble is counted from its first attempt; whatever else a request waits for ends it.
const POSTPONE_IN_TROUBLE: &str = "SET send_after_ms = :until_ms, due_at_ms = :due_ms, last_write = :call, \
     trouble_since_ms = if_not_exists(trouble_since_ms, :now_ms) REMOVE lease_until_ms";
macro_rules! end {
    ($more:literal) => {
        concat!(
            "SET st = :status, st_rank = :ended, ended_at_ms = :now_ms",
            $more,
            " REMOVE lease_until_ms, due_shard, due_at_ms"
        )
    };
}
const END: &str = end!("");
const END_SENT: &str = end!(", message_id = :detail");
const END_REASON: &str = end!(", reason_code = :detail");
/// The same with what was known of the order then.
const END_SEEN: &str = end!(", eligibility = :inputs");
const END_SENT_SEEN: &str = end!(", message_id = :detail, eligibility = :inputs");
const END_REASON_SEEN: &str = end!(", reason_code = :detail, eligibility = :inputs");

/// The first time is the one that counts; no row is made for it.
const REVIEWED_IF: &str = "attribute_exists(pk) AND attribute_not_exists(reviewed_at_ms)";
const REVIEWED: &str = "SET reviewed_at_ms = :at_ms";

const DUE: Index =
    Index { table: Table::Requests, name: "due", condition: "due_shard = :shard AND due_at_ms <= :upto_ms" };

pub(super) fn ended() -> AttributeValue {
    number(rank(RequestStatus::Sent))
}

impl Requests for DynamoStore {
    async fn commit(
        &self,
        event: &InboxKey,
        lease: &Lease,
        end: &EventEnd,
        change: &RequestChange,
    ) -> Result<Committed, StoreError> {
        self.commit_both(event, lease, end, change).await
    }

    async fn due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<DueRow>, StoreError> {
        let items = self.page(&DUE, shard, before, limit).await?;
        let read = items.iter().filter_map(|item| {
            let row = Row::new(Table::Requests, item);
            Some(DueRow {
                key: OrderKey::parse(row.text_if_any("pk")?)?,
                status: RequestStatus::parse(row.text_if_any("st")?)?,
                due_at: row.millis_if_any("due_at_ms")?,
                send_after: row.millis_if_any("send_after_ms")?,
            })
        });
        Ok(read.collect())
    }

    async fn mark_queued(&self, row: &DueRow, next_attention: UnixMillis) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        let status = row.status.max(RequestStatus::Queued);
        let mark = Change {
            table: Table::Requests,
            key: row.key.to_key(),
            only_if: Some(QUEUE_IF),
            update: QUEUE,
            values: vec![
                (":seen_ms", millis(row.due_at)),
                (":seen", text(row.status.as_str())),
                (":next_ms", millis(next_attention)),
                (":status", text(status.as_str())),
                (":rank", number(rank(status))),
                (":call", text(call.as_str())),
            ],
        };
        self.change(mark).await.map(|written| written.made_by(&call))
    }

    async fn claim_request(&self, key: &OrderKey, lease: &Lease) -> Result<RequestClaim, StoreError> {
        let mut values = holder(lease);
        values.extend([(":now_ms", millis(lease.now)), (":until_ms", millis(lease.until)), (":one", number(1))]);
        match self.change(change(key, CLAIM_IF, CLAIM, values)).await? {
            Written::Made(item) => acquired(key, &item),
            Written::Refused(None) => Ok(RequestClaim::Missing),
            Written::Refused(Some(item)) => {
                let row = Row::new(Table::Requests, &item);
                match standing(&row, lease)? {
                    Standing::Other(claim) => Ok(claim),
                    Standing::Ours if row.millis("lease_until_ms")? == lease.until => acquired(key, &item),
                    Standing::Ours => self.renew_request(key, lease).await,
                }
            }
        }
    }

    async fn begin_sending(
        &self,
        key: &OrderKey,
        lease: &Lease,
        choice: &PlatformChoice,
    ) -> Result<Fenced, StoreError> {
        let mut values = holder(lease);
        values.extend([
            (":status", text(RequestStatus::Sending.as_str())),
            (":rank", number(rank(RequestStatus::Sending))),
            (":platform", text(choice.platform.as_str())),
            (":rule", text(choice.rule.as_str())),
            (":now_ms", millis(lease.now)),
        ]);
        // Its own repetition passes the condition again and changes nothing.
        match self.change(change(key, HELD_AND_DUE, BEGIN, values)).await? {
            Written::Made(_) => Ok(Fenced::Written),
            Written::Refused(_) => Ok(Fenced::Lost),
        }
    }

    async fn postpone(&self, key: &OrderKey, lease: &Lease, postpone: &Postpone) -> Result<Fenced, StoreError> {
        let call = self.ids.draw();
        let mut values = holder(lease);
        values.extend([
            (":until_ms", millis(postpone.until)),
            (":due_ms", millis(attention(postpone.until))),
            (":call", text(call.as_str())),
        ]);
        let update = match postpone.why {
            Wait::Clock | Wait::Settling => POSTPONE,
            Wait::Trouble => {
                values.push((":now_ms", millis(lease.now)));
                POSTPONE_IN_TROUBLE
            }
        };
        self.change(change(key, HELD, update, values)).await.map(|written| written.fenced(&call))
    }

    async fn end_request(
        &self,
        key: &OrderKey,
        lease: &Lease,
        end: &RequestEnd,
        inputs: Option<&Inputs>,
    ) -> Result<Fenced, StoreError> {
        let mut values = holder(lease);
        values.extend([(":status", text(end.status().as_str())), (":now_ms", millis(lease.now))]);
        let (plain, seen, detail) = match end {
            RequestEnd::Sent { message } => (END_SENT, END_SENT_SEEN, Some(message.as_str().to_owned())),
            RequestEnd::Skipped(_) | RequestEnd::Failed(_) | RequestEnd::Unknown => match end.reason() {
                Some(reason) => (END_REASON, END_REASON_SEEN, Some(reason)),
                None => (END, END_SEEN, None),
            },
        };
        values.extend(detail.map(|detail| (":detail", text(detail))));
        let update = if inputs.is_some() { seen } else { plain };
        values.extend(inputs.map(|inputs| (":inputs", text(inputs.to_json()))));
        match self.change(change(key, HELD, update, values)).await? {
            Written::Made(_) => Ok(Fenced::Written),
            Written::Refused(None) => Ok(Fenced::Lost),
            Written::Refused(Some(item)) => {
                let row = Row::new(Table::Requests, &item);
                let ours = row.is_of(&lease.owner) && status(&row)? == end.status();
                Ok(if ours { Fenced::Written } else { Fenced::Lost })
            }
        }
    }

    async fn request(&self, key: &OrderKey) -> Result<Option<RequestRow>, StoreError> {
        let item = self.get(Table::Requests, &key.to_key(), None).await?;
        item.map(|item| {
            let row = Row::new(Table::Requests, &item);
            Ok(RequestRow {
                status: status(&row)?,
                plan: row.has("phone_e164").then(|| plan(&row)).transpose()?,
                first_send_after: row.millis_if_any("first_send_after_ms"),
                reviewed_at: row.millis_if_any("reviewed_at_ms"),
            })
        })
        .transpose()
    }

    async fn note_reviewed(&self, key: &OrderKey, at: UnixMillis) -> Result<(), StoreError> {
        self.change(change(key, REVIEWED_IF, REVIEWED, vec![(":at_ms", millis(at))])).await.map(|_| ())
    }
}

impl DynamoStore {
    /// A repeated claim with a later end.
    async fn renew_request(&self, key: &OrderKey, lease: &Lease) -> Result<RequestClaim, StoreError> {
        let mut values = holder(lease);
        values.extend([(":now_ms", millis(lease.now)), (":until_ms", millis(lease.until))]);
        match self.change(change(key, HELD_AND_DUE, RENEW, values)).await? {
            Written::Made(item) => acquired(key, &item),
            Written::Refused(None) => Ok(RequestClaim::Missing),
            Written::Refused(Some(item)) => match standing(&Row::new(Table::Requests, &item), lease)? {
                Standing::Other(claim) => Ok(claim),
                Standing::Ours => Ok(RequestClaim::Busy { until: lease.until }),
            },
        }
    }
}

pub(super) fn change(
    key: &OrderKey,
    only_if: &'static str,
    update: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
) -> Change {
    Change { table: Table::Requests, key: key.to_key(), only_if: Some(only_if), update, values }
}

/// The values of [`HELD`].
fn holder(lease: &Lease) -> Vec<(&'static str, AttributeValue)> {
    vec![(":me", text(lease.owner.as_str())), (":ended", ended())]
}

/// Why a claim was refused.
enum Standing {
    /// Because it is ours already.
    Ours,
    /// Because of something else.
    Other(RequestClaim),
}

fn standing(row: &Row<'_>, lease: &Lease) -> Result<Standing, StoreError> {
    let status = status(row)?;
    if status.is_end() {
        return Ok(Standing::Other(RequestClaim::Ended(status)));
    }
    let until = row.millis_if_any("lease_until_ms");
    let ours = until.is_some() && row.is_of(&lease.owner);
    if let Some(until) = until.filter(|until| *until > lease.now && !ours) {
        return Ok(Standing::Other(RequestClaim::Busy { until }));
    }
    let at = row.millis("send_after_ms")?;
    if at > lease.now {
        return Ok(Standing::Other(RequestClaim::NotDue { at }));
    }
    if ours { Ok(Standing::Ours) } else { Err(row.corrupt("st_rank")) }
}

fn status(row: &Row<'_>) -> Result<RequestStatus, StoreError> {
    row.parsed("st", RequestStatus::parse)
}

fn acquired(key: &OrderKey, item: &Item) -> Result<RequestClaim, StoreError> {
    let row = Row::new(Table::Requests, item);
    let request = ReviewRequest {
        key: key.clone(),
        status: status(&row)?,
        plan: plan(&row)?,
        attempts: row.count("attempts")?,
        first_send_after: row.millis("first_send_after_ms")?,
        trouble_since: row.millis_if_any("trouble_since_ms"),
    };
    Ok(RequestClaim::Acquired(Box::new(request)))
}

fn plan(row: &Row<'_>) -> Result<Plan, StoreError> {
    Ok(Plan {
        phone: row.parsed("phone_e164", |phone| E164Phone::parse_e164(phone).ok())?,
        location: row.parsed("location_uid", |uid| LocationUid::try_from(uid).ok())?,
        first_name: row.text_if_any("first_name").map(str::to_owned),
        fulfilled_at: row.millis("fulfilled_at_ms")?,
        send_after: row.millis("send_after_ms")?,
        zones: row.texts("zone_names")?,
    })
}
