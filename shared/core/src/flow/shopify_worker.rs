//! A Shopify event out of the inbox becomes a scheduled request, a recorded skip, or the end of an earlier request.

use std::time::Duration;

use super::lease;
use crate::{
    contact::{Contacts, Hold},
    ids::{EffectKey, Ids, OrderId, OrderKey, ShopDomain},
    inbox::{Attempt, EventEnd, Inbox, InboxClaim, InboxKey, LeasedEvent, RejectReason},
    request::{Committed, NewRequest, Plan, RequestChange, Requests},
    review::{ReviewPolicy, SkipReason},
    shopify::{self, Decision},
    store::{Fenced, Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::Clock,
};

/// The limits of an event's worker.
#[derive(Clone, Copy, Debug)]
pub struct WorkerRules {
    /// Longer than the function may run, clocks' differences included.
    pub lease: Duration,
    /// After so many attempts an event is parked for a person.
    pub attempts_max: u32,
    /// A stored body unpacks to no more than this.
    pub body_bytes_max: usize,
}

/// What the worker needs.
#[derive(Debug)]
pub struct ShopifyWorker<'a, S, C, I, T> {
    /// The tables.
    pub store: &'a S,
    /// Time.
    pub clock: &'a C,
    /// Lease owners.
    pub ids: &'a I,
    /// Reports.
    pub telemetry: &'a T,
    /// The merchant's rules.
    pub policy: &'a ReviewPolicy,
    /// The shop that this installation serves; part of every effect key.
    pub shop: &'a ShopDomain,
    /// Limits.
    pub rules: WorkerRules,
}

impl<S, C, I, T> ShopifyWorker<'_, S, C, I, T>
where
    S: Inbox + Contacts + Requests,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    /// Works on the event of a key. Anything that somebody else holds or has finished is left alone: the sweeper brings
    /// back what really is unfinished.
    ///
    /// # Errors
    /// When a table cannot be used; the message must come again.
    pub async fn handle(&self, key: &InboxKey) -> Result<(), StoreError> {
        let lease = lease(self.clock, self.ids, self.rules.lease);
        let event = match self.store.claim(key, &lease).await? {
            InboxClaim::Acquired(event) => event,
            InboxClaim::Missing => {
                self.telemetry.line(Line::warn("a queued key has no event").id("event.id", &key.to_key()));
                return Ok(());
            }
            InboxClaim::Busy { .. } | InboxClaim::Ended(_) => return Ok(()),
        };
        if event.attempts > self.rules.attempts_max {
            let reason = RejectReason::TooManyAttempts { attempts: event.attempts - 1 };
            self.telemetry.count(Metric::EventParked, Some(key.source.as_str()));
            return self.finish(key, &lease, EventEnd::Parked(reason)).await;
        }
        if event.attempts > 1 {
            self.telemetry.count(Metric::EventRetried, Some(key.source.as_str()));
        }
        match self.work(&event, &lease).await {
            Ok(()) => Ok(()),
            Err(error) => {
                // The next attempt need not wait for the lease. If this fails too, it waits.
                let attempt = match &error {
                    StoreError::Unavailable { .. } => Attempt::Forgiven,
                    StoreError::Corrupt { .. } => Attempt::Counts,
                };
                if let Err(second) = self.store.release(key, &lease, attempt).await {
                    self.telemetry.line(
                        Line::warn("a lease could not be given back").id("event.id", &key.to_key()).detail(&second),
                    );
                }
                Err(error)
            }
        }
    }

    async fn work(&self, event: &LeasedEvent, lease: &Lease) -> Result<(), StoreError> {
        let Ok(body) = event.body.unpack(self.rules.body_bytes_max) else {
            return self.finish(&event.key, lease, EventEnd::Rejected(RejectReason::UnreadableBody)).await;
        };
        let decision = match shopify::parse(&body) {
            Ok(parsed) => shopify::decide(&parsed, self.policy, lease.now),
            Err(reason) => return self.finish(&event.key, lease, EventEnd::Rejected(reason)).await,
        };
        match decision {
            Decision::Ignore(why) => self.finish(&event.key, lease, EventEnd::Done(why)).await,
            Decision::Schedule { order, plan } => self.schedule(&event.key, lease, order, *plan).await,
            Decision::Skip { order, reason } => self.skip(&event.key, lease, order, reason).await,
            Decision::Defer { order, until, planned_from } => {
                let change = RequestChange::Defer { key: self.order_key(order), until, planned_from };
                self.commit(&event.key, lease, "deferred", change).await
            }
        }
    }

    /// The gate's predicate, asked for the first time: there is no point in planning what is forbidden today. The
    /// reservation is made when it is sent.
    async fn schedule(&self, event: &InboxKey, lease: &Lease, order: OrderId, plan: Plan) -> Result<(), StoreError> {
        let key = self.order_key(order);
        let hold = Hold {
            phone: plan.phone.clone(),
            intent: EffectKey::review_request(&key),
            now: lease.now,
            window: self.policy.cooldown,
        };
        let objection = self.store.contact(&plan.phone).await?.and_then(|c| c.objection(&hold));
        if let Some(objection) = objection {
            return self.skip(event, lease, order, objection.into()).await;
        }
        let expires_at = plan.send_after.plus(self.policy.keep);
        let new = NewRequest { key, plan, at: lease.now, expires_at };
        self.commit(event, lease, "scheduled", RequestChange::Schedule(Box::new(new))).await
    }

    async fn skip(
        &self,
        event: &InboxKey,
        lease: &Lease,
        order: OrderId,
        reason: SkipReason,
    ) -> Result<(), StoreError> {
        let change = RequestChange::Skip {
            key: self.order_key(order),
            reason,
            at: lease.now,
            expires_at: lease.now.plus(self.policy.keep),
        };
        self.commit(event, lease, reason.as_str(), change).await
    }

    async fn commit(
        &self,
        event: &InboxKey,
        lease: &Lease,
        word: &'static str,
        change: RequestChange,
    ) -> Result<(), StoreError> {
        match self.store.commit(event, lease, &EventEnd::Done(word), &change).await? {
            Committed::Written => {
                self.report(event, word, &change);
                Ok(())
            }
            // The order has its request already, or it has none to change: either way this event has no more to say.
            Committed::Refused => self.finish(event, lease, EventEnd::Done("nothing_to_change")).await,
            Committed::LeaseLost => self.lost(event),
        }
    }

    async fn finish(&self, event: &InboxKey, lease: &Lease, end: EventEnd) -> Result<(), StoreError> {
        match self.store.finish(event, lease, &end).await? {
            Fenced::Written => {
                let line = match &end {
                    EventEnd::Done(word) => Line::info("an event is done").word("outcome", word),
                    EventEnd::Rejected(reason) => {
                        self.telemetry.count(Metric::EventRejected, Some(event.source.as_str()));
                        Line::warn("an event is not usable").id("reason", &reason.describe())
                    }
                    EventEnd::Parked(reason) => {
                        Line::error("an event is parked for a person").id("reason", &reason.describe())
                    }
                };
                self.telemetry.line(line.id("event.id", &event.to_key()));
                Ok(())
            }
            Fenced::Lost => self.lost(event),
        }
    }

    /// Somebody else has taken over and does the same work; nothing of ours was written.
    fn lost(&self, event: &InboxKey) -> Result<(), StoreError> {
        self.telemetry.line(Line::warn("a lease was lost before the end").id("event.id", &event.to_key()));
        Ok(())
    }

    fn report(&self, event: &InboxKey, word: &'static str, change: &RequestChange) {
        let mut line = Line::info("an event is done").id("event.id", &event.to_key()).word("outcome", word);
        line = line.id("request.key", &change.key().to_key());
        match change {
            RequestChange::Schedule(new) => {
                self.telemetry.count(Metric::RequestScheduled, None);
                line = line.number("send_after_ms", new.plan.send_after.get());
            }
            RequestChange::Skip { reason, .. } => {
                self.telemetry.count(Metric::RequestSkipped, Some(reason.as_str()));
                line.code = reason.code();
            }
            RequestChange::Defer { until, .. } => line = line.number("send_after_ms", until.get()),
        }
        self.telemetry.line(line);
    }

    fn order_key(&self, order: OrderId) -> OrderKey {
        OrderKey { shop: self.shop.clone(), order }
    }
}
