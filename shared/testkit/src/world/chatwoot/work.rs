//! The processes behind Chatwoot: its endpoint, and the workers of its queue.

use std::time::Duration;

use frontdesk_core::{
    flow::{
        batch::{self, Message},
        chatwoot_worker::ChatwootWorker,
        ingest::ChatwootEndpoint,
        worker::WorkerRules,
    },
    inbox::InboxKey,
    queue::Wake,
    signature::{self, ReplayWindow, StalePolicy},
    time::{Clock, UnixMillis},
    wish::{self, Wish},
};
use serde_json::Value;

use super::{
    super::{
        Delivery, Lined, World,
        driver::{SWEEP_AFTER, ready},
    },
    key_of,
};

/// Chatwoot tries a bot's webhook so often.
const TRIES: u32 = 3;

impl World {
    pub(in super::super) fn take_in_chatwoot(&self, delivery: &Delivery) -> Option<u16> {
        let now = self.clock.now();
        let mut signed = signature::sign_chatwoot(self.secrets.newest(), &delivery.body, now.get());
        if !delivery.signed {
            signed.iter_mut().for_each(|(_, value)| *value = value.replace(['0', '1', '2', '3'], "4"));
        }
        let headers: Vec<(&str, &[u8])> = signed.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
        let endpoint = ChatwootEndpoint {
            window: ReplayWindow { window_s: 300, stale: StalePolicy::Reject },
            inboxes: Vec::new(),
            extra_words: self.chatwoot.assistant.extra_words.clone(),
        };
        let status = self.take_in(&endpoint, &headers, &delivery.body);
        self.chatwoot.statuses.borrow_mut().push(status);
        if status == Some(200) && !delivery.ids.is_empty() {
            self.hears_a_wish(delivery);
        }
        status
    }

    /// From the moment when a STOP is acknowledged, we answer for the silence of whose number is known.
    fn hears_a_wish(&self, delivery: &Delivery) {
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        let number = body.pointer("/conversation/id").and_then(Value::as_u64).unwrap();
        let known = self.chatwoot.conversation(number).phone.is_some();
        let text = body.get("content").and_then(Value::as_str).unwrap_or_default();
        match wish::read(text, &self.chatwoot.assistant.extra_words) {
            Wish::Stop if known => {
                self.chatwoot.silent_since.borrow_mut().entry(number).or_insert_with(|| self.clock.now());
            }
            Wish::Start => {
                self.chatwoot.silent_since.borrow_mut().remove(&number);
            }
            Wish::Stop | Wish::Help | Wish::Unsure | Wish::None => {}
        }
    }

    /// Chatwoot repeats a bot's webhook after 500, three seconds later.
    pub(in super::super) fn chatwoot_heard(&self, answer: Option<u16>, mut delivery: Delivery) {
        if answer == Some(500) && delivery.tries + 1 < TRIES {
            delivery.tries += 1;
            delivery.at = self.clock.now().plus(Duration::from_secs(3));
            self.deliveries.borrow_mut().push(delivery);
        }
    }

    /// The queue takes a message; it shows after the queue's delay.
    pub(in super::super) fn line_up(&self, wake: &Wake) {
        self.lined.set(self.lined.get() + 1);
        let group = wake.group.as_ref().expect("an ordered queue takes no message without a group");
        self.chatwoot.lines.borrow_mut().push(Lined {
            id: self.lined.get(),
            key: wake.key.clone(),
            group: group.as_str().to_owned(),
            visible_at: self.clock.now().plus(self.chatwoot.assistant.debounce),
            receives: 0,
        });
    }

    /// Of each line from its head, nothing of a line whose head is still out or not yet visible.
    fn take_of_chatwoot(&self) -> Vec<Lined> {
        let now = self.clock.now();
        if now < self.chatwoot.workers_dead_until.get() {
            return Vec::new();
        }
        let mut blocked: Vec<String> = Vec::new();
        let mut taken: Vec<Lined> = Vec::new();
        self.chatwoot.lines.borrow_mut().retain_mut(|message| {
            if message.visible_at > now || blocked.contains(&message.group) || taken.len() >= 10 {
                blocked.push(message.group.clone());
                return true;
            }
            if message.receives >= self.receives_max {
                self.dead_letters.borrow_mut().push(message.key.to_key());
                return false;
            }
            message.receives += 1;
            message.visible_at = now.plus(self.visibility);
            taken.push(message.clone());
            true
        });
        taken
    }

    /// The workers of Chatwoot's events take what their queue hands out.
    pub(in super::super) fn work_on_chatwoot(&self) -> bool {
        let batch = self.take_of_chatwoot();
        if batch.is_empty() {
            return false;
        }
        let messages: Vec<Message> = batch
            .iter()
            .map(|m| Message { id: m.id.to_string(), body: m.key.to_key(), group: Some(m.group.clone()) })
            .collect();
        let worker = ChatwootWorker {
            store: self,
            desk: self,
            notices: self,
            pause: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            assistant: &self.chatwoot.assistant,
            rules: WorkerRules {
                lease: self.lease,
                attempts_max: 8,
                body_bytes_max: 1 << 22,
                sweep_after: SWEEP_AFTER,
            },
        };
        let stop_at = self.clock.now().plus(Duration::from_secs(100));
        let done = ready(batch::run(&messages, stop_at, &self.clock, &self.recorder, InboxKey::parse, async |key| {
            let handled = worker.handle(&key).await;
            self.learns_of_silence();
            handled
        }));
        self.process_ends();
        if let Some(failed) = done {
            let done = |m: &Lined| batch.iter().any(|b| b.id == m.id) && !failed.contains(&m.id.to_string());
            self.chatwoot.lines.borrow_mut().retain(|m| !done(m));
        }
        true
    }

    /// Without a number, a conversation is silent from when that is written down.
    fn learns_of_silence(&self) {
        let numbers: Vec<u64> = self.chatwoot.conversations.borrow().keys().copied().collect();
        for number in numbers {
            let silenced = self.store.look(|t| {
                let saved = t.chats.get(&key_of(number)).and_then(|row| row.saved.as_ref());
                saved.is_some_and(|saved| saved.state.silenced)
            });
            let mut since = self.chatwoot.silent_since.borrow_mut();
            if silenced {
                since.entry(number).or_insert_with(|| self.clock.now());
            }
        }
    }

    pub(in super::super) fn next_of_chatwoot(&self) -> Option<UnixMillis> {
        let lines = self.chatwoot.lines.borrow();
        let mut seen: Vec<&str> = Vec::new();
        let heads = lines.iter().filter(|m| {
            let head = !seen.contains(&m.group.as_str());
            seen.push(&m.group);
            head
        });
        heads.map(|m| m.visible_at.max(self.chatwoot.workers_dead_until.get())).min()
    }

    /// Lets time pass, to the second, until nothing is left to happen.
    ///
    /// # Panics
    /// When there is no end to it.
    pub fn assists(&self) {
        let minute = |at: UnixMillis| at.get().div_euclid(60_000);
        let mut ticked = minute(self.clock.now());
        for _ in 0..50_000 {
            self.arrivals();
            self.work_without_arrivals();
            self.arrivals();
            let now = self.clock.now();
            let soon = {
                let deliveries = self.deliveries.borrow().iter().map(|d| d.at).min();
                let happenings = self.happenings.borrow().iter().map(|(at, _)| *at).min();
                let notices = self.notices.borrow().iter().map(|m| m.visible_at).min();
                [deliveries, happenings, notices, self.next_of_chatwoot()].into_iter().flatten().min()
            };
            let timers = self.store.look(|tables| {
                let waiting = tables.inbox.values().filter_map(|r| r.waiting_since).min();
                let told = tables.notices.values().filter_map(|row| row.attention).min();
                [waiting.map(|since| since.plus(SWEEP_AFTER)), told].into_iter().flatten().min()
            });
            let whole = |at: UnixMillis| {
                let at = at.max(now.plus(Duration::from_millis(1)));
                UnixMillis::new((at.get() + 59_999).div_euclid(60_000) * 60_000)
            };
            let Some(next) = [soon, timers.map(whole)].into_iter().flatten().min() else { return };
            self.clock.advance_to(next);
            let at = minute(self.clock.now());
            if at > ticked {
                ticked = at;
                self.tick();
            }
        }
        panic!("the assistant does not come to rest");
    }
}
