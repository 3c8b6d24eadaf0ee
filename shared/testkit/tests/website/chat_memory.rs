//! Whose chat it is: an hour's memory for a session, none for nobody, and nothing that tells a session's name.

use frontdesk_testkit::site::{Site, Thinks, from};
use serde_json::{Value, json};

use crate::desk::{ask, says, secs, site};

const SECRET: &str = "my door code is 4711";

fn anonymous() -> Vec<Value> {
    vec![json!("sample_session"), Value::Null, json!(""), json!("   "), json!(" sample_session ")]
}

/// What the model was told in the last step.
fn told(site: &Site) -> String {
    site.mind.asked().last().unwrap().all()
}

/// Everything that is stored and reported, as text, without what Debug hides.
fn written(site: &Site) -> String {
    let tables = site.store.tables();
    let chats = tables.chats.iter().map(|(key, row)| {
        let state = row.saved.as_ref().map(|saved| serde_json::to_string(&saved.state).unwrap());
        format!("{} {state:?}", key.as_str())
    });
    let rates = tables.rates.keys().map(|key| key.as_str().to_owned());
    let reported = [format!("{:?}", site.recorder.lines()), format!("{:?}", site.recorder)];
    chats.chain(rates).chain(reported).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_session_is_remembered_for_an_hour_after_its_last_message() {
    let site = site();
    ask(&site, &says("s", SECRET));
    for _ in 0..3 {
        site.pass(secs(3_599));
        ask(&site, &says("s", "and now?"));
        assert!(told(&site).contains(SECRET) && told(&site).contains("us: "), "{}", told(&site));
    }
    site.pass(secs(3_600));
    ask(&site, &says("s", "what was it?"));
    assert_eq!(told(&site), "customer: what was it?", "the hour is over");
}

#[test]
fn of_a_long_chat_the_model_is_told_the_end() {
    let site = site();
    for n in 0..30 {
        ask(&site, &says("s", &format!("question {n}")));
        site.pass(secs(3));
    }
    let last = site.mind.asked().last().unwrap().clone();
    assert_eq!(last.turns.len(), site.chat.history + 1);
    assert!(last.all().contains("question 28") && !last.all().contains("question 5\n"), "{}", last.all());
}

#[test]
fn nobodys_sessions_share_nothing() {
    for (one, other) in anonymous().into_iter().flat_map(|one| anonymous().into_iter().map(move |b| (one.clone(), b))) {
        for address in ["192.0.2.7", "192.0.2.8", "2001:db8::1"] {
            let site = site();
            ask(&site, &says(one.clone(), SECRET));
            for question in ["what is the door code?", "1", "yes", SECRET] {
                site.pass(secs(3));
                let answer = ask(&site, &from(says(other.clone(), question), address));
                assert_eq!(told(&site), format!("customer: {question}"), "{one} then {other} from {address}");
                assert_eq!(answer.body.to_string().contains("4711"), question == SECRET);
            }
        }
    }
}

#[test]
fn nobodys_requests_are_each_thought_about_and_not_kept() {
    let site = site();
    let mut nowhere = says(Value::Null, SECRET);
    nowhere.client = None;
    for (before, call) in
        [says(Value::Null, SECRET), says("sample_session", SECRET), from(says("", SECRET), "192.0.2.8"), nowhere]
            .into_iter()
            .enumerate()
    {
        // The same words from one address may be two people's.
        for again in 0..2 {
            assert!(ask(&site, &call).output().unwrap().contains("4711"));
            assert_eq!(site.mind.asked().len(), 2 * before + again + 1);
        }
    }
    assert!(site.store.tables().chats.is_empty());
}

#[test]
fn sessions_are_told_apart_by_every_character() {
    let sessions = ["s", "S", "s1", "s#1", "widget#session#s", "s\u{301}", "\u{17f}", "sample_session1", "null"];
    let site = site();
    for session in sessions {
        ask(&site, &says(session, &format!("{SECRET} for {session}")));
        site.pass(secs(3));
    }
    for session in sessions {
        ask(&site, &says(format!(" {session} "), "again?"));
        let told = told(&site);
        assert!(told.contains(&format!("{SECRET} for {session}\n")), "{session}: {told}");
        assert_eq!(told.matches(SECRET).count(), 2, "asked and answered, and nobody else's: {told}");
        site.pass(secs(3));
    }
}

#[test]
fn neither_a_sessions_name_nor_an_address_is_stored_or_reported() {
    let site = site();
    site.mind.does(|_| Thinks::says("Certainly."));
    let session = "user-session-a1b2c3";
    for prompt in [SECRET, "stop", "and more"] {
        ask(&site, &says(session, prompt));
        ask(&site, &says(Value::Null, prompt));
        site.pass(secs(3));
    }
    ask(&site, &says("x".repeat(201), "hi"));
    let written = written(&site);
    assert!(written.contains("widget#session#"), "{written}");
    assert!(!written.contains(session) && !written.contains("192.0.2.7"), "{written}");
    let reported = format!("{:?}", site.recorder.lines());
    assert!(!reported.contains("4711") && !reported.contains("Certainly"), "{reported}");
}

#[test]
fn what_was_said_in_one_session_is_told_to_no_other() {
    let site = site();
    let sessions: Vec<String> = (0..40).map(|n| format!("visitor {n}")).collect();
    for round in 0..3 {
        for session in &sessions {
            ask(&site, &says(session.as_str(), &format!("I am {session}, round {round}")));
        }
        site.pass(secs(10));
    }
    for asked in site.mind.asked() {
        let mine = asked.last().split(',').next().unwrap().to_owned();
        for line in asked.all().lines() {
            assert!(line.contains(&mine), "{mine} was told: {line}");
        }
    }
}
