//! Messages: posted, listed, and what came with them.

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::ask::{Answer, Ask, Bots};
use super::book::{At, Conversation, Kind, Message, Sender};
use super::events::{self, New};
use super::media::{Content, File};
use super::refusal::{Refusal, flood};
use super::{content, liquid, view};
use crate::clock;
use crate::stand_ins::app::State;
use crate::stand_ins::ledger::{Contract, Effect, EffectKind};
use crate::stand_ins::requests::Provider;

/// Pages of the list.
const LATEST_MAX: usize = 20;
const AFTER_MAX: usize = 100;
const BETWEEN_MAX: usize = 1000;
/// Page of the attachments.
const ATTACHMENTS_MAX: usize = 100;
/// The window of the flood limit.
const FLOOD_MS: i64 = 60_000;

/// `POST conversations/{id}/messages`
pub(super) async fn create(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let (at, caller) = ask.enter(&state.chatwoot, &path, Bots::Allowed)?;
    let new = read(&ask, &state, at, caller)?;
    let id = post(&mut state, &ask, at, new)?;
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    let message = conversation.message(id).ok_or_else(Refusal::not_found)?;
    Ok(Json(view::message(&state.chatwoot, conversation, message)).into_response())
}

/// Reads what is to be posted, in the order in which Chatwoot finds fault with it.
fn read(ask: &Ask, state: &State, at: At, caller: Sender) -> Result<New, Refusal> {
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    let kind = match ask.text("message_type").as_deref() {
        None | Some("outgoing") => Kind::Outgoing,
        Some("template") => Kind::Template,
        Some("activity") => Kind::Activity,
        Some("incoming") if conversation.channel == "Channel::Api" => Kind::Incoming,
        Some("incoming") => return Err(Refusal::unprocessable("Incoming messages are only allowed in Api inboxes")),
        Some(other) => return Err(Refusal::unprocessable(&format!("'{other}' is not a valid message_type"))),
    };
    let content_type = ask.text("content_type").unwrap_or_else(|| "text".to_owned());
    if !content::is_content_type(&content_type) {
        return Err(Refusal::unprocessable(&format!("'{content_type}' is not a valid content_type")));
    }
    let attributes = match ask.body.get("content_attributes") {
        Some(Value::Object(fields)) => fields.clone(),
        // A form has no objects.
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    };
    let said = ask.text("content").filter(|text| !text.is_empty());
    let mut problems = content::problems(said.as_deref(), &content_type, &attributes);
    if said.is_none() && ask.files.is_empty() && content_type == "text" {
        problems.push("Content can't be blank".to_owned());
    }
    if !problems.is_empty() {
        return Err(Refusal::invalid(&problems));
    }
    let since_ms = clock::now_ms() - FLOOD_MS;
    let recent = conversation.messages.iter().rev().take_while(|message| message.created_ms >= since_ms).count();
    if recent >= state.chatwoot.settings.flood_max {
        return Err(flood());
    }
    let sender = if kind == Kind::Incoming { Sender::Contact } else { caller };
    let outgoing = kind == Kind::Outgoing;
    let content = said.map(|said| match outgoing {
        true => liquid::rendered(&said, conversation, sender, &state.chatwoot.settings),
        false => said,
    });
    Ok(New {
        content,
        kind,
        private: ask.is_true("private"),
        content_type,
        content_attributes: attributes,
        source_id: ask.text("source_id"),
        sender,
        attachments: Vec::new(),
        echo_id: ask.body.get("echo_id").cloned(),
    })
}

/// Puts it into the conversation, and into the ledger if the customer sees it.
fn post(state: &mut State, ask: &Ask, at: At, mut new: New) -> Result<u64, Refusal> {
    let id = state.chatwoot.book.message_id();
    for part in &ask.files {
        let name = part.file_name.clone().unwrap_or_default();
        let file = File {
            content: Content::These(part.bytes.clone()),
            content_type: part.content_type.clone(),
            late: 0,
            redirect_to: None,
            slow_ms: 0,
            status: None,
            length: true,
        };
        let attachment = events::stored(&mut state.chatwoot, (at.0, id), &name, part.content_type.as_deref(), file);
        new.attachments.push(attachment);
    }
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    // With an id of its own a message counts as sent already, and other channels than the widget do not get it.
    let goes_out = new.source_id.is_none() || conversation.channel == "Channel::WebWidget";
    if !new.private && goes_out && matches!(new.kind, Kind::Outgoing | Kind::Template) {
        let effect = effect(ask, conversation, id, &new);
        state.effect(effect).map_err(|error| Refusal::ledger(&error))?;
    }
    events::add(state, at, id, new);
    Ok(id)
}

fn effect(ask: &Ask, conversation: &Conversation, id: u64, new: &New) -> Effect {
    Effect {
        seq: 0,
        at_ms: clock::now_ms(),
        provider: Provider::Chatwoot,
        contract: Contract::Chatwoot,
        kind: EffectKind::Chat,
        phone: conversation.contact.phone_number.clone().unwrap_or_default(),
        location: None,
        body: new.content.clone(),
        invite_link: None,
        invitation_id: None,
        message_id: Some(id.to_string()),
        conversation: format!("{}/{}", conversation.at.0, conversation.at.1),
        contact_name: conversation.contact.name.clone(),
        to_opted_out: false,
        content_type: Some(new.content_type.clone()),
        content_attributes: Some(Value::Object(new.content_attributes.clone())),
        conversation_status: Some(conversation.status.clone()),
        request_id: ask.request_id.clone(),
    }
}

/// `GET conversations/{id}/messages`
pub(super) async fn list(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let (at, _) = ask.enter(&state.chatwoot, &path, Bots::Refused)?;
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    let number = |name: &str| {
        let text = ask.query.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())?;
        Some(text.trim().parse::<u64>().unwrap_or(0))
    };
    let internal = ask.query.get("filter_internal_messages").is_some_and(|text| !text.is_empty());
    let shown = |message: &&Message| !internal || !(message.private || message.kind == Kind::Activity);
    let all: Vec<&Message> = conversation.messages.iter().filter(shown).collect();
    let listed = page(&all, number("after"), number("before"));
    Ok(Json(view::list(&state.chatwoot, conversation, &listed)).into_response())
}

/// Oldest first, whatever was asked.
fn page<'a>(all: &[&'a Message], after: Option<u64>, before: Option<u64>) -> Vec<&'a Message> {
    let last = |all: Vec<&'a Message>| {
        let skipped = all.len().saturating_sub(LATEST_MAX);
        all.into_iter().skip(skipped).collect()
    };
    let all = all.iter().copied();
    match (after, before) {
        (Some(after), Some(before)) => {
            all.filter(|message| message.id >= after && message.id < before).take(BETWEEN_MAX).collect()
        }
        (None, Some(before)) => last(all.filter(|message| message.id < before).collect()),
        (Some(after), None) => all.filter(|message| message.id > after).take(AFTER_MAX).collect(),
        (None, None) => last(all.collect()),
    }
}

/// `GET conversations/{id}/attachments`: newest first.
pub(super) async fn attachments(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let (at, _) = ask.enter(&state.chatwoot, &path, Bots::Refused)?;
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    let page = ask.query.get("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1).max(1);
    let all: Vec<Value> = conversation
        .messages
        .iter()
        .rev()
        .flat_map(|message| message.attachments.iter().map(move |one| (message, one)))
        .map(|(message, one)| {
            let mut shown = one.payload.clone();
            shown.insert("created_at".to_owned(), json!(message.created_ms.div_euclid(1000)));
            Value::Object(shown)
        })
        .collect();
    let shown: Vec<&Value> = all.iter().skip((page - 1) * ATTACHMENTS_MAX).take(ATTACHMENTS_MAX).collect();
    Ok(Json(json!({ "meta": { "total_count": all.len() }, "payload": shown })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: u64) -> Message {
        Message {
            id,
            content: None,
            kind: Kind::Incoming,
            private: false,
            content_type: "text".to_owned(),
            content_attributes: Map::new(),
            created_ms: 0,
            updated_ms: 0,
            source_id: None,
            sender: Sender::Contact,
            status: "sent",
            attachments: Vec::new(),
            echo_id: None,
        }
    }

    #[test]
    fn after_leaves_out_and_between_takes_in() {
        let all: Vec<Message> = (1..=150).map(message).collect();
        let all: Vec<&Message> = all.iter().collect();
        let ids = |after, before| {
            let found: Vec<u64> = page(&all, after, before).iter().map(|message| message.id).collect();
            (found.len(), found.first().copied().unwrap_or(0), found.last().copied().unwrap_or(0))
        };
        assert_eq!(ids(None, None), (20, 131, 150));
        assert_eq!(ids(None, Some(100)), (20, 80, 99));
        assert_eq!(ids(Some(10), None), (100, 11, 110));
        assert_eq!(ids(Some(10), Some(11)), (1, 10, 10));
        assert_eq!(ids(Some(1), Some(1000)), (150, 1, 150));
        assert_eq!(ids(Some(150), None), (0, 0, 0));
    }
}
