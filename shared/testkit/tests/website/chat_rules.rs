//! The chat's contract: what is refused and how, and what each kind of answer looks like.

use std::rc::Rc;

use frontdesk_core::{
    outbound::{Product, Stock},
    telemetry::Metric,
};
use frontdesk_testkit::site::{API, SHOP, Site, Thinks, asked, posted, with_header, without_header};
use serde_json::{Value, json};

use crate::desk::{Answer, ask, says, secs, site};

const WE_ARE: &str = "You are chatting with our automated assistant.";
/// A rule of each kind that the keyword agent has.
const RULES: &str = r#"[
    {"words": ["open"], "answer": "Mon-Sat\n9 to 5."},
    {"words": ["hello"], "answer": "What is it about?", "options": [{"title": "Lamps", "value": "lamps"}, {"title": "A person", "value": "human"}]},
    {"words": ["lamps"], "products": "lamp", "answer": "Look:"},
    {"words": ["returns"], "articles": ["returns"]},
    {"words": ["contact"], "form": true, "answer": "Write to us:"},
    {"words": ["human"], "handoff": true}
]"#;

fn by_keyword() -> Rc<Site> {
    let site = site();
    site.mind.answers_by_keyword(RULES);
    *site.mind.products.borrow_mut() = Some(vec![Product {
        id: "7".into(),
        title: "Brass lamp".into(),
        price: Some("129.95".into()),
        currency: "AUD".into(),
        price_from: false,
        stock: Stock::InStock,
        attributes: vec![("Colour".into(), "brass".into())],
        url: "https://www.shop.example/lamp".into(),
        image: Some("https://www.shop.example/lamp.jpg".into()),
    }]);
    site
}

/// The widget draws these and nothing else, and shows an empty bubble where something required is missing.
fn assert_drawable(answer: &Answer) {
    assert_eq!(answer.status, 200);
    let body = &answer.body;
    if let Some(output) = answer.output() {
        assert!(!output.trim().is_empty() && !output.contains('\n'), "{output:?}");
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        return;
    }
    let text = |value: &Value, name: &str| assert!(!value[name].as_str().unwrap().trim().is_empty(), "{name}: {body}");
    let list = |value: &Value| {
        let list = value.as_array().unwrap().clone();
        assert!(!list.is_empty(), "{body}");
        list
    };
    text(body, "content");
    let attributes = &body["content_attributes"];
    match body["content_type"].as_str().unwrap() {
        "article" => list(&attributes["items"]).iter().for_each(|item| {
            ["title", "description", "link"].iter().for_each(|name| text(item, name));
        }),
        "card" => list(&attributes["cards"]["cards"]).iter().for_each(|card| {
            ["title", "description", "price", "badge"].iter().for_each(|name| text(card, name));
        }),
        "quick_reply" => list(&attributes["responses"]["responses"]).iter().for_each(|reply| {
            ["id", "text", "value"].iter().for_each(|name| text(reply, name));
        }),
        "form" => {
            assert!(attributes["form"]["submitUrl"].as_str().unwrap().starts_with("https://"));
            list(&attributes["form"]["fields"]).iter().for_each(|field| {
                ["id", "type", "label"].iter().for_each(|name| text(field, name));
            });
        }
        other => panic!("{other} is drawn by nobody"),
    }
    assert!(!body.to_string().contains(":null"), "{body}");
}

#[test]
fn what_is_no_request_is_refused_in_the_briefs_words() {
    let site = site();
    let long = "x".repeat(1_001);
    let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}";
    for (body, status, error) in [
        (json!({}), 400, "Invalid prompt"),
        (json!({"prompt": null}), 400, "Invalid prompt"),
        (json!({"prompt": ""}), 400, "Invalid prompt"),
        (json!({"prompt": " \n\t\u{a0}"}), 400, "Invalid prompt"),
        (json!({"prompt": 5}), 400, "Invalid prompt"),
        (json!({"prompt": ["hi"]}), 400, "Invalid prompt"),
        (json!({"prompt": {"text": "hi"}}), 400, "Invalid prompt"),
        (json!([{"prompt": "hi"}]), 400, "Invalid prompt"),
        (json!("hi"), 400, "Invalid prompt"),
        (json!(null), 400, "Invalid prompt"),
        (json!({"prompt": long}), 400, "Prompt too long"),
        (json!({"prompt": family.repeat(1_001)}), 400, "Prompt too long"),
        (json!({"prompt": "hi", "session_id": 5}), 400, "Invalid session_id"),
        (json!({"prompt": "hi", "session_id": true}), 400, "Invalid session_id"),
        (json!({"prompt": "hi", "session_id": []}), 400, "Invalid session_id"),
        (json!({"prompt": "hi", "session_id": {"id": "s"}}), 400, "Invalid session_id"),
        (json!({"prompt": "hi", "session_id": "s".repeat(201)}), 400, "Invalid session_id"),
        (json!({"prompt": "hi", "session_id": "a\nb"}), 400, "Invalid session_id"),
        (json!({"prompt": "hi", "session_id": "a\u{0}"}), 400, "Invalid session_id"),
        (json!({"prompt": "hi", "session_id": "a\u{85}b"}), 400, "Invalid session_id"),
    ] {
        let answer = ask(&site, &posted("/chat", &body));
        assert_eq!((answer.status, answer.body.clone()), (status, json!({"error": error})), "{body}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP), "a refusal can be read, too");
    }
    assert!(site.mind.asked().is_empty(), "nothing of it was thought about");
    for prompt in ["x".repeat(1_000), family.repeat(1_000), format!("  {}\n", "e\u{301}".repeat(1_000))] {
        let answer = ask(&site, &says("s".repeat(200), &prompt));
        assert_eq!(answer.status, 200, "a thousand characters as people count them");
    }
    assert_eq!(site.mind.asked()[2].last(), "e\u{301}".repeat(1_000), "trimmed");
}

#[test]
fn other_methods_bodies_and_origins_are_refused_with_the_right_code() {
    let site = site();
    let hi = says("s", "hi");
    for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", ""] {
        let answer = ask(&site, &asked(method, "/chat"));
        assert_eq!((answer.status, answer.error()), (405, "Method not allowed"), "{method}");
        assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    }
    let foreign = ask(&site, &with_header(hi.clone(), "origin", "https://evil.example"));
    assert_eq!((foreign.status, foreign.body.clone()), (403, json!({"error": "Origin not allowed"})));
    let unnamed = ask(&site, &without_header(hi, "origin"));
    assert_eq!((unnamed.status, unnamed.header("access-control-allow-origin")), (200, None));
    assert_eq!(unnamed.header("vary"), Some("Origin"));
    assert_eq!(site.mind.asked().len(), 1);
}

#[test]
fn every_kind_of_answer_is_in_the_widgets_form() {
    let site = by_keyword();
    for (prompt, kind) in [
        ("When are you open?", "text"),
        ("hello", "quick_reply"),
        ("lamps", "card"),
        ("returns", "article"),
        ("contact", "form"),
        ("a human please", "text"),
        ("something that no rule fits", "text"),
        ("STOP", "text"),
    ] {
        // Each visitor's first answer, and one after it.
        for _ in 0..2 {
            let answer = ask(&site, &says(format!("a session for {prompt}"), prompt));
            assert_drawable(&answer);
            assert_eq!(answer.body["content_type"].as_str().unwrap_or("text"), kind, "{prompt}: {}", answer.body);
            site.pass(secs(10));
        }
    }
    let card = ask(&site, &says("s", "lamps")).body["content_attributes"]["cards"]["cards"][0].clone();
    assert_eq!(
        (card["price"].as_str(), card["link"].as_str()),
        (Some("129.95 AUD"), Some("https://www.shop.example/lamp"))
    );
}

#[test]
fn a_question_for_a_person_is_answered_with_the_shops_words_and_stop_with_its_own() {
    let site = by_keyword();
    let answer = ask(&site, &says("s", "human"));
    assert_eq!(answer.output().unwrap(), format!("{WE_ARE} {}", site.chat.hand_off_text));
    for stop in ["STOP", "stop.", "Unsubscribe"] {
        let before = site.mind.asked().len();
        let answer = ask(&site, &says("s", stop));
        assert_eq!(answer.output(), Some(site.chat.stop_text.as_str()), "{stop}");
        assert_eq!(site.mind.asked().len(), before, "no model decides about a STOP");
        site.pass(secs(10));
    }
    assert_eq!(site.recorder.count_of(Metric::OptOutUnattributed), 3);
}

#[test]
fn the_assistant_says_what_it_is_with_the_first_words_that_are_shown() {
    let site = by_keyword();
    // Of a question with buttons the widget shows the buttons only: it has not been read.
    let buttons = ask(&site, &says("s", "hello"));
    assert_eq!(buttons.body["content_type"], "quick_reply");
    site.pass(secs(5));
    let words = ask(&site, &says("s", "open"));
    assert_eq!(words.output(), Some(format!("{WE_ARE} Mon-Sat 9 to 5.").as_str()));
    site.pass(secs(5));
    assert_eq!(ask(&site, &says("s", "open")).output(), Some("Mon-Sat 9 to 5."), "once");
    assert!(ask(&site, &says("another", "open")).output().unwrap().starts_with(WE_ARE), "to everybody");
    // Each of the kinds that show words.
    for (prompt, at) in [
        ("lamps", "/content"),
        ("returns", "/content"),
        ("contact", "/content_attributes/form/description"),
        ("human", "/output"),
        ("STOP", "/output"),
    ] {
        let session = format!("first {prompt}");
        let first = ask(&site, &says(session.as_str(), prompt)).body;
        assert!(first.pointer(at).unwrap().as_str().unwrap().starts_with(WE_ARE), "{prompt}: {first}");
        site.pass(secs(5));
        assert!(!ask(&site, &says(session.as_str(), "open")).body.to_string().contains(WE_ARE), "{prompt}");
    }
    // Who has no session is told each time: nobody knows whether they were.
    for _ in 0..2 {
        assert!(ask(&site, &says(Value::Null, "open")).output().unwrap().starts_with(WE_ARE));
        site.pass(secs(5));
    }
}

#[test]
fn what_was_offered_is_understood_when_it_is_clicked_or_typed_back() {
    for back in ["lamps", "Lamps", "1", "1.", "option 1", "LAMPS!"] {
        let site = by_keyword();
        ask(&site, &says("s", "hello"));
        site.pass(secs(5));
        let answer = ask(&site, &says("s", back));
        assert_eq!(answer.body["content_type"], "card", "{back}: {}", answer.body);
        site.pass(secs(5));
        // After it, a number is a number again.
        let later = ask(&site, &says("s", "1"));
        assert_eq!(later.output(), Some(site.chat.hand_off_text.as_str()), "{back}");
    }
    let site = by_keyword();
    ask(&site, &says(Value::Null, "hello"));
    site.pass(secs(5));
    let nobody = ask(&site, &says(Value::Null, "1"));
    assert!(nobody.output().is_some(), "nobody's question is remembered: {}", nobody.body);
}

#[test]
fn a_form_is_offered_at_an_address_of_our_own() {
    let site = by_keyword();
    let url = |answer: &Answer| answer.body["content_attributes"]["form"]["submitUrl"].as_str().unwrap().to_owned();
    let first = url(&ask(&site, &says("s", "contact")));
    assert!(first.starts_with(&format!("{API}/contact-form?token=")), "{first}");
    site.pass(secs(5));
    assert_ne!(first, url(&ask(&site, &says("s", "contact"))), "each has a token of its own");
    let mut call = says("s", "contact please");
    call.own_url = None;
    let nowhere = ask(&site, &call);
    assert!(nowhere.output().is_some_and(|text| text.contains("Write to us:")), "without an address there is no form");
    let mut with_base = Site::new();
    with_base.chat.form.public_url = Some("https://desk.shop.example/api".into());
    let site = Rc::new(with_base);
    site.mind.answers_by_keyword(RULES);
    let url = url(&ask(&site, &says("s", "contact")));
    assert!(url.starts_with("https://desk.shop.example/api/contact-form?token="), "{url}");
}

#[test]
fn what_a_model_makes_up_reaches_nobody() {
    let site = site();
    site.mind.does(|_| {
        let answer = json!({"text": "Here: [click](javascript:alert(1))\u{202e} <b>now</b>", "product_ids": [],
            "options": [{"title": "Stop", "value": "stop"}, {"title": "Go", "value": "go"}, {"title": "Wait", "value": "wait"}],
            "article_ids": ["made-up"], "form": false, "handoff": false, "summary": "secret"});
        Thinks::of(Ok(frontdesk_core::agent::Thought::Said(answer.to_string())))
    });
    let answer = ask(&site, &says("s", "hi"));
    assert_drawable(&answer);
    let shown = answer.body.to_string();
    assert!(!shown.contains("secret") && !shown.contains('\u{202e}') && !shown.contains("made-up"), "{shown}");
    assert!(!shown.contains("\"stop\""), "no button opts anybody out: {shown}");
}
