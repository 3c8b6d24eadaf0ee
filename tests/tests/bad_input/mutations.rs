//! The samples with something wrong in them: every field in turn, and many things at once by chance.

use frontdesk_core::review::{PartialRefund, ReviewPolicy};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    bodies::order,
    house::{House, policy, sample},
};

/// What stands for a value until its text is put in.
const HERE: &str = "@@@here@@@";

/// Values of every type and of no type, as JSON text.
const VALUES: [&str; 22] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "1e3",
    "1e400",
    "18446744073709551616",
    "\"\"",
    "\" \"",
    "\"0\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"null\"",
    "\"{link}\"",
    "\"9999-12-31T23:59:59Z\"",
    "[]",
    "[null]",
    "[[]]",
    "{}",
    "{\"id\":null}",
];

/// For fields that nobody reads, a few are enough.
const FEW: [&str; 2] = ["1e400", "[[[[]]]]"];

/// The fields that decide; the same names occur in places where nobody looks.
const READ: [&str; 35] = [
    "id",
    "admin_graphql_api_id",
    "tags",
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
    "amount",
    "transactions",
    "refund_line_items",
    "restock_type",
    "subtotal",
    "line_items",
];

/// Somebody else's present: the number on the parcel belongs to a person who never dealt with the shop.
fn gift() -> Value {
    let mut order = order();
    order["shipping_address"]["name"] = json!("Noah Grieve");
    order["shipping_address"]["first_name"] = json!("Noah");
    order["shipping_address"]["last_name"] = json!("Grieve");
    order["shipping_address"]["phone"] = json!("0491 570 313");
    order
}

/// The same from a buyer who gave no number: the recipient's is the only one there is.
fn gift_without_a_number() -> Value {
    let mut order = gift();
    order["phone"] = Value::Null;
    order["customer"]["phone"] = Value::Null;
    order["billing_address"]["phone"] = Value::Null;
    order["customer"]["default_address"] = order["shipping_address"].clone();
    order
}

/// A guest's order: only the addresses say who it is.
fn guest() -> Value {
    let mut order = order();
    order["customer"] = Value::Null;
    order
}

fn json_sample(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).unwrap()
}

/// The places in a value, as JSON pointers, the value itself not among them.
fn places(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(name, v)| (name.replace('~', "~0").replace('/', "~1"), v)).collect()
        }
        Value::Array(list) => list.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    children
        .into_iter()
        .flat_map(|(name, child)| {
            let own = format!("/{name}");
            let below = places(child).into_iter().map(|place| format!("/{name}{place}")).collect::<Vec<_>>();
            std::iter::once(own).chain(below)
        })
        .collect()
}

/// The same without what nobody reads.
fn essence(whole: &Value) -> Value {
    let mut value = whole.clone();
    reduce(&mut value);
    value
}

fn reduce(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| READ.contains(&name.as_str()));
            object.values_mut().for_each(reduce);
        }
        Value::Array(list) => list.iter_mut().for_each(reduce),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn replaced(whole: &Value, place: &str, with: &str) -> Vec<u8> {
    let mut changed = whole.clone();
    *changed.pointer_mut(place).unwrap() = json!(HERE);
    changed.to_string().replace(&format!("\"{HERE}\""), with).into_bytes()
}

fn without(whole: &Value, place: &str) -> Vec<u8> {
    let mut changed = whole.clone();
    let (parent, name) = place.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match changed.pointer_mut(parent).unwrap() {
        Value::Object(object) => drop(object.remove(&name)),
        Value::Array(list) => drop(list.remove(name.parse().unwrap())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    changed.to_string().into_bytes()
}

fn cautious() -> ReviewPolicy {
    ReviewPolicy {
        partial_refund: PartialRefund::Defer,
        skip_test: false,
        skip_pos: false,
        skip_b2b: false,
        ..policy()
    }
}

fn every_field_in_turn(whole: &Value, policy: &ReviewPolicy) {
    let whole = essence(whole);
    let all = places(&whole);
    assert!(all.len() > 15, "{}", all.len());
    for place in all {
        for value in VALUES {
            House::sees_through(policy.clone(), &replaced(&whole, &place, value));
        }
        House::sees_through(policy.clone(), &without(&whole, &place));
    }
}

#[test]
fn every_field_of_an_order_takes_every_wrong_value() {
    every_field_in_turn(&order(), &policy());
}

#[test]
fn fields_that_nobody_reads_change_nothing() {
    let whole = order();
    let read: Vec<String> = places(&essence(&whole));
    for place in places(&whole).into_iter().filter(|place| !read.contains(place)) {
        let bodies = FEW.map(|value| replaced(&whole, &place, value)).into_iter().chain([without(&whole, &place)]);
        for body in bodies {
            let (house, row) = House::sees_through(policy(), &body);
            assert_eq!((row.outcome.as_str(), house.world.texts().len()), ("scheduled", 1), "{place}");
        }
    }
}

/// Whatever is wrong with a present's order, the person on the parcel is not texted.
#[test]
fn no_field_of_a_present_leads_to_its_recipient() {
    let gift = essence(&gift_without_a_number());
    for place in places(&gift) {
        for body in VALUES.map(|value| replaced(&gift, &place, value)).into_iter().chain([without(&gift, &place)]) {
            let (house, _) = House::sees_through(cautious(), &body);
            let addressed = house.world.texts();
            // Without the recipient's name on it, a number in the buyer's own address book is the buyer's.
            let book = place.starts_with("/customer/default_address");
            assert!(addressed.is_empty() || book, "{place}: {addressed:?}");
        }
    }
}

#[test]
fn every_field_of_a_guests_order_takes_every_wrong_value() {
    every_field_in_turn(&guest(), &cautious());
}

#[test]
fn every_field_of_a_partly_refunded_order_takes_every_wrong_value() {
    every_field_in_turn(&json_sample("orders-fulfilled-partially-refunded.json"), &cautious());
}

#[test]
fn every_field_of_a_counter_sale_takes_every_wrong_value() {
    every_field_in_turn(&json_sample("orders-fulfilled-pos.json"), &cautious());
}

#[test]
fn every_field_of_a_refund_takes_every_wrong_value() {
    every_field_in_turn(&json_sample("refunds-create.json"), &cautious());
}

/// Not one byte of an order can be missing, however the connection ended.
#[test]
fn every_beginning_of_an_order_is_rejected() {
    let whole = sample("raw/orders-fulfilled-au-wire.bin");
    assert_eq!(whole.last(), Some(&b'}'));
    for end in (0..whole.len()).step_by(7).chain(whole.len() - 40..whole.len()) {
        let (house, row) = House::sees_through(policy(), &whole[..end]);
        assert!(row.outcome.starts_with("malformed"), "{end}: {row:?}");
        assert!(house.world.store.look(|tables| tables.requests.is_empty()), "{end}");
    }
}

/// Something wrong with a sample.
#[derive(Clone, Debug)]
enum Wrong {
    /// Another value in one of its places.
    Value(prop::sample::Index, usize),
    /// A place less.
    Missing(prop::sample::Index),
    /// One place's value in another's.
    Swapped(prop::sample::Index, prop::sample::Index),
    /// Its bytes end early.
    Cut(prop::sample::Index),
    /// Some other bytes among its own.
    Bytes(prop::sample::Index, Vec<u8>),
    /// A part of it comes twice.
    Twice(prop::sample::Index, usize),
    /// A part of it is missing.
    Hole(prop::sample::Index, usize),
}

fn wrong() -> impl Strategy<Value = Wrong> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (index(), 0..VALUES.len()).prop_map(|(at, value)| Wrong::Value(at, value)),
        2 => index().prop_map(Wrong::Missing),
        2 => (index(), index()).prop_map(|(from, to)| Wrong::Swapped(from, to)),
        1 => index().prop_map(Wrong::Cut),
        2 => (index(), prop::collection::vec(any::<u8>(), 1..6)).prop_map(|(at, bytes)| Wrong::Bytes(at, bytes)),
        1 => (index(), 1..60_usize).prop_map(|(at, length)| Wrong::Twice(at, length)),
        1 => (index(), 1..60_usize).prop_map(|(at, length)| Wrong::Hole(at, length)),
    ]
}

/// Changes of values first, of bytes last, as they would happen.
fn spoilt(whole: &Value, wrongs: &[Wrong]) -> Vec<u8> {
    let mut value = whole.clone();
    let mut bytes: Option<Vec<u8>> = None;
    for wrong in wrongs {
        let all = places(&value);
        match (wrong, &mut bytes) {
            (Wrong::Value(at, n), None) if !all.is_empty() => {
                let text = replaced(&value, &all[at.index(all.len())], VALUES[*n]);
                // What is no JSON any more can only be spoilt further as bytes.
                match serde_json::from_slice(&text) {
                    Ok(changed) => value = changed,
                    Err(_) => bytes = Some(text),
                }
            }
            (Wrong::Missing(at), None) if !all.is_empty() => {
                value = serde_json::from_slice(&without(&value, &all[at.index(all.len())])).unwrap();
            }
            (Wrong::Swapped(from, to), None) if !all.is_empty() => {
                let other = value.pointer(&all[from.index(all.len())]).unwrap().clone();
                *value.pointer_mut(&all[to.index(all.len())]).unwrap() = other;
            }
            (_, kept) => {
                let text = kept.get_or_insert_with(|| value.to_string().into_bytes());
                spoil_bytes(text, wrong);
            }
        }
    }
    bytes.unwrap_or_else(|| value.to_string().into_bytes())
}

fn spoil_bytes(text: &mut Vec<u8>, wrong: &Wrong) {
    let place = |at: &prop::sample::Index| at.index(text.len() + 1);
    match wrong {
        Wrong::Cut(at) => text.truncate(place(at)),
        Wrong::Bytes(at, bytes) => {
            let at = place(at);
            text.splice(at..at, bytes.iter().copied());
        }
        Wrong::Twice(at, length) => {
            let at = place(at);
            let part = text[at..(at + length).min(text.len())].to_vec();
            text.splice(at..at, part);
        }
        Wrong::Hole(at, length) => {
            let at = place(at);
            text.drain(at..(at + length).min(text.len()));
        }
        Wrong::Value(..) | Wrong::Missing(_) | Wrong::Swapped(..) => {}
    }
}

#[test]
fn samples_with_several_things_wrong_text_nobody_else_either() {
    let names = [
        "orders-fulfilled-us.json",
        "orders-fulfilled-already-refunded.json",
        "orders-cancelled.json",
        "refunds-create-partial.json",
    ];
    let wholes: Vec<Value> = [order(), gift(), gift_without_a_number(), guest()]
        .into_iter()
        .chain(names.map(json_sample))
        .map(|w| essence(&w))
        .collect();
    let input = (prop::sample::select(wholes), prop::collection::vec(wrong(), 1..5), any::<bool>());
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    // The same cases every time: a check that fails at random is soon ignored. The fuzzers look for new ones.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&input, |(whole, wrongs, strict)| {
        let policy = if strict { policy() } else { cautious() };
        House::sees_through(policy, &spoilt(&whole, &wrongs));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
