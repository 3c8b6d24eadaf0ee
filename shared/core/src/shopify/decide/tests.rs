use serde_json::{Value, json};

use super::super::{body::parse, samples};
use super::*;
use crate::time::DAY;

fn now() -> UnixMillis {
    moment("2026-11-12T00:00:00Z").unwrap()
}

fn decided(body: &str, policy: &ReviewPolicy) -> Decision {
    decide(&parse(body.as_bytes()).unwrap(), policy, now())
}

fn sample(name: &str) -> Decision {
    decided(samples::BODIES.iter().find(|(n, _)| *n == name).unwrap().1, &samples::policy())
}

const ORDER: OrderId = OrderId(7_024_000_000_101);

#[test]
fn a_delivery_sets_the_time_where_the_shop_wants_that() {
    let mut policy = samples::policy();
    assert_eq!(decided(samples::DELIVERED, &policy), Decision::Ignore("delivered"));
    policy.after_delivery = Some(DAY * 3);
    let delivered_at = moment("2026-11-11T03:20:00Z").unwrap();
    let expected = Decision::Retime { order: ORDER, send_after: delivered_at.plus(DAY * 3) };
    assert_eq!(decided(samples::DELIVERED, &policy), expected);
    assert_eq!(decided(samples::ATTEMPTED, &policy), Decision::Ignore("in_transit"));
}

#[test]
fn a_delivery_without_a_time_or_in_the_future_is_one_of_now() {
    let policy = ReviewPolicy { after_delivery: Some(DAY), ..samples::policy() };
    for at in ["null", r#""2031-01-01T00:00:00Z""#, r#""soon""#] {
        let body = samples::DELIVERED.replace(r#""2026-11-11T14:20:00+11:00","city""#, &format!(r#"{at},"city""#));
        let expected = Decision::Retime { order: ORDER, send_after: now().plus(DAY) };
        assert_eq!(decided(&body, &policy), expected, "{at}");
    }
}

#[test]
fn an_open_return_waits_as_a_refund_does() {
    let until = now().plus(DAY * 7);
    let expected = Decision::Defer { order: ORDER, until, planned_from: until.minus(DAY * 30) };
    for name in ["return/request", "return/approve", "return/reopen"] {
        assert_eq!(sample(name), expected, "{name}");
    }
    let cautious = ReviewPolicy { partial_refund: PartialRefund::Defer, ..samples::policy() };
    let refund = r#"{"order_id":7024000000101,"transactions":[{"kind":"refund","status":"success"}]}"#;
    assert_eq!(decided(refund, &cautious), expected);
    for name in ["return/cancel", "return/close"] {
        assert_eq!(sample(name), Decision::Ignore("return_ended"), "{name}");
    }
}

#[test]
fn the_rest_is_noted_or_stops_everything() {
    for (name, word) in [
        ("consent/unsubscribed", "consent_noted"),
        ("consent/no_phone", "consent_noted"),
        ("merge/done", "customers_merged"),
        ("data_request/whole", "privacy_elsewhere"),
        ("redact/customer", "privacy_elsewhere"),
        ("redact/shop", "privacy_elsewhere"),
    ] {
        assert_eq!(sample(name), Decision::Ignore(word), "{name}");
    }
    for name in ["shop/uninstalled", "shop/least"] {
        assert_eq!(sample(name), Decision::Stop { at: now() }, "{name}");
    }
}

fn tagged(of_order: &Value, of_customer: &Value) -> String {
    let mut order: Value = serde_json::from_str(samples::ORDER).unwrap();
    order["tags"] = of_order.clone();
    order["customer"]["tags"] = of_customer.clone();
    order.to_string()
}

#[test]
fn excluded_tags_of_the_order_or_the_customer() {
    let policy = ReviewPolicy { exclude_tags: vec![" No-Review ".into(), String::new()], ..samples::policy() };
    let excluded = Decision::Skip { order: ORDER, reason: SkipReason::ExcludedTag };
    for (of_order, of_customer) in [
        (json!("repeat, no-review"), Value::Null),
        (json!(["repeat", "NO-REVIEW "]), Value::Null),
        (json!(""), json!("no-review")),
        (Value::Null, json!(["x", "No-Review"])),
    ] {
        assert_eq!(decided(&tagged(&of_order, &of_customer), &policy), excluded, "{of_order} {of_customer}");
        assert!(matches!(decided(&tagged(&of_order, &of_customer), &samples::policy()), Decision::Schedule { .. }));
    }
    for others in [json!(""), json!("repeat, no-reviews"), json!("no, review"), json!([]), json!([""]), Value::Null] {
        assert!(matches!(decided(&tagged(&others, &Value::Null), &policy), Decision::Schedule { .. }), "{others}");
    }
    let untagged = samples::ORDER.replace(r#""tags":"repeat, newsletter","#, "");
    assert!(matches!(decided(&untagged, &policy), Decision::Schedule { .. }));
}
