//! What Podium knows of us: for whoever looks whether all is set up.

use frontdesk_core::{
    doctor::{
        Looked,
        providers::{PodiumFacts, PodiumWebhook},
    },
    provider::{CallFailure, LocationList as _, NotDone},
    signature::Secret,
    time::Clock,
};
use serde_json::Value;

use super::{Contract, Podium, Wire};
use crate::token::{AccessTokens, is_refusal};

/// What a token has to be allowed to read, and a call that needs it. What it has to be allowed to write nothing tells but a
/// write.
const RIGHTS: [(&str, &str); 3] = [
    ("read_contacts", "/v4/contacts?limit=1"),
    ("read_messages", "/v4/conversations?limit=1"),
    ("read_reviews", "/v4/reviews?limit=1"),
];
/// A thousand webhooks.
const PAGES_MAX: usize = 10;

impl<T: AccessTokens, C: Clock> Podium<T, C> {
    /// What its API says of our credentials and of its webhooks. Changes nothing.
    pub async fn setup(&self) -> PodiumFacts {
        let locations = match self.list_locations().await {
            Ok(locations) => Looked::Seen(locations.iter().map(|location| location.uid.to_string()).collect()),
            Err(failure) => unlooked(failure),
        };
        if locations.seen().is_none() {
            let why = || "its API does not let us in".to_owned();
            let rights = RIGHTS.map(|(right, _)| (right, Looked::Unknown(why()))).to_vec();
            return PodiumFacts { locations, rights, webhooks: Looked::Unknown(why()) };
        }
        let (mut rights, webhooks) = match self.contract {
            Contract::Brief(_) => (Vec::new(), Looked::Absent),
            Contract::Published(_) => {
                let mut rights = Vec::new();
                for (right, call) in RIGHTS {
                    rights.push((right, self.wire.may(call).await));
                }
                (rights, self.webhooks().await)
            }
        };
        rights.retain(|(_, looked)| *looked != Looked::Absent);
        PodiumFacts { locations, rights, webhooks }
    }

    async fn webhooks(&self) -> Looked<Vec<PodiumWebhook>> {
        match self.wire.list("/v4/webhooks?limit=100", PAGES_MAX).await {
            Ok(listed) => Looked::Seen(listed.iter().map(webhook).collect()),
            Err(failure) => unlooked(failure),
        }
    }

    /// The address and the secret of each webhook that has one: whether somebody has changed it there.
    ///
    /// # Errors
    /// When Podium does not list them.
    pub async fn webhook_secrets(&self) -> Result<Vec<(String, Secret)>, CallFailure> {
        let listed = self.wire.list("/v4/webhooks?limit=100", PAGES_MAX).await?;
        let of = |hook: &Value| {
            let secret = Secret::new("a webhook's secret", hook.get("secret")?.as_str()?).ok()?;
            Some((text(hook, "url"), secret))
        };
        Ok(listed.iter().filter_map(of).collect())
    }
}

impl<T: AccessTokens, C: Clock> Wire<T, C> {
    /// Whether a call is let through; `Absent` when Podium has no such call.
    async fn may(&self, call: &str) -> Looked<bool> {
        let (path, query) = call.split_once('?').unwrap_or((call, ""));
        let mut url = self.base.at(path);
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        match self.get(url).await {
            Ok(answer) if answer.is_success() => Looked::Seen(true),
            Ok(answer) if answer.status == 403 => Looked::Seen(false),
            Ok(answer) if answer.status == 404 => Looked::Absent,
            Ok(answer) => Looked::Unknown(format!("status {}", answer.status)),
            Err(why) => Looked::Unknown(why.to_string()),
        }
    }
}

fn unlooked<S>(failure: CallFailure) -> Looked<S> {
    match failure {
        CallFailure::Refused { status: status @ (401 | 403) } => Looked::Forbidden(format!("status {status}")),
        CallFailure::Refused { status } => Looked::Unknown(format!("status {status}")),
        CallFailure::NotDone(why) => not_done(&why),
    }
}

fn not_done<S>(why: &NotDone) -> Looked<S> {
    let why = why.to_string();
    if is_refusal(&why) { Looked::Forbidden(why) } else { Looked::Unknown(why) }
}

fn webhook(listed: &Value) -> PodiumWebhook {
    let events = listed.get("eventTypes").and_then(Value::as_array).into_iter().flatten();
    PodiumWebhook {
        uid: text(listed, "uid"),
        url: text(listed, "url"),
        disabled: listed.get("disabled") == Some(&Value::Bool(true)),
        event_types: events.filter_map(|event| event.as_str().map(str::to_owned)).collect(),
        signed: listed.get("secret").and_then(Value::as_str).is_some_and(|secret| !secret.trim().is_empty()),
    }
}

fn text(listed: &Value, name: &str) -> String {
    listed.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
