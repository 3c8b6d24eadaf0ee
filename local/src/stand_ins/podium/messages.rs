//! Messages. Sending one is what a customer notices.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::book::Imported;
use super::envelope::{Answer, Ask, Refusal};
use super::page::Page;
use super::person::Contact;
use super::{events, locations, view};
use crate::clock::{self, iso, parse_iso};
use crate::stand_ins::app::State;
use crate::stand_ins::ledger::{Contract, Effect, EffectKind, Import};
use crate::stand_ins::requests::Provider;

/// What a customer is about to get.
pub(super) struct Sending<'a> {
    pub(super) contract: Contract,
    pub(super) kind: EffectKind,
    pub(super) phone: &'a str,
    pub(super) location: Option<&'a str>,
    pub(super) body: &'a str,
    pub(super) contact_name: Option<&'a str>,
    /// Where it goes; found by phone and location, if not named.
    pub(super) conversation: Option<String>,
}

/// Puts it into the ledger. From here on it has happened, whatever becomes of the answer.
pub(super) fn put(state: &mut State, ask: &Ask, sending: Sending<'_>) -> Result<Effect, Refusal> {
    let (link, linked) = state.book.link_in(sending.body).unzip();
    let invitation = (sending.kind == EffectKind::ReviewInvitation).then(|| format!("inv_{}", state.ids.uid()));
    let conversation =
        sending.conversation.unwrap_or_else(|| state.book.conversation_for(sending.phone, sending.location));
    let effect = Effect {
        seq: 0,
        at_ms: clock::now_ms(),
        provider: Provider::Podium,
        contract: sending.contract,
        kind: sending.kind,
        phone: sending.phone.to_owned(),
        location: sending.location.map(str::to_owned),
        body: Some(sending.body.to_owned()),
        invite_link: link,
        invitation_id: invitation.or(linked.flatten()),
        message_id: Some(state.ids.uid()),
        conversation,
        contact_name: sending.contact_name.map(str::to_owned),
        to_opted_out: opted_out(state, sending.phone),
        content_type: None,
        content_attributes: None,
        conversation_status: None,
        request_id: ask.request_id.clone(),
    };
    let effect = state.effect(effect).map_err(|error| Refusal::ledger(&error))?;
    events::sent(state, &effect);
    Ok(effect)
}

/// `POST /v4/messages`
pub(super) async fn send(ask: Ask) -> Answer {
    let body = ask.required("body")?;
    let identifier = channel(&ask)?;
    let mut state = ask.app.lock();
    let location = locations::named(&ask, &state.podium.settings)?;
    let sending = Sending {
        contract: Contract::Published,
        kind: EffectKind::Message,
        phone: identifier,
        location: Some(location),
        body,
        contact_name: ask.text("/contactName"),
        conversation: None,
    };
    let effect = put(&mut state, &ask, sending)?;
    if ask.body.get("setOpenInbox") == Some(&Value::Bool(true)) {
        state.book.reopen(&effect.conversation);
    }
    Ok(ask.ok(&view::message(&effect, &state.book)))
}

/// `POST /v4/conversations/{uid}/messages`, the briefs' reply.
pub(super) async fn reply(Path(uid): Path<String>, ask: Ask) -> Answer {
    let bad = |error| Refusal::brief(StatusCode::BAD_REQUEST, error);
    let body = ask.text("/body").ok_or_else(|| bad("invalid_body"))?;
    let mut state = ask.app.lock();
    let known = state.book.conversation(&uid).cloned();
    let conversation = known.ok_or_else(|| Refusal::brief(StatusCode::NOT_FOUND, "conversation_not_found"))?;
    refuse_opted_out(&state, &conversation.phone)?;
    let sending = Sending {
        contract: Contract::Brief,
        kind: EffectKind::Message,
        phone: &conversation.phone,
        location: conversation.location.as_deref(),
        body,
        contact_name: None,
        conversation: Some(uid),
    };
    let effect = put(&mut state, &ask, sending)?;
    let answer = json!({
        "id": effect.message_id,
        "uid": effect.message_id,
        "conversation_uid": effect.conversation,
        "body": effect.body,
        "created_at": iso(effect.at_ms),
    });
    Ok(Json(answer).into_response())
}

fn opted_out(state: &State, phone: &str) -> bool {
    state.book.contacts_of(phone).any(Contact::opted_out)
}

/// The briefs' Podium refuses to text who said STOP. What the published one does is not documented: there the message
/// goes out and into the ledger as `to_opted_out`, where a test will find it.
pub(super) fn refuse_opted_out(state: &State, phone: &str) -> Result<(), Refusal> {
    if opted_out(state, phone) {
        return Err(Refusal::brief(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "contact_opted_out"));
    }
    Ok(())
}

/// `GET /v4/conversations/{uid}/messages`, newest first. It takes a cursor and no limit.
pub(super) async fn list(Path(uid): Path<String>, ask: Ask) -> Answer {
    let page_size = ask.app.lock().podium.settings.page_size;
    let page = Page::of(&ask, Some(page_size))?;
    let items = {
        let state = ask.app.lock();
        let conversation = state.book.conversation(&uid).ok_or_else(Refusal::not_found)?;
        let now_ms = clock::now_ms();
        let shows = |at_ms: i64| state.podium.settings.shows(at_ms, now_ms);
        let sent = state.ledger.of_phone(&conversation.phone);
        let sent = sent.filter(|effect| effect.conversation == uid && shows(effect.at_ms)).map(|effect| {
            let id = effect.message_id.clone().unwrap_or_default();
            (effect.at_ms, (id, view::message(effect, &state.book)))
        });
        let imported = state.book.imported().iter();
        let imported = imported
            .filter(|message| message.conversation == uid && shows(message.imported_ms))
            .map(|message| (message.published_ms, (message.uid.clone(), view::imported(message, &state.book))));
        let mut items: Vec<(i64, (String, Value))> = sent.chain(imported).collect();
        items.sort_by_key(|(at_ms, _)| *at_ms);
        items.into_iter().rev().map(|(_, item)| item).collect()
    };
    page.cut(&ask, items)
}

/// `GET /v4/conversations/{uid}/messages/{message}`
pub(super) async fn one(Path((uid, message)): Path<(String, String)>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let mut effects = state.ledger.effects().iter();
    let sent = effects.find(|effect| effect.conversation == uid && effect.message_id.as_deref() == Some(&message));
    let sent = sent.map(|effect| view::message(effect, &state.book));
    let imported = || {
        let mut all = state.book.imported().iter();
        let found = all.find(|one| one.conversation == uid && one.uid == message);
        found.map(|message| view::imported(message, &state.book))
    };
    sent.or_else(imported).map(|message| ask.ok(&message)).ok_or_else(Refusal::not_found)
}

/// `POST /v4/import/messages`: shows what was said elsewhere. Nobody is sent anything, so in the ledger it stands beside the
/// effects. The same call again puts it there again. Whether Podium tells of it like of what a customer wrote is not documented;
/// with `echo_imports` it does.
pub(super) async fn import(ask: Ask) -> Answer {
    let body = ask.required("body")?;
    let phone = channel(&ask)?;
    let contact_name = ask.required("contactName")?;
    let inbound = match ask.required("direction")? {
        "inbound" => true,
        "outbound" => false,
        _ => return Err(Refusal::invalid("direction must be inbound or outbound.")),
    };
    let published_ms = parse_iso(ask.required("publishedAt")?);
    let published_ms = published_ms.ok_or_else(|| Refusal::invalid("publishedAt is not a time."))?;
    let mut state = ask.app.lock();
    let location = locations::named(&ask, &state.podium.settings)?;
    let message = Imported {
        uid: state.ids.uid(),
        conversation: state.book.conversation_for(phone, Some(location)),
        phone: phone.to_owned(),
        location: location.to_owned(),
        body: body.to_owned(),
        inbound,
        published_ms,
        imported_ms: clock::now_ms(),
        written: None,
    };
    let import = Import {
        seq: 0,
        at_ms: message.imported_ms,
        phone: message.phone.clone(),
        location: message.location.clone(),
        body: message.body.clone(),
        inbound,
        published_ms,
        message_id: message.uid.clone(),
        conversation: message.conversation.clone(),
        contact_name: contact_name.to_owned(),
        request_id: ask.request_id.clone(),
    };
    state.ledger.record_import(import).map_err(|error| Refusal::ledger(&error))?;
    state.book.import(message.clone(), contact_name);
    if inbound && state.podium.settings.echo_imports {
        events::received(&mut state, &message);
    }
    Ok(ask.ok(&view::imported(&message, &state.book)))
}

/// Whom a message is for: `channel {type: "phone" | "email", identifier}`.
fn channel(ask: &Ask) -> Result<&str, Refusal> {
    let identifier = ask.text("/channel/identifier").ok_or_else(|| Refusal::invalid("channel is required."))?;
    let good = match ask.text("/channel/type") {
        Some("phone") => is_e164(identifier),
        Some("email") => identifier.contains('@'),
        _ => return Err(Refusal::invalid("channel.type must be phone or email.")),
    };
    good.then_some(identifier).ok_or_else(|| Refusal::invalid("channel.identifier is not valid."))
}

/// `+` and 7 to 15 digits, not starting with 0. No more than a carrier's first look: the stand-in must not share the
/// judgement of the code it tests.
pub(super) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    })
}
