//! No rating, no sentiment, no star can be an input of the question whom to ask. Three ways to break that, three tests.

use std::collections::BTreeSet;

use super::*;
use crate::shopify::{ShopifyEvent, parse, samples};

const SHIPPED: &str = "2026-11-05T05:20:00Z";

fn shipped() -> UnixMillis {
    UnixMillis::new(SHIPPED.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn order(body: &str) -> OrderBody {
    let Ok(ShopifyEvent::Order(order)) = parse(body.as_bytes()) else { panic!("not an order: {body}") };
    *order
}

fn of_webhook(body: &str, policy: &ReviewPolicy) -> Inputs {
    Inputs::of_webhook(&order(body), policy, shipped().plus(DAY * 2))
}

fn healthy() -> Inputs {
    of_webhook(samples::ORDER, &samples::policy())
}

#[test]
fn the_inputs_are_these_and_no_others() {
    // A new input has to be written here, where everybody sees what this test is about.
    let Inputs {
        financial,
        fulfillment,
        cancelled,
        test,
        point_of_sale,
        b2b,
        tag_excluded,
        consent,
        phone,
        location_mapped,
        age_days,
        return_open,
    } = healthy();
    assert_eq!((financial, consent, phone), (Financial::Settled, Consent::NotAsked, PhoneState::Usable));
    let switches: [bool; 7] = [fulfillment, cancelled, test, point_of_sale, b2b, tag_excluded, location_mapped];
    assert_eq!(switches, [true, false, false, false, false, false, true]);
    assert_eq!((age_days, return_open), (Some(2), None));
}

#[test]
fn the_record_has_these_names_and_no_others() {
    let expected = [
        "rules",
        "financial",
        "fulfillment",
        "cancelled",
        "test",
        "point_of_sale",
        "b2b",
        "tag_excluded",
        "consent",
        "phone",
        "location_mapped",
        "age_days",
        "return_open",
    ];
    let json = healthy().to_json();
    let record: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(record.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(expected));
    let places: Vec<_> = expected.iter().map(|name| json.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{json}");
    assert_eq!(record["rules"], RULES);
}

#[test]
fn the_record_is_written_the_same_for_ever() {
    let expected = r#"{"rules":"2026-11-20","financial":"settled","fulfillment":true,"cancelled":false,"test":false,"point_of_sale":false,"b2b":false,"tag_excluded":false,"consent":"not_asked","phone":"usable","location_mapped":true,"age_days":2,"return_open":null}"#;
    assert_eq!(healthy().to_json(), expected);
}

#[test]
fn the_record_names_nobody() {
    let now = Inputs::of_order_now(
        &samples::order_now(shipped()),
        &samples::plan(shipped()),
        &samples::policy(),
        shipped().plus(DAY * 5),
    );
    for json in [healthy().to_json(), now.to_json()] {
        for secret in ["Mia", "Tennant", "example.com", "491570156", "7024000000101", "newsletter", "loc-1"] {
            assert!(!json.contains(secret), "{secret} in {json}");
        }
    }
}

#[test]
fn an_order_as_its_webhook_shows_it() {
    let policy = ReviewPolicy { exclude_tags: vec!["newsletter".into()], ..samples::policy() };
    let with = |from: &str, to: &str| {
        assert!(samples::ORDER.contains(from), "{from}");
        of_webhook(&samples::ORDER.replace(from, to), &policy)
    };
    assert!(of_webhook(samples::ORDER, &policy).tag_excluded);
    assert!(with(r#""test":false"#, r#""test":true"#).test);
    assert!(with(r#""cancelled_at":null"#, r#""cancelled_at":"2026-11-06T00:00:00Z""#).cancelled);
    assert!(with(r#""source_name":"web""#, r#""source_name":"pos""#).point_of_sale);
    assert!(with(r#""shop_money":null"#, r#""company":{"id":1}"#).b2b);
    assert!(!with("88110022001", "5").location_mapped);
    let unshipped = with(r#""status":"success""#, r#""status":"cancelled""#);
    assert_eq!((unshipped.age_days, unshipped.location_mapped), (None, false));
    for (status, expected) in [
        ("partially_refunded", Financial::PartiallyRefunded),
        ("refunded", Financial::Refunded),
        ("voided", Financial::Voided),
        ("authorized", Financial::Settled),
    ] {
        assert_eq!(with(r#""paid""#, &format!("{status:?}")).financial, expected, "{status}");
    }
    for (phone, expected) in [
        (r#""555-SHIP""#, PhoneState::Invalid),
        (r#""+61293744000""#, PhoneState::NotTextable),
        ("null", PhoneState::Missing),
    ] {
        assert_eq!(with(r#""+61491570156""#, phone).phone, expected, "{phone}");
    }
    let withheld = r#"{"id":1,"line_items":[],"customer":{"id":5}}"#;
    assert_eq!(of_webhook(withheld, &policy).phone, PhoneState::Withheld);
}

#[test]
fn an_order_as_it_is_at_the_send() {
    let (policy, plan) = (samples::policy(), samples::plan(shipped()));
    let of = |order: &OrderNow| Inputs::of_order_now(order, &plan, &policy, shipped().plus(DAY * 5));
    let order = samples::order_now(shipped());
    let expected = Inputs {
        consent: Consent::OnRecord(SmsConsent::Subscribed),
        age_days: Some(5),
        return_open: Some(false),
        ..healthy()
    };
    assert_eq!(of(&order), expected);
    let mut another = OrderNow { consent_phone: Some("+61491570157".try_into().unwrap()), ..order.clone() };
    assert_eq!(of(&another).consent.as_str(), "not_given");
    another.consent = SmsConsent::Unsubscribed;
    assert_eq!(of(&another).consent.as_str(), "unsubscribed");
    assert_eq!(of(&OrderNow { return_open: true, ..order }).return_open, Some(true));
}

/// The sources that decide whom to ask. Those of `shopify` are checked against its list of modules.
const SOURCES: [(&str, &str); 13] = [
    ("review", include_str!("../review.rs")),
    ("eligibility", include_str!("../eligibility.rs")),
    ("shopify", include_str!("../shopify.rs")),
    ("body", include_str!("../shopify/body.rs")),
    ("consent", include_str!("../shopify/consent.rs")),
    ("decide", include_str!("../shopify/decide.rs")),
    ("news", include_str!("../shopify/news.rs")),
    ("phone_choice", include_str!("../shopify/phone_choice.rs")),
    ("privacy", include_str!("../shopify/privacy.rs")),
    ("samples", include_str!("../shopify/samples.rs")),
    ("shape", include_str!("../shopify/shape.rs")),
    ("tags", include_str!("../shopify/tags.rs")),
    ("tests of decide", include_str!("../shopify/decide/tests.rs")),
];

/// The lines that are not comments as a whole.
fn code(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// The forbidden word that a line of code holds, whatever it is a part of: `RatingClass`, `star_count`.
fn forbidden(line: &str) -> Option<&'static str> {
    let line = line.to_lowercase();
    ["rating", "sentiment", "stars", "star_"].into_iter().find(|word| line.contains(word))
}

#[test]
fn no_code_that_decides_whom_to_ask_knows_of_ratings() {
    for (name, source) in SOURCES {
        assert!(source.len() > 100, "{name} is empty");
        for line in code(source) {
            assert_eq!(forbidden(line), None, "{name}: {line}");
        }
    }
    assert_eq!(forbidden("use crate::rating::RatingClass;"), Some("rating"));
    assert_eq!(forbidden("    stars: u8,"), Some("stars"));
    assert_eq!(forbidden("if order.Sentiment > 0 {"), Some("sentiment"));
}

#[test]
fn no_source_is_left_out() {
    let listed: BTreeSet<_> = SOURCES.iter().map(|(name, _)| *name).collect();
    let parts = |source: &'static str| {
        let names = code(source).filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';'));
        names.filter(|name| *name != "tests").collect::<Vec<_>>()
    };
    let modules = parts(include_str!("../shopify.rs"));
    assert!(modules.len() > 5);
    for (name, source) in SOURCES {
        for part in parts(source) {
            assert!(listed.contains(part), "{part}, a part of {name}, is not looked at");
        }
    }
}
