//! Chatwoot's own webhooks: off until somebody says where they go.
//!
//! An account's webhook is tried once and never again. A bot's is tried three times, but only a 429 or a 500 is worth a second
//! try; when it fails for good, a conversation of the bot's goes to the people. Deliveries leave one at a time and in order,
//! unless they are to go `parallel`, are on `hold`, or one of them waits for its next try: none of them waits for another.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::book::At;
use super::events;
use crate::clock;
use crate::post::Target;
use crate::stand_ins::app::State;
use crate::stand_ins::podium::settings::changed;
use crate::stand_ins::sending::{Ended, Try, Whose, hex_hmac};

/// A bot's webhook is tried so often.
const BOT_TRIES: u32 = 3;

/// Who is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Whoever has a webhook of the account.
    #[default]
    Account,
    /// A bot.
    Bot,
}

impl Kind {
    /// What it is told of when nobody chose.
    fn hears_of(self, event: &str) -> bool {
        let of_both = [
            "message_created",
            "message_updated",
            "conversation_status_changed",
            "conversation_updated",
            "webwidget_triggered",
        ];
        let own: &[&str] = match self {
            Self::Account => &[
                "conversation_created",
                "contact_created",
                "contact_updated",
                "conversation_typing_on",
                "conversation_typing_off",
            ],
            Self::Bot => &["conversation_opened", "conversation_resolved"],
        };
        of_both.contains(&event) || own.contains(&event)
    }
}

/// `GET` and `PUT /_control/chatwoot/webhooks/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    url: String,
    /// Without one deliveries are not signed.
    secret: Option<String>,
    kind: Kind,
    /// Only these; all of its kind, while null.
    events: Option<Vec<String>>,
    /// Between what happened and the first try.
    delay_ms: u64,
    /// Between two tries of a bot's.
    retry_ms: u64,
    /// How long an answer may take.
    timeout_ms: u64,
    /// How often each is delivered, with the same id.
    copies: u32,
    /// All at once, in no order.
    parallel: bool,
    /// Keeps what comes until it is released.
    hold: bool,
    /// Loses everything.
    drop: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: None,
            kind: Kind::Account,
            events: None,
            delay_ms: 0,
            retry_ms: 3000,
            timeout_ms: 5000,
            copies: 1,
            parallel: false,
            hold: false,
            drop: false,
        }
    }
}

/// Something to tell.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) event: String,
    pub(super) at: Option<At>,
    pub(super) phone: Option<String>,
    pub(super) body: Value,
}

/// Something on its way.
#[derive(Clone, Debug)]
struct Delivery {
    /// Its place among all that ever left; an id may be delivered twice.
    key: u64,
    uid: String,
    event: String,
    at: Option<At>,
    phone: Option<String>,
    body: String,
    due_ms: i64,
    tries: u32,
    held: bool,
    busy: bool,
}

#[derive(Debug)]
struct Hook {
    settings: Settings,
    target: Target,
    line: VecDeque<Delivery>,
}

/// All of them, by name.
#[derive(Debug)]
pub(crate) struct Hooks {
    hooks: BTreeMap<String, Hook>,
    last_key: u64,
    wake: Arc<Notify>,
}

impl Hooks {
    pub(super) fn new(wake: Arc<Notify>) -> Self {
        Self { hooks: BTreeMap::new(), last_key: 0, wake }
    }

    /// Changes a webhook, or makes one. What is no longer on hold leaves in order.
    pub(crate) fn put(&mut self, name: &str, change: &Value) -> Result<(), String> {
        let known = self.hooks.get(name).map(|hook| hook.settings.clone());
        let settings = changed(&known.unwrap_or_default(), change)?;
        let target = Target::parse(&settings.url)?;
        if !(1..=10).contains(&settings.copies) {
            return Err("copies are 1 to 10".to_owned());
        }
        match self.hooks.get_mut(name) {
            Some(hook) => {
                let hold = settings.hold;
                hook.line.iter_mut().filter(|_| !hold).for_each(|waiting| waiting.held = false);
                hook.settings = settings;
                hook.target = target;
            }
            None => {
                self.hooks.insert(name.to_owned(), Hook { settings, target, line: VecDeque::new() });
            }
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Takes a webhook away, with all that waits in its line.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.hooks.remove(name).is_some()
    }

    /// One webhook, or all of them by name, with what waits there.
    pub(super) fn report(&self, name: Option<&str>) -> Option<Value> {
        let report = |hook: &Hook| {
            let mut report = json!(hook.settings);
            let waiting: Vec<Value> = hook
                .line
                .iter()
                .map(|one| json!({ "delivery": one.uid, "event": one.event, "held": one.held, "tries": one.tries }))
                .collect();
            if let Some(fields) = report.as_object_mut() {
                fields.insert("waiting".to_owned(), json!(waiting));
            }
            report
        };
        match name {
            Some(name) => self.hooks.get(name).map(report),
            None => Some(self.hooks.iter().map(|(name, hook)| (name.clone(), report(hook))).collect()),
        }
    }

    /// Lets go what is held: `{"order": "given" | "reverse" | [2, 0, 1], "count": 2}`. Returns how many that are.
    pub(crate) fn release(&mut self, name: &str, asked: &Value) -> Result<usize, String> {
        let hook = self.hooks.get_mut(name).ok_or("there is no such webhook")?;
        let (mut held, mut line): (Vec<Delivery>, VecDeque<Delivery>) = (Vec::new(), VecDeque::new());
        for one in hook.line.drain(..) {
            if one.held { held.push(one) } else { line.push_back(one) }
        }
        let all = held.len();
        let order: Result<Vec<usize>, String> = match asked.get("order") {
            None | Some(Value::Null) => Ok((0..all).collect()),
            Some(Value::String(word)) if word == "given" => Ok((0..all).collect()),
            Some(Value::String(word)) if word == "reverse" => Ok((0..all).rev().collect()),
            Some(Value::Array(places)) => {
                let places = places.iter().map(|place| usize::try_from(place.as_u64()?).ok());
                places.collect::<Option<Vec<_>>>().ok_or_else(|| "order has places, counted from 0".to_owned())
            }
            Some(_) => Err("order is given, reverse, or a list of places".to_owned()),
        };
        let count = asked.get("count").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
        let order: Vec<usize> = order?.into_iter().take(count.unwrap_or(usize::MAX)).collect();
        let mut held: Vec<Option<Delivery>> = held.into_iter().map(Some).collect();
        let mut released = 0;
        for place in order {
            if let Some(mut one) = held.get_mut(place).and_then(Option::take) {
                one.held = false;
                line.push_back(one);
                released += 1;
            }
        }
        line.extend(held.into_iter().flatten());
        hook.line = line;
        self.wake.notify_one();
        Ok(released)
    }

    /// Puts something into the line of every webhook that hears of it.
    fn tell(&mut self, happened: &Happened, mut uid: impl FnMut() -> String) {
        let now_ms = clock::now_ms();
        // Rails escapes what could end a script, and all of it stands inside of texts.
        let body = escaped(&happened.body.to_string());
        for hook in self.hooks.values_mut() {
            let settings = &hook.settings;
            let wanted = match &settings.events {
                Some(wanted) => wanted.contains(&happened.event),
                None => settings.kind.hears_of(&happened.event),
            };
            if !wanted {
                continue;
            }
            let uid = uid();
            for _ in 0..settings.copies {
                self.last_key += 1;
                hook.line.push_back(Delivery {
                    key: self.last_key,
                    uid: uid.clone(),
                    event: happened.event.clone(),
                    at: happened.at,
                    phone: happened.phone.clone(),
                    body: body.clone(),
                    due_ms: now_ms.saturating_add(i64::try_from(settings.delay_ms).unwrap_or(i64::MAX)),
                    tries: 0,
                    held: settings.hold,
                    busy: false,
                });
            }
        }
        self.wake.notify_one();
    }

    /// Starts every try that is due. Returns them, and when the next will be.
    pub(in crate::stand_ins) fn due(&mut self, now_ms: i64) -> (Vec<Try>, Option<i64>) {
        let mut tries = Vec::new();
        let mut next_ms: Option<i64> = None;
        for (name, hook) in &mut self.hooks {
            let Hook { settings, target, line } = hook;
            let mut free = settings.parallel || line.iter().all(|one| !one.busy);
            for one in line.iter_mut().filter(|one| !one.busy && !one.held) {
                if one.due_ms > now_ms {
                    next_ms = Some(next_ms.map_or(one.due_ms, |known| known.min(one.due_ms)));
                    continue;
                }
                if !free {
                    break;
                }
                free = settings.parallel;
                one.busy = true;
                one.tries += 1;
                tries.push(Try {
                    whose: Whose::Chatwoot,
                    hook: name.clone(),
                    url: settings.url.clone(),
                    target: target.clone(),
                    timeout: Duration::from_millis(settings.timeout_ms),
                    dropped: settings.drop,
                    headers: headers(settings.secret.as_deref(), &one.uid, now_ms, &one.body),
                    attempt: one.tries,
                    uid: one.uid.clone(),
                    key: one.key,
                    kind: one.event.clone(),
                    phone: one.phone.clone(),
                    body: one.body.clone(),
                });
            }
        }
        (tries, next_ms)
    }

    /// Takes a delivery out of its line, or has it tried again. Returns the conversation that a bot has failed.
    fn tried(&mut self, ended: &Ended) -> Option<At> {
        let hook = self.hooks.get_mut(&ended.hook)?;
        let place = hook.line.iter().position(|one| one.key == ended.key)?;
        let bot = hook.settings.kind == Kind::Bot;
        let one = hook.line.get_mut(place)?;
        one.busy = false;
        let again = bot && matches!(ended.status, Some(429 | 500)) && one.tries < BOT_TRIES;
        if again && !ended.dropped {
            one.due_ms = ended.at_ms.saturating_add(i64::try_from(hook.settings.retry_ms).unwrap_or(i64::MAX));
            return None;
        }
        let gone = hook.line.remove(place)?;
        let failed = bot && !ended.taken() && !ended.dropped;
        gone.at.filter(|_| failed && gone.event.starts_with("message_"))
    }
}

/// Tells of something.
pub(super) fn tell(state: &mut State, happened: &Happened) {
    let State { chatwoot, ids, .. } = state;
    chatwoot.hooks.tell(happened, || ids.uid());
}

/// Delivers something once more that was tried before: the same id and body, signed anew. False, if there was none.
pub(in crate::stand_ins) fn repeat(state: &mut State, uid: &str) -> bool {
    let told = state.ledger.webhooks().iter().rev().find(|told| told.event_uid == uid).cloned();
    let Some(told) = told else { return false };
    let hooks = &mut state.chatwoot.hooks;
    let Some(hook) = hooks.hooks.get_mut(&told.hook) else { return false };
    hooks.last_key += 1;
    hook.line.push_back(Delivery {
        key: hooks.last_key,
        uid: told.event_uid,
        event: told.event_type,
        at: None,
        phone: told.phone,
        body: told.body,
        due_ms: 0,
        tries: 0,
        held: false,
        busy: false,
    });
    hooks.wake.notify_one();
    true
}

/// How a try ended.
pub(in crate::stand_ins) fn tried(state: &mut State, ended: &Ended) {
    let failed = state.chatwoot.hooks.tried(ended);
    if let Some(at) = failed.filter(|_| !state.chatwoot.settings.keep_pending_on_bot_failure) {
        events::bot_failed(state, at);
    }
}

fn headers(secret: Option<&str>, uid: &str, now_ms: i64, body: &str) -> BTreeMap<String, String> {
    let header = |name: &str, value: String| (name.to_owned(), value);
    let mut headers = BTreeMap::from([
        header("accept", "application/json".to_owned()),
        header("x-chatwoot-delivery", uid.to_owned()),
    ]);
    if let Some(secret) = secret {
        let stamp = now_ms.div_euclid(1000);
        let signature = hex_hmac(secret, &format!("{stamp}.{body}"));
        headers.extend([
            header("x-chatwoot-timestamp", stamp.to_string()),
            header("x-chatwoot-signature", format!("sha256={signature}")),
        ]);
    }
    headers
}

/// JSON as Rails writes it.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of the samples' vectors, shortened to what is signed.
    #[test]
    fn the_time_is_signed_with_the_body() {
        let signed = headers(Some("key"), "d", 1_780_300_006_500, "{}");
        assert_eq!(signed["x-chatwoot-timestamp"], "1780300006");
        assert_eq!(signed["x-chatwoot-signature"], format!("sha256={}", hex_hmac("key", "1780300006.{}")));
        assert_eq!(signed["x-chatwoot-delivery"], "d");
        assert_eq!(headers(None, "d", 0, "{}").len(), 2, "no secret, no signature");
    }

    #[test]
    fn json_is_escaped_as_rails_does_it() {
        assert_eq!(escaped("{\"a\":\"<b> & \u{2028}é\"}"), "{\"a\":\"\\u003cb\\u003e \\u0026 \\u2028é\"}");
    }
}
