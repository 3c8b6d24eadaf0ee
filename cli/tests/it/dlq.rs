//! `frontdesk dlq`, over queues that hold what somebody put into them.

use frontdesk_tests::wire::{Fate, Wire};
use serde_json::{Value, json};

use crate::{
    Run,
    events::{Desk, assert_no_answer},
    world::{NOWHERE, printed},
};

const HEALTH: [(&str, &str); 5] = [
    ("HEALTH_TABLES", "inbox=inbox"),
    ("HEALTH_QUEUES_URL", "http://127.0.0.1:9/123456789012/"),
    ("HEALTH_QUEUES", "podium=s-podium.fifo,review-requests=s-sends,notices=s-notices"),
    (
        "HEALTH_DEAD_LETTERS",
        "podium-dlq=s-podium-dead.fifo,review-requests-dlq=s-sends-dead,notices-dlq=s-notices-dead,timers-dlq=s-timers-dead",
    ),
    ("HEALTH_SECRETS", "pepper=p"),
];

fn run(desk: &Desk, args: &[&str], more: &[(&str, &str)]) -> Run {
    desk.world.run(&[&["dlq"], args].concat(), &[&HEALTH, more].concat())
}

/// Dead letters of every kind.
async fn full() -> Desk {
    let desk = Desk::start().await;
    let row = |table: &str, key: &str, status: &str| {
        let item = json!({ "pk": { "S": key }, "st": { "S": status }, "group_id": { "S": "line-7" } });
        desk.world.tables.put(table, &item);
    };
    let dead = "s-podium-dead.fifo";
    for (key, status) in [("podium#open", "waiting"), ("podium#held", "claimed"), ("podium#done", "done")] {
        row("inbox", key, status);
        desk.queues.put(dead, key, Some("line-7"));
    }
    row("inbox", "podium#parked", "parked");
    for body in ["podium#parked", "podium#forgotten", "what is this"] {
        desk.queues.put(dead, body, Some("line-9"));
    }
    row("review_requests", "a-shop.myshopify.com#1", "queued");
    row("review_requests", "a-shop.myshopify.com#2", "sent");
    for body in ["a-shop.myshopify.com#1", "a-shop.myshopify.com#2"] {
        desk.queues.put("s-sends-dead", body, None);
    }
    row("outbox", "notice#bad_review#r-1#1", "open");
    row("outbox", "notice#bad_review#r-2#1", "told");
    for body in ["notice#bad_review#r-1#1", "notice#bad_review#r-2#1"] {
        desk.queues.put("s-notices-dead", body, None);
    }
    desk.queues.put("s-timers-dead", r#"{"task":"sweep"}"#, None);
    desk
}

fn of<'a>(document: &'a Value, queue: &str) -> &'a Value {
    document["queues"].as_array().unwrap().iter().find(|one| one["queue"] == queue).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_queue_is_listed_with_what_its_messages_name_and_they_are_shown_again() {
    let desk = full().await;
    let listed = run(&desk, &["list", "--peek", "10"], &[]);
    assert_eq!((listed.code, listed.stderr.as_str()), (1, ""));
    let document = printed(&listed);
    let podium = of(&document, "podium");
    assert_eq!((&podium["count"], &podium["oldest_sent_at"]), (&json!(6), &json!("2026-11-20T00:00:00Z")));
    let peeked: Vec<(&str, &str)> = podium["peek"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["status"].as_str().unwrap(), one["redrive"].as_str().unwrap()))
        .collect();
    let expected = [
        ("waiting", "back"),
        ("claimed", "back"),
        ("done", "answered"),
        ("parked", "stays"),
        ("missing", "stays"),
        ("unreadable", "stays"),
    ];
    assert_eq!(peeked, expected);
    assert!(!listed.text().contains("what is this"), "what is none of ours is not repeated");
    assert_eq!(of(&document, "review-requests")["peek"][1]["status"], "sent");
    assert_eq!(of(&document, "timers")["peek"][0]["redrive"], "answered");
    for queue in ["s-podium-dead.fifo", "s-sends-dead", "s-notices-dead", "s-timers-dead"] {
        assert_eq!(desk.queues.hidden(queue), 0, "{queue}");
    }
    let human = run(&desk, &["list", "--output", "human"], &[]);
    assert!(human.text().contains("podium           6         2026-11-20T00:00:00Z"), "{}", human.text());

    let empty = Desk::start().await;
    let listed = run(&empty, &["list"], &[]);
    assert_eq!((listed.code, &of(&printed(&listed), "podium")["count"]), (0, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_sends_back_what_is_open_and_deletes_what_has_ended() {
    let desk = full().await;
    let counted = run(&desk, &["redrive", "--dry-run"], &[]);
    assert_eq!((counted.code, &printed(&counted)["count"]), (0, &json!(11)));
    assert_no_answer(&run(&desk, &["redrive"], &[]), "11 messages to be looked through");
    assert_eq!(desk.queues.len("s-podium-dead.fifo"), 6);

    let done = run(&desk, &["redrive", "--yes"], &[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let document = printed(&done);
    let podium = of(&document, "podium");
    assert_eq!((&podium["back"], &podium["answered"], &podium["failed"]), (&json!(2), &json!(1), &json!(0)));
    assert_eq!(podium["stays"].as_array().unwrap().len(), 3);
    let back = desk.queues.all("s-podium.fifo");
    assert_eq!(desk.queues.bodies("s-podium.fifo"), ["podium#open", "podium#held"]);
    assert!(back.iter().all(|message| message.group.as_deref() == Some("line-7")), "in its line: {back:?}");
    assert_eq!(
        desk.queues.bodies("s-podium-dead.fifo"),
        ["podium#parked", "podium#forgotten", "what is this"],
        "what stays"
    );
    assert_eq!(desk.queues.hidden("s-podium-dead.fifo"), 0, "and is shown again");
    assert_eq!(desk.queues.bodies("s-sends"), ["a-shop.myshopify.com#1"]);
    assert_eq!(desk.queues.bodies("s-notices"), ["notice#bad_review#r-1#1"]);
    for queue in ["s-sends-dead", "s-notices-dead", "s-timers-dead"] {
        assert_eq!(desk.queues.len(queue), 0, "{queue}");
    }
    let again = run(&desk, &["redrive", "--yes"], &[]);
    assert_eq!((again.code, &of(&printed(&again), "podium")["back"]), (0, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_queue_alone_is_emptied_and_an_unknown_one_is_named() {
    let desk = full().await;
    let done = run(&desk, &["redrive", "review-requests", "--yes"], &[]);
    assert_eq!((done.code, printed(&done)["queues"].as_array().unwrap().len()), (0, 1), "{}", done.stderr);
    assert_eq!((desk.queues.len("s-sends-dead"), desk.queues.len("s-podium-dead.fifo")), (0, 6));
    let unknown = run(&desk, &["redrive", "pigeons", "--yes"], &[]);
    assert_no_answer(&unknown, "there is no queue \"pigeons\"; there are podium, review-requests, notices, timers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_deleted_only_after_its_key_is_back() {
    let desk = full().await;
    desk.queues.refuse("podium#open");
    desk.queues.keep("podium#held");
    let done = run(&desk, &["redrive", "--yes"], &[]);
    assert_eq!(done.code, 3, "{}", done.stderr);
    assert!(done.stderr.contains("2 messages could not be seen to"), "{}", done.stderr);
    let left = desk.queues.bodies("s-podium-dead.fifo");
    assert!(left.contains(&"podium#open".into()) && left.contains(&"podium#held".into()), "{left:?}");
    assert_eq!(desk.queues.bodies("s-podium.fifo"), ["podium#held"], "its row's lease makes a second one harmless");
    assert_eq!(desk.queues.hidden("s-podium-dead.fifo"), 0);
    desk.queues.mend();
    let done = run(&desk, &["redrive", "--yes"], &[]);
    assert_eq!((done.code, &of(&printed(&done), "podium")["back"]), (0, &json!(2)), "{}", done.stderr);
    assert_eq!(desk.queues.len("s-podium-dead.fifo"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_answer_is_exit_code_2_and_nothing_is_deleted() {
    let desk = full().await;
    for args in [&["list"][..], &["redrive", "--yes"], &["redrive", "--dry-run"]] {
        assert_no_answer(&run(&desk, args, &[("AWS_ENDPOINT_URL_SQS", NOWHERE)]), "the dead letters of podium");
    }
    let no_tables = [("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE)];
    assert_no_answer(&run(&desk, &["list"], &no_tables), "table inbox did not answer");
    let done = run(&desk, &["redrive", "podium", "--yes"], &no_tables);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert_eq!((desk.queues.len("s-podium-dead.fifo"), desk.queues.hidden("s-podium-dead.fifo")), (6, 0));
    assert_eq!(desk.queues.len("s-podium.fifo"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_functions_say_which_queues_there_are() {
    let desk = Desk::start().await;
    assert_no_answer(&desk.run(&["dlq", "list"]), "HEALTH_QUEUES_URL is not set");
    let variables: serde_json::Map<String, Value> = desk
        .world
        .variables()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("AWS_"))
        .chain(HEALTH.map(|(name, value)| (name, value.to_owned())))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let told = json!({ "FunctionName": "f", "Environment": { "Variables": variables } });
    let lambda = Wire::nowhere(move |_| Fate::Answer(200, told.clone())).await;
    let all = desk.world.variables();
    let mut aws: Vec<(&str, &str)> =
        all.iter().filter(|(name, _)| name.starts_with("AWS_")).map(|(name, value)| (*name, value.as_str())).collect();
    aws.push(("AWS_ENDPOINT_URL_LAMBDA", &lambda.url));
    let listed = tokio::task::block_in_place(|| crate::frontdesk(&["dlq", "list"], &aws, b""));
    assert_eq!(listed.code, 0, "{}", listed.stderr);
}
