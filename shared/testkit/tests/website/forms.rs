//! The contact form: the brief's words for everything, and every form kept once and told once, whatever breaks.

use std::rc::Rc;

use frontdesk_core::{
    contact_form::ContactForm,
    notice::NoticeKind,
    telemetry::Metric,
    time::{Clock, DAY},
    web::{Purpose, Ticket},
};
use frontdesk_testkit::{
    dice::Dice,
    site::{API, End, Mishap, Mishaps, Play, Server, Site, Thinks, at_step, secrets},
    world::GENESIS,
};
use serde_json::{Value, json};

use crate::desk::{
    Answer, ask, ask_with, begin, but, filled_in, form_address, says, secs, sends, serve, site, steps, ticket,
};

const THANKS: &str = "Thank you! We received your message and will respond soon.";
const FAILED: &str = "Failed to submit form. Please try again.";
const EXPIRED: &str = "This form has expired. Please ask for it again.";

fn thanked(answer: &Answer) {
    assert_eq!((answer.status, answer.body.clone()), (200, json!({"success": true, "message": THANKS})));
}

/// How many submissions are kept, and how many notices of them there are.
fn kept(site: &Site) -> (usize, usize) {
    let tables = site.store.tables();
    let told = tables.notices.keys().filter(|key| key.kind() == Some(NoticeKind::ContactForm)).count();
    (tables.forms.len(), told)
}

#[test]
fn a_form_is_kept_and_told_once_and_thanked_for() {
    let site = site();
    let address = form_address(&site);
    thanked(&ask(&site, &sends(&address, &filled_in())));
    assert_eq!(kept(&site), (1, 1));
    let tables = site.store.tables();
    let (id, form) = tables.forms.first_key_value().unwrap();
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(fields, [("name", "Mia Tennant"), ("email", "Mia@Example.com"), ("message", "Do you have kayaks?")]);
    assert_eq!((form.email.as_deref(), form.session.as_ref()), (Some("mia@example.com"), None));
    assert_eq!(form.expires_at.since(site.clock.now()), DAY * 90);
    let (key, row) = tables.notices.first_key_value().unwrap();
    let notice = row.notice.clone().unwrap();
    assert_eq!((site.woken(), notice.about), (vec![key.clone()], vec![id.as_str().to_owned()]));
    assert!(notice.content.quote.unwrap().contains("How can we help?: Do you have kayaks?"));
    assert!(notice.content.facts.iter().all(|(_, fact)| !fact.contains("Mia")), "a customer's words are quoted only");
    let reported = format!("{:?}", site.recorder.lines());
    assert!(!reported.contains("Mia") && !reported.contains("kayaks"), "{reported}");
}

#[test]
fn a_form_of_a_chat_knows_its_chat() {
    let site = site();
    site.mind.does(|_| {
        let answer = json!({"text": "Write:", "product_ids": [], "options": [], "article_ids": [], "form": true,
            "handoff": false, "summary": ""});
        Thinks::of(Ok(frontdesk_core::agent::Thought::Said(answer.to_string())))
    });
    for (session, known) in [(json!("user-1"), true), (Value::Null, false), (json!("sample_session"), false)] {
        let shown = ask(&site, &says(session.clone(), "contact")).body;
        let url = shown["content_attributes"]["form"]["submitUrl"].as_str().unwrap();
        assert!(!url.contains("user-1"));
        site.pass(secs(3_599));
        thanked(&ask(&site, &sends(url.strip_prefix(API).unwrap(), &filled_in())));
        let tables = site.store.tables();
        let newest = tables.forms.values().max_by_key(|form| form.received_at).unwrap();
        let chat = newest.session.as_ref();
        assert_eq!(chat.is_some_and(|key| tables.chats.contains_key(key)), known, "{session}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_said_in_the_briefs_words() {
    let site = site();
    let address = form_address(&site);
    let long = |n: usize| "\u{e9}".repeat(n);
    for (body, error) in [
        (json!({}), "name is required"),
        (json!([]), "name is required"),
        (json!("x"), "name is required"),
        (json!(null), "name is required"),
        (but(filled_in(), "name", Value::Null), "name is required"),
        (but(filled_in(), "email", Value::Null), "email is required"),
        (but(filled_in(), "message", Value::Null), "message is required"),
        (but(filled_in(), "name", "  \n"), "name is required"),
        (but(filled_in(), "name", "\u{0}\u{7}"), "name is required"),
        (but(filled_in(), "name", false), "name is required"),
        (json!({"name": null, "email": "a@b.example", "message": "x"}), "name is required"),
        // What is missing is said before what is wrong, in the form's order.
        (json!({"email": "nobody"}), "name is required"),
        (json!({"name": "Mia", "email": "nobody"}), "message is required"),
        (but(filled_in(), "email", "nobody"), "Invalid email format"),
        (but(filled_in(), "email", "a@b"), "Invalid email format"),
        (but(filled_in(), "email", "a b@c.example"), "Invalid email format"),
        (but(filled_in(), "email", "a@b.example, c@d.example"), "Invalid email format"),
        (but(filled_in(), "email", "a@@b.example"), "Invalid email format"),
        (but(filled_in(), "email", "<a@b.example>"), "Invalid email format"),
        (but(filled_in(), "email", 5), "Invalid email format"),
        (but(filled_in(), "name", long(301)), "name is too long"),
        (but(filled_in(), "message", long(5_001)), "message is too long"),
        (but(filled_in(), "name", json!(["Mia"])), "name is invalid"),
        (but(filled_in(), "name", json!({"first": "Mia"})), "name is invalid"),
        (but(filled_in(), "name", true), "name is invalid"),
    ] {
        let answer = ask(&site, &sends(&address, &body));
        assert_eq!((answer.status, answer.body.clone()), (400, json!({"error": error})), "{body}");
    }
    assert_eq!((kept(&site), site.woken().len()), ((0, 0), 0));
    let most = but(but(filled_in(), "name", long(300)), "message", long(5_000));
    thanked(&ask(&site, &sends(&address, &most)));
    thanked(&ask(&site, &sends(&address, &but(filled_in(), "unasked", json!({"any": ["thing"]})))));
    assert_eq!(kept(&site), (2, 2));
}

#[test]
fn every_kind_of_field_is_judged_by_its_kind() {
    let form = r#"{"title":"T","fields":[
        {"id":"size","type":"select","label":"Size","options":[{"value":"s","label":"Small"},{"value":" l ","label":"Large"}]},
        {"id":"way","type":"radio","label":"Way","required":true,"options":[{"value":"post","label":"Post"}]},
        {"id":"agree","type":"checkbox","label":"I agree","required":true},
        {"id":"phone","type":"tel","label":"Phone"}]}"#;
    let mut plain = Site::new();
    plain.form.form = ContactForm::parse(form, "website").unwrap();
    plain.edge.form.form = plain.form.form.clone();
    let site = Rc::new(plain);
    let address = form_address(&site);
    let good = json!({"size": "s", "way": "post", "agree": true, "phone": "0491 570 156"});
    for (body, error) in [
        (but(good.clone(), "agree", false), Some("agree is required")),
        (but(good.clone(), "agree", Value::Null), Some("agree is required")),
        (but(good.clone(), "agree", "maybe"), Some("agree is invalid")),
        (but(good.clone(), "way", Value::Null), Some("way is required")),
        (but(good.clone(), "way", "pigeon"), Some("way is invalid")),
        (but(good.clone(), "size", "xxl"), Some("size is invalid")),
        (but(good.clone(), "phone", "9".repeat(301)), Some("phone is too long")),
        (but(good.clone(), "size", "l"), None),
        (but(good.clone(), "size", " l "), None),
        (but(good.clone(), "size", Value::Null), None),
        (but(good.clone(), "agree", "on"), None),
        (but(good.clone(), "phone", 491_570_156), None),
        (good, None),
    ] {
        let answer = ask(&site, &sends(&address, &body));
        match error {
            Some(error) => assert_eq!((answer.status, answer.error()), (400, error), "{body}"),
            None => thanked(&answer),
        }
    }
}

#[test]
fn only_a_form_that_we_offered_a_short_while_ago_is_taken() {
    let site = site();
    let address = form_address(&site);
    let token = address.split_once('=').unwrap().1.to_owned();
    let at = |token: &str| sends(&format!("/contact-form?token={token}"), &filled_in());
    let stranger = Ticket { expires_at: GENESIS.plus(secs(600)), nonce: "n".into(), data: String::new() };
    let (said, seal) = token.split_once('.').unwrap();
    let bad = [
        String::new(),
        "x".into(),
        ".".into(),
        said.into(),
        format!("{said}."),
        format!(".{seal}"),
        format!("{token}x"),
        format!("{token}%20"),
        token.to_uppercase(),
        "a".repeat(9_000),
        stranger.issue(&secrets("a stranger's", None), Purpose::Form),
        ticket(&site, Purpose::Csrf, secs(600), ""),
        ticket(&site, Purpose::Upload, secs(600), ""),
        ticket(&site, Purpose::File, secs(600), ""),
    ];
    for token in &bad {
        let answer = ask(&site, &at(token));
        assert_eq!((answer.status, answer.body.clone()), (403, json!({"error": EXPIRED})), "{token}");
    }
    for call in [sends("/contact-form", &filled_in()), sends("/contact-form?Token=x&other=y", &filled_in())] {
        assert_eq!(ask(&site, &call).status, 403);
    }
    assert_eq!(
        ask(&site, &sends("/contact-form?token=x", &json!({}))).status,
        403,
        "a stranger learns no field's name"
    );
    assert_eq!(kept(&site), (0, 0));
    site.pass(secs(3_599));
    thanked(&ask(&site, &at(&token)));
    site.pass(secs(1));
    assert_eq!(ask(&site, &at(&token)).status, 403, "after an hour");
    // Made with a secret that is about to be retired.
    let previous = Ticket { expires_at: site.clock.now().plus(secs(60)), nonce: "p".into(), data: String::new() };
    thanked(&ask(&site, &at(&previous.issue(&secrets("the-previous-secret", None), Purpose::Form))));
    assert_eq!(kept(&site), (2, 2));
}

#[test]
fn who_fills_in_what_nobody_sees_is_thanked_and_forgotten() {
    let site = site();
    let address = form_address(&site);
    for filled in [json!("https://spam.example"), json!(true), json!(1), json!(["x"]), json!({"a": 1})] {
        thanked(&ask(&site, &sends(&address, &but(filled_in(), "website", filled))));
    }
    assert_eq!((kept(&site), site.woken().len()), ((0, 0), 0));
    for empty in [json!(""), json!("  "), json!(false)] {
        thanked(&ask(&site, &sends(&address, &but(filled_in(), "website", empty))));
    }
    let mut null = filled_in();
    null["website"] = Value::Null;
    thanked(&ask(&site, &sends(&address, &null)));
    assert_eq!(kept(&site), (1, 1), "a person leaves it empty, and sent four times the same");
}

#[test]
fn the_same_form_again_is_the_same_one_and_other_words_are_another() {
    let site = site();
    let address = form_address(&site);
    for _ in 0..3 {
        thanked(&ask(&site, &sends(&address, &filled_in())));
        site.pass(secs(600));
    }
    assert_eq!((kept(&site), site.woken().len()), ((1, 1), 1));
    // What does not change what is kept does not make it another.
    thanked(&ask(&site, &sends(&address, &but(filled_in(), "name", "  Mia Tennant "))));
    thanked(&ask(&site, &sends(&address, &but(filled_in(), "unasked", 5))));
    assert_eq!(kept(&site), (1, 1));
    for (n, body) in [
        but(filled_in(), "message", "And paddles?"),
        but(filled_in(), "email", "mia@example.org"),
        but(filled_in(), "name", "Mia"),
    ]
    .iter()
    .enumerate()
    {
        thanked(&ask(&site, &sends(&address, body)));
        assert_eq!(kept(&site), (n + 2, n + 2), "{body}");
    }
    let another = form_address(&site);
    thanked(&ask(&site, &sends(&another, &filled_in())));
    assert_eq!(kept(&site), (5, 5), "another form with the same words");
}

#[test]
fn a_form_is_kept_once_and_told_once_whatever_step_fails() {
    let address = form_address(&site());
    let call = sends(&address, &filled_in());
    for mishap in Mishap::FAULTS.into_iter().chain(Mishap::CRASHES) {
        for step in 0..steps(site, &call) {
            let site = site();
            let (end, server) = ask_with(&site, at_step(step, mishap), &call);
            let what = server.walked()[step];
            if let End::Answered { with, after: _ } = end {
                match with.status {
                    200 => assert_eq!(kept(&site), (1, 1), "{mishap:?} of {what}: thanked for nothing"),
                    500 => assert_eq!(with.body, json!({"error": FAILED})),
                    other => panic!("{other} after {mishap:?} of {what}"),
                }
            }
            for _ in 0..2 {
                site.pass(secs(5));
                thanked(&ask(&site, &call));
                assert_eq!(kept(&site), (1, 1), "{mishap:?} of {what}");
            }
            assert!(site.woken().len() <= 1, "{mishap:?} of {what}");
            let due = site.store.tables().notices.values().all(|row| row.due_at.is_some() && row.notice.is_some());
            assert!(due, "whoever was not woken is found by the timer");
        }
    }
}

#[test]
fn two_clicks_at_once_are_one_form_wherever_they_meet() {
    let address = form_address(&site());
    let call = sends(&address, &filled_in());
    for at in 0..=steps(site, &call) {
        let site = site();
        let mut play = Play::on(&site);
        let first = begin(&mut play, &site, &call);
        play.walk(first, at);
        begin(&mut play, &site, &call);
        play.run().into_iter().for_each(|end| thanked(&end.answer()));
        assert_eq!((kept(&site), site.woken().len()), ((1, 1), 1), "step {at}");
    }
    for seed in 1..=100 {
        let (site, mut dice) = (site(), Dice::seeded(seed));
        let mut play = Play::on(&site);
        for n in 0..6 {
            let server = Server::of(
                &site,
                match n {
                    4 => at_step(1, Mishap::ReplyLost),
                    5 => at_step(1, Mishap::CrashAfter),
                    _ => Mishaps::new(),
                },
            );
            play.begin(&server, serve(server.clone(), call.clone()));
        }
        for (n, end) in play.run_by_chance(&mut dice).into_iter().enumerate() {
            match end {
                End::Answered { with, after: _ } => assert!(with.status == 200 || (n == 4 && with.status == 500)),
                End::Died => assert_eq!(n, 5),
            }
        }
        assert_eq!(kept(&site), (1, 1), "seed {seed}");
    }
}

#[test]
fn a_table_that_is_away_is_said_in_the_briefs_words_and_nothing_is_promised() {
    let site = site();
    let address = form_address(&site);
    for step in [0, 1] {
        let (end, _) = ask_with(&site, at_step(step, Mishap::NotApplied), &sends(&address, &filled_in()));
        let answer = end.answer();
        assert_eq!((answer.status, answer.body.clone()), (500, json!({"error": FAILED})));
    }
    assert_eq!((kept(&site), site.woken().len()), ((0, 0), 0));
    assert_eq!(site.recorder.count_of(Metric::FormSubmitted), 1);
}
