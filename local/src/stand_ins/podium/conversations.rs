//! Conversations: listed, closed, assigned, and written beside.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::book::Note;
use super::envelope::{Answer, Ask, Refusal};
use super::page::Page;
use super::view;
use crate::clock;

/// `GET /v4/conversations?locationUid=`
pub(super) async fn list(ask: Ask) -> Answer {
    let page = Page::of(&ask, None)?;
    let items = {
        let state = ask.app.lock();
        let wanted = page.parameter("locationUid");
        let found = state.book.conversations().into_iter();
        found
            .filter(|conversation| wanted.is_none() || conversation.location.as_deref() == wanted)
            .map(|conversation| (conversation.uid.clone(), view::conversation(conversation, &state.book)))
            .collect()
    };
    page.cut(&ask, items)
}

/// `GET /v4/conversations/{uid}`
pub(super) async fn one(Path(uid): Path<String>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let found = state.book.conversation(&uid).map(|found| view::conversation(found, &state.book));
    found.map(|conversation| ask.ok(&conversation)).ok_or_else(Refusal::not_found)
}

/// `PUT /v4/conversations/{uid} {closed?, assignedUserUid?, conversationAssigneeUids?}`. A body without any of them is
/// taken, and changes nothing.
pub(super) async fn change(Path(uid): Path<String>, ask: Ask) -> Answer {
    let closed = match ask.body.get("closed") {
        None => None,
        Some(Value::Bool(closed)) => Some(*closed),
        Some(_) => return Err(Refusal::invalid("closed must be true or false.")),
    };
    let assigned: Option<Option<String>> = field(&ask, "assignedUserUid")?;
    let assignees: Option<Option<Vec<String>>> = field(&ask, "conversationAssigneeUids")?;
    let mut state = ask.app.lock();
    let found = state.book.conversation_mut(&uid).ok_or_else(Refusal::not_found)?;
    found.closed = closed.unwrap_or(found.closed);
    if let Some(assigned) = assigned {
        found.assigned = assigned;
    }
    if let Some(assignees) = assignees {
        found.assignees = assignees.unwrap_or_default();
    }
    found.updated_ms = clock::now_ms();
    let answer = state.book.conversation(&uid).map(|found| view::conversation(found, &state.book));
    answer.map(|conversation| ask.ok(&conversation)).ok_or_else(Refusal::not_found)
}

/// A field that may be missing, and of no other type if it is not.
fn field<T: serde::de::DeserializeOwned>(ask: &Ask, name: &str) -> Result<Option<T>, Refusal> {
    let value = ask.body.get(name).map(|value| serde_json::from_value(value.clone())).transpose();
    value.map_err(|_| Refusal::invalid(format!("{name} is not of its type.")))
}

/// `POST /v4/conversations/{uid}/close`, the briefs' way. Closing twice is closing once.
pub(super) async fn close(Path(uid): Path<String>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let found = state.book.conversation_mut(&uid);
    let found = found.ok_or_else(|| Refusal::brief(StatusCode::NOT_FOUND, "conversation_not_found"))?;
    found.closed = true;
    found.updated_ms = clock::now_ms();
    Ok(Json(json!({ "uid": uid, "status": "closed" })).into_response())
}

/// `POST /v4/conversations/{uid}/notes {body, senderName}`: for the shop's people. No customer sees it, and a repeated
/// call writes a second note.
pub(super) async fn note(Path(uid): Path<String>, ask: Ask) -> Answer {
    let (body, sender_name) = (ask.required("body")?, ask.required("senderName")?);
    let mut state = ask.app.lock();
    let found = state.book.conversation(&uid).ok_or_else(Refusal::not_found)?;
    let location = found.location.clone();
    let note = Note {
        uid: state.ids.uid(),
        conversation: uid,
        body: body.to_owned(),
        sender_name: sender_name.to_owned(),
        at_ms: clock::now_ms(),
    };
    let answer = view::note(&note, location.as_deref());
    state.book.add_note(note);
    Ok(ask.ok(&answer))
}
