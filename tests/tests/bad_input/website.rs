//! What browsers, and programs that pretend to be some, send to the website's functions: every field of every request with
//! values of every type and of none, and requests that no gateway would write.

use std::{collections::BTreeMap, rc::Rc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chat::Chat;
use contact_form::ContactForm;
use frontdesk_aws::lambda::http::{HttpAnswer, HttpEvent};
use frontdesk_core::{
    telemetry::Metric,
    time::{Clock, DAY},
    upload::UploadKey,
    web::{Purpose, Ticket},
};
use frontdesk_testkit::site::{Mishaps, SHOP, Server, Site};
use serde_json::{Value, json};
use widget_edge::WidgetEdge;

/// What stands for a value until its text is put in.
const HERE: &str = "@@@here@@@";

/// Values of every type and of no type, as JSON text.
const VALUES: [&str; 34] = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "1e3",
    "1e400",
    "18446744073709551615",
    "18446744073709551616",
    "\"\"",
    "\" \"",
    "\"0\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\u202e\\u200b\\ufeff\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"null\"",
    "\"undefined\"",
    "\"STOP\"",
    "\"+61491570156\"",
    "\"tel:1;phone-context=+61\"",
    "\";phone-context=+61tel:1\"",
    "\"<script>alert(1)</script>\"",
    "\"{{7*7}}\\r\\nx: y\"",
    "\"../../../etc/passwd\"",
    "[]",
    "[null]",
    "[[[[[[]]]]]]",
    "{}",
    "{\"prompt\":\"hi\"}",
    "[{},{},{},{},{},{},{}]",
    "nonsense",
];

fn ticket(site: &Site, purpose: Purpose) -> String {
    let data = r#"["uploads/1","a.png",5,"image/png"]"#.to_owned();
    Ticket { expires_at: site.clock.now().plus(DAY), nonce: "n".into(), data }.issue(&site.secrets.borrow(), purpose)
}

/// A request of each kind that nothing is wrong with: the path, the query and the body.
fn requests(site: &Site) -> Vec<(&'static str, String, Value)> {
    let form = format!("token={}", ticket(site, Purpose::Form));
    let file = json!({"name": "a.png", "size": 5, "type": "image/png"});
    vec![
        ("/chat", String::new(), json!({"prompt": "hello", "session_id": "s"})),
        ("/contact-form", form, json!({"name": "Mia", "email": "mia@example.com", "message": "Hello", "website": ""})),
        (
            "/webchat/check",
            String::new(),
            json!({"phone": "0491 570 156", "country": "AU", "location_uid": "syd", "text": "Hello",
            "email": "mia@example.com", "name": "Mia", "message_id": "m", "attachments": [file.clone()]}),
        ),
        ("/webchat/uploads", String::new(), file),
        (
            "/webchat/messages",
            String::new(),
            json!({"phone": "0491 570 156", "country": "AU", "location_uid": "syd", "text": "Hello",
            "email": "mia@example.com", "name": "Mia T", "first_name": "Mia", "last_name": "T", "message_id": "m",
            "attachments": [ticket(site, Purpose::Upload)]}),
        ),
    ]
}

fn a_site() -> Rc<Site> {
    let site = Rc::new(Site::new());
    site.storage.put(&UploadKey::from_stored("uploads/1"), 5, Some("image/png"));
    site
}

/// What the gateway hands over goes to the function of its path.
fn answered(site: &Rc<Site>, event: &Value) -> HttpAnswer {
    let path = event["rawPath"].as_str().unwrap_or_default().to_owned();
    let event: HttpEvent = serde_json::from_value(event.clone()).unwrap();
    let server = Server::of(site, Mishaps::new());
    let s = || server.clone();
    let guard = site.guard.clone();
    let work = async {
        match path.as_str() {
            "/chat" => {
                let (store, minds, secrets, pause) = (s(), s(), s(), s());
                let (clock, ids, telemetry, rules) = (s(), s(), s(), site.chat.clone());
                Chat { store, minds, secrets, pause, clock, ids, telemetry, guard, rules }.handle(event).await
            }
            "/contact-form" => {
                let (store, notices, secrets, clock, telemetry) = (s(), s(), s(), s(), s());
                let rules = site.form.clone();
                ContactForm { store, notices, secrets, clock, telemetry, guard, rules }.handle(event).await
            }
            _ => {
                let (store, queue, uploads, secrets, clock) = (s(), s(), s(), s(), s());
                let (ids, telemetry, rules) = (s(), s(), site.edge.clone());
                WidgetEdge { store, queue, uploads, secrets, clock, ids, telemetry, guard, rules }.handle(event).await
            }
        }
    };
    site.runs(&server, work).answer()
}

fn event(path: &str, query: &str, body: &[u8]) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query,
        "headers": {"origin": SHOP, "content-type": "application/json"},
        "body": BASE64.encode(body), "isBase64Encoded": true,
        "requestContext": {"http": {"method": "POST", "sourceIp": "192.0.2.7"}, "domainName": "api.shop.example", "stage": "$default"},
    })
}

/// What must be true of any answer, and of what is stored after it.
fn check(site: &Site, what: &str, answer: &HttpAnswer) {
    assert!(answer.status_code < 500, "{what}: {} {}", answer.status_code, answer.body);
    assert_eq!(site.recorder.count_of(Metric::RecordPanicked), 0, "{what}");
    assert_eq!(answer.headers.get("vary").map(String::as_str), Some("Origin"), "{what}");
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if answer.status_code >= 400 {
        assert!(body["error"].as_str().is_some_and(|error| !error.trim().is_empty()), "{what}: {body}");
    }
    let (rows, forms, asked) = (
        site.store.look(|tables| tables.inbox.len()),
        site.store.look(|tables| tables.forms.len()),
        site.mind.asked().len(),
    );
    let refused = answer.status_code >= 400 && answer.status_code != 451;
    assert!(!refused || rows + forms + asked == 0, "{what}: refused, and {rows} rows, {forms} forms, {asked} thoughts");
    let reported = format!("{:?}", site.recorder.lines());
    for secret in ["mia@example.com", "0491 570 156", "491570156", "<script>"] {
        assert!(!reported.contains(secret), "{what}: {secret} is reported: {reported}");
    }
}

#[test]
fn every_field_may_hold_anything() {
    let mut seen: BTreeMap<u16, usize> = BTreeMap::new();
    for (path, query, body) in requests(&a_site()) {
        for field in body.as_object().unwrap().keys() {
            for value in VALUES {
                let site = a_site();
                let mut changed = body.clone();
                changed[field] = json!(HERE);
                let text = changed.to_string().replace(&format!("\"{HERE}\""), value);
                let answer = answered(&site, &event(path, &query, text.as_bytes()));
                check(&site, &format!("{path}: {field} is {value}"), &answer);
                *seen.entry(answer.status_code).or_default() += 1;
            }
        }
    }
    for status in [200, 202, 400] {
        assert!(seen.get(&status).is_some_and(|times| *times > 20), "{seen:?}");
    }
}

#[test]
fn every_field_may_be_missing_doubled_or_another_requests() {
    let all = requests(&a_site());
    for (path, query, body) in &all {
        for field in body.as_object().unwrap().keys() {
            let site = a_site();
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(field);
            check(
                &site,
                &format!("{path} without {field}"),
                &answered(&site, &event(path, query, without.to_string().as_bytes())),
            );
            let site = a_site();
            let text = body.to_string();
            let twice = format!("{{\"{field}\":5,{}", &text[1..]);
            check(
                &site,
                &format!("{path} with {field} twice"),
                &answered(&site, &event(path, query, twice.as_bytes())),
            );
        }
        for (other, _, theirs) in &all {
            let site = a_site();
            let answer = answered(&site, &event(path, query, theirs.to_string().as_bytes()));
            check(&site, &format!("{path} with the body of {other}"), &answer);
        }
    }
}

#[test]
fn what_no_gateway_would_write_is_answered_too() {
    let good = |path: &str| event(path, "", br#"{"prompt":"hi"}"#);
    let paths = ["/chat", "/contact-form", "/webchat/config", "/webchat/messages", "/webchat/files/x", ""];
    let strange: [(&str, Value); 26] = [
        ("/headers", json!(null)),
        ("/headers", json!({})),
        ("/headers/origin", json!("")),
        ("/headers/origin", json!("https://www.shop.example,https://www.shop.example")),
        ("/headers/origin", json!("ñÿ→日本\u{0}")),
        ("/headers/x-csrftoken", json!("\u{0}\u{ffff}")),
        ("/headers/x-csrftoken", json!("a".repeat(100_000))),
        ("/headers/x-csrf-token", json!(".")),
        ("/body", json!(null)),
        ("/body", json!("")),
        ("/body", json!("not base64!")),
        ("/body", json!("/////w==")),
        ("/body", json!(BASE64.encode([0_u8; 70_000]))),
        ("/isBase64Encoded", json!(false)),
        ("/rawQueryString", json!(null)),
        ("/rawQueryString", json!("token=%ff%00%zz&token=&&=&token")),
        ("/rawQueryString", json!(format!("token={}", "a".repeat(100_000)))),
        ("/requestContext", json!(null)),
        ("/requestContext/http", json!([])),
        ("/requestContext/http/method", json!("post")),
        ("/requestContext/http/method", json!(7)),
        ("/requestContext/http/method", json!("OPTIONS")),
        ("/requestContext/http/sourceIp", json!("nowhere")),
        ("/requestContext/http/sourceIp", json!("fe80::1%eth0")),
        ("/requestContext/domainName", json!(null)),
        ("/requestContext/stage", json!("prod")),
    ];
    for path in paths {
        for (at, value) in &strange {
            let site = a_site();
            let mut event = good(path);
            let (parent, name) = at.rsplit_once('/').unwrap();
            event.pointer_mut(parent).unwrap()[name] = value.clone();
            check(&site, &format!("{path} with {at} = {value:.60}"), &answered(&site, &event));
        }
        let site = a_site();
        check(&site, "an empty event", &answered(&site, &json!({"rawPath": path})));
    }
}

#[test]
fn long_and_deep_bodies_end_soon() {
    for (path, query, _) in requests(&a_site()) {
        for body in [
            "[".repeat(65_000),
            "{\"a\":".repeat(13_000),
            format!("{}{}", "[".repeat(16), "]".repeat(16)),
            format!("{{\"attachments\":[{}1]}}", "{},".repeat(20_000)),
            format!("{{\"prompt\":\"{}\"}}", "e\\u0301".repeat(9_000)),
            format!("{{\"text\":\"{}\",\"phone\":\"{}\"}}", "\\u0000".repeat(5_000), "9".repeat(30_000)),
            format!("{{\"message\":\"{}\"}}", "\u{1F468}\u{200D}".repeat(9_000)),
            " ".repeat(65_536),
            " ".repeat(65_537),
            "1".repeat(65_000),
        ] {
            let site = a_site();
            let answer = answered(&site, &event(path, &query, body.as_bytes()));
            check(&site, &format!("{path}: {:.30}", body), &answer);
            assert!(answer.body.len() < 100_000, "{path}: {} bytes", answer.body.len());
        }
    }
}
