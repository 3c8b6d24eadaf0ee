//! `frontdesk reviews list`, `show` and `replay`.

use std::time::Duration;

use frontdesk_aws::process::RandomIds;
use frontdesk_core::{
    ids::Ids as _,
    notice::{Channel, NoticeClaim, NoticeEnd, NoticeKey, NoticeStep, Notices as _},
    signature,
    store::{Fenced, Lease},
};
use serde_json::{Value, json};

use crate::{
    Run, now,
    shop::{Shop, WEBHOOK_KEY},
    world::printed,
};

const BAD: &str = "events/podium/brief.review.received.1star.json";
const FAIR: &str = "events/podium/brief.review.received.3star.json";
const GOOD: &str = "events/podium/brief.review.received.5star.json";
const NOTICE: &str = "notice#bad_review#rev_1#1";

impl Shop {
    fn replay(&self, file: &str, more: &[&str]) -> Run {
        self.run(&[&["reviews", "replay", "--event-file", file], more].concat())
    }

    /// A replay while a notifier is at work, that ends the notice like this when it finds it.
    async fn replay_with(&self, file: &str, end: NoticeEnd) -> Run {
        let (store, key) = (self.tables.store(), NoticeKey::parse(NOTICE).unwrap());
        let notifier = tokio::spawn(async move {
            let ids = RandomIds::from_system().unwrap();
            // Not before the tool has seen that nobody was told.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            loop {
                let at = now();
                let lease = Lease { owner: ids.owner(), now: at, until: at.plus(Duration::from_secs(30)) };
                if let NoticeClaim::Acquired(held) = store.claim_notice(&key, &lease).await.unwrap() {
                    assert_eq!(store.step_notice(&key, &lease, &NoticeStep::End(end)).await.unwrap(), Fenced::Written);
                    return held.notice.content.headline;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let run = self.replay(file, &["--wait", "5"]);
        notifier.abort();
        if let Ok(headline) = notifier.await {
            assert!(headline.starts_with("1-star review"), "{headline}");
        }
        run
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_decides_and_writes_nothing() {
    let shop = Shop::start().await;
    for (file, rating, decision, platform) in
        [(BAD, 1, "escalate", "google"), (FAIR, 3, "log_only", "facebook"), (GOOD, 5, "thank", "podium")]
    {
        let run = shop.replay(file, &["--dry-run"]);
        let told = printed(&run);
        assert_eq!((run.code, &told["decision"], &told["rating"]), (0, &json!(decision), &json!(rating)));
        assert_eq!(
            (&told["status"], &told["dry_run"], &told["platform"]),
            (&json!("ok"), &json!(true), &json!(platform))
        );
        assert!(told["processed_at"].as_str().unwrap().ends_with('Z') && told.get("escalated").is_none());
    }
    for table in ["inbox", "reviews", "outbox", "contacts"] {
        assert!(shop.tables.items(table).is_empty(), "{table}");
    }
    assert!(shop.queues.operations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_review_is_escalated_once_and_then_a_duplicate() {
    let shop = Shop::start().await;
    let run = shop.replay_with(BAD, NoticeEnd::Told(Channel::Slack)).await;
    let told = printed(&run);
    assert_eq!((run.code, &told["status"], &told["escalated"]), (0, &json!("ok"), &json!(true)), "{}", run.stderr);
    assert_eq!(told["event_id"], "evt_rv_0001");
    let row = shop.tables.item("inbox", "podium#evt_rv_0001").unwrap();
    assert_eq!((&row["st"]["S"], &row["outcome"]["S"]), (&json!("done"), &json!("review_escalated")));
    let again = shop.replay(BAD, &["--wait", "0"]);
    let told = printed(&again);
    assert_eq!((again.code, &told["status"], &told["escalated"]), (0, &json!("duplicate"), &json!(true)));
    assert_eq!(shop.replay(BAD, &["--dry-run"]).code, 0);

    let run = shop.replay(GOOD, &[]);
    assert_eq!((run.code, &printed(&run)["status"]), (0, &json!("ok")), "{}", run.stderr);
    assert_eq!(printed(&shop.replay(GOOD, &[]))["status"], "duplicate");
    assert_eq!(shop.tables.items("outbox").len(), 1, "nobody is told of a good one");
}

/// What was claimed and not told is told when the same command comes again, also after the notice was given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_escalation_can_be_run_again() {
    let shop = Shop::start().await;
    let failed = shop.replay(BAD, &["--wait", "1"]);
    let told = printed(&failed);
    assert_eq!((failed.code, &told["status"], &told["escalated"]), (3, &json!("escalation_failed"), &json!(false)));
    assert!(failed.stderr.contains("ERR_REVIEW_014"), "{}", failed.stderr);

    let given_up = shop.replay_with(BAD, NoticeEnd::GivenUp).await;
    assert_eq!(given_up.code, 3, "{}", given_up.stderr);
    let run = shop.replay_with(BAD, NoticeEnd::Told(Channel::Webhook)).await;
    assert_eq!((run.code, &printed(&run)["status"]), (0, &json!("ok")), "{}", run.stderr);
    assert_eq!(shop.tables.item("outbox", NOTICE).unwrap()["told_over"]["S"], "webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_holds_or_nothing_is_done() {
    let shop = Shop::start().await;
    let body = std::fs::read(crate::root().join(FAIR)).unwrap();
    let signed = crate::frontdesk(
        &["sign", "--provider", "podium", "--secret", WEBHOOK_KEY, "--body", FAIR, "--output", "json"],
        &[],
        b"",
    );
    let headers = &printed(&signed)["headers"];
    let [signature, timestamp] = [signature::PODIUM_SIGNATURE, signature::PODIUM_TIMESTAMP]
        .map(|name| headers[name].as_str().unwrap().to_owned());
    let with = |signature: &str| {
        let more = ["--signature", signature, "--timestamp", &timestamp, "--verify"];
        shop.feed(&[&["reviews", "replay", "--event-file", "-"], &more[..]].concat(), &body)
    };
    let wrong = with(&"0".repeat(64));
    assert_eq!((wrong.code, wrong.text()), (1, ""), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("ERR_REVIEW_010") && shop.tables.items("inbox").is_empty(), "{}", wrong.stderr);
    let right = with(&signature);
    assert_eq!((right.code, &printed(&right)["decision"]), (0, &json!("log_only")), "{}", right.stderr);
    // Another key than the installation's.
    shop.set("OTHER_KEY", "another");
    let other = ["--signature", &signature, "--timestamp", &timestamp, "--secret-env", "OTHER_KEY", "--dry-run"];
    assert_eq!(shop.replay(FAIR, &other).code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_review_is_malformed() {
    let shop = Shop::start().await;
    for (body, word) in [
        ("", "no event of Podium's"),
        ("[]", "no event of Podium's"),
        (r#"{"id":"e","type":"review.received","data":{"id":"r","rating":11}}"#, "no number of stars"),
        (r#"{"id":"e","type":"webchat.message.received","data":{}}"#, "malformed"),
    ] {
        let run = shop.feed(&["reviews", "replay", "--event-file", "-"], body.as_bytes());
        assert_eq!((run.code, run.text()), (2, ""), "{body}");
        assert!(run.stderr.contains(word), "{body}: {}", run.stderr);
    }
    let two = format!("[{0},{0}]", r#"{"id":"e","type":"review.received","data":{"id":"r","rating":1}}"#);
    let run = shop.feed(&["reviews", "replay", "--event-file", "-"], two.as_bytes());
    assert!(run.code == 2 && run.stderr.contains("several events"), "{}", run.stderr);
    assert!(shop.replay("no/such/file", &[]).stderr.contains("no/such/file"));
    // The same id with another body is on record for people to look at, and not decided on.
    assert_eq!(shop.replay(FAIR, &[]).code, 0);
    let other = std::fs::read_to_string(crate::root().join(FAIR)).unwrap().replace("\"rating\": 3", "\"rating\": 1");
    let run = shop.feed(&["reviews", "replay", "--event-file", "-"], other.as_bytes());
    assert!(run.code == 2 && run.stderr.contains("another body"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tables_nothing_is_decided() {
    let shop = Shop::start().await;
    for args in [
        &["reviews", "replay", "--event-file", BAD][..],
        &["reviews", "replay", "--event-file", BAD, "--dry-run"],
        &["reviews", "list"],
        &["reviews", "show", "rev_1"],
    ] {
        shop.assert_unreachable(args, 2);
    }
    // Half way: the event is stored, and its review cannot be. The next run goes on.
    shop.set("FRONTDESK_TABLE_REVIEWS", "no-such-table");
    let run = shop.replay(BAD, &["--wait", "0"]);
    assert_eq!((run.code, run.text()), (3, ""), "{}", run.stderr);
    assert!(run.stderr.contains("the event is stored and was not worked on"), "{}", run.stderr);
    shop.set("FRONTDESK_TABLE_REVIEWS", "reviews");
    let run = shop.replay_with(BAD, NoticeEnd::Told(Channel::Slack)).await;
    assert_eq!((run.code, &printed(&run)["status"]), (0, &json!("ok")), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_knows_of_whom_nobody_was_told() {
    let shop = Shop::start().await;
    let none = shop.run(&["reviews", "list"]);
    assert_eq!((none.code, &printed(&none)["reviews"]), (1, &json!([])));
    assert_eq!(shop.replay(BAD, &["--wait", "0"]).code, 3);
    for file in [FAIR, GOOD] {
        assert_eq!(shop.replay(file, &[]).code, 0);
    }
    let uids = |args: &[&str]| {
        let run = shop.run(&[&["reviews", "list"], args].concat());
        let told = printed(&run);
        let uids: Vec<String> =
            told["reviews"].as_array().unwrap().iter().map(|one| one["uid"].as_str().unwrap().to_owned()).collect();
        assert_eq!(run.code, i32::from(uids.is_empty()));
        uids
    };
    assert_eq!(uids(&[]).len(), 3);
    assert_eq!(uids(&["--since", "1h"]).len(), 3);
    assert_eq!(uids(&["--untold"]), ["rev_1"]);
    assert_eq!(uids(&["--class", "escalate", "--location", "loc_burleigh"]), ["rev_1"]);
    assert!(uids(&["--class", "unrated"]).is_empty() && uids(&["--location", "loc_nowhere"]).is_empty());

    let shown = shop.run(&["reviews", "show", "rev_1"]);
    let told: Value = printed(&shown);
    assert_eq!((shown.code, &told["class"], &told["rating"]), (0, &json!("escalate"), &json!(1)));
    assert_eq!(told["turns"][0]["escalation"]["state"], "open");
    shop.replay_with(BAD, NoticeEnd::Told(Channel::Slack)).await;
    assert!(uids(&["--untold"]).is_empty());
    let human = shop.run(&["reviews", "show", "rev_1", "--output", "human"]);
    assert!(human.text().contains("people: told over slack"), "{}", human.text());
    let list = shop.run(&["reviews", "list", "--output", "human"]);
    assert!(list.text().starts_with("CHANGED") && list.text().contains("told"), "{}", list.text());
    let missing = shop.run(&["reviews", "show", "rev_none"]);
    assert_eq!((missing.code, missing.text()), (1, ""));
}
