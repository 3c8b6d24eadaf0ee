//! Looking through tables for a person, and taking out of a row what it holds of one.
//!
//! A row is read here by what is in it, never by what has to be: one that nobody can read must not keep a person's data.

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    body::StoredBody,
    chat::ChatKey,
    erase::{self, Erasure, KeptPage, KeptRow, Place},
    flow::delivery::LOCATION_LINK,
    inbox::{InboxKey, InboxStatus, RejectReason, Source},
    notice::{Content, NoticeKey},
    phone::E164Phone,
    request::RequestStatus,
    review::SkipReason,
    session::SessionKey,
    store::StoreError,
};

use super::{
    DynamoStore, Table, chats, forms, inbox, notices, outbox, requests,
    row::{Item, Row, bytes, number, text},
    write::{Change, Written},
};
use crate::failure;

/// Rows asked for at once; DynamoDB ends a page at a megabyte in any case.
const PAGE: i32 = 100;
/// No webhook is larger: Lambda takes no more.
const BODY_BYTES_MAX: usize = 6_000_000;

/// The body goes, and whatever leads to the conversation. What was still to be worked on has ended with it, and whoever works
/// on it is not its holder any more.
const EMPTY_ENDED_IF: &str = "st IN (:done, :rejected, :parked, :mismatch)";
const EMPTY_ENDED: &str = "SET body_form = :plain, body_bytes = :nothing REMOVE group_id";
const EMPTY_OPEN_IF: &str = "st IN (:waiting, :claimed)";
const EMPTY_OPEN: &str = "SET body_form = :plain, body_bytes = :nothing, st = :rejected, outcome = :erased \
     REMOVE group_id, owner_token, lease_until_ms, waiting_shard, waiting_since_ms";

/// That there was a request, and how it ended, stays.
const FORGET_ENDED_IF: &str = "st_rank >= :ended";
const FORGET_ENDED: &str = "REMOVE phone_e164, first_name, location_uid, zone_names, fulfilled_at_ms";
/// One that is not over is not sent any more; should its sender have begun, the send's own row says what became of it.
const FORGET_OPEN_IF: &str = "st_rank < :ended";
const FORGET_OPEN: &str = "SET st = :status, st_rank = :ended, reason_code = :erased \
     REMOVE phone_e164, first_name, location_uid, zone_names, fulfilled_at_ms, owner_token, lease_until_ms, due_shard, \
     due_at_ms";

/// What may have been sent keeps its state; only its timer can still say something of it.
const STRIP_BEGUN_IF: &str = "attribute_exists(pk) AND st <> :pending";
const STRIP_BEGUN: &str = "SET erased = :yes REMOVE phone_e164, invite_uid, invite_url";
const STRIP_PENDING_IF: &str = "st = :pending";
const STRIP_PENDING: &str = "SET erased = :yes, st = :failed, st_rank = :two, reason_code = :erased \
     REMOVE phone_e164, invite_uid, invite_url, owner_token, lease_until_ms, unresolved_shard, since_ms";

const SILENCE_IF: &str = "st = :open";
const SILENCE: &str = "SET st = :given_up REMOVE content_json, about_ids, progress_json, owner_token, lease_until_ms, \
     due_at_ms, attention_shard, attention_at_ms";

const UNLINK_IF: &str = "attribute_exists(order_key)";
const UNLINK: &str = "REMOVE order_key";

impl Erasure for DynamoStore {
    async fn kept(&self, place: Place, after: Option<&str>) -> Result<KeptPage, StoreError> {
        let table = table(place);
        let start = after.map(|key| Item::from([("pk".to_owned(), text(key))]));
        let scan = self.client.scan().table_name(self.name(table)).consistent_read(true).limit(PAGE);
        let page = scan.set_exclusive_start_key(start).send().await;
        let page = page.map_err(|error| table.unavailable(failure::detail(&error)))?;
        let key = |item: &Item| Row::new(table, item).text_if_any("pk").map(str::to_owned);
        let next = page.last_evaluated_key.as_ref().and_then(key);
        let rows = page.items().iter().filter_map(|item| {
            let row = Row::new(table, item);
            Some(kept(place, row.text_if_any("pk")?, &row))
        });
        Ok(KeptPage { rows: rows.collect(), next })
    }

    async fn wipe(&self, place: Place, key: &str) -> Result<(), StoreError> {
        match place {
            Place::Inbox => self.wipe_event(key).await,
            Place::Requests => self.wipe_request(key).await,
            Place::Outbox if NoticeKey::parse(key).is_some() => self.wipe_notice(key).await,
            // It holds ids, and says of no id whose it is.
            Place::Outbox if key.starts_with(outbox::TRACKED) => Ok(()),
            Place::Outbox => self.wipe_send(key).await,
            Place::Sessions => self.delete(Table::Sessions, key).await,
            Place::Chats => self.wipe_chat(key).await,
            Place::Forms => self.delete(Table::Forms, key).await,
            Place::Reviews => self.wipe_by(Table::Reviews, key, UNLINK_IF, UNLINK, Vec::new()).await.map(|_| ()),
        }
    }
}

impl DynamoStore {
    /// One update that takes something out of a row, if the row is as it asks for; says whether it was.
    async fn wipe_by(
        &self,
        table: Table,
        key: &str,
        only_if: &'static str,
        update: &'static str,
        values: Vec<(&'static str, AttributeValue)>,
    ) -> Result<bool, StoreError> {
        let key = key.to_owned();
        let written = self.change(Change { table, key, only_if: Some(only_if), update, values }).await?;
        Ok(matches!(written, Written::Made(_)))
    }

    /// First as one that is open: an open row may end in between. An ended one opens again only if a person wants it just
    /// then; so each is tried twice.
    async fn wipe_event(&self, key: &str) -> Result<(), StoreError> {
        for _ in 0..2 {
            if self.wipe_event_once(key).await? {
                break;
            }
        }
        Ok(())
    }

    /// Whether it was met in one of the two.
    async fn wipe_event_once(&self, key: &str) -> Result<bool, StoreError> {
        let body = || vec![(":plain", text(inbox::PLAIN)), (":nothing", bytes(Vec::new()))];
        let word = |status: InboxStatus| text(status.as_str());
        let mut values = body();
        values.extend([
            (":waiting", word(InboxStatus::Waiting)),
            (":claimed", word(InboxStatus::Claimed)),
            (":rejected", word(InboxStatus::Rejected)),
            (":erased", text(RejectReason::Erased.describe())),
        ]);
        // A demand about personal data that is still open empties itself when it is carried out.
        if InboxKey::parse(key).is_none_or(|key| key.source != Source::Privacy)
            && self.wipe_by(Table::Inbox, key, EMPTY_OPEN_IF, EMPTY_OPEN, values).await?
        {
            return Ok(true);
        }
        let mut values = body();
        values.extend([
            (":done", word(InboxStatus::Done)),
            (":rejected", word(InboxStatus::Rejected)),
            (":parked", word(InboxStatus::Parked)),
            (":mismatch", word(InboxStatus::Mismatch)),
        ]);
        self.wipe_by(Table::Inbox, key, EMPTY_ENDED_IF, EMPTY_ENDED, values).await
    }

    /// First as one that is open, for the same reason.
    async fn wipe_request(&self, key: &str) -> Result<(), StoreError> {
        let values = vec![
            (":status", text(RequestStatus::Skipped.as_str())),
            (":ended", requests::ended()),
            (":erased", text(SkipReason::Erased.as_str())),
        ];
        self.wipe_by(Table::Requests, key, FORGET_OPEN_IF, FORGET_OPEN, values).await?;
        let values = vec![(":ended", requests::ended())];
        self.wipe_by(Table::Requests, key, FORGET_ENDED_IF, FORGET_ENDED, values).await.map(|_| ())
    }

    async fn wipe_send(&self, key: &str) -> Result<(), StoreError> {
        let yes = || (":yes", AttributeValue::Bool(true));
        let pending = || (":pending", text(outbox::PENDING));
        // What was begun may be pending again; what was not may be begun. One of the two is met at the second look.
        for _ in 0..2 {
            let erased = (":erased", text(SkipReason::Erased.as_str()));
            let values = vec![yes(), pending(), (":failed", text(outbox::FAILED)), (":two", number(2)), erased];
            self.wipe_by(Table::Outbox, key, STRIP_PENDING_IF, STRIP_PENDING, values).await?;
            self.wipe_by(Table::Outbox, key, STRIP_BEGUN_IF, STRIP_BEGUN, vec![yes(), pending()]).await?;
        }
        Ok(())
    }

    /// One that has ended holds nothing any more.
    async fn wipe_notice(&self, key: &str) -> Result<(), StoreError> {
        let values = vec![(":open", text(notices::OPEN)), (":given_up", text(notices::GIVEN_UP))];
        self.wipe_by(Table::Outbox, key, SILENCE_IF, SILENCE, values).await.map(|_| ())
    }

    async fn delete(&self, table: Table, key: &str) -> Result<(), StoreError> {
        let deleted = self.client.delete_item().table_name(self.name(table)).key("pk", text(key)).send().await;
        deleted.map(|_| ()).map_err(|error| table.unavailable(failure::detail(&error)))
    }
}

const fn table(place: Place) -> Table {
    match place {
        Place::Inbox => Table::Inbox,
        Place::Requests => Table::Requests,
        Place::Outbox => Table::Outbox,
        Place::Sessions => Table::Sessions,
        Place::Chats => Table::Chats,
        Place::Reviews => Table::Reviews,
        Place::Forms => Table::Forms,
    }
}

fn kept(place: Place, key: &str, row: &Row<'_>) -> KeptRow {
    let mut kept = KeptRow {
        key: key.to_owned(),
        texts: vec![key.to_owned()],
        phone: None,
        email: None,
        body: None,
        ids: Vec::new(),
    };
    let mut ids = Vec::new();
    let chat;
    match place {
        Place::Inbox => {
            kept.body = body(row);
            chat = kept.body.as_deref().and_then(|body| erase::chat_of(key, body));
            ids.push(chat.as_ref().map(ChatKey::as_str));
        }
        Place::Requests => {
            kept.phone = phone(row);
            kept.texts.extend(said_in(row, &["phone_e164", "first_name"]));
            // The key names the order; by it the reviews that came of it are found.
            ids.extend([Some(key), row.text_if_any("message_id")]);
        }
        Place::Outbox if NoticeKey::parse(key).is_some() => {
            kept.texts.extend(content(row));
            ids.extend(row.list("about_ids").unwrap_or_default().iter().map(|id| id.as_s().ok().map(String::as_str)));
        }
        Place::Outbox => match key.strip_prefix(outbox::TRACKED) {
            Some(id) => ids.extend([Some(id), outbox::effect_of(row)]),
            None => {
                kept.phone = phone(row);
                kept.texts.extend(said_in(row, &["phone_e164", "invite_url"]));
                // A location's own link is in everybody's text.
                let link = row.text_if_any("invite_uid").filter(|uid| *uid != LOCATION_LINK);
                ids.extend([Some(key), row.text_if_any("message_id"), link]);
            }
        },
        Place::Sessions => {
            kept.phone = SessionKey::parse(key).map(|key| key.phone);
            kept.texts.extend(["answers", "kept", "handed_back"].into_iter().flat_map(|list| said(row, list)));
            ids.extend([row.text_if_any("session_id"), row.text_if_any("conversation_uid")]);
        }
        Place::Chats => {
            kept.phone = phone(row);
            kept.texts.extend(said_in(row, &["phone_e164"]));
            kept.body = chats::state_json(row).ok();
            ids.push(Some(key));
        }
        Place::Reviews => ids.extend([Some(key), row.text_if_any("order_key")]),
        Place::Forms => {
            kept.texts.extend(forms::said(row));
            kept.email = forms::email(row);
            // Its key names its notice.
            ids.extend([Some(key), row.text_if_any("session_key")]);
        }
    }
    kept.ids = ids.into_iter().flatten().map(str::to_owned).collect();
    kept
}

/// What an event says.
pub(super) fn body(row: &Row<'_>) -> Option<Vec<u8>> {
    let packed = row.bytes("body_bytes").ok()?;
    let body = if row.text_if_any("body_form") == Some(inbox::DEFLATE) {
        StoredBody::Deflate(packed)
    } else {
        StoredBody::Plain(packed)
    };
    body.unpack(BODY_BYTES_MAX).ok()
}

fn phone(row: &Row<'_>) -> Option<E164Phone> {
    E164Phone::parse_e164(row.text_if_any("phone_e164")?).ok()
}

/// What in a notice is not our own words.
fn content(row: &Row<'_>) -> Vec<String> {
    let Some(json) = row.text_if_any("content_json") else { return Vec::new() };
    match serde_json::from_str::<Content>(json) {
        Ok(Content { facts, quote, link, .. }) => {
            facts.into_iter().map(|(_, value)| value).chain(quote).chain(link).collect()
        }
        Err(_) => vec![json.to_owned()],
    }
}

fn said_in(row: &Row<'_>, names: &[&str]) -> Vec<String> {
    names.iter().filter_map(|name| row.text_if_any(name)).map(str::to_owned).collect()
}

/// What a customer wrote in a conversation.
fn said(row: &Row<'_>, list: &str) -> Vec<String> {
    let answers = row.list(list).unwrap_or_default().iter();
    answers.filter_map(|answer| answer.as_m().ok()?.get("text")?.as_s().ok().cloned()).collect()
}
