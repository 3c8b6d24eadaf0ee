//! What an event means for review requests. Pure: the same body, rules and moment give the same answer.

use super::{
    body::{OrderBody, RefundBody, ShopifyEvent},
    news::{ParcelStatus, ReturnStatus, moment},
    phone_choice::{NoUsablePhone, choose_phone},
};
use crate::{
    hours::{Whereabouts, offset_of},
    ids::{OrderId, ShopDomain},
    provider::Financial,
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
    /// Ask at another time than planned, earlier or later, if it is planned and not begun: a shipment was delivered.
    Retime {
        /// About which order.
        order: OrderId,
        /// When the waiting after it ends. Not moved into the allowed hours: the zones stand on the request's row.
        send_after: UnixMillis,
    },
    /// Ask nobody any more: the app was uninstalled. Whoever carries this out has made sure that the event names no other
    /// shop (`is_other_shop`).
    Stop {
        /// Since when. The moment at which it was decided: the body tells no time of the end.
        at: UnixMillis,
    },
}

/// Decides what an event means.
#[must_use]
pub fn decide(event: &ShopifyEvent, policy: &ReviewPolicy, now: UnixMillis) -> Decision {
    match event {
        ShopifyEvent::Order(order) => decide_order(order, policy, now),
        ShopifyEvent::Refund(refund) => decide_refund(refund, policy, now),
        ShopifyEvent::FulfillmentEvent { order, status, happened_at } => match status {
            ParcelStatus::Delivered => decide_delivered(*order, *happened_at, policy, now),
            ParcelStatus::Other => Decision::Ignore("in_transit"),
        },
        ShopifyEvent::Return { order, status } => match status {
            ReturnStatus::Opened => put_off(*order, now, policy),
            // What was put off comes up again by itself, and the check at the time of the send sees how it ended.
            ReturnStatus::Ended => Decision::Ignore("return_ended"),
        },
        // The opt-out itself is on record by now: the endpoint writes it before it answers.
        ShopifyEvent::MarketingConsent { .. } => Decision::Ignore("consent_noted"),
        ShopifyEvent::CustomersMerged => Decision::Ignore("customers_merged"),
        ShopifyEvent::AppUninstalled { .. } => Decision::Stop { at: now },
        // Another worker does what is demanded; it has nothing to do with whom to ask.
        ShopifyEvent::Privacy(_) => Decision::Ignore("privacy_elsewhere"),
    }
}

/// One shipment was delivered. That there are others on their way is seen at the time of the send.
fn decide_delivered(
    order: OrderId,
    happened_at: Option<UnixMillis>,
    policy: &ReviewPolicy,
    now: UnixMillis,
) -> Decision {
    let Some(span) = policy.after_delivery else { return Decision::Ignore("delivered") };
    // Nothing was delivered in the future.
    let delivered_at = happened_at.unwrap_or(now).min(now);
    Decision::Retime { order, send_after: delivered_at.plus(span) }
}

/// Waits for something that happened at `since` to settle.
fn put_off(order: OrderId, since: UnixMillis, policy: &ReviewPolicy) -> Decision {
    let until = since.plus(policy.settle);
    Decision::Defer { order, until, planned_from: until.minus(policy.settle_max) }
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
            put_off(order, made, policy)
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
    let partly = match (body.financial(), policy.partial_refund) {
        (Financial::Refunded, _) => return skip(SkipReason::Refunded),
        (Financial::Voided, _) => return skip(SkipReason::Voided),
        (Financial::PartiallyRefunded, PartialRefund::Skip) => return skip(SkipReason::PartiallyRefunded),
        (Financial::PartiallyRefunded, PartialRefund::Defer) => true,
        (Financial::Settled, _) => false,
    };
    if body.fulfillment_status.as_deref() != Some("fulfilled") {
        return Decision::Ignore("not_fulfilled");
    }
    let Some((fulfilled_at, fulfillment)) = body.newest_fulfillment() else {
        return Decision::Ignore("no_successful_fulfillment");
    };
    if body.is_point_of_sale() && policy.skip_pos {
        return skip(SkipReason::PointOfSale);
    }
    if body.company.is_some() && policy.skip_b2b {
        return skip(SkipReason::B2b);
    }
    if policy.excludes(body.all_tags()) {
        return skip(SkipReason::ExcludedTag);
    }
    if now.since(fulfilled_at) > policy.max_age {
        return skip(SkipReason::TooOld);
    }
    let shipped_from = body.shipped_from(fulfillment);
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

fn newest_refund(body: &OrderBody) -> Option<UnixMillis> {
    body.refunds.as_deref().unwrap_or_default().iter().filter_map(|r| r.created_at.as_deref().and_then(moment)).max()
}

/// Whether the header names the shop that this installation serves, or none. A body signed for one shop must not count
/// for another; the effect keys are built from the setting in any case, never from the unsigned header.
#[must_use]
pub fn is_served(header: Option<&str>, shop: &ShopDomain) -> bool {
    header.is_none_or(|h| h.trim().eq_ignore_ascii_case(shop.as_str()))
}

#[cfg(test)]
mod tests;
