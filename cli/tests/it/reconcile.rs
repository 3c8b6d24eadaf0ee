//! `frontdesk reconcile`, over tables in this process, a queue that takes everything, and providers that list what they are told to.

use frontdesk_local::{Action, FaultRule, Match, Times};
use serde_json::{Value, json};

use crate::{
    Run, frontdesk,
    world::{NOWHERE, World, printed},
};

impl World {
    fn reconcile(&self, args: &[&str], more: &[(&str, &str)]) -> Run {
        self.run(&[&["reconcile"], args].concat(), more)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_taken_in_once() {
    let world = World::start().await;
    let run = world.reconcile(&["podium", "--since", "24h"], &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let nothing = |list: &str| json!({ "list": list, "listed": 0, "recovered": 0, "complete": true });
    assert_eq!(printed(&run)["lists"], json!([nothing("podium-reviews"), nothing("podium-messages")]));

    world.providers.put_review("rev-1", &json!({ "rating": 1, "body": "Never arrived" })).unwrap();
    let run = world.reconcile(&["podium", "--since", "24h"], &[]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let lists = &printed(&run)["lists"];
    assert_eq!((&lists[0]["listed"], &lists[0]["recovered"]), (&json!(1), &json!(1)));
    assert!(run.stderr.contains("podium-reviews: 1 listed, 1 taken in"), "{}", run.stderr);
    assert!(!run.stderr.contains("Never arrived") && !run.text().contains("Never arrived"));
    assert_eq!(world.tables.items("inbox").len(), 1);
    assert_eq!(world.queues.operations(), ["SendMessage"]);

    // It waits to be worked on, so it is still listed, and known.
    let run = world.reconcile(&["podium", "--since", "24h", "--output", "human"], &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.text().lines().next(),
        Some("podium-reviews        1 listed       0 taken in  read to the end"),
        "{}",
        run.text()
    );
    assert_eq!(world.tables.items("inbox").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_since_it_goes_on_with_the_clocks_bookmark() {
    let world = World::start().await;
    let run = world.reconcile(&["podium"], &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let kept = world.tables.item("directory", "reconcile#podium-reviews").unwrap();
    let run = world.reconcile(&["podium"], &[]);
    assert_eq!((run.code, &printed(&run)["since"]), (0, &Value::Null), "{}", run.stderr);
    let later = world.tables.item("directory", "reconcile#podium-reviews").unwrap();
    assert_ne!(kept, later);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_is_exit_code_2_and_the_next_time_goes_on() {
    let world = World::start().await;
    for status in [500, 403, 429] {
        let matching = Match { method: Some("GET".into()), ..Match::default() };
        let action = Action { status: Some(status), body: Some(json!("no")), ..Action::default() };
        world.providers.add_fault(FaultRule { matching, times: Times::FOREVER, action }).unwrap();
        let run = world.reconcile(&["podium", "--since", "24h"], &[]);
        assert_eq!(run.code, 2, "{status}: {}", run.stderr);
        assert_eq!(printed(&run)["lists"][0]["complete"], json!(false));
        assert!(run.stderr.contains("not read to the end: podium-reviews, podium-messages"), "{}", run.stderr);
        world.providers.clear_faults();
    }
    let run = world.reconcile(&["podium"], &[("PODIUM_API_URL", NOWHERE)]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    for secret in ["hush", "AKIDTEST"] {
        assert!(!run.stderr.contains(secret), "{}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_answer_is_exit_code_2() {
    let world = World::start().await;
    for missing in [("FRONTDESK_TABLE_DIRECTORY", "no-such-table"), ("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE)] {
        let run = world.reconcile(&["podium"], &[missing]);
        assert_eq!((run.code, run.text()), (2, ""), "{}", run.stderr);
    }
}

#[test]
fn a_moment_that_is_none_is_told_before_anybody_is_asked() {
    for (since, word) in [
        ("yesterday", "neither a span"),
        ("24", "neither a span"),
        ("0h", "not in the past"),
        ("2999-01-01T00:00:00Z", "not in the past"),
        ("61d", "more than 60 days"),
    ] {
        let run = frontdesk(&["reconcile", "podium", "--since", since], &[], b"");
        assert_eq!((run.code, run.text()), (2, ""));
        assert!(run.stderr.contains(word) && !run.stderr.contains("is not set"), "{since}: {}", run.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_wrong_are_told_at_once() {
    let world = World::start().await;
    let run = world.reconcile(&["shopify"], &[("SHOPIFY_SHOP", ""), ("RECONCILE_SETTLE_SECONDS", "soon")]);
    assert_eq!((run.code, run.text()), (2, ""));
    for word in ["SHOPIFY_SHOP is not set", "RECONCILE_SETTLE_SECONDS is \"soon\"", "make -s env"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
}
