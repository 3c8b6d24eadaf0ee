//! A shop made up for tests: its rules, its orders, its webhooks.

use frontdesk_core::{
    hours::AllowedHours,
    ids::{LocationUid, ShopDomain},
    review::{ConsentRule, Location, PartialRefund, Platform, ReviewPolicy, Template},
    time::DAY,
};
use serde_json::{Value, json};

/// The shop's domain.
#[must_use]
pub fn shop() -> ShopDomain {
    ShopDomain::try_from("harbour-lane-demo.myshopify.com").unwrap()
}

/// Shopify's id of the shop's first location.
pub const LOCATION: u64 = 88_110_022_001;

/// The brief's rules, around the clock, for one location.
#[must_use]
pub fn policy() -> ReviewPolicy {
    let location = Location {
        uid: LocationUid::try_from("loc-1").unwrap(),
        name: "Harbour Lane".into(),
        country: "AU".into(),
        shopify_ids: vec![LOCATION],
        review_link: None,
    };
    ReviewPolicy {
        buffer: DAY * 5,
        cooldown: DAY * 30,
        hours: AllowedHours::parse("Mon-Sun 00:00-24:00").unwrap(),
        partial_refund: PartialRefund::Skip,
        max_age: DAY * 60,
        settle: DAY * 7,
        settle_max: DAY * 30,
        skip_test: true,
        skip_pos: true,
        skip_b2b: true,
        consent: ConsentRule::RequireSmsSubscribed,
        default_platform: Platform::Google,
        template: Template::parse("Hi {first_name}, {location_name} here: {link} Reply STOP to opt out.").unwrap(),
        locations: vec![location],
        only_location: None,
        keep: DAY * 400,
        reminder: None,
        exclude_tags: Vec::new(),
        after_delivery: None,
    }
}

/// A fulfilled, paid order of one buyer.
#[must_use]
pub fn order(id: u64, phone: &str, fulfilled_at: &str) -> Value {
    json!({
        "id": id, "test": false, "cancelled_at": null, "financial_status": "paid", "fulfillment_status": "fulfilled",
        "source_name": "web", "phone": phone, "email": "mia@example.com", "line_items": [],
        "customer": {"first_name": "Mia", "last_name": "Tennant", "phone": phone},
        "fulfillments": [{"status": "success", "created_at": fulfilled_at, "location_id": LOCATION}],
    })
}

/// A refund of all of an order.
#[must_use]
pub fn refund(order: u64) -> Value {
    json!({"id": order + 1, "order_id": order, "refund_line_items": [{}], "transactions": [{"kind": "refund", "status": "success"}]})
}

/// That a customer's data is to be erased.
#[must_use]
pub fn redact_customer(customer: u64, email: &str, phone: &str, orders: &[u64]) -> Value {
    json!({
        "shop_id": 71_234_567_890_u64, "shop_domain": shop().as_str(),
        "customer": {"id": customer, "email": email, "phone": phone}, "orders_to_redact": orders,
    })
}

/// That everything of the shop is to be erased.
#[must_use]
pub fn redact_shop() -> Value {
    json!({"shop_id": 71_234_567_890_u64, "shop_domain": shop().as_str()})
}
