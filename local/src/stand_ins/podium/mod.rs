//! Podium, in both pictures of it.
//!
//! One stand-in speaks both contracts on one set of paths, because they hardly overlap: where a path is the same, the
//! request itself tells which picture its caller has (`phone=` in the query, `location_uid` in the body).

pub(super) mod attachments;
pub(crate) mod book;
mod brief_contacts;
mod contacts;
pub(super) mod control;
mod conversations;
pub(crate) mod delivery;
pub(super) mod envelope;
pub(super) mod events;
mod hooks;
mod locations;
mod messages;
pub(crate) mod oauth;
mod page;
mod person;
pub(crate) mod review;
mod reviews;
pub(crate) mod settings;
mod tags;
mod view;
pub(crate) mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use self::envelope::Refusal;
use super::app::App;
use crate::clock;

/// The only version there is.
const VERSION: &str = "2021.04.01";

pub(super) fn routes(app: &Arc<App>) -> Router {
    let v4 = Router::new()
        .route("/locations", get(locations::list))
        .route("/locations/{uid}", get(locations::one))
        .route("/contacts", get(contacts::list).post(contacts::create))
        .route("/contacts/{identifier}", get(contacts::one).patch(contacts::change).delete(contacts::delete))
        .route("/contacts/{identifier}/tags/{uid}", post(tags::attach).delete(tags::detach))
        .route("/contacts/campaigns/opt_out", post(tags::opt_out))
        .route("/contacts/campaigns/opt_in", post(tags::opt_in))
        .route("/contact_tags", get(tags::list).post(tags::create))
        .route("/messages", post(messages::send))
        .route("/import/messages", post(messages::import))
        .route("/conversations", get(conversations::list))
        .route("/conversations/{uid}", get(conversations::one).put(conversations::change))
        .route("/conversations/{uid}/close", post(conversations::close))
        .route("/conversations/{uid}/notes", post(conversations::note))
        .route("/conversations/{uid}/messages", get(messages::list).post(messages::reply))
        .route("/conversations/{uid}/messages/{message}", get(messages::one))
        .route("/reviews", get(reviews::list))
        .route("/reviews/{uid}", get(reviews::one))
        .route("/reviews/invites", get(reviews::invites).post(reviews::create_invite))
        .route("/reviews/invites/{uid}", get(reviews::invite))
        .route("/webhooks", get(hooks::list).post(hooks::create))
        .route("/webhooks/{uid}", get(hooks::one).put(hooks::change).delete(hooks::remove))
        .route("/review-invitations", post(reviews::send_invitation))
        .route("/review-invitations/{id}", get(reviews::invitation))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_route)
        .layer(from_fn_with_state(Arc::clone(app), authenticate));
    Router::new()
        .nest("/v4", v4)
        .route("/oauth/token", post(oauth::token))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_route)
        .with_state(Arc::clone(app))
}

async fn no_such_route() -> Refusal {
    Refusal::published(StatusCode::NOT_FOUND, "route_not_found", "There is no such route.")
}

async fn authenticate(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if let Err(refusal) = admissible(&app, request.headers()) {
        return refusal.into_response();
    }
    next.run(request).await
}

/// A live bearer token, and no version that Podium does not know.
fn admissible(app: &App, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| app.lock().podium.accepts(token, clock::now_ms())) {
        let message = "The access token is missing, unknown, expired or revoked.";
        return Err(Refusal::published(StatusCode::UNAUTHORIZED, "unauthenticated", message));
    }
    if text("podium-version").is_some_and(|version| version != VERSION) {
        let message = "The podium-version header names no version.";
        return Err(Refusal::published(StatusCode::BAD_REQUEST, "invalid_header_version", message));
    }
    Ok(())
}
