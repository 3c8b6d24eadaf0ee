//! Access tokens on their way to a provider, and credentials on their way from and to where they are kept.

use std::time::Duration;

use frontdesk_core::{
    ids::Ids,
    provider::{NotDone, Provider},
    signature::Secret,
    telemetry::Telemetry,
    time::Clock,
    token::{AccessToken, Grant, GrantError, Pause, TokenKeeper, Tokens},
};
use reqwest::RequestBuilder;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::http::{Answer, Lost, exchange};

/// Assumed when a provider does not say how long its token lives. Too short costs a refresh an hour; too long would cost
/// a 401 on a call that a customer is waiting for.
const UNSAID_LIFE: Duration = Duration::from_secs(3600);

/// Where a client gets its access token from.
pub trait AccessTokens {
    /// A usable token. `refused` is one that the provider has just answered 401 to.
    async fn token(&self, refused: Option<&AccessToken>) -> Result<AccessToken, NotDone>;
}

impl<S: Tokens, G: Grant, C: Clock, I: Ids, T: Telemetry, P: Pause> AccessTokens for TokenKeeper<S, G, C, I, T, P> {
    async fn token(&self, refused: Option<&AccessToken>) -> Result<AccessToken, NotDone> {
        TokenKeeper::token(self, refused).await
    }
}

impl<T: AccessTokens> AccessTokens for &T {
    async fn token(&self, refused: Option<&AccessToken>) -> Result<AccessToken, NotDone> {
        T::token(self, refused).await
    }
}

/// The place that credentials are kept in could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the stored credentials cannot be {attempt}: {detail}")]
pub struct VaultError {
    /// `read` or `written`.
    pub attempt: &'static str,
    /// What the client reported; never holds what is stored.
    pub detail: String,
}

/// Keeps one JSON document with the credentials of one provider.
pub trait CredentialVault {
    /// Reads the document. Never from a cache: another process may have written a new refresh token a moment ago.
    async fn read(&self) -> Result<Secret, VaultError>;

    /// Replaces the document. Returns only when the next [`CredentialVault::read`], by whomever, finds it.
    async fn write(&self, document: &str) -> Result<(), VaultError>;
}

impl<V: CredentialVault> CredentialVault for &V {
    async fn read(&self) -> Result<Secret, VaultError> {
        V::read(self).await
    }

    async fn write(&self, document: &str) -> Result<(), VaultError> {
        V::write(self, document).await
    }
}

/// Makes a call with an access token, and once more with a new one if the first is answered 401. `make` is called right
/// before each attempt, so that what it checks still holds when the bytes leave.
pub(crate) async fn authorized<E: From<NotDone>>(
    tokens: &impl AccessTokens,
    provider: Provider,
    make: impl Fn(&AccessToken) -> Result<RequestBuilder, E>,
) -> Result<Result<Answer, Lost>, E> {
    let first = tokens.token(None).await?;
    let outcome = exchange(make(&first)?).await;
    if !is_unauthorized(&outcome) {
        return Ok(outcome);
    }
    let second = tokens.token(Some(&first)).await?;
    let outcome = exchange(make(&second)?).await;
    if is_unauthorized(&outcome) {
        let detail = "the access token is refused, and so is a new one";
        return Err(NotDone::unavailable(provider, detail).into());
    }
    Ok(outcome)
}

fn is_unauthorized(outcome: &Result<Answer, Lost>) -> bool {
    outcome.as_ref().is_ok_and(|answer| answer.status == 401)
}

/// Credentials as they are stored. Fields that we do not know stay as they are.
pub(crate) struct Credentials(Map<String, Value>);

impl Credentials {
    pub(crate) async fn read(vault: &impl CredentialVault) -> Result<Self, GrantError> {
        let document = vault.read().await.map_err(|error| GrantError(error.to_string()))?;
        match serde_json::from_str(document.expose()) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(GrantError("the stored credentials are not a JSON object".into())),
        }
    }

    /// A field that has to be there.
    pub(crate) fn field(&self, name: &'static str) -> Result<Secret, GrantError> {
        self.optional(name).ok_or_else(|| GrantError(format!("the stored credentials have no {name}")))
    }

    /// A field, if it is there and not blank.
    pub(crate) fn optional(&self, name: &'static str) -> Option<Secret> {
        Secret::new(name, self.0.get(name)?.as_str()?).ok()
    }

    pub(crate) fn set(&mut self, name: &str, value: &Secret) {
        self.0.insert(name.to_owned(), Value::String(value.expose().to_owned()));
    }

    pub(crate) async fn write(&self, vault: &impl CredentialVault) -> Result<(), VaultError> {
        let document = Value::Object(self.0.clone()).to_string();
        vault.write(&document).await
    }
}

/// A token endpoint's good answer.
pub(crate) struct TokenReply {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    pub(crate) life: Duration,
}

/// Asks a token endpoint.
pub(crate) async fn ask(request: RequestBuilder) -> Result<TokenReply, GrantError> {
    let answer =
        exchange(request).await.map_err(|lost| GrantError(format!("the token endpoint: {}", lost.detail())))?;
    let body = answer.json();
    if !answer.is_success() {
        return Err(refusal(answer.status, body.ok().as_ref()));
    }
    let body = body.map_err(|why| GrantError(format!("the token endpoint: {why}")))?;
    let token = |name: &'static str| Secret::new(name, body.get(name)?.as_str()?).ok();
    let access =
        token("access_token").ok_or_else(|| GrantError("the token endpoint granted no access_token".into()))?;
    let life = body.get("expires_in").and_then(seconds).unwrap_or(UNSAID_LIFE);
    Ok(TokenReply { access, refresh: token("refresh_token"), life })
}

/// A number, or a number as text. Zero counts as not said: such a token could never be used.
fn seconds(value: &Value) -> Option<Duration> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(number).ok().filter(|life| *life >= Duration::from_secs(1))
}

/// Says which of the known ways it failed. The endpoint's own words are left out: they may repeat what was sent.
fn refusal(status: u16, body: Option<&Value>) -> GrantError {
    let code = body.and_then(|body| body.get("error")).and_then(Value::as_str).unwrap_or_default();
    let known = match (code, status) {
        ("invalid_grant", _) => {
            "ERR_AUTH_001 invalid_grant: the refresh token is not valid any more; authorize the app again"
        }
        ("invalid_client", _) => "ERR_AUTH_002 invalid_client: check client_id and client_secret",
        ("invalid_token", _) => "ERR_AUTH_003 invalid_token",
        ("insufficient_scope" | "invalid_scope", _) => "ERR_AUTH_004 insufficient_scope",
        (_, 429) => "ERR_AUTH_005 the token endpoint asks to wait",
        ("unauthorized_client", _) => "unauthorized_client: this app may not get tokens in this way",
        ("unsupported_grant_type", _) => "unsupported_grant_type",
        ("invalid_request", _) => "invalid_request: the token request was not understood; try the other body style",
        ("shop_not_permitted", _) => "shop_not_permitted: the shop is not in the app's organization",
        ("application_cannot_be_found", _) => "application_cannot_be_found: check client_id",
        _ => return GrantError(format!("the token endpoint answered {status}")),
    };
    GrantError(format!("{known} (status {status})"))
}

/// Whether a failure says that the stored credentials are refused, and not that nobody answered.
pub(crate) fn is_refusal(detail: &str) -> bool {
    ["ERR_AUTH_001", "ERR_AUTH_002", "ERR_AUTH_003", "ERR_AUTH_004", "unauthorized_client", "shop_not_permitted"]
        .iter()
        .any(|code| detail.contains(code))
        || [
            "application_cannot_be_found",
            "the access token is refused",
            "the stored credentials have",
            "the stored credentials are",
        ]
        .iter()
        .any(|text| detail.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_life_is_a_number_however_it_is_written() {
        for (value, expected) in [
            (json!(36000), Some(36000)),
            (json!("86399"), Some(86399)),
            (json!(" 60 "), Some(60)),
            (json!(0), None),
            (json!(-5), None),
            (json!("soon"), None),
            (json!(null), None),
            (json!("inf"), None),
        ] {
            assert_eq!(seconds(&value), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn a_refusal_names_its_code_and_never_the_endpoints_words() {
        let body = json!({ "error": "invalid_grant", "error_description": "token rt-very-secret is dead" });
        let error = refusal(400, Some(&body)).to_string();
        assert!(error.starts_with("ERR_AUTH_001") && !error.contains("rt-very-secret"), "{error}");
        let unknown = refusal(418, Some(&json!({ "error": "rt-very-secret" }))).to_string();
        assert_eq!(unknown, "the token endpoint answered 418");
    }
}
