//! Podium, in both pictures of it.
//!
//! One stand-in speaks both contracts on one set of paths, because they hardly overlap: where a path is the same, the
//! request itself tells which picture its caller has (`phone=` in the query, `location_uid` in the body).

pub(crate) mod book;
mod contacts;
pub(super) mod envelope;
mod messages;
pub(crate) mod oauth;
mod page;
mod reviews;
pub(crate) mod settings;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use self::envelope::{Answer, Ask, Refusal};
use self::page::Page;
use super::app::App;
use crate::clock;

/// The only version there is.
const VERSION: &str = "2021.04.01";

pub(super) fn routes(app: &Arc<App>) -> Router {
    let v4 = Router::new()
        .route("/locations", get(locations))
        .route("/locations/{uid}", get(location))
        .route("/contacts", get(contacts::list).post(contacts::create))
        .route("/contacts/{identifier}", get(contacts::one))
        .route("/messages", post(messages::send))
        .route("/conversations", get(messages::conversations))
        .route("/conversations/{uid}", get(messages::conversation))
        .route("/conversations/{uid}/messages", get(messages::list).post(messages::reply))
        .route("/conversations/{uid}/messages/{message}", get(messages::one))
        .route("/reviews/invites", get(reviews::invites).post(reviews::create_invite))
        .route("/reviews/invites/{uid}", get(reviews::invite))
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

async fn locations(ask: Ask) -> Answer {
    let page = Page::of(&ask, None)?;
    let locations = ask.app.lock().podium.settings.locations.clone();
    let items = locations.iter().map(|location| (location.uid.clone(), view::location(location))).collect();
    page.cut(&ask, items)
}

async fn location(Path(uid): Path<String>, ask: Ask) -> Answer {
    let found = ask.app.lock().podium.settings.location(&uid).map(view::location);
    found.map(|location| ask.ok(&location)).ok_or_else(Refusal::not_found)
}
