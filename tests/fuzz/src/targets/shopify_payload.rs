//! Verified bodies, read and decided under three sets of rules.
//!
//! Promises: no body makes it panic; who is asked has an order that is fulfilled, paid and kept, gets it at a number of
//! their own that can be texted, from a location of the rules, not before its time and only in allowed hours.

use std::time::Duration;

use frontdesk_core::{
    hours::{AllowedHours, Zone},
    ids::{LocationUid, OrderId},
    phone::{E164Phone, SmsCapability, normalize},
    request::Plan,
    review::{Location, PartialRefund, ReviewPolicy, SkipReason, presentable_name},
    shopify::{
        Address, Decision, Fulfillment, OrderBody, RefundBody, ShopifyEvent, decide, is_privacy, opt_outs, parse,
    },
    time::UnixMillis,
};
use frontdesk_testkit::shop;
use serde_json::Value;

use crate::{Samples, Target, samples::essence};

pub(crate) const TARGET: Target = Target {
    name: "shopify_payload",
    bytes_max: 12_000,
    words: &[
        "\"id\":",
        "\"order_id\":",
        "\"phone\":",
        "\"email\":",
        "\"contact_email\":",
        "\"customer\":",
        "\"billing_address\":",
        "\"shipping_address\":",
        "\"default_address\":",
        "\"financial_status\":",
        "\"fulfillment_status\":",
        "\"cancelled_at\":",
        "\"created_at\":",
        "\"test\":",
        "\"source_name\":",
        "\"location_id\":",
        "\"fulfillments\":",
        "\"refunds\":",
        "\"company\":",
        "\"first_name\":",
        "\"last_name\":",
        "\"name\":",
        "\"address1\":",
        "\"country_code\":",
        "\"province_code\":",
        "\"status\":",
        "\"kind\":",
        "\"transactions\":",
        "\"refund_line_items\":",
        "\"amount\":",
        "\"restock_type\":",
        "\"subtotal\":",
        "\"line_items\":",
        "\"tags\":",
        "\"fulfillment_id\":",
        "\"happened_at\":",
        "\"delivered\"",
        "\"order\":",
        "\"sms_marketing_consent\":",
        "\"state\":",
        "\"unsubscribed\"",
        "\"consent_updated_at\":",
        "\"shop_id\":",
        "\"shop_domain\":",
        "\"myshopify_domain\":",
        "\"orders_to_redact\":",
        "\"orders_requested\":",
        "\"data_request\":",
        "null",
        "true",
        "false",
        "\"success\"",
        "\"fulfilled\"",
        "\"paid\"",
        "\"refunded\"",
        "\"partially_refunded\"",
        "\"voided\"",
        "\"pos\"",
        "\"AU\"",
        "\"US\"",
        "\"TX\"",
        "\"+61491570156\"",
        "\"0491 570 156\"",
        "\"2026-11-09T09:41:07+11:00\"",
        "\"9999-12-31T23:59:59Z\"",
        "\"-009999-01-01T00:00:00Z\"",
        "88110022001",
        "18446744073709551615",
        "1e400",
        "\\u0000",
        "\\ud800",
        "{",
        "}",
        "[",
        "]",
        ",",
    ],
    seeds,
    run,
};

/// What [`parse`] reads; the samples are reduced to it.
const FIELDS: &[&str] = &[
    "id",
    "order_id",
    "phone",
    "email",
    "contact_email",
    "customer",
    "billing_address",
    "shipping_address",
    "default_address",
    "financial_status",
    "fulfillment_status",
    "cancelled_at",
    "created_at",
    "test",
    "source_name",
    "location_id",
    "fulfillments",
    "refunds",
    "company",
    "first_name",
    "last_name",
    "name",
    "address1",
    "country_code",
    "province_code",
    "status",
    "kind",
    "transactions",
    "refund_line_items",
    "line_items",
    "amount",
    "restock_type",
    "subtotal",
    "tags",
    "fulfillment_id",
    "happened_at",
    "order",
    "sms_marketing_consent",
    "state",
    "consent_updated_at",
    "shop_id",
    "shop_domain",
    "myshopify_domain",
    "orders_to_redact",
    "orders_requested",
    "data_request",
];

/// 20 November 2026, 00:00 UTC: the samples' orders are days old.
const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);

fn seeds(samples: &Samples) -> Vec<Vec<u8>> {
    let reduced = samples.shopify.iter().filter_map(|body| essence(body, FIELDS));
    let gift = r#"{"id":1,"line_items":[],"financial_status":"paid","fulfillment_status":"fulfilled","customer":{"first_name":"Mia","last_name":"Tennant"},"shipping_address":{"name":"Noah Grieve","phone":"0491 570 157","country_code":"AU"},"fulfillments":[{"status":"success","created_at":"2026-11-19T00:00:00Z","location_id":88110022001}]}"#;
    let company = r#"{"id":2,"line_items":[],"financial_status":"paid","fulfillment_status":"fulfilled","phone":"+61491570156","company":{"id":9},"fulfillments":[{"status":"success","created_at":"2026-11-19T00:00:00Z","location_id":88110022001}]}"#;
    let written = [gift, company, "{}", "[1,\"+61491570156\"]"].map(|text| text.as_bytes().to_vec());
    reduced.chain(samples.shopify.iter().cloned()).chain(written).collect()
}

/// The brief's rules, the cautious ones, and those of a shop with one location that skips as little as it can.
fn policies() -> [ReviewPolicy; 3] {
    let hours = AllowedHours::parse("Mon-Sat 10:00-17:00").unwrap();
    let brief = ReviewPolicy { hours: hours.clone(), ..shop::policy() };
    let cautious = ReviewPolicy { partial_refund: PartialRefund::Defer, ..brief.clone() };
    let uid = LocationUid::try_from("loc-us").unwrap();
    let us = Location {
        uid: uid.clone(),
        name: "Austin".into(),
        country: "US".into(),
        shopify_ids: vec![],
        review_link: None,
    };
    let one_store = ReviewPolicy {
        skip_test: false,
        exclude_tags: vec!["wholesale".into()],
        after_delivery: Some(Duration::from_secs(86_400)),
        skip_pos: false,
        skip_b2b: false,
        locations: vec![us],
        only_location: Some(uid),
        hours: AllowedHours::parse("Mon-Sun 00:00-24:00").unwrap(),
        ..cautious.clone()
    };
    [brief, cautious, one_store]
}

thread_local! {
    static POLICIES: [ReviewPolicy; 3] = policies();
}

fn run(data: &[u8]) {
    let event = match parse(data) {
        Ok(event) => event,
        Err(reason) => {
            assert!(reason.describe().len() < 100);
            return;
        }
    };
    assert_eq!(data.trim_ascii_start().first(), Some(&b'{'), "an event is read from what is no object");
    POLICIES.with(|policies| {
        for policy in policies {
            let decision = decide(&event, policy, NOW);
            assert_eq!(decision, decide(&event, policy, NOW), "the same event is decided otherwise the second time");
            match &event {
                ShopifyEvent::Order(order) => order_is_decided(order, &decision, policy),
                ShopifyEvent::Refund(refund) => refund_is_decided(refund, &decision, policy),
                ShopifyEvent::FulfillmentEvent { order: about, .. } => match &decision {
                    Decision::Ignore(_) => {}
                    Decision::Retime { order, .. } => {
                        assert!(order == about && policy.after_delivery.is_some(), "a delivery nobody asked about");
                    }
                    other => panic!("a delivery leads to {other:?}"),
                },
                ShopifyEvent::Return { order: about, .. } => match &decision {
                    Decision::Ignore(_) => {}
                    Decision::Defer { order, until, .. } => {
                        assert!(order == about && *until <= NOW.plus(policy.settle));
                    }
                    other => panic!("a return leads to {other:?}"),
                },
                ShopifyEvent::AppUninstalled { .. } => assert_eq!(decision, Decision::Stop { at: NOW }),
                ShopifyEvent::MarketingConsent { .. } | ShopifyEvent::CustomersMerged | ShopifyEvent::Privacy(_) => {
                    assert!(matches!(decision, Decision::Ignore(_)));
                }
            }
        }
    });
    for change in opt_outs(&event, NOW) {
        assert!(
            matches!(event, ShopifyEvent::MarketingConsent { .. }),
            "an opt-out of what says nothing about consent"
        );
        assert!(change.at <= NOW, "an opt-out from the future");
    }
    assert_eq!(is_privacy(&event), matches!(event, ShopifyEvent::Privacy(_)));
    if let (ShopifyEvent::Order(order), Ok(value)) = (&event, serde_json::from_slice(data)) {
        read_as_it_says(order, &value);
    }
}

fn refund_is_decided(refund: &RefundBody, decision: &Decision, policy: &ReviewPolicy) {
    match decision {
        Decision::Ignore(_) => assert!(!refund.gives_back()),
        Decision::Skip { order, reason } => {
            assert_eq!((*order, *reason), (OrderId(refund.order_id), SkipReason::Refunded));
        }
        Decision::Defer { order, until, planned_from } => {
            assert_eq!((*order, policy.partial_refund), (OrderId(refund.order_id), PartialRefund::Defer));
            assert!(
                *until <= NOW.plus(policy.settle),
                "a refund puts a request off for longer than it takes to settle"
            );
            assert_eq!(*planned_from, until.minus(policy.settle_max), "a request that waited long enough waits again");
        }
        Decision::Schedule { .. } | Decision::Retime { .. } | Decision::Stop { .. } => {
            panic!("a refund leads to {decision:?}")
        }
    }
}

fn order_is_decided(body: &OrderBody, decision: &Decision, policy: &ReviewPolicy) {
    match decision {
        Decision::Ignore(word) => assert!(["not_fulfilled", "no_successful_fulfillment"].contains(word)),
        Decision::Skip { order, .. } => assert_eq!(*order, OrderId(body.id)),
        Decision::Defer { .. } | Decision::Retime { .. } | Decision::Stop { .. } => {
            panic!("an order's body leads to {decision:?}")
        }
        Decision::Schedule { order, plan } => {
            assert_eq!(*order, OrderId(body.id));
            may_be_asked(body, policy);
            goes_to_the_buyer(body, plan, policy);
            comes_in_time(plan, policy);
            assert!(comes_from(body, plan, policy), "the location is not the one that shipped it");
            if let Some(name) = &plan.first_name {
                assert_eq!(presentable_name(name).as_ref(), Some(name));
            }
        }
    }
}

fn may_be_asked(body: &OrderBody, policy: &ReviewPolicy) {
    assert_eq!(body.fulfillment_status.as_deref(), Some("fulfilled"));
    assert!(body.cancelled_at.is_none());
    let money = body.financial_status.as_deref();
    assert!(!matches!(money, Some("refunded" | "voided" | "expired")));
    assert!(money != Some("partially_refunded") || policy.partial_refund == PartialRefund::Defer);
    assert!(body.test != Some(true) || !policy.skip_test);
    assert!(body.source_name.as_deref() != Some("pos") || !policy.skip_pos);
    assert!(body.company.is_none() || !policy.skip_b2b);
    assert!(!policy.excludes(body.all_tags()));
}

fn shipments(body: &OrderBody) -> impl Iterator<Item = &Fulfillment> {
    body.fulfillments.iter().flatten().filter(|f| f.status.as_deref() == Some("success"))
}

fn comes_from(body: &OrderBody, plan: &Plan, policy: &ReviewPolicy) -> bool {
    let Some(location) = policy.location(&plan.location) else { return false };
    // Only a counter sale has a till.
    let till = body.location_id.filter(|_| body.source_name.as_deref() == Some("pos"));
    let shipped_from = |f: &Fulfillment| f.location_id.or(till).is_some_and(|id| location.shopify_ids.contains(&id));
    policy.only_location.as_ref() == Some(&location.uid) || shipments(body).any(shipped_from)
}

fn comes_in_time(plan: &Plan, policy: &ReviewPolicy) {
    assert!(plan.send_after >= NOW.max(plan.fulfilled_at.plus(policy.buffer)), "it comes before its time");
    assert!(NOW.since(plan.fulfilled_at) <= policy.max_age);
    let zones: Vec<Zone> = plan.zones.iter().filter_map(|z| Zone::parse(z)).collect();
    let open = policy.hours.next_open(plan.send_after, &zones);
    // Without a zone, or far beyond the calendar's end, nobody knows the hour; it is asked again at the time of the send.
    assert!(
        open.is_none()
            || open == Some(plan.send_after)
            || policy.hours.next_open(plan.fulfilled_at.plus(policy.buffer).max(NOW), &zones).is_none()
    );
}

/// Whose number it may be, found the long way round.
fn goes_to_the_buyer(body: &OrderBody, plan: &Plan, policy: &ReviewPolicy) {
    let again = normalize(plan.phone.expose(), None).unwrap();
    assert_eq!(
        (&again.e164, again.number_type.sms()),
        (&plan.phone, SmsCapability::Send),
        "it goes to a number that cannot be texted"
    );
    let customer = body.customer.as_ref();
    let customer_name = customer.map(|c| words(&[&c.first_name, &c.last_name])).filter(|n| !n.is_empty());
    let payer_name = body.billing_address.as_ref().map(name_of).filter(|n| !n.is_empty());
    let buyer = customer_name.clone().or(payer_name);
    let of_buyer = |address: &&Address| buyer.as_ref().is_some_and(|buyer| *buyer == name_of(address));
    let address_book = customer.and_then(|c| c.default_address.as_ref());
    let address_book = address_book.filter(|a| name_of(a).is_empty() || of_buyer(a));
    let billing = body.billing_address.as_ref().filter(|a| customer_name.is_none() || of_buyer(a));
    let shipping = body.shipping_address.as_ref().filter(of_buyer);
    let raw = [
        body.phone.as_deref(),
        customer.and_then(|c| c.phone.as_deref()),
        billing.and_then(|a| a.phone.as_deref()),
        shipping.and_then(|a| a.phone.as_deref()),
        address_book.and_then(|a| a.phone.as_deref()),
    ];
    let addresses = [body.billing_address.as_ref(), address_book, body.shipping_address.as_ref()];
    let countries = addresses.into_iter().flatten().filter_map(|a| a.country_code.as_deref());
    let regions: Vec<&str> = countries.chain(policy.locations.iter().map(|l| l.country.as_str())).collect();
    let reads =
        |raw: &str, phone: &E164Phone| regions.iter().any(|r| normalize(raw, Some(r)).is_ok_and(|n| n.e164 == *phone));
    assert!(raw.into_iter().flatten().any(|raw| reads(raw, &plan.phone)), "it goes to somebody who is not the buyer");
}

fn name_of(address: &Address) -> String {
    let name = words(&[&address.first_name, &address.last_name]);
    if name.is_empty() { words(&[&address.name]) } else { name }
}

fn words(parts: &[&Option<String>]) -> String {
    let joined: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).flat_map(str::split_whitespace).collect();
    joined.join(" ").to_lowercase()
}

/// What decides is what the body says when it is read without types.
fn read_as_it_says(order: &OrderBody, value: &Value) {
    assert_eq!(Some(order.id), value["id"].as_u64());
    assert_eq!(order.test, value["test"].as_bool());
    for (read, name) in [
        (&order.phone, "phone"),
        (&order.financial_status, "financial_status"),
        (&order.fulfillment_status, "fulfillment_status"),
        (&order.cancelled_at, "cancelled_at"),
        (&order.source_name, "source_name"),
    ] {
        assert_eq!(read.as_deref(), value[name].as_str(), "{name} is read otherwise than it stands there");
    }
    assert_eq!(order.company.is_some(), value.get("company").is_some_and(|v| !v.is_null()));
    assert_eq!(order.fulfillments.as_ref().map(Vec::len), value["fulfillments"].as_array().map(Vec::len));
}
