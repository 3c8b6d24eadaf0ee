//! Podium's webhooks as an integration manages them: the same as the control API's, in Podium's own words.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::envelope::{Answer, Ask, Refusal};
use super::page::Page;
use crate::stand_ins::app::State;

/// Everything that a webhook may be told of.
const EVENT_TYPES: [&str; 26] = [
    "call.completed",
    "call.missed",
    "call.received",
    "call.voicemail_left",
    "contact.created",
    "contact.deleted",
    "contact.merged",
    "contact.unchanged",
    "contact.updated",
    "invoice.created",
    "invoice.disabled",
    "invoice.marked_as_paid",
    "invoice.payment_created",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.refund_created",
    "invoice.refund_failed",
    "message.failed",
    "message.received",
    "message.sent",
    "review.created",
    "review.updated",
    "review.response_created",
    "review.response_updated",
    "review.invite_link_created",
    "review.invite_link_updated",
];
const ORGANIZATION: &str = "0b3e5c0e-6f4e-4b6e-8a51-9f2c11a0d7e3";
const MADE_AT: &str = "2026-11-01T00:00:00Z";

/// `GET /v4/webhooks`
pub(super) async fn list(ask: Ask) -> Answer {
    let page = Page::of(&ask, None)?;
    let hooks = ask.app.lock().webhooks.report(None).unwrap_or_default();
    let hooks = hooks.as_object().into_iter().flatten();
    page.cut(&ask, hooks.map(|(uid, hook)| (uid.clone(), view(uid, hook))).collect())
}

/// `GET /v4/webhooks/{uid}`
pub(super) async fn one(Path(uid): Path<String>, ask: Ask) -> Answer {
    shown(&ask, &ask.app.lock(), &uid)
}

/// `POST /v4/webhooks {url*, eventTypes*, locationUid | organizationUid, secret?}`
pub(super) async fn create(ask: Ask) -> Answer {
    ask.only(&["url", "eventTypes", "locationUid", "organizationUid", "secret"])?;
    ask.required("url")?;
    if ask.text("/locationUid").or_else(|| ask.text("/organizationUid")).is_none() {
        return Err(Refusal::invalid("locationUid or organizationUid is required."));
    }
    let change = settings(&ask)?;
    if !change.contains_key("event_types") {
        return Err(Refusal::invalid("eventTypes is required."));
    }
    let mut state = ask.app.lock();
    let uid = state.ids.uid();
    state.webhooks.put(&uid, &Value::Object(change)).map_err(Refusal::invalid)?;
    shown(&ask, &state, &uid)
}

/// `PUT /v4/webhooks/{uid} {disabled?, eventTypes?, secret?, url?}`
pub(super) async fn change(Path(uid): Path<String>, ask: Ask) -> Answer {
    ask.only(&["disabled", "eventTypes", "secret", "url"])?;
    let change = settings(&ask)?;
    let mut state = ask.app.lock();
    state.webhooks.report(Some(&uid)).ok_or_else(Refusal::not_found)?;
    state.webhooks.put(&uid, &Value::Object(change)).map_err(Refusal::invalid)?;
    shown(&ask, &state, &uid)
}

/// `DELETE /v4/webhooks/{uid}`
pub(super) async fn remove(Path(uid): Path<String>, ask: Ask) -> Answer {
    let gone = ask.app.lock().webhooks.remove(&uid);
    gone.then(|| StatusCode::NO_CONTENT.into_response()).ok_or_else(Refusal::not_found)
}

fn shown(ask: &Ask, state: &State, uid: &str) -> Answer {
    let hook = state.webhooks.report(Some(uid)).ok_or_else(Refusal::not_found)?;
    Ok::<Response, _>(ask.ok(&view(uid, &hook)))
}

/// What a call says, in the words of the control API.
fn settings(ask: &Ask) -> Result<Map<String, Value>, Refusal> {
    let mut change = Map::new();
    for (theirs, ours) in
        [("url", "url"), ("secret", "secret"), ("disabled", "disabled"), ("eventTypes", "event_types")]
    {
        if let Some(value) = ask.body.get(theirs) {
            change.insert(ours.to_owned(), value.clone());
        }
    }
    if let Some(types) = change.get("event_types") {
        let named: Vec<&str> = types.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if named.is_empty() || named.iter().any(|name| !EVENT_TYPES.contains(name)) {
            return Err(Refusal::invalid("eventTypes must name at least one event type, and only known ones."));
        }
    }
    Ok(change)
}

/// As Podium shows it, its secret included.
fn view(uid: &str, hook: &Value) -> Value {
    let wanted = hook.get("event_types").and_then(Value::as_array);
    let told = |name: &&str| {
        wanted.is_none_or(|starts| starts.iter().filter_map(Value::as_str).any(|start| name.starts_with(start)))
    };
    let event_types: Vec<&&str> = EVENT_TYPES.iter().filter(|name| told(name)).collect();
    json!({
        "uid": uid,
        "url": hook.get("url"),
        "secret": hook.get("secret"),
        "disabled": hook.get("disabled"),
        "eventTypes": event_types,
        "locationUid": null,
        "organizationUid": ORGANIZATION,
        "createdAt": MADE_AT,
        "updatedAt": MADE_AT,
    })
}
