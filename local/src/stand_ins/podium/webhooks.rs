//! Podium's own webhooks: off until somebody says where they go.
//!
//! Each has a line of its own. Events leave it in order, one at a time: one that is not answered with a 2xx is tried again,
//! and the later ones wait behind it. After the last try the webhook is disabled and its line stays, as at Podium; saying
//! `{"disabled": false}` goes on where it ended. With `drop` events are lost on the way and only the lists still have them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::VERSION;
use super::settings::changed;
use crate::clock;
use crate::post::Target;
use crate::stand_ins::app::State;
use crate::stand_ins::sending::{Ended, Try, Whose, hex_hmac};

/// Whose events, and signed how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scheme {
    /// `podium-timestamp` and `podium-signature` over `timestamp.body`.
    #[default]
    Published,
    /// `X-Podium-Signature`, hex over the body.
    Brief,
    /// The briefs' events with `X-Podium-Signature: t=...,v1=...` over `t.body`.
    BriefTV1,
}

/// `GET` and `PUT /_control/podium/webhooks/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    url: String,
    /// Without one events are not signed.
    secret: Option<String>,
    scheme: Scheme,
    /// Only these, or what begins with them: `message.received`, `review.`; all, while null.
    event_types: Option<Vec<String>>,
    /// How often an event is tried.
    tries: u32,
    /// Between two tries.
    retry_ms: u64,
    /// Between what happened and the first try.
    delay_ms: u64,
    /// How long an answer may take.
    timeout_ms: u64,
    /// Signs every try anew, with the time of the try; else with the time of the first.
    restamp: bool,
    /// Loses everything.
    drop: bool,
    /// Keeps everything, and sends nothing.
    disabled: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: None,
            scheme: Scheme::Published,
            event_types: None,
            tries: 5,
            retry_ms: 200,
            delay_ms: 0,
            timeout_ms: 5000,
            restamp: true,
            drop: false,
            disabled: false,
        }
    }
}

/// Something that happened, in both pictures. None where a picture has no word for it.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    pub(crate) phone: Option<String>,
    pub(crate) published: Option<(&'static str, Value)>,
    pub(crate) brief: Option<(&'static str, Value)>,
}

/// An event on its way.
#[derive(Clone, Debug)]
struct Event {
    uid: String,
    kind: &'static str,
    phone: Option<String>,
    body: String,
    /// When the next try is due.
    due_ms: i64,
    tries: u32,
    stamped_ms: Option<i64>,
}

#[derive(Debug)]
struct Hook {
    settings: Settings,
    target: Target,
    line: VecDeque<Event>,
    /// A try is under way.
    busy: bool,
}

/// All of them, by name.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    hooks: BTreeMap<String, Hook>,
    changed: Arc<Notify>,
}

impl Webhooks {
    /// Wakes the one who sends.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Changes a webhook, or makes one.
    pub(crate) fn put(&mut self, name: &str, change: &Value) -> Result<(), String> {
        let known = self.hooks.get(name).map(|hook| hook.settings.clone());
        let settings = changed(&known.unwrap_or_default(), change)?;
        let target = Target::parse(&settings.url)?;
        if settings.tries == 0 {
            return Err("tries counts from 1".to_owned());
        }
        match self.hooks.get_mut(name) {
            Some(hook) => {
                // Switched on again, the first in line starts from the beginning.
                if let Some(first) = hook.line.front_mut().filter(|_| hook.settings.disabled && !settings.disabled) {
                    first.tries = 0;
                    first.due_ms = 0;
                }
                hook.settings = settings;
                hook.target = target;
            }
            None => {
                let hook = Hook { settings, target, line: VecDeque::new(), busy: false };
                self.hooks.insert(name.to_owned(), hook);
            }
        }
        self.changed.notify_one();
        Ok(())
    }

    /// Takes a webhook away, with all that waits in its line.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.hooks.remove(name).is_some()
    }

    /// One webhook, or all of them by name.
    pub(crate) fn report(&self, name: Option<&str>) -> Option<Value> {
        let report = |hook: &Hook| {
            let mut report = json!(hook.settings);
            if let Some(fields) = report.as_object_mut() {
                fields.insert("waiting".to_owned(), json!(hook.line.len()));
            }
            report
        };
        match name {
            Some(name) => self.hooks.get(name).map(report),
            None => Some(self.hooks.iter().map(|(name, hook)| (name.clone(), report(hook))).collect()),
        }
    }

    /// Whether anybody is told of the briefs' events.
    pub(crate) fn any_brief(&self) -> bool {
        self.hooks.values().any(|hook| hook.settings.scheme != Scheme::Published)
    }

    /// Starts the first try of every line that is due. Returns them, and when the next will be.
    pub(in crate::stand_ins) fn due(&mut self, now_ms: i64) -> (Vec<Try>, Option<i64>) {
        let mut tries = Vec::new();
        let mut next_ms: Option<i64> = None;
        for (name, hook) in &mut self.hooks {
            if hook.busy || (hook.settings.disabled && !hook.settings.drop) {
                continue;
            }
            let Some(event) = hook.line.front_mut() else { continue };
            if event.due_ms > now_ms {
                next_ms = Some(next_ms.map_or(event.due_ms, |known| known.min(event.due_ms)));
                continue;
            }
            hook.busy = true;
            event.tries += 1;
            let stamp_ms = event.stamped_ms.filter(|_| !hook.settings.restamp).unwrap_or(now_ms);
            event.stamped_ms = Some(stamp_ms);
            tries.push(Try {
                whose: Whose::Podium,
                hook: name.clone(),
                url: hook.settings.url.clone(),
                target: hook.target.clone(),
                timeout: Duration::from_millis(hook.settings.timeout_ms),
                dropped: hook.settings.drop,
                headers: signed(&hook.settings, stamp_ms, &event.body),
                attempt: event.tries,
                uid: event.uid.clone(),
                key: 0,
                kind: event.kind.to_owned(),
                phone: event.phone.clone(),
                body: event.body.clone(),
            });
        }
        (tries, next_ms)
    }

    /// Moves the line on, or holds it back.
    pub(in crate::stand_ins) fn tried(&mut self, ended: &Ended) {
        let Some(hook) = self.hooks.get_mut(&ended.hook) else { return };
        hook.busy = false;
        let Some(first) = hook.line.front_mut().filter(|first| first.uid == ended.uid) else { return };
        if ended.dropped || ended.taken() {
            hook.line.pop_front();
            return;
        }
        first.due_ms = ended.at_ms.saturating_add(i64::try_from(hook.settings.retry_ms).unwrap_or(i64::MAX));
        hook.settings.disabled |= first.tries >= hook.settings.tries;
    }
}

/// Puts what happened into the line of every webhook that is told of it.
pub(crate) fn tell(state: &mut State, happened: &Happened) {
    let now_ms = clock::now_ms();
    let State { webhooks, ids, .. } = state;
    for hook in webhooks.hooks.values_mut() {
        let settings = &hook.settings;
        let (event, published) = match settings.scheme {
            Scheme::Published => (&happened.published, true),
            Scheme::Brief | Scheme::BriefTV1 => (&happened.brief, false),
        };
        let Some((kind, data)) = event else { continue };
        let wanted = settings.event_types.as_ref();
        if wanted.is_some_and(|wanted| !wanted.iter().any(|start| kind.starts_with(start.as_str()))) {
            continue;
        }
        let uid = ids.uid();
        let body = if published {
            json!({ "data": data, "metadata": { "eventType": kind, "eventUid": uid, "version": VERSION } })
        } else {
            let seconds = now_ms.div_euclid(1000);
            json!({ "id": uid, "type": kind, "event_type": kind, "occurred_at": seconds, "data": data })
        };
        hook.line.push_back(Event {
            uid,
            kind,
            phone: happened.phone.clone(),
            body: body.to_string(),
            due_ms: now_ms.saturating_add(i64::try_from(settings.delay_ms).unwrap_or(i64::MAX)),
            tries: 0,
            stamped_ms: None,
        });
    }
    webhooks.changed.notify_one();
}

/// The headers of the signature; none without a secret.
fn signed(settings: &Settings, at_ms: i64, body: &str) -> BTreeMap<String, String> {
    let Some(secret) = &settings.secret else { return BTreeMap::new() };
    let header = |name: &str, value: String| (name.to_owned(), value);
    match settings.scheme {
        Scheme::Published => BTreeMap::from([
            header("podium-signature", hex_hmac(secret, &format!("{at_ms}.{body}"))),
            header("podium-timestamp", at_ms.to_string()),
        ]),
        Scheme::Brief => BTreeMap::from([header("x-podium-signature", hex_hmac(secret, body))]),
        Scheme::BriefTV1 => {
            let seconds = at_ms.div_euclid(1000);
            let signature = hex_hmac(secret, &format!("{seconds}.{body}"));
            BTreeMap::from([header("x-podium-signature", format!("t={seconds},v1={signature}"))])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_signs_its_own_text() {
        let settings = |scheme| Settings { secret: Some("key".to_owned()), scheme, ..Settings::default() };
        let text = "The quick brown fox jumps over the lazy dog";
        // A vector that everybody knows.
        let known = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        assert_eq!(signed(&settings(Scheme::Brief), 0, text)["x-podium-signature"], known);
        let published = signed(&settings(Scheme::Published), 1_770_080_409_123, text);
        assert_eq!(published["podium-timestamp"], "1770080409123");
        assert_eq!(published["podium-signature"], hex_hmac("key", &format!("1770080409123.{text}")));
        let stamped = signed(&settings(Scheme::BriefTV1), 1_770_080_409_123, text);
        assert!(stamped["x-podium-signature"].starts_with("t=1770080409,v1="));
        assert!(signed(&Settings::default(), 0, text).is_empty(), "no secret, no signature");
    }
}
