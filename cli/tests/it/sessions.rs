//! `frontdesk sessions scan`.

use std::time::Duration;

use frontdesk_core::{
    ids::{EventId, LocationUid},
    phone::E164Phone,
    session::{Session, SessionKey, SessionMessage, SessionRules, Sessions as _},
    store::Fenced,
};
use frontdesk_local::{Action, FaultRule, Match, Times};
use serde_json::{Value, json};

use crate::{now, shop::Shop, world::printed};

const RULES: SessionRules = SessionRules {
    warn_after: Duration::from_secs(1_200),
    close_after: Duration::from_secs(1_680),
    keep: Duration::from_secs(604_800),
};
const SCAN: [&str; 2] = ["sessions", "scan"];

impl Shop {
    /// A chat in which somebody wrote so many minutes ago.
    async fn chat(&self, phone: &str, location: &str, minutes: u64) {
        let key = SessionKey {
            phone: E164Phone::parse_e164(phone).unwrap(),
            location: LocationUid::try_from(location).unwrap(),
        };
        let at = now().minus(Duration::from_secs(60 * minutes));
        let message = SessionMessage {
            event: EventId::try_from("e-1").unwrap(),
            text: Some("blue".to_owned()),
            at,
            conversation: None,
            webchat: true,
            now: at,
            quiet: false,
            imported: false,
        };
        let session = Session::after(None, &key, &message).unwrap();
        assert_eq!(self.tables.store().save_session(&session, &RULES, at).await.unwrap(), Fenced::Written);
    }

    async fn chats(&self) {
        self.chat("+61491570156", "loc-1", 3).await;
        self.chat("+61491570157", "loc-1", 22).await;
        self.chat("+61491570158", "loc-2", 40).await;
    }
}

fn counts(told: &Value) -> [u64; 5] {
    ["scanned", "active", "warned", "closed", "errors"].map(|name| told[name].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_says_who_fell_silent_and_changes_nothing() {
    let shop = Shop::start().await;
    let nobody = shop.run(&SCAN);
    assert_eq!((nobody.code, counts(&printed(&nobody))), (0, [0; 5]), "{}", nobody.stderr);
    shop.chats().await;
    let before = shop.tables.items("sessions");
    let run = shop.run(&SCAN);
    let told = printed(&run);
    assert_eq!((run.code, counts(&told), &told["persist_failures"]), (0, [3, 1, 1, 1, 0], &json!([])));
    assert!(run.stderr.contains("WARN +*******0157 at loc-1: silent for 13"), "{}", run.stderr);
    assert!(run.stderr.contains("CLOSE +*******0158 at loc-2: silent for 24"), "{}", run.stderr);
    assert!(!run.stderr.contains("915701"), "{}", run.stderr);
    assert_eq!((&told["sessions"][0]["due"], &told["sessions"][1]["due"]), (&json!("close"), &json!("prompt")));
    assert!(told["sessions"][2]["due_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert_eq!(shop.tables.items("sessions"), before);

    let there = shop.run(&[&SCAN[..], &["--location", "loc-2"]].concat());
    assert_eq!(counts(&printed(&there)), [1, 0, 0, 1, 0]);
    let human = shop.run(&[&SCAN[..], &["--output", "human"]].concat());
    assert!(human.text().contains("+*******0157") && !human.text().contains("915701"), "{}", human.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_does_what_the_clock_would_do_once_it_may() {
    let shop = Shop::start().await;
    shop.chats().await;
    let run = [&SCAN[..], &["--run"]].concat();
    let unasked = shop.run(&run);
    assert_eq!((unasked.code, unasked.text()), (2, ""));
    assert!(unasked.stderr.contains("ask 1 who fell silent, close 1 that are over"), "{}", unasked.stderr);
    let done = shop.run(&[&run[..], &["--yes"]].concat());
    let told = printed(&done);
    assert_eq!((done.code, counts(&told), &told["ran"]), (0, [3, 1, 1, 1, 0], &json!(true)), "{}", done.stderr);
    let row = shop.tables.item("sessions", "+61491570158#loc-2").unwrap();
    assert_eq!((&row["st"]["S"], row["kept"]["L"].as_array().unwrap().len()), (&json!("closed"), 1));
    // Once in a spell.
    let again = shop.run(&[&run[..], &["--yes"]].concat());
    assert_eq!(counts(&printed(&again)), [2, 1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_safe_are_persist_failures() {
    let shop = Shop::start().await;
    shop.chats().await;
    let key = "+61491570156#loc-1";
    let mut row = shop.tables.item("sessions", key).unwrap();
    row["answers"] = json!({ "L": [{ "S": "torn" }] });
    shop.tables.put("sessions", &row);
    let run = shop.run(&SCAN);
    let failures = &printed(&run)["persist_failures"];
    assert_eq!((run.code, &failures[0]["phone"]), (2, &json!("+61491570156")), "{failures}");

    // One row that cannot be read keeps nobody from the others.
    row["last_at_ms"] = json!({ "S": "noon" });
    shop.tables.put("sessions", &row);
    let run = shop.run(&SCAN);
    assert_eq!((run.code, counts(&printed(&run))), (0, [3, 0, 1, 1, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_there_is_no_look() {
    let shop = Shop::start().await;
    shop.chats().await;
    shop.assert_unreachable(&SCAN, 2);
    // What Podium does not do stays open, and is tried again.
    let mut row = shop.tables.item("sessions", "+61491570158#loc-2").unwrap();
    row["conversation_uid"] = json!({ "S": "conv-1" });
    shop.tables.put("sessions", &row);
    let matching = Match { path_prefix: Some("/v4/conversations".into()), ..Match::default() };
    let action = Action { status: Some(503), body: Some(json!("no")), ..Action::default() };
    shop.providers.add_fault(FaultRule { matching, times: Times::FOREVER, action }).unwrap();
    let run = shop.run(&[&SCAN[..], &["--run", "--yes"]].concat());
    let told = printed(&run);
    assert_eq!((run.code, &told["closed"]), (2, &json!(0)), "{}", run.stderr);
    assert_eq!(told["persist_failures"][0]["why"], "it was to be closed and is still open");
    shop.providers.clear_faults();
}
