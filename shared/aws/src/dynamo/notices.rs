//! Notices for the shop's people, in the table of the sends.
//!
//! A notice stands in `attention` at the moment at which somebody has to look at it: when it is due, and while it is held,
//! when its holder is certainly dead. Sends have an index of their own, so that neither keeps the other waiting.

use frontdesk_core::{
    ids::Shard,
    notice::{
        Channel, Content, HeldNotice, Notice, NoticeClaim, NoticeDue, NoticeEnd, NoticeKey, NoticeKind, NoticeStep,
        Notices, NoticesAnew, Progress, Tries,
    },
    store::{Fenced, Lease, StoreError},
    time::UnixMillis,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    DynamoStore, Table,
    row::{Item, Row, expiry, millis, past_second, text},
    write::{Change, Index, NewRow, Written},
};

/// What is opened twice under one key is told once.
const OPEN_IF: &str = "attribute_not_exists(pk)";
/// What happened again after its notice had ended is told again; one that is still to be told is told once.
const OPEN_ANEW_IF: &str = "attribute_not_exists(pk) OR st <> :open OR expires_at <= :now_s";

/// Open, due and held by nobody else. Attempts are not counted here, so its owner's repeated claim may pass again.
const CLAIM_IF: &str = "st = :open AND due_at_ms <= :now_ms \
     AND (attribute_not_exists(lease_until_ms) OR lease_until_ms <= :now_ms OR owner_token = :me)";
/// Should its holder die, somebody has to look when the lease is over.
const CLAIM: &str = "SET owner_token = :me, lease_until_ms = :until_ms, attention_at_ms = :until_ms";

/// Only who holds the row writes it. A lease that ran out and that nobody took over still holds.
const HELD: &str = "st = :open AND owner_token = :me AND attribute_exists(lease_until_ms)";
const AGAIN: &str = "SET progress_json = :progress, due_at_ms = :at_ms, attention_at_ms = :at_ms, last_write = :call \
     REMOVE owner_token, lease_until_ms";
/// What people were told is theirs to keep. That there was a notice, and how it ended, stays.
const END: &str = "SET st = :end, told_over = :channel, ended_at_ms = :now_ms, last_write = :call \
     REMOVE content_json, about_ids, progress_json, lease_until_ms, due_at_ms, attention_shard, attention_at_ms";
const GIVE_UP: &str = "SET st = :end, ended_at_ms = :now_ms, last_write = :call \
     REMOVE content_json, about_ids, progress_json, lease_until_ms, due_at_ms, attention_shard, attention_at_ms";

const ATTENTION: Index = Index {
    table: Table::Outbox,
    name: "attention",
    condition: "attention_shard = :shard AND attention_at_ms <= :upto_ms",
};

pub(super) const OPEN: &str = "open";
const TOLD: &str = "told";
pub(super) const GIVEN_UP: &str = "given_up";

impl Notices for DynamoStore {
    async fn open_notice(&self, notice: &Notice) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        let item = notice_row(notice, &call)?;
        let opened = self.put(NewRow { table: Table::Outbox, item, only_if: OPEN_IF, values: Vec::new() }).await?;
        Ok(opened.made_by(&call))
    }

    async fn claim_notice(&self, key: &NoticeKey, lease: &Lease) -> Result<NoticeClaim, StoreError> {
        let mut values = holder(lease);
        values.extend([(":now_ms", millis(lease.now)), (":until_ms", millis(lease.until))]);
        match self.change(change(key, CLAIM_IF, CLAIM, values)).await? {
            Written::Made(item) => held(key, &item).map(|held| NoticeClaim::Acquired(Box::new(held))),
            Written::Refused(None) => Ok(NoticeClaim::Missing),
            Written::Refused(Some(item)) => standing(&Row::new(Table::Outbox, &item), lease),
        }
    }

    async fn step_notice(&self, key: &NoticeKey, lease: &Lease, step: &NoticeStep) -> Result<Fenced, StoreError> {
        let call = self.ids.draw();
        let mut values = holder(lease);
        values.push((":call", text(call.as_str())));
        let update = match step {
            NoticeStep::Again { progress, at } => {
                values.extend([(":progress", text(progress_json(progress)?)), (":at_ms", millis(*at))]);
                AGAIN
            }
            NoticeStep::End(end) => {
                values.push((":now_ms", millis(lease.now)));
                match end {
                    NoticeEnd::Told(channel) => {
                        values.extend([(":end", text(TOLD)), (":channel", text(channel.as_str()))]);
                        END
                    }
                    NoticeEnd::GivenUp => {
                        values.push((":end", text(GIVEN_UP)));
                        GIVE_UP
                    }
                }
            }
        };
        let written = self.change(change(key, HELD, update, values)).await?;
        let ours = match (&written, step) {
            (Written::Refused(Some(item)), NoticeStep::End(end)) => {
                ended_as(&Row::new(Table::Outbox, item), lease, *end)
            }
            _ => false,
        };
        Ok(if ours { Fenced::Written } else { written.fenced(&call) })
    }

    async fn notices_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<NoticeDue>, StoreError> {
        let items = self.page(&ATTENTION, shard, before, limit).await?;
        let read = items.iter().filter_map(|item| {
            let row = Row::new(Table::Outbox, item);
            // A kind that only a newer version knows is that version's to tell; it must not stop this one.
            Some(NoticeDue {
                key: NoticeKey::parse(row.text_if_any("pk")?)?,
                at: row.millis_if_any("attention_at_ms")?,
            })
        });
        Ok(read.collect())
    }
}

impl NoticesAnew for DynamoStore {
    async fn open_notice_anew(&self, notice: &Notice, now: UnixMillis) -> Result<bool, StoreError> {
        let call = self.ids.draw();
        Ok(self.put(opened_anew(notice, &call, now)?).await?.made_by(&call))
    }
}

fn change(
    key: &NoticeKey,
    only_if: &'static str,
    update: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
) -> Change {
    Change { table: Table::Outbox, key: key.as_str().to_owned(), only_if: Some(only_if), update, values }
}

/// The values of [`HELD`].
fn holder(lease: &Lease) -> Vec<(&'static str, AttributeValue)> {
    vec![(":open", text(OPEN)), (":me", text(lease.owner.as_str()))]
}

/// The row of a notice, in the place of one that has ended.
pub(super) fn opened_anew(notice: &Notice, call: &str, now: UnixMillis) -> Result<NewRow, StoreError> {
    let values = vec![(":open", text(OPEN)), (":now_s", past_second(now))];
    Ok(NewRow { table: Table::Outbox, item: notice_row(notice, call)?, only_if: OPEN_ANEW_IF, values })
}

fn notice_row(notice: &Notice, call: &str) -> Result<Item, StoreError> {
    let content = serde_json::to_string(&notice.content).map_err(|error| unwritable(&error))?;
    let mut item = Item::with_capacity(11);
    item.insert("pk".into(), text(notice.key.as_str()));
    item.insert("st".into(), text(OPEN));
    item.insert("notice_kind".into(), text(notice.kind.as_str()));
    item.insert("content_json".into(), text(content));
    item.insert("about_ids".into(), AttributeValue::L(notice.about.iter().map(text).collect()));
    item.insert("opened_at_ms".into(), millis(notice.opened_at));
    item.insert("due_at_ms".into(), millis(notice.opened_at));
    item.insert("attention_shard".into(), text(notice.key.shard().to_key()));
    item.insert("attention_at_ms".into(), millis(notice.opened_at));
    item.insert("expires_at".into(), expiry(notice.expires_at));
    item.insert("last_write".into(), text(call));
    Ok(item)
}

fn held(key: &NoticeKey, item: &Item) -> Result<HeldNotice, StoreError> {
    let row = Row::new(Table::Outbox, item);
    let notice = Notice {
        key: key.clone(),
        kind: row.parsed("notice_kind", NoticeKind::parse)?,
        content: row.parsed("content_json", |json| serde_json::from_str::<Content>(json).ok())?,
        about: row.texts("about_ids")?,
        opened_at: row.millis("opened_at_ms")?,
        expires_at: row.expires_at()?,
    };
    let progress = match row.text_if_any("progress_json") {
        Some(json) => read_progress(json).ok_or_else(|| row.corrupt("progress_json"))?,
        None => Progress::default(),
    };
    Ok(HeldNotice { notice, progress })
}

/// Whether a notice ended in this way by this lease's owner: then it was our own write.
fn ended_as(row: &Row<'_>, lease: &Lease, end: NoticeEnd) -> bool {
    let (word, channel) = match end {
        NoticeEnd::Told(channel) => (TOLD, Some(channel.as_str())),
        NoticeEnd::GivenUp => (GIVEN_UP, None),
    };
    row.is_of(&lease.owner) && row.text_if_any("st") == Some(word) && row.text_if_any("told_over") == channel
}

/// Why a notice cannot be claimed.
fn standing(row: &Row<'_>, lease: &Lease) -> Result<NoticeClaim, StoreError> {
    if row.text("st")? != OPEN {
        return Ok(NoticeClaim::Ended);
    }
    let until = row.millis_if_any("lease_until_ms").filter(|until| *until > lease.now && !row.is_of(&lease.owner));
    if let Some(until) = until {
        return Ok(NoticeClaim::Busy { until });
    }
    Ok(NoticeClaim::NotDue { at: row.millis("due_at_ms")? })
}

/// [`Progress`] as it is stored: what is known of each channel under its word.
#[derive(Serialize, Deserialize)]
struct Stored {
    tries: BTreeMap<String, Tries>,
    late: bool,
}

fn progress_json(progress: &Progress) -> Result<String, StoreError> {
    let tries = progress.tries.iter().map(|(channel, tries)| (channel.as_str().to_owned(), *tries)).collect();
    serde_json::to_string(&Stored { tries, late: progress.late }).map_err(|error| unwritable(&error))
}

fn read_progress(json: &str) -> Option<Progress> {
    let stored: Stored = serde_json::from_str(json).ok()?;
    let start = Progress { late: stored.late, ..Progress::default() };
    // A channel that only a newer version knows is that version's to try.
    let known = stored.tries.iter().filter_map(|(word, tries)| Some((Channel::parse(word)?, *tries)));
    Some(known.fold(start, |progress, (channel, tries)| progress.with(channel, tries)))
}

fn unwritable(error: &serde_json::Error) -> StoreError {
    Table::Outbox.unavailable(error.to_string())
}
