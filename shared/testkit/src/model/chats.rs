use std::time::Duration;

use frontdesk_core::{
    chat::{Chat, ChatKey, ChatState, Chats, Newest},
    erase,
    inbox::NewEvent,
    phone::E164Phone,
    store::{Fenced, StoreError},
    time::{DAY, UnixMillis},
};

use super::{ModelStore, Tables};

/// A mark without a chat counts for so long.
const MARK_NEEDS: Duration = DAY.saturating_mul(3);

/// A chat's row: the mark and the chat are written apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatRow {
    /// The newest event that came in.
    pub newest: Option<Newest>,
    /// The chat, once it was saved.
    pub saved: Option<SavedChat>,
}

/// A chat as it was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedChat {
    /// Counts the changes.
    pub version: u64,
    /// The customer's number.
    pub phone: Option<E164Phone>,
    /// The rest.
    pub state: ChatState,
    /// When it is forgotten.
    pub kept_until: UnixMillis,
}

/// A new event is its chat's newest, unless a later one is.
pub(super) fn mark(tables: &mut Tables, event: &NewEvent) {
    let Some(chat) = event.chat.as_ref().filter(|_| event.rejected.is_none()) else { return };
    let row = tables.chats.entry(chat.clone()).or_default();
    if row.newest.as_ref().is_none_or(|known| known.at <= event.received_at) {
        row.newest = Some(Newest { event: event.key.event.clone(), at: event.received_at });
    }
}

/// Empties a chat.
pub(super) fn wipe(tables: &mut Tables, key: &str) {
    let row = tables.chats.get_mut(&ChatKey::from_stored(key));
    let Some(saved) = row.and_then(|row| row.saved.as_mut()) else { return };
    let left = erase::forgotten(&saved.state);
    if saved.state != left || saved.phone.is_some() {
        saved.version += 1;
        saved.phone = None;
        saved.state = left;
    }
}

impl Chats for ModelStore {
    async fn chat(&self, key: &ChatKey, now: UnixMillis) -> Result<Chat, StoreError> {
        let row = self.lock().chats.get(key).cloned().unwrap_or_default();
        let mut chat = Chat::new(key.clone());
        let saved = row.saved.filter(|saved| saved.kept_until > now);
        chat.newest = row.newest.filter(|newest| saved.is_some() || newest.at.plus(MARK_NEEDS) > now);
        if let Some(saved) = saved {
            (chat.version, chat.phone, chat.state) = (saved.version, saved.phone, saved.state);
        }
        Ok(chat)
    }

    async fn save_chat(&self, chat: &Chat, keep: Duration, now: UnixMillis) -> Result<Fenced, StoreError> {
        let mut tables = self.lock();
        let row = tables.chats.entry(chat.key.clone()).or_default();
        let may = match &row.saved {
            _ if chat.version <= 1 => row.saved.as_ref().is_none_or(|saved| saved.kept_until <= now),
            Some(saved) => saved.version + 1 == chat.version,
            None => false,
        };
        if !may {
            return Ok(Fenced::Lost);
        }
        let (version, phone, state) = (chat.version, chat.phone.clone(), chat.state.clone());
        row.saved = Some(SavedChat { version, phone, state, kept_until: now.plus(keep) });
        tables.writes += 1;
        Ok(Fenced::Written)
    }
}
