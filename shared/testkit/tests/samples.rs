//! Every sample body of Shopify, as signed, through the endpoint and the worker: what it must become.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

use std::time::Duration;

use frontdesk_core::{
    ids::LocationUid,
    inbox::InboxStatus,
    request::RequestEnd,
    review::{Location, SkipReason},
};
use frontdesk_testkit::world::{Plan, World};

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/shopify/");

/// What a sample becomes.
#[derive(Debug, PartialEq)]
enum Becomes {
    /// A text to this number.
    Asked(&'static str),
    Skipped(SkipReason),
    /// Carried out, and no request is made or ended by it.
    Done(String),
}

fn play(file: &str) -> Becomes {
    let mut world = World::new(Plan::new());
    world.policy.locations = [(88_110_022_001, "AU"), (88_110_022_002, "AU"), (88_110_022_003, "US")]
        .map(|(id, country)| Location {
            uid: LocationUid::try_from(format!("loc-{id}").as_str()).unwrap(),
            name: "Harbour Lane".into(),
            country: country.into(),
            shopify_ids: vec![id],
            review_link: None,
        })
        .to_vec();
    for id in [7_024_000_000_101, 7_024_000_000_201] {
        world.knows(id);
    }
    let body = std::fs::read(format!("{EVENTS}{file}")).unwrap();
    world.deliver(Duration::ZERO, "sample", body, true);
    world.run();
    world.assert_guarantees();
    if let Some(text) = world.texts().first() {
        return Becomes::Asked(text.phone.expose().to_owned().leak());
    }
    let tables = world.store.tables();
    match (tables.inbox.values().next().map(|e| e.status), tables.requests.values().next().and_then(|r| r.end.clone()))
    {
        (Some(InboxStatus::Done), None) => {
            Becomes::Done(tables.inbox.values().next().unwrap().outcome.clone().unwrap_or_default())
        }
        (Some(InboxStatus::Done), Some(RequestEnd::Skipped(reason))) => Becomes::Skipped(reason),
        other => panic!("{file}: {other:?}"),
    }
}

#[test]
fn every_sample_ends_as_it_must() {
    use Becomes::{Asked, Done, Skipped};
    let done = |word: &str| Done(word.to_owned());
    let cases = [
        ("orders-fulfilled-au.json", Asked("+61491570156")),
        ("raw/orders-fulfilled-au-wire.bin", Asked("+61491570156")),
        ("orders-fulfilled-us.json", Asked("+15125550143")),
        ("orders-fulfilled-no-phone.json", Skipped(SkipReason::NoPhone)),
        ("orders-fulfilled-test.json", Skipped(SkipReason::TestOrder)),
        ("orders-fulfilled-pos.json", Skipped(SkipReason::PointOfSale)),
        ("orders-fulfilled-already-refunded.json", Skipped(SkipReason::Refunded)),
        ("orders-fulfilled-partially-refunded.json", Skipped(SkipReason::PartiallyRefunded)),
        ("orders-cancelled.json", Skipped(SkipReason::Cancelled)),
        ("refunds-create.json", Skipped(SkipReason::Refunded)),
        ("refunds-create-partial.json", Skipped(SkipReason::Refunded)),
        ("customers-data-request.json", done("data_request_noted")),
        ("customers-redact.json", done("customer_erased")),
        ("shop-redact.json", done("shop_erased")),
        ("customers-marketing-consent-update-unsubscribed.json", done("consent_noted")),
        ("fulfillment-events-create-delivered.json", done("delivered")),
        ("fulfillment-events-create-attempted.json", done("in_transit")),
    ];
    for (file, expected) in cases {
        assert_eq!(play(file), expected, "{file}");
    }
}
