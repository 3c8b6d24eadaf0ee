//! No input is a server error: any tree of JSON, any bytes, any method, path, query and header, for all three functions.

use std::rc::Rc;

use frontdesk_core::web::{Call, Purpose};
use frontdesk_testkit::site::{SHOP, Site, asked};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::desk::{Answer, ask, form_address, secs, site, ticket};

const NAMES: [&str; 26] = [
    "prompt",
    "session_id",
    "name",
    "email",
    "message",
    "website",
    "phone",
    "country",
    "location_uid",
    "text",
    "first_name",
    "last_name",
    "message_id",
    "attachments",
    "size",
    "type",
    "csrf_token",
    "token",
    "e164",
    "output",
    "content",
    "0",
    "",
    "__proto__",
    "constructor",
    "\u{0}",
];

const WORDS: [&str; 22] = [
    "hi",
    "STOP",
    "START",
    "sample_session",
    "0491 570 156",
    "+61491570156",
    "tel:+61491570156;ext=5",
    "AU",
    "syd",
    "mel",
    "mia@example.com",
    "image/png",
    "text/html",
    "yes",
    "1",
    "\u{0}",
    "\u{202e}\u{200b}",
    "\u{1F468}\u{200D}\u{1F469}",
    "'; DROP TABLE",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "../../etc/passwd",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => ("[a-z]{1,4}", 1_usize..3_000).prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
        word().prop_map(Value::from),
    ]
}

/// A tree whose fields have the names that are read.
fn tree() -> impl Strategy<Value = Value> {
    let name = prop_oneof![9 => proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => any::<String>()];
    leaf().prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            4 => proptest::collection::vec((name.clone(), inner), 0..12)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A request that is nearly right, with some of its fields replaced.
fn nearly() -> impl Strategy<Value = Value> {
    let right = prop_oneof![
        Just(json!({"prompt": "hi", "session_id": "s"})),
        Just(json!({"name": "Mia", "email": "mia@example.com", "message": "Hello"})),
        Just(json!({"phone": "0491 570 156", "location_uid": "syd", "text": "Hello", "name": "Mia"})),
        Just(json!({"name": "a.png", "size": 5, "type": "image/png"})),
    ];
    let field = (proptest::sample::select(NAMES.to_vec()), tree());
    (right, proptest::collection::vec(field, 0..4)).prop_map(|(mut body, fields)| {
        for (name, value) in fields {
            body[name] = value;
        }
        body
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => nearly().prop_map(|body| body.to_string().into_bytes()),
        3 => tree().prop_map(|body| body.to_string().into_bytes()),
        2 => proptest::collection::vec(any::<u8>(), 0..400),
        1 => (tree(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(body, at, byte)| {
            let mut bytes = body.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        1 => (1_usize..70_000).prop_map(|length| vec![b'['; length]),
    ]
}

const PLACES: [&str; 8] = [
    "/chat",
    "/contact-form",
    "/webchat/config",
    "/webchat/check",
    "/webchat/uploads",
    "/webchat/messages",
    "/webchat/files/TICKET",
    "/webchat/other",
];

fn place() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(PLACES.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "/(webchat|chat)/[ -~]{0,40}",
    ]
}

fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => Just("POST".to_owned()),
        3 => Just("GET".to_owned()),
        1 => Just("OPTIONS".to_owned()),
        1 => "[A-Za-z]{0,9}",
        1 => any::<String>(),
    ]
}

fn header() -> impl Strategy<Value = (String, String)> {
    let names =
        ["origin", "x-csrftoken", "x-csrf-token", "content-type", "x-forwarded-for", "host", "cookie", "Origin"];
    let value = prop_oneof![Just(SHOP.to_owned()), Just(String::new()), any::<String>(), "[ -~]{0,90}"];
    (prop_oneof![4 => proptest::sample::select(names.to_vec()).prop_map(str::to_owned), 1 => any::<String>()], value)
}

fn call() -> impl Strategy<Value = Call> {
    let query = proptest::collection::vec(("[a-z]{0,8}|token", "[ -~&&[^&=#]]{0,40}|TICKET"), 0..4);
    let client = proptest::option::of(prop_oneof![
        any::<[u8; 4]>().prop_map(std::net::IpAddr::from),
        any::<[u8; 16]>().prop_map(std::net::IpAddr::from),
    ]);
    let own = proptest::option::weighted(0.9, Just("https://api.shop.example".to_owned()));
    (method(), place(), query, proptest::collection::vec(header(), 0..5), body(), client, own).prop_map(
        |(method, path, query, mut headers, body, client, own_url)| {
            // Of most the origin is right: what is refused for it gets no further.
            if !headers.iter().any(|(name, _)| name == "origin") {
                headers.push(("origin".into(), SHOP.into()));
            }
            let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
            Call { method, path, query, headers, body, client, own_url }
        },
    )
}

/// Where tickets are asked for, real ones.
fn with_tickets(site: &Rc<Site>, mut call: Call) -> Call {
    let file = ticket(site, Purpose::File, secs(60), r#"["uploads/1","a.png",5,"image/png"]"#);
    call.path = call.path.replace("TICKET", &file);
    let form = form_address(site);
    let form = form.split_once('=').unwrap().1;
    for (_, value) in &mut call.query {
        *value = value.replace("TICKET", form);
    }
    if call.path == "/contact-form" && call.query.is_empty() {
        call.query.push(("token".into(), form.into()));
    }
    call
}

fn assert_kept_to_the_contract(call: &Call, answer: &Answer) {
    assert!(answer.status < 500, "{call:?}: {} {}", answer.status, answer.body);
    assert_eq!(answer.header("vary"), Some("Origin"));
    assert_eq!(answer.body == Value::Null, [204, 302].contains(&answer.status));
    if answer.status >= 400 {
        assert!(!answer.error().trim().is_empty(), "{call:?}: {}", answer.body);
    }
    if let Some(origin) = answer.header("access-control-allow-origin") {
        assert!([SHOP, "http://localhost:8790"].contains(&origin), "{origin}");
    }
    assert!(answer.body.to_string().len() < 200_000);
    for (name, value) in &answer.headers {
        assert!(!value.chars().any(char::is_control), "{name}: {value:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_request_is_a_server_error(call in call()) {
        let site = site();
        let call = with_tickets(&site, call);
        let answer = ask(&site, &call);
        assert_kept_to_the_contract(&call, &answer);
        assert_eq!(site.recorder.count_of(frontdesk_core::telemetry::Metric::RecordPanicked), 0, "{call:?}");
    }

    #[test]
    fn no_body_is_a_server_error_at_any_place(body in body()) {
        let site = site();
        for place in PLACES {
            let call = with_tickets(&site, Call { body: body.clone(), ..asked("POST", place) });
            let answer = ask(&site, &call);
            assert_kept_to_the_contract(&call, &answer);
            // What was promised is there.
            if place == "/webchat/messages" && [200, 202, 451].contains(&answer.status) {
                assert_eq!(site.store.look(|tables| tables.inbox.len()), 1);
            }
            if place == "/chat" && answer.status == 200 {
                assert!(answer.output().is_some_and(|text| !text.trim().is_empty()) || answer.body["content"].is_string());
            }
        }
        assert_eq!(site.recorder.count_of(frontdesk_core::telemetry::Metric::RecordPanicked), 0);
    }
}
