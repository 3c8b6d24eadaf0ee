//! What comes before every answer: origins, tokens, how often, how large; and that every answer can be read by its page.

use std::rc::Rc;

use frontdesk_core::{
    telemetry::Metric,
    web::{Call, Purpose, Ticket},
};
use frontdesk_testkit::{
    dice::Dice,
    site::{
        Mishap, Mishaps, Play, SHOP, Server, Site, asked, at_step, from, posted, secrets, with_header, without_header,
    },
};
use serde_json::{Value, json};

use crate::desk::{
    APOLOGY, Answer, ask, ask_with, begin, filled_in, form_address, message, millis, says, secs, sends, sent, serve,
    site, ticket,
};

/// A request that each address takes.
fn welcome(site: &Rc<Site>) -> Vec<Call> {
    vec![
        says("s", "hi"),
        sends(&form_address(site), &filled_in()),
        posted("/webchat/check", &json!({"phone": "0491 570 156", "country": "AU"})),
        posted("/webchat/uploads", &json!({"name": "a.png", "size": 5, "type": "image/png"})),
        sent(&message()),
        asked("GET", "/webchat/config"),
        asked(
            "GET",
            &format!(
                "/webchat/files/{}",
                ticket(site, Purpose::File, secs(60), r#"["uploads/1","a.png",5,"image/png"]"#)
            ),
        ),
    ]
}

fn methods(path: &str) -> &'static str {
    match path {
        "/webchat/config" => "GET, OPTIONS",
        path if path.starts_with("/webchat/files/") => "GET, OPTIONS",
        _ => "POST, OPTIONS",
    }
}

/// The same address with something that it refuses, each in another way.
fn refused(site: &Rc<Site>, call: &Call) -> Vec<(u16, Call)> {
    let mut all = vec![(405, Call { method: "DELETE".into(), ..call.clone() })];
    if call.method == "POST" {
        all.extend([
            (413, Call { body: vec![b' '; 65_537], ..call.clone() }),
            (400, Call { body: b"{".to_vec(), ..call.clone() }),
            (400, Call { body: Vec::new(), ..call.clone() }),
            (403, with_header(call.clone(), "x-csrftoken", "forged")),
        ]);
    }
    if call.path == "/contact-form" {
        all.push((403, Call { query: Vec::new(), ..call.clone() }));
        all.push((400, Call { body: b"{}".to_vec(), ..call.clone() }));
    }
    if call.path.starts_with("/webchat/files/") {
        all.push((403, Call { path: "/webchat/files/forged".into(), ..call.clone() }));
    }
    let _ = site;
    all
}

#[test]
fn every_answer_to_a_page_of_ours_can_be_read_and_none_to_anothers() {
    let probe = site();
    for call in welcome(&probe) {
        let good = if call.path.starts_with("/webchat/files/") { 302 } else { 200 };
        let good = if call.path == "/webchat/messages" { 202 } else { good };
        let cases: Vec<(u16, Call)> = std::iter::once((good, call.clone())).chain(refused(&probe, &call)).collect();
        for (status, call) in cases {
            for origin in [SHOP, "http://localhost:8790"] {
                let answer = ask(&site(), &with_header(call.clone(), "origin", origin));
                assert_eq!(answer.status, status, "{} {}", call.path, answer.body);
                assert_eq!(answer.header("access-control-allow-origin"), Some(origin), "{} {status}", call.path);
                assert_eq!(answer.header("access-control-expose-headers"), Some("Retry-After"));
                assert_eq!(answer.header("access-control-allow-credentials"), None);
                assert_eq!((answer.header("vary"), answer.header("cache-control")), (Some("Origin"), Some("no-store")));
                assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            }
            for foreign in ["https://evil.example", "http://127.0.0.1:8790", "null", "", "*", &format!("{SHOP},{SHOP}")]
            {
                let site = site();
                let before = site.store.tables().writes;
                let answer = ask(&site, &with_header(call.clone(), "origin", foreign));
                assert_eq!((answer.status, answer.error().is_empty()), (403, false), "{} {foreign}", call.path);
                assert_eq!(answer.header("vary"), Some("Origin"));
                assert!(!answer.headers.keys().any(|name| name.starts_with("access-control-")), "{:?}", answer.headers);
                assert_eq!(site.store.tables().writes, before, "it changed something");
                assert!(site.mind.asked().is_empty());
            }
            let answer = ask(&site(), &without_header(call.clone(), "origin"));
            assert_eq!((answer.status, answer.header("vary")), (status, Some("Origin")));
            assert!(!answer.headers.keys().any(|name| name.starts_with("access-control-")), "{:?}", answer.headers);
        }
    }
}

#[test]
fn a_preflight_tells_what_is_allowed_and_does_nothing() {
    let probe = site();
    for call in welcome(&probe) {
        let site = site();
        let preflight = Call { method: "OPTIONS".into(), body: Vec::new(), ..call.clone() };
        let before = site.store.tables().writes;
        for _ in 0..150 {
            let answer = ask(&site, &preflight);
            assert_eq!((answer.status, answer.body.clone()), (204, Value::Null));
            assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP));
            assert_eq!(answer.header("access-control-allow-methods"), Some(methods(&call.path)), "{}", call.path);
            let headers = answer.header("access-control-allow-headers").unwrap().to_lowercase();
            for needed in ["content-type", "x-csrftoken", "x-csrf-token"] {
                assert!(headers.split(", ").any(|name| name == needed), "{needed}: {headers}");
            }
            assert_eq!((answer.header("access-control-max-age"), answer.header("vary")), (Some("600"), Some("Origin")));
        }
        let foreign = ask(&site, &with_header(preflight.clone(), "origin", "https://evil.example"));
        assert_eq!((foreign.status, foreign.error().is_empty()), (403, false));
        // No request follows a refused preflight, so a page that was not allowed shows here or nowhere.
        assert_eq!(site.recorder.count_of(Metric::WebCode), 1);
        assert_eq!(site.recorder.lines()[0].code, Some("ERR_WEB_001"));
        assert!(!foreign.headers.keys().any(|name| name.starts_with("access-control-")));
        assert_eq!(ask(&site, &without_header(preflight, "origin")).status, 204);
        assert_eq!(site.store.tables().writes, before, "preflights are not counted");
    }
}

#[test]
fn a_token_is_taken_in_both_spellings_and_an_empty_one_is_none() {
    let site = site();
    let good = ask(&site, &asked("GET", "/webchat/config")).body["csrf_token"].as_str().unwrap().to_owned();
    let call = |headers: &[(&str, &str)]| {
        let check = posted("/webchat/check", &json!({}));
        headers.iter().fold(check, |call, (name, value)| with_header(call, name, value))
    };
    let (old, new) = ("x-csrftoken", "x-csrf-token");
    let forged = format!("{}A", &good[..good.len() - 1]);
    let forged = if forged == good { format!("{}B", &good[..good.len() - 1]) } else { forged };
    for (headers, status) in [
        (vec![], 200),
        (vec![(old, "")], 200),
        (vec![(new, "")], 200),
        (vec![(old, "  "), (new, "")], 200),
        (vec![(old, good.as_str())], 200),
        (vec![(new, good.as_str())], 200),
        (vec![("X-CSRFToken", good.as_str())], 200),
        (vec![("X-CSRF-Token", good.as_str())], 200),
        (vec![(old, good.as_str()), (new, good.as_str())], 200),
        (vec![(old, ""), (new, good.as_str())], 200),
        (vec![(old, "x")], 403),
        (vec![(new, "undefined")], 403),
        (vec![(old, forged.as_str())], 403),
        (vec![(old, good.as_str()), (new, "x")], 403),
        (vec![(old, "x"), (new, good.as_str())], 403),
        (vec![("X-CSRF-TOKEN", "x")], 403),
    ] {
        let answer = ask(&site, &call(&headers));
        assert_eq!(answer.status, status, "{headers:?}");
        if status == 403 {
            assert_eq!((answer.error(), answer.code()), ("Invalid CSRF token", "ERR_WEB_002"));
        }
    }
    assert_eq!(ask(&site, &with_header(says("s", "hi"), old, "x")).body, json!({"error": "Invalid CSRF token"}));
    assert!(site.mind.asked().is_empty());
}

#[test]
fn a_token_counts_for_its_time_and_purpose_and_through_a_rotation() {
    let site = site();
    let answer = |site: &Rc<Site>, token: &str| {
        let call = with_header(posted("/webchat/check", &json!({})), "x-csrftoken", token);
        ask(site, &call).status
    };
    let config = ask(&site, &asked("GET", "/webchat/config")).body;
    let token = config["csrf_token"].as_str().unwrap();
    assert_eq!(config["csrf_expires_in_seconds"], 7_200);
    site.pass(secs(7_199));
    assert_eq!(answer(&site, token), 200);
    site.pass(secs(1));
    assert_eq!(answer(&site, token), 403, "after two hours");
    for purpose in [Purpose::Form, Purpose::Upload, Purpose::File] {
        assert_eq!(answer(&site, &ticket(&site, purpose, secs(60), "")), 403, "{purpose:?}");
    }
    let form = form_address(&site);
    assert_eq!(answer(&site, form.split_once('=').unwrap().1), 403, "a form's token is no page's");
    let made = ticket(&site, Purpose::Csrf, secs(600), "");
    let rotate = |current: &str, previous: &str| *site.secrets.borrow_mut() = secrets(current, Some(previous));
    rotate("the-next-secret", "the-current-secret");
    assert_eq!(answer(&site, &made), 200, "made with the previous secret");
    rotate("the-one-after", "the-next-secret");
    assert_eq!(answer(&site, &made), 403, "that secret counts no more");
}

/// Servers read the secret at different times.
#[test]
fn what_was_made_with_a_newer_secret_than_a_server_knows_counts() {
    let site = site();
    let old = secrets("the-current-secret", Some("the-previous-secret"));
    *site.secrets.borrow_mut() = secrets("the-next-secret", Some("the-current-secret"));
    let upload = ask(&site, &posted("/webchat/uploads", &json!({"name": "a.png", "size": 5, "type": "image/png"})));
    let other = ask(&site, &posted("/webchat/uploads", &json!({"name": "b.png", "size": 5, "type": "image/png"})));
    for answer in [&upload, &other] {
        let url = answer.body["upload"]["url"].as_str().unwrap();
        let key = url.strip_prefix("https://uploads.example.test/").unwrap().split('?').next().unwrap();
        site.storage.put(&frontdesk_core::upload::UploadKey::from_stored(key), 5, Some("image/png"));
    }
    let attachments = json!([upload.body["attachment"], other.body["attachment"]]);
    let csrf = ticket(&site, Purpose::Csrf, secs(60), "");
    let file = ticket(&site, Purpose::File, secs(60), r#"["uploads/1","a.png",5,"image/png"]"#);
    for (call, status) in [
        (with_header(says("s", "hi"), "x-csrftoken", &csrf), 200),
        (sends(&form_address(&site), &filled_in()), 200),
        (sent(&crate::desk::but(message(), "attachments", attachments)), 202),
        (asked("GET", &format!("/webchat/files/{file}")), 302),
    ] {
        let server = Server::of(&site, Mishaps::new()).knowing(old.clone());
        let answer = site.runs(&server, serve(server.clone(), call.clone())).answer();
        assert_eq!(answer.status, status, "{}: {}", call.path, answer.body);
    }
    // A stranger's stays a stranger's.
    let stranger =
        Ticket { expires_at: frontdesk_testkit::world::GENESIS.plus(secs(600)), nonce: "n".into(), data: "[]".into() };
    for (purpose, address) in [(Purpose::Form, "/contact-form?token="), (Purpose::File, "/webchat/files/")] {
        let token = stranger.issue(&secrets("a stranger's", None), purpose);
        let call = match purpose {
            Purpose::Form => sends(&format!("{address}{token}"), &filled_in()),
            Purpose::Csrf | Purpose::Upload | Purpose::File => asked("GET", &format!("{address}{token}")),
        };
        let server = Server::of(&site, Mishaps::new()).knowing(old.clone());
        assert_eq!(site.runs(&server, serve(server.clone(), call)).answer().status, 403, "{purpose:?}");
    }
}

// ---- How often

fn hits(site: &Rc<Site>, call: &Call, times: usize) -> Vec<u16> {
    (0..times).map(|_| ask(site, call).status).collect()
}

#[test]
fn a_hundred_requests_in_a_quarter_of_an_hour_and_then_when_to_come_again() {
    let check = posted("/webchat/check", &json!({}));
    for (call, text) in [
        (says(Value::Null, ""), "Too many chat requests, please try again later."),
        (sends("/contact-form", &json!({})), "Too many requests, please try again later."),
        (check, "Too many requests, please try again later."),
    ] {
        let site = site();
        assert!(!hits(&site, &call, 60).contains(&429));
        site.pass(secs(300));
        assert!(!hits(&site, &call, 40).contains(&429), "the hundredth too");
        site.pass(millis(599_001));
        let answer = ask(&site, &call);
        assert_eq!((answer.status, answer.error(), answer.header("retry-after")), (429, text, Some("1")));
        assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP), "{:?}", answer.headers);
        site.pass(millis(999));
        assert_ne!(ask(&site, &call).status, 429, "after what it was told to wait");
    }
    let site = site();
    let call = posted("/webchat/check", &json!({}));
    hits(&site, &call, 100);
    let answer = ask(&site, &call);
    assert_eq!((answer.header("retry-after"), answer.code()), (Some("900"), "ERR_WEB_003"));
    assert_eq!((answer.body["field"].clone(), answer.body["ok"].clone()), (json!(""), json!(false)));
    site.pass(secs(900));
    let again = hits(&site, &call, 101);
    assert_eq!(again.iter().filter(|status| **status == 200).count(), 100, "a whole new hundred");
}

#[test]
fn however_requests_interleave_exactly_a_hundred_pass() {
    for seed in 1..=20 {
        let (mut plain, mut dice) = (Site::new(), Dice::seeded(seed));
        plain.guard.rate.limit = 7;
        let site = Rc::new(plain);
        let mut play = Play::on(&site);
        for _ in 0..20 {
            begin(&mut play, &site, &posted("/webchat/check", &json!({})));
        }
        let answers: Vec<Answer> = play.run_by_chance(&mut dice).into_iter().map(|end| end.answer()).collect();
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 7, "seed {seed}");
        assert!(answers.iter().all(|answer| [200, 429].contains(&answer.status)));
    }
}

#[test]
fn a_client_is_its_address_at_the_gateway_and_nothing_that_it_says() {
    let mut plain = Site::new();
    plain.guard.rate.limit = 3;
    let site = Rc::new(plain);
    let call = posted("/webchat/check", &json!({}));
    assert_eq!(hits(&site, &call, 4), [200, 200, 200, 429]);
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("cf-connecting-ip", "203.0.113.9"),
        ("true-client-ip", "203.0.113.9"),
        ("user-agent", "somebody else"),
        ("x-csrftoken", ""),
        ("origin", "http://localhost:8790"),
    ] {
        assert_eq!(ask(&site, &with_header(call.clone(), name, value)).status, 429, "{name}");
    }
    assert_eq!(ask(&site, &from(call.clone(), "::ffff:192.0.2.7")).status, 429, "the same address, written otherwise");
    assert_eq!(ask(&site, &from(call.clone(), "192.0.2.8")).status, 200, "another client");
    for address in ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::9"] {
        assert_eq!(ask(&site, &from(call.clone(), address)).status, 200);
    }
    assert_eq!(ask(&site, &from(call.clone(), "2001:db8:1:2:3::")).status, 429, "a /64 is one client");
    assert_eq!(ask(&site, &from(call.clone(), "2001:db8:1:3::1")).status, 200);
    // Each of the three is counted for itself; what is asked without changing anything is not.
    assert_ne!(ask(&site, &says("s", "hi")).status, 429);
    assert_ne!(ask(&site, &sends("/contact-form", &json!({}))).status, 429);
    assert_eq!(hits(&site, &asked("GET", "/webchat/config"), 9), [200; 9]);
}

#[test]
fn what_is_refused_unread_is_not_counted_and_what_is_refused_read_is() {
    let mut plain = Site::new();
    plain.guard.rate.limit = 2;
    let site = Rc::new(plain);
    let call = posted("/webchat/check", &json!({}));
    let cheap = [
        with_header(call.clone(), "origin", "https://evil.example"),
        Call { method: "PUT".into(), ..call.clone() },
        Call { body: vec![b' '; 70_000], ..call.clone() },
    ];
    for refused in cheap {
        hits(&site, &refused, 5);
    }
    assert_eq!(ask(&site, &Call { body: b"{".to_vec(), ..call.clone() }).status, 400);
    assert_eq!(ask(&site, &with_header(call.clone(), "x-csrftoken", "x")).status, 403);
    assert_eq!(ask(&site, &call).status, 429, "guessing tokens is counted");
}

// ---- How large

#[test]
fn a_body_may_be_so_large_and_so_deep() {
    let site = site();
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let inside = |levels: usize| format!("{{\"x\":{}}}", nested(levels - 1));
    let padded = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
    for (body, status) in [
        (padded(65_536), 200),
        (padded(65_537), 413),
        (inside(16), 200),
        (inside(17), 400),
        (format!("{{\"x\":\"{}\"}}", "[".repeat(500)), 200),
        (nested(60_000 / 2), 400),
        ("[".repeat(60_000), 400),
        ("{\"a\":".repeat(10_000), 400),
        ("1e400".into(), 400),
        ("\"\\ud800\"".into(), 400),
        ("{\"phone\": NaN}".into(), 400),
        ("\u{feff}{}".into(), 400),
        ("{} {}".into(), 400),
        ("phone=1".into(), 400),
    ] {
        let call = Call { body: body.into_bytes(), ..asked("POST", "/webchat/check") };
        let answer = ask(&site, &call);
        assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&call.body[..call.body.len().min(60)]));
        if status != 200 {
            let expected =
                if status == 413 { ("Request too large", "ERR_WEB_004") } else { ("Invalid JSON", "ERR_WEB_005") };
            assert_eq!((answer.error(), answer.code()), expected);
        }
    }
    let not_text = Call { body: vec![0xff, 0xfe, 0x00], ..asked("POST", "/chat") };
    assert_eq!(ask(&site, &not_text).body, json!({"error": "Invalid JSON"}));
}

// ---- When something breaks

#[test]
fn a_bug_or_a_table_that_is_away_becomes_an_answer_that_a_page_can_read() {
    let probe = site();
    for call in welcome(&probe) {
        let (_, server) = ask_with(&site(), Mishaps::new(), &call);
        for step in 0..server.walked().len() {
            for mishap in [Mishap::Panics, Mishap::NotApplied, Mishap::ReplyLost] {
                let site = site();
                let (end, server) = ask_with(&site, at_step(step, mishap), &call);
                let (answer, what) = (end.answer(), server.walked()[step]);
                assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP), "{mishap:?} of {what}");
                assert_eq!(answer.header("vary"), Some("Origin"));
                if mishap == Mishap::Panics {
                    assert_eq!(site.recorder.count_of(Metric::RecordPanicked), 1, "{what}");
                }
                let expected: &[u16] = match (call.path.as_str(), what) {
                    ("/chat", _) => &[200],
                    // What is kept is kept, whether or not anybody is woken.
                    (_, "enqueue" | "enqueue_notice") if mishap != Mishap::Panics => &[200, 202],
                    ("/contact-form", _) => &[500],
                    _ => &[503],
                };
                assert!(expected.contains(&answer.status), "{mishap:?} of {what} at {}: {}", call.path, answer.status);
                match answer.status {
                    200 | 202 => {}
                    500 => assert_eq!(answer.error(), "Failed to submit form. Please try again."),
                    _ => assert_eq!((answer.code(), answer.header("retry-after")), ("ERR_WEB_007", Some("5"))),
                }
            }
        }
    }
    let site = site();
    let (end, _) = ask_with(&site, at_step(0, Mishap::NotApplied), &says("s", "hi"));
    assert_eq!(end.answer().output(), Some(APOLOGY), "a chat shows nothing of an error but its own words");
    let reported = format!("{:?}", site.recorder.lines());
    assert!(!reported.contains("192.0.2.7"), "{reported}");
}
