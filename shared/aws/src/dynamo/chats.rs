//! Chats. A row is two things that are written apart: the chat itself, replaced only by the next version of what was read,
//! and the mark of its newest event, which comes with the event's own row.
//!
//! Each has a time of its own. The chat is forgotten at `kept_until_ms`, whatever was marked since: a message must not bring
//! back what was said long ago. A mark counts beside a chat, and without one for [`MARK_NEEDS`]. The row goes at `expires_at`,
//! which is after both: no write brings it nearer than [`MARK_NEEDS`] from its own moment.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use frontdesk_core::{
    body::StoredBody,
    chat::{Chat, ChatKey, ChatState, Chats, Newest},
    erase,
    ids::EventId,
    inbox::NewEvent,
    phone::E164Phone,
    store::{Fenced, StoreError},
    time::{DAY, UnixMillis},
};

use super::{
    DynamoStore, Table,
    contacts::OPT_OUT_TRIES,
    inbox::{DEFLATE, PLAIN},
    row::{Item, Row, bytes, count, expiry, millis, text},
    write::{Change, Written},
};

/// No state comes near this; what is larger is not unpacked.
const STATE_BYTES_MAX: usize = 4_000_000;

/// The first version comes where there is none (a mark may be there), or one whose time is over.
const FIRST_IF: &str = "attribute_not_exists(version_number) OR kept_until_ms <= :now_ms";
/// Every other replaces the very one that it was made from.
const NEXT_IF: &str = "version_number = :earlier";

macro_rules! save {
    () => {
        "SET version_number = :version, state_form = :form, state_bytes = :state, kept_until_ms = :kept_until_ms, \
         expires_at = :expires_at, last_write = :call"
    };
}
const SAVE: &str = concat!(save!(), ", phone_e164 = :phone");
const SAVE_WITHOUT_PHONE: &str = concat!(save!(), " REMOVE phone_e164");

/// A mark is of use for so long at least: no event is tried for longer.
const MARK_NEEDS: Duration = DAY.saturating_mul(3);
/// What is written of a row's expiry is later than that, so that a second message need not put it off again.
const MARK_KEPT: Duration = DAY.saturating_mul(4);

/// Of two events the one that came later is the newest, whichever is written first; and the row stays for long enough. A new
/// row, and one that was used lately, need no look before.
const MARK_IF: &str = "(attribute_not_exists(newest_at_ms) OR newest_at_ms <= :at_ms) \
     AND (attribute_not_exists(expires_at) OR expires_at >= :needed)";
const MARK: &str =
    "SET newest_event = :event, newest_at_ms = :at_ms, expires_at = if_not_exists(expires_at, :expires_at)";
/// The same where the row would go too soon, and only there: nothing's time is shortened.
const MARK_LATER_IF: &str = "(attribute_not_exists(newest_at_ms) OR newest_at_ms <= :at_ms) \
     AND (attribute_not_exists(expires_at) OR expires_at < :needed)";
const MARK_LATER: &str = "SET newest_event = :event, newest_at_ms = :at_ms, expires_at = :expires_at";

/// Emptied is the very version that was looked at.
const FORGET: &str = "SET version_number = :version, state_form = :form, state_bytes = :state, last_write = :call \
     REMOVE phone_e164";

impl Chats for DynamoStore {
    async fn chat(&self, key: &ChatKey, now: UnixMillis) -> Result<Chat, StoreError> {
        let Some(item) = self.get(Table::Chats, key.as_str(), None).await? else { return Ok(Chat::new(key.clone())) };
        chat(key, &Row::new(Table::Chats, &item), now)
    }

    async fn save_chat(&self, chat: &Chat, keep: Duration, now: UnixMillis) -> Result<Fenced, StoreError> {
        let call = self.ids.draw();
        let (only_if, mut values) = match chat.version {
            0 | 1 => (FIRST_IF, vec![(":now_ms", millis(now))]),
            later => (NEXT_IF, vec![(":earlier", count(later - 1))]),
        };
        values.extend(state_values(&chat.state)?);
        values.extend([
            (":version", count(chat.version)),
            (":kept_until_ms", millis(now.plus(keep))),
            (":expires_at", expiry(now.plus(keep.max(MARK_KEPT)))),
            (":call", text(call.as_str())),
        ]);
        let update = match &chat.phone {
            Some(phone) => {
                values.push((":phone", text(phone.expose())));
                SAVE
            }
            None => SAVE_WITHOUT_PHONE,
        };
        let key = chat.key.as_str().to_owned();
        let save = Change { table: Table::Chats, key, only_if: Some(only_if), update, values };
        self.change(save).await.map(|written| written.fenced(&call))
    }
}

/// How the newest event of a chat is marked with its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// On a new row, or one that stays long enough.
    Only,
    /// And the row's end is put off.
    PuttingOff,
    /// Not at all: a later one is marked already.
    None,
}

impl Mark {
    /// The next try, after the row was found like this.
    pub(super) fn after_refusal(event: &NewEvent, known: &Item) -> Self {
        let known = Row::new(Table::Chats, known);
        if known.millis_if_any("newest_at_ms").is_some_and(|at| at > event.received_at) {
            return Self::None;
        }
        match known.expires_at() {
            Ok(at) if at.as_secs_ceil() < needed(event).as_secs_ceil() => Self::PuttingOff,
            Ok(_) | Err(_) => Self::Only,
        }
    }

    /// What it writes; `None` where there is no chat, or nobody will work on the event.
    pub(super) fn change(self, event: &NewEvent) -> Option<Change> {
        let chat = event.chat.as_ref().filter(|_| event.rejected.is_none())?;
        let (only_if, update) = match self {
            Self::Only => (MARK_IF, MARK),
            Self::PuttingOff => (MARK_LATER_IF, MARK_LATER),
            Self::None => return None,
        };
        let values = vec![
            (":event", text(event.key.event.as_str())),
            (":at_ms", millis(event.received_at)),
            (":needed", expiry(needed(event))),
            (":expires_at", expiry(event.received_at.plus(MARK_KEPT))),
        ];
        Some(Change { table: Table::Chats, key: chat.as_str().to_owned(), only_if: Some(only_if), update, values })
    }
}

impl DynamoStore {
    /// Empties a chat. Whoever works on it finds that it has changed.
    pub(super) async fn wipe_chat(&self, key: &str) -> Result<(), StoreError> {
        for tried in 0..OPT_OUT_TRIES {
            self.step_aside(tried).await;
            let Some(item) = self.get(Table::Chats, key, None).await? else { return Ok(()) };
            // One with a mark only says nothing of anybody.
            let Some(earlier) = item.get("version_number") else { return Ok(()) };
            let row = Row::new(Table::Chats, &item);
            let known = state(&row);
            let left = match &known {
                Ok(known) => erase::forgotten(known),
                // What it said of the customer's wishes is not known any more; so it is silent.
                Err(_) => ChatState { silenced: true, ..ChatState::default() },
            };
            if known.is_ok_and(|known| known == left) && !row.has("phone_e164") {
                return Ok(());
            }
            let mut values = vec![
                (":earlier", earlier.clone()),
                (":version", count(row.count::<u64>("version_number").unwrap_or_default().saturating_add(1))),
                (":call", text(self.ids.draw())),
            ];
            values.extend(state_values(&left)?);
            let key = key.to_owned();
            let forget = Change { table: Table::Chats, key, only_if: Some(NEXT_IF), update: FORGET, values };
            if let Written::Made(_) = self.change(forget).await? {
                return Ok(());
            }
        }
        Err(Table::Chats.unavailable("a chat changed at every try".to_owned()))
    }
}

/// Until when the row has to stay for the mark's sake.
fn needed(event: &NewEvent) -> UnixMillis {
    event.received_at.plus(MARK_NEEDS)
}

fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt { table: Table::Chats.label(), what }
}

/// A state as it is stored. One that fits into no row counts against its event: later it would fit no better.
fn state_values(state: &ChatState) -> Result<[(&'static str, AttributeValue); 2], StoreError> {
    let json = serde_json::to_vec(state).map_err(|_| corrupt("state_bytes"))?;
    if json.len() > STATE_BYTES_MAX {
        return Err(corrupt("state_bytes"));
    }
    let (form, packed) = match StoredBody::pack(&json).map_err(|_| corrupt("state_bytes"))? {
        StoredBody::Plain(packed) => (PLAIN, packed),
        StoredBody::Deflate(packed) => (DEFLATE, packed),
    };
    Ok([(":form", text(form)), (":state", bytes(packed))])
}

/// A row's state in JSON.
pub(super) fn state_json(row: &Row<'_>) -> Result<Vec<u8>, StoreError> {
    let packed = row.bytes("state_bytes")?;
    let packed = row.parsed("state_form", |form| match form {
        PLAIN => Some(StoredBody::Plain(packed)),
        DEFLATE => Some(StoredBody::Deflate(packed)),
        _ => None,
    })?;
    packed.unpack(STATE_BYTES_MAX).map_err(|_| row.corrupt("state_bytes"))
}

fn state(row: &Row<'_>) -> Result<ChatState, StoreError> {
    serde_json::from_slice(&state_json(row)?).map_err(|_| row.corrupt("state_bytes"))
}

fn chat(key: &ChatKey, row: &Row<'_>, now: UnixMillis) -> Result<Chat, StoreError> {
    let is_kept = row.has("version_number") && row.millis("kept_until_ms")? > now;
    let mut chat = Chat::new(key.clone());
    chat.newest = newest(row).filter(|newest| is_kept || newest.at.plus(MARK_NEEDS) > now);
    if is_kept {
        chat.version = row.count("version_number")?;
        chat.phone = match row.text_if_any("phone_e164") {
            Some(_) => Some(row.parsed("phone_e164", |phone| E164Phone::parse_e164(phone).ok())?),
            None => None,
        };
        chat.state = state(row)?;
    }
    Ok(chat)
}

/// A mark is a hint; one that cannot be read is none.
fn newest(row: &Row<'_>) -> Option<Newest> {
    let event = EventId::try_from(row.text_if_any("newest_event")?).ok()?;
    Some(Newest { event, at: row.millis_if_any("newest_at_ms")? })
}
