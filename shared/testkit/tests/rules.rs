//! The merchant's rules from webhook to text, in a world without faults: what is asked, what is not, and when.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

use std::time::Duration;

use frontdesk_core::{
    hours::AllowedHours,
    provider::{Financial, SmsConsent},
    request::{RequestEnd, RequestStatus},
    review::{ConsentRule, PartialRefund, Platform, PlatformRule, SkipReason},
    telemetry::Metric,
    time::{Clock, DAY},
};
use frontdesk_testkit::{
    shop,
    world::{Fault, GENESIS, Plan, World},
};

const MIA: &str = "+61491570156";
const NOAH: &str = "+61491570157";
const HOUR: Duration = Duration::from_secs(3_600);

fn world() -> World {
    World::new(Plan::new())
}

fn skipped(reason: SkipReason) -> Option<RequestEnd> {
    Some(RequestEnd::Skipped(reason))
}

#[test]
fn the_text_goes_out_five_days_after_the_shipment() {
    let world = world();
    world.ships(1, MIA, 1);
    world.run();
    let waited = world.texts()[0].at.since(GENESIS);
    assert!(waited >= DAY * 5 && waited < DAY * 5 + Duration::from_secs(61), "{waited:?}");
}

#[test]
fn a_late_webhook_does_not_start_the_buffer_again() {
    let world = world();
    let body = shop::order(1, MIA, "2026-11-20T00:00:00+00:00").to_string().into_bytes();
    world.ships(1, MIA, 0);
    world.deliver(DAY, "late", body, true);
    world.run();
    assert!(world.texts()[0].at.since(GENESIS) < DAY * 5 + Duration::from_secs(61));
}

#[test]
fn outside_the_allowed_hours_it_waits_for_the_next_opening_in_the_customers_zone() {
    let mut world = world();
    world.policy.hours = AllowedHours::parse("Mon-Sat 10:00-17:00").unwrap();
    let mut order = shop::order(1, MIA, "2026-11-20T06:30:00+00:00");
    order["shipping_address"] = serde_json::json!({"country_code": "AU", "province_code": "WA"});
    world.ships(1, MIA, 0);
    world.deliver(HOUR * 7, "perth", order.to_string().into_bytes(), true);
    world.run();
    // Due Wednesday 14:30 in Perth, which is open; in Sydney it would be past five.
    assert_eq!(world.texts()[0].at.since(GENESIS), DAY * 5 + Duration::from_secs(6 * 3_600 + 1_800));

    let mut world = self::world();
    world.policy.hours = AllowedHours::parse("Mon-Sat 10:00-17:00").unwrap();
    let mut order = shop::order(2, MIA, "2026-11-20T06:30:00+00:00");
    order["shipping_address"] = serde_json::json!({"country_code": "AU", "province_code": "NSW"});
    world.ships(2, MIA, 0);
    world.deliver(HOUR * 7, "sydney", order.to_string().into_bytes(), true);
    world.run();
    // Due Wednesday 17:30 in Sydney: Thursday 10:00 there is Wednesday 23:00 UTC.
    assert_eq!(world.texts()[0].at.since(GENESIS), DAY * 5 + HOUR * 23);
}

#[test]
fn the_addresss_own_zone_decides_at_the_time_of_the_send() {
    let mut world = world();
    world.policy.hours = AllowedHours::parse("Mon-Sun 10:00-17:00").unwrap();
    world.ships(1, MIA, 1);
    world.changes(1, Duration::ZERO, |order| order.time_zone = Some("America/New_York".into()));
    world.run();
    let opens = world.texts()[0].at.since(GENESIS).as_secs() % 86_400;
    assert_eq!(opens, 15 * 3_600, "ten o'clock in New York is 15:00 UTC in November");
}

#[test]
fn what_the_shop_knows_at_the_time_of_the_send_decides() {
    type Change = fn(&mut frontdesk_core::provider::OrderNow);
    let cases: [(Change, SkipReason); 9] = [
        (|o| o.cancelled = true, SkipReason::Cancelled),
        (|o| o.financial = Financial::Refunded, SkipReason::Refunded),
        (|o| o.financial = Financial::Voided, SkipReason::Voided),
        (|o| o.financial = Financial::PartiallyRefunded, SkipReason::PartiallyRefunded),
        (|o| o.fulfilled = false, SkipReason::NotFulfilled),
        (|o| o.b2b = true, SkipReason::B2b),
        (|o| o.point_of_sale = true, SkipReason::PointOfSale),
        (|o| o.test = true, SkipReason::TestOrder),
        (|o| o.consent = SmsConsent::NotGiven, SkipReason::NoConsent),
    ];
    for (change, reason) in cases {
        let world = world();
        world.ships(1, MIA, 1);
        world.changes(1, DAY, change);
        world.run();
        assert_eq!(world.end_of(1), skipped(reason));
        assert!(world.texts().is_empty());
        world.assert_guarantees();
    }
}

#[test]
fn an_order_that_the_shop_no_longer_has_is_not_asked_about() {
    let world = world();
    let body = shop::order(77, MIA, "2026-11-20T00:00:00+00:00").to_string().into_bytes();
    world.deliver(Duration::ZERO, "ghost", body, true);
    world.run();
    assert_eq!(world.end_of(77), skipped(SkipReason::OrderMissing));
}

#[test]
fn unsubscribed_at_the_shop_is_an_opt_out_for_everything() {
    let world = world();
    world.ships(1, MIA, 1);
    world.changes(1, DAY, |order| order.consent = SmsConsent::Unsubscribed);
    world.later(DAY * 8, |world| world.ships(2, MIA, 1));
    world.run();
    assert_eq!((world.end_of(1), world.end_of(2)), (skipped(SkipReason::OptedOut), skipped(SkipReason::OptedOut)));
    assert!(world.store.tables().contacts.values().all(|c| c.opted_out().is_some()));
}

#[test]
fn a_notice_at_the_checkout_can_be_the_consent() {
    let mut world = world();
    world.policy.consent = ConsentRule::CheckoutNotice;
    world.ships(1, MIA, 1);
    world.changes(1, Duration::ZERO, |order| order.consent = SmsConsent::NotGiven);
    world.run();
    assert_eq!(world.texts().len(), 1);
}

/// A refund of a part, an hour at which the webhook says it was made, and whether the webhook arrives.
fn part_refund(world: &World, id: u64, after: Duration, day: u32, webhook: bool) {
    let made = GENESIS.plus(after);
    world.changes(id, after, move |order| {
        order.financial = Financial::PartiallyRefunded;
        order.refunded_at = Some(made);
    });
    if webhook {
        world.later(after, move |world| {
            let mut refund = shop::refund(id);
            refund["created_at"] = format!("2026-11-{:02}T00:00:00+00:00", 20 + day).into();
            world.deliver(Duration::ZERO, "part", refund.to_string().into_bytes(), true);
        });
    }
}

#[test]
fn a_part_refund_can_defer_until_a_week_after_it_was_made() {
    for webhook in [true, false] {
        let mut world = world();
        world.policy.partial_refund = PartialRefund::Defer;
        world.ships(1, MIA, 1);
        part_refund(&world, 1, DAY * 4, 4, webhook);
        world.run();
        let waited = world.texts()[0].at.since(GENESIS);
        assert!(waited >= DAY * 11 && waited < DAY * 11 + HOUR, "{waited:?} webhook {webhook}");
    }
}

#[test]
fn a_part_refund_that_settles_within_the_buffer_costs_no_further_week() {
    let mut world = world();
    world.policy.partial_refund = PartialRefund::Defer;
    world.policy.buffer = DAY * 10;
    world.ships(1, MIA, 1);
    part_refund(&world, 1, DAY, 1, true);
    world.run();
    let waited = world.texts()[0].at.since(GENESIS);
    assert!(waited >= DAY * 10 && waited < DAY * 10 + HOUR, "{waited:?}");
}

#[test]
fn an_order_shipped_again_starts_the_buffer_again() {
    let world = world();
    world.ships(1, MIA, 1);
    world.changes(1, DAY * 4, |order| order.fulfilled_at = Some(GENESIS.plus(DAY * 4)));
    world.run();
    let waited = world.texts()[0].at.since(GENESIS);
    assert!(waited >= DAY * 9 && waited < DAY * 9 + HOUR, "{waited:?}");

    let world = self::world();
    world.ships(2, MIA, 1);
    world.changes(2, DAY * 4, |order| order.fulfilled = false);
    world.changes(2, DAY * 6, |order| {
        order.fulfilled = true;
        order.fulfilled_at = Some(GENESIS.plus(DAY * 6));
    });
    world.run();
    let waited = world.texts()[0].at.since(GENESIS);
    assert!(waited >= DAY * 11 && waited < DAY * 12, "{waited:?}");
}

#[test]
fn consent_is_for_the_number_that_gave_it() {
    let other = frontdesk_core::phone::E164Phone::parse_e164("+61491570110").unwrap();
    let world = world();
    world.ships(1, MIA, 1);
    let theirs = other.clone();
    world.changes(1, Duration::ZERO, move |order| order.consent_phone = Some(theirs));
    world.run();
    assert_eq!(world.end_of(1), skipped(SkipReason::NoConsent));

    let world = self::world();
    world.ships(2, MIA, 1);
    let theirs = other.clone();
    world.changes(2, Duration::ZERO, move |order| {
        order.consent = SmsConsent::Unsubscribed;
        order.consent_phone = Some(theirs);
    });
    world.run();
    assert_eq!(world.end_of(2), skipped(SkipReason::OptedOut));
    let contacts = world.store.tables().contacts;
    let out: Vec<_> = contacts.values().filter(|c| c.opted_out().is_some()).map(|c| c.phone.clone()).collect();
    assert_eq!(out, [other]);
}

#[test]
fn a_short_trouble_after_a_long_wait_is_a_short_trouble() {
    let probe = |plan: Plan| {
        let world = World::new(plan);
        world.ships(1, MIA, 1);
        world.returns(1, DAY * 4, DAY * 5);
        world.run();
        world
    };
    for step in 0..probe(Plan::new()).steps() {
        for fault in [Fault::Throttle, Fault::NotApplied, Fault::ReplyLost] {
            let world = probe(Plan::from([(step, fault)]));
            assert_eq!(world.texts().len(), 1, "{fault:?} at step {step}: {:?}", world.end_of(1));
        }
    }
}

#[test]
fn hours_that_suit_no_zone_end_with_a_reason() {
    let mut world = world();
    world.policy.hours = AllowedHours::parse("Mon-Fri 10:00-10:30").unwrap();
    let mut order = shop::order(1, MIA, "2026-11-20T00:00:00+00:00");
    order["shipping_address"] = serde_json::json!({"country_code": "AU"});
    world.ships(1, MIA, 0);
    world.deliver(Duration::ZERO, "narrow", order.to_string().into_bytes(), true);
    world.run();
    assert_eq!(world.end_of(1), skipped(SkipReason::NoAllowedHour));
}

#[test]
fn an_open_return_defers_up_to_the_maximum_and_then_asks() {
    let world = world();
    world.ships(1, MIA, 1);
    world.returns(1, DAY * 2, DAY * 60);
    world.run();
    let waited = world.texts()[0].at.since(GENESIS);
    assert!(waited >= DAY * 35 && waited < DAY * 36, "{waited:?}");
}

#[test]
fn a_refund_ends_a_scheduled_request_at_once() {
    let world = world();
    world.ships(1, MIA, 1);
    world.refunds(1, DAY);
    world.later(DAY + Duration::from_secs(300), |world| {
        assert_eq!(world.status_of(1), Some(RequestStatus::Skipped), "not only at the time of the send");
    });
    world.run();
    assert_eq!(world.end_of(1), skipped(SkipReason::Refunded));
}

#[test]
fn a_cancellation_that_overtakes_the_fulfilment_is_remembered() {
    let world = world();
    world.ships(1, MIA, 0);
    let mut cancelled = shop::order(1, MIA, "2026-11-20T00:00:00+00:00");
    cancelled["cancelled_at"] = "2026-11-20T01:00:00+00:00".into();
    let fulfilled = shop::order(1, MIA, "2026-11-20T00:00:00+00:00").to_string().into_bytes();
    world.deliver(Duration::ZERO, "cancelled", cancelled.to_string().into_bytes(), true);
    world.deliver(HOUR, "fulfilled", fulfilled, true);
    world.run();
    assert_eq!(world.end_of(1), skipped(SkipReason::Cancelled));
}

#[test]
fn one_person_is_asked_once_in_thirty_days_whatever_the_order() {
    let world = world();
    world.ships(1, MIA, 1);
    world.later(DAY * 2, |world| world.ships(2, MIA, 1));
    world.later(DAY * 9, |world| world.ships(3, MIA, 1));
    world.run();
    assert_eq!(world.texts().len(), 1);
    assert_eq!((world.end_of(2), world.end_of(3)), (skipped(SkipReason::Cooldown), skipped(SkipReason::Cooldown)));
}

#[test]
fn a_wish_to_be_left_alone_pauses_everybody() {
    // The first send is throttled for a minute; the second must not even try within it.
    let probe = world();
    probe.ships(1, MIA, 1);
    probe.run();
    let paused = (0..probe.steps()).find_map(|step| {
        let world = World::new(Plan::from([(step, Fault::Throttle)]));
        world.ships(1, MIA, 1);
        world.ships(2, NOAH, 1);
        world.run();
        (world.recorder.count_of(Metric::ProviderPaused) > 0).then_some(world)
    });
    let world = paused.expect("some step asks a provider");
    let texts = world.texts();
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|t| t.at.since(GENESIS) >= DAY * 5 + Duration::from_secs(60)), "{texts:?}");
}

#[test]
fn the_platform_is_recorded_and_facebook_is_no_guess() {
    let mut world = world();
    world.policy.default_platform = Platform::Facebook;
    world.ships(1, MIA, 1);
    world.run();
    let choice = world.store.tables().requests.values().next().unwrap().platform.unwrap();
    assert_eq!((choice.platform, choice.rule), (Platform::Google, PlatformRule::Fallback));
    assert_eq!(world.recorder.count_of(Metric::PlatformFallback), 1);
}

#[test]
fn a_location_removed_from_the_settings_meanwhile_is_not_written_from() {
    let mut world = world();
    world.ships(1, MIA, 1);
    world.policy.locations[0].shopify_ids = vec![1];
    world.run();
    assert_eq!(world.end_of(1), skipped(SkipReason::UnmappedLocation));
    assert!(world.clock.now() < GENESIS.plus(DAY));
}

#[test]
fn orders_of_long_ago_that_are_only_edited_are_left_alone() {
    let world = world();
    let body = shop::order(1, MIA, "2026-08-01T00:00:00+00:00").to_string().into_bytes();
    world.ships(1, MIA, 0);
    world.deliver(Duration::ZERO, "edited", body, true);
    world.run();
    assert_eq!(world.end_of(1), skipped(SkipReason::TooOld));
}
