//! What the providers' own books hold, the comparison with them, and the timer that looks after sends.

use std::time::Duration;

use frontdesk_core::{
    flow::{
        ingest::{IngestRules, PodiumEndpoint, ShopifyEndpoint},
        privacy::PrivacyWorker,
        reconcile::{Reconcile, ReconcileRules},
        unresolved::WatchSends,
        worker::WorkerRules,
    },
    ids::EventId,
    inbox::InboxKey,
    outbox::DeliveryNews,
    provider::{Backlog, CallFailure, Deliveries, DeliveryLookUp, Feed, Listed, NotDone, Provider, Recovered},
    signature::{PodiumScheme, ReplayWindow, StalePolicy},
    time::{Clock, DAY, UnixMillis},
    wish::ExtraWords,
};
use serde_json::Value;

use super::{
    Queued, World,
    driver::{SWEEP_AFTER, ready},
    iso,
    podium::within,
    ports::Taken,
};
use crate::shop;

/// Something that stands in a provider's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// In which list.
    pub feed: Feed,
    /// When it was last changed.
    pub at: UnixMillis,
    /// It, as a webhook would have brought it.
    pub recovered: Recovered,
}

/// How often lists are compared.
const RECONCILE_EVERY: Duration = Duration::from_secs(3_600);
/// Entries of one part of a list.
const PART: usize = 2;

impl World {
    /// Puts something into a provider's list; a newer state of the same thing takes the older one's place.
    pub fn book(&self, feed: Feed, what: &str, at: UnixMillis, topic: &str, body: &Value) {
        let name = format!("{what}~{}", at.get());
        let id = EventId::try_from(name.as_str()).unwrap();
        let recovered = Recovered { id, topic: topic.to_owned(), body: body.to_string().into_bytes() };
        let mut books = self.books.borrow_mut();
        let same = |b: &Booked| b.recovered.id.as_str().split('~').next() == Some(what);
        books.retain(|b| b.feed != feed || !same(b));
        books.push(Booked { feed, at, recovered });
        books.sort_by(|a, b| (a.at, a.recovered.id.as_str()).cmp(&(b.at, b.recovered.id.as_str())));
    }

    pub(super) fn books_order(&self, order: &Value) {
        let id = order.get("id").and_then(Value::as_u64).unwrap();
        self.book(Feed::ShopifyOrders, &format!("order-{id}"), self.clock.now(), "orders/updated", order);
    }

    pub(super) fn books_refund(&self, id: u64) {
        let what = format!("order-{id}~");
        let known = {
            let books = self.books.borrow();
            books.iter().find(|b| b.recovered.id.as_str().starts_with(&what)).map(|b| b.recovered.body.clone())
        };
        let Some(body) = known else { return };
        let mut order: Value = serde_json::from_slice(&body).unwrap();
        order.as_object_mut().unwrap().insert("financial_status".into(), "refunded".into());
        self.books_order(&order);
    }

    /// Puts a message of a customer into Podium's list.
    pub(super) fn books_message(&self, id: &str, body: &Value, at: UnixMillis) {
        let mut body = body.clone();
        let name = format!("message-{id}~{}", at.get());
        if let Some(own) = body.pointer_mut("/metadata/eventUid") {
            *own = name.clone().into();
        } else if let Some(own) = body.pointer_mut("/id") {
            *own = name.into();
        }
        self.book(Feed::PodiumMessages, &format!("message-{id}"), at, "message.received", &body);
    }

    /// Puts a review into Podium's list.
    pub fn books_review(&self, review: &super::Review) {
        let name = format!("review-{}~{}", review.uid, review.changed_at.get());
        let body = self.review_body(&name, review);
        let what = format!("review-{}", review.uid);
        self.book(Feed::PodiumReviews, &what, review.changed_at, "review.created", &body);
    }

    /// Whether our endpoints do not answer.
    #[must_use]
    pub fn is_out(&self) -> bool {
        within(&self.outages.borrow(), self.clock.now())
    }

    /// Compares every list, at this very moment, whatever else is going on.
    pub fn reconciles(&self) {
        for feed in Feed::ALL {
            self.reconciles_one(feed);
        }
    }

    fn reconciles_one(&self, feed: Feed) {
        let shop = shop::shop();
        let intake = IngestRules { body_bytes_max: 1 << 22, keep: DAY * 60 };
        let rules = ReconcileRules {
            back: DAY,
            overlap: Duration::from_secs(3_600),
            settle: Duration::from_secs(900),
            run_for: Duration::from_secs(120),
        };
        let podium = PodiumEndpoint {
            schemes: PodiumScheme::ALL.to_vec(),
            window: ReplayWindow { window_s: 300, stale: StalePolicy::Accept },
            extra_words: ExtraWords::default(),
        };
        let shopify = ShopifyEndpoint { shop: shop.clone() };
        macro_rules! compared {
            ($endpoint:expr) => {{
                let reconcile = Reconcile {
                    endpoint: $endpoint,
                    store: self,
                    provider: self,
                    queue: self,
                    clock: &self.clock,
                    ids: &self.ids,
                    telemetry: &self.recorder,
                    policy: &self.policy,
                    shop: &shop,
                    intake,
                    rules,
                };
                let _: Option<_> = ready(reconcile.run(feed, None));
            }};
        }
        match feed {
            Feed::PodiumReviews | Feed::PodiumMessages => compared!(&podium),
            Feed::ShopifyOrders => compared!(&shopify),
        }
    }

    /// The schedules of what comes after a send fire.
    pub(super) fn tick_after(&self) {
        let watch = WatchSends {
            store: self,
            orders: self,
            podium: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            policy: &self.policy,
            speaker: self.speaker_rules(),
        };
        let _: Option<_> = ready(watch.run());
        self.process_ends();
        let now = self.clock.now();
        if self.next_reconcile.get() <= now && now <= self.reconcile_until.get() && !self.is_out() {
            self.next_reconcile.set(now.plus(RECONCILE_EVERY));
            for feed in Feed::ALL {
                self.reconciles_one(feed);
                self.process_ends();
            }
        }
    }

    /// When what comes after a send needs attention next.
    pub(super) fn next_after(&self) -> Option<UnixMillis> {
        let sends = self.store.look(|t| t.outbox.values().filter_map(|row| row.attention).min());
        let compare = Some(self.next_reconcile.get()).filter(|at| *at <= self.reconcile_until.get());
        let demands = self.demands.borrow().iter().map(|m| m.visible_at).min();
        [sends, compare, demands].into_iter().flatten().min()
    }

    pub(super) fn work_on_demand(&self, message: Queued<InboxKey>) {
        let shop = shop::shop();
        let worker = PrivacyWorker {
            store: self,
            clock: &self.clock,
            ids: &self.ids,
            telemetry: &self.recorder,
            shop: &shop,
            countries: &["AU".to_owned()],
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
            self.give_back(message, &self.demands, |key| key.to_key());
        }
    }

    /// Everything that lies in a queue.
    #[must_use]
    pub fn queued(&self) -> Vec<String> {
        let events = self.events.borrow().iter().map(|m| m.key.to_key()).collect();
        let demands = self.demands.borrow().iter().map(|m| m.key.to_key()).collect();
        let lines = self.lines.borrow().iter().map(|m| format!("{} {}", m.key.to_key(), m.group)).collect();
        let sends = self.sends.borrow().iter().map(|m| m.key.to_key()).collect();
        let notices = self.notices.borrow().iter().map(|m| m.key.as_str().to_owned()).collect();
        [events, demands, lines, sends, notices, self.dead_letters.borrow().clone()].concat()
    }

    /// The present moment, as the providers write it.
    #[must_use]
    pub fn now_iso(&self) -> String {
        iso(self.clock.now())
    }
}

impl Deliveries for World {
    async fn delivery(&self, what: &DeliveryLookUp) -> Result<Option<DeliveryNews>, NotDone> {
        let asked = self.step(async {
            if self.podium.is_down(self.clock.now()) {
                return None;
            }
            let said = self.delivery_said.borrow().get(what.message.as_str()).copied();
            Some(said.unwrap_or(self.delivery_usually))
        });
        match asked.await {
            Taken::Answered(Some(news)) => Ok(news),
            Taken::Answered(None) | Taken::Silent => Err(Self::silent(Provider::Podium)),
            Taken::Refused => Err(Self::throttled(Provider::Podium)),
        }
    }
}

impl Backlog for World {
    async fn list(
        &self,
        feed: Feed,
        from: UnixMillis,
        to: UnixMillis,
        cursor: Option<&str>,
    ) -> Result<Listed, CallFailure> {
        let listed = self.step(async {
            if self.podium.is_down(self.clock.now()) {
                return None;
            }
            let books = self.books.borrow();
            let all = books.iter().filter(|b| b.feed == feed && b.at >= from && b.at <= to);
            // A list is read on behind what was read last.
            let name = |b: &Booked| format!("{:020}~{}", b.at.get(), b.recovered.id);
            let mut rest: Vec<&Booked> = all.filter(|b| cursor.is_none_or(|c| name(b).as_str() > c)).collect();
            let more = rest.len() > PART;
            rest.truncate(PART);
            let next = more.then(|| rest.last().map(|b| name(b))).flatten();
            Some(Listed { found: rest.into_iter().map(|b| b.recovered.clone()).collect(), next })
        });
        match listed.await {
            Taken::Answered(Some(listed)) => Ok(listed),
            Taken::Answered(None) | Taken::Silent => Err(Self::silent(feed.provider()).into()),
            Taken::Refused => Err(Self::throttled(feed.provider()).into()),
        }
    }
}
