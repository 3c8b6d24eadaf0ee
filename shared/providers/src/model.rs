//! What the services behind models have in common: a key, and answers that are no answers.
//!
//! | what came back | what it means |
//! |---|---|
//! | a code that says that the money is gone, or 402 | nothing helps but a person |
//! | 401 | the key is read again, once; then it is set up wrongly |
//! | 403, 404, a redirect, a code that says so | it is set up wrongly |
//! | 429 | too many requests |
//! | 408, 5xx (529 too), no answer, half an answer | it may work in a moment |
//! | any other status | this request cannot be served |

use std::time::Duration;

use frontdesk_core::{agent::ModelFailure, signature::Secret, time::Clock};
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;

use crate::{
    BaseUrl, CredentialVault, Http, SetupError,
    http::{Answer, Lost, Notice, exchange},
    kept::{Kept, NoKey, api_key},
};

/// Codes by which accounts without money are known; a 429 with one of them never ends by itself.
const MONEY_GONE: [&str; 7] = [
    "credit_balance_exhausted",
    "insufficient_quota",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_error",
    "enforced_spend_limit_reached",
];
const MISCONFIGURED: [&str; 3] = ["model_not_found", "invalid_api_key", "model_not_available"];

/// The field by which OpenAI's thoughts are asked for. Models without any refuse it.
pub(crate) const INCLUDE: &str = "include";

/// Longer codes are not repeated.
const CODE_BYTES_MAX: usize = 60;

/// A service behind a key.
#[derive(Debug)]
pub(crate) struct Service<V, C> {
    http: Http,
    url: Url,
    key: Kept<V, Secret>,
    clock: C,
}

impl<V: CredentialVault, C: Clock> Service<V, C> {
    /// `path` begins with `/v1/`. A base URL that ends with `/v1`, as some vendors write theirs, means the same.
    pub(crate) fn new(
        http: Http,
        setting: &'static str,
        base: &str,
        path: &str,
        vault: V,
        clock: C,
    ) -> Result<Self, SetupError> {
        let base = base.trim().trim_end_matches('/');
        let url = BaseUrl::parse(setting, base.strip_suffix("/v1").unwrap_or(base))?.at(path);
        Ok(Self { http, url, key: Kept::new(vault, api_key), clock })
    }

    /// Makes a call and returns the JSON of a 2xx. Made again it costs money, and nobody else notices.
    pub(crate) async fn call(
        &self,
        timeout: Duration,
        make: impl Fn(&Client, Url, &Secret) -> RequestBuilder,
    ) -> Result<Value, ModelFailure> {
        let key = self.key.get().await.map_err(no_key)?;
        let mut answer = self.attempt(timeout, &make, &key).await?;
        if answer.status == 401
            && let Some(key) = self.key.instead_of(&key).await.map_err(no_key)?
        {
            answer = self.attempt(timeout, &make, &key).await?;
        }
        if !answer.is_success() {
            return Err(self.failure(&answer));
        }
        answer.json().map_err(|why| transient(format!("status {}, but {why}", answer.status)))
    }

    async fn attempt(
        &self,
        timeout: Duration,
        make: &impl Fn(&Client, Url, &Secret) -> RequestBuilder,
        key: &Secret,
    ) -> Result<Answer, ModelFailure> {
        let request = make(self.http.client(Notice::Nobody), self.url.clone(), key).timeout(timeout);
        exchange(request).await.map_err(|lost: Lost| transient(lost.detail()))
    }

    fn failure(&self, answer: &Answer) -> ModelFailure {
        let now = self.clock.now();
        let wait = answer.retry_after.as_deref().map(|value| self.http.wait(Some(value), now));
        let body = answer.json().unwrap_or_default();
        // Some servers wrap it into a list.
        let error = body.get("error").or_else(|| body.pointer("/0/error")).unwrap_or(&Value::Null);
        failure(answer.status, error, wait)
    }
}

/// What a refusal means.
pub(crate) fn failure(status: u16, error: &Value, wait: Option<Duration>) -> ModelFailure {
    let codes: Vec<&str> =
        ["/code", "/type", "/details/error_code"].iter().filter_map(|path| error.pointer(path)?.as_str()).collect();
    let one_of = |known: &[&str]| codes.iter().find(|code| known.contains(code)).map(ToString::to_string);
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let mut detail = format!("status {status}");
    if let Some(code) = codes.iter().copied().find(|code| is_code(code)) {
        detail.push_str(&format!(" {code}"));
    }
    let field = error.get("param").and_then(Value::as_str).filter(|field| is_code(field));
    let thoughtless = message.contains("Encrypted content is not supported").then_some(INCLUDE);
    if let Some(field) = thoughtless.or(field) {
        detail.push_str(&format!(" ({field})"));
    }
    // Of Anthropic's older answers only the words tell.
    let broke = one_of(&MONEY_GONE).or_else(|| message.contains("credit balance is too low").then(|| detail.clone()));
    if let Some(detail) = broke {
        return ModelFailure::MoneyGone { detail };
    }
    if one_of(&MISCONFIGURED).is_some() {
        return ModelFailure::Misconfigured { detail };
    }
    match status {
        402 => ModelFailure::MoneyGone { detail },
        300..=399 | 401 | 403 | 404 => ModelFailure::Misconfigured { detail },
        429 => ModelFailure::Throttled { wait },
        408 | 500..=599 => ModelFailure::Transient { detail },
        _ => ModelFailure::Refused { detail },
    }
}

/// A provider's own word, and nothing that could be anybody's data.
fn is_code(text: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

pub(crate) fn transient(detail: impl Into<String>) -> ModelFailure {
    ModelFailure::Transient { detail: detail.into() }
}

fn no_key(none: NoKey) -> ModelFailure {
    match none {
        NoKey::Unread(_) => transient(none.detail()),
        NoKey::Wrong(_) => ModelFailure::Misconfigured { detail: none.detail() },
    }
}
