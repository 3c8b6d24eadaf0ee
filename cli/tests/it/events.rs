//! `frontdesk events`, over tables in this process and queues that take what they are told to.

#![expect(clippy::indexing_slicing, reason = "helpers of tests; a fault in them is a failure")]

mod kill;

use std::time::Duration;

use frontdesk_core::{
    body::StoredBody,
    ids::{EffectKey, EventId, GroupId, LocationUid, OwnerToken, ProviderId},
    inbox::{BodySha256, EventEnd, Inbox, InboxKey, NewEvent, RejectReason, Source},
    outbox::{Outbox, Send, Settlement},
    phone::E164Phone,
    store::Lease,
    time::{DAY, UnixMillis},
};
use frontdesk_tests::wire::{Fate, Wire};
use serde_json::{Value, json};

use crate::{
    Run,
    queues::Queues,
    world::{NOWHERE, World, printed},
};

const T0: UnixMillis = UnixMillis::new(1_772_000_000_000);
const PODIUM: &str = "frontdesk_queue_podium_url";
const SHOPIFY: &str = "frontdesk_queue_shopify_url";
const MESSAGE: &str = r#"{"metadata": {"eventType": "message.received", "eventUid": "e1"}, "data": {"uid": "m-1",
    "body": "do you have kayaks", "location": {"uid": "loc-1"}, "conversation": {"uid": "c-1",
    "channel": {"type": "phone", "identifier": "+61491570156"}}}}"#;

pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) queues: Queues,
}

impl Desk {
    pub(crate) async fn start() -> Self {
        let queues = Queues::default();
        let answering = queues.clone();
        Self { world: World::with_queues(move |call| answering.answer(call)).await, queues }
    }

    /// Takes an event in, `minutes` after `T0`.
    async fn event(&self, key: &str, body: &str, minutes: u32) -> InboxKey {
        let key = InboxKey::parse(key).unwrap();
        let received_at = T0.plus(Duration::from_secs(60) * minutes);
        let new = NewEvent {
            key: key.clone(),
            topic: (key.source == Source::Shopify).then(|| "orders/updated".to_owned()),
            body: StoredBody::pack(body.as_bytes()).unwrap(),
            body_sha256: BodySha256::of(body.as_bytes()),
            received_at,
            expires_at: received_at.plus(DAY * 14),
            receipt: "r".into(),
            rejected: None,
            group: (key.source == Source::Podium).then(|| GroupId::of("a conversation")),
            opt_outs: Vec::new(),
            chat: None,
        };
        self.world.tables.store().accept(&new).await.unwrap();
        key
    }

    /// The same, and ends it.
    async fn ended(&self, key: &str, body: &str, minutes: u32, end: EventEnd) {
        let key = self.event(key, body, minutes).await;
        let store = self.world.tables.store();
        let owner = OwnerToken::try_from("a").unwrap();
        let lease = Lease { owner, now: T0.plus(Duration::from_secs(1)), until: T0.plus(Duration::from_secs(90)) };
        store.claim(&key, &lease).await.unwrap();
        let _ = store.finish(&key, &lease, &end).await.unwrap();
    }

    async fn a_saturday() -> Self {
        let desk = Self::start().await;
        let parked = EventEnd::Parked(RejectReason::TooManyAttempts { attempts: 8 });
        desk.ended("podium#e1", MESSAGE, 1, EventEnd::Parked(RejectReason::ProviderNoHelp)).await;
        desk.ended("podium#e2", "{}", 3, parked.clone()).await;
        desk.ended("shopify#e3", r#"{"id": 5001}"#, 2, parked).await;
        desk.ended("shopify#e4", "{}", 4, EventEnd::Rejected(RejectReason::OtherShop)).await;
        desk.ended("podium#e5", MESSAGE, 5, EventEnd::Done("ingested")).await;
        desk.event("chatwoot#e6", "{}", 6).await;
        desk
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.world.run(args, &[("USER", "ines")])
    }

    fn row(&self, key: &str) -> Value {
        self.world.tables.item("inbox", key).unwrap()
    }

    fn status(&self, key: &str) -> String {
        self.row(key)["st"]["S"].as_str().unwrap().to_owned()
    }
}

fn keys(document: &Value) -> Vec<&str> {
    document["events"].as_array().unwrap().iter().map(|event| event["key"].as_str().unwrap()).collect()
}

pub(crate) fn assert_no_answer(run: &Run, word: &str) {
    assert_eq!((run.code, run.text()), (2, ""), "{}", run.stderr);
    assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_by_what_is_asked_the_newest_first() {
    let desk = Desk::a_saturday().await;
    for (filters, expected) in [
        (&[][..], &["chatwoot#e6", "podium#e5", "shopify#e4", "podium#e2", "shopify#e3", "podium#e1"][..]),
        (&["--limit", "2"], &["chatwoot#e6", "podium#e5"]),
        (&["--status", "parked"], &["podium#e2", "shopify#e3", "podium#e1"]),
        (&["--status", "parked", "--status", "done"], &["podium#e5", "podium#e2", "shopify#e3", "podium#e1"]),
        (&["--source", "shopify"], &["shopify#e4", "shopify#e3"]),
        (&["--reason", "provider_no"], &["podium#e1"]),
        (&["--since", "2026-02-25T06:17:00Z"], &["chatwoot#e6", "podium#e5", "shopify#e4"]),
        (&["--status", "waiting"], &["chatwoot#e6"]),
        (&["--status", "waiting", "--source", "podium"], &[]),
        (&["--source", "privacy"], &[]),
    ] {
        let run = desk.run(&[&["events", "list"], filters].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(keys(&printed(&run)), expected, "{filters:?}");
    }
    let run = desk.run(&["events", "list", "--limit", "2"]);
    assert!(run.stderr.contains("there are more"), "{}", run.stderr);
    let all = printed(&run);
    assert_eq!((&all["matched"], &all["more"]), (&json!(6), &json!(true)));
    let run = desk.run(&["events", "list", "--reason", "provider_no"]);
    assert_eq!(
        printed(&run)["events"][0],
        json!({
            "key": "podium#e1", "source": "podium", "received_at": "2026-02-25T06:14:20Z", "status": "parked",
            "outcome": "provider_no_help: a provider did not help with it for a day",
            "ended_at": "2026-02-25T06:13:21Z", "waiting_since_at": null, "lease_until_at": null, "attempts": 1,
            "topic": null, "replays": 0, "replayed_at": null, "replay_run": null,
        })
    );
    let run = desk.run(&["events", "list", "--status", "parked", "--source", "shopify", "--output", "human"]);
    let expected = "\
RECEIVED              STATUS  ATTEMPTS  TOPIC           KEY         OUTCOME
2026-02-25T06:15:20Z  parked  1         orders/updated  shopify#e3  too_many_attempts: failed 8 times
";
    assert_eq!(run.text(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_shown_with_its_body_and_what_came_of_it() {
    let desk = Desk::a_saturday().await;
    let store = desk.world.tables.store();
    let (phone, location) = (E164Phone::parse_e164("+61491570156").unwrap(), LocationUid::try_from("loc-1").unwrap());
    let key = EffectKey::answer(&EventId::try_from("m-1").unwrap());
    let send = Send { key: key.clone(), phone, location, expires_at: T0.plus(DAY) };
    let owner = OwnerToken::try_from("s").unwrap();
    store.begin(&send, &Lease { owner: owner.clone(), now: T0, until: T0.plus(DAY) }).await.unwrap();
    let accepted = Settlement::Accepted { message: ProviderId::try_from("m-2").unwrap() };
    let _ = store.settle(&key, &owner, &accepted, T0).await.unwrap();

    let run = desk.run(&["events", "show", "podium#e1"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let shown = printed(&run);
    assert_eq!(shown["body"]["data"]["body"], "do you have kayaks");
    assert_eq!(shown["status"], "parked");
    let led_to = shown["led_to"].as_array().unwrap();
    assert_eq!(led_to.len(), 1, "{led_to:?}");
    assert_eq!((&led_to[0]["key"], &led_to[0]["status"]), (&json!("answer#m-1"), &json!("accepted")));
    let run = desk.run(&["events", "show", "podium#e1", "--output", "human"]);
    assert!(run.text().contains("led to        outbox answer#m-1  accepted m-2"), "{}", run.text());
    assert!(run.text().contains("do you have kayaks"), "{}", run.text());

    let run = desk.run(&["events", "show", "podium#nobody"]);
    assert_eq!((run.code, run.text()), (1, ""));
    assert!(run.stderr.contains("there is no event podium#nobody"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_answer_is_exit_code_2_and_changes_nothing() {
    let desk = Desk::a_saturday().await;
    for args in [
        &["events", "list"][..],
        &["events", "list", "--status", "waiting"],
        &["events", "show", "podium#e1"],
        &["events", "replay", "podium#e1", "--yes"],
        &["events", "redrive", "--yes"],
    ] {
        let run = desk.world.run(args, &[("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE)]);
        assert_no_answer(&run, "table inbox did not answer");
        let run = desk.world.run(args, &[("FRONTDESK_TABLE_INBOX", "no-such-table")]);
        assert_no_answer(&run, "ResourceNotFoundException");
    }
    // It can be read and not written: nothing was changed, so it is no half of anything.
    let wire = Wire::to(&desk.world.tables.url, |call| match call.operation.as_str() {
        "UpdateItem" => Fate::Answer(400, json!({ "__type": "AccessDeniedException", "message": "no" })),
        _ => Fate::Pass,
    })
    .await;
    let run = desk.world.run(&["events", "redrive", "--yes"], &[("AWS_ENDPOINT_URL_DYNAMODB", wire.url.as_str())]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
    assert_eq!((desk.status("podium#e1"), desk.queues.len(PODIUM)), ("parked".into(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_counts_first_and_needs_a_yes() {
    let desk = Desk::a_saturday().await;
    let run = desk.run(&["events", "redrive", "--dry-run"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let plan = printed(&run);
    assert_eq!((&plan["dry_run"], &plan["count"]), (&json!(true), &json!(3)));
    assert_eq!(plan["groups"].as_array().unwrap().len(), 3);
    assert_eq!(
        plan["groups"][0],
        json!({ "source": "podium", "status": "parked", "reason": "provider_no_help", "count": 1 })
    );
    let run = desk.run(&["events", "redrive"]);
    assert_no_answer(&run, "3 events to be set going again, 10 a second (about 1 s), as run r");
    assert!(run.stderr.contains("say --yes"), "{}", run.stderr);
    for key in ["podium#e1", "podium#e2", "shopify#e3"] {
        assert_eq!(desk.status(key), "parked");
    }
    assert_eq!((desk.queues.len(PODIUM), desk.queues.len(SHOPIFY)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_sets_going_what_answers_to_it_each_in_its_line_and_the_oldest_first() {
    let desk = Desk::a_saturday().await;
    let run = desk.run(&["events", "redrive", "--yes", "--run", "night", "--because", "Podium is back"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let done = printed(&run);
    assert_eq!((&done["redriven"], &done["left_to_sweeper"], &done["complete"]), (&json!(3), &json!(0), &json!(true)));
    assert_eq!(desk.queues.bodies(PODIUM), ["podium#e1", "podium#e2"]);
    assert_eq!(desk.queues.bodies(SHOPIFY), ["shopify#e3"]);
    let line = GroupId::of("a conversation");
    assert!(desk.queues.all(PODIUM).iter().all(|message| message.group.as_deref() == Some(line.as_str())));
    let row = desk.row("podium#e1");
    for (name, value) in [("st", "waiting"), ("replay_run", "night"), ("replayed_by", "ines")] {
        assert_eq!(row[name]["S"], value, "{name}");
    }
    assert_eq!(row["replay_reason"]["S"], "Podium is back");
    assert_eq!(desk.status("shopify#e4"), "rejected");
    assert_eq!(desk.status("podium#e5"), "done");

    // Parked again, it is nothing for the same run, and something for another.
    let store = desk.world.tables.store();
    let key = InboxKey::parse("podium#e1").unwrap();
    let owner = OwnerToken::try_from("b").unwrap();
    let lease = Lease { owner, now: UnixMillis::new(i64::MAX / 4), until: UnixMillis::new(i64::MAX / 2) };
    store.claim(&key, &lease).await.unwrap();
    let _ = store.finish(&key, &lease, &EventEnd::Parked(RejectReason::ProviderNoHelp)).await.unwrap();
    let run = desk.run(&["events", "redrive", "--yes", "--run", "night"]);
    assert_eq!((run.code, &printed(&run)["count"]), (0, &json!(0)));
    assert_eq!(desk.queues.len(PODIUM), 2);
    let run = desk.run(&["events", "redrive", "--yes"]);
    assert_eq!((run.code, &printed(&run)["redriven"]), (0, &json!(1)));
    assert_eq!(desk.row("podium#e1")["replays"]["N"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_set_going_is_left_alone_with_the_reason() {
    let desk = Desk::a_saturday().await;
    let all = ["events", "redrive", "--status", "rejected", "--status", "waiting", "--status", "done", "--yes"];
    let run = desk.run(&all);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let done = printed(&run);
    assert_eq!(done["redriven"], 1, "what is done may be done again: {done}");
    let whys: Vec<(&str, &str)> = done["left_alone"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["key"].as_str().unwrap(), one["why"].as_str().unwrap()))
        .collect();
    assert!(whys.contains(&("shopify#e4", "other_shop")) && whys.contains(&("chatwoot#e6", "under_way")), "{whys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_takes_a_part_leaves_the_rest_to_the_sweeper() {
    let desk = Desk::a_saturday().await;
    desk.queues.refuse("podium#e2");
    let run = desk.run(&["events", "redrive", "--yes"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("the sweeper"), "{}", run.stderr);
    let done = printed(&run);
    assert_eq!((&done["redriven"], &done["left_to_sweeper"]), (&json!(3), &json!(3)), "some may have been taken");
    for key in ["podium#e1", "podium#e2", "shopify#e3"] {
        assert_eq!(desk.status(key), "waiting", "each is there for the sweeper");
    }
    assert_eq!(desk.queues.bodies(SHOPIFY), ["shopify#e3"], "the trouble of one queue is not that of the other");

    let dead = Desk::a_saturday().await;
    let run = dead.world.run(&["events", "redrive", "--yes"], &[("AWS_ENDPOINT_URL_SQS", NOWHERE)]);
    assert_eq!((run.code, &printed(&run)["redriven"]), (3, &json!(3)), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_stops_answering_half_way_is_exit_code_3_and_the_same_run_goes_on() {
    let desk = Desk::a_saturday().await;
    let writes = std::sync::atomic::AtomicUsize::new(0);
    let wire = Wire::to(&desk.world.tables.url, move |call| match call.operation.as_str() {
        "UpdateItem" if writes.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 => {
            Fate::Answer(400, json!({ "__type": "AccessDeniedException", "message": "no" }))
        }
        _ => Fate::Pass,
    })
    .await;
    let args = ["events", "redrive", "--yes", "--run", "night"];
    let run = desk.world.run(&args, &[("AWS_ENDPOINT_URL_DYNAMODB", wire.url.as_str())]);
    assert_eq!((run.code, &printed(&run)["redriven"]), (3, &json!(1)), "{}", run.stderr);
    assert!(run.stderr.contains("--run night goes on"), "{}", run.stderr);
    assert_eq!(desk.queues.len(PODIUM) + desk.queues.len(SHOPIFY), 1, "what waits is queued");
    let run = desk.run(&args);
    assert_eq!((run.code, &printed(&run)["redriven"]), (0, &json!(2)), "{}", run.stderr);
    assert_eq!(desk.queues.len(PODIUM) + desk.queues.len(SHOPIFY), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn named_events_are_replayed_and_those_that_are_not_there_are_named() {
    let desk = Desk::a_saturday().await;
    let run = desk.run(&["events", "replay", "podium#e5", "podium#e5", "--yes"]);
    assert_eq!((run.code, &printed(&run)["redriven"]), (0, &json!(1)), "{}", run.stderr);
    assert_eq!(desk.queues.bodies(PODIUM), ["podium#e5"]);
    assert!(desk.row("podium#e5").get("anew").is_none(), "nothing of it is sent again");

    let run = desk.run(&["events", "replay", "podium#e1", "podium#nobody", "shopify#e4", "--yes"]);
    assert_eq!((run.code, &printed(&run)["redriven"]), (1, &json!(1)), "{}", run.stderr);
    let left: Vec<String> =
        printed(&run)["left_alone"].as_array().unwrap().iter().map(|one| one["why"].to_string()).collect();
    assert_eq!(left, ["\"gone\"", "\"other_shop\""]);
    let run = desk.run(&["events", "replay", "podium#nobody", "--dry-run"]);
    assert_eq!((run.code, &printed(&run)["count"]), (1, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_wanted_anew_with_a_reason_and_only_where_that_is_safe() {
    let desk = Desk::a_saturday().await;
    for args in [&["--force"][..], &["--force", "--reason", " "]] {
        let run = desk.run(&[&["events", "replay", "podium#e5", "--yes"], args].concat());
        assert_eq!((run.code, run.text()), (2, ""), "{}", run.stderr);
        assert!(run.stderr.contains("--reason"), "{}", run.stderr);
    }
    let force = |key| ["events", "replay", key, "--force", "--reason", "the words were wrong", "--yes"];
    for (key, word) in [("shopify#e3", "one review request for ever"), ("podium#e2", "nothing is sent to a customer")] {
        let run = desk.run(&force(key));
        assert_eq!((run.code, &printed(&run)["count"]), (1, &json!(0)), "{}", run.stderr);
        assert!(run.text().contains(word), "{}", run.text());
        assert_eq!(desk.status(key), "parked");
    }
    let run = desk.run(&force("podium#e5"));
    assert_eq!((run.code, &printed(&run)["redriven"]), (0, &json!(1)), "{}", run.stderr);
    let row = desk.row("podium#e5");
    assert_eq!((&row["anew"]["N"], &row["replay_reason"]["S"]), (&json!("1"), &json!("the words were wrong")));
}
