//! `frontdesk optout compliance`, `record` and `clear`.

use std::time::Duration;

use frontdesk_core::{
    contact::{Contacts as _, Direction, Evidence, MirrorOutcome, MirrorState, OptOutChange, OptOutFlag, OptOutSource},
    ids::Shard,
    phone::E164Phone,
    time::UnixMillis,
};
use frontdesk_local::{Action, FaultRule, Match, Times};
use serde_json::{Value, json};

use crate::{Run, now, shop::Shop, world::printed};

const PHONE: &str = "+61491570156";
const MINUTE: Duration = Duration::from_secs(60);

fn phone() -> E164Phone {
    E164Phone::parse_e164(PHONE).unwrap()
}

impl Shop {
    /// Records what somebody said.
    async fn said(&self, flag: OptOutFlag, direction: Direction, source: OptOutSource, at: UnixMillis) {
        let evidence = Evidence { source, message_id: None, text_sha256: None, recorded_at: at, by_hand: None };
        let change = OptOutChange { phone: phone(), flag, direction, at, evidence };
        self.tables.store().record_opt_out(&change).await.unwrap();
    }

    fn at_podium(&self, opted_out: bool) {
        self.providers.set_contact(PHONE, &json!({ "uid": "c-1", "opted_out": opted_out })).unwrap();
    }

    async fn told(&self, out: bool) {
        let store = self.tables.store();
        let due = store.mirrors_due(Shard::of(PHONE), UnixMillis::new(i64::MAX), 1).await.unwrap();
        store.note_telling(&phone()).await.unwrap();
        store.settle_mirror(due.first().unwrap(), &MirrorOutcome::Told { out }).await.unwrap();
    }

    async fn mirror(&self) -> MirrorState {
        self.tables.store().contact(&phone()).await.unwrap().unwrap().mirror
    }

    fn optout(&self, args: &[&str]) -> Run {
        let (command, more) = args.split_first().unwrap();
        self.run(&[&["optout", command, "--phone", PHONE], more].concat())
    }

    fn compliance(&self, more: &[&str]) -> Run {
        self.optout(&[&["compliance"], more].concat())
    }
}

fn flags(found: &Value) -> Vec<&str> {
    let set = OptOutFlag::ALL.map(OptOutFlag::as_str).into_iter();
    set.filter(|flag| found[flag] == json!(true)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_differ_among_themselves_are_no_drift_and_stay_as_they_are() {
    let shop = Shop::start().await;
    shop.said(OptOutFlag::ReviewRequest, Direction::Out, OptOutSource::Manual, now()).await;
    shop.at_podium(false);
    for more in [&[][..], &["--propagate", "--yes"]] {
        let run = shop.compliance(more);
        let found = printed(&run);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!((&found["suppressed"], &found["drift_detected"]), (&json!(true), &json!(false)));
        assert_eq!(found["drift_reason"], Value::Null);
        assert_eq!((flags(&found), &found["contact_id"]), (vec!["review_request_opt_out"], &json!("c-1")));
    }
    // Podium heard nothing of it, and nothing is due to be told.
    let calls = shop.providers.requests();
    assert!(calls.iter().all(|call| call.method == "GET" || call.path.contains("token")), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_podium_lacks_is_drift_and_becomes_due_to_be_told() {
    let shop = Shop::start().await;
    shop.set("OPTOUT_MIRROR", "tag");
    shop.said(OptOutFlag::MarketingSms, Direction::Out, OptOutSource::Shopify, now().minus(MINUTE)).await;
    shop.told(true).await;
    shop.at_podium(false);
    let run = shop.compliance(&[]);
    let found = printed(&run);
    assert_eq!((run.code, &found["drift_detected"]), (1, &json!(true)));
    assert!(found["drift_reason"].as_str().unwrap().contains("Podium does not know of the opt-out"), "{found}");
    assert_eq!(flags(&found), ["marketing_sms_opt_out"]);

    let dry = shop.compliance(&["--propagate", "--dry-run"]);
    assert_eq!((dry.code, &printed(&dry)["propagated"]), (1, &json!({ "plan": "tell_podium", "done": false })));
    assert_eq!(shop.mirror().await, MirrorState::Told { out: true });
    let unasked = shop.compliance(&["--propagate"]);
    assert_eq!((unasked.code, unasked.text()), (3, ""), "it takes --yes where nobody can be asked");
    assert!(unasked.stderr.contains("--yes") && unasked.stderr.contains("the timers do it"), "{}", unasked.stderr);

    let done = shop.compliance(&["--propagate", "--yes"]);
    assert_eq!((done.code, &printed(&done)["mirror"]["state"]), (1, &json!("due")), "{}", done.stderr);
    assert!(matches!(shop.mirror().await, MirrorState::Due { attempts: 0, .. }));
    // No flag was widened into another.
    assert_eq!(flags(&printed(&shop.compliance(&[]))), ["marketing_sms_opt_out"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_only_podium_knows_is_recorded_here() {
    let shop = Shop::start().await;
    shop.at_podium(true);
    let run = shop.compliance(&[]);
    let found = printed(&run);
    assert_eq!((run.code, &found["suppressed"], &found["contact_found"]), (2, &json!(false), &json!(true)));
    let done = shop.compliance(&["--propagate", "--yes"]);
    let found = printed(&done);
    assert_eq!((done.code, &found["drift_detected"], &found["suppressed"]), (0, &json!(false), &json!(true)));
    assert_eq!(flags(&found), ["podium_keyword_optout"]);
    let row = shop.tables.item("contacts", PHONE).unwrap();
    assert_eq!(row["podium_keyword_optout_evidence"]["M"]["source"]["S"], "podium");
}

/// It never opens anybody, whatever Podium says.
#[tokio::test(flavor = "multi_thread")]
async fn an_echo_of_our_own_word_is_left_to_the_timers() {
    let shop = Shop::start().await;
    shop.set("OPTOUT_MIRROR", "tag");
    shop.said(OptOutFlag::Keyword, Direction::Out, OptOutSource::Sms, now().minus(MINUTE * 2)).await;
    shop.told(true).await;
    shop.said(OptOutFlag::Keyword, Direction::In, OptOutSource::Sms, now().minus(MINUTE)).await;
    shop.providers.set_contact(PHONE, &json!({ "uid": "c-1", "opted_out": true })).unwrap();
    let before = shop.tables.item("contacts", PHONE);
    let run = shop.compliance(&["--propagate", "--yes"]);
    assert_eq!((run.code, &printed(&run)["propagated"]["plan"]), (2, &Value::Null), "{}", run.stderr);
    assert!(run.stderr.contains("this never opens anybody"), "{}", run.stderr);
    assert_eq!(shop.tables.item("contacts", PHONE), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_nobody_knows_is_not_said_to_be_free() {
    let shop = Shop::start().await;
    let run = shop.compliance(&[]);
    let found = printed(&run);
    assert_eq!((run.code, &found["contact_found"], &found["suppressed"]), (3, &json!(false), &Value::Null));
    assert_eq!((&found["podium_keyword_optout"], &found["phone"]), (&Value::Null, &json!(PHONE)));
    // Asked for by the number itself: a + that became a space would find nobody.
    let asked: Vec<String> = shop.providers.requests().into_iter().map(|call| call.path).collect();
    assert!(asked.iter().any(|path| path.contains("61491570156")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn compliance_without_an_answer_is_exit_code_3() {
    let shop = Shop::start().await;
    let check = ["optout", "compliance", "--phone", PHONE];
    shop.assert_unreachable(&check, 3);
    let matching = Match { method: Some("GET".into()), ..Match::default() };
    let action = Action { status: Some(503), body: Some(json!("no")), ..Action::default() };
    shop.providers.add_fault(FaultRule { matching, times: Times::FOREVER, action }).unwrap();
    let run = shop.run(&check);
    assert_eq!((run.code, run.text()), (3, ""));
    assert!(run.stderr.contains("Podium's record was not read"), "{}", run.stderr);
    assert_eq!(shop.run(&["optout", "compliance", "--phone", "12"]).code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_wish_says_who_when_and_why_and_start_does_not_undo_it() {
    let shop = Shop::start().await;
    let record = ["record", "--reason", "asked at the counter"];
    let dry = shop.optout(&[&record[..], &["--dry-run"]].concat());
    assert_eq!((dry.code, &printed(&dry)["dry_run"]), (0, &json!(true)));
    assert_eq!(shop.tables.item("contacts", PHONE), None);

    let run = shop.optout(&record);
    let told = printed(&run);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!((&told["recorded_by"], &told["suppressed"]), (&json!("sam"), &json!(true)));
    assert_eq!(told["flags"][0]["flag"], "global_unsubscribe");
    assert_eq!((&told["flags"][0]["outcome"], &told["podium_to_be_told"]), (&json!("applied"), &json!(true)));
    let row = shop.tables.item("contacts", PHONE).unwrap();
    let proof = &row["global_unsubscribe_evidence"]["M"];
    let [source, by, reason] = ["source", "recorded_by", "reason"].map(|name| proof[name]["S"].as_str().unwrap());
    assert_eq!([source, by, reason], ["manual", "sam", "asked at the counter"]);

    shop.said(OptOutFlag::Global, Direction::In, OptOutSource::Sms, now().plus(MINUTE)).await;
    let contact = shop.tables.store().contact(&phone()).await.unwrap().unwrap();
    assert_eq!(contact.opted_out(), Some(OptOutFlag::Global));
    // On top of somebody's own word, a person's name and reason are the better proof.
    shop.said(OptOutFlag::Keyword, Direction::Out, OptOutSource::Sms, now().minus(MINUTE)).await;
    let run = shop.optout(&["record", "--flag", "keyword", "--reason", "and by letter", "--by", "Kim"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let row = shop.tables.item("contacts", PHONE).unwrap();
    assert_eq!(row["podium_keyword_optout_evidence"]["M"]["recorded_by"]["S"], "Kim");
    // Erased, what was written about them is gone with them.
    shop.tables.store().erase_contact(&phone()).await.unwrap();
    assert!(!json!(shop.tables.items("contacts")).to_string().contains("letter"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shut_is_opened_only_with_a_yes_and_only_what_was_said_before() {
    let shop = Shop::start().await;
    let clear = ["clear", "--reason", "wrote to us"];
    let nothing = shop.optout(&[&clear[..], &["--yes"]].concat());
    assert_eq!((nothing.code, &printed(&nothing)["flags"]), (1, &json!([])));

    let hour_ago = now().minus(MINUTE * 60);
    shop.said(OptOutFlag::Keyword, Direction::Out, OptOutSource::Sms, hour_ago).await;
    shop.said(OptOutFlag::MarketingSms, Direction::Out, OptOutSource::Shopify, hour_ago).await;
    let unasked = shop.optout(&clear);
    assert_eq!((unasked.code, unasked.text()), (2, ""));
    assert!(unasked.stderr.contains("podium_keyword_optout: out by sms since"), "{}", unasked.stderr);
    assert!(!unasked.stderr.contains("9157015"), "{}", unasked.stderr);

    // They said STOP after what the shop wants to take back.
    let late = shop.optout(&[&clear[..], &["--said-at", "2h", "--yes"]].concat());
    assert_eq!(late.code, 1);
    assert_eq!(printed(&late)["flags"][0]["outcome"], "refused");
    assert!(late.stderr.contains("sms said that they want no messages at"), "{}", late.stderr);
    assert!(late.stderr.contains("which is not before"), "{}", late.stderr);

    let one = shop.optout(&[&clear[..], &["--flag", "marketing", "--yes"]].concat());
    assert_eq!((one.code, &printed(&one)["suppressed"]), (0, &json!(true)), "{}", one.stderr);
    let rest = shop.optout(&[&clear[..], &["--yes"]].concat());
    let told = printed(&rest);
    assert_eq!((rest.code, &told["suppressed"]), (0, &json!(false)));
    assert_eq!(told["flags"].as_array().unwrap().len(), 1, "the other is in already");
    // The same once more: a later STOP by text shuts it again.
    shop.said(OptOutFlag::Keyword, Direction::Out, OptOutSource::Sms, now().plus(MINUTE)).await;
    let contact = shop.tables.store().contact(&phone()).await.unwrap().unwrap();
    assert_eq!(contact.opted_out(), Some(OptOutFlag::Keyword));
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_without_a_table_a_name_or_a_reason_are_not_recorded() {
    let shop = Shop::start().await;
    for command in ["record", "clear"] {
        let args = ["optout", command, "--phone", PHONE, "--reason", "x"];
        shop.assert_unreachable(&args, 2);
        shop.set("USER", " ");
        let run = shop.run(&args);
        assert!(run.code == 2 && run.stderr.contains("--by"), "{}", run.stderr);
        shop.set("USER", "sam");
        let run = shop.run(&["optout", command, "--phone", PHONE, "--reason", " "]);
        assert!(run.code == 2 && run.stderr.contains("--reason"), "{}", run.stderr);
        let run = shop.run(&[&args[..], &["--said-at", "2999-01-01T00:00:00Z"]].concat());
        assert!(run.code == 2 && run.stderr.contains("not in the past"), "{}", run.stderr);
    }
    // A flag that nobody can read is opened by nobody.
    shop.tables.put("contacts", &json!({ "pk": { "S": PHONE }, "global_unsubscribe": { "S": "out" } }));
    let run = shop.run(&["optout", "clear", "--phone", PHONE, "--reason", "x", "--yes"]);
    assert_eq!((run.code, run.text()), (2, ""));
    assert!(run.stderr.contains("mended by hand"), "{}", run.stderr);
}
