//! Contacts as Podium's published API has them: an upsert that never conflicts, and is taken in before it is done.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::envelope::{Answer, Ask, Refusal};
use super::page::Page;
use super::person::{BRIEF_FLAGS, Contact};
use super::settings::Settings;
use super::{brief_contacts, view};
use crate::clock;

/// `GET /v4/contacts/{identifier}`: phone, e-mail address or conversation.
pub(super) async fn one(Path(identifier): Path<String>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    if let Some(contact) = state.book.identify_mut(&identifier).filter(|contact| contact.hidden_lookups > 0) {
        contact.hidden_lookups -= 1;
        return Err(Refusal::not_found());
    }
    let found = state.book.identify(&identifier);
    let found = found.filter(|contact| state.podium.settings.shows(contact.created_ms, clock::now_ms()));
    let found = found.map(|contact| view::contact(contact, &state.book));
    found.map(|contact| ask.ok(&contact)).ok_or_else(Refusal::not_found)
}

/// `GET /v4/contacts`: all of them, or with `phone=` the briefs' look-up.
pub(super) async fn list(ask: Ask) -> Answer {
    if let Some(phone) = ask.query.get("phone") {
        return Ok(brief_contacts::look_up(&ask, phone));
    }
    let page = Page::of(&ask, None)?;
    let contacts = {
        let state = ask.app.lock();
        let caught_up = state.book.contacts().filter(|contact| contact.hidden_lookups == 0);
        caught_up.map(|contact| (contact.uid.clone(), view::contact(contact, &state.book))).collect()
    };
    page.cut(&ask, contacts)
}

/// `POST /v4/contacts`
pub(super) async fn create(ask: Ask) -> Answer {
    let brief = ask.body.get("phone").is_some() || ask.body.get("location_uid").is_some();
    if brief { brief_contacts::create(&ask) } else { upsert(&ask) }
}

/// `PATCH /v4/contacts/{identifier}`. The published API cannot touch an opt-out, so a body that does is the briefs'.
pub(super) async fn change(Path(identifier): Path<String>, ask: Ask) -> Answer {
    let brief = ask.body.get("opted_out").is_some() || BRIEF_FLAGS.iter().any(|flag| ask.body.get(flag).is_some());
    if brief { brief_contacts::change(&ask, &identifier) } else { update(&ask, &identifier) }
}

/// The fields that an upsert and a change share.
struct Fields<'a> {
    name: Option<&'a str>,
    phone: Option<&'a str>,
    email: Option<&'a str>,
    locations: Option<Vec<String>>,
}

impl<'a> Fields<'a> {
    fn of(ask: &'a Ask) -> Result<Self, Refusal> {
        let phone = ask.optional("phoneNumber")?;
        if phone.is_some_and(|phone| !is_phone_number(phone)) {
            return Err(Refusal::invalid("phoneNumber is not of the form +15551234567."));
        }
        let email = ask.optional("email")?;
        if email.is_some_and(|email| !is_email(email)) {
            return Err(Refusal::invalid("email is not an e-mail address."));
        }
        Ok(Self { name: ask.optional("name")?, phone, email, locations: uids(ask, "locations")? })
    }

    fn check_locations(&self, settings: &Settings) -> Result<(), Refusal> {
        let mut named = self.locations.iter().flatten();
        if named.any(|uid| settings.location(uid).is_none()) {
            return Err(Refusal::invalid("locations names a location that does not exist."));
        }
        Ok(())
    }

    fn lay_over(self, contact: &mut Contact) {
        contact.name = self.name.map(str::to_owned).or_else(|| contact.name.take());
        contact.email = self.email.map(str::to_owned).or_else(|| contact.email.take());
        contact.locations.extend(self.locations.unwrap_or_default());
    }
}

/// Creates, or overwrites the name of whom the phone (or the address) belongs to already.
fn upsert(ask: &Ask) -> Answer {
    let known = ["name", "locations", "phoneNumber", "email", "address", "tags", "attributes", "contactStatus"];
    ask.only(&known)?;
    ask.required("name")?;
    let fields = Fields::of(ask)?;
    if fields.locations.as_ref().is_none_or(Vec::is_empty) {
        return Err(Refusal::invalid("locations is required."));
    }
    let tags = uids(ask, "tags")?.unwrap_or_default();
    let identifier = fields.phone.or(fields.email);
    let identifier = identifier.ok_or_else(|| Refusal::invalid("phoneNumber or email is required."))?;
    let mut state = ask.app.lock();
    fields.check_locations(&state.podium.settings)?;
    if tags.iter().any(|uid| state.book.tag(uid).is_none()) {
        return Err(Refusal::invalid("tags names a tag that does not exist."));
    }
    let hidden = state.podium.settings.lookups_empty_after_create;
    let now_ms = clock::now_ms();
    // An address may belong to somebody who is on record by phone.
    let known = state.book.identify(identifier).map(|contact| contact.phone.clone());
    let contact = state.book.contact_mut(known.as_deref().unwrap_or(identifier), now_ms);
    if known.is_none() {
        contact.hidden_lookups = hidden;
    }
    contact.tags.extend(tags);
    fields.lay_over(contact);
    Ok(accepted(ask, identifier))
}

fn update(ask: &Ask, identifier: &str) -> Answer {
    ask.only(&["name", "phoneNumber", "email", "locations", "address", "conversationUid", "contactStatus"])?;
    if ask.body.as_object().is_some_and(serde_json::Map::is_empty) {
        return Err(Refusal::invalid("Nothing to change."));
    }
    let fields = Fields::of(ask)?;
    let mut state = ask.app.lock();
    fields.check_locations(&state.podium.settings)?;
    let found = state.book.identify_mut(identifier).ok_or_else(Refusal::not_found)?;
    let mut contact = found.clone();
    contact.phone = fields.phone.map_or(contact.phone, str::to_owned);
    contact.updated_ms = clock::now_ms();
    fields.lay_over(&mut contact);
    if contact.phone == found.phone {
        *found = contact;
    } else if state.book.contact(&contact.phone).is_some() {
        // What Podium makes of a number that somebody else has is not documented; a merge behind the caller's back would
        // hide more than a refusal does.
        return Err(Refusal::invalid("phoneNumber belongs to another contact."));
    } else {
        state.book.remove_contact(identifier);
        state.book.add_contact(contact);
    }
    Ok(accepted(ask, identifier))
}

/// `DELETE /v4/contacts/{identifier}`. The conversations stay.
pub(super) async fn delete(Path(identifier): Path<String>, ask: Ask) -> Answer {
    let removed = ask.app.lock().book.remove_contact(&identifier);
    removed.map(|_| accepted(&ask, &identifier)).ok_or_else(Refusal::not_found)
}

/// 202: heard, and done some time later.
pub(super) fn accepted(ask: &Ask, identifier: &str) -> Response {
    ask.reply(StatusCode::ACCEPTED, &json!({ "identifier": identifier }))
}

/// A list of uids, if the body has it.
fn uids(ask: &Ask, field: &str) -> Result<Option<Vec<String>>, Refusal> {
    let read = |list: &Value| serde_json::from_value(list.clone());
    let list = ask.body.get(field).map(read).transpose();
    list.map_err(|_| Refusal::invalid(format!("{field} is a list of uids.")))
}

/// `^\+[1-9]\d{1,15}$`, to the letter: it takes what no network does.
pub(super) fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=16).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    })
}

/// `(.+)@(.+)\.(.+)`
fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        let dotted = host.char_indices().any(|(at, c)| c == '.' && at > 0 && at + 1 < host.len());
        !name.is_empty() && dotted
    })
}
