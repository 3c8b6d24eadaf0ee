//! What Podium knows about people: contacts, conversations and review links.
//!
//! Contacts and conversations come into being with the first message to a phone, so they can be rebuilt from the ledger.
//! Links that were made and never sent are forgotten by a restart; nobody has seen them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::stand_ins::app::derived_uid;
use crate::stand_ins::ledger::Effect;

/// Where review links point to. The uid is in the link, so that a message can be traced to its invitation.
pub(crate) const LINK: &str = "https://podium.example.test/r/";
/// The short form of the same.
pub(crate) const SHORT_LINK: &str = "https://pdm.example.test/";
/// The opt-out flags that the briefs' contacts carry beside `opted_out`.
pub(crate) const BRIEF_FLAGS: [&str; 4] =
    ["marketing_sms_opt_out", "review_request_opt_out", "global_unsubscribe", "podium_keyword_optout"];

/// A person, by phone (or e-mail address).
#[derive(Clone, Debug, Default)]
pub(crate) struct Contact {
    pub(crate) phone: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) locations: BTreeSet<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) opted_out_ms: Option<i64>,
    /// Those of [`BRIEF_FLAGS`] that are set.
    pub(crate) flags: BTreeSet<String>,
}

impl Contact {
    pub(crate) fn uid(&self) -> String {
        derived_uid(&["contact", &self.phone])
    }

    /// Whether any flag of either contract says no.
    pub(crate) fn opted_out(&self) -> bool {
        self.opted_out_ms.is_some() || !self.flags.is_empty()
    }
}

/// One thread with one person at one location.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) uid: String,
    pub(crate) phone: String,
    pub(crate) location: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) last_item_ms: i64,
    pub(crate) closed: bool,
}

/// A review link.
#[derive(Clone, Debug)]
pub(crate) struct Invite {
    pub(crate) uid: String,
    pub(crate) phone: String,
    pub(crate) location: Option<String>,
    pub(crate) created_ms: i64,
}

impl Invite {
    pub(crate) fn url(&self) -> String {
        format!("{LINK}{}", self.uid)
    }

    pub(crate) fn short_url(&self) -> String {
        let code: String = derived_uid(&["short", &self.uid]).chars().filter(|c| *c != '-').take(10).collect();
        format!("{SHORT_LINK}{code}")
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Book {
    contacts: BTreeMap<String, Contact>,
    conversations: Vec<Conversation>,
    invites: Vec<Invite>,
}

impl Book {
    /// Takes in an effect, new or from the ledger's file.
    pub(crate) fn remember(&mut self, effect: &Effect) {
        let location = effect.location.as_deref();
        let contact = self.contact_mut(&effect.phone, effect.at_ms);
        contact.locations.extend(location.map(str::to_owned));
        contact.name = effect.contact_name.clone().or_else(|| contact.name.take());
        self.open_conversation(&effect.conversation, &effect.phone, location, effect.at_ms);
        if let Some(uid) = effect.invitation_id.as_deref().filter(|_| effect.invite_link.is_some())
            && self.invite(uid).is_none()
        {
            let invite = Invite {
                uid: uid.to_owned(),
                phone: effect.phone.clone(),
                location: effect.location.clone(),
                created_ms: effect.at_ms,
            };
            self.add_invite(invite);
        }
    }

    pub(crate) fn contact(&self, phone: &str) -> Option<&Contact> {
        self.contacts.get(phone)
    }

    /// Finds a contact by phone, e-mail address or conversation.
    pub(crate) fn identify(&self, identifier: &str) -> Option<&Contact> {
        self.contact(identifier)
            .or_else(|| self.contacts.values().find(|contact| contact.email.as_deref() == Some(identifier)))
            .or_else(|| self.conversation(identifier).and_then(|found| self.contact(&found.phone)))
    }

    pub(crate) fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.values()
    }

    /// The contact of a phone, made if there is none.
    pub(crate) fn contact_mut(&mut self, phone: &str, now_ms: i64) -> &mut Contact {
        let contact = self.contacts.entry(phone.to_owned()).or_insert_with(|| Contact {
            phone: phone.to_owned(),
            created_ms: now_ms,
            ..Contact::default()
        });
        contact.updated_ms = now_ms;
        contact
    }

    /// Says what a contact looks like: `name`, `email`, `opted_out` and the briefs' four flags.
    pub(crate) fn steer_contact(&mut self, phone: &str, change: &Value, now_ms: i64) -> Result<(), String> {
        let fields = change.as_object().ok_or("a contact is an object")?;
        let contact = self.contact_mut(phone, now_ms);
        for (field, value) in fields {
            match (field.as_str(), value) {
                ("name", Value::String(name)) => contact.name = Some(name.clone()),
                ("email", Value::String(email)) => contact.email = Some(email.clone()),
                ("opted_out", Value::Bool(out)) => contact.opted_out_ms = out.then_some(now_ms),
                (flag, Value::Bool(true)) if BRIEF_FLAGS.contains(&flag) => {
                    contact.flags.insert(flag.to_owned());
                }
                (flag, Value::Bool(false)) if BRIEF_FLAGS.contains(&flag) => {
                    contact.flags.remove(flag);
                }
                _ => return Err(format!("a contact has no such field: {field} = {value}")),
            }
        }
        Ok(())
    }

    pub(crate) fn conversation(&self, uid: &str) -> Option<&Conversation> {
        self.conversations.iter().find(|conversation| conversation.uid == uid)
    }

    /// Latest activity first, as an inbox shows them.
    pub(crate) fn conversations(&self) -> Vec<&Conversation> {
        let mut sorted: Vec<&Conversation> = self.conversations.iter().rev().collect();
        sorted.sort_by_key(|conversation| std::cmp::Reverse(conversation.last_item_ms));
        sorted
    }

    pub(crate) fn conversations_of<'a>(&'a self, phone: &'a str) -> impl Iterator<Item = &'a Conversation> {
        self.conversations.iter().filter(move |conversation| conversation.phone == phone)
    }

    /// The conversation that a message to this phone from this location goes into, or will open.
    pub(crate) fn conversation_for(&self, phone: &str, location: Option<&str>) -> String {
        let found = self.conversations_of(phone).find(|conversation| conversation.location.as_deref() == location);
        found.map_or_else(
            || derived_uid(&["conversation", phone, location.unwrap_or_default()]),
            |conversation| conversation.uid.clone(),
        )
    }

    /// Makes sure that a conversation exists, and moves its last activity.
    pub(crate) fn open_conversation(&mut self, uid: &str, phone: &str, location: Option<&str>, now_ms: i64) {
        match self.conversations.iter_mut().find(|conversation| conversation.uid == uid) {
            Some(conversation) => conversation.last_item_ms = now_ms,
            None => self.conversations.push(Conversation {
                uid: uid.to_owned(),
                phone: phone.to_owned(),
                location: location.map(str::to_owned),
                created_ms: now_ms,
                last_item_ms: now_ms,
                // Podium creates the conversations of API messages closed, so that they do not fill the inbox.
                closed: true,
            }),
        }
    }

    pub(crate) fn reopen(&mut self, uid: &str) {
        if let Some(found) = self.conversations.iter_mut().find(|conversation| conversation.uid == uid) {
            found.closed = false;
        }
    }

    pub(crate) fn add_invite(&mut self, invite: Invite) {
        self.invites.push(invite);
    }

    pub(crate) fn invite(&self, uid: &str) -> Option<&Invite> {
        self.invites.iter().find(|invite| invite.uid == uid)
    }

    /// Newest first.
    pub(crate) fn invites(&self) -> impl Iterator<Item = &Invite> {
        self.invites.iter().rev()
    }

    /// The review link in a text, and the invitation it belongs to.
    pub(crate) fn link_in(&self, text: &str) -> Option<(String, Option<String>)> {
        let (prefix, start) = [LINK, SHORT_LINK].iter().find_map(|prefix| Some((*prefix, text.find(prefix)?)))?;
        let tail = text.get(start + prefix.len()..)?;
        let code: String = tail.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let link = format!("{prefix}{code}");
        let uid = if prefix == LINK {
            Some(code)
        } else {
            self.invites.iter().find(|invite| invite.short_url() == link).map(|invite| invite.uid.clone())
        };
        Some((link, uid))
    }
}
