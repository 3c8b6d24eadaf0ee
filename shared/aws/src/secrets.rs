//! Secrets: one that is read and written, and the pair that signs webhooks.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_secretsmanager::{
    Client,
    operation::{
        describe_secret::DescribeSecretError,
        get_secret_value::{GetSecretValueError, GetSecretValueOutput},
    },
};
use frontdesk_core::{
    flow::ingest::SecretSource,
    signature::{LiveSecret, LiveSecrets, Matched, Secret},
    telemetry::{Line, Telemetry},
    time::{Clock, UnixMillis},
};
use serde::Deserialize;
use thiserror::Error;

use crate::failure;

/// How the template begins the value of a secret that somebody still has to fill in.
const PLACEHOLDER: &str = "REPLACE_ME";

/// The stage of the value that counts.
pub(crate) const CURRENT: &str = "AWSCURRENT";
/// The stage of the value before it; there is none before the first change.
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";
/// The stage of a value that is tried before it counts.
pub(crate) const PENDING: &str = "AWSPENDING";

/// How often somebody without a valid signature may make us look for a newer secret.
pub const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Why a secret cannot be used. Names the setting and the secret, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{setting} names the secret {secret}, which {problem}")]
pub struct SecretError {
    /// The setting that names it.
    pub setting: &'static str,
    /// Its name or ARN.
    pub secret: String,
    /// What is wrong with it.
    pub problem: SecretProblem,
}

/// What is wrong with a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SecretProblem {
    /// There is no value.
    #[error("has no value")]
    Missing,
    /// White space only.
    #[error("is empty")]
    Empty,
    /// As the template made it.
    #[error("still holds the template's placeholder {PLACEHOLDER}; put the real value into it")]
    Placeholder,
    /// It lacks a part.
    #[error("is not a JSON object with {0}, none of them empty")]
    Incomplete(&'static str),
    /// Binary.
    #[error("holds bytes, not text")]
    NotText,
    /// It could not be asked for now; another time may do.
    #[error("could not be read: {0}")]
    Unreadable(String),
    /// It may or may not have been written.
    #[error("could not be written: {0}")]
    Unwritten(String),
}

/// What a secret's value has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What signs webhooks, in one of the forms of [`WebhookSecrets`].
    Signing,
    /// A JSON object that has all fields of one of the lists, which the text describes for a person.
    Fields(&'static [&'static [&'static str]], &'static str),
    /// Any text.
    Text,
}

impl Form {
    /// Podium's credentials.
    pub const PODIUM: Self =
        Self::Fields(&[&["client_id", "client_secret", "refresh_token"]], "client_id, client_secret and refresh_token");
    /// Shopify's, which have two forms.
    pub const SHOPIFY: Self = Self::Fields(
        &[&["access_token"], &["client_id", "client_secret"]],
        "access_token, or client_id and client_secret",
    );
    /// Chatwoot's tokens.
    pub const CHATWOOT: Self = Self::Fields(&[&["api_token"]], "api_token, and user_token if it is not to be left out");

    /// Whether a value can be used.
    ///
    /// # Errors
    /// What is wrong with it, without any part of it.
    pub fn examine(self, value: &str) -> Result<(), SecretProblem> {
        match self {
            Self::Signing => signing("a webhook secret", value, None).map(|_| ()),
            Self::Fields(forms, wanted) => match filled_in(value) {
                Ok(document) if is_complete(document, forms) => Ok(()),
                Ok(_) => Err(SecretProblem::Incomplete(wanted)),
                Err(problem) => Err(problem),
            },
            Self::Text => filled_in(value).map(|_| ()),
        }
    }
}

/// One secret.
#[derive(Clone, Debug)]
pub struct SecretVault {
    client: Client,
    setting: &'static str,
    secret: String,
    stage: &'static str,
}

impl SecretVault {
    /// The secret that `setting` names.
    #[must_use]
    pub fn new(client: Client, setting: &'static str, secret: String) -> Self {
        Self { client, setting, secret, stage: CURRENT }
    }

    /// The same secret's value that waits to become the current one: what is written there counts for nobody yet.
    #[must_use]
    pub fn pending(&self) -> Self {
        Self { stage: PENDING, ..self.clone() }
    }

    /// Its current value, or the one that waits.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or was never filled in.
    pub async fn read(&self) -> Result<String, SecretError> {
        let value = self.stage(self.stage).await?.ok_or_else(|| self.problem(SecretProblem::Missing))?;
        filled_in(&value).map_err(|problem| self.problem(problem))?;
        Ok(value)
    }

    /// The signing secrets that it names, and the version before it where that counts.
    ///
    /// # Errors
    /// When there is no current one that was filled in, or it cannot be read.
    pub async fn live(&self, telemetry: &impl Telemetry) -> Result<LiveSecrets, SecretError> {
        read_live(self, telemetry).await
    }

    /// Whether it was filled in, for a start that does not need its value yet. Opens the connection too.
    ///
    /// # Errors
    /// When only a person can help. That it cannot be asked for now is only noted.
    pub async fn check(&self, form: Form, telemetry: &impl Telemetry) -> Result<(), SecretError> {
        match self.read().await {
            Ok(document) => form.examine(&document).map_err(|problem| self.problem(problem)),
            Err(error @ SecretError { problem: SecretProblem::Unreadable(_), .. }) => {
                telemetry.line(Line::warn("a secret could not be read at the start").detail(&error));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Makes `value` its current value; the one before it stays readable as the previous.
    ///
    /// # Errors
    /// When it could not be written, or nobody knows whether it was.
    pub async fn write(&self, value: &str) -> Result<(), SecretError> {
        let put = self.client.put_secret_value().secret_id(&self.secret).secret_string(value);
        // Of a current value the service moves the stages itself.
        let stages = (self.stage != CURRENT).then(|| vec![self.stage.to_owned()]);
        let written = put.set_version_stages(stages).send().await.map(|_| ());
        written.map_err(|error| self.problem(SecretProblem::Unwritten(failure::detail(&error))))
    }

    /// Makes the value that waits the current one. The current one becomes the previous.
    ///
    /// # Errors
    /// When none waits, or nobody knows whether it was done.
    pub async fn promote(&self) -> Result<(), SecretError> {
        let stands = self.standing().await?;
        let (Some(pending), Some(current)) = (stands.pending, stands.current) else {
            return Err(self.problem(SecretProblem::Missing));
        };
        let moved = self.client.update_secret_version_stage().secret_id(&self.secret).version_stage(CURRENT);
        let moved = moved.move_to_version_id(&pending).remove_from_version_id(current).send().await;
        moved.map_err(|error| self.problem(SecretProblem::Unwritten(failure::detail(&error))))?;
        self.take_mark(&pending).await
    }

    /// Forgets the value that waits.
    ///
    /// # Errors
    /// When nobody knows whether it was done.
    pub async fn withdraw(&self) -> Result<(), SecretError> {
        match self.standing().await?.pending {
            Some(pending) => self.take_mark(&pending).await,
            None => Ok(()),
        }
    }

    /// Whether a value waits to become the current one: somebody is at it, or was.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn is_rotating(&self) -> Result<bool, SecretError> {
        self.standing().await.map(|stands| stands.pending.is_some())
    }

    async fn take_mark(&self, version: &str) -> Result<(), SecretError> {
        let taken = self.client.update_secret_version_stage().secret_id(&self.secret).version_stage(PENDING);
        let taken = taken.remove_from_version_id(version).send().await.map(|_| ());
        taken.map_err(|error| self.problem(SecretProblem::Unwritten(failure::detail(&error))))
    }

    async fn standing(&self) -> Result<Standing, SecretError> {
        let described = self.client.describe_secret().secret_id(&self.secret).send().await;
        let described = described.map_err(|error| match error.as_service_error() {
            Some(DescribeSecretError::ResourceNotFoundException(_)) => self.problem(SecretProblem::Missing),
            _ => self.problem(SecretProblem::Unreadable(failure::detail(&error))),
        })?;
        let mut stands = Standing::default();
        for (version, stages) in described.version_ids_to_stages().into_iter().flatten() {
            let at = |stage: &str| stages.iter().any(|one| one == stage);
            if at(CURRENT) {
                stands.current = Some(version.clone());
            } else if at(PENDING) {
                // A value that became the current one may keep the mark of having waited for it.
                stands.pending = Some(version.clone());
            }
        }
        Ok(stands)
    }

    /// The value at a stage; `None` when it has none there.
    pub(crate) async fn stage(&self, stage: &str) -> Result<Option<String>, SecretError> {
        let read = self.client.get_secret_value().secret_id(&self.secret).version_stage(stage).send().await;
        match read {
            Ok(GetSecretValueOutput { secret_string: Some(value), .. }) => Ok(Some(value)),
            Ok(_) => Err(self.problem(SecretProblem::NotText)),
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(self.problem(SecretProblem::Unreadable(failure::detail(&error)))),
            },
        }
    }

    pub(crate) fn problem(&self, problem: SecretProblem) -> SecretError {
        SecretError { setting: self.setting, secret: self.secret.clone(), problem }
    }
}

/// Which versions of a secret stand where.
#[derive(Debug, Default)]
struct Standing {
    current: Option<String>,
    pending: Option<String>,
}

fn filled_in(value: &str) -> Result<&str, SecretProblem> {
    if value.trim().is_empty() {
        return Err(SecretProblem::Empty);
    }
    if value.contains(PLACEHOLDER) {
        return Err(SecretProblem::Placeholder);
    }
    Ok(value)
}

fn is_complete(document: &str, forms: &[&[&str]]) -> bool {
    let fields: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let filled = |name: &&str| fields.get(name).and_then(|v| v.as_str()).is_some_and(|v| !v.trim().is_empty());
    forms.iter().any(|form| form.iter().all(filled))
}

/// A signing secret that names its predecessor itself.
#[derive(Deserialize)]
struct Pair {
    current: String,
    previous: Option<String>,
}

/// Several signing secrets that count at once: a provider may have one for each of its webhooks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    secrets: Vec<Entry>,
}

/// One of them. A misspelt `account` would make it anybody's, so nothing unknown is overlooked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    secret: String,
    account: Option<Account>,
}

/// An account's number, with or without quotation marks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Account {
    Number(u64),
    Text(String),
}

impl Account {
    fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// How a list of secrets is to look, for a person.
const SEVERAL: &str =
    "\"secrets\": [{\"secret\": .., \"account\": a number, or left out}, ..], with one entry at least";

/// The secrets that sign a provider's webhooks, kept for a while. A secret has one of three forms, whichever provider's:
///
/// * Plain text; then its version before this one (`AWSPREVIOUS`) stays valid until the next rotation.
/// * `{"current": …, "previous": …}`; then what it says counts, so that emptying `previous` retires it at once.
/// * `{"secrets": [{"secret": …, "account": 7}, {"secret": …}, …]}`: several that count at once, each for one account of
///   the provider's, or without `account` for all. What it says counts, and the version before it does not; one that is
///   empty or was never filled in stops the start.
#[derive(Debug)]
pub struct WebhookSecrets<C, T> {
    vault: SecretVault,
    keep: Duration,
    clock: C,
    telemetry: T,
    known: Mutex<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    live: LiveSecrets,
    fresh_until: UnixMillis,
    looked_at: UnixMillis,
}

impl<C: Clock, T: Telemetry> WebhookSecrets<C, T> {
    /// Reads the secrets; without a current one nothing starts.
    ///
    /// # Errors
    /// When there is no current secret that was filled in.
    pub async fn open(vault: SecretVault, keep: Duration, clock: C, telemetry: T) -> Result<Self, SecretError> {
        let live = read_live(&vault, &telemetry).await?;
        let now = clock.now();
        let known = Known { live, fresh_until: now.plus(keep), looked_at: now };
        Ok(Self { vault, keep, clock, telemetry, known: Mutex::new(known) })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads them again. When that fails the known ones go on counting, and the next look is a while off.
    async fn read_again(&self) -> Option<LiveSecrets> {
        let now = self.clock.now();
        self.known().looked_at = now;
        match read_live(&self.vault, &self.telemetry).await {
            Ok(live) => {
                let mut known = self.known();
                known.live = live.clone();
                known.fresh_until = now.plus(self.keep);
                Some(live)
            }
            Err(error) => {
                self.known().fresh_until = now.plus(LOOK_AGAIN_AFTER);
                self.telemetry.line(
                    Line::warn("the signing secrets could not be read again; the known ones count").detail(&error),
                );
                None
            }
        }
    }
}

impl<C: Clock, T: Telemetry> SecretSource for WebhookSecrets<C, T> {
    async fn live(&self) -> LiveSecrets {
        let known = self.known().clone();
        if self.clock.now() < known.fresh_until {
            return known.live;
        }
        self.read_again().await.unwrap_or(known.live)
    }

    async fn look_again(&self) -> Option<LiveSecrets> {
        let looked_at = self.known().looked_at;
        if self.clock.now().since(looked_at) < LOOK_AGAIN_AFTER {
            return None;
        }
        self.read_again().await
    }
}

async fn read_live(vault: &SecretVault, telemetry: &impl Telemetry) -> Result<LiveSecrets, SecretError> {
    let (current, previous) = tokio::join!(vault.stage(CURRENT), vault.stage(PREVIOUS));
    let current = current?.ok_or_else(|| vault.problem(SecretProblem::Missing))?;
    // A document says itself what counts beside it; then nobody misses the version before.
    let previous = is_plain(&current).then(|| previous_version(previous, telemetry)).flatten();
    signing(vault.setting, &current, previous).map_err(|problem| vault.problem(problem))
}

/// The secrets that a document names, and the version before it, which counts beside one in plain text.
pub(crate) fn signing(
    setting: &'static str,
    document: &str,
    version_before: Option<String>,
) -> Result<LiveSecrets, SecretProblem> {
    if is_several(document) {
        return several(setting, document);
    }
    let (current, previous) = match serde_json::from_str::<Pair>(document) {
        Ok(pair) => (pair.current, pair.previous),
        Err(_) => (document.to_owned(), version_before),
    };
    let current = filled_in(&current)?;
    let previous = previous.and_then(|value| usable(value, current));
    let secret = |value: String| Secret::new(setting, value).map_err(|_| SecretProblem::Empty);
    Ok(LiveSecrets::rotating(secret(current.to_owned())?, previous.map(secret).transpose()?))
}

/// Whether a signing secret is the text itself, and no document that names it.
fn is_plain(document: &str) -> bool {
    !is_several(document) && serde_json::from_str::<Pair>(document).is_err()
}

/// Whether it is meant to be a list; one that cannot be read is not taken for a secret in plain text.
fn is_several(document: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(document).is_ok_and(|value| value.get("secrets").is_some())
}

fn several(setting: &'static str, document: &str) -> Result<LiveSecrets, SecretProblem> {
    const INCOMPLETE: SecretProblem = SecretProblem::Incomplete(SEVERAL);
    // What the parser has to say may show a part of a secret.
    let listed: Several = serde_json::from_str(document).map_err(|_| INCOMPLETE)?;
    let live = listed.secrets.into_iter().map(|Entry { secret, account }| {
        let account = account.map(|account| account.number().ok_or(INCOMPLETE)).transpose()?;
        let secret = Secret::new(setting, filled_in(&secret)?).map_err(|_| SecretProblem::Empty)?;
        Ok(LiveSecret { secret, matched: Matched::Current, account })
    });
    LiveSecrets::several(live.collect::<Result<_, _>>()?).ok_or(INCOMPLETE)
}

/// Trouble with the previous version costs the deliveries that it signed, and those come again.
fn previous_version(read: Result<Option<String>, SecretError>, telemetry: &impl Telemetry) -> Option<String> {
    read.unwrap_or_else(|error| {
        telemetry.line(Line::warn("the previous signing secret could not be read and does not count").detail(&error));
        None
    })
}

/// A previous secret that is empty, was never filled in or is the current one is none.
fn usable(previous: String, current: &str) -> Option<String> {
    let counts = !previous.trim().is_empty() && !previous.contains(PLACEHOLDER) && previous != current;
    counts.then_some(previous)
}
