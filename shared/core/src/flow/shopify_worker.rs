//! A Shopify event out of the inbox becomes a scheduled request, a recorded skip, or the end of an earlier request.

use super::{
    open_notice,
    worker::{Shell, WorkError, WorkerRules},
};
use crate::{
    contact::{Contacts, Hold},
    directory::Installation,
    eligibility::Inputs,
    hours::Zone,
    ids::{EffectKey, Ids, OrderId, OrderKey, ShopDomain},
    inbox::{EventEnd, Inbox, InboxKey, LeasedEvent, RejectReason},
    notice::{Content, Notice, NoticeKind, Notices},
    request::{Committed, NewRequest, Plan, RequestChange, Requests},
    review::{ReviewPolicy, SkipReason},
    shopify::{self, Decision, ShopifyEvent},
    store::Lease,
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
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
    S: Inbox + Contacts + Requests + Notices + Installation,
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
        self.shell().run(key, async |event, lease, body| self.work(event, lease, &body).await).await
    }

    fn shell(&self) -> Shell<'_, S, C, I, T> {
        let Self { store, clock, ids, telemetry, rules, .. } = *self;
        Shell { store, clock, ids, telemetry, rules }
    }

    async fn work(&self, row: &LeasedEvent, lease: &Lease, body: &[u8]) -> Result<(), WorkError> {
        let event = &row.key;
        let parsed = match shopify::parse(body) {
            Ok(parsed) if shopify::is_other_shop(&parsed, self.shop) => Err(RejectReason::OtherShop),
            parsed => parsed,
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(reason) => return self.shell().finish(event, lease, &EventEnd::Rejected(reason)).await,
        };
        // The endpoint wrote it already, unless the event was fed in by hand; twice changes nothing.
        for change in shopify::opt_outs(&parsed, row.received_at) {
            self.store.record_opt_out(&change).await?;
        }
        let inputs = match &parsed {
            ShopifyEvent::Order(order) => Some(Inputs::of_webhook(order, self.policy, lease.now)),
            ShopifyEvent::Refund(_)
            | ShopifyEvent::FulfillmentEvent { .. }
            | ShopifyEvent::Return { .. }
            | ShopifyEvent::MarketingConsent { .. }
            | ShopifyEvent::CustomersMerged
            | ShopifyEvent::AppUninstalled { .. }
            | ShopifyEvent::Privacy(_) => None,
        };
        match (shopify::decide(&parsed, self.policy, lease.now), inputs) {
            (Decision::Ignore(why), _) => self.shell().finish(event, lease, &EventEnd::Done(why)).await,
            (Decision::Schedule { order, plan }, Some(inputs)) => {
                self.schedule(event, lease, order, *plan, inputs).await
            }
            (Decision::Schedule { .. }, None) => {
                self.shell().finish(event, lease, &EventEnd::Rejected(RejectReason::UnknownShape)).await
            }
            (Decision::Skip { order, reason }, inputs) => self.skip(event, lease, order, reason, inputs).await,
            (Decision::Defer { order, until, planned_from }, _) => {
                let change = RequestChange::Defer { key: self.order_key(order), until, planned_from };
                self.commit(event, lease, "deferred", change).await
            }
            (Decision::Retime { order, send_after }, _) => self.retime(event, lease, order, send_after).await,
            // When it arrived, not when it is worked on: the app may have been installed again in between.
            (Decision::Stop { .. }, _) => self.stop(event, lease, row.received_at).await,
        }
    }

    /// The gate's predicate, asked for the first time: there is no point in planning what is forbidden today. The
    /// reservation is made when it is sent.
    async fn schedule(
        &self,
        event: &InboxKey,
        lease: &Lease,
        order: OrderId,
        plan: Plan,
        inputs: Inputs,
    ) -> Result<(), WorkError> {
        if self.store.uninstalled_at().await?.is_some() {
            // An order that was shipped since then was told of by a shop that has us again.
            self.store.note_installed(plan.fulfilled_at).await?;
        }
        let key = self.order_key(order);
        let hold = Hold {
            phone: plan.phone.clone(),
            intent: EffectKey::review_request(&key),
            now: lease.now,
            window: self.policy.cooldown,
        };
        let objection = self.store.contact(&plan.phone).await?.and_then(|c| c.objection(&hold));
        if let Some(objection) = objection {
            return self.skip(event, lease, order, objection.into(), Some(inputs)).await;
        }
        let expires_at = plan.send_after.plus(self.policy.keep);
        let new = NewRequest { key, plan, at: lease.now, expires_at, inputs };
        self.commit(event, lease, "scheduled", RequestChange::Schedule(Box::new(new))).await
    }

    async fn skip(
        &self,
        event: &InboxKey,
        lease: &Lease,
        order: OrderId,
        reason: SkipReason,
        inputs: Option<Inputs>,
    ) -> Result<(), WorkError> {
        let change = RequestChange::Skip {
            key: self.order_key(order),
            reason,
            at: lease.now,
            expires_at: lease.now.plus(self.policy.keep),
            inputs,
        };
        self.commit(event, lease, reason.as_str(), change).await
    }

    /// It was delivered: the waiting counts from there, within the hours that suit its zones.
    async fn retime(
        &self,
        event: &InboxKey,
        lease: &Lease,
        order: OrderId,
        send_after: UnixMillis,
    ) -> Result<(), WorkError> {
        let key = self.order_key(order);
        let zones = self.store.request(&key).await?.and_then(|r| r.plan).map(|plan| Zone::parse_all(&plan.zones));
        let at = zones.and_then(|zones| self.policy.hours.next_open(send_after.max(lease.now), &zones));
        match at {
            Some(send_after) => self.commit(event, lease, "retimed", RequestChange::Retime { key, send_after }).await,
            // None planned, or no hour suits; the check at the time of the send knows of the delivery as well.
            None => self.shell().finish(event, lease, &EventEnd::Done("nothing_to_change")).await,
        }
    }

    async fn stop(&self, event: &InboxKey, lease: &Lease, at: UnixMillis) -> Result<(), WorkError> {
        self.store.note_uninstalled(at).await?;
        self.telemetry.count(Metric::AppUninstalled, None);
        self.telemetry.line(
            Line::error("the app was uninstalled from the shop; nothing is sent any more")
                .id("event.id", &event.to_key()),
        );
        let notice = Notice::new(
            NoticeKind::Uninstalled,
            event.event.as_str(),
            Content {
                headline: "The app was uninstalled from the shop".into(),
                facts: vec![("Shop".into(), self.shop.as_str().into())],
                quote: None,
                link: None,
                action:
                    "If that was a mistake, install it again within 48 hours: what is due waits until then. The next \
                         shipped order starts it again."
                        .into(),
            },
            lease.now,
        );
        open_notice(self.store, self.telemetry, &notice).await?;
        self.shell().finish(event, lease, &EventEnd::Done("app_uninstalled")).await
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
        self.telemetry.count(Metric::EventDone, Some(event.source.as_str()));
        let mut line = Line::info("an event is done").id("event.id", &event.to_key()).word("outcome", word);
        line = line.id("request.key", &change.key().to_key());
        match change {
            RequestChange::Schedule(new) => {
                self.telemetry.count(Metric::RequestScheduled, None);
                line = line.number("send_after_ms", new.plan.send_after.get());
            }
            RequestChange::Skip { reason, .. } => {
                self.telemetry.count(Metric::RequestSkipped, Some(reason.as_str()));
                if let Some(code) = reason.code() {
                    self.telemetry.count(Metric::ReviewCode, Some(code.as_str()));
                    line = line.code(code.as_str());
                }
            }
            RequestChange::Defer { until: at, .. } | RequestChange::Retime { send_after: at, .. } => {
                line = line.number("send_after_ms", at.get());
            }
        }
        self.telemetry.line(line);
    }

    fn order_key(&self, order: OrderId) -> OrderKey {
        OrderKey { shop: self.shop.clone(), order }
    }
}
