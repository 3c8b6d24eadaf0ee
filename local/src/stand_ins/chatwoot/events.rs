//! What happens in conversations, and who is told of it.

use std::iter;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Chatwoot;
use super::book::{At, Attachment, Contact, Conversation, Kind, Message, Sender};
use super::media::{Content, File};
use super::settings::Settings;
use super::view::{self, Attachments};
use super::webhooks::{Happened, tell};
use crate::clock;
use crate::stand_ins::app::State;
use crate::stand_ins::percent::encoded;

/// The account and the inbox of the samples.
const ACCOUNT: u64 = 7;
const INBOX: u64 = 31;
const WIDGET: &str = "Channel::WebWidget";

/// A message to be.
pub(super) struct New {
    pub(super) content: Option<String>,
    pub(super) kind: Kind,
    pub(super) private: bool,
    pub(super) content_type: String,
    pub(super) content_attributes: Map<String, Value>,
    pub(super) source_id: Option<String>,
    pub(super) sender: Sender,
    pub(super) attachments: Vec<Attachment>,
    pub(super) echo_id: Option<Value>,
}

impl New {
    fn text(kind: Kind, sender: Sender, content: Option<String>) -> Self {
        Self {
            content,
            kind,
            private: false,
            content_type: "text".to_owned(),
            content_attributes: Map::new(),
            source_id: None,
            sender,
            attachments: Vec::new(),
            echo_id: None,
        }
    }
}

/// Whom a conversation is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assigned {
    Agent(u64),
    Bot,
    Nobody,
    /// None: no team.
    Team(Option<u64>),
}

/// Who did it, in words.
pub(super) fn name_of(settings: &Settings, who: Sender) -> String {
    match who {
        Sender::User(id) => settings.agent(id).map_or_else(|| format!("user {id}"), |agent| agent.name.clone()),
        Sender::Bot => settings.bot.name.clone(),
        Sender::Contact => "the customer".to_owned(),
        Sender::Captain => "Captain".to_owned(),
        Sender::Nobody => "the system".to_owned(),
    }
}

/// Puts a message into its conversation and tells of it.
pub(super) fn add(state: &mut State, at: At, id: u64, new: New) {
    let telling = new.kind != Kind::Activity;
    push(state, at, id, new);
    if telling {
        tell_of_message(state, at, id, "message_created", Attachments::Shown);
    }
}

fn push(state: &mut State, at: At, id: u64, new: New) {
    let now_ms = clock::now_ms();
    let message = Message {
        id,
        content: new.content,
        kind: new.kind,
        private: new.private,
        content_type: new.content_type,
        content_attributes: new.content_attributes,
        created_ms: now_ms,
        updated_ms: now_ms,
        source_id: new.source_id,
        sender: new.sender,
        status: "sent",
        attachments: new.attachments,
        echo_id: new.echo_id,
    };
    state.chatwoot.book.push(at, message);
}

fn tell_of_message(state: &mut State, at: At, id: u64, event: &str, attachments: Attachments) {
    let chatwoot = &state.chatwoot;
    let Some(conversation) = chatwoot.book.get(at) else { return };
    let Some(message) = conversation.message(id).filter(|message| message.kind != Kind::Activity) else { return };
    let happened = Happened {
        event: event.to_owned(),
        at: Some(at),
        phone: conversation.contact.phone_number.clone(),
        body: view::message_event(chatwoot, conversation, message, event, attachments),
    };
    tell(state, &happened);
}

fn tell_of_conversation(state: &mut State, at: At, event: &str, changes: Option<Value>) {
    let chatwoot = &state.chatwoot;
    let Some(conversation) = chatwoot.book.get(at) else { return };
    let happened = Happened {
        event: event.to_owned(),
        at: Some(at),
        phone: conversation.contact.phone_number.clone(),
        body: view::conversation_event(chatwoot, conversation, event, changes),
    };
    tell(state, &happened);
}

fn change_of(field: &str, before: &Value, after: &Value) -> Value {
    json!({ field: { "previous_value": before, "current_value": after } })
}

/// Sets the status and tells of it, if it is another one.
pub(super) fn set_status(state: &mut State, at: At, status: &str, by: Sender) {
    let by_name = name_of(&state.chatwoot.settings, by);
    let Some(conversation) = state.chatwoot.book.get_mut(at) else { return };
    let before = conversation.status.clone();
    if !conversation.set_status(status, &by_name, clock::now_ms()) {
        return;
    }
    if matches!(by, Sender::User(_)) {
        note(state, at, &format!("Conversation was marked {status} by {by_name}"));
    }
    let changes = json!([change_of("status", &json!(before), &json!(status))]);
    match status {
        "open" => tell_of_conversation(state, at, "conversation_opened", None),
        "resolved" => tell_of_conversation(state, at, "conversation_resolved", None),
        _ => {}
    }
    tell_of_conversation(state, at, "conversation_status_changed", Some(changes.clone()));
    tell_of_conversation(state, at, "conversation_updated", Some(changes));
}

/// A line about what happened; nobody is told of those.
fn note(state: &mut State, at: At, text: &str) {
    let id = state.chatwoot.book.message_id();
    push(state, at, id, New::text(Kind::Activity, Sender::Nobody, Some(text.to_owned())));
}

/// A bot's webhook has failed for good: what was the bot's goes to the people.
pub(super) fn bot_failed(state: &mut State, at: At) {
    if state.chatwoot.book.get(at).is_none_or(|conversation| conversation.status != "pending") {
        return;
    }
    set_status(state, at, "open", Sender::Nobody);
    note(state, at, "Conversation was marked open by system due to an error with the agent bot.");
}

/// Gives a conversation to somebody, and keeps in mind how that was asked for.
pub(super) fn assign(state: &mut State, at: At, assigned: Assigned, by: Sender, asked: &Value) {
    let by_name = name_of(&state.chatwoot.settings, by);
    let moves = state.chatwoot.settings.assigning_changes_status;
    let Some(conversation) = state.chatwoot.book.get_mut(at) else { return };
    let (was_agent, was_bot, was_team) = (conversation.assignee, conversation.bot_assigned, conversation.team);
    match assigned {
        Assigned::Agent(id) => (conversation.assignee, conversation.bot_assigned) = (Some(id), false),
        Assigned::Bot => (conversation.assignee, conversation.bot_assigned) = (None, true),
        Assigned::Nobody => (conversation.assignee, conversation.bot_assigned) = (None, false),
        Assigned::Team(id) => conversation.team = id,
    }
    let now_ms = clock::now_ms();
    let entry = json!({
        "at_ms": now_ms,
        "by": by_name,
        "asked": asked,
        "assignee_id": conversation.assignee,
        "assignee_type": conversation.assignee_type(),
        "team_id": conversation.team,
    });
    conversation.assignments.push(entry);
    let before = view::iso_ms(conversation.updated_ms);
    conversation.updated_ms = now_ms;
    let mut changes = Vec::new();
    if conversation.assignee != was_agent {
        changes.push(change_of("assignee_id", &json!(was_agent), &json!(conversation.assignee)));
    }
    if conversation.team != was_team {
        changes.push(change_of("team_id", &json!(was_team), &json!(conversation.team)));
    }
    let changed = !changes.is_empty() || conversation.bot_assigned != was_bot;
    let status = conversation.status.clone();
    if changed {
        changes.push(change_of("updated_at", &json!(before), &json!(view::iso_ms(now_ms))));
        tell_of_conversation(state, at, "conversation_updated", Some(Value::Array(changes)));
    }
    match assigned {
        Assigned::Bot if moves => set_status(state, at, "pending", by),
        Assigned::Agent(_) if moves && was_bot && status == "pending" => set_status(state, at, "open", by),
        Assigned::Agent(_) | Assigned::Bot | Assigned::Nobody | Assigned::Team(_) => {}
    }
}

/// Keeps a file and makes the attachment of it. `of`: account and message.
pub(super) fn stored(
    chatwoot: &mut Chatwoot,
    of: (u64, u64),
    name: &str,
    content_type: Option<&str>,
    file: File,
) -> Attachment {
    let sent = Sent { name: Some(name.to_owned()), content_type: content_type.map(str::to_owned), ..Sent::default() };
    attach(chatwoot, of, &sent, file)
}

/// What control says of something that a customer sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sent {
    file_type: Option<String>,
    content_type: Option<String>,
    name: Option<String>,
    text: Option<String>,
    base64: Option<String>,
    bytes: Option<u64>,
    /// The payload has neither `content_type` nor `extension`, as before 4.13.
    omit_mime: bool,
    late_404: u32,
    served_content_type: Option<String>,
    no_content_type: bool,
    no_length: bool,
    redirect_to: Option<String>,
    slow_ms: u64,
    status: Option<u16>,
    /// Is elsewhere: then there is no file here.
    data_url: Option<String>,
    transcribed_text: Option<String>,
    /// Laid over the payload at the end.
    fields: Map<String, Value>,
}

impl Sent {
    /// Chatwoot's word for it. Few pictures count as such.
    fn kind(&self) -> String {
        let mime = self.content_type.as_deref().unwrap_or_default();
        let usual = match mime.split_once('/') {
            Some(("image", "jpeg" | "png" | "gif" | "bmp" | "webp")) => "image",
            Some(("audio", _)) => "audio",
            Some(("video", _)) => "video",
            _ => "file",
        };
        self.file_type.clone().unwrap_or_else(|| usual.to_owned())
    }

    fn has_file(&self) -> bool {
        self.text.is_some() || self.base64.is_some() || self.bytes.is_some() || self.name.is_some()
    }

    fn file(&self) -> Result<File, String> {
        let content = match (&self.base64, &self.text, self.bytes) {
            (Some(text), _, _) => {
                let bytes = STANDARD.decode(text).map_err(|error| format!("not base64: {error}"))?;
                Content::These(Bytes::from(bytes))
            }
            (None, Some(text), _) => Content::These(Bytes::from(text.clone())),
            (None, None, size) => Content::Filler(size.unwrap_or(1024)),
        };
        let served = self.served_content_type.clone().or_else(|| self.content_type.clone());
        Ok(File {
            content,
            content_type: served.filter(|_| !self.no_content_type),
            late: self.late_404,
            redirect_to: self.redirect_to.clone(),
            slow_ms: self.slow_ms,
            status: self.status,
            length: !self.no_length,
        })
    }
}

fn attach(chatwoot: &mut Chatwoot, (account, message): (u64, u64), sent: &Sent, file: File) -> Attachment {
    let id = chatwoot.book.attachment_id();
    let kind = sent.kind();
    let name = sent.name.clone().unwrap_or_else(|| "File".to_owned());
    let size = file.content.size();
    let mut payload = Map::from_iter([
        ("id".to_owned(), json!(id)),
        ("message_id".to_owned(), json!(message)),
        ("file_type".to_owned(), json!(kind)),
        ("account_id".to_owned(), json!(account)),
    ]);
    let mut put = |field: &str, value: Value| payload.insert(field.to_owned(), value);
    if let Some(url) = &sent.data_url {
        put("data_url", json!(url));
        put("thumb_url", json!(""));
    } else if sent.has_file() {
        let signed = chatwoot.media.put(id, file);
        let base = chatwoot.base_url();
        let (name, extension) = (encoded(&name), name.rsplit_once('.').map(|(_, extension)| extension.to_owned()));
        let inline = if kind == "audio" { "?disposition=inline" } else { "" };
        put("data_url", json!(format!("{base}/rails/active_storage/blobs/redirect/{signed}/{name}{inline}")));
        let thumb =
            format!("{base}/rails/active_storage/representations/redirect/{signed}/FICTIONALVARIATION--9f8e/{name}");
        put("thumb_url", if kind == "image" { json!(thumb) } else { json!("") });
        put("extension", if sent.omit_mime { Value::Null } else { json!(extension) });
        if !sent.omit_mime {
            put("content_type", json!(sent.content_type));
        }
        put("file_size", json!(size));
        put("width", Value::Null);
        put("height", Value::Null);
    }
    if kind == "audio" {
        put("transcribed_text", json!(sent.transcribed_text.as_deref().unwrap_or_default()));
    }
    payload.extend(sent.fields.clone());
    Attachment { id, payload }
}

fn read<T: for<'de> Deserialize<'de>>(fields: &Value) -> Result<T, String> {
    serde_json::from_value(fields.clone()).map_err(|error| error.to_string())
}

/// What control says that a customer wrote.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Inbound {
    account: Option<u64>,
    /// The number; a new conversation, while null.
    conversation: Option<u64>,
    inbox: Option<u64>,
    channel: Option<String>,
    status: Option<String>,
    contact: Map<String, Value>,
    text: Option<String>,
    content_type: Option<String>,
    content_attributes: Map<String, Value>,
    source_id: Option<String>,
    attachments: Vec<Sent>,
    /// Webhooks do not show what came with it; only the API does.
    omit_attachments: bool,
    /// Nobody is told.
    quiet: bool,
}

/// Puts in what a customer wrote: `POST /_control/chatwoot/inbound`. Returns the ids.
pub(in crate::stand_ins) fn inbound(state: &mut State, fields: &Value) -> Result<Value, String> {
    let said: Inbound = read(fields)?;
    let files: Vec<File> = said.attachments.iter().map(Sent::file).collect::<Result<_, _>>()?;
    let (at, new) = open(state, &said)?;
    let id = state.chatwoot.book.message_id();
    let mut message = New::text(Kind::Incoming, Sender::Contact, said.text.clone());
    message.content_type = said.content_type.clone().unwrap_or(message.content_type);
    message.content_attributes.clone_from(&said.content_attributes);
    message.source_id.clone_from(&said.source_id);
    for (sent, file) in said.attachments.iter().zip(files) {
        message.attachments.push(attach(&mut state.chatwoot, (at.0, id), sent, file));
    }
    let attachments: Vec<Value> = message
        .attachments
        .iter()
        .map(|one| json!({ "id": one.id, "data_url": one.payload.get("data_url") }))
        .collect();
    push(state, at, id, message);
    reopen(state, at, &said);
    if !said.quiet {
        if new {
            tell_of_conversation(state, at, "conversation_created", None);
        }
        let shown = if said.omit_attachments { Attachments::Left } else { Attachments::Shown };
        tell_of_message(state, at, id, "message_created", shown);
    }
    let contact = state.chatwoot.book.get(at).map(|conversation| conversation.contact.id);
    Ok(json!({
        "account": at.0, "conversation": at.1, "message": id, "contact": contact, "attachments": attachments,
    }))
}

/// Whoever writes again after the end begins anew.
fn reopen(state: &mut State, at: At, said: &Inbound) {
    let over = state.chatwoot.book.get(at).is_some_and(|one| one.status == "resolved" || one.status == "snoozed");
    if over && said.status.is_none() {
        let status = if state.chatwoot.settings.bot_connected { "pending" } else { "open" };
        set_status(state, at, status, Sender::Contact);
    }
}

/// Finds the conversation or opens one; whether it is new.
fn open(state: &mut State, said: &Inbound) -> Result<(At, bool), String> {
    let now_ms = clock::now_ms();
    let chatwoot = &mut state.chatwoot;
    let account = said.account.unwrap_or(ACCOUNT);
    let number = said.conversation.unwrap_or_else(|| chatwoot.book.conversation_id());
    let at = (account, number);
    let known = chatwoot.book.get(at).cloned();
    let new = known.is_none();
    let pending = if chatwoot.settings.bot_connected { "pending" } else { "open" };
    let mut conversation = match known {
        Some(conversation) => conversation,
        None => Conversation {
            at,
            inbox: INBOX,
            channel: WIDGET.to_owned(),
            contact: Contact {
                id: chatwoot.book.contact_id(),
                name: Some("Priya Raman".to_owned()),
                email: Some("priya.raman@example.org".to_owned()),
                ..Contact::default()
            },
            status: pending.to_owned(),
            assignee: None,
            bot_assigned: false,
            team: None,
            labels: Vec::new(),
            custom_attributes: Map::new(),
            priority: None,
            snoozed_until: None,
            created_ms: now_ms,
            updated_ms: now_ms,
            last_activity_ms: now_ms,
            waiting_since_ms: None,
            first_reply_ms: None,
            unread: 0,
            messages: Vec::new(),
            typing: Vec::new(),
            assignments: Vec::new(),
            statuses: Vec::new(),
        },
    };
    conversation.contact.say(&said.contact)?;
    conversation.channel = said.channel.clone().unwrap_or(conversation.channel);
    conversation.inbox = said.inbox.unwrap_or(conversation.inbox);
    if let Some(status) = &said.status {
        conversation.status = known_status(status)?;
    }
    chatwoot.settings.know(account, conversation.inbox, &conversation.channel);
    chatwoot.book.put(conversation);
    Ok((at, new))
}

fn known_status(status: &str) -> Result<String, String> {
    let known = ["open", "resolved", "pending", "snoozed"].contains(&status);
    known.then(|| status.to_owned()).ok_or_else(|| format!("there is no status {status:?}"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Submit {
    message: u64,
    /// Of an option.
    value: Option<String>,
    /// What the customer filled in, as it is to be stored.
    values: Option<Value>,
}

/// Clicks on an option: `POST /_control/chatwoot/submit`. The widget changes the message; other channels write a new one.
pub(in crate::stand_ins) fn submit(state: &mut State, fields: &Value) -> Result<Value, String> {
    let asked: Submit = read(fields)?;
    let at = state.chatwoot.book.place_of(asked.message).ok_or("there is no such message")?;
    let conversation = state.chatwoot.book.get_mut(at).ok_or("there is no such conversation")?;
    let channel = conversation.channel.clone();
    let message = conversation.messages.iter_mut().find(|message| message.id == asked.message);
    let message = message.ok_or("there is no such message")?;
    let items = message.content_attributes.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    let chosen = asked.value.as_ref().map(|value| {
        let item = items.into_iter().find(|item| item.get("value").and_then(Value::as_str) == Some(value));
        item.ok_or_else(|| format!("the message has no option {value:?}"))
    });
    let chosen = chosen.transpose()?;
    let part = |name: &str| chosen.as_ref().and_then(|item| item.get(name)).and_then(Value::as_str).map(str::to_owned);
    let words = match channel.as_str() {
        "Channel::Whatsapp" | "Channel::FacebookPage" => part("title"),
        "Channel::Telegram" | "Channel::Line" => part("value"),
        _ => None,
    };
    if let Some(text) = words {
        return inbound(state, &json!({ "account": at.0, "conversation": at.1, "text": text }));
    }
    let submitted = asked.values.or_else(|| chosen.map(|item| json!([item]))).ok_or("value or values is required")?;
    message.content_attributes.insert("submitted_values".to_owned(), submitted);
    message.updated_ms = clock::now_ms();
    tell_of_message(state, at, asked.message, "message_updated", Attachments::Shown);
    Ok(json!({ "account": at.0, "conversation": at.1, "message": asked.message }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    account: Option<u64>,
    conversation: u64,
    text: Option<String>,
    /// A note among the shop's people.
    private: bool,
    /// Which of them.
    by: Option<u64>,
    /// `user`, `template` (a greeting), `echo` (typed in the channel's own app), `captain`, `bot`, `activity`.
    kind: Option<String>,
    content_attributes: Map<String, Value>,
}

/// Writes as one of the shop's people, or as Chatwoot itself: `POST /_control/chatwoot/agent`.
pub(in crate::stand_ins) fn agent(state: &mut State, fields: &Value) -> Result<Value, String> {
    let written: Written = read(fields)?;
    let at = (written.account.unwrap_or(ACCOUNT), written.conversation);
    state.chatwoot.book.get(at).ok_or("there is no such conversation")?;
    let person = Sender::User(written.by.unwrap_or(12));
    let (kind, sender) = match written.kind.as_deref() {
        None | Some("user") => (Kind::Outgoing, person),
        Some("template") => (Kind::Template, Sender::Nobody),
        Some("echo") => (Kind::Outgoing, Sender::Nobody),
        Some("captain") => (Kind::Outgoing, Sender::Captain),
        Some("bot") => (Kind::Outgoing, Sender::Bot),
        Some("activity") => (Kind::Activity, Sender::Nobody),
        Some(other) => return Err(format!("there is no kind {other:?}")),
    };
    let id = state.chatwoot.book.message_id();
    let mut new = New::text(kind, sender, written.text);
    new.private = written.private;
    new.content_attributes = written.content_attributes;
    if written.kind.as_deref() == Some("echo") {
        new.content_attributes.insert("external_echo".to_owned(), json!(true));
    }
    add(state, at, id, new);
    Ok(json!({ "account": at.0, "conversation": at.1, "message": id }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Update {
    message: u64,
    content: Option<String>,
    content_attributes: Map<String, Value>,
    /// What Chatwoot itself has written down of a sound.
    transcribed_text: Option<String>,
    /// `failed`, with `content_attributes.external_error`.
    status: Option<String>,
}

/// Changes a message and tells of it: `POST /_control/chatwoot/update`.
pub(in crate::stand_ins) fn update(state: &mut State, fields: &Value) -> Result<Value, String> {
    let update: Update = read(fields)?;
    let at = state.chatwoot.book.place_of(update.message).ok_or("there is no such message")?;
    let status = match update.status.as_deref() {
        None => None,
        Some("sent") => Some("sent"),
        Some("delivered") => Some("delivered"),
        Some("read") => Some("read"),
        Some("failed") => Some("failed"),
        Some(other) => return Err(format!("there is no status {other:?}")),
    };
    let conversation = state.chatwoot.book.get_mut(at).ok_or("there is no such conversation")?;
    let message = conversation.messages.iter_mut().find(|message| message.id == update.message);
    let message = message.ok_or("there is no such message")?;
    message.content = update.content.or_else(|| message.content.take());
    message.content_attributes.extend(update.content_attributes);
    message.status = status.unwrap_or(message.status);
    message.updated_ms = clock::now_ms();
    if let Some(text) = update.transcribed_text {
        let sounds = message.attachments.iter_mut();
        let sounds = sounds.filter(|one| one.payload.get("file_type").and_then(Value::as_str) == Some("audio"));
        for (sound, text) in sounds.zip(iter::repeat(text)) {
            sound.payload.insert("transcribed_text".to_owned(), json!(text));
        }
    }
    tell_of_message(state, at, update.message, "message_updated", Attachments::Shown);
    Ok(json!({ "account": at.0, "conversation": at.1, "message": update.message }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    event: String,
    body: Map<String, Value>,
}

/// Tells of something that nothing here makes happen, in the words given: `POST /_control/chatwoot/event`.
pub(in crate::stand_ins) fn raw(state: &mut State, fields: &Value) -> Result<(), String> {
    let Raw { event, mut body } = read(fields)?;
    if event.is_empty() {
        return Err("event is required".to_owned());
    }
    body.entry("event").or_insert_with(|| json!(event));
    tell(state, &Happened { event, at: None, phone: None, body: Value::Object(body) });
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Change {
    status: Option<String>,
    /// `{"agent": 12}`, `{"bot": true}`, `{"team": 5}`, `{"nobody": true}`
    assign: Option<Value>,
    contact: Map<String, Value>,
    channel: Option<String>,
    /// Which of the people did it.
    by: Option<u64>,
}

/// Changes a conversation as the shop's people can: `PUT /_control/chatwoot/conversations/{account}/{id}`.
pub(in crate::stand_ins) fn change(state: &mut State, at: At, fields: &Value) -> Result<(), String> {
    let change: Change = read(fields)?;
    let by = Sender::User(change.by.unwrap_or(12));
    let status = change.status.as_deref().map(known_status).transpose()?;
    let conversation = state.chatwoot.book.get_mut(at).ok_or("there is no such conversation")?;
    conversation.contact.say(&change.contact)?;
    if let Some(channel) = change.channel {
        conversation.channel = channel;
    }
    if let Some(asked) = &change.assign {
        let number = |name: &str| asked.get(name).and_then(Value::as_u64);
        let is = |name: &str| asked.get(name) == Some(&Value::Bool(true));
        let assigned = match (number("agent"), number("team")) {
            (Some(agent), _) => Assigned::Agent(agent),
            (None, Some(team)) => Assigned::Team(Some(team)),
            (None, None) if is("bot") => Assigned::Bot,
            (None, None) if is("nobody") => Assigned::Nobody,
            (None, None) => return Err("assign is agent, team, bot or nobody".to_owned()),
        };
        assign(state, at, assigned, by, &Value::Null);
    }
    if let Some(status) = status {
        set_status(state, at, &status, by);
    }
    Ok(())
}
