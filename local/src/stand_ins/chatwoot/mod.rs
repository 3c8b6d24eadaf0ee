//! Chatwoot: the API that a bot speaks, the files that customers send, and the webhooks that tell of both.
//!
//! Conversations live in memory and end with the process; what customers saw of them is in the ledger. Facts about what
//! Chatwoot answers are from its source at 4.14.2.

mod actions;
mod ask;
pub(crate) mod book;
mod content;
pub(super) mod control;
pub(super) mod events;
mod liquid;
pub(crate) mod media;
mod messages;
pub(super) mod refusal;
pub(crate) mod settings;
mod view;
pub(super) mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::Notify;

use self::book::{At, Book};
use self::media::Media;
use self::refusal::Refusal;
use self::settings::Settings;
use self::webhooks::Hooks;
use super::app::App;
use super::ledger::{Effect, EffectKind};
use super::podium::settings::changed;

/// All that Chatwoot knows.
#[derive(Debug)]
pub(super) struct Chatwoot {
    pub(super) settings: Settings,
    pub(super) book: Book,
    pub(super) hooks: Hooks,
    pub(super) media: Media,
    /// Where it listens.
    place: String,
}

impl Chatwoot {
    /// An empty one. Messages are numbered on from what customers have seen already.
    pub(super) fn new(wake: Arc<Notify>, effects: &[Effect]) -> Self {
        let chats = effects.iter().filter(|effect| effect.kind == EffectKind::Chat);
        let seen = chats.filter_map(|effect| effect.message_id.as_deref()?.parse().ok()).max();
        Self {
            settings: Settings::default(),
            book: Book::starting_after(seen),
            hooks: Hooks::new(wake),
            media: Media::default(),
            place: String::new(),
        }
    }

    /// Says where it listens, for the URLs of its files.
    pub(super) fn lives_at(&mut self, url: &str) {
        url.clone_into(&mut self.place);
    }

    /// Its own address as it writes it: `FRONTEND_URL`.
    fn base_url(&self) -> &str {
        self.settings.base_url.as_deref().unwrap_or(&self.place)
    }

    /// Lays fields over the settings.
    pub(super) fn change(&mut self, change: &Value) -> Result<(), String> {
        self.settings = changed(&self.settings, change)?;
        Ok(())
    }

    /// Forgets conversations and files. Numbers go on from where they were.
    pub(super) fn forget(&mut self) {
        self.book.forget();
        self.media = Media::default();
    }

    /// The conversation that a path of the API names.
    pub(super) fn in_path(&self, path: &str) -> Option<At> {
        let (account, rest) = path.strip_prefix("/api/v1/accounts/")?.split_once("/conversations/")?;
        let number = rest.split('/').next()?;
        Some((account.parse().ok()?, number.parse().ok()?))
    }

    /// The phone of the one who talks there.
    pub(super) fn phone_of(&self, at: At) -> Option<String> {
        self.book.get(at)?.contact.phone_number.clone()
    }

    /// `GET /_control/chatwoot/conversations/{account}/{id}`
    pub(super) fn report(&self, at: At) -> Option<Value> {
        self.book.get(at).map(|found| view::report(self, found))
    }
}

pub(super) fn routes(app: &Arc<App>) -> Router {
    let account = Router::new()
        .route("/conversations/{id}", get(actions::show))
        .route("/conversations/{id}/messages", get(messages::list).post(messages::create))
        .route("/conversations/{id}/attachments", get(messages::attachments))
        .route("/conversations/{id}/assignments", post(actions::assign))
        .route("/conversations/{id}/toggle_status", post(actions::toggle_status))
        .route("/conversations/{id}/toggle_typing_status", post(actions::toggle_typing_status))
        .route("/conversations/{id}/toggle_priority", post(actions::toggle_priority))
        .route("/conversations/{id}/custom_attributes", post(actions::custom_attributes))
        .route("/conversations/{id}/labels", get(actions::labels).post(actions::set_labels))
        .route("/teams", get(actions::teams))
        .route("/agents", get(actions::agents))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_route);
    Router::new()
        .nest("/api/v1/accounts/{account}", account)
        .merge(media::routes())
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_route)
        .with_state(Arc::clone(app))
}

/// Rails writes a page for what is no route; `GET messages/{id}` is one of those.
async fn no_such_route() -> Refusal {
    Refusal::no_such_route()
}
