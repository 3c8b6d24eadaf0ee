//! What is planted, in which forms it could come out, and the search for it.

use std::{collections::BTreeSet, fs, sync::LazyLock};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use frontdesk_core::{
    ids::OrderKey,
    inbox::InboxKey,
    telemetry::{Line, Telemetry},
};
use frontdesk_testkit::shop;
use serde_json::{Value, json};

use crate::{Log, events, samples};

/// Somebody who does not exist, with a number that nobody has.
pub(crate) struct Person {
    pub(crate) order: u64,
    pub(crate) first: &'static str,
    pub(crate) last: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) typed: &'static str,
    pub(crate) country: &'static str,
}

pub(crate) const PEOPLE: [Person; 4] = [
    Person {
        order: 501,
        first: "Zebulonia",
        last: "Quackenbush",
        phone: "+61491570313",
        typed: "0491 570 313",
        country: "AU",
    },
    Person {
        order: 502,
        first: "Thaddeus",
        last: "O’Plantagenet",
        phone: "+61491570737",
        typed: "(04) 9157-0737",
        country: "AU",
    },
    Person {
        order: 503,
        first: "Иоанна",
        last: "Подсолнухова",
        phone: "+14155550132",
        typed: "(415) 555-0132",
        country: "US",
    },
    Person {
        order: 504,
        first: "Wolfhardt",
        last: "von Eschenbüttel",
        phone: "+447700900123",
        typed: "07700 900123",
        country: "GB",
    },
];

pub(crate) const MESSAGE: &str = "please leave the parcel behind the blue gnome";
pub(crate) const TOKENS: [&str; 5] = [
    "shpat_planted0d9f31c2aa7745",
    "planted-refresh-token-84c1f0",
    "planted-client-secret-77aa03",
    "planted-order-token-5e5e9b1c",
    "planted-session-hash-19b2c8",
];
/// The world's own.
pub(crate) const SECRETS: [&str; 2] = ["the-current-secret", "the-previous-secret"];

fn email(person: &Person) -> String {
    format!("{}.{}@planted.example", person.order, "someone")
}

/// An order of somebody's that holds everything an order can say about a person.
pub(crate) fn order(person: &Person) -> Value {
    let address = json!({
        "name": format!("{} {}", person.first, person.last), "first_name": person.first, "last_name": person.last, "phone": person.typed,
        "address1": "77 Plantation Crescent", "address2": "Unit 9 Gnomery", "zip": "Z4Z 9Q9", "company": "Planted & Daughters",
        "country_code": person.country, "latitude": -27.998_877, "longitude": 153.432_211,
    });
    let mut order = shop::order(person.order, person.phone, "2026-11-14T10:00:00+11:00");
    let more = json!({
        "email": email(person), "contact_email": email(person), "note": MESSAGE, "token": TOKENS[3], "browser_ip": "203.0.113.77",
        "client_details": {"session_hash": TOKENS[4]}, "order_status_url": format!("https://shop.example/{}", TOKENS[3]),
        "billing_address": address, "shipping_address": address,
        "customer": {"first_name": person.first, "last_name": person.last, "phone": person.phone, "email": email(person), "default_address": address},
    });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    order
}

/// The fields of the samples that say who somebody is, or what somebody said, or let somebody in.
const TELLING: [&str; 37] = [
    "phone",
    "phone_number",
    "phoneNumber",
    "customer_phone",
    "name",
    "first_name",
    "last_name",
    "firstName",
    "lastName",
    "customer_name",
    "author",
    "reviewer_name",
    "email",
    "contact_email",
    "emails",
    "phoneNumbers",
    "identifier",
    "address1",
    "address2",
    "zip",
    "note",
    "body",
    "content",
    "text",
    "message",
    "token",
    "cart_token",
    "checkout_token",
    "session_hash",
    "order_status_url",
    "browser_ip",
    "pubsub_token",
    "access_token",
    "thumbnail",
    "avatar_url",
    "processed_message_content",
    "destination",
];

/// The telling values of every sample.
fn of_samples() -> BTreeSet<String> {
    fn gather(value: &Value, telling: bool, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    gather(value, TELLING.contains(&name.as_str()), into);
                }
            }
            Value::Array(list) => list.iter().for_each(|v| gather(v, telling, into)),
            // A word of four letters is in every text, and so is a year.
            Value::String(text) if telling && text.chars().count() >= 5 => drop(into.insert(text.clone())),
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }
    let mut found = BTreeSet::new();
    for (_, body) in samples() {
        if let Ok(value) = serde_json::from_slice::<Value>(&body) {
            gather(&value, false, &mut found);
        }
    }
    // Our own lines may hold the words of topics and platforms, and the keys that queues carry.
    let ours = |text: &String| {
        let words = ["created", "updated", "google", "facebook", "podium", "webchat", "failed"];
        words.contains(&text.as_str()) || InboxKey::parse(text).is_some() || OrderKey::parse(text).is_some()
    };
    found.retain(|text| !ours(text));
    found
}

/// Everything that must not come out.
pub(crate) fn planted() -> BTreeSet<String> {
    let mut values = of_samples();
    for person in &PEOPLE {
        values.extend([person.first, person.last, person.phone, person.typed].map(str::to_owned));
        values.insert(email(person));
    }
    values.extend(TOKENS.iter().chain(&SECRETS).map(|&s| s.to_owned()));
    values.extend(
        [MESSAGE, "77 Plantation Crescent", "Unit 9 Gnomery", "Z4Z 9Q9", "Planted & Daughters", "203.0.113.77"]
            .map(str::to_owned),
    );
    for provider in ["shopify", "podium", "chatwoot"] {
        let vectors: Value =
            serde_json::from_slice(&fs::read(events().join(provider).join("signature_vectors.json")).unwrap()).unwrap();
        values.extend(vectors["secret"].as_str().map(str::to_owned));
    }
    values
}

/// The forms in which a value could come out.
fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut forms = vec![
        value.to_owned(),
        STANDARD.encode(bytes).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(bytes),
        bytes.iter().map(|b| format!("{b:02x}")).collect(),
        bytes.iter().map(|b| format!("%{b:02X}")).collect(),
        value.replace('+', "%2B").replace(' ', "%20"),
        value.replace('+', "%2B").replace(' ', "+"),
        value.escape_default().to_string(),
        value.escape_debug().to_string(),
        json!(value).to_string().trim_matches('"').to_owned(),
        format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
    ];
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let is_number = value.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
    if is_number && (8..=15).contains(&digits.len()) {
        let end = &digits[digits.len() - 7..];
        forms.extend([
            digits.clone(),
            end.to_owned(),
            format!("{} {}", &end[..3], &end[3..]),
            format!("{}-{}", &end[..3], &end[3..]),
        ]);
        forms.push(format!("{} {}", &digits[digits.len() - 6..digits.len() - 3], &digits[digits.len() - 3..]));
    }
    forms
}

/// What of the planted came out, and in which form.
pub(crate) fn leaks(written: &str) -> Vec<String> {
    static SOUGHT: LazyLock<Vec<(String, Vec<String>)>> =
        LazyLock::new(|| planted().into_iter().map(|value| (value.clone(), forms(&value))).collect());
    let came_out = |forms: &[String]| forms.iter().find(|form| stands_in(written, form)).cloned();
    SOUGHT.iter().filter_map(|(value, forms)| Some(format!("{value:?} as {:?}", came_out(forms)?))).collect()
}

/// Whether a form occurs; a word not as a part of a longer one, a number as a part of anything.
fn stands_in(written: &str, form: &str) -> bool {
    let joins =
        |a: Option<char>, b: Option<char>| a.zip(b).is_some_and(|(a, b)| a.is_alphabetic() && b.is_alphabetic());
    written.match_indices(form).any(|(at, _)| {
        let (before, after) = (written[..at].chars().next_back(), written[at + form.len()..].chars().next());
        !joins(before, form.chars().next()) && !joins(form.chars().next_back(), after)
    })
}

/// Every planted value is found in a line, in every one of its forms, at every place where a line can hold text.
#[test]
fn a_planted_value_in_a_line_is_found() {
    for value in planted() {
        for form in forms(&value) {
            for line in [Line::info("x").id("event.id", &form), Line::error("x").detail(&format!("it said {form}!"))] {
                let log = Log::new();
                log.telemetry.line(line);
                // JSON escapes quotes and control characters; the form is looked for as it is written.
                let as_json = json!(form).to_string();
                let seen = stands_in(&log.written(), as_json.trim_matches('"'));
                assert!(seen, "{form:?} was written and is not seen in {}", log.written());
            }
        }
        let log = Log::new();
        log.telemetry.line(Line::info("x").id("event.id", &value));
        assert!(!leaks(&log.written()).is_empty(), "{value:?} was written and is not found in {}", log.written());
    }
}

#[test]
fn what_may_be_written_is_not_taken_for_a_leak() {
    let fine = "an event came in shopify#0b7e9c1e-5a55-4d0a-8a1d-4b8f0f0c1e00 +61*****313 2026-11-20T00:00:00.000Z 1795132800000 Secret(***)";
    assert_eq!(leaks(fine), Vec::<String>::new());
}
