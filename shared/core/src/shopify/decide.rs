//! What an order or refund means for its review request. Pure: the same body, rules and moment give the same answer.

use super::{
    body::{Fulfillment, OrderBody, RefundBody, ShopifyEvent},
    phone_choice::{NoUsablePhone, choose_phone},
};
use crate::{
    hours::{Whereabouts, offset_of},
    ids::{OrderId, ShopDomain},
    request::Plan,
    review::{PartialRefund, ReviewPolicy, SkipReason, presentable_name},
    time::UnixMillis,
};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing; the word says why.
    Ignore(&'static str),
    /// Ask later, unless the contact objects.
    Schedule {
        /// About which order.
        order: OrderId,
        /// Whom, when, where.
        plan: Box<Plan>,
    },
    /// Do not ask, ever.
    Skip {
        /// About which order.
        order: OrderId,
        /// Why.
        reason: SkipReason,
    },
    /// Ask later than planned, if it is planned.
    Defer {
        /// About which order.
        order: OrderId,
        /// Not before.
        until: UnixMillis,
        /// Only if it was first planned for this time or later.
        planned_from: UnixMillis,
    },
}

/// Decides what an event means.
#[must_use]
pub fn decide(event: &ShopifyEvent, policy: &ReviewPolicy, now: UnixMillis) -> Decision {
    match event {
        ShopifyEvent::Order(order) => decide_order(order, policy, now),
        ShopifyEvent::Refund(refund) => decide_refund(refund, policy, now),
    }
}

fn decide_refund(refund: &RefundBody, policy: &ReviewPolicy, now: UnixMillis) -> Decision {
    let order = OrderId(refund.order_id);
    if !refund.gives_back() {
        return Decision::Ignore("refund_without_money");
    }
    match policy.partial_refund {
        PartialRefund::Skip => Decision::Skip { order, reason: SkipReason::Refunded },
        // The body does not say whether that was all of the money; the check at the time of the send does.
        PartialRefund::Defer => {
            let made = refund.created_at.as_deref().and_then(moment).unwrap_or(now).min(now);
            let until = made.plus(policy.settle);
            Decision::Defer { order, until, planned_from: until.minus(policy.settle_max) }
        }
    }
}

fn decide_order(body: &OrderBody, policy: &ReviewPolicy, now: UnixMillis) -> Decision {
    let order = body.order();
    let skip = |reason| Decision::Skip { order, reason };
    if body.test == Some(true) && policy.skip_test {
        return skip(SkipReason::TestOrder);
    }
    if body.cancelled_at.is_some() {
        return skip(SkipReason::Cancelled);
    }
    let partly = match body.financial_status.as_deref() {
        Some("refunded") => return skip(SkipReason::Refunded),
        Some("voided" | "expired") => return skip(SkipReason::Voided),
        Some("partially_refunded") if policy.partial_refund == PartialRefund::Skip => {
            return skip(SkipReason::PartiallyRefunded);
        }
        Some("partially_refunded") => true,
        Some(_) | None => false,
    };
    if body.fulfillment_status.as_deref() != Some("fulfilled") {
        return Decision::Ignore("not_fulfilled");
    }
    let Some((fulfilled_at, fulfillment)) = newest_fulfillment(body) else {
        return Decision::Ignore("no_successful_fulfillment");
    };
    if body.source_name.as_deref() == Some("pos") && policy.skip_pos {
        return skip(SkipReason::PointOfSale);
    }
    if body.company.is_some() && policy.skip_b2b {
        return skip(SkipReason::B2b);
    }
    if now.since(fulfilled_at) > policy.max_age {
        return skip(SkipReason::TooOld);
    }
    // The till of a counter sale is where it was handed over; elsewhere the order's own location means nothing.
    let till = body.location_id.filter(|_| body.source_name.as_deref() == Some("pos"));
    let shipped_from = fulfillment.location_id.or(till);
    let Some(location) = policy.location_of(shipped_from) else { return skip(SkipReason::UnmappedLocation) };
    let phone = match choose_phone(body, &location.country) {
        Ok(phone) => phone,
        Err(NoUsablePhone(reason)) => return skip(reason),
    };
    let settled = if partly { newest_refund(body).unwrap_or(now).plus(policy.settle) } else { fulfilled_at };
    let earliest = fulfilled_at.plus(policy.buffer).max(settled).max(now);
    let ship_to = body.shipping_address.as_ref();
    let shop_offset = fulfillment.created_at.as_deref().and_then(offset_of);
    let place = Whereabouts {
        time_zone: None,
        country: ship_to.and_then(|a| a.country_code.as_deref()),
        province: ship_to.and_then(|a| a.province_code.as_deref()),
        phone: &phone,
        shop_offset: shop_offset.as_deref(),
    };
    // No hour that suits every zone it might be: the check at the send may know the address's own zone.
    let (send_after, zones) = policy.hours.opening(earliest, place).unwrap_or_else(|| (earliest, Vec::new()));
    let first_name = body.customer.as_ref().and_then(|c| c.first_name.as_deref()).and_then(presentable_name);
    let plan = Plan { phone, location: location.uid.clone(), first_name, fulfilled_at, send_after, zones };
    Decision::Schedule { order, plan: Box::new(plan) }
}

/// The newest shipment that succeeded; there is no `fulfilled_at`.
fn newest_fulfillment(body: &OrderBody) -> Option<(UnixMillis, &Fulfillment)> {
    let shipped =
        body.fulfillments.as_deref().unwrap_or_default().iter().filter(|f| f.status.as_deref() == Some("success"));
    shipped.filter_map(|f| Some((f.created_at.as_deref().and_then(moment)?, f))).max_by_key(|(at, _)| *at)
}

fn newest_refund(body: &OrderBody) -> Option<UnixMillis> {
    body.refunds.as_deref().unwrap_or_default().iter().filter_map(|r| r.created_at.as_deref().and_then(moment)).max()
}

fn moment(iso: &str) -> Option<UnixMillis> {
    iso.parse::<jiff::Timestamp>().ok().map(|t| UnixMillis::new(t.as_millisecond()))
}

/// Whether the header names the shop that this installation serves, or none. A body signed for one shop must not count
/// for another; the effect keys are built from the setting in any case, never from the unsigned header.
#[must_use]
pub fn is_served(header: Option<&str>, shop: &ShopDomain) -> bool {
    header.is_none_or(|h| h.trim().eq_ignore_ascii_case(shop.as_str()))
}
