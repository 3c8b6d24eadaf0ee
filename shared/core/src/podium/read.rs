//! Bytes into events.

use serde_json::{Value, value::RawValue};

use super::{
    Attachment, Channel, ClaimedSize, ContactChange, ContactEvent, LocationClaim, Message, PodiumEvent, Snapshot, What,
    fields::{as_text, at, id, list, moment, text, truth},
    reviews,
    widget::ORIGIN,
};
use crate::{
    contact::OptOutFlag,
    ids::{EventId, LocationUid},
    inbox::{BodySha256, RejectReason},
    outbox::DeliveryNews,
    phone::E164Phone,
    time::UnixMillis,
};

/// Of a list within an event so many entries are looked at: far more than any real one has, and few enough to compare
/// each with each.
pub(super) const MANY: usize = 100;

/// One event of a delivery, with the bytes that are its own.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Its bytes.
    pub body: &'a [u8],
    /// What it says, or why that cannot be read.
    pub event: Result<PodiumEvent, RejectReason>,
}

/// The events of a delivery, oldest first; those without a time stand where they stood.
///
/// A batch is `{"events":[…]}` or a bare list. Each event of a batch has its own bytes and its own id, so that one that
/// came before or cannot be read does not touch the others. There is always at least one item.
#[must_use]
pub fn items(body: &[u8]) -> Vec<Item<'_>> {
    let Some(parts) = batch(body) else { return vec![Item { body, event: parse(body) }] };
    let mut items: Vec<Item<'_>> =
        parts.iter().map(|p| p.get().as_bytes()).map(|body| Item { body, event: parse(body) }).collect();
    if items.is_empty() {
        return vec![Item { body, event: Err(RejectReason::UnknownShape) }];
    }
    // An event without a time keeps its place behind the one before it.
    let mut latest = UnixMillis::new(i64::MIN);
    let mut keyed: Vec<(UnixMillis, Item<'_>)> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        let at = item.event.as_ref().ok().and_then(|e| e.occurred_at).unwrap_or(latest);
        latest = at;
        keyed.push((at, item));
    }
    keyed.sort_by_key(|(at, _)| *at);
    keyed.into_iter().map(|(_, item)| item).collect()
}

fn batch(body: &[u8]) -> Option<Vec<&RawValue>> {
    #[derive(serde::Deserialize)]
    struct Batch<'a> {
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
    }
    match body.trim_ascii_start().first()? {
        b'[' => serde_json::from_slice(body).ok(),
        b'{' => serde_json::from_slice::<Batch<'_>>(body).ok().map(|b| b.events),
        _ => None,
    }
}

/// Reads one event.
///
/// # Errors
/// Not JSON, or not an object: it is kept and shown with this reason.
pub fn parse(body: &[u8]) -> Result<PodiumEvent, RejectReason> {
    let value: Value =
        serde_json::from_slice(body).map_err(|e| RejectReason::Malformed { line: e.line(), column: e.column() })?;
    if !value.is_object() {
        return Err(RejectReason::UnknownShape);
    }
    let event_type =
        text(&value, &["metadata.eventType", "metadata.event_type", "eventType", "event_type", "type", "event"]);
    let data = value.get("data").filter(|d| d.is_object()).unwrap_or(&value);
    let what = what(event_type.as_deref(), data);
    Ok(PodiumEvent {
        id: event_id(&value, event_type.as_deref(), data, body),
        occurred_at: occurred_at(&value, data, &what),
        event_type: event_type.map(|t| t.chars().filter(|c| !c.is_control()).take(64).collect()),
        what,
    })
}

/// The event's own id; else what identifies its content. Never the data's uid alone: a message and its failure share it.
fn event_id(value: &Value, event_type: Option<&str>, data: &Value, body: &[u8]) -> EventId {
    let own =
        id(value, &["metadata.eventUid", "metadata.event_uid", "eventUid", "event_uid", "event_id", "eventId", "id"]);
    let made = || {
        let event_type = event_type?;
        let uid = text(data, &["uid", "id", "message_uid", "review.uid", "review.id"])?;
        let changed = ["updatedAt", "updated_at", "review.updatedAt", "review.updated_at"];
        let made = ["createdAt", "created_at", "review.createdAt", "review.created_at"];
        // All changes of one thing share the time at which it was made.
        let is_change = event_type.trim().to_ascii_lowercase().ends_with("updated");
        let at = text(data, &changed).or_else(|| if is_change { None } else { text(data, &made) })?;
        EventId::try_from(format!("{event_type}~{uid}~{at}").as_str()).ok()
    };
    own.or_else(made).unwrap_or_else(|| hash_id(body))
}

fn hash_id(body: &[u8]) -> EventId {
    EventId::of_body(&BodySha256::of(body))
}

fn occurred_at(value: &Value, data: &Value, what: &What) -> Option<UnixMillis> {
    let said = moment(
        value,
        &[
            "occurred_at",
            "occurredAt",
            "metadata.occurredAt",
            "metadata.occurred_at",
            "timestamp",
            "metadata.timestamp",
        ],
    );
    let of_content = || match what {
        What::Received(message) | What::Sent(message) | What::Failed { message, .. } => message.at,
        What::Contact(event) => {
            event.after.as_ref().and_then(|s| s.updated_at).or(event.before.as_ref().and_then(|s| s.updated_at))
        }
        What::Review(review) => review.changed_at,
        What::ReviewResponse { .. } => {
            moment(data, &["updatedAt", "updated_at", "createdAt", "created_at", "publishDate", "publish_date"])
        }
        What::InviteLink(_) | What::Invitation { .. } | What::Other => {
            moment(data, &["updatedAt", "updated_at", "createdAt", "created_at"])
        }
    };
    said.or_else(of_content).or_else(|| moment(value, &["created_at", "createdAt"]))
}

fn what(event_type: Option<&str>, data: &Value) -> What {
    let Some(event_type) = event_type else {
        // Some senders write a flat body without naming its kind; a message is recognised by what it is made of.
        return if looks_like_a_message(data) {
            What::Received(Box::new(message(data, Channel::Sms)))
        } else {
            What::Other
        };
    };
    let kind = event_type.trim().to_ascii_lowercase();
    let webchat = kind.starts_with("webchat.");
    let usual = if webchat { Channel::Webchat } else { Channel::Sms };
    if kind.ends_with("message.received") {
        return What::Received(Box::new(message(data, usual)));
    }
    if kind.ends_with("message.sent") {
        return What::Sent(Box::new(outbound(data, usual)));
    }
    if kind.ends_with("message.failed") {
        return What::Failed { message: Box::new(outbound(data, usual)), reason: failure_reason(data) };
    }
    if let Some(what) = reviews::read(&kind, data) {
        return what;
    }
    match kind.strip_prefix("contact.") {
        Some("created") => contact(ContactChange::Created, data),
        Some("updated") => contact(ContactChange::Updated, data),
        Some("merged") => contact(ContactChange::Merged, data),
        Some("deleted") => contact(ContactChange::Deleted, data),
        Some(_) => contact(ContactChange::Unchanged, data),
        None => What::Other,
    }
}

pub(super) fn failure_reason(data: &Value) -> Option<String> {
    text(data, &["failureReason", "failure_reason", "reason", "error"])
}

fn looks_like_a_message(data: &Value) -> bool {
    let who = at(data, &["from", "conversation.channel.identifier", "phone"]).is_some();
    let said = at(data, &["body", "attachments", "items"]).is_some();
    who && said
}

/// A message to a customer: its `from` would be the shop.
fn outbound(data: &Value, usual: Channel) -> Message {
    let phone = text(data, &["conversation.channel.identifier", "channel.identifier", "to", "to.phone"]);
    let phone = phone.filter(|p| !p.contains('@'));
    let mut message = message(data, usual);
    message.phone = phone.or(message.phone);
    message.delivery = delivery(data);
    message.invitation = reviews::invitation_of(data);
    message
}

/// The weightiest of what the message's parts, and the message itself, say about their delivery.
fn delivery(data: &Value) -> Option<DeliveryNews> {
    let reason = failure_reason(data);
    let outbound = |item: &&Value| {
        text(item, &["sourceType", "source_type"]).is_none_or(|way| way.trim().eq_ignore_ascii_case("outbound"))
    };
    let items = list(data, &["items"]).iter().take(MANY).filter(outbound);
    items.chain([data]).filter_map(|said| reviews::delivery_status(said, reason.as_deref())).max()
}

fn message(data: &Value, usual: Channel) -> Message {
    let kind = text(data, &["conversation.channel.type", "channel.type", "channel"]).map(|k| k.to_ascii_lowercase());
    let identifier = text(data, &["conversation.channel.identifier", "channel.identifier"]);
    let from = text(data, &["from", "from.phone", "phone", "from_phone", "phoneNumber", "customerPhoneNumber"]);
    let page = at(data, &["webchatUrl", "webchat_url"]).is_some();
    let channel = match kind.as_deref() {
        _ if page => Channel::Webchat,
        Some("webchat" | "iframe") => Channel::Webchat,
        None | Some("phone" | "sms" | "text") => usual,
        // Opaque unless it looks like a phone, which WhatsApp's does.
        Some(_) => Channel::Other,
    };
    let from_widget = text(data, &["frontdesk_origin"]).is_some_and(|origin| origin == ORIGIN);
    let email = identifier.clone().filter(|i| i.contains('@'));
    let phone = match (channel, from, identifier) {
        (_, Some(from), _) => Some(from),
        (Channel::Webchat | Channel::Sms, None, identifier) => identifier.filter(|_| email.is_none()),
        (Channel::Other, None, identifier) => identifier.filter(|i| E164Phone::parse_e164(i.trim()).is_ok()),
    };
    let (first_name, last_name) = names(data);
    Message {
        uid: id(data, &["uid", "message_uid", "messageUid", "message_id", "id"]),
        text: words(data),
        phone,
        email: if from_widget { text(data, &["email"]) } else { email },
        country: text(data, &["country", "country_code", "countryCode"]).map(|c| c.trim().to_ascii_uppercase()),
        channel,
        location: location(data),
        conversation: id(
            data,
            &["conversation.uid", "conversation_uid", "conversationUid", "conversation", "session_uid", "sessionUid"],
        ),
        first_name,
        last_name,
        attachments: attachments(data),
        at: moment(data, &["createdAt", "created_at", "sent_at", "occurred_at", "timestamp"]),
        delivery: None,
        invitation: None,
        from_widget,
    }
}

/// The message's own words, else those of its parts.
fn words(data: &Value) -> Option<String> {
    text(data, &["body", "text", "message", "body.text"]).or_else(|| {
        let items = list(data, &["items"]).iter().take(MANY);
        let parts: Vec<String> = items.filter_map(|item| text(item, &["body"])).collect();
        (!parts.is_empty()).then(|| parts.join("\n"))
    })
}

fn location(data: &Value) -> LocationClaim {
    let names = ["location_uid", "locationUid", "location.uid", "location.location_uid", "location"];
    let Some(claimed) = at(data, &names) else { return LocationClaim::Missing };
    match as_text(claimed) {
        Some(uid) => match LocationUid::try_from(uid.trim()) {
            Ok(uid) => LocationClaim::Named(uid),
            Err(_) => LocationClaim::Unreadable,
        },
        None if claimed.as_str().is_some_and(|t| t.trim().is_empty()) => LocationClaim::Missing,
        None => LocationClaim::Unreadable,
    }
}

/// Names as given; a full name is parted at its first space, for the contract that wants two.
fn names(data: &Value) -> (Option<String>, Option<String>) {
    let part = |paths: &[&str]| text(data, paths).map(|n| tidy(&n)).filter(|n| !n.is_empty());
    let first = part(&["first_name", "firstName", "contact.first_name", "contact.firstName"]);
    let last = part(&["last_name", "lastName", "contact.last_name", "contact.lastName"]);
    if first.is_some() || last.is_some() {
        return (first, last);
    }
    match part(&["contactName", "contact_name", "contact.name", "name"]) {
        Some(full) => match full.split_once(' ') {
            Some((first, last)) => (Some(first.to_owned()), Some(last.trim().to_owned()).filter(|l| !l.is_empty())),
            None => (Some(full), None),
        },
        None => (None, None),
    }
}

pub(super) fn tidy(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(80).collect()
}

fn attachments(data: &Value) -> Vec<Attachment> {
    let mut found = Vec::new();
    match at(data, &["attachments"]) {
        None => {}
        Some(Value::Array(listed)) => {
            found.extend(listed.iter().take(MANY).map(attachment));
            if listed.len() > MANY {
                found.push(Attachment::of(ClaimedSize::Unusable, None));
            }
        }
        // Something is attached, and nothing can be said about it.
        Some(_) => found.push(Attachment::of(ClaimedSize::Unusable, None)),
    }
    let of_items =
        list(data, &["items"]).iter().take(MANY).filter_map(|i| text(i, &["attachmentUrl", "attachment_url"]));
    let mut urls: Vec<String> = of_items.collect();
    // Deprecated at Podium, and repeated there by the items.
    urls.extend(text(data, &["attachmentUrl", "attachment_url"]));
    for url in urls {
        if !found.iter().any(|a: &Attachment| a.url.as_deref() == Some(url.as_str())) {
            found.push(Attachment::of(ClaimedSize::Absent, Some(url)));
        }
    }
    found
}

fn attachment(listed: &Value) -> Attachment {
    if !listed.is_object() {
        return Attachment::of(ClaimedSize::Unusable, None);
    }
    let size = match at(listed, &["size_bytes", "sizeBytes", "size", "byte_size", "byteSize"]) {
        None => ClaimedSize::Absent,
        Some(Value::Number(number)) => number.as_u64().map_or(ClaimedSize::Unusable, ClaimedSize::Bytes),
        Some(_) => ClaimedSize::Unusable,
    };
    let plain = |paths: &[&str]| text(listed, paths).map(|word| tidy(&word)).filter(|word| !word.is_empty());
    Attachment {
        size,
        url: text(listed, &["url", "attachmentUrl", "attachment_url"]),
        name: plain(&["name", "file_name", "fileName", "filename"]),
        mime: plain(&["type", "content_type", "contentType", "mime_type", "mimeType"]),
    }
}

fn contact(change: ContactChange, data: &Value) -> What {
    let before = at(data, &["before"]).filter(|v| v.is_object()).map(snapshot);
    let after = at(data, &["after"]).filter(|v| v.is_object()).map(snapshot);
    let flat = || (change != ContactChange::Deleted && before.is_none()).then(|| snapshot(data));
    let after = after.or_else(flat).filter(|s| *s != Snapshot::default());
    What::Contact(Box::new(ContactEvent { change, before, after }))
}

fn snapshot(value: &Value) -> Snapshot {
    let e164 = |text: String| E164Phone::parse_e164(text.trim()).ok();
    let updated_at = moment(value, &["updatedAt", "updated_at", "createdAt", "created_at"]);
    let mut seen = Snapshot {
        uid: id(value, &["uid", "contact_uid", "id"]),
        phones: list(value, &["phoneNumbers", "phone_numbers", "phones"])
            .iter()
            .take(MANY)
            .filter_map(|p| e164(as_text(p)?))
            .chain(text(value, &["phone", "phoneNumber", "phone_number"]).and_then(e164))
            .collect(),
        updated_at,
        ..Snapshot::default()
    };
    for channel in list(value, &["channels"]).iter().take(MANY) {
        let Some(phone) = text(channel, &["identifier"]).and_then(e164) else { continue };
        if let Some(out) = at(channel, &["transactionalOptedOutAt", "transactional_opted_out_at"]) {
            // Anything but null means "out"; when that was is worth a guess, not a doubt.
            let when = moment(channel, &["transactionalOptedOutAt", "transactional_opted_out_at", "updatedAt"]);
            if truth(out) != Some(false) {
                seen.opted_out.push((phone.clone(), when.or(updated_at).unwrap_or(UnixMillis::new(i64::MAX))));
            }
        } else if ["transactionalOptedOutAt", "transactional_opted_out_at"].iter().any(|n| channel.get(n).is_some()) {
            seen.not_opted_out.push(phone.clone());
        }
        if let Some(Value::Array(listed)) =
            at(channel, &["marketingOptedInLocationUids", "marketing_opted_in_location_uids"])
        {
            seen.marketing.push((phone.clone(), listed.iter().take(MANY).filter_map(as_text).collect()));
        }
        seen.phones.push(phone);
    }
    seen.phones.sort_unstable();
    seen.phones.dedup();
    seen.locations = list(value, &["locations"]).iter().take(MANY).filter_map(|l| text(l, &["uid"])).collect();
    seen.flags = flags(value);
    seen
}

/// The brief's four flags and its `opted_out`, as fields of the contact or as attributes of it.
fn flags(value: &Value) -> Vec<(OptOutFlag, bool)> {
    let attribute = |name: &str| {
        let named = |a: &&Value| text(a, &["label", "name", "key"]).is_some_and(|l| l.eq_ignore_ascii_case(name));
        list(value, &["attributes"]).iter().find(named).and_then(|a| truth(a.get("value")?))
    };
    let field = |name: &str| at(value, &[name]).and_then(truth).or_else(|| attribute(name));
    let mut flags: Vec<(OptOutFlag, bool)> =
        OptOutFlag::ALL.into_iter().filter_map(|flag| Some((flag, field(flag.as_str())?))).collect();
    let general = ["opted_out", "optedOut"].into_iter().find_map(field);
    if let Some(out) = general
        && !flags.iter().any(|(flag, _)| *flag == OptOutFlag::Keyword)
    {
        flags.push((OptOutFlag::Keyword, out));
    }
    flags
}
