//! What Podium knows about people: contacts, conversations, review links and reviews.
//!
//! Contacts and conversations come into being with the first message to a phone, so they can be rebuilt from the ledger; so
//! can imported messages. What else no customer has noticed is forgotten by a restart: links that were never sent, notes, tags,
//! what customers wrote, reviews, deliveries, contacts that were only created, and what was changed about any of them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::delivery::Deliveries;
use super::person::Contact;
use super::review::Review;
use crate::clock::iso;
use crate::stand_ins::app::derived_uid;
use crate::stand_ins::ledger::{Effect, Import};

/// Where review links point to. The uid is in the link, so that a message can be traced to its invitation.
pub(crate) const LINK: &str = "https://podium.example.test/r/";
/// The short form of the same.
pub(crate) const SHORT_LINK: &str = "https://pdm.example.test/";
/// One thread with one person at one location.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) uid: String,
    pub(crate) phone: String,
    pub(crate) location: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) last_item_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) closed: bool,
    pub(crate) assigned: Option<String>,
    pub(crate) assignees: Vec<String>,
}

/// What an agent, or an integration in their place, wrote beside a conversation. No customer sees it.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) uid: String,
    pub(crate) conversation: String,
    pub(crate) body: String,
    pub(crate) sender_name: String,
    pub(crate) at_ms: i64,
}

/// A message that nobody was sent from here: one that was exchanged elsewhere and is only shown, or one that a customer
/// wrote.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    pub(crate) uid: String,
    pub(crate) conversation: String,
    pub(crate) phone: String,
    pub(crate) location: String,
    pub(crate) body: String,
    pub(crate) inbound: bool,
    pub(crate) published_ms: i64,
    pub(crate) imported_ms: i64,
    /// What a message of the customer's own has; none for what was imported.
    pub(crate) written: Option<Written>,
}

/// How a customer wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// The page with the website's widget, if it was written there.
    pub(crate) webchat_url: Option<String>,
    pub(crate) attachment_url: Option<String>,
    pub(crate) attachment_type: Option<String>,
    /// For the briefs only; the published event does not say.
    pub(crate) attachment_bytes: Option<u64>,
}

/// A label that contacts can carry.
#[derive(Clone, Debug)]
pub(crate) struct Tag {
    pub(crate) uid: String,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) created_ms: i64,
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
    /// By phone; the number tells duplicates apart, which only come from the control API or a setting.
    contacts: BTreeMap<(String, u32), Contact>,
    tags: Vec<Tag>,
    conversations: Vec<Conversation>,
    notes: Vec<Note>,
    imported: Vec<Imported>,
    invites: Vec<Invite>,
    reviews: Vec<Review>,
    pub(crate) deliveries: Deliveries,
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

    /// The contact of a phone; the first, should there be several.
    pub(crate) fn contact(&self, phone: &str) -> Option<&Contact> {
        self.contacts_of(phone).next()
    }

    pub(crate) fn contacts_of(&self, phone: &str) -> impl Iterator<Item = &Contact> {
        self.contacts.range(all_of(phone)).map(|(_, contact)| contact)
    }

    /// Finds a contact by phone, e-mail address or conversation. Its own uid is no identifier.
    pub(crate) fn identify(&self, identifier: &str) -> Option<&Contact> {
        self.key_of(identifier).and_then(|key| self.contacts.get(&key))
    }

    pub(crate) fn identify_mut(&mut self, identifier: &str) -> Option<&mut Contact> {
        self.key_of(identifier).and_then(|key| self.contacts.get_mut(&key))
    }

    fn key_of(&self, identifier: &str) -> Option<(String, u32)> {
        let first = |phone: &str| self.contacts.range(all_of(phone)).next().map(|(key, _)| key.clone());
        let of_email = || {
            let mut all = self.contacts.iter();
            all.find(|(_, contact)| contact.email.as_deref() == Some(identifier)).map(|(key, _)| key.clone())
        };
        first(identifier)
            .or_else(of_email)
            .or_else(|| self.conversation(identifier).and_then(|found| first(&found.phone)))
    }

    pub(crate) fn contact_with_uid(&self, uid: &str) -> Option<&Contact> {
        self.contacts().find(|contact| contact.uid == uid)
    }

    pub(crate) fn contact_with_uid_mut(&mut self, uid: &str) -> Option<&mut Contact> {
        self.contacts.values_mut().find(|contact| contact.uid == uid)
    }

    pub(crate) fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.values()
    }

    pub(crate) fn contacts_of_mut(&mut self, phone: &str) -> impl Iterator<Item = &mut Contact> {
        self.contacts.range_mut(all_of(phone)).map(|(_, contact)| contact)
    }

    /// The contact of a phone, made if there is none.
    pub(crate) fn contact_mut(&mut self, phone: &str, now_ms: i64) -> &mut Contact {
        let first = self.contacts.range(all_of(phone)).next().map(|(key, _)| key.clone());
        let key = first.unwrap_or_else(|| (phone.to_owned(), 0));
        let contact = self.contacts.entry(key).or_insert_with(|| Contact::new(phone, now_ms));
        contact.updated_ms = now_ms;
        contact
    }

    /// Puts a contact in, even where its phone has one already. A uid that is taken gets a number.
    pub(crate) fn add_contact(&mut self, mut contact: Contact) -> String {
        let number = self.contacts.range(all_of(&contact.phone)).next_back().map_or(0, |((_, last), _)| last + 1);
        if self.contact_with_uid(&contact.uid).is_some() {
            contact.uid = derived_uid(&["contact", &contact.phone, &number.to_string()]);
        }
        let uid = contact.uid.clone();
        self.contacts.insert((contact.phone.clone(), number), contact);
        uid
    }

    /// Takes the one contact out that `identifier` finds.
    pub(crate) fn remove_contact(&mut self, identifier: &str) -> Option<Contact> {
        self.key_of(identifier).and_then(|key| self.contacts.remove(&key))
    }

    /// Says what a contact looks like: the first of its phone, made if there is none.
    pub(crate) fn steer_contact(&mut self, phone: &str, change: &Value, now_ms: i64) -> Result<(), String> {
        let mut contact = self.contact(phone).cloned().unwrap_or_else(|| Contact::new(phone, now_ms));
        contact.updated_ms = now_ms;
        self.steered(&mut contact, change, now_ms)?;
        *self.contact_mut(phone, now_ms) = contact;
        Ok(())
    }

    /// Adds a contact to those that `phone` may have already: what was there before anybody looked. Returns its uid.
    pub(crate) fn seed_contact(&mut self, phone: &str, fields: &Value, now_ms: i64) -> Result<String, String> {
        let mut contact = Contact::new(phone, now_ms);
        self.steered(&mut contact, fields, now_ms)?;
        Ok(self.add_contact(contact))
    }

    /// Lays the fields over the contact. `conversation` opens one, at `location`.
    fn steered(&mut self, contact: &mut Contact, change: &Value, now_ms: i64) -> Result<(), String> {
        let fields = change.as_object().ok_or("a contact is an object")?;
        let uid = contact.uid.clone();
        let mut conversation = None;
        for (field, value) in fields {
            match (field.as_str(), value) {
                ("phone", Value::String(phone)) if *phone == contact.phone => {}
                ("conversation", Value::String(uid)) => conversation = Some(uid),
                _ => contact.steer(field, value, now_ms)?,
            }
        }
        if contact.uid != uid && self.contact_with_uid(&contact.uid).is_some() {
            return Err(format!("another contact has the uid {}", contact.uid));
        }
        if let Some(uid) = conversation {
            let location = fields.get("location").and_then(Value::as_str);
            if self.conversation(uid).is_some_and(|known| known.phone != contact.phone) {
                return Err(format!("another person has the conversation {uid}"));
            }
            self.open_conversation(uid, &contact.phone, location, now_ms);
            self.reopen(uid);
        }
        Ok(())
    }

    /// Contacts for the control API: all, or those of a phone.
    pub(crate) fn contact_reports(&self, phone: Option<&str>) -> Vec<Value> {
        let asked = self.contacts().filter(|contact| phone.is_none_or(|phone| contact.phone == phone));
        asked
            .map(|contact| {
                let conversations = self.conversations_of(&contact.phone).map(|found| found.uid.as_str());
                contact.report(&conversations.collect::<Vec<_>>())
            })
            .collect()
    }

    pub(crate) fn add_tag(&mut self, tag: Tag) {
        self.tags.push(tag);
    }

    pub(crate) fn tag(&self, uid: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.uid == uid)
    }

    pub(crate) fn tags(&self) -> &[Tag] {
        &self.tags
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
        match self.conversation_mut(uid) {
            Some(conversation) => {
                // What is put in with an older time does not turn the clock back.
                conversation.last_item_ms = conversation.last_item_ms.max(now_ms);
                conversation.updated_ms = conversation.updated_ms.max(now_ms);
            }
            None => self.conversations.push(Conversation {
                uid: uid.to_owned(),
                phone: phone.to_owned(),
                location: location.map(str::to_owned),
                created_ms: now_ms,
                last_item_ms: now_ms,
                updated_ms: now_ms,
                assigned: None,
                assignees: Vec::new(),
                // Podium creates the conversations of API messages closed, so that they do not fill the inbox.
                closed: true,
            }),
        }
    }

    pub(crate) fn conversation_mut(&mut self, uid: &str) -> Option<&mut Conversation> {
        self.conversations.iter_mut().find(|conversation| conversation.uid == uid)
    }

    pub(crate) fn reopen(&mut self, uid: &str) {
        if let Some(found) = self.conversation_mut(uid) {
            found.closed = false;
        }
    }

    pub(crate) fn add_note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Takes in what a customer wrote, at the time they wrote it. Their conversation is open again.
    pub(crate) fn receive(&mut self, message: Imported, name: Option<&str>) {
        let contact = self.contact_mut(&message.phone, message.published_ms);
        contact.locations.insert(message.location.clone());
        contact.name = contact.name.take().or_else(|| name.map(str::to_owned));
        self.open_conversation(&message.conversation, &message.phone, Some(&message.location), message.published_ms);
        self.reopen(&message.conversation);
        self.imported.push(message);
    }

    /// Changes a review, or puts one in; says which, with the review as it is now.
    pub(crate) fn put_review(&mut self, uid: &str, change: &Value, now_ms: i64) -> Result<(Review, bool), String> {
        let fields = change.as_object().ok_or("a review is an object")?;
        let known = self.reviews.iter().position(|review| review.uid == uid);
        let mut review = known.and_then(|at| self.reviews.get(at)).cloned().unwrap_or_else(|| Review::new(uid, now_ms));
        review.steer(fields, now_ms)?;
        match known.and_then(|at| self.reviews.get_mut(at)) {
            Some(known) => known.clone_from(&review),
            None => self.reviews.push(review.clone()),
        }
        Ok((review, known.is_none()))
    }

    pub(crate) fn remove_review(&mut self, uid: &str) -> bool {
        let before = self.reviews.len();
        self.reviews.retain(|review| review.uid != uid);
        self.reviews.len() < before
    }

    pub(crate) fn review(&self, uid: &str) -> Option<&Review> {
        self.reviews.iter().find(|review| review.uid == uid)
    }

    /// Newest first.
    pub(crate) fn reviews(&self) -> Vec<&Review> {
        let mut sorted: Vec<&Review> = self.reviews.iter().rev().collect();
        sorted.sort_by_key(|review| std::cmp::Reverse(review.created_ms));
        sorted
    }

    /// Takes in a message from elsewhere, with the person and the conversation it belongs to.
    pub(crate) fn import(&mut self, message: Imported, contact_name: &str) {
        let now_ms = message.imported_ms;
        let contact = self.contact_mut(&message.phone, now_ms);
        contact.locations.insert(message.location.clone());
        contact.name = Some(contact_name.to_owned());
        self.open_conversation(&message.conversation, &message.phone, Some(&message.location), now_ms);
        self.imported.push(message);
    }

    /// Takes in again what the ledger says was imported.
    pub(crate) fn remember_import(&mut self, import: &Import) {
        let message = Imported {
            uid: import.message_id.clone(),
            conversation: import.conversation.clone(),
            phone: import.phone.clone(),
            location: import.location.clone(),
            body: import.body.clone(),
            inbound: import.inbound,
            published_ms: import.published_ms,
            imported_ms: import.at_ms,
            written: None,
        };
        self.import(message, &import.contact_name);
    }

    pub(crate) fn imported(&self) -> &[Imported] {
        &self.imported
    }

    /// A conversation for the control API, with its notes and its messages, oldest first.
    pub(crate) fn conversation_report(&self, conversation: &Conversation, effects: &[Effect]) -> Value {
        let uid = &conversation.uid;
        let notes = self.notes.iter().filter(|note| note.conversation == *uid);
        let notes: Vec<Value> = notes
            .map(|note| json!({ "uid": note.uid, "body": note.body, "sender_name": note.sender_name, "at_ms": note.at_ms }))
            .collect();
        let imported = self.imported.iter().filter(|message| message.conversation == *uid).map(|message| {
            let direction = if message.inbound { "inbound" } else { "outbound" };
            let at_ms = message.published_ms;
            (at_ms, json!({ "uid": message.uid, "body": message.body, "direction": direction, "imported": message.written.is_none(), "at_ms": at_ms }))
        });
        let sent = effects.iter().filter(|effect| effect.conversation == *uid).map(|effect| {
            let (id, body, at_ms) = (&effect.message_id, &effect.body, effect.at_ms);
            (at_ms, json!({ "uid": id, "body": body, "direction": "outbound", "imported": false, "at_ms": at_ms }))
        });
        let mut messages: Vec<(i64, Value)> = sent.chain(imported).collect();
        messages.sort_by_key(|(at_ms, _)| *at_ms);
        json!({
            "uid": uid,
            "phone": conversation.phone,
            "location": conversation.location,
            "closed": conversation.closed,
            "assigned": conversation.assigned,
            "created_at": iso(conversation.created_ms),
            "notes": notes,
            "messages": messages.into_iter().map(|(_, message)| message).collect::<Vec<_>>(),
        })
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

/// Where the contacts of a phone are.
fn all_of(phone: &str) -> RangeInclusive<(String, u32)> {
    (phone.to_owned(), 0)..=(phone.to_owned(), u32::MAX)
}
