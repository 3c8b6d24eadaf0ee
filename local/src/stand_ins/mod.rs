//! The stand-ins for Podium, Shopify, Chatwoot, models, WooCommerce and the ways to the shop's people, and the means to steer and to question them.
//!
//! ```text
//! /podium/...     Podium, both contracts      PODIUM_API_URL, and /podium/oauth/token
//! /shopify/...    Shopify's Admin API         SHOPIFY_API_URL; also /shopify/{shop}/...
//! /slack/services/...   Slack's incoming webhooks; /webhook/...   anybody else's; /sns   Amazon SNS, at / too
//! /chatwoot/...   Chatwoot's API under /api/v1, its files under /rails
//! /ai/...         models: OpenAI's two APIs and its transcriptions, Anthropic's, Bedrock's Converse
//! /shop/...       WooCommerce under /wp-json: the Store API and REST v3
//! /_control/...   faults, ledger, request log, order states, tokens; GET /_control explains itself
//! ```

mod ai;
mod app;
mod canned;
mod chatwoot;
mod control;
pub(crate) mod faults;
pub(crate) mod ledger;
mod multipart;
mod people;
mod percent;
mod pipeline;
mod podium;
pub(crate) mod requests;
mod sending;
mod shop;
mod shopify;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use serde_json::Value;
use tokio::net::ToSocketAddrs;
use tokio::task::AbortHandle;

use self::app::App;
use self::faults::FaultRule;
use self::ledger::{Effect, Import, Notice, Webhook};
use self::requests::{Provider, RequestRecord};
use crate::clock;
use crate::server::Server;

/// How a pair of stand-ins is started.
#[derive(Clone, Debug, Default)]
pub struct StandInsConfig {
    /// File that keeps the ledger over restarts. Without one it lives in memory.
    pub ledger: Option<PathBuf>,
}

/// Running stand-ins. They share nothing with other instances. Dropping them stops them.
#[derive(Debug)]
pub struct StandIns {
    app: Arc<App>,
    server: Server,
    _webhooks: Sender,
}

/// The providers' end of their webhooks. It ends with the stand-ins.
#[derive(Debug)]
struct Sender(AbortHandle);

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl StandIns {
    /// Listens on `addr` (port 0 picks a free one) with a ledger in memory.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::start_with(addr, StandInsConfig::default()).await
    }

    /// Listens on `addr` with a ledger of its own.
    ///
    /// # Errors
    /// When the address cannot be bound, or the ledger's file cannot be opened or holds something else.
    pub async fn start_with(addr: impl ToSocketAddrs, config: StandInsConfig) -> io::Result<Self> {
        let app = Arc::new(App::open(config.ledger.as_deref())?);
        let router = Router::new()
            .nest("/podium", pipeline::around(podium::routes(&app), Arc::clone(&app), Provider::Podium))
            .nest(
                "/attachments",
                pipeline::around(podium::attachments::routes(&app), Arc::clone(&app), Provider::Attachments),
            )
            .nest("/shopify", pipeline::around(shopify::routes(&app), Arc::clone(&app), Provider::Shopify))
            .nest("/chatwoot", pipeline::around(chatwoot::routes(&app), Arc::clone(&app), Provider::Chatwoot))
            .nest("/ai", pipeline::around(ai::routes(&app), Arc::clone(&app), Provider::Ai))
            .nest("/shop", pipeline::around(shop::routes(&app), Arc::clone(&app), Provider::Shop))
            .nest_service("/slack", pipeline::around(people::slack::routes(&app), Arc::clone(&app), Provider::Slack))
            .nest_service(
                "/webhook",
                pipeline::around(people::webhook_routes(&app), Arc::clone(&app), Provider::Webhook),
            )
            .nest_service("/sns", pipeline::around(people::sns::routes(&app), Arc::clone(&app), Provider::Sns))
            .merge(pipeline::around(people::sns::at_root(&app), Arc::clone(&app), Provider::Sns))
            .merge(control::routes(&app));
        let server = Server::start(addr, router).await?;
        app.lock().chatwoot.lives_at(&format!("http://{}/chatwoot", server.addr()));
        app.lock().shop.lives_at(&format!("http://{}/shop", server.addr()));
        let webhooks = tokio::spawn(sending::run(Arc::clone(&app))).abort_handle();
        Ok(Self { app, server, _webhooks: Sender(webhooks) })
    }

    /// Where they listen.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:8788`; the control API is under `/_control`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Value for `PODIUM_API_URL`.
    #[must_use]
    pub fn podium_url(&self) -> String {
        format!("{}/podium", self.base_url())
    }

    /// Value for `PODIUM_TOKEN_URL`.
    #[must_use]
    pub fn podium_token_url(&self) -> String {
        format!("{}/podium/oauth/token", self.base_url())
    }

    /// Where a file is that [`Self::set_attachment`] put there.
    #[must_use]
    pub fn attachment_url(&self, name: &str) -> String {
        format!("{}/attachments/{name}", self.base_url())
    }

    /// Value for `SHOPIFY_API_URL`.
    #[must_use]
    pub fn shopify_url(&self) -> String {
        format!("{}/shopify", self.base_url())
    }

    /// An incoming webhook of Slack's.
    #[must_use]
    pub fn slack_url(&self) -> String {
        format!("{}/slack/services/T00000000/B00000000/local", self.base_url())
    }

    /// A webhook that takes everything.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("{}/webhook/people", self.base_url())
    }

    /// Endpoint of Amazon SNS.
    #[must_use]
    pub fn sns_url(&self) -> String {
        format!("{}/sns", self.base_url())
    }

    /// Base URL of Chatwoot. `cw-bot-token` is a bot's token there, and `cw-user-token` an administrator's.
    #[must_use]
    pub fn chatwoot_url(&self) -> String {
        format!("{}/chatwoot", self.base_url())
    }

    /// Base URL of the models: `/v1/responses`, `/v1/messages` and so on are below it.
    #[must_use]
    pub fn ai_url(&self) -> String {
        format!("{}/ai", self.base_url())
    }

    /// Base URL of the shop: `/wp-json` is below it.
    #[must_use]
    pub fn shop_url(&self) -> String {
        format!("{}/shop", self.base_url())
    }

    /// A Podium access token that is good now, for tests that do not care how one is got.
    #[must_use]
    pub fn podium_token(&self) -> String {
        let mut state = self.app.lock();
        let token = format!("at-{}", state.ids.uid());
        state.podium.issue(token.clone(), clock::now_ms());
        token
    }

    /// A Shopify access token that is good now.
    #[must_use]
    pub fn shopify_token(&self) -> String {
        let mut state = self.app.lock();
        let token = format!("shpat_{}", state.ids.uid());
        state.shopify_tokens.issue(token.clone(), clock::now_ms());
        token
    }

    /// Everything a customer would have noticed, oldest first.
    #[must_use]
    pub fn ledger(&self) -> Vec<Effect> {
        self.app.lock().ledger.effects().to_vec()
    }

    /// What this phone got, oldest first.
    #[must_use]
    pub fn ledger_of(&self, phone: &str) -> Vec<Effect> {
        self.app.lock().ledger.of_phone(phone).cloned().collect()
    }

    /// What the shop's people were told, oldest first, and what was refused on the way.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.app.lock().ledger.notices().to_vec()
    }

    /// Every attempt of Podium's or Chatwoot's to tell of an event, oldest first.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.app.lock().ledger.webhooks().to_vec()
    }

    /// What the shop's people were shown in Podium's conversations without anybody being sent it, oldest first.
    #[must_use]
    pub fn imports(&self) -> Vec<Import> {
        self.app.lock().ledger.imports().to_vec()
    }

    /// Every provider call, oldest first (the last 10 000).
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.app.lock().requests.records().cloned().collect()
    }

    /// Forgets the calls so far, so that the next count starts at nothing.
    pub fn clear_requests(&self) {
        self.app.lock().requests.clear();
    }

    /// Makes calls fail; returns the rule's id.
    ///
    /// # Errors
    /// When the rule does nothing or contradicts itself.
    pub fn add_fault(&self, rule: FaultRule) -> Result<u64, String> {
        rule.check()?;
        Ok(self.app.lock().faults.add(rule))
    }

    /// Lets everything succeed again.
    pub fn clear_faults(&self) {
        self.app.lock().faults.clear();
    }

    /// Says what an order looks like from now on: `PUT /_control/shopify/orders/{id}` without the detour.
    ///
    /// # Errors
    /// When `overrides` is not an object.
    pub fn set_order(&self, id: &str, overrides: Value) -> Result<(), String> {
        self.app.lock().orders.merge(id, overrides)
    }

    /// Puts an order in as its webhook has it: `POST /_control/shopify/orders` without the detour. Returns its number.
    ///
    /// # Errors
    /// When it is no order: it has no id.
    pub fn put_rest_order(&self, order: &Value) -> Result<String, String> {
        self.app.lock().orders.merge_rest(order)
    }

    /// Changes Podium's settings: `PUT /_control/podium` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_podium(&self, settings: &Value) -> Result<(), String> {
        self.app.lock().podium.change(settings)
    }

    /// Changes Shopify's settings: `PUT /_control/shopify` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_shopify(&self, settings: &Value) -> Result<(), String> {
        self.app.lock().shopify_tokens.change(settings)
    }

    /// Says what Podium knows of a person: `PUT /_control/podium/contacts/{phone}` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_contact(&self, phone: &str, fields: &Value) -> Result<(), String> {
        self.app.lock().book.steer_contact(phone, fields, clock::now_ms())
    }

    /// Adds a contact, even if the phone has one: `POST /_control/podium/contacts` without the detour. Returns its uid.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn seed_contact(&self, phone: &str, fields: &Value) -> Result<String, String> {
        self.app.lock().book.seed_contact(phone, fields, clock::now_ms())
    }

    /// The contacts of a phone, as `GET /_control/podium/contacts/{phone}` lists them. More than one is one too many.
    #[must_use]
    pub fn contacts_of(&self, phone: &str) -> Vec<Value> {
        self.app.lock().book.contact_reports(Some(phone))
    }

    /// What became of a conversation: `GET /_control/podium/conversations/{uid}` without the detour.
    #[must_use]
    pub fn conversation(&self, uid: &str) -> Option<Value> {
        let state = self.app.lock();
        state.book.conversation(uid).map(|found| state.book.conversation_report(found, state.ledger.effects()))
    }

    /// Changes or adds a location: `PUT /_control/podium/locations/{uid}` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_location(&self, uid: &str, fields: &Value) -> Result<(), String> {
        self.app.lock().podium.settings.put_location(uid, fields)
    }

    /// Forgets a location; false, if there was none.
    pub fn remove_location(&self, uid: &str) -> bool {
        self.app.lock().podium.settings.remove_location(uid)
    }

    /// Puts a file on the attachments' host: `PUT /_control/podium/attachments/{name}` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_attachment(&self, name: &str, fields: &Value) -> Result<(), String> {
        self.app.lock().attachments.put(name, fields)
    }

    /// Puts in a review or changes one: `PUT /_control/podium/reviews/{uid}` without the detour. Returns it as published.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn put_review(&self, uid: &str, fields: &Value) -> Result<Value, String> {
        podium::events::review(&mut self.app.lock(), uid, fields)
    }

    /// Puts in what a customer wrote: `POST /_control/podium/inbound` without the detour. Returns the message's uid and its
    /// conversation's.
    ///
    /// # Errors
    /// When a field is missing, unknown or of the wrong type.
    pub fn receive(&self, fields: &Value) -> Result<(String, String), String> {
        podium::events::receive(&mut self.app.lock(), fields)
    }

    /// Says what became of a message or an invitation: `PUT /_control/podium/deliveries/{id}` without the detour. False, if
    /// there is none of that id.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_delivery(&self, id: &str, fields: &Value) -> Result<bool, String> {
        podium::events::deliver(&mut self.app.lock(), id, fields)
    }

    /// Says what becomes of all that is sent to a phone from now on: `PUT /_control/podium/outcomes/{phone}` without the
    /// detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_outcome(&self, phone: &str, fields: &Value) -> Result<(), String> {
        let delivery = podium::delivery::Delivery::read(fields)?;
        self.app.lock().book.deliveries.plan(phone, delivery);
        Ok(())
    }

    /// Changes or adds a webhook of Podium's: `PUT /_control/podium/webhooks/{name}` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type, or the address is not plain HTTP.
    pub fn set_webhook(&self, name: &str, fields: &Value) -> Result<(), String> {
        self.app.lock().webhooks.put(name, fields)
    }

    /// Changes Chatwoot's settings: `PUT /_control/chatwoot` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_chatwoot(&self, settings: &Value) -> Result<(), String> {
        self.app.lock().chatwoot.change(settings)
    }

    /// Changes or adds a webhook of Chatwoot's: `PUT /_control/chatwoot/webhooks/{name}` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type, or the address is not plain HTTP.
    pub fn set_chatwoot_webhook(&self, name: &str, fields: &Value) -> Result<(), String> {
        self.app.lock().chatwoot.hooks.put(name, fields)
    }

    /// Lets go what a held webhook of Chatwoot's has: `POST /_control/chatwoot/webhooks/{name}/release` without the detour.
    /// Returns how many deliveries that are.
    ///
    /// # Errors
    /// When there is no such webhook, or no such order.
    pub fn release_chatwoot(&self, name: &str, fields: &Value) -> Result<usize, String> {
        self.app.lock().chatwoot.hooks.release(name, fields)
    }

    /// Sends a delivery of Chatwoot's once more, with the same id: `POST /_control/chatwoot/deliveries/{id}/repeat` without
    /// the detour. False, if there was none of that id.
    pub fn repeat_chatwoot(&self, delivery: &str) -> bool {
        chatwoot::webhooks::repeat(&mut self.app.lock(), delivery)
    }

    /// Puts in what a customer wrote in a chat: `POST /_control/chatwoot/inbound` without the detour. Returns the ids.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn chat_inbound(&self, fields: &Value) -> Result<Value, String> {
        chatwoot::events::inbound(&mut self.app.lock(), fields)
    }

    /// Clicks on an option of a message of ours: `POST /_control/chatwoot/submit` without the detour.
    ///
    /// # Errors
    /// When there is no such message, or it has no such option.
    pub fn chat_submit(&self, fields: &Value) -> Result<Value, String> {
        chatwoot::events::submit(&mut self.app.lock(), fields)
    }

    /// Writes as a person of the shop's, or as Chatwoot itself: `POST /_control/chatwoot/agent` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type, or there is no such conversation.
    pub fn chat_agent(&self, fields: &Value) -> Result<Value, String> {
        chatwoot::events::agent(&mut self.app.lock(), fields)
    }

    /// Changes a conversation as the shop's people can: `PUT /_control/chatwoot/conversations/{account}/{id}` without the
    /// detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_chat(&self, account: u64, id: u64, fields: &Value) -> Result<(), String> {
        chatwoot::events::change(&mut self.app.lock(), (account, id), fields)
    }

    /// All that is known of a chat: `GET /_control/chatwoot/conversations/{account}/{id}` without the detour.
    #[must_use]
    pub fn chat(&self, account: u64, id: u64) -> Option<Value> {
        self.app.lock().chatwoot.report((account, id))
    }

    /// What became visible to the customer of a chat, oldest first.
    #[must_use]
    pub fn chat_effects(&self, account: u64, id: u64) -> Vec<Effect> {
        let conversation = format!("{account}/{id}");
        let state = self.app.lock();
        state.ledger.effects().iter().filter(|effect| effect.conversation == conversation).cloned().collect()
    }

    /// Every call for a file of a chat, with its headers: `GET /_control/chatwoot/media` without the detour.
    #[must_use]
    pub fn chat_media(&self) -> Vec<Value> {
        self.app.lock().chatwoot.media.calls().to_vec()
    }

    /// Says what the models answer: `PUT /_control/ai` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_ai(&self, settings: &Value) -> Result<(), String> {
        self.app.lock().ai.change(settings)
    }

    /// What the models were asked: `GET /_control/ai/asked` without the detour.
    #[must_use]
    pub fn ai_asked(&self) -> Vec<Value> {
        self.app.lock().ai.asked().cloned().collect()
    }

    /// Changes the shop's settings: `PUT /_control/shop` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_shop(&self, settings: &Value) -> Result<(), String> {
        self.app.lock().shop.change(settings)
    }

    /// Changes or adds a product: `PUT /_control/shop/products/{id}` without the detour.
    ///
    /// # Errors
    /// When a field is unknown or of the wrong type.
    pub fn set_product(&self, id: u64, fields: &Value) -> Result<(), String> {
        self.app.lock().shop.put(id, fields)
    }

    /// Makes every access token of a provider worthless; the next call gets a 401.
    pub fn revoke_tokens(&self, provider: Provider) {
        let mut state = self.app.lock();
        match provider {
            Provider::Podium => state.podium.revoke(),
            Provider::Shopify => state.shopify_tokens.revoke(),
            // Its files are public, and who tells people has an address instead of a token.
            Provider::Attachments | Provider::Slack | Provider::Webhook | Provider::Sns => {}
            // Theirs do not run out; other ones are set instead.
            Provider::Chatwoot | Provider::Ai | Provider::Shop => {}
        }
    }

    /// Lets requests in flight finish, then stops.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
