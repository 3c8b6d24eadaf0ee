//! Podium's tokens: refreshed with JSON or with a form, rotated or not, expired, revoked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::settings::{Settings, changed};
use crate::clock;
use crate::stand_ins::app::App;

/// What the briefs and the samples ask for.
const SCOPES: &str =
    "read_contacts write_contacts read_messages write_messages read_reviews write_reviews read_locations";

/// Settings, and the tokens that are out.
#[derive(Debug, Default)]
pub(crate) struct Podium {
    pub(crate) settings: Settings,
    /// Access tokens and when they end.
    access: BTreeMap<String, i64>,
    /// Refresh tokens given out and not used up.
    refresh: BTreeSet<String>,
    /// Refresh tokens that a rotation has replaced.
    spent: BTreeSet<String>,
    refreshes: u64,
}

impl Podium {
    /// Lays `change` over the settings. Refresh tokens named in it are good again.
    pub(crate) fn change(&mut self, change: &Value) -> Result<(), String> {
        self.settings = changed(&self.settings, change)?;
        let named = self.settings.refresh_tokens.clone().unwrap_or_default();
        self.spent.retain(|token| !named.contains(token));
        Ok(())
    }

    pub(crate) fn accepts(&self, token: &str, now_ms: i64) -> bool {
        self.access.get(token).is_some_and(|ends_ms| now_ms < *ends_ms)
            || self.settings.access_tokens.iter().any(|known| known == token)
    }

    /// Makes `token` good for as long as the settings say.
    pub(crate) fn issue(&mut self, token: String, now_ms: i64) {
        let life_ms = i64::try_from(self.settings.expires_in).unwrap_or(i64::MAX).saturating_mul(1000);
        self.access.insert(token, now_ms.saturating_add(life_ms));
    }

    /// Makes every access token worthless at once; the next call gets a 401.
    pub(crate) fn revoke(&mut self) {
        self.access.clear();
        self.settings.access_tokens.clear();
    }

    /// Settings, and how many tokens are out.
    pub(crate) fn report(&self) -> Value {
        let mut report = serde_json::to_value(&self.settings).unwrap_or_default();
        if let Some(fields) = report.as_object_mut() {
            fields.insert("live_access_tokens".to_owned(), json!(self.access.len()));
            fields.insert("refreshes".to_owned(), json!(self.refreshes));
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

    fn good_refresh_token(&self, token: &str) -> bool {
        let named = self.settings.refresh_tokens.as_ref().is_none_or(|known| known.iter().any(|one| one == token));
        !token.is_empty() && !self.spent.contains(token) && (named || self.refresh.contains(token))
    }
}

/// `POST /oauth/token`
pub(super) async fn token(State(app): State<Arc<App>>, request: Request) -> Response {
    let Some(fields) = fields(request).await else {
        return refused(StatusCode::BAD_REQUEST, "invalid_request", "The body is neither JSON nor a form.");
    };
    let mut state = app.lock();
    let access_token = format!("at-{}", state.ids.uid());
    let next_refresh = format!("rt-{}", state.ids.uid());
    let podium = &mut state.podium;
    if fields.get("grant_type").map(String::as_str) != Some("refresh_token") {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Only refresh_token is known here.");
    }
    if !podium.good_client(&fields) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed.");
    }
    let presented = fields.get("refresh_token").cloned().unwrap_or_default();
    if !podium.good_refresh_token(&presented) {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant", "The refresh token is invalid, used or revoked.");
    }
    podium.refreshes += 1;
    podium.issue(access_token.clone(), clock::now_ms());
    let mut answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": podium.settings.expires_in,
        "scope": SCOPES,
    });
    if podium.settings.rotate_refresh_tokens {
        podium.refresh.remove(&presented);
        podium.spent.insert(presented);
        podium.refresh.insert(next_refresh.clone());
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("refresh_token".to_owned(), Value::String(next_refresh));
        }
    }
    Json(answer).into_response()
}

/// JSON as Podium's own samples send it, or a form as the briefs do.
async fn fields(request: Request) -> Option<BTreeMap<String, String>> {
    let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    if content_type.starts_with("application/json") {
        return Json::from_request(request, &()).await.ok().map(|Json(fields)| fields);
    }
    Form::from_request(request, &()).await.ok().map(|Form(fields)| fields)
}

fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({ "error": error, "error_description": description }))).into_response()
}
