//! What Podium's webhooks tell of, said in both pictures.

use serde_json::{Value, json};

use super::book::{Imported, Written};
use super::delivery::{self, Delivery, Status};
use super::review::Review;
use super::view;
use super::webhooks::{Happened, tell};
use crate::clock;
use crate::stand_ins::app::State;
use crate::stand_ins::ledger::{Effect, EffectKind};

/// A message went out: it ends as was planned for its phone, and Podium tells of it.
pub(super) fn sent(state: &mut State, effect: &Effect) {
    let planned = state.book.deliveries.outcome(&effect.phone).cloned();
    // Once somebody is told that invitations arrive, they do.
    let arrives = effect.kind == EffectKind::ReviewInvitation && state.webhooks.any_brief();
    let usual = arrives.then_some(Delivery { status: Status::Delivered, failure_reason: None });
    if let (Some(delivery), Some(id)) = (planned.or(usual), delivery::id_of(effect)) {
        state.book.deliveries.tell(id, delivery);
    }
    ended(state, effect);
}

/// Tells how a message ended, as far as there is an event for it.
pub(super) fn ended(state: &mut State, effect: &Effect) {
    let delivery = state.book.deliveries.of(effect);
    let mut happened = Happened { phone: Some(effect.phone.clone()), published: None, brief: None };
    match effect.kind {
        EffectKind::Message => {
            let kind = match delivery.status {
                Status::Pending => return,
                Status::Sent | Status::Delivered => "message.sent",
                Status::Failed => "message.failed",
            };
            happened.published = Some((kind, view::message(effect, &state.book)));
        }
        EffectKind::ReviewInvitation => {
            let mut data = json!({ "invitation_id": effect.invitation_id });
            let kind = match delivery.status {
                Status::Pending | Status::Sent => return,
                Status::Delivered => "review_invitation.delivered",
                Status::Failed => {
                    if let Some(fields) = data.as_object_mut() {
                        fields.insert("failure_reason".to_owned(), json!(delivery.failure_reason));
                    }
                    "review_invitation.failed"
                }
            };
            happened.brief = Some((kind, data));
        }
        EffectKind::Chat => return,
    }
    tell(state, &happened);
}

/// Somebody left a review, or changed theirs.
pub(super) fn reviewed(state: &mut State, review: &Review, new: bool) {
    let kind = if new { "review.created" } else { "review.updated" };
    let happened = Happened {
        phone: None,
        published: Some((kind, review.view())),
        brief: Some(("review.received", review.brief())),
    };
    tell(state, &happened);
}

/// Puts in what a customer wrote: `POST /_control/podium/inbound`. Returns the message's uid and its conversation.
pub(in crate::stand_ins) fn receive(state: &mut State, given: &Value) -> Result<(String, String), String> {
    let known = [
        "phone",
        "text",
        "location",
        "webchat_url",
        "attachment_url",
        "attachment_type",
        "attachment_bytes",
        "name",
        "at",
        "uid",
        "quiet",
    ];
    let fields = given.as_object().ok_or("a message is an object")?;
    if let Some(field) = fields.keys().find(|field| !known.contains(&field.as_str())) {
        return Err(format!("a message has no such field: {field}"));
    }
    let text = |field: &str| match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{field} is a text")),
    };
    let required = |field: &str| text(field)?.ok_or_else(|| format!("{field} is required"));
    let (phone, location) = (required("phone")?, required("location")?);
    let now_ms = clock::now_ms();
    let at_ms = match text("at")? {
        None => now_ms,
        Some(at) => clock::parse_iso(&at).ok_or_else(|| format!("{at} is not a time"))?,
    };
    let message = Imported {
        uid: text("uid")?.unwrap_or_else(|| state.ids.uid()),
        conversation: state.book.conversation_for(&phone, Some(&location)),
        phone,
        location,
        body: text("text")?.unwrap_or_default(),
        inbound: true,
        published_ms: at_ms,
        imported_ms: now_ms,
        written: Some(Written {
            webchat_url: text("webchat_url")?,
            attachment_url: text("attachment_url")?,
            attachment_type: text("attachment_type")?,
            attachment_bytes: fields.get("attachment_bytes").and_then(Value::as_u64),
        }),
    };
    if state.book.imported().iter().any(|known| known.uid == message.uid) {
        return Err(format!("another message has the uid {}", message.uid));
    }
    state.book.receive(message.clone(), text("name")?.as_deref());
    if fields.get("quiet") != Some(&Value::Bool(true)) {
        received(state, &message);
    }
    Ok((message.uid, message.conversation))
}

/// Tells of a message of a customer's.
pub(super) fn received(state: &mut State, message: &Imported) {
    let country = state.podium.settings.location(&message.location).and_then(|location| location.country.clone());
    let written = message.written.as_ref();
    let attachments: Vec<Value> = written
        .and_then(|written| Some((written.attachment_url.as_ref()?, written)))
        .map(|(url, written)| {
            let name = url.rsplit('/').next();
            let (kind, bytes) = (&written.attachment_type, written.attachment_bytes);
            json!({ "name": name, "content_type": kind, "size_bytes": bytes, "url": url })
        })
        .into_iter()
        .collect();
    let brief = json!({
        "session_uid": message.conversation,
        "message_uid": message.uid,
        "from": message.phone,
        "country": country,
        "location_uid": message.location,
        "body": message.body,
        "attachments": attachments,
    });
    let happened = Happened {
        phone: Some(message.phone.clone()),
        published: Some(("message.received", view::imported(message, &state.book))),
        // What was imported did not come through Podium's own widget.
        brief: Some((if written.is_some() { "webchat.message.received" } else { "message.received" }, brief)),
    };
    tell(state, &happened);
}

/// Says what became of a message or an invitation: `PUT /_control/podium/deliveries/{id}`. With `tell` Podium tells of it.
/// False, if there is none of that id.
pub(in crate::stand_ins) fn deliver(state: &mut State, id: &str, given: &Value) -> Result<bool, String> {
    let mut given = given.clone();
    let told = given.as_object_mut().and_then(|fields| fields.remove("tell"));
    let told = match told {
        None => false,
        Some(told) => told.as_bool().ok_or("tell is true or false")?,
    };
    let delivery = Delivery::read(&given)?;
    let effects = state.ledger.effects().iter();
    let Some(effect) = effects.rev().find(|effect| delivery::id_of(effect) == Some(id)).cloned() else {
        return Ok(false);
    };
    state.book.deliveries.tell(id, delivery);
    if told {
        ended(state, &effect);
    }
    Ok(true)
}

/// Puts in a review or changes one: `PUT /_control/podium/reviews/{uid}`. With `quiet` Podium does not tell of it.
pub(in crate::stand_ins) fn review(state: &mut State, uid: &str, given: &Value) -> Result<Value, String> {
    let mut given = given.clone();
    let quiet = given.as_object_mut().and_then(|fields| fields.remove("quiet")) == Some(Value::Bool(true));
    let (review, new) = state.book.put_review(uid, &given, clock::now_ms())?;
    if !quiet {
        reviewed(state, &review, new);
    }
    Ok(review.view())
}
