//! The part of the control API that is about Chatwoot.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{events, webhooks};
use crate::stand_ins::app::App;
use crate::stand_ins::control::{Controlled, Problem, found, read};

pub(in crate::stand_ins) const HELP: &str = "\
  GET, PUT    /_control/chatwoot               bot_token, user_token, user_id, user_is_agent, base_url, storage_url,
                                               bot_reads_conversation, assigning_changes_status,
                                               keep_pending_on_bot_failure, bot_connected, suspended, flood_max,
                                               accounts, bot, agents, teams, inboxes
  POST   /_control/chatwoot/inbound            {\"text\": \"hello\"}; and account, conversation (null: a new one), inbox, channel,
                                               status, contact {id, name, email, phone_number, ...}, content_type,
                                               content_attributes, source_id, omit_attachments (webhooks show none), quiet,
                                               attachments [{file_type, content_type, name, text | base64 | bytes,
                                               omit_mime, late_404, served_content_type, no_content_type, no_length,
                                               redirect_to, slow_ms, status, data_url, transcribed_text, fields}]
                                               -> {account, conversation, message, contact, attachments [{id, data_url}]}
  POST   /_control/chatwoot/submit             {\"message\": 88121, \"value\": \"show_more\"}, or values for a form
  POST   /_control/chatwoot/agent              {\"conversation\": 418, \"text\": \"...\"}; and account, private, by,
                                               kind (user, template, echo, captain, bot, activity), content_attributes
  POST   /_control/chatwoot/update             {\"message\": 88121, \"content\": ...}; and content_attributes, transcribed_text,
                                               status: tells message_updated
  POST   /_control/chatwoot/event              {\"event\": \"webwidget_triggered\", \"body\": {...}}: told as it is
  GET    /_control/chatwoot/conversations      all of them
  GET    /_control/chatwoot/conversations/{account}/{id}   messages, typing, assignments, statuses
  PUT    the same                              status, assign ({\"agent\": 12}, {\"team\": 5}, {\"bot\": true}, {\"nobody\": true}),
                                               contact, channel, by: as the shop's people do it
  GET    /_control/chatwoot/media              calls for files, with their headers; DELETE forgets them
  PUT    /_control/chatwoot/webhooks/{name}    url, secret, kind (account, bot), events, delay_ms, retry_ms, timeout_ms,
                                               copies, parallel, hold, drop
  GET, DELETE the same                         GET /_control/chatwoot/webhooks: all, with what waits
  POST   /_control/chatwoot/webhooks/{name}/release    {\"order\": \"given\" | \"reverse\" | [1, 0], \"count\": 2}: what is held
  POST   /_control/chatwoot/deliveries/{id}/repeat     once more with the same x-chatwoot-delivery
";

pub(in crate::stand_ins) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_control/chatwoot", get(settings).put(change_settings))
        .route("/_control/chatwoot/inbound", post(inbound))
        .route("/_control/chatwoot/submit", post(submit))
        .route("/_control/chatwoot/agent", post(agent))
        .route("/_control/chatwoot/update", post(update))
        .route("/_control/chatwoot/event", post(event))
        .route("/_control/chatwoot/conversations", get(conversations))
        .route("/_control/chatwoot/conversations/{account}/{id}", get(conversation).put(change))
        .route("/_control/chatwoot/media", get(media).delete(forget_media))
        .route("/_control/chatwoot/webhooks", get(all_webhooks))
        .route("/_control/chatwoot/webhooks/{name}", get(webhook).put(put_webhook).delete(remove_webhook))
        .route("/_control/chatwoot/webhooks/{name}/release", post(release))
        .route("/_control/chatwoot/deliveries/{id}/repeat", post(repeat))
}

async fn settings(State(app): Controlled) -> Json<Value> {
    Json(json!(app.lock().chatwoot.settings))
}

async fn change_settings(State(app): Controlled, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    state.chatwoot.change(&read(&body)?)?;
    Ok(Json(json!(state.chatwoot.settings)))
}

async fn inbound(State(app): Controlled, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    Ok((StatusCode::CREATED, Json(events::inbound(&mut app.lock(), &read(&body)?)?)))
}

async fn submit(State(app): Controlled, body: Bytes) -> Result<Json<Value>, Problem> {
    Ok(Json(events::submit(&mut app.lock(), &read(&body)?)?))
}

async fn agent(State(app): Controlled, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    Ok((StatusCode::CREATED, Json(events::agent(&mut app.lock(), &read(&body)?)?)))
}

async fn update(State(app): Controlled, body: Bytes) -> Result<Json<Value>, Problem> {
    Ok(Json(events::update(&mut app.lock(), &read(&body)?)?))
}

async fn event(State(app): Controlled, body: Bytes) -> Result<StatusCode, Problem> {
    events::raw(&mut app.lock(), &read(&body)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn conversations(State(app): Controlled) -> Json<Value> {
    let state = app.lock();
    let all: Vec<_> = state.chatwoot.book.all().filter_map(|one| state.chatwoot.report(one.at)).collect();
    Json(json!({ "count": all.len(), "conversations": all }))
}

async fn conversation(State(app): Controlled, Path(at): Path<(u64, u64)>) -> Result<Json<Value>, StatusCode> {
    app.lock().chatwoot.report(at).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn change(State(app): Controlled, Path(at): Path<(u64, u64)>, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    events::change(&mut state, at, &read(&body)?)?;
    Ok(Json(state.chatwoot.report(at).unwrap_or_default()))
}

async fn media(State(app): Controlled) -> Json<Value> {
    let state = app.lock();
    let calls = state.chatwoot.media.calls();
    Json(json!({ "count": calls.len(), "calls": calls }))
}

async fn forget_media(State(app): Controlled) -> StatusCode {
    app.lock().chatwoot.media.clear_calls();
    StatusCode::NO_CONTENT
}

async fn all_webhooks(State(app): Controlled) -> Json<Value> {
    Json(app.lock().chatwoot.hooks.report(None).unwrap_or_default())
}

async fn webhook(State(app): Controlled, Path(name): Path<String>) -> Result<Json<Value>, StatusCode> {
    app.lock().chatwoot.hooks.report(Some(&name)).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn put_webhook(State(app): Controlled, Path(name): Path<String>, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    state.chatwoot.hooks.put(&name, &read(&body)?)?;
    Ok(Json(state.chatwoot.hooks.report(Some(&name)).unwrap_or_default()))
}

async fn remove_webhook(State(app): Controlled, Path(name): Path<String>) -> StatusCode {
    found(app.lock().chatwoot.hooks.remove(&name))
}

async fn release(State(app): Controlled, Path(name): Path<String>, body: Bytes) -> Result<Json<Value>, Problem> {
    let asked = if body.is_empty() { Value::Null } else { read(&body)? };
    let released = app.lock().chatwoot.hooks.release(&name, &asked)?;
    Ok(Json(json!({ "released": released })))
}

async fn repeat(State(app): Controlled, Path(id): Path<String>) -> StatusCode {
    found(webhooks::repeat(&mut app.lock(), &id))
}
