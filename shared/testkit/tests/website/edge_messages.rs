//! Messages through the webchat form: stored before anything is promised, once, and never without an opt-out that they say.

use std::rc::Rc;

use frontdesk_core::{
    body::StoredBody,
    contact::{Contacts, Direction, Evidence, OptOutChange, OptOutFlag, OptOutSource},
    directory::LocationBook,
    inbox::{InboxStatus, Source},
    phone::E164Phone,
    podium::{self, What},
    telemetry::Metric,
    time::Clock,
};
use frontdesk_testkit::{
    dice::Dice,
    site::{End, Mishap, Mishaps, Play, Site, at_step},
};
use serde_json::{Value, json};

use crate::desk::{ask, ask_with, begin, but, message, secs, sent, site, steps};

const MIA: &str = "+61491570156";

fn phone() -> E164Phone {
    E164Phone::parse_e164(MIA).unwrap()
}

fn rows(site: &Site) -> usize {
    site.store.look(|tables| tables.inbox.len())
}

fn is_out(site: &Site) -> bool {
    site.store.look(|tables| tables.contacts.get(&phone()).is_some_and(|contact| contact.opted_out().is_some()))
}

/// Somebody wants texts, or none, by another channel.
fn wishes(site: &Rc<Site>, direction: Direction) {
    let now = site.clock.now();
    let evidence =
        Evidence { source: OptOutSource::Sms, message_id: None, text_sha256: None, recorded_at: now, by_hand: None };
    let change = OptOutChange { phone: phone(), flag: OptOutFlag::Keyword, direction, at: now, evidence };
    let server = frontdesk_testkit::site::Server::of(site, Mishaps::new());
    site.runs(&server, async { site.store.record_opt_out(&change).await.map(|_| ()) }).answer().unwrap();
}

#[test]
fn a_message_is_in_the_inbox_as_the_worker_reads_it() {
    let site = site();
    let answer = ask(&site, &sent(&message()));
    assert_eq!((answer.status, answer.body.clone()), (202, json!({"ok": true, "status": "accepted", "phone": MIA})));
    let tables = site.store.tables();
    let (key, row) = tables.inbox.first_key_value().unwrap();
    assert_eq!((key.source, row.status), (Source::Podium, InboxStatus::Waiting));
    assert_eq!(site.wakes()[0].key, *key);
    assert!(site.wakes()[0].group.is_some(), "a line per person");
    let StoredBody::Plain(body) = &row.body else { panic!() };
    let event = podium::parse(body).unwrap();
    let What::Received(read) = event.what else { panic!() };
    assert!(read.from_widget);
    assert_eq!(read.customer(None).unwrap(), phone());
    assert_eq!((read.text.as_deref(), read.email.as_deref()), (Some("Do you have kayaks?"), Some("mia@example.com")));
    assert_eq!((read.first_name.as_deref(), read.last_name.as_deref()), (Some("Mia"), Some("Tennant")));
    let reported = format!("{:?}", site.recorder.lines());
    assert!(!reported.contains("kayaks") && !reported.contains("Mia") && !reported.contains("491570"), "{reported}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_stored() {
    let site = site();
    for (name, value, status, code) in [
        ("phone", json!(null), 400, "ERR_WEBCHAT_001"),
        ("phone", json!("0491"), 400, "ERR_WEBCHAT_001"),
        ("location_uid", json!(null), 400, "ERR_WEBCHAT_002"),
        ("location_uid", json!(""), 400, "ERR_WEBCHAT_002"),
        ("location_uid", json!("mel"), 400, "ERR_WEBCHAT_003"),
        ("location_uid", json!("sea"), 400, "ERR_WEBCHAT_001"),
        ("text", json!(null), 400, "ERR_WEB_010"),
        ("text", json!(5), 400, "ERR_WEB_010"),
        ("text", json!("x".repeat(4_001)), 400, "ERR_WEB_010"),
        ("email", json!("nobody"), 400, "ERR_WEB_010"),
        ("name", json!("x".repeat(301)), 400, "ERR_WEB_010"),
        ("message_id", json!("x".repeat(101)), 400, "ERR_WEB_010"),
        ("message_id", json!(5), 400, "ERR_WEB_010"),
        ("attachments", json!(["forged"]), 400, "ERR_WEB_009"),
    ] {
        let answer = ask(&site, &sent(&but(message(), name, value.clone())));
        assert_eq!((answer.status, answer.code()), (status, code), "{name}: {value}");
        assert_eq!(answer.body["ok"], false);
    }
    assert_eq!((rows(&site), site.wakes().len()), (0, 0));
}

#[test]
fn the_same_message_is_one_and_a_changed_one_another() {
    let site = site();
    let status = |body: &Value| {
        let answer = ask(&site, &sent(body));
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&message()), "accepted");
    for _ in 0..3 {
        site.pass(secs(3_600));
        assert_eq!(status(&message()), "duplicate", "the page says that it is the same");
    }
    let written_otherwise = but(but(message(), "phone", "+61 491 570 156"), "text", " Do you have kayaks? ");
    assert_eq!(status(&written_otherwise), "duplicate");
    for (name, value) in [
        ("text", json!("And paddles?")),
        ("location_uid", json!("sfo")),
        ("message_id", json!("m-2")),
        ("phone", json!("0491 570 157")),
        ("email", json!("mia@example.org")),
        ("name", json!("Mia T.")),
    ] {
        let changed = but(message(), name, value);
        let changed = if name == "location_uid" { but(changed, "country", "AU") } else { changed };
        assert_eq!(status(&changed), "accepted", "another {name}");
        assert_eq!(status(&changed), "duplicate", "another {name}");
    }
    assert_eq!(site.wakes().len(), 7);
}

#[test]
fn without_an_id_the_same_words_are_one_message_for_a_while() {
    let site = site();
    let nameless = but(message(), "message_id", Value::Null);
    let status = || ask(&site, &sent(&nameless)).body["status"].as_str().unwrap().to_owned();
    assert_eq!(status(), "accepted");
    site.pass(secs(5));
    assert_eq!(status(), "duplicate", "two clicks");
    site.pass(secs(180));
    assert_eq!(status(), "accepted", "the same question, asked again later");
}

#[test]
fn two_clicks_at_once_are_one_message_wherever_they_meet() {
    let call = sent(&message());
    for at in 0..=steps(site, &call) {
        let site = site();
        let mut play = Play::on(&site);
        let first = begin(&mut play, &site, &call);
        play.walk(first, at);
        begin(&mut play, &site, &call);
        let answers: Vec<u16> = play.run().into_iter().map(|end| end.answer().status).collect();
        assert_eq!((answers, rows(&site)), (vec![202, 202], 1), "step {at}");
    }
    for seed in 1..=100 {
        let (site, mut dice) = (site(), Dice::seeded(seed));
        let mut play = Play::on(&site);
        for n in 0..6 {
            begin(&mut play, &site, &sent(&but(message(), "text", format!("question {}", n % 2))));
        }
        assert!(play.run_by_chance(&mut dice).into_iter().all(|end| end.answer().status == 202));
        assert_eq!((rows(&site), site.wakes().len()), (2, 2), "seed {seed}");
    }
}

#[test]
fn never_a_success_without_a_row_whatever_step_fails() {
    for (call, good) in [(sent(&message()), 202), (sent(&but(message(), "text", "STOP")), 200)] {
        for mishap in Mishap::FAULTS.into_iter().chain(Mishap::CRASHES) {
            for step in 0..steps(site, &call) {
                let site = site();
                let (end, server) = ask_with(&site, at_step(step, mishap), &call);
                let what = server.walked()[step];
                if let End::Answered { with, after: _ } = end {
                    assert!(with.status == 503 || with.status == good, "{mishap:?} of {what}: {}", with.status);
                    assert!(with.status == 503 || rows(&site) == 1, "{mishap:?} of {what}: promised and not stored");
                    assert!(with.status == 503 || good == 202 || is_out(&site), "{mishap:?} of {what}: still texted");
                    assert_eq!(with.status == 503, with.header("retry-after").is_some());
                    assert!(what != "enqueue" || with.status == good, "the sweeper finds it: {}", with.body);
                }
                site.pass(secs(1));
                assert_eq!(ask(&site, &call).status, good, "{mishap:?} of {what}");
                assert_eq!((rows(&site), is_out(&site)), (1, good == 200), "{mishap:?} of {what}");
            }
        }
    }
}

// ---- STOP

#[test]
fn no_other_fault_of_a_message_loses_a_stop() {
    let stop = || but(message(), "text", "Stop.");
    for body in [
        stop(),
        json!({"phone": MIA, "text": "STOP"}),
        json!({"phone": "0491 570 156", "country": "AU", "text": "unsubscribe"}),
        json!({"phone": "0491 570 156", "location_uid": "syd", "text": "STOP", "country": 5}),
        but(but(stop(), "location_uid", Value::Null), "country", "AU"),
        but(but(stop(), "location_uid", ""), "country", "AU"),
        but(but(stop(), "location_uid", "mel"), "country", "AU"),
        but(but(stop(), "location_uid", json!(["syd"])), "country", "AU"),
        but(stop(), "email", "nobody"),
        but(stop(), "name", "x".repeat(400)),
        but(stop(), "name", json!({"first": 5})),
        but(stop(), "message_id", "x".repeat(500)),
        but(stop(), "message_id", json!([1])),
        but(stop(), "attachments", json!(["forged"])),
        but(stop(), "attachments", "none"),
        but(stop(), "attachments", vec![json!({"name": "a", "size": 99_999_999}); 50]),
    ] {
        let site = site();
        let answer = ask(&site, &sent(&body));
        assert_eq!((answer.status, answer.body.clone()), (200, json!({"ok": true, "status": "opted_out"})), "{body}");
        assert!(is_out(&site) && rows(&site) == 1, "{body}");
        let contact = site.store.tables().contacts[&phone()].clone();
        assert_eq!(contact.opted_out(), Some(OptOutFlag::Keyword));
    }
    assert_eq!(site().recorder.count_of(Metric::OptOutRecorded), 0);
}

#[test]
fn a_stop_of_nobody_in_particular_is_said_to_be_none() {
    let site = site();
    for (body, code) in [
        (json!({"text": "STOP"}), "ERR_WEBCHAT_001"),
        (json!({"text": "STOP", "phone": ""}), "ERR_WEBCHAT_001"),
        (json!({"text": "STOP", "phone": 5}), "ERR_WEBCHAT_001"),
        (json!({"text": "STOP", "phone": "0491 570 156"}), "ERR_WEBCHAT_001"),
        (json!({"text": "STOP", "phone": "12", "country": "AU"}), "ERR_WEBCHAT_001"),
    ] {
        let answer = ask(&site, &sent(&body));
        assert_eq!((answer.status, answer.code(), answer.body["field"].clone()), (400, code, json!("phone")), "{body}");
    }
    assert_eq!(rows(&site), 0);
}

#[test]
fn every_stop_is_recorded_also_one_that_is_said_again_after_a_start() {
    for (named, later) in [(true, 5), (true, 86_400), (false, 5), (false, 50)] {
        let site = site();
        let stop = but(message(), "text", "STOP");
        let stop = if named { stop } else { but(stop, "message_id", Value::Null) };
        assert_eq!(ask(&site, &sent(&stop)).status, 200);
        assert!(is_out(&site));
        site.pass(secs(1));
        wishes(&site, Direction::In);
        assert!(!is_out(&site), "START by text takes it back");
        site.pass(secs(later));
        let answer = ask(&site, &sent(&stop));
        assert_eq!(answer.body["status"], "opted_out");
        assert!(is_out(&site), "{later} s later, named: {named}: told that it is so, and it is not");
    }
}

#[test]
fn a_stop_is_not_acknowledged_while_it_cannot_be_recorded() {
    let site = site();
    let stop = sent(&but(message(), "text", "STOP"));
    site.store.look(|_| ());
    let (_, healthy) = ask_with(&self::site(), Mishaps::new(), &stop);
    for step in 0..healthy.walked().len() {
        if healthy.walked()[step] == "enqueue" {
            continue;
        }
        let (end, _) = ask_with(&site, at_step(step, Mishap::NotApplied), &stop);
        assert_eq!(end.answer().status, 503, "{}", healthy.walked()[step]);
        assert!(!is_out(&site));
    }
}

#[test]
fn a_form_takes_nobodys_opt_out_back() {
    let site = site();
    wishes(&site, Direction::Out);
    for text in ["START", "Unstop", "yes", "start."] {
        let answer = ask(&site, &sent(&but(message(), "text", text)));
        assert_eq!(answer.status, 451, "{text}");
        assert!(is_out(&site), "anybody can type anybody's number");
    }
}

#[test]
fn who_opted_out_is_told_and_their_message_is_kept() {
    let site = site();
    wishes(&site, Direction::Out);
    for again in 0..2 {
        let answer = ask(&site, &sent(&message()));
        assert_eq!(
            (answer.status, answer.code(), answer.body["field"].clone()),
            (451, "ERR_WEBCHAT_009", json!("phone"))
        );
        assert_eq!((answer.body["stored"].clone(), rows(&site)), (json!(true), 1), "{again}");
        assert!(answer.error().contains("has reached us"));
    }
    assert_eq!(site.wakes().len(), 1);
    let (end, _) = ask_with(&site, at_step(2, Mishap::NotApplied), &sent(&but(message(), "text", "again?")));
    assert_eq!((end.answer().status, rows(&site)), (503, 1), "whether they opted out has to be known first");
    // One who opts out while their message is on its way is met by the gate that every text goes through.
    let call = sent(&message());
    for at in 0..=steps(self::site, &call) {
        let site = self::site();
        let mut play = Play::on(&site);
        let first = begin(&mut play, &site, &call);
        play.walk(first, at);
        begin(&mut play, &site, &sent(&but(message(), "text", "STOP")));
        let answers: Vec<u16> = play.run().into_iter().map(|end| end.answer().status).collect();
        assert!([202, 451].contains(&answers[0]) && answers[1] == 200, "step {at}: {answers:?}");
        assert!(is_out(&site) && rows(&site) == 2);
    }
}

#[test]
fn without_a_list_of_stores_nothing_is_guessed() {
    let site = site();
    let empty = LocationBook { fetched_at: site.clock.now().plus(secs(1)), locations: Vec::new() };
    let server = frontdesk_testkit::site::Server::of(&site, Mishaps::new());
    site.runs(&server, async { frontdesk_core::directory::Locations::keep_locations(&site.store, &empty).await })
        .answer()
        .unwrap();
    assert_eq!(ask(&site, &sent(&message())).code(), "ERR_WEBCHAT_003");
    assert_eq!(rows(&site), 0);
}
