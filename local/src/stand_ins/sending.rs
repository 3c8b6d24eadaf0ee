//! The providers' end of their webhooks: one sender for all that call us.
//!
//! What is due when, in which order, and what a refusal means is each provider's own affair. The rest is the same for all:
//! a post over a fresh connection, a line in the ledger for every attempt, and word to the provider of how it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::task::JoinSet;

use super::app::{App, State};
use super::chatwoot;
use super::ledger::Webhook;
use crate::clock;
use crate::post::Target;
use crate::say::warn;

/// Whose webhook it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Podium,
    Chatwoot,
}

/// One attempt that is due.
#[derive(Debug)]
pub(super) struct Try {
    pub(super) whose: Whose,
    /// Name of the webhook.
    pub(super) hook: String,
    pub(super) url: String,
    pub(super) target: Target,
    pub(super) timeout: Duration,
    /// It is lost on the way: nothing is sent.
    pub(super) dropped: bool,
    pub(super) headers: BTreeMap<String, String>,
    /// Counted from 1.
    pub(super) attempt: u32,
    pub(super) uid: String,
    /// Chatwoot's own mark of the delivery.
    pub(super) key: u64,
    pub(super) kind: String,
    pub(super) phone: Option<String>,
    pub(super) body: String,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) hook: String,
    pub(super) uid: String,
    pub(super) key: u64,
    pub(super) dropped: bool,
    /// None, if nothing was answered.
    pub(super) status: Option<u16>,
    pub(super) at_ms: i64,
}

impl Ended {
    /// Whether the receiver has it now.
    pub(super) fn taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Everything that is due, of all providers, and how long nothing else will be.
fn due(state: &mut State, now_ms: i64) -> (Vec<Try>, Option<Duration>) {
    let (mut tries, podium_ms) = state.webhooks.due(now_ms);
    let (more, chatwoot_ms) = state.chatwoot.hooks.due(now_ms);
    tries.extend(more);
    let next_ms = [podium_ms, chatwoot_ms].into_iter().flatten().min();
    (tries, next_ms.map(|at| Duration::from_millis(at.saturating_sub(now_ms).max(1).unsigned_abs())))
}

/// Sends what is due, for as long as the stand-ins run.
pub(super) async fn run(app: Arc<App>) {
    let changed = app.lock().webhooks.changed();
    let mut under_way = JoinSet::new();
    loop {
        let (tries, wait) = due(&mut app.lock(), clock::now_ms());
        for one in tries {
            let app = Arc::clone(&app);
            under_way.spawn(async move { attempt(&app, one).await });
        }
        tokio::select! {
            () = changed.notified() => {}
            Some(_) = under_way.join_next() => {}
            () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {}
        }
    }
}

async fn attempt(app: &App, one: Try) {
    let answer = if one.dropped {
        Err("dropped".to_owned())
    } else {
        one.target.post(&one.headers, one.body.clone(), one.timeout).await
    };
    let ended = Ended {
        hook: one.hook.clone(),
        uid: one.uid.clone(),
        key: one.key,
        dropped: one.dropped,
        status: answer.as_ref().ok().copied(),
        at_ms: clock::now_ms(),
    };
    let mut state = app.lock();
    let recorded = state.ledger.record_webhook(Webhook {
        seq: 0,
        at_ms: ended.at_ms,
        hook: one.hook,
        url: one.url,
        event_type: one.kind,
        event_uid: one.uid,
        phone: one.phone,
        attempt: if one.dropped { 0 } else { one.attempt },
        status: ended.status,
        problem: answer.err(),
        headers: one.headers,
        body: one.body,
    });
    if let Err(error) = recorded {
        warn(format_args!("the ledger cannot be written, so a webhook is missing there: {error}"));
    }
    match one.whose {
        Whose::Podium => state.webhooks.tried(&ended),
        Whose::Chatwoot => chatwoot::webhooks::tried(&mut state, &ended),
    }
}

/// HMAC-SHA256 in small hexadecimal letters.
pub(super) fn hex_hmac(secret: &str, text: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
