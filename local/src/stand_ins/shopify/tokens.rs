//! Shopify's access tokens: static ones of an old custom app, or 24-hour ones from client credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::setup::SHOP;
use crate::clock;
use crate::stand_ins::app::App;
use crate::stand_ins::podium::settings::changed;

/// The static token that is good from the start, for a stack without client credentials.
const STATIC_TOKEN: &str = "shpat_local";

/// `GET` and `PUT /_control/shopify`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Life of new access tokens, in seconds.
    expires_in: u64,
    /// The only client there is; any, while null.
    client_id: Option<String>,
    /// Its secret; any, while null.
    client_secret: Option<String>,
    /// Tokens that never end.
    static_tokens: BTreeSet<String>,
    /// What a new token may do.
    scope: String,
    /// The shop that it is good for.
    shop: String,
    /// What the app subscribed: an address for each topic, as `ORDERS_FULFILLED`.
    subscriptions: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            expires_in: 86_399,
            client_id: None,
            client_secret: None,
            static_tokens: BTreeSet::from([STATIC_TOKEN.to_owned()]),
            scope: "read_customers,read_fulfillments,read_locations,read_orders,read_returns".to_owned(),
            shop: SHOP.to_owned(),
            subscriptions: BTreeMap::new(),
        }
    }
}

/// Settings, and the tokens that are out with the moment they end.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    settings: Settings,
    issued: BTreeMap<String, i64>,
    grants: u64,
}

impl Tokens {
    pub(crate) fn change(&mut self, change: &Value) -> Result<(), String> {
        self.settings = changed(&self.settings, change)?;
        Ok(())
    }

    pub(crate) fn accepts(&self, token: &str, now_ms: i64) -> bool {
        self.settings.static_tokens.contains(token) || self.issued.get(token).is_some_and(|ends_ms| now_ms < *ends_ms)
    }

    /// The shop that tokens are good for.
    pub(super) fn shop(&self) -> &str {
        &self.settings.shop
    }

    /// What a token may do.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.settings.scope.split(',').map(str::trim).filter(|scope| !scope.is_empty())
    }

    /// What the app subscribed, by topic.
    pub(super) fn subscriptions(&self) -> impl Iterator<Item = (&String, &String)> {
        self.settings.subscriptions.iter()
    }

    /// Makes `token` good for as long as the settings say.
    pub(crate) fn issue(&mut self, token: String, now_ms: i64) {
        let life_ms = i64::try_from(self.settings.expires_in).unwrap_or(i64::MAX).saturating_mul(1000);
        self.issued.insert(token, now_ms.saturating_add(life_ms));
    }

    /// Makes every token worthless at once, static ones too.
    pub(crate) fn revoke(&mut self) {
        self.issued.clear();
        self.settings.static_tokens.clear();
    }

    /// Settings, and how many tokens are out.
    pub(crate) fn report(&self) -> Value {
        let mut report = serde_json::to_value(&self.settings).unwrap_or_default();
        if let Some(fields) = report.as_object_mut() {
            fields.insert("live_access_tokens".to_owned(), json!(self.issued.len()));
            fields.insert("grants".to_owned(), json!(self.grants));
        }
        report
    }

    fn good_client(&self, fields: &BTreeMap<String, String>) -> bool {
        let good = |name: &str, wanted: &Option<String>| {
            let given = fields.get(name).filter(|given| !given.is_empty());
            given.is_some() && (wanted.is_none() || given == wanted.as_ref())
        };
        good("client_id", &self.settings.client_id) && good("client_secret", &self.settings.client_secret)
    }
}

/// `POST /admin/oauth/access_token`, a form, or JSON as some clients send it.
pub(super) async fn access_token(State(app): State<Arc<App>>, request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let fields: Option<BTreeMap<String, String>> =
        if content_type.is_some_and(|kind| kind.starts_with("application/json")) {
            Json::from_request(request, &()).await.ok().map(|Json(fields)| fields)
        } else {
            Form::from_request(request, &()).await.ok().map(|Form(fields)| fields)
        };
    let fields = fields.unwrap_or_default();
    if fields.get("grant_type").map(String::as_str) != Some("client_credentials") {
        return refused("unsupported_grant_type", "grant_type must be client_credentials");
    }
    let mut state = app.lock();
    if !state.shopify_tokens.good_client(&fields) {
        return refused("invalid_client", "The client could not be authenticated");
    }
    let token = format!("shpat_{}", state.ids.uid());
    let tokens = &mut state.shopify_tokens;
    tokens.grants += 1;
    tokens.issue(token.clone(), clock::now_ms());
    let Settings { scope, expires_in, .. } = &tokens.settings;
    Json(json!({ "access_token": token, "scope": scope, "expires_in": expires_in })).into_response()
}

fn refused(error: &str, description: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error, "error_description": description }))).into_response()
}
