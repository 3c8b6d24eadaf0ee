//! The part of the control API that is about models.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::stand_ins::app::App;
use crate::stand_ins::control::{Controlled, Problem, read};

pub(in crate::stand_ins) const HELP: &str = "\
  GET, PUT    /_control/ai                     keys (null: any), models, script: [step, ...] for the next questions,
                                               default: a step for all others (null: the customer's words decide),
                                               transcripts: {\"voice.ogg\": step}, transcription_script, transcription_formats
           step: one of reply {text, product_ids, options, handoff, summary}, raw_text, tool_call {name, arguments},
                 refuse, empty, cut_off, invalid_json, money_gone, spend_limit, rate_limited (with retry_after),
                 overloaded, server_error, bad_request; and thinking, slow_ms. A transcript's: {\"text\": \"...\"}
           words: product, lamp or search: search_products first, if it is on offer; human: handoff; options: two of them
  GET    /_control/ai/asked                    what models were asked, whole, and what they answered; DELETE forgets it
";

pub(in crate::stand_ins) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_control/ai", get(settings).put(change))
        .route("/_control/ai/asked", get(asked).delete(forget))
}

async fn settings(State(app): Controlled) -> Json<Value> {
    Json(json!(app.lock().ai.settings))
}

async fn change(State(app): Controlled, body: Bytes) -> Result<Json<Value>, Problem> {
    let mut state = app.lock();
    state.ai.change(&read(&body)?)?;
    Ok(Json(json!(state.ai.settings)))
}

async fn asked(State(app): Controlled) -> Json<Value> {
    let state = app.lock();
    let asked: Vec<&Value> = state.ai.asked().collect();
    Json(json!({ "count": asked.len(), "asked": asked }))
}

async fn forget(State(app): Controlled) -> StatusCode {
    app.lock().ai.asked.clear();
    StatusCode::NO_CONTENT
}
