//! Contacts as the briefs have them: looked up by phone, created in a race that can be lost, and told of opt-outs.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::envelope::{Answer, Ask, Refusal};
use super::messages::is_e164;
use super::person::Contact;
use super::view;
use crate::clock;
use crate::stand_ins::app::State;

/// Who is shown in front of the right one when there is nobody else on record.
const STRANGER: &str = "+61491570110";

/// `GET /v4/contacts?phone=&location_uid=`. A `+` that was not escaped arrives as a space and finds nobody, as it would
/// at Podium. `location_uid` is taken and does not narrow: one phone is one contact.
pub(super) fn look_up(ask: &Ask, phone: &str) -> Response {
    let mut state = ask.app.lock();
    let mut found: Vec<Value> = visible(&mut state, phone).iter().map(view::brief_contact).collect();
    if state.podium.settings.wrong_contact_first {
        let mut others = state.book.contacts().filter(|contact| contact.phone != phone);
        let stranger = others.next().map_or_else(
            || view::brief_contact(&Contact { name: Some("Somebody Else".to_owned()), ..Contact::new(STRANGER, 0) }),
            view::brief_contact,
        );
        found.insert(0, stranger);
    }
    Json(json!({ "data": found })).into_response()
}

/// The contacts of a phone that a look-up shows by now. Being looked for in vain is counted.
fn visible(state: &mut State, phone: &str) -> Vec<Contact> {
    let now_ms = clock::now_ms();
    let settings = &state.podium.settings;
    let mut found = Vec::new();
    for contact in state.book.contacts_of_mut(phone) {
        if contact.hidden_lookups > 0 {
            contact.hidden_lookups -= 1;
        } else if settings.shows(contact.created_ms, now_ms) {
            found.push(contact.clone());
        }
    }
    found
}

/// `POST /v4/contacts {phone, location_uid, first_name, last_name}`: the record itself, without an envelope, as the
/// briefs read it; 409 when somebody was first.
pub(super) fn create(ask: &Ask) -> Answer {
    let bad = |error| Refusal::brief(StatusCode::BAD_REQUEST, error);
    let phone = ask.text("/phone").filter(|phone| is_e164(phone)).ok_or_else(|| bad("invalid_phone_format"))?;
    let location = ask.text("/location_uid").ok_or_else(|| bad("invalid_location_uid"))?;
    let mut state = ask.app.lock();
    let settings = &state.podium.settings;
    if settings.location(location).is_none() {
        return Err(bad("invalid_location_uid"));
    }
    if state.book.contact(phone).is_some() && !settings.duplicate_contacts {
        return Err(Refusal::brief(StatusCode::CONFLICT, "contact_already_exists"));
    }
    let names: Vec<&str> = ["/first_name", "/last_name"].iter().filter_map(|place| ask.text(place)).collect();
    let contact = Contact {
        name: (!names.is_empty()).then(|| names.join(" ")),
        locations: [location.to_owned()].into(),
        hidden_lookups: settings.lookups_empty_after_create,
        ..Contact::new(phone, clock::now_ms())
    };
    let uid = state.book.add_contact(contact);
    let created = state.book.contact_with_uid(&uid).map(view::brief_contact);
    Ok((StatusCode::CREATED, Json(created)).into_response())
}

/// `PATCH /v4/contacts/{uid} {opted_out}`, or any of the four flags.
pub(super) fn change(ask: &Ask, uid: &str) -> Answer {
    let now_ms = clock::now_ms();
    let mut state = ask.app.lock();
    let contact = state.book.contact_with_uid_mut(uid);
    let contact = contact.ok_or_else(|| Refusal::brief(StatusCode::NOT_FOUND, "contact_not_found"))?;
    let mut changed = contact.clone();
    for (field, value) in ask.body.as_object().into_iter().flatten() {
        let set = value.as_bool();
        if !set.is_some_and(|set| changed.set_flag(field, set, now_ms)) {
            return Err(Refusal::brief(StatusCode::BAD_REQUEST, "invalid_request"));
        }
    }
    changed.updated_ms = now_ms;
    *contact = changed;
    Ok(Json(view::brief_contact(contact)).into_response())
}
