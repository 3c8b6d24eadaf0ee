//! Requests of browsers to the chat, the contact form and the webchat form, written as HTTP writes them: the first line, the
//! headers, an empty line, and the body. Where `TICKET` stands, a real one is put.
//!
//! Promises: nothing makes it panic, and with healthy tables nothing is a server error; what an answer promises is stored;
//! only a page of ours is told that it may read an answer; whoever says STOP with a number that can be read is not texted any
//! more; and the chat always shows something.

use std::rc::Rc;

use frontdesk_core::{
    flow::widget_edge::Place,
    phone::{E164Phone, normalize},
    telemetry::Metric,
    time::Clock,
    web::{Call, Purpose, Reply, Ticket},
    wish::{self, ExtraWords, Wish},
};
use frontdesk_testkit::site::{self, SHOP, Server, Site, VISITOR};
use serde_json::Value;

use crate::{Samples, Target};

pub(crate) const TARGET: Target = Target {
    name: "website",
    bytes_max: 4_096,
    words: &[
        "POST ",
        "GET ",
        "OPTIONS ",
        "/chat",
        "/contact-form?token=TICKET",
        "/webchat/config",
        "/webchat/check",
        "/webchat/uploads",
        "/webchat/messages",
        "/webchat/files/TICKET",
        "\norigin: https://www.shop.example",
        "\norigin: null",
        "\nx-csrftoken: TICKET",
        "\nx-csrf-token: ",
        "\nx-forwarded-for: 203.0.113.9",
        "\n\n",
        "\"prompt\":",
        "\"session_id\":",
        "\"sample_session\"",
        "\"phone\":\"0491 570 156\"",
        "\"phone\":\"+61491570156\"",
        "\"country\":\"AU\"",
        "\"location_uid\":\"syd\"",
        "\"text\":\"STOP\"",
        "\"text\":",
        "\"email\":\"mia@example.com\"",
        "\"message_id\":",
        "\"name\":",
        "\"first_name\":",
        "\"message\":",
        "\"website\":",
        "\"attachments\":[\"TICKET\"]",
        "\"size\":26214400",
        "\"type\":\"image/png\"",
        "\\u200b",
        "\\u202e",
        "\\ud83d\\ude00",
        "null",
        "true",
        "{",
        "}",
        "[",
        "]",
    ],
    seeds,
    run,
};

fn seeds(_: &Samples) -> Vec<Vec<u8>> {
    let requests = [
        "POST /chat\norigin: https://www.shop.example\n\n{\"prompt\":\"hello\",\"session_id\":\"s\"}",
        "POST /chat\nx-csrftoken: \n\n{\"prompt\":\"contact\",\"session_id\":\"sample_session\"}",
        "POST /chat\nx-csrf-token: TICKET\n\n{\"prompt\":\"human\",\"session_id\":null}",
        "POST /contact-form?token=TICKET\n\n{\"name\":\"Mia\",\"email\":\"mia@example.com\",\"message\":\"Hello\"}",
        "GET /webchat/config\norigin: https://www.shop.example\n\n",
        "POST /webchat/check\n\n{\"phone\":\"0491 570 156\",\"country\":\"AU\",\"location_uid\":\"syd\",\"attachments\":[{\"name\":\"a.png\",\"size\":5,\"type\":\"image/png\"}]}",
        "POST /webchat/uploads\n\n{\"name\":\"a.png\",\"size\":5,\"type\":\"image/png\"}",
        "POST /webchat/messages\n\n{\"phone\":\"0491 570 156\",\"location_uid\":\"syd\",\"text\":\"Hello\",\"name\":\"Mia T\",\"email\":\"mia@example.com\",\"message_id\":\"m\",\"attachments\":[\"TICKET\"]}",
        "POST /webchat/messages\n\n{\"phone\":\"+61491570156\",\"text\":\"STOP\"}",
        "GET /webchat/files/TICKET\n\n",
        "OPTIONS /chat\norigin: https://evil.example\n\n",
    ];
    requests.iter().map(|request| request.as_bytes().to_vec()).collect()
}

const RULES: &str = r#"[
    {"words": ["hello"], "answer": "What is it about?", "options": [{"title": "A", "value": "a"}, {"title": "B", "value": "b"}]},
    {"words": ["returns"], "articles": ["returns"]},
    {"words": ["contact"], "form": true}
]"#;

/// A ticket for whatever stands around it: of the kind that the path asks for.
fn ticket(site: &Site, purpose: Purpose) -> String {
    let data = r#"["uploads/1","a.png",5,"image/png"]"#.to_owned();
    let expires_at = site.clock.now().plus(std::time::Duration::from_secs(60));
    Ticket { expires_at, nonce: "n".into(), data }.issue(&site.secrets.borrow(), purpose)
}

fn call(site: &Site, data: &[u8]) -> Call {
    let end = data.windows(2).position(|two| two == b"\n\n").unwrap_or(data.len());
    let (head, body) = (&data[..end], data.get(end + 2..).unwrap_or_default());
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split('\n');
    let first = lines.next().unwrap_or_default();
    let (method, address) = first.split_once(' ').unwrap_or((first, ""));
    let purpose = if address.starts_with("/webchat/files/") { Purpose::File } else { Purpose::Form };
    let address = address.replace("TICKET", &ticket(site, purpose));
    let mut call = site::asked(method, &address);
    call.headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.replace("TICKET", &ticket(site, Purpose::Csrf)).into()))
        .collect();
    let body = String::from_utf8_lossy(body).replace("TICKET", &ticket(site, Purpose::Upload)).into_bytes();
    // What is no text stays what it is.
    call.body = if std::str::from_utf8(data).is_ok() { body } else { data.get(end + 2..).unwrap_or_default().to_vec() };
    call.client = Some(VISITOR.parse().unwrap());
    call
}

fn run(data: &[u8]) {
    let site = Rc::new(Site::new());
    site.mind.answers_by_keyword(RULES);
    site.storage.put(&frontdesk_core::upload::UploadKey::from_stored("uploads/1"), 5, Some("image/png"));
    let call = call(&site, data);
    let server = Server::of(&site, site::Mishaps::new());
    let work = async {
        match call.path.as_str() {
            "/chat" => server.chat(&call).await,
            "/contact-form" => server.form(&call).await,
            _ => server.edge(&call).await,
        }
    };
    let reply = site.runs(&server, work).answer();
    assert!(reply.status < 500, "a server error: {}", reply.status);
    assert_eq!(site.recorder.count_of(Metric::RecordPanicked), 0, "a panic");
    assert_eq!(reply.header("vary"), Some("Origin"));
    if let Some(allowed) = reply.header("access-control-allow-origin") {
        assert!(call.header("origin") == Some(allowed) && [SHOP, "http://localhost:8790"].contains(&allowed));
    }
    check(&site, &call, &reply);
}

fn check(site: &Site, call: &Call, reply: &Reply) {
    let body = reply.body.clone().unwrap_or_default();
    assert!(reply.status < 400 || !body["error"].as_str().unwrap_or_default().is_empty(), "a refusal without a word");
    let (rows, forms) = site.store.look(|tables| (tables.inbox.len(), tables.forms.len()));
    let is_message = Place::at(&call.path) == Place::Messages && call.method == "POST";
    match (call.path.as_str(), reply.status) {
        ("/chat", 200) => {
            let shown = body["output"].as_str().or(body["content"].as_str()).unwrap_or_default();
            assert!(!shown.trim().is_empty(), "the widget shows nothing of {body}");
        }
        ("/contact-form", 200) if call.method == "POST" => {
            let sent: Value = serde_json::from_slice(&call.body).unwrap();
            assert!(forms == 1 || sent.get("website").is_some(), "thanked for, and not kept");
        }
        (_, 200 | 202 | 451) if is_message => assert_eq!(rows, 1, "promised, and not stored"),
        _ => assert_eq!((rows, forms), (0, 0), "refused, and stored"),
    }
    if is_message && reply.status < 400 {
        stop_holds(site, &call.body);
    }
}

/// A STOP with a number that names its country holds, whatever else is in the message.
fn stop_holds(site: &Site, body: &[u8]) {
    let Ok(sent) = serde_json::from_slice::<Value>(body) else { return };
    let (text, phone) = (sent["text"].as_str().unwrap_or_default(), sent["phone"].as_str().unwrap_or_default());
    let Ok(read) = normalize(phone.trim(), None) else { return };
    if wish::read(text, &ExtraWords::default()) == Wish::Stop {
        let phone: E164Phone = read.e164;
        let out = site.store.look(|t| t.contacts.get(&phone).is_some_and(|contact| contact.opted_out().is_some()));
        assert!(out, "a STOP that nobody heard");
    }
}
