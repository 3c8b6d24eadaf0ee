//! Podium's objects, field by field as its published description has them, and the briefs' contact.

use serde_json::{Value, json};

use super::book::{Book, Conversation, Imported, Invite, Note, Tag, Written};
use super::delivery::{Delivery, Status};
use super::person::{BRIEF_FLAGS, Contact};
use super::review::Review;
use super::settings::Location;
use crate::clock::iso;
use crate::stand_ins::app::derived_uid;
use crate::stand_ins::ledger::Effect;

/// The organisation of the sample events.
pub(super) const ORGANIZATION: &str = "8996bc8e-ab2f-5929-bdbc-154c7daffc98";
/// The integration that sends.
const SENDER: &str = "10e7235d-4e60-5a97-a5c4-78ba307a1b43";

fn channel(identifier: &str) -> Value {
    let kind = if identifier.contains('@') { "email" } else { "phone" };
    json!({ "type": kind, "identifier": identifier })
}

/// What the view of a message is made of, whether it was sent from here or comes from elsewhere.
struct Shown<'a> {
    uid: &'a str,
    body: Option<&'a str>,
    at_ms: i64,
    phone: &'a str,
    location: Option<&'a str>,
    conversation: &'a str,
    source: &'static str,
    delivery: Delivery,
    /// Set when a customer wrote it.
    written: Option<&'a Written>,
}

pub(super) fn message(effect: &Effect, book: &Book) -> Value {
    let shown = Shown {
        uid: effect.message_id.as_deref().unwrap_or_default(),
        body: effect.body.as_deref(),
        at_ms: effect.at_ms,
        phone: &effect.phone,
        location: effect.location.as_deref(),
        conversation: &effect.conversation,
        source: "outbound",
        delivery: book.deliveries.of(effect),
        written: None,
    };
    shown.view(book)
}

pub(super) fn imported(message: &Imported, book: &Book) -> Value {
    let shown = Shown {
        uid: &message.uid,
        // Who only sends a picture writes nothing.
        body: Some(message.body.as_str()).filter(|body| message.written.is_none() || !body.is_empty()),
        at_ms: message.published_ms,
        phone: &message.phone,
        location: Some(&message.location),
        conversation: &message.conversation,
        source: if message.inbound { "inbound" } else { "outbound" },
        delivery: Delivery {
            status: if message.written.is_some() { Status::Delivered } else { Status::Sent },
            failure_reason: None,
        },
        written: message.written.as_ref(),
    };
    shown.view(book)
}

impl Shown<'_> {
    fn view(&self, book: &Book) -> Value {
        let contact = book.contact(self.phone);
        let name = contact.and_then(|contact| contact.name.clone());
        // A customer's own message has no sender of the integration's.
        let sender = self.written.is_none().then_some(SENDER);
        let written = self.written.cloned().unwrap_or_default();
        let started_ms = book.conversation(self.conversation).map_or(self.at_ms, |found| found.created_ms);
        json!({
            "uid": self.uid,
            "body": self.body,
            "createdAt": iso(self.at_ms),
            "contactName": name,
            "failureReason": self.delivery.failure_reason,
            "senderUid": sender,
            "webchatUrl": written.webchat_url,
            "attachmentUrl": written.attachment_url,
            "conversation": {
                "uid": self.conversation,
                "startedAt": iso(started_ms),
                "assignedUserUid": null,
                "channel": channel(self.phone),
            },
            "location": { "uid": self.location, "organizationUid": ORGANIZATION },
            "items": [{
                "uid": derived_uid(&["item", self.uid]),
                "type": if written.attachment_url.is_some() { "attachment" } else { "message" },
                "body": self.body,
                "sendBody": null,
                "sourceType": self.source,
                "deliveryStatus": self.delivery.status.as_str(),
                "attachmentUrl": written.attachment_url,
                "attachmentContentType": written.attachment_type,
                "createdAt": iso(self.at_ms),
                "encryptedAt": null,
            }],
            "contact": { "uid": contact.map(|contact| &contact.uid), "name": name, "externalIdentifier": null },
            "sender": { "uid": sender },
        })
    }
}

pub(super) fn conversation(conversation: &Conversation, book: &Book) -> Value {
    json!({
        "uid": conversation.uid,
        "assignedUserUid": conversation.assigned,
        "assigneeUids": conversation.assignees,
        "channel": channel(&conversation.phone),
        "closed": conversation.closed,
        "contactName": book.contact(&conversation.phone).and_then(|contact| contact.name.clone()),
        "createdAt": iso(conversation.created_ms),
        "lastItemAt": iso(conversation.last_item_ms),
        "locationUid": conversation.location,
        "updatedAt": iso(conversation.updated_ms),
    })
}

pub(super) fn note(note: &Note, location: Option<&str>) -> Value {
    json!({
        "uid": note.uid,
        "body": note.body,
        "senderName": note.sender_name,
        "conversation": { "uid": note.conversation },
        "location": { "uid": location },
        "organization": { "uid": ORGANIZATION },
        "createdAt": iso(note.at_ms),
        "updatedAt": iso(note.at_ms),
    })
}

pub(super) fn tag(tag: &Tag) -> Value {
    json!({
        "uid": tag.uid,
        "label": tag.label,
        "description": tag.description,
        "organization": { "uid": ORGANIZATION },
        "createdAt": iso(tag.created_ms),
        "updatedAt": iso(tag.created_ms),
    })
}

pub(super) fn contact(contact: &Contact, book: &Book) -> Value {
    let uids = |values: Vec<&String>| values.into_iter().map(|uid| json!({ "uid": uid })).collect::<Vec<_>>();
    let is_email = contact.phone.contains('@');
    let email = if is_email { Some(&contact.phone) } else { contact.email.as_ref() };
    let phone = (!is_email).then_some(&contact.phone);
    let campaigns = contact.campaigns.as_ref().unwrap_or(&contact.locations);
    let opted_in: Vec<&String> = if contact.opted_out() { Vec::new() } else { campaigns.iter().collect() };
    let tags = book.tags().iter().filter(|tag| contact.tags.contains(&tag.uid));
    let tags = tags.map(|tag| json!({ "uid": tag.uid, "label": tag.label, "description": tag.description }));
    let channels: Vec<Value> = phone
        .into_iter()
        .chain(email)
        .map(|identifier| {
            json!({
                "type": if identifier.contains('@') { "email" } else { "phone" },
                "identifier": identifier,
                "label": null,
                "transactionalOptedOutAt": contact.opted_out_ms.map(iso),
                "marketingOptedInLocationUids": opted_in,
                "createdAt": iso(contact.created_ms),
                "updatedAt": iso(contact.updated_ms),
            })
        })
        .collect();
    json!({
        "uid": contact.uid,
        "name": contact.name,
        "phoneNumbers": phone.into_iter().collect::<Vec<_>>(),
        "emails": email.into_iter().collect::<Vec<_>>(),
        "channels": channels,
        "locations": uids(contact.locations.iter().collect()),
        "conversations": uids(book.conversations_of(&contact.phone).map(|found| &found.uid).collect()),
        "organization": { "uid": ORGANIZATION },
        "tags": tags.collect::<Vec<_>>(),
        "attributes": [],
        "address": {},
        "createdAt": iso(contact.created_ms),
        "updatedAt": iso(contact.updated_ms),
    })
}

pub(super) fn brief_contact(contact: &Contact) -> Value {
    let (first, last) = match contact.name.as_deref().map(|name| name.split_once(' ')) {
        Some(Some((first, last))) => (Some(first), Some(last)),
        Some(None) => (contact.name.as_deref(), None),
        None => (None, None),
    };
    let mut view = json!({
        "uid": contact.uid,
        "phone": contact.phone,
        "location_uid": contact.locations.first(),
        "first_name": first,
        "last_name": last,
        "opted_out": contact.opted_out(),
        "updated_at": iso(contact.updated_ms),
    });
    if let Some(fields) = view.as_object_mut() {
        fields.extend(BRIEF_FLAGS.map(|flag| (flag.to_owned(), Value::Bool(contact.flags.contains(flag)))));
    }
    view
}

pub(super) fn invite(invite: &Invite, book: &Book) -> Value {
    let led_here = book.reviews().into_iter().filter(|review| review.invitation.as_deref() == Some(&invite.uid));
    let attributions: Vec<Value> = led_here.map(Review::attribution).collect();
    json!({
        "uid": invite.uid,
        "url": invite.url(),
        "shortUrl": invite.short_url(),
        "channel": channel(&invite.phone),
        "customerName": book.contact(&invite.phone).and_then(|contact| contact.name.clone()),
        // Links made over the API stay so: whoever texts them is the one to know.
        "deliveryStatus": "pending",
        "linkClicked": false,
        "linkClickedAt": null,
        "conversationItemUid": null,
        "languages": ["EN"],
        "location": { "uid": invite.location, "organizationUid": ORGANIZATION },
        "sender": { "name": "external", "type": "integration", "uid": SENDER, "sentThrough": "generated_link_only" },
        "attributions": attributions,
        "test": false,
        "createdAt": iso(invite.created_ms),
        "updatedAt": iso(invite.created_ms),
    })
}

pub(super) fn location(location: &Location) -> Value {
    let address = json!({
        "city": location.name, "country": location.country, "countryLongName": null, "houseNumber": null,
        "postalCode": null, "road": null, "state": null, "stateLongName": null, "unit": null,
    });
    json!({
        "uid": location.uid,
        "name": location.name,
        "displayName": location.name,
        "phoneNumber": null,
        "podiumPhoneNumber": null,
        "address": null,
        "addressDetails": if location.addressless { Value::Null } else { address },
        "archived": location.archived,
        "archivedAt": if location.archived { Some("2026-01-01T00:00:00Z") } else { None },
        "organizationUid": ORGANIZATION,
        "createdAt": "2025-01-01T00:00:00Z",
        "updatedAt": "2025-01-01T00:00:00Z",
    })
}
