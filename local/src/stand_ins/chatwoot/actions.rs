//! What can be done to a conversation, besides writing in it.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::ask::{Answer, Ask, Bots};
use super::book::Sender;
use super::events::{self, Assigned};
use super::refusal::Refusal;
use super::view;
use crate::clock;

const STATUSES: [&str; 4] = ["open", "resolved", "pending", "snoozed"];
const PRIORITIES: [&str; 4] = ["low", "medium", "high", "urgent"];

/// `GET conversations/{id}`
pub(super) async fn show(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let bots = if state.chatwoot.settings.bot_reads_conversation { Bots::Allowed } else { Bots::Refused };
    let (at, _) = ask.enter(&state.chatwoot, &path, bots)?;
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    Ok(Json(view::show(&state.chatwoot, conversation)).into_response())
}

/// `POST conversations/{id}/assignments`. Whoever is unknown is nobody: 200, null, and nobody is assigned any more.
pub(super) async fn assign(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let (at, caller) = ask.enter(&state.chatwoot, &path, Bots::Allowed)?;
    let settings = &state.chatwoot.settings;
    let to_bot = ask.text("assignee_type").as_deref() == Some("AgentBot");
    let (assigned, answer) = if ask.body.contains_key("assignee_id") || to_bot {
        let id = ask.number("assignee_id");
        if to_bot && id == settings.bot.id {
            (Assigned::Bot, view::assigned_bot(&state.chatwoot))
        } else if !to_bot && settings.agent(id).is_some() {
            (Assigned::Agent(id), view::agent(&state.chatwoot, id, at.0))
        } else {
            (Assigned::Nobody, Value::Null)
        }
    } else if ask.body.contains_key("team_id") {
        let known = settings.team(ask.number("team_id")).map(|team| team.id);
        (Assigned::Team(known), known.map_or(Value::Null, |id| view::team(&state.chatwoot, id, at.0)))
    } else {
        return Ok(Json(Value::Null).into_response());
    };
    events::assign(&mut state, at, assigned, caller, &Value::Object(ask.body.clone()));
    Ok(Json(answer).into_response())
}

/// `POST conversations/{id}/toggle_status`
pub(super) async fn toggle_status(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let (at, caller) = ask.enter(&state.chatwoot, &path, Bots::Allowed)?;
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    let before = conversation.status.clone();
    let wanted = match ask.text("status") {
        Some(status) if STATUSES.contains(&status.as_str()) => status,
        Some(status) => return Err(Refusal::unprocessable(&format!("'{status}' is not a valid status"))),
        None if before == "open" => "resolved".to_owned(),
        None => "open".to_owned(),
    };
    // The way of a bot to hand over returns nothing, not even that it worked.
    let handed_over = caller == Sender::Bot && before == "pending" && wanted == "open";
    let until = ask.body.get("snoozed_until").cloned();
    events::set_status(&mut state, at, &wanted, caller);
    if let Some(conversation) = state.chatwoot.book.get_mut(at) {
        conversation.snoozed_until = until.filter(|_| wanted == "snoozed");
    }
    if let Sender::User(id) = caller
        && wanted == "open"
        && state.chatwoot.settings.user_is_agent
    {
        events::assign(&mut state, at, Assigned::Agent(id), caller, &Value::Null);
    }
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    let success = if handed_over { Value::Null } else { json!(true) };
    let answer = json!({
        "meta": {},
        "payload": {
            "success": success,
            "conversation_id": at.1,
            "current_status": conversation.status,
            "snoozed_until": conversation.snoozed_until,
        },
    });
    Ok(Json(answer).into_response())
}

/// `POST conversations/{id}/toggle_typing_status`
pub(super) async fn toggle_typing_status(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let (at, caller) = ask.enter(&state.chatwoot, &path, Bots::Allowed)?;
    let typing = ask.text("typing_status").unwrap_or_default();
    let private = ask.is_true("is_private");
    let by = events::name_of(&state.chatwoot.settings, caller);
    if let Some(conversation) = state.chatwoot.book.get_mut(at).filter(|_| typing == "on" || typing == "off") {
        let event = json!({ "at_ms": clock::now_ms(), "typing_status": typing, "is_private": private, "by": by });
        conversation.typing.push(event);
    }
    Ok(StatusCode::OK.into_response())
}

/// `POST conversations/{id}/toggle_priority`
pub(super) async fn toggle_priority(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let (at, _) = ask.enter(&state.chatwoot, &path, Bots::Allowed)?;
    let priority = ask.text("priority");
    if let Some(odd) = priority.as_deref().filter(|priority| !PRIORITIES.contains(priority)) {
        return Err(Refusal::unprocessable(&format!("'{odd}' is not a valid priority")));
    }
    if let Some(conversation) = state.chatwoot.book.get_mut(at) {
        conversation.priority = priority;
    }
    Ok(StatusCode::OK.into_response())
}

/// `POST conversations/{id}/custom_attributes`: replaces them.
pub(super) async fn custom_attributes(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let (at, _) = ask.enter(&state.chatwoot, &path, Bots::Allowed)?;
    let given = ask.body.get("custom_attributes").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(conversation) = state.chatwoot.book.get_mut(at) {
        conversation.custom_attributes.clone_from(&given);
    }
    Ok(Json(json!({ "custom_attributes": given })).into_response())
}

/// `GET conversations/{id}/labels`
pub(super) async fn labels(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    let (at, _) = ask.enter(&state.chatwoot, &path, Bots::Refused)?;
    let conversation = state.chatwoot.book.get(at).ok_or_else(Refusal::not_found)?;
    Ok(Json(json!({ "payload": conversation.labels })).into_response())
}

/// `POST conversations/{id}/labels`: replaces them. Bots may since 4.14.2.
pub(super) async fn set_labels(Path(path): Path<(String, String)>, ask: Ask) -> Answer {
    let mut state = ask.app.lock();
    let bots = if state.chatwoot.settings.bot_reads_conversation { Bots::Allowed } else { Bots::Refused };
    let (at, _) = ask.enter(&state.chatwoot, &path, bots)?;
    let given = ask.body.get("labels").and_then(Value::as_array).cloned().unwrap_or_default();
    let given: Vec<String> = given.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(conversation) = state.chatwoot.book.get_mut(at) {
        conversation.labels.clone_from(&given);
    }
    Ok(Json(json!({ "payload": given })).into_response())
}

/// `GET teams`
pub(super) async fn teams(Path(account): Path<String>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    ask.caller(&state.chatwoot, &account, Bots::Refused)?;
    let account = account.parse().unwrap_or(0);
    let all = state.chatwoot.settings.teams.iter().map(|team| {
        let mut shown = view::team(&state.chatwoot, team.id, account);
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("is_member".to_owned(), json!(false));
        }
        shown
    });
    Ok(Json(all.collect::<Vec<_>>()).into_response())
}

/// `GET agents`
pub(super) async fn agents(Path(account): Path<String>, ask: Ask) -> Answer {
    let state = ask.app.lock();
    ask.caller(&state.chatwoot, &account, Bots::Refused)?;
    let account = account.parse().unwrap_or(0);
    let all = state.chatwoot.settings.agents.iter().map(|agent| view::agent(&state.chatwoot, agent.id, account));
    Ok(Json(all.collect::<Vec<_>>()).into_response())
}
