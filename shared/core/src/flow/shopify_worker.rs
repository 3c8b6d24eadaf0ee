//! A Shopify event out of the inbox becomes a scheduled request, a recorded skip, or the end of an earlier request.

use super::worker::{Shell, WorkError, WorkerRules};
use crate::{
    contact::{Contacts, Hold},
    ids::{EffectKey, Ids, OrderId, OrderKey, ShopDomain},
    inbox::{EventEnd, Inbox, InboxKey},
    request::{Committed, NewRequest, Plan, RequestChange, Requests},
    review::{ReviewPolicy, SkipReason},
    shopify::{self, Decision},
    store::Lease,
    telemetry::{Line, Metric, Telemetry},
    time::Clock,
};

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
    pub async fn handle(&self, key: &InboxKey) -> Result<(), WorkError> {
        self.shell().run(key, async |event, lease, body| self.work(&event.key, lease, &body).await).await
    }

    fn shell(&self) -> Shell<'_, S, C, I, T> {
        let Self { store, clock, ids, telemetry, rules, .. } = *self;
        Shell { store, clock, ids, telemetry, rules }
    }

    async fn work(&self, event: &InboxKey, lease: &Lease, body: &[u8]) -> Result<(), WorkError> {
        let decision = match shopify::parse(body) {
            Ok(parsed) => shopify::decide(&parsed, self.policy, lease.now),
            Err(reason) => return self.shell().finish(event, lease, &EventEnd::Rejected(reason)).await,
        };
        match decision {
            Decision::Ignore(why) => self.shell().finish(event, lease, &EventEnd::Done(why)).await,
            Decision::Schedule { order, plan } => self.schedule(event, lease, order, *plan).await,
            Decision::Skip { order, reason } => self.skip(event, lease, order, reason).await,
            Decision::Defer { order, until, planned_from } => {
                let change = RequestChange::Defer { key: self.order_key(order), until, planned_from };
                self.commit(event, lease, "deferred", change).await
            }
        }
    }

    /// The gate's predicate, asked for the first time: there is no point in planning what is forbidden today. The
    /// reservation is made when it is sent.
    async fn schedule(&self, event: &InboxKey, lease: &Lease, order: OrderId, plan: Plan) -> Result<(), WorkError> {
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

    async fn skip(&self, event: &InboxKey, lease: &Lease, order: OrderId, reason: SkipReason) -> Result<(), WorkError> {
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
    ) -> Result<(), WorkError> {
        match self.store.commit(event, lease, &EventEnd::Done(word), &change).await? {
            Committed::Written => {
                self.report(event, word, &change);
                Ok(())
            }
            // The order has its request already, or it has none to change: either way this event has no more to say.
            Committed::Refused => self.shell().finish(event, lease, &EventEnd::Done("nothing_to_change")).await,
            Committed::LeaseLost => self.shell().lost(event),
        }
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
