//! Contacts: an upsert that never conflicts in the published contract, a create that can be lost in the briefs'.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::envelope::{Answer, Ask, Refusal};
use super::messages::is_e164;
use super::page::Page;
use super::view;
use crate::clock;

/// `GET /v4/contacts/{identifier}`: phone, e-mail address or conversation.
pub(super) async fn one(Path(identifier): Path<String>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let now_ms = clock::now_ms();
    let found = state.book.identify(&identifier);
    let found = found.filter(|contact| state.podium.settings.shows(contact.created_ms, now_ms));
    let found = found.map(|contact| view::contact(contact, &state.book));
    found.map(|contact| ask.ok(&contact)).ok_or_else(Refusal::not_found)
}

/// `GET /v4/contacts`: all of them, or with `phone=` the briefs' lookup. A `+` that was not escaped arrives as a space
/// and finds nobody, as it would at Podium. `location_uid` is taken and does not narrow: one phone is one contact.
pub(super) async fn list(ask: Ask) -> Answer {
    if let Some(phone) = ask.query.get("phone") {
        let state = ask.app.lock();
        let found: Vec<Value> = state.book.contact(phone).into_iter().map(view::brief_contact).collect();
        return Ok(Json(json!({ "data": found })).into_response());
    }
    let page = Page::of(&ask, None)?;
    let contacts = {
        let state = ask.app.lock();
        state.book.contacts().map(|contact| (contact.uid(), view::contact(contact, &state.book))).collect()
    };
    page.cut(&ask, contacts)
}

/// `POST /v4/contacts`
pub(super) async fn create(ask: Ask) -> Answer {
    let brief = ask.body.get("phone").is_some() || ask.body.get("location_uid").is_some();
    if brief { create_brief(&ask) } else { upsert(&ask) }
}

fn upsert(ask: &Ask) -> Answer {
    let name = ask.text("/name").ok_or_else(|| Refusal::invalid("name is required."))?;
    let locations: Option<Vec<String>> =
        ask.body.get("locations").and_then(|list| serde_json::from_value(list.clone()).ok());
    let locations = locations.filter(|list| !list.is_empty());
    let locations = locations.ok_or_else(|| Refusal::invalid("locations is required."))?;
    let phone = ask.text("/phoneNumber");
    if phone.is_some_and(|phone| !is_e164(phone)) {
        return Err(Refusal::invalid("phoneNumber is not of the form +15551234567."));
    }
    let email = ask.text("/email");
    let identifier = phone.or(email).ok_or_else(|| Refusal::invalid("phoneNumber or email is required."))?;
    let mut state = ask.app.lock();
    if locations.iter().any(|uid| state.podium.settings.location(uid).is_none()) {
        return Err(Refusal::invalid("locations names a location that does not exist."));
    }
    let contact = state.book.contact_mut(identifier, clock::now_ms());
    contact.name = Some(name.to_owned());
    contact.email = email.map(str::to_owned).or_else(|| contact.email.take());
    contact.locations.extend(locations);
    Ok(ask.reply(StatusCode::ACCEPTED, &json!({ "identifier": identifier })))
}

/// The record itself, without an envelope, as the briefs read it; 409 when somebody was first.
fn create_brief(ask: &Ask) -> Answer {
    let bad = |error| Refusal::brief(StatusCode::BAD_REQUEST, error);
    let phone = ask.text("/phone").filter(|phone| is_e164(phone)).ok_or_else(|| bad("invalid_phone_format"))?;
    let location = ask.text("/location_uid").ok_or_else(|| bad("invalid_location_uid"))?;
    let mut state = ask.app.lock();
    if state.podium.settings.location(location).is_none() {
        return Err(bad("invalid_location_uid"));
    }
    if state.book.contact(phone).is_some() {
        return Err(Refusal::brief(StatusCode::CONFLICT, "contact_already_exists"));
    }
    let names: Vec<&str> = ["/first_name", "/last_name"].iter().filter_map(|place| ask.text(place)).collect();
    let contact = state.book.contact_mut(phone, clock::now_ms());
    contact.name = (!names.is_empty()).then(|| names.join(" "));
    contact.locations.insert(location.to_owned());
    Ok((StatusCode::CREATED, Json(view::brief_contact(contact))).into_response())
}
