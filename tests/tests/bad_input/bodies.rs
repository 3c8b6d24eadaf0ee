//! A long table of bodies, each with the row that it has to end in.

use frontdesk_core::inbox::InboxStatus::{self, Done, Rejected};
use serde_json::{Value, json};

use crate::house::{House, events, policy, sample};

/// The Australian sample as JSON, to be changed.
pub(crate) fn order() -> Value {
    serde_json::from_slice(&sample("orders-fulfilled-au.json")).unwrap()
}

/// The same with some of its fields replaced.
fn with(change: &Value) -> Vec<u8> {
    let mut order = order();
    order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    order.to_string().into_bytes()
}

/// The same with one field replaced by text that need not be JSON.
fn with_raw(field: &str, raw: &str) -> Vec<u8> {
    let mut order = order();
    order[field] = json!("@@@");
    order.to_string().replace("\"@@@\"", raw).into_bytes()
}

/// The same as text, with a piece of it replaced.
fn replaced(from: &str, to: &[u8]) -> Vec<u8> {
    let whole = order().to_string();
    let (before, after) = whole.split_once(from).unwrap();
    [before.as_bytes(), to, after.as_bytes()].concat()
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn fulfilled_at(created_at: &str) -> Vec<u8> {
    let fulfilment = json!({"status": "success", "created_at": created_at, "location_id": 88_110_022_001_u64});
    with(&json!({"fulfillments": [fulfilment]}))
}

/// A name for people, the body, and how it has to end: the status and the beginning of the outcome.
type Case = (&'static str, Vec<u8>, InboxStatus, &'static str);

const MALFORMED: &str = "malformed: unreadable at line ";
const UNKNOWN: &str = "unknown_shape: ";

fn not_json() -> Vec<Case> {
    let whole = order().to_string();
    let utf16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bad = [
        ("nothing", vec![]),
        ("white space", text(" \r\n\t ")),
        ("an opened object", text("{")),
        ("a closed object", text("}")),
        ("half an order", whole.as_bytes()[..whole.len() / 2].to_vec()),
        ("an order without its last byte", whole.as_bytes()[..whole.len() - 1].to_vec()),
        ("an order and more", [whole.as_bytes(), b"}"].concat()),
        ("two orders", [whole.as_bytes(), whole.as_bytes()].concat()),
        ("a byte order mark", [b"\xef\xbb\xbf", whole.as_bytes()].concat()),
        ("another encoding", utf16),
        ("a NUL before it", [b"\0", whole.as_bytes()].concat()),
        ("NULs behind it", [whole.as_bytes(), b"\0\0\0"].concat()),
        ("only NULs", vec![0; 1_000]),
        ("compressed", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec()),
        ("a form", text("id=1&financial_status=paid&phone=%2B61491570156")),
        ("XML", text("<order><id>1</id></order>")),
        ("a page", text("<!doctype html><title>502</title>")),
        ("single quotes", text("{'id': 1, 'line_items': []}")),
        ("a trailing comma", text(r#"{"id": 1, "line_items": [],}"#)),
        ("a comment", text(r#"{"id": 1, /* one */ "line_items": []}"#)),
        ("bare names", text("{id: 1, line_items: []}")),
        ("no such number", text(r#"{"id": NaN, "line_items": []}"#)),
        ("a number with a leading zero", with_raw("id", "007")),
        ("a number with a plus", with_raw("id", "+7")),
        ("half an escape", with_raw("phone", r#""\u00""#)),
        ("half a surrogate in a phone", with_raw("phone", r#""\ud800""#)),
        ("a control character in a phone", with_raw("phone", "\"+61\u{1}491570156\"")),
        ("no UTF-8 in a phone", replaced("+61491570156", b"+6149157\xff\xfe")),
        ("no UTF-8 in a name", replaced("\"first_name\":\"Mia\"", b"\"first_name\":\"M\xc3\x28a\"")),
        ("no UTF-8 in a field's name", replaced("\"phone\"", b"\"ph\xffne\"")),
        ("a hundred thousand open lists", format!(r#"{{"id":1,"line_items":{}"#, "[".repeat(100_000)).into_bytes()),
        ("a hundred thousand open objects", r#"{"a":"#.repeat(100_000).into_bytes()),
    ];
    bad.into_iter().map(|(name, body)| (name, body, Rejected, MALFORMED)).collect()
}

fn no_event() -> Vec<Case> {
    let bad = [
        ("null", text("null")),
        ("a truth", text("true")),
        ("a number", text("1")),
        ("a number beyond all bounds", text("1e999")),
        ("a text", text("\"order\"")),
        ("an empty list", text("[]")),
        ("an order in a list", json!([order()]).to_string().into_bytes()),
        (
            "an order as a list of its values",
            json!(order().as_object().unwrap().values().collect::<Vec<_>>()).to_string().into_bytes(),
        ),
        ("an empty object", text("{}")),
        ("an order in an object", json!({"order": order()}).to_string().into_bytes()),
        ("an id and nothing else", text(r#"{"id": 820982911946154508}"#)),
        (
            "only nulls",
            text(r#"{"id":null,"order_id":null,"financial_status":null,"line_items":null,"transactions":null}"#),
        ),
        ("other capitals", text(r#"{"ID": 1, "Line_Items": [], "Financial_Status": "paid"}"#)),
        ("a refund of nothing", text(r#"{"order_id": 1}"#)),
        ("a refund of null", text(r#"{"order_id": null, "transactions": []}"#)),
        ("a GraphQL answer", sample("graphql-order-ok.json")),
    ];
    bad.into_iter().map(|(name, body)| (name, body, Rejected, UNKNOWN)).collect()
}

fn wrong_types() -> Vec<Case> {
    let long = "9".repeat(10_000);
    let bad = [
        ("an id of text", with(&json!({"id": "7024000000101"}))),
        ("no id", with_raw("id", "null")),
        ("an id below zero", with_raw("id", "-1")),
        ("an id with a fraction", with_raw("id", "7024000000101.0")),
        ("an id with an exponent", with_raw("id", "7e12")),
        ("an id one too large", with_raw("id", "18446744073709551616")),
        ("an id of ten thousand digits", with_raw("id", &long)),
        ("an id in a list", with_raw("id", "[7024000000101]")),
        ("a phone of digits", with(&json!({"phone": 61_491_570_156_u64}))),
        ("a phone in a list", with(&json!({"phone": ["+61491570156"]}))),
        ("a phone in an object", with(&json!({"phone": {"number": "+61491570156"}}))),
        ("a customer of text", with(&json!({"customer": "Mia Tennant"}))),
        ("a list of customers", with(&json!({"customer": [{"phone": "+61491570156"}]}))),
        ("a customer whose phone is a truth", with(&json!({"customer": {"phone": true}}))),
        ("a list of addresses", with(&json!({"billing_address": [{"name": "Mia Tennant"}]}))),
        ("a test of text", with(&json!({"test": "false"}))),
        ("a test of zero", with(&json!({"test": 0}))),
        ("a status of numbers", with(&json!({"financial_status": 1}))),
        ("a fulfilment status in a list", with(&json!({"fulfillment_status": ["fulfilled"]}))),
        ("a cancellation of truth", with(&json!({"cancelled_at": true}))),
        ("a cancellation in seconds", with(&json!({"cancelled_at": 1_795_132_800}))),
        ("one fulfilment", with(&json!({"fulfillments": {"status": "success"}}))),
        ("a list of no fulfilments", with(&json!({"fulfillments": [null]}))),
        ("a location of text", with(&json!({"fulfillments": [{"status": "success", "location_id": "88110022001"}]}))),
        ("a location below zero", with(&json!({"location_id": -1}))),
        ("a location beyond all bounds", with_raw("location_id", "1e400")),
        ("refunds of text", with(&json!({"refunds": "none"}))),
        ("an id twice", replaced("{", br#"{"id":1,"#)),
        ("a phone twice", replaced("{", br#"{"phone":"+61491570110","#)),
        ("a customer twice", replaced("{", br#"{"customer":{"phone":"+61491570110"},"#)),
        ("a refund of an order of text", text(r#"{"order_id": "1", "transactions": []}"#)),
        ("a refund of an order below zero", text(r#"{"order_id": -1, "transactions": []}"#)),
        ("a refund of one transaction", text(r#"{"order_id": 1, "transactions": {"kind": "refund"}}"#)),
    ];
    bad.into_iter().map(|(name, body)| (name, body, Rejected, MALFORMED)).collect()
}

/// Nothing is wrong with the form of these; what they say decides.
fn odd() -> Vec<Case> {
    let many: Vec<Value> = (0..5_000)
        .map(|n| json!({"status": "success", "created_at": "2026-11-09T09:41:07+11:00", "location_id": n}))
        .collect();
    vec![
        ("the order itself", order().to_string().into_bytes(), Done, "scheduled"),
        ("an order as it comes over the wire", sample("raw/orders-fulfilled-au-wire.bin"), Done, "scheduled"),
        (
            "an order with white space around",
            [b" \r\n\t", order().to_string().as_bytes(), b"\n\n"].concat(),
            Done,
            "scheduled",
        ),
        ("no UTF-8 where nobody looks", replaced("Mozilla/5.0", b"Moz\xff\xfe"), Done, "scheduled"),
        ("half a surrogate where nobody looks", with_raw("note", r#""\ud800""#), Done, "scheduled"),
        ("a number beyond all bounds where nobody looks", with_raw("note", "1e999999"), Done, "scheduled"),
        ("ten thousand digits where nobody looks", with_raw("note", &"9".repeat(10_000)), Done, "scheduled"),
        (
            "a hundred thousand lists where nobody looks",
            with_raw("note", &("[".repeat(100_000) + &"]".repeat(100_000))),
            Done,
            "scheduled",
        ),
        ("a name twice that nobody knows", replaced("{", br#"{"x":1,"x":2,"#), Done, "scheduled"),
        ("an id of zero", with(&json!({"id": 0})), Done, "scheduled"),
        ("the largest id", with_raw("id", "18446744073709551615"), Done, "scheduled"),
        (
            "a first name of a megabyte",
            with(&json!({"note": null, "customer": {"first_name": "M".repeat(900_000), "phone": "+61491570156"}})),
            Done,
            "scheduled",
        ),
        (
            "a first name that is a link",
            with(&json!({"customer": {"first_name": "https://evil.example", "phone": "+61491570156"}})),
            Done,
            "scheduled",
        ),
        (
            "a phone of a megabyte",
            with(
                &json!({"phone": "4".repeat(900_000), "customer": null, "billing_address": null, "shipping_address": null}),
            ),
            Done,
            "phone_invalid",
        ),
        (
            "a phone that is a letter to us",
            with(
                &json!({"phone": "call me maybe", "customer": null, "billing_address": null, "shipping_address": null}),
            ),
            Done,
            "phone_invalid",
        ),
        (
            "a phone that once made the library panic",
            with(
                &json!({"phone": "0;phone-context=+1;tel:", "customer": null, "billing_address": null, "shipping_address": null}),
            ),
            Done,
            "phone_invalid",
        ),
        (
            "nobody's order",
            with(&json!({"phone": null, "customer": null, "billing_address": null, "shipping_address": null})),
            Done,
            "no_phone",
        ),
        ("no fulfilments", with(&json!({"fulfillments": []})), Done, "no_successful_fulfillment"),
        (
            "fulfilments of nothing",
            with(&json!({"fulfillments": [{}, {"status": null}]})),
            Done,
            "no_successful_fulfillment",
        ),
        ("five thousand fulfilments", with(&json!({"fulfillments": many})), Done, "unmapped_location"),
        (
            "a fulfilment without a location",
            with(&json!({"fulfillments": [{"status": "success", "created_at": "2026-11-09T09:41:07+11:00"}]})),
            Done,
            "unmapped_location",
        ),
        (
            "a fulfilment without a time",
            with(&json!({"fulfillments": [{"status": "success", "location_id": 88_110_022_001_u64}]})),
            Done,
            "no_successful_fulfillment",
        ),
        ("a fulfilment at no time", fulfilled_at("yesterday"), Done, "no_successful_fulfillment"),
        ("a fulfilment without an offset", fulfilled_at("2026-11-09T09:41:07"), Done, "no_successful_fulfillment"),
        ("a fulfilment on 30 February", fulfilled_at("2026-02-30T09:41:07Z"), Done, "no_successful_fulfillment"),
        (
            "a fulfilment at an offset of a week",
            fulfilled_at("2026-11-09T09:41:07+168:00"),
            Done,
            "no_successful_fulfillment",
        ),
        ("a fulfilment in a leap second", fulfilled_at("2026-11-08T23:59:60Z"), Done, "scheduled"),
        ("a fulfilment before Christ", fulfilled_at("-000044-03-15T12:00:00Z"), Done, "too_old"),
        ("a fulfilment in 1970", fulfilled_at("1970-01-01T00:00:00Z"), Done, "too_old"),
        ("a cancellation of nothing", with(&json!({"cancelled_at": ""})), Done, "cancelled"),
        ("an unknown payment", with(&json!({"financial_status": ""})), Done, "scheduled"),
        ("an unknown fulfilment", with(&json!({"fulfillment_status": "FULFILLED"})), Done, "not_fulfilled"),
        ("a company of text", with(&json!({"company": "ACME"})), Done, "b2b"),
        ("a company of nothing", with(&json!({"company": {}})), Done, "b2b"),
        (
            "an order and a refund in one",
            with(&json!({"order_id": 1, "transactions": []})),
            Done,
            "refund_without_money",
        ),
        (
            "a refund of a refund",
            text(r#"{"order_id": 1, "transactions": [{"kind": "refund", "status": "refunded"}]}"#),
            Done,
            "refund_without_money",
        ),
        (
            "a refund of an unknown order",
            text(r#"{"order_id": 99, "transactions": [{"kind": "refund"}]}"#),
            Done,
            "refunded",
        ),
    ]
}

#[test]
fn every_body_ends_in_a_row_that_says_what_came_of_it() {
    let cases: Vec<Case> = [not_json(), no_event(), wrong_types(), odd()].concat();
    assert!(cases.len() > 110, "{}", cases.len());
    for (name, body, status, outcome) in cases {
        let (house, row) = House::sees_through(policy(), &body);
        assert_eq!(row.status, status, "{name}: {row:?}");
        assert!(row.outcome.starts_with(outcome), "{name}: {row:?}");
        let texts = house.world.texts().len();
        assert_eq!(texts, usize::from(outcome == "scheduled"), "{name}: {texts} texts");
        if status == Rejected {
            assert!(
                house.world.store.look(|tables| tables.requests.is_empty() && tables.contacts.is_empty()),
                "{name}"
            );
        }
    }
}

/// A webhook subscribed at the wrong place, or a URL mistyped: it is kept and says so, and the sender need not repeat it.
#[test]
fn every_sample_of_another_provider_is_rejected() {
    let mut seen = 0;
    for provider in ["podium", "chatwoot", "chatwoot/wire", "chatwoot-api"] {
        for entry in std::fs::read_dir(events().join(provider)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() || path.ends_with("signature_vectors.json") {
                continue;
            }
            let (_, row) = House::sees_through(policy(), &std::fs::read(&path).unwrap());
            assert_eq!(row.status, Rejected, "{}: {row:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen}");
}

/// Every sample of Shopify's ends as its name promises.
#[test]
fn every_sample_of_shopify_ends_as_it_should() {
    let ends = [
        ("orders-fulfilled-au.json", Done, "scheduled"),
        ("orders-fulfilled-us.json", Done, "scheduled"),
        ("orders-fulfilled-no-phone.json", Done, "no_phone"),
        ("orders-fulfilled-test.json", Done, "test_order"),
        ("orders-fulfilled-pos.json", Done, "point_of_sale"),
        ("orders-fulfilled-already-refunded.json", Done, "refunded"),
        ("orders-fulfilled-partially-refunded.json", Done, "partially_refunded"),
        ("orders-cancelled.json", Done, "cancelled"),
        ("refunds-create.json", Done, "refunded"),
        ("refunds-create-partial.json", Done, "refunded"),
        ("raw/orders-fulfilled-au-wire.bin", Done, "scheduled"),
        ("raw/customers-redact-wire.bin", Done, "customer_erased"),
        ("customers-data-request.json", Done, "data_request_noted"),
        ("customers-marketing-consent-update-unsubscribed.json", Done, "consent_noted"),
        ("customers-redact.json", Done, "customer_erased"),
        ("shop-redact.json", Done, "shop_erased"),
        ("fulfillment-events-create-attempted.json", Done, "in_transit"),
        ("fulfillment-events-create-delivered.json", Done, "delivered"),
        ("returns-request.json", Done, "nothing_to_change"),
        ("returns-cancel.json", Done, "return_ended"),
        ("app-uninstalled.json", Done, "app_uninstalled"),
    ];
    for (name, status, outcome) in ends {
        let (_, row) = House::sees_through(policy(), &sample(name));
        assert_eq!(row.status, status, "{name}: {row:?}");
        assert!(row.outcome.starts_with(outcome), "{name}: {row:?}");
    }
}
