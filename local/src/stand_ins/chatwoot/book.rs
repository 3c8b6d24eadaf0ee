//! The conversations.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

/// Account, and number of the conversation within it.
pub(crate) type At = (u64, u64);

/// Before the first id that is given out.
const MESSAGES_FROM: u64 = 88_118;
const ATTACHMENTS_FROM: u64 = 6_100;
const CONTACTS_FROM: u64 = 9_050;
const CONVERSATIONS_FROM: u64 = 417;

/// A customer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contact {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) identifier: Option<String>,
    pub(crate) blocked: bool,
    pub(crate) custom_attributes: Map<String, Value>,
    pub(crate) additional_attributes: Map<String, Value>,
}

impl Contact {
    /// Lays what control says over it.
    pub(crate) fn say(&mut self, fields: &Map<String, Value>) -> Result<(), String> {
        for (name, value) in fields {
            let text = || match value {
                Value::Null => Ok(None),
                Value::String(text) => Ok(Some(text.clone())),
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    Err(format!("a contact's {name} is a text"))
                }
            };
            let object = || value.as_object().cloned().ok_or_else(|| format!("a contact's {name} is an object"));
            match name.as_str() {
                "id" => self.id = value.as_u64().ok_or("a contact's id is a number")?,
                "name" => self.name = text()?,
                "email" => self.email = text()?,
                "phone" | "phone_number" => self.phone_number = text()?,
                "identifier" => self.identifier = text()?,
                "blocked" => self.blocked = value.as_bool().ok_or("blocked is true or false")?,
                "custom_attributes" => self.custom_attributes = object()?,
                "additional_attributes" => self.additional_attributes = object()?,
                other => return Err(format!("a contact has no such field: {other}")),
            }
        }
        Ok(())
    }
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The conversation's contact.
    Contact,
    User(u64),
    Bot,
    /// Chatwoot's own assistant.
    Captain,
    /// A greeting, an automation, an echo.
    Nobody,
}

/// What kind of message it is: a number in the API, a word in webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Incoming,
    Outgoing,
    Activity,
    Template,
}

impl Kind {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Incoming => 0,
            Self::Outgoing => 1,
            Self::Activity => 2,
            Self::Template => 3,
        }
    }
}

/// Something that came with a message, as its payload has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attachment {
    pub(crate) id: u64,
    pub(crate) payload: Map<String, Value>,
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) content: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) private: bool,
    pub(crate) content_type: String,
    pub(crate) content_attributes: Map<String, Value>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) source_id: Option<String>,
    pub(crate) sender: Sender,
    pub(crate) status: &'static str,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) echo_id: Option<Value>,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) at: At,
    pub(crate) inbox: u64,
    pub(crate) channel: String,
    pub(crate) contact: Contact,
    pub(crate) status: String,
    pub(crate) assignee: Option<u64>,
    pub(crate) bot_assigned: bool,
    pub(crate) team: Option<u64>,
    pub(crate) labels: Vec<String>,
    pub(crate) custom_attributes: Map<String, Value>,
    pub(crate) priority: Option<String>,
    pub(crate) snoozed_until: Option<Value>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) last_activity_ms: i64,
    pub(crate) waiting_since_ms: Option<i64>,
    pub(crate) first_reply_ms: Option<i64>,
    pub(crate) unread: u64,
    pub(crate) messages: Vec<Message>,
    /// `{at_ms, typing_status, is_private, by}`
    pub(crate) typing: Vec<Value>,
    /// `{at_ms, by, asked, assignee_id, assignee_type, team_id}`
    pub(crate) assignments: Vec<Value>,
    /// `{at_ms, by, from, to}`
    pub(crate) statuses: Vec<Value>,
}

impl Conversation {
    pub(crate) fn message(&self, id: u64) -> Option<&Message> {
        self.messages.iter().find(|message| message.id == id)
    }

    /// The newest that a customer sees: what `messages[0]` of a webhook is.
    pub(crate) fn newest_in_sight(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| !message.private && message.kind != Kind::Activity)
    }

    /// Sets the status; whether that changed anything.
    pub(crate) fn set_status(&mut self, status: &str, by: &str, now_ms: i64) -> bool {
        if self.status == status {
            return false;
        }
        self.statuses.push(json!({ "at_ms": now_ms, "by": by, "from": self.status, "to": status }));
        status.clone_into(&mut self.status);
        self.updated_ms = now_ms;
        true
    }

    /// `User`, `AgentBot` or nothing.
    pub(crate) fn assignee_type(&self) -> Option<&'static str> {
        match (self.assignee, self.bot_assigned) {
            (Some(_), _) => Some("User"),
            (None, true) => Some("AgentBot"),
            (None, false) => None,
        }
    }
}

/// All of them, and the numbers that are given out.
#[derive(Debug)]
pub(crate) struct Book {
    conversations: BTreeMap<At, Conversation>,
    last_message: u64,
    last_attachment: u64,
    last_contact: u64,
    last_conversation: u64,
}

impl Book {
    /// An empty one. `seen`: the last message that anybody knows of.
    pub(crate) fn starting_after(seen: Option<u64>) -> Self {
        Self {
            conversations: BTreeMap::new(),
            // Others were between those that customers saw.
            last_message: seen.map_or(MESSAGES_FROM, |seen| seen + 1_000),
            last_attachment: ATTACHMENTS_FROM,
            last_contact: CONTACTS_FROM,
            last_conversation: CONVERSATIONS_FROM,
        }
    }

    pub(crate) fn forget(&mut self) {
        self.conversations.clear();
    }

    pub(crate) fn get(&self, at: At) -> Option<&Conversation> {
        self.conversations.get(&at)
    }

    pub(crate) fn get_mut(&mut self, at: At) -> Option<&mut Conversation> {
        self.conversations.get_mut(&at)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations.values()
    }

    pub(crate) fn put(&mut self, conversation: Conversation) {
        self.last_conversation = self.last_conversation.max(conversation.at.1);
        self.conversations.insert(conversation.at, conversation);
    }

    /// Where a message is. Ids of messages are the installation's.
    pub(crate) fn place_of(&self, message: u64) -> Option<At> {
        self.all().find(|one| one.message(message).is_some()).map(|one| one.at)
    }

    /// Puts a message into its conversation.
    pub(crate) fn push(&mut self, at: At, message: Message) {
        let Some(conversation) = self.conversations.get_mut(&at) else { return };
        let at_ms = message.created_ms;
        conversation.last_activity_ms = at_ms;
        conversation.updated_ms = at_ms;
        match (message.kind, message.sender) {
            (Kind::Incoming, _) => {
                conversation.unread += 1;
                conversation.waiting_since_ms.get_or_insert(at_ms);
            }
            (Kind::Outgoing, sender) if !message.private => {
                conversation.waiting_since_ms = None;
                if matches!(sender, Sender::User(_)) {
                    conversation.unread = 0;
                    conversation.first_reply_ms.get_or_insert(at_ms);
                }
            }
            (Kind::Outgoing | Kind::Activity | Kind::Template, _) => {}
        }
        conversation.messages.push(message);
    }

    pub(crate) fn message_id(&mut self) -> u64 {
        self.last_message += 1;
        self.last_message
    }

    pub(crate) fn attachment_id(&mut self) -> u64 {
        self.last_attachment += 1;
        self.last_attachment
    }

    pub(crate) fn contact_id(&mut self) -> u64 {
        self.last_contact += 1;
        self.last_contact
    }

    pub(crate) fn conversation_id(&mut self) -> u64 {
        self.last_conversation += 1;
        self.last_conversation
    }
}
