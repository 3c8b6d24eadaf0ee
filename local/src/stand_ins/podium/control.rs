//! The part of the control API that is about Podium.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::delivery::Delivery;
use super::events;
use super::review::Review;
use crate::clock;
use crate::stand_ins::app::App;
use crate::stand_ins::control::{Controlled, Parameters, Problem, found, phone_in, read};

pub(in crate::stand_ins) const HELP: &str = "\
  GET, PUT    /_control/podium                 rotate_refresh_tokens, expires_in, client_id, client_secret,
                                               refresh_tokens, access_tokens, page_size, visible_after_ms,
                                               lookups_empty_after_create, wrong_contact_first,
                                               duplicate_contacts, echo_imports, campaigns_allowed, locations
  POST   /_control/podium/revoke
  PUT    /_control/podium/locations/{uid}      name, country (null: none), archived, addressless; adds what is not there
  GET, DELETE the same
  GET    /_control/podium/contacts[?phone=]    who is on record, and how many
  POST   /_control/podium/contacts             {\"phone\": \"+61...\", ...}: one more, even if the phone has one
  PUT    /_control/podium/contacts/{phone}     uid, name, email, location, conversation, opted_out,
                                               marketing_sms_opt_out, ..., hidden_lookups; adds who is not there
  GET, DELETE the same                         those of one phone; forget the first of them
  PUT    /_control/podium/conversations/{uid}  {\"phone\": \"+61...\", \"location\": \"...\"}: opened by the customer
  GET    /_control/podium/conversations[/{uid}]   closed, notes, messages
  PUT    /_control/podium/attachments/{name}   size, content_type, head, ranges, length, redirect_to: what
                                               /attachments/{name} is like
  GET, DELETE the same
  PUT    /_control/podium/reviews/{uid}        rating, body, author, site, url, location, invitation, recommendation,
                                               created_at, updated_at, quiet (no webhook); adds what is not there
  GET, DELETE the same
  POST   /_control/podium/inbound              phone, location, text, webchat_url, attachment_url, attachment_type,
                                               attachment_bytes, name, at, uid, quiet: what a customer wrote
  PUT    /_control/podium/deliveries/{id}      {\"status\": \"pending\" | \"sent\" | \"delivered\" | \"failed\",
                                               \"failure_reason\": \"P0005\", \"tell\": true}: of a message or invitation
  PUT    /_control/podium/outcomes/{phone}     the same without tell, for all that is sent to this phone from now on
  GET    /_control/podium/outcomes             DELETE /_control/podium/outcomes/{phone}
  PUT    /_control/podium/webhooks/{name}      url, secret, scheme (published, brief, brief_t_v1), event_types, tries,
                                               retry_ms, delay_ms, timeout_ms, restamp, drop, disabled
  GET, DELETE the same                         GET /_control/podium/webhooks: all; PUT there: the one named default
";

pub(in crate::stand_ins) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_control/podium", get(settings).put(change_settings))
        .route("/_control/podium/revoke", post(revoke))
        .route("/_control/podium/locations/{uid}", get(location).put(put_location).delete(remove_location))
        .route("/_control/podium/contacts", get(contacts).post(seed_contact))
        .route("/_control/podium/contacts/{phone}", get(contacts_of).put(steer_contact).delete(remove_contact))
        .route("/_control/podium/conversations", get(conversations))
        .route("/_control/podium/conversations/{uid}", get(conversation).put(open_conversation))
        .route("/_control/podium/reviews/{uid}", get(review).put(put_review).delete(remove_review))
        .route("/_control/podium/inbound", post(receive))
        .route("/_control/podium/deliveries/{id}", put(deliver))
        .route("/_control/podium/outcomes", get(outcomes))
        .route("/_control/podium/outcomes/{phone}", put(plan).delete(forget_plan))
        .route("/_control/podium/webhooks", get(webhooks).put(put_default_webhook))
        .route("/_control/podium/webhooks/{name}", get(webhook).put(put_webhook).delete(remove_webhook))
        .route("/_control/podium/attachments/{*name}", get(attachment).put(put_attachment).delete(remove_attachment))
}

async fn settings(State(app): Controlled) -> Json<Value> {
    Json(app.lock().podium.report())
}

async fn change_settings(State(app): Controlled, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    state.podium.change(&read(&body)?)?;
    Ok(Json(state.podium.report()))
}

async fn revoke(State(app): Controlled) -> StatusCode {
    app.lock().podium.revoke();
    StatusCode::NO_CONTENT
}

async fn location(State(app): Controlled, Path(uid): Path<String>) -> Result<Json<Value>, StatusCode> {
    let state = app.lock();
    let location = state.podium.settings.location(&uid).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!(location)))
}

async fn put_location(State(app): Controlled, Path(uid): Path<String>, body: Bytes) -> Result<StatusCode, Problem> {
    app.lock().podium.settings.put_location(&uid, &read(&body)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_location(State(app): Controlled, Path(uid): Path<String>) -> StatusCode {
    found(app.lock().podium.settings.remove_location(&uid))
}

fn listed(app: &App, phone: Option<&str>) -> Json<Value> {
    let contacts = app.lock().book.contact_reports(phone);
    Json(json!({ "count": contacts.len(), "contacts": contacts }))
}

async fn contacts(State(app): Controlled, Query(asked): Parameters) -> Json<Value> {
    listed(&app, phone_in(&asked).as_deref())
}

async fn contacts_of(State(app): Controlled, Path(phone): Path<String>) -> Json<Value> {
    listed(&app, Some(&phone))
}

async fn seed_contact(State(app): Controlled, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let fields = read(&body)?;
    let phone = required_phone(&fields)?;
    let uid = app.lock().book.seed_contact(phone, &fields, clock::now_ms())?;
    Ok((StatusCode::CREATED, Json(json!({ "uid": uid }))))
}

async fn steer_contact(State(app): Controlled, Path(phone): Path<String>, body: Bytes) -> Result<StatusCode, Problem> {
    app.lock().book.steer_contact(&phone, &read(&body)?, clock::now_ms())?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_contact(State(app): Controlled, Path(phone): Path<String>) -> StatusCode {
    found(app.lock().book.remove_contact(&phone).is_some())
}

fn required_phone(fields: &Value) -> Result<&str, Problem> {
    let phone = fields.get("phone").and_then(Value::as_str);
    phone.ok_or_else(|| Problem::from("phone is required".to_owned()))
}

async fn conversations(State(app): Controlled) -> Json<Value> {
    let state = app.lock();
    let all = state.book.conversations().into_iter();
    let reports: Vec<Value> = all.map(|one| state.book.conversation_report(one, state.ledger.effects())).collect();
    Json(json!({ "count": reports.len(), "conversations": reports }))
}

async fn conversation(State(app): Controlled, Path(uid): Path<String>) -> Result<Json<Value>, StatusCode> {
    let state = app.lock();
    let found = state.book.conversation(&uid).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(state.book.conversation_report(found, state.ledger.effects())))
}

async fn open_conversation(
    State(app): Controlled,
    Path(uid): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let given = read(&body)?;
    let phone = required_phone(&given)?;
    let now_ms = clock::now_ms();
    let mut state = app.lock();
    state.book.contact_mut(phone, now_ms);
    state.book.open_conversation(&uid, phone, given.get("location").and_then(Value::as_str), now_ms);
    state.book.reopen(&uid);
    Ok(StatusCode::NO_CONTENT)
}

async fn attachment(State(app): Controlled, Path(name): Path<String>) -> Result<Json<Value>, StatusCode> {
    let state = app.lock();
    let attachment = state.attachments.get(&name).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!(attachment)))
}

async fn put_attachment(State(app): Controlled, Path(name): Path<String>, body: Bytes) -> Result<StatusCode, Problem> {
    app.lock().attachments.put(&name, &read(&body)?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_attachment(State(app): Controlled, Path(name): Path<String>) -> StatusCode {
    found(app.lock().attachments.remove(&name))
}

async fn review(State(app): Controlled, Path(uid): Path<String>) -> Result<Json<Value>, StatusCode> {
    let state = app.lock();
    state.book.review(&uid).map(Review::view).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn put_review(State(app): Controlled, Path(uid): Path<String>, body: Bytes) -> Result<Json<Value>, Problem> {
    Ok(Json(events::review(&mut app.lock(), &uid, &read(&body)?)?))
}

async fn remove_review(State(app): Controlled, Path(uid): Path<String>) -> StatusCode {
    found(app.lock().book.remove_review(&uid))
}

async fn receive(State(app): Controlled, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let (uid, conversation) = events::receive(&mut app.lock(), &read(&body)?)?;
    Ok((StatusCode::CREATED, Json(json!({ "uid": uid, "conversation": conversation }))))
}

async fn deliver(State(app): Controlled, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Problem> {
    Ok(found(events::deliver(&mut app.lock(), &id, &read(&body)?)?))
}

async fn outcomes(State(app): Controlled) -> Json<Value> {
    Json(json!(app.lock().book.deliveries.outcomes()))
}

async fn plan(State(app): Controlled, Path(phone): Path<String>, body: Bytes) -> Result<StatusCode, Problem> {
    let delivery = Delivery::read(&read(&body)?)?;
    app.lock().book.deliveries.plan(&phone, delivery);
    Ok(StatusCode::NO_CONTENT)
}

async fn forget_plan(State(app): Controlled, Path(phone): Path<String>) -> StatusCode {
    found(app.lock().book.deliveries.forget_plan(&phone))
}

async fn webhooks(State(app): Controlled) -> Json<Value> {
    Json(app.lock().webhooks.report(None).unwrap_or_default())
}

async fn webhook(State(app): Controlled, Path(name): Path<String>) -> Result<Json<Value>, StatusCode> {
    app.lock().webhooks.report(Some(&name)).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn put_default_webhook(app: Controlled, body: Bytes) -> Result<Json<Value>, Problem> {
    put_webhook(app, Path("default".to_owned()), body).await
}

async fn put_webhook(State(app): Controlled, Path(name): Path<String>, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    state.webhooks.put(&name, &read(&body)?)?;
    Ok(Json(state.webhooks.report(Some(&name)).unwrap_or_default()))
}

async fn remove_webhook(State(app): Controlled, Path(name): Path<String>) -> StatusCode {
    found(app.lock().webhooks.remove(&name))
}
