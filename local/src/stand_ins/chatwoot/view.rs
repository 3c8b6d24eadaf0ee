//! What Chatwoot shows: to those who ask the API, and to those whom it tells by webhook. The two differ in small ways, and
//! so do the three places in which a person may stand.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Chatwoot;
use super::book::{Contact, Conversation, Kind, Message, Sender};
use crate::stand_ins::app::derived_uid;

/// Whether a webhook shows what came with a message. Some channels attach after they have told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attachments {
    Shown,
    Left,
}

/// `2026-06-01T07:46:40.371Z`
pub(super) fn iso_ms(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms)
        .map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

fn seconds(at_ms: i64) -> i64 {
    at_ms.div_euclid(1000)
}

fn account(chatwoot: &Chatwoot, id: u64) -> Value {
    let name = chatwoot.settings.account(id).map(|account| account.name.clone());
    json!({ "id": id, "name": name })
}

fn inbox(chatwoot: &Chatwoot, id: u64) -> Value {
    let name = chatwoot.settings.inbox(id).map(|inbox| inbox.name.clone());
    json!({ "id": id, "name": name })
}

/// With a `type`: in the API, and inside of conversations.
fn contact(contact: &Contact) -> Value {
    json!({
        "additional_attributes": contact.additional_attributes,
        "custom_attributes": contact.custom_attributes,
        "email": contact.email,
        "id": contact.id,
        "identifier": contact.identifier,
        "name": contact.name,
        "phone_number": contact.phone_number,
        "thumbnail": "",
        "blocked": contact.blocked,
        "type": "contact",
    })
}

/// Without a `type`: as the sender of a webhook's message.
fn contact_sender(chatwoot: &Chatwoot, conversation: &Conversation) -> Value {
    let mut shown = contact(&conversation.contact);
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("type");
        fields.insert("account".to_owned(), account(chatwoot, conversation.at.0));
        fields.insert("avatar".to_owned(), json!(""));
    }
    shown
}

fn user(chatwoot: &Chatwoot, id: u64) -> Value {
    match chatwoot.settings.agent(id) {
        Some(agent) => json!({
            "id": id,
            "name": agent.name,
            "available_name": agent.available_name,
            "avatar_url": "",
            "type": "user",
            "availability_status": "online",
            "thumbnail": "",
        }),
        None => Value::Null,
    }
}

fn bot(chatwoot: &Chatwoot) -> Value {
    let bot = &chatwoot.settings.bot;
    json!({ "id": bot.id, "name": bot.name, "avatar_url": "", "type": "agent_bot" })
}

fn captain() -> Value {
    json!({
        "id": 2, "name": "Captain", "avatar_url": "", "description": "", "created_at": "2026-01-05T03:00:00.000Z",
        "type": "captain_assistant",
    })
}

/// A person, as assignments and `GET agents` show them.
pub(super) fn agent(chatwoot: &Chatwoot, id: u64, account: u64) -> Value {
    match chatwoot.settings.agent(id) {
        Some(agent) => json!({
            "id": id,
            "account_id": account,
            "availability_status": "online",
            "auto_offline": true,
            "confirmed": true,
            "email": agent.email,
            "provider": "email",
            "available_name": agent.available_name,
            "name": agent.name,
            "role": agent.role,
            "thumbnail": "",
        }),
        None => Value::Null,
    }
}

/// The bot, as assignments show it.
pub(super) fn assigned_bot(chatwoot: &Chatwoot) -> Value {
    let bot = &chatwoot.settings.bot;
    json!({ "id": bot.id, "name": bot.name, "description": "", "thumbnail": "" })
}

/// A team, as assignments show it.
pub(super) fn team(chatwoot: &Chatwoot, id: u64, account: u64) -> Value {
    match chatwoot.settings.team(id) {
        Some(team) => json!({
            "id": id,
            "name": team.name,
            "description": team.description,
            "allow_auto_assign": true,
            "account_id": account,
            "created_at": "2026-01-05T03:00:00.000Z",
            "updated_at": "2026-01-05T03:00:00.000Z",
        }),
        None => Value::Null,
    }
}

/// Whoever wrote a message, as the API shows them; null is left out there.
fn sender(chatwoot: &Chatwoot, conversation: &Conversation, message: &Message) -> Value {
    match message.sender {
        Sender::Contact => contact(&conversation.contact),
        Sender::User(id) => user(chatwoot, id),
        Sender::Bot => bot(chatwoot),
        Sender::Captain => captain(),
        Sender::Nobody => Value::Null,
    }
}

fn attached(message: &Message) -> Vec<Value> {
    message.attachments.iter().map(|attachment| Value::Object(attachment.payload.clone())).collect()
}

fn put(shown: &mut Value, name: &str, value: Value) {
    if let Some(fields) = shown.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// A message in the API: its kind is a number, its time in seconds.
pub(super) fn message(chatwoot: &Chatwoot, conversation: &Conversation, message: &Message) -> Value {
    let mut shown = json!({
        "id": message.id,
        "content": message.content,
        "inbox_id": conversation.inbox,
        "conversation_id": conversation.at.1,
        "message_type": message.kind.number(),
        "content_type": message.content_type,
        "status": message.status,
        "content_attributes": message.content_attributes,
        "created_at": seconds(message.created_ms),
        "private": message.private,
        "source_id": message.source_id,
    });
    if let Some(echo) = &message.echo_id {
        put(&mut shown, "echo_id", echo.clone());
    }
    let sender = sender(chatwoot, conversation, message);
    if !sender.is_null() {
        put(&mut shown, "sender", sender);
    }
    if !message.attachments.is_empty() {
        put(&mut shown, "attachments", Value::Array(attached(message)));
    }
    shown
}

/// A message inside of a conversation: `push_event_data`.
fn inner(chatwoot: &Chatwoot, conversation: &Conversation, message: &Message, attachments: Attachments) -> Value {
    let (sender_type, sender_id) = match message.sender {
        Sender::Contact => (Some("Contact"), Some(conversation.contact.id)),
        Sender::User(id) => (Some("User"), Some(id)),
        Sender::Bot => (Some("AgentBot"), Some(chatwoot.settings.bot.id)),
        Sender::Captain => (Some("Captain::Assistant"), Some(2)),
        Sender::Nobody => (None, None),
    };
    let mut shown = json!({
        "id": message.id,
        "content": message.content,
        "account_id": conversation.at.0,
        "inbox_id": conversation.inbox,
        "conversation_id": conversation.at.1,
        "message_type": message.kind.number(),
        "created_at": seconds(message.created_ms),
        "updated_at": iso_ms(message.updated_ms),
        "private": message.private,
        "status": message.status,
        "source_id": message.source_id,
        "content_type": message.content_type,
        "content_attributes": message.content_attributes,
        "sender_type": sender_type,
        "sender_id": sender_id,
        "external_source_ids": {},
        "additional_attributes": {},
        "processed_message_content": message.content,
        "sentiment": {},
        "conversation": {
            "assignee_id": conversation.assignee,
            "unread_count": conversation.unread,
            "last_activity_at": seconds(conversation.last_activity_ms),
            "contact_inbox": { "source_id": source_of(conversation) },
        },
    });
    if attachments == Attachments::Shown && !message.attachments.is_empty() {
        put(&mut shown, "attachments", Value::Array(attached(message)));
    }
    let sender = sender(chatwoot, conversation, message);
    if !sender.is_null() {
        put(&mut shown, "sender", sender);
    }
    shown
}

fn source_of(conversation: &Conversation) -> String {
    derived_uid(&["contact_inbox", &conversation.contact.id.to_string(), &conversation.inbox.to_string()])
}

/// What a browser tells of itself; other channels have nothing to tell.
fn additional(conversation: &Conversation) -> Value {
    if conversation.channel != "Channel::WebWidget" {
        return json!({});
    }
    json!({
        "browser": {
            "device_name": "Unknown", "browser_name": "Firefox", "platform_name": "Linux", "browser_version": "139.0",
            "platform_version": "0",
        },
        "referer": "https://saltbush.example/collections/lamps",
        "initiated_at": { "timestamp": "Mon Jun 01 2026 17:46:40 GMT+1000" },
        "browser_language": "en",
    })
}

/// A conversation, as webhooks show it.
pub(super) fn conversation(chatwoot: &Chatwoot, one: &Conversation, attachments: Attachments) -> Value {
    let newest = one.newest_in_sight().map(|message| inner(chatwoot, one, message, attachments));
    let assignee = match (one.assignee, one.bot_assigned) {
        (Some(id), _) => user(chatwoot, id),
        (None, true) => bot(chatwoot),
        (None, false) => Value::Null,
    };
    let team =
        one.team.and_then(|id| chatwoot.settings.team(id)).map(|team| json!({ "id": team.id, "name": team.name }));
    let (active, created) = (seconds(one.last_activity_ms), iso_ms(one.created_ms));
    let updated = Map::from_iter([("updated_at".to_owned(), float_seconds(one.updated_ms))]);
    let mut shown = json!({
        "additional_attributes": additional(one),
        "can_reply": true,
        "channel": one.channel,
        "contact_inbox": {
            "id": one.contact.id + 6_451,
            "contact_id": one.contact.id,
            "inbox_id": one.inbox,
            "source_id": source_of(one),
            "created_at": created,
            "updated_at": created,
            "hmac_verified": false,
            "pubsub_token": format!("FICTIONALpubsubTOKEN{:04}", one.contact.id),
        },
        "id": one.at.1,
        "inbox_id": one.inbox,
        "messages": newest.into_iter().collect::<Vec<_>>(),
        "labels": one.labels,
        "meta": {
            "sender": contact(&one.contact),
            "assignee": assignee,
            "assignee_type": one.assignee_type(),
            "team": team,
            "hmac_verified": false,
        },
        "status": one.status,
        "custom_attributes": one.custom_attributes,
        "snoozed_until": one.snoozed_until,
        "unread_count": one.unread,
        "first_reply_created_at": one.first_reply_ms.map(iso_ms),
        "priority": one.priority,
        "waiting_since": one.waiting_since_ms.map_or(0, seconds),
        "agent_last_seen_at": 0,
        "contact_last_seen_at": active,
        "last_activity_at": active,
        "timestamp": active,
        "created_at": seconds(one.created_ms),
        "account": account(chatwoot, one.at.0),
    });
    if let Some(fields) = shown.as_object_mut() {
        fields.extend(updated);
    }
    shown
}

/// Seconds with their fraction: `1780300000.402`.
fn float_seconds(at_ms: i64) -> Value {
    let text = format!("{}.{:03}", at_ms.div_euclid(1000), at_ms.rem_euclid(1000));
    text.parse::<f64>().map_or(Value::Null, |number| json!(number))
}

/// A message, as webhooks show it: the message is the top level, its kind is a word, its time a text.
pub(super) fn message_event(
    chatwoot: &Chatwoot,
    one: &Conversation,
    message: &Message,
    event: &str,
    attachments: Attachments,
) -> Value {
    let sender = match message.sender {
        Sender::Contact => contact_sender(chatwoot, one),
        Sender::User(id) => match chatwoot.settings.agent(id) {
            Some(agent) => json!({ "id": id, "name": agent.name, "email": agent.email, "type": "user" }),
            None => Value::Null,
        },
        Sender::Bot => {
            let bot = &chatwoot.settings.bot;
            json!({ "id": bot.id, "name": bot.name, "type": "agent_bot" })
        }
        Sender::Captain => captain(),
        Sender::Nobody => Value::Null,
    };
    let mut shown = json!({
        "account": account(chatwoot, one.at.0),
        "additional_attributes": {},
        "content_attributes": message.content_attributes,
        "content_type": message.content_type,
        "content": message.content,
        "conversation": conversation(chatwoot, one, attachments),
        "created_at": iso_ms(message.created_ms),
        "id": message.id,
        "inbox": inbox(chatwoot, one.inbox),
        "message_type": message.kind,
        "private": message.private,
        "sender": sender,
        "source_id": message.source_id,
        "event": event,
    });
    if attachments == Attachments::Shown && !message.attachments.is_empty() {
        put(&mut shown, "attachments", Value::Array(attached(message)));
    }
    shown
}

/// What happened to a conversation, as webhooks show it.
pub(super) fn conversation_event(
    chatwoot: &Chatwoot,
    one: &Conversation,
    event: &str,
    changes: Option<Value>,
) -> Value {
    let mut shown = conversation(chatwoot, one, Attachments::Shown);
    put(&mut shown, "event", json!(event));
    if let Some(changes) = changes {
        put(&mut shown, "changed_attributes", changes);
    }
    shown
}

/// The list of messages: `meta` and `payload`.
pub(super) fn list(chatwoot: &Chatwoot, one: &Conversation, messages: &[&Message]) -> Value {
    json!({
        "meta": {
            "labels": one.labels,
            "additional_attributes": additional(one),
            "contact": contact(&one.contact),
            "agent_last_seen_at": null,
            "assignee_last_seen_at": null,
        },
        "payload": messages.iter().map(|known| message(chatwoot, one, known)).collect::<Vec<_>>(),
    })
}

/// `GET conversations/{id}`. Its newest message is of any kind: a note, even a line about what happened.
pub(super) fn show(chatwoot: &Chatwoot, one: &Conversation) -> Value {
    let newest = one.messages.last().map(|message| inner(chatwoot, one, message, Attachments::Shown));
    let said = one.messages.iter().rev().find(|message| message.kind != Kind::Activity);
    let said = said.map(|message| inner(chatwoot, one, message, Attachments::Shown));
    let mut meta = json!({ "sender": contact(&one.contact), "channel": one.channel, "hmac_verified": false });
    match (one.assignee, one.bot_assigned) {
        (Some(id), _) => put(&mut meta, "assignee", agent(chatwoot, id, one.at.0)),
        (None, true) => put(&mut meta, "assignee", assigned_bot(chatwoot)),
        (None, false) => {}
    }
    if let Some(kind) = one.assignee_type() {
        put(&mut meta, "assignee_type", json!(kind));
    }
    if let Some(id) = one.team {
        put(&mut meta, "team", team(chatwoot, id, one.at.0));
    }
    let active = seconds(one.last_activity_ms);
    let number = one.at.1.to_string();
    json!({
        "meta": meta,
        "id": one.at.1,
        "messages": newest.into_iter().collect::<Vec<_>>(),
        "account_id": one.at.0,
        "uuid": derived_uid(&["conversation", &one.at.0.to_string(), &number]),
        "additional_attributes": additional(one),
        "agent_last_seen_at": 0,
        "assignee_last_seen_at": 0,
        "can_reply": true,
        "contact_last_seen_at": active,
        "custom_attributes": one.custom_attributes,
        "inbox_id": one.inbox,
        "labels": one.labels,
        "muted": false,
        "snoozed_until": one.snoozed_until,
        "status": one.status,
        "created_at": seconds(one.created_ms),
        "updated_at": float_seconds(one.updated_ms),
        "timestamp": active,
        "first_reply_created_at": one.first_reply_ms.map_or(0, seconds),
        "unread_count": one.unread,
        "last_non_activity_message": said,
        "last_activity_at": active,
        "priority": one.priority,
        "waiting_since": one.waiting_since_ms.map_or(0, seconds),
        "sla_policy_id": null,
    })
}

/// All of it, for those who steer.
pub(super) fn report(chatwoot: &Chatwoot, one: &Conversation) -> Value {
    json!({
        "account": one.at.0,
        "conversation": one.at.1,
        "inbox": one.inbox,
        "channel": one.channel,
        "status": one.status,
        "contact": contact(&one.contact),
        "assignee_id": one.assignee,
        "assignee_type": one.assignee_type(),
        "team_id": one.team,
        "labels": one.labels,
        "priority": one.priority,
        "custom_attributes": one.custom_attributes,
        "messages": one.messages.iter().map(|known| message(chatwoot, one, known)).collect::<Vec<_>>(),
        "typing": one.typing,
        "assignments": one.assignments,
        "statuses": one.statuses,
    })
}
