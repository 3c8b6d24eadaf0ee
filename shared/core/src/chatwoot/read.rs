//! Reads deliveries.
//!
//! Chatwoot's payload is the message itself with a few objects around it. Tests and installations behind a program of
//! somebody's may wrap the message in `message`; both are read. A field of the wrong type counts as missing, and what is
//! not clearly a customer's is not answered. Nothing is ever read from `conversation.messages`: that is the newest message
//! when the webhook was made, which need not be this one.

mod attachment;
mod fields;

use serde_json::Value;

use super::{
    Assignee, Attached, Attachment, Channel, ChatwootMessage, ConversationRef, Delivery, IgnoreReason, Kind, Standing,
    Status, TEXT_CHARS_MAX,
};
use crate::{inbox::RejectReason, outbound::Choice};
use fields::{as_id, as_text, at, id, moment, text, truth};

pub use attachment::read_attachments;

/// Fields of a form that are looked at.
const SUBMITTED_MAX: usize = 50;
/// Characters kept of each of them.
const SUBMITTED_CHARS_MAX: usize = 2_000;
/// Longer ids of events are none.
const EVENT_ID_CHARS_MAX: usize = 200;
/// The key of the mark that our own posts carry.
const OUR_MARK: &str = "frontdesk";

/// Reads a delivery whose signature held.
///
/// # Errors
/// When it is no event of a known shape.
pub fn parse(body: &[u8]) -> Result<Delivery, RejectReason> {
    let whole: Value =
        serde_json::from_slice(body).map_err(|e| RejectReason::Malformed { line: e.line(), column: e.column() })?;
    let event = whole.get("event").and_then(Value::as_str).map(str::trim).filter(|e| !e.is_empty());
    let source = Source::of(&whole);
    let verdict = match event.ok_or(RejectReason::UnknownShape)? {
        "message_created" => created(&source),
        "message_updated" => updated(&source),
        _ => Err(IgnoreReason::OtherEvent),
    };
    match verdict {
        Err(reason) => Ok(Delivery::Ignored(reason)),
        Ok(kind) => source.message(kind).map(|m| Delivery::Message(Box::new(m))).ok_or(RejectReason::UnknownShape),
    }
}

/// The account that a body is about.
#[must_use]
pub fn account_of(body: &[u8]) -> Option<u64> {
    let whole: Value = serde_json::from_slice(body).ok()?;
    Source::of(&whole).account()
}

/// What a new message is, or why it needs no work.
fn created(source: &Source<'_>) -> Result<Kind, IgnoreReason> {
    source.not_for_people_only()?;
    source.sent_by_a_contact()?;
    if source.way() != Way::Incoming {
        return Err(IgnoreReason::Outgoing);
    }
    source.not_an_echo()?;
    source.not_blocked()?;
    if source.is_deleted() { Err(IgnoreReason::NothingNew) } else { Ok(Kind::Created) }
}

/// What an update brings, or why it needs no work.
fn updated(source: &Source<'_>) -> Result<Kind, IgnoreReason> {
    source.not_for_people_only()?;
    if source.is_deleted() {
        return Err(IgnoreReason::NothingNew);
    }
    // Whoever sent the message: what was asked is ours, what was filled in is the customer's.
    if !source.submitted().is_empty() {
        source.not_blocked()?;
        return Ok(Kind::Submitted);
    }
    let (attachments, _) = attachment::read(source.attachments());
    let written_down = attachments.iter().any(|a| a.transcript.is_some());
    if source.way() != Way::Incoming || source.sent_by_a_contact().is_err() || !written_down {
        return Err(IgnoreReason::NothingNew);
    }
    source.not_an_echo()?;
    source.not_blocked()?;
    Ok(Kind::Transcribed)
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Incoming,
    Outgoing,
    Template,
    Activity,
    Unknown,
}

/// A delivery: the message, and what stands around it.
struct Source<'a> {
    whole: &'a Value,
    message: &'a Value,
}

impl<'a> Source<'a> {
    fn of(whole: &'a Value) -> Self {
        let wrapped = whole.get("message").filter(|m| m.is_object());
        let bare = ["content", "message_type"].iter().any(|key| whole.get(key).is_some());
        Self { whole, message: wrapped.filter(|_| !bare).unwrap_or(whole) }
    }

    /// What the message says, else what stands beside it.
    fn at(&self, paths: &[&str]) -> Option<&'a Value> {
        at(self.message, paths).or_else(|| at(self.whole, paths))
    }

    fn text(&self, paths: &[&str]) -> Option<String> {
        text(self.message, paths).or_else(|| text(self.whole, paths))
    }

    fn account(&self) -> Option<u64> {
        let paths = ["account.id", "conversation.account.id", "account_id", "account"];
        id(self.whole, &paths).or_else(|| id(self.message, &paths))
    }

    fn conversation(&self) -> Option<ConversationRef> {
        let conversation = id(self.message, &["conversation.id"]).or_else(|| id(self.whole, &["conversation.id"]))?;
        Some(ConversationRef { account: self.account()?, conversation })
    }

    fn attachments(&self) -> Option<&'a Value> {
        self.at(&["attachments"])
    }

    fn attribute(&self, name: &str) -> Option<&'a Value> {
        self.at(&["content_attributes"])?.get(name).filter(|v| !v.is_null())
    }

    fn way(&self) -> Way {
        let said = self.text(&["message_type", "direction"]).unwrap_or_default();
        match said.trim().to_ascii_lowercase().as_str() {
            "incoming" | "inbound" | "0" => Way::Incoming,
            "outgoing" | "outbound" | "1" => Way::Outgoing,
            "activity" | "2" => Way::Activity,
            "template" | "3" => Way::Template,
            _ => Way::Unknown,
        }
    }

    /// Neither a note, nor what Chatwoot says by itself.
    fn not_for_people_only(&self) -> Result<(), IgnoreReason> {
        if self.at(&["private"]).and_then(truth) == Some(true) {
            return Err(IgnoreReason::Private);
        }
        match self.way() {
            Way::Template => Err(IgnoreReason::Template),
            Way::Activity => Err(IgnoreReason::Activity),
            Way::Incoming | Way::Outgoing | Way::Unknown => Ok(()),
        }
    }

    /// Chatwoot names no type for contacts, and nobody where nobody wrote.
    fn sent_by_a_contact(&self) -> Result<(), IgnoreReason> {
        let sender = self.at(&["sender"]);
        if sender.is_some_and(|s| !s.is_object()) {
            return Err(IgnoreReason::SentByOther);
        }
        let kinds = [sender.and_then(|s| s.get("type")), self.at(&["sender_type"])];
        kinds.into_iter().flatten().filter(|kind| !kind.is_null()).try_for_each(sender_kind)?;
        // A mail program answering by itself: two of them would write to each other for ever.
        match self.attribute("email").and_then(|email| email.get("auto_reply")).and_then(truth) {
            Some(true) => Err(IgnoreReason::SentByBot),
            Some(false) | None => Ok(()),
        }
    }

    fn not_an_echo(&self) -> Result<(), IgnoreReason> {
        let echo = self.attribute("external_echo").and_then(truth) == Some(true);
        let made = [OUR_MARK, "automation_rule_id"].iter().any(|key| self.attribute(key).is_some());
        if echo || made { Err(IgnoreReason::Echo) } else { Ok(()) }
    }

    fn not_blocked(&self) -> Result<(), IgnoreReason> {
        let said = [self.at(&["sender.blocked"]), self.at(&["conversation.meta.sender.blocked"])];
        let blocked = said.into_iter().flatten().any(|b| truth(b) == Some(true));
        if blocked { Err(IgnoreReason::Blocked) } else { Ok(()) }
    }

    fn is_deleted(&self) -> bool {
        self.attribute("deleted").and_then(truth) == Some(true)
    }

    /// What was chosen or filled in.
    fn submitted(&self) -> Vec<Choice> {
        let values = match self.attribute("submitted_values") {
            Some(Value::Array(list)) => list.iter().take(SUBMITTED_MAX).filter_map(submitted_value).collect(),
            Some(Value::Object(fields)) => fields
                .iter()
                .take(SUBMITTED_MAX)
                .filter_map(|(name, v)| choice(Some(name), as_words(v).as_deref()))
                .collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => Vec::new(),
        };
        if !values.is_empty() {
            return values;
        }
        let email = self.attribute("submitted_email").and_then(Value::as_str);
        email.and_then(|email| choice(Some("email"), Some(email))).into_iter().collect()
    }

    /// The words. Of an e-mail those that are new: the thread below them was said before, by whomever. (Chatwoot calls what
    /// its trimmer leaves `quoted`, and the mail as it came `reply`.)
    fn words(&self) -> Option<String> {
        let is_mail = self.text(&["content_type"]).is_some_and(|t| t.trim().eq_ignore_ascii_case("incoming_email"));
        let paths = ["text_content.quoted", "text_content.reply", "html_content.quoted"];
        let mail = self.attribute("email").filter(|_| is_mail).and_then(|email| text(email, &paths));
        let words = mail.or_else(|| self.text(&["content"]))?;
        let words: String = words.trim().chars().take(TEXT_CHARS_MAX).collect();
        (!words.is_empty()).then_some(words)
    }

    fn standing(&self) -> Standing {
        let status = match self.text(&["conversation.status"]).unwrap_or_default().trim().to_ascii_lowercase().as_str()
        {
            "pending" => Status::Pending,
            "open" => Status::Open,
            "resolved" => Status::Resolved,
            "snoozed" => Status::Snoozed,
            _ => Status::Unknown,
        };
        let kinds = ["conversation.meta.assignee_type", "conversation.meta.assignee.type"];
        let assignee = match self.at(&["conversation.meta.assignee"]) {
            None => Assignee::Nobody,
            Some(_) if self.text(&kinds).is_some_and(|kind| squeezed(&kind) == "agentbot") => Assignee::Bot,
            Some(_) => Assignee::Person,
        };
        Standing { status, assignee }
    }

    fn channel(&self) -> Channel {
        let said = self.text(&["conversation.channel"]).map(|c| squeezed(&c)).unwrap_or_default();
        match said.strip_prefix("channel").unwrap_or(&said) {
            "webwidget" => Channel::WebWidget,
            "whatsapp" => Channel::Whatsapp,
            "telegram" => Channel::Telegram,
            "line" => Channel::Line,
            "facebookpage" | "facebook" => Channel::Facebook,
            "api" => Channel::Api,
            _ => Channel::Other,
        }
    }

    /// The customer's number. The sender of an answered question is our bot.
    fn phone(&self) -> Option<String> {
        let phone = self.text(&["sender.phone_number", "conversation.meta.sender.phone_number"])?;
        Some(phone.trim().chars().take(40).collect())
    }

    fn event_id(&self) -> Option<String> {
        let said = as_text(at(self.whole, &["event_id"])?)?;
        let said = said.trim();
        (said.chars().count() <= EVENT_ID_CHARS_MAX).then(|| said.to_owned())
    }

    /// All that is kept; `None` when it does not say which message of which conversation it is.
    fn message(&self, kind: Kind) -> Option<ChatwootMessage> {
        let submitted = match kind {
            Kind::Submitted => self.submitted(),
            Kind::Created | Kind::Transcribed => Vec::new(),
        };
        let text = match kind {
            // It is the question.
            Kind::Submitted => None,
            Kind::Created | Kind::Transcribed => self.words(),
        };
        let (attachments, all) = attachment::read(self.attachments());
        let attached = match kind {
            Kind::Submitted => Attached::Listed(Vec::new()),
            Kind::Created | Kind::Transcribed if is_complete(text.as_deref(), &attachments, all) => {
                Attached::Listed(attachments)
            }
            Kind::Created | Kind::Transcribed => Attached::Incomplete(attachments),
        };
        Some(ChatwootMessage {
            event_id: self.event_id(),
            kind,
            at: self.conversation()?,
            inbox: self.at(&["inbox.id"]).and_then(as_id).or_else(|| as_id(self.at(&["conversation.inbox_id"])?)),
            id: id(self.message, &["id"])?,
            text,
            submitted,
            attached,
            channel: self.channel(),
            standing: self.standing(),
            phone: self.phone(),
            created_at_ms: moment(self.message, &["created_at"]).or_else(|| moment(self.whole, &["created_at"])),
        })
    }
}

/// A message without words and files is one whose file is attached after the webhook was made.
fn is_complete(text: Option<&str>, attachments: &[Attachment], all: bool) -> bool {
    all && (text.is_some() || !attachments.is_empty()) && attachments.iter().all(attachment::is_complete)
}

/// Who wrote, in a word: `agent_bot`, `AgentBot` and `Agent Bot` are the same.
fn sender_kind(kind: &Value) -> Result<(), IgnoreReason> {
    let Some(said) = kind.as_str().map(squeezed) else { return Err(IgnoreReason::SentByOther) };
    match said.as_str() {
        "" | "contact" => Ok(()),
        "user" | "agent" => Err(IgnoreReason::SentByAgent),
        "agentbot" | "bot" | "system" => Err(IgnoreReason::SentByBot),
        other if other.contains("captain") => Err(IgnoreReason::SentByCaptain),
        _ => Err(IgnoreReason::SentByOther),
    }
}

/// Letters and digits only, in lower case.
fn squeezed(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>().to_ascii_lowercase()
}

fn submitted_value(value: &Value) -> Option<Choice> {
    let title = text(value, &["title", "name", "label"]);
    let value = as_words(value).or_else(|| value.get("value").and_then(as_words));
    choice(title.as_deref(), value.as_deref())
}

/// A text, a number, a tick.
fn as_words(value: &Value) -> Option<String> {
    match value {
        Value::Bool(tick) => Some(if *tick { "yes" } else { "no" }.to_owned()),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => as_text(value),
    }
}

fn choice(title: Option<&str>, value: Option<&str>) -> Option<Choice> {
    let tidy = |text: &str| text.trim().chars().take(SUBMITTED_CHARS_MAX).collect::<String>();
    let title = title.map(tidy).filter(|t| !t.is_empty());
    let value = value.map(tidy).filter(|v| !v.is_empty());
    let (title, value) = match (title, value) {
        (Some(title), Some(value)) => (title, value),
        (Some(one), None) | (None, Some(one)) => (one.clone(), one),
        (None, None) => return None,
    };
    Some(Choice { title, value })
}
