//! Labels on contacts, and who gets campaigns: the two marks that the published API lets an integration leave.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::book::Tag;
use super::contacts::{accepted, is_phone_number};
use super::envelope::{Answer, Ask, Refusal};
use super::{locations, view};
use crate::clock;
use crate::stand_ins::app::State;

/// `GET /v4/contact_tags`, all at once: this list has no pages.
pub(super) async fn list(ask: Ask) -> Response {
    let state = ask.app.lock();
    ask.ok(&state.book.tags().iter().map(view::tag).collect())
}

/// `POST /v4/contact_tags {label*, description*}`
pub(super) async fn create(ask: Ask) -> Answer {
    ask.only(&["label", "description"])?;
    let label = ask.required("label")?;
    // It must be there; unlike a label it may be empty.
    let description = ask.body.get("description").and_then(Value::as_str);
    let description = description.ok_or_else(|| Refusal::invalid("description is required."))?;
    let mut state = ask.app.lock();
    let tag = Tag {
        uid: state.ids.uid(),
        label: label.to_owned(),
        description: description.to_owned(),
        created_ms: clock::now_ms(),
    };
    let answer = view::tag(&tag);
    state.book.add_tag(tag);
    Ok(ask.ok(&answer))
}

/// `POST /v4/contacts/{identifier}/tags/{uid}`
pub(super) async fn attach(Path((identifier, uid)): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    state.book.tag(&uid).ok_or_else(Refusal::not_found)?;
    let contact = state.book.identify_mut(&identifier).ok_or_else(Refusal::not_found)?;
    contact.tags.insert(uid);
    contact.updated_ms = clock::now_ms();
    Ok(accepted(&ask, &identifier))
}

/// `DELETE /v4/contacts/{identifier}/tags/{uid}`
pub(super) async fn detach(Path((identifier, uid)): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let contact = state.book.identify_mut(&identifier).filter(|contact| contact.tags.contains(&uid));
    let contact = contact.ok_or_else(Refusal::not_found)?;
    contact.tags.remove(&uid);
    contact.updated_ms = clock::now_ms();
    Ok(accepted(&ask, &identifier))
}

/// `POST /v4/contacts/campaigns/opt_out {channel: {type: "PHONE", identifier}}`. Campaigns only: texts still go out, and
/// `transactionalOptedOutAt` stays what it was.
pub(super) async fn opt_out(ask: Ask) -> Answer {
    let phone = campaign_phone(&ask)?;
    let mut state = ask.app.lock();
    listed(&state)?;
    state.book.contact(phone).ok_or_else(Refusal::not_found)?;
    let contact = state.book.contact_mut(phone, clock::now_ms());
    contact.leave_campaigns();
    let answer = contact.clone();
    Ok(ask.ok(&view::contact(&answer, &state.book)))
}

/// `POST /v4/contacts/campaigns/opt_in {channel, locationUid*, name?}`, which makes the contact if there is none.
pub(super) async fn opt_in(ask: Ask) -> Answer {
    let phone = campaign_phone(&ask)?;
    let name = ask.optional("name")?;
    let mut state = ask.app.lock();
    listed(&state)?;
    let location = locations::named(&ask, &state.podium.settings)?;
    let contact = state.book.contact_mut(phone, clock::now_ms());
    contact.name = name.map(str::to_owned).or_else(|| contact.name.take());
    contact.join_campaigns(location);
    let answer = contact.clone();
    Ok(ask.ok(&view::contact(&answer, &state.book)))
}

/// The channel's type is in capitals here, and in small letters everywhere else.
fn campaign_phone(ask: &Ask) -> Result<&str, Refusal> {
    if ask.text("/channel/type") != Some("PHONE") {
        return Err(Refusal::invalid("channel.type must be PHONE."));
    }
    let phone = ask.text("/channel/identifier").filter(|phone| is_phone_number(phone));
    phone.ok_or_else(|| Refusal::invalid("channel.identifier is not valid."))
}

/// Podium's support puts integrations on a list for these two calls.
fn listed(state: &State) -> Result<(), Refusal> {
    if state.podium.settings.campaigns_allowed {
        return Ok(());
    }
    let message = "The application is not allowed to change campaign subscriptions.";
    Err(Refusal::published(StatusCode::FORBIDDEN, "unauthorized", message))
}
