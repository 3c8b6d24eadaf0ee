//! Runs the processes of the world until nothing is left to do.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use frontdesk_core::{
    flow::{
        ingest::{Endpoint, Ingest, IngestRules, Request, ShopifyEndpoint},
        promote::Promote,
        send::{Sender, SenderRules},
        shopify_worker::ShopifyWorker,
        sweep::Sweep,
        worker::WorkerRules,
    },
    ids::OrderKey,
    inbox::{InboxKey, Source},
    retry::Backoff,
    signature,
    time::{Clock, DAY, UnixMillis},
};

use super::{Delivery, Queued, World};
use crate::shop;

/// SQS hands a message out so many times before it goes to the dead letters.
const RECEIVES_MAX: u32 = 5;

/// How long a message that failed stays hidden.
const VISIBILITY: Duration = Duration::from_secs(360);

/// Polls a future that never has to wait; `None` when it stopped for ever, which is how a process dies here.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

impl World {
    /// Lets time pass until nothing is left to happen, for forty days at most.
    ///
    /// # Panics
    /// When there is no end to it.
    pub fn run(&self) {
        self.run_for(DAY * 40);
    }

    /// Lets time pass until nothing is left to happen, for so long at most.
    ///
    /// # Panics
    /// When there is no end to it.
    pub fn run_for(&self, span: Duration) {
        let end = self.clock.now().plus(span);
        for _ in 0..20_000 {
            self.arrivals();
            self.work_without_arrivals();
            let Some(next) = self.next_moment() else { return };
            if next > end {
                return;
            }
            // Timers run on the minute.
            self.clock.advance_to(UnixMillis::new((next.get() + 59_999).div_euclid(60_000) * 60_000));
            self.tick();
        }
        panic!("the world does not come to rest");
    }

    /// What would happen next, if anything.
    fn next_moment(&self) -> Option<UnixMillis> {
        let deliveries = self.deliveries.borrow().iter().map(|d| d.at).min();
        let happenings = self.happenings.borrow().iter().map(|(at, _)| *at).min();
        let events = self.events.borrow().iter().map(|m| m.visible_at).min();
        let sends = self.sends.borrow().iter().map(|m| m.visible_at).min();
        let (waiting, due) = self.store.look(|tables| {
            let waiting = tables.inbox.values().filter_map(|r| r.waiting_since).min();
            (waiting, tables.requests.values().filter_map(|r| r.due_at).min())
        });
        let waiting = waiting.map(|since| since.plus(SWEEP_AFTER));
        let now = self.clock.now().plus(Duration::from_millis(1));
        let (chats, notices, after) = (self.next_of_chats(), self.next_of_notices(), self.next_after());
        let lines = self.next_of_chatwoot();
        let all = [lines, deliveries, happenings, events, sends, waiting, due, chats, notices, after];
        all.into_iter().flatten().min().map(|at| at.max(now))
    }

    pub(super) fn arrivals(&self) {
        loop {
            let now = self.clock.now();
            let due = self.happenings.borrow().iter().position(|(at, _)| *at <= now);
            let Some(due) = due else { break };
            let (_, happening) = self.happenings.borrow_mut().remove(due);
            happening(self);
        }
        let now = self.clock.now();
        let due: Vec<Delivery> = self.deliveries.borrow_mut().extract_if(.., |d| d.at <= now).collect();
        for delivery in due {
            self.receive(delivery);
        }
    }

    /// The provider delivers, and delivers again when it hears no 2xx.
    pub(super) fn receive(&self, mut delivery: Delivery) {
        if self.is_out() {
            // Refused, and never repeated.
            self.refused.borrow_mut().push(delivery);
            return;
        }
        let answer = match delivery.sender {
            Source::Shopify | Source::Privacy => self.take_in_shopify(&delivery),
            Source::Podium => self.take_in_podium(&delivery),
            Source::Chatwoot => self.take_in_chatwoot(&delivery),
        };
        self.process_ends();
        match answer {
            Some(200) => self.acknowledged(delivery),
            Some(401) => {}
            _ if delivery.sender == Source::Chatwoot => self.chatwoot_heard(answer, delivery),
            _ if delivery.tries < 8 => {
                delivery.tries += 1;
                delivery.at = self.clock.now().plus(Duration::from_secs(60 << delivery.tries));
                self.deliveries.borrow_mut().push(delivery);
            }
            // The provider gave up; that it was never acknowledged is no broken promise.
            _ => {}
        }
    }

    fn take_in_shopify(&self, delivery: &Delivery) -> Option<u16> {
        let secret = self.secrets.newest();
        let mut signed = signature::sign_shopify(secret, &delivery.body);
        if !delivery.signed {
            signed.iter_mut().for_each(|(_, value)| *value = value.chars().rev().collect());
        }
        let mut headers: Vec<(&str, &[u8])> = signed.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
        headers.extend(delivery.ids.iter().map(|id| ("x-shopify-webhook-id", id.as_bytes())));
        self.take_in(&ShopifyEndpoint { shop: shop::shop() }, &headers, &delivery.body)
    }

    /// The status that the sender hears; `None` if we died before there was one.
    pub(super) fn take_in<E: Endpoint>(&self, endpoint: &E, headers: &[(&str, &[u8])], body: &[u8]) -> Option<u16> {
        let ingest = Ingest {
            endpoint,
            store: self,
            queue: self,
            secrets: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            rules: IngestRules { body_bytes_max: 1 << 22, keep: DAY * 60 },
        };
        ready(ingest.handle(&Request { headers, body })).map(|answer| answer.status::<E>())
    }

    /// Workers take what is visible, until nothing is.
    pub(super) fn work_without_arrivals(&self) {
        for _ in 0..1_000 {
            let now = self.clock.now();
            let event = take_visible(&mut self.events.borrow_mut(), now);
            if let Some(message) = event {
                self.work_on_event(message);
                continue;
            }
            if self.work_on_podium() || self.work_on_chatwoot() || self.work_on_notice() {
                continue;
            }
            let demand = take_visible(&mut self.demands.borrow_mut(), now);
            if let Some(message) = demand {
                self.work_on_demand(message);
                continue;
            }
            let send = take_visible(&mut self.sends.borrow_mut(), now);
            let Some(message) = send else { return };
            self.work_on_send(message);
        }
        panic!("the workers do not come to rest");
    }

    /// Has the workers take what is visible at this very moment, whatever else is going on.
    pub fn works(&self) {
        if !self.nested.replace(true) {
            self.work_without_arrivals();
            self.nested.set(false);
        }
    }

    /// Has the schedules fire at this very moment, whatever else is going on.
    pub fn clocks(&self) {
        if !self.nested.replace(true) {
            self.tick();
            self.nested.set(false);
        }
    }

    fn work_on_event(&self, message: Queued<InboxKey>) {
        let shop = shop::shop();
        let worker = ShopifyWorker {
            store: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            policy: &self.policy,
            shop: &shop,
            rules: WorkerRules {
                lease: self.lease,
                attempts_max: 8,
                body_bytes_max: 1 << 22,
                sweep_after: SWEEP_AFTER,
            },
        };
        let done = matches!(ready(worker.handle(&message.key)), Some(Ok(())));
        self.process_ends();
        if !done {
            self.give_back(message, &self.events, |key| key.to_key());
        }
    }

    pub(super) fn work_on_send(&self, message: Queued<OrderKey>) {
        let sender = Sender {
            store: self,
            orders: self,
            reviews: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            policy: &self.policy,
            rules: SenderRules {
                lease: self.lease,
                backoff: Backoff { base: Duration::from_secs(60), cap: Duration::from_secs(3_600) },
                give_up_after: DAY * 3,
                settle: self.settle,
                look_up_for: DAY,
            },
        };
        let done = matches!(ready(sender.handle(&message.key)), Some(Ok(())));
        self.process_ends();
        if !done {
            self.give_back(message, &self.sends, |key| key.to_key());
        }
    }

    pub(super) fn give_back<K>(
        &self,
        mut message: Queued<K>,
        queue: &std::cell::RefCell<Vec<Queued<K>>>,
        name: impl Fn(&K) -> String,
    ) {
        message.receives += 1;
        if message.receives >= RECEIVES_MAX {
            self.dead_letters.borrow_mut().push(name(&message.key));
            return;
        }
        message.visible_at = self.clock.now().plus(VISIBILITY);
        queue.borrow_mut().push(message);
    }

    /// The schedules fire.
    pub(super) fn tick(&self) {
        let promote = Promote {
            store: self,
            queue: self,
            clock: &self.clock,
            telemetry: &self.recorder,
            requeue_after: Duration::from_secs(300),
        };
        // A timer that dies or fails is followed by the next one a minute later.
        let _: Option<_> = ready(promote.run());
        self.process_ends();
        let sweep =
            Sweep { store: self, queue: self, clock: &self.clock, telemetry: &self.recorder, after: SWEEP_AFTER };
        let _: Option<_> = ready(sweep.run());
        self.process_ends();
        self.tick_after();
        self.tick_notices();
        if self.chats {
            self.tick_chats();
        }
    }
}

/// How long an event waits before it is swept.
pub(super) const SWEEP_AFTER: Duration = Duration::from_secs(180);

pub(super) fn take_visible<K>(queue: &mut Vec<Queued<K>>, now: UnixMillis) -> Option<Queued<K>> {
    let at = queue.iter().position(|m| m.visible_at <= now)?;
    Some(queue.remove(at))
}
