//! The functions over real tables: from a webhook to a key in the delay queue.

use std::time::Duration;

use frontdesk_aws::{
    dynamo::DynamoStore,
    lambda::{
        Invocation,
        queue::{QueueAnswer, QueueEvent, Record},
    },
    process::RandomIds,
    sqs::{RoutedEvents, SqsEvents, SqsSends},
};
use frontdesk_core::{
    config::{MirrorConfig, WatchConfig},
    flow::{locations::LocationRules, say::SpeakerRules, worker::WorkerRules},
    ids::{GroupId, OrderId, OrderKey},
    inbox::{Accepted, BodySha256, Inbox, InboxKey, NewEvent, Source},
    provider::OptOutMirror,
    request::RequestStatus,
    retry::Backoff,
    session::SessionRules,
    time::{Clock, DAY, UnixMillis},
};
use frontdesk_testkit::{
    shop,
    world::{Plan, World},
};
use frontdesk_tests::{
    aws::aws_at,
    tables::Tables,
    wire::{Fate, Wire},
};
use serde_json::{Value, json};
use shopify_worker::Worker;
use timers::{TaskError, TaskRules, Tick, Timers};

use super::{Reports, SharedClock};

/// 2026-02-25T06:13:20Z.
const T0: i64 = 1_772_000_000_000;

struct House {
    tables: Tables,
    sqs: Wire,
    store: DynamoStore,
    clock: SharedClock,
    worker: Worker<DynamoStore, SharedClock, RandomIds, Reports>,
    timers: Timers<DynamoStore, RoutedEvents, SqsSends, World, SharedClock, RandomIds, Reports>,
}

pub(super) fn rules() -> TaskRules {
    let seconds = Duration::from_secs;
    let sessions = SessionRules { warn_after: seconds(1_200), close_after: seconds(1_680), keep: DAY * 7 };
    TaskRules {
        sweep_after: seconds(180),
        requeue_after: seconds(300),
        watch: WatchConfig { sessions, prompt: Some("Still there?".into()) },
        speaker: SpeakerRules { lease: seconds(90), settle: seconds(120), look_up_for: DAY, keep: DAY * 90 },
        locations: LocationRules { interval: seconds(300), fresh_for: seconds(30) },
        mirror: MirrorConfig {
            how: Some(OptOutMirror::Tag),
            tag: "do-not-contact".into(),
            backoff: Backoff { base: seconds(60), cap: seconds(3_600) },
        },
    }
}

async fn house() -> House {
    let tables = Tables::start().await;
    let sqs = Wire::nowhere(|_| Fate::Answer(200, json!({"MessageId": "m"}))).await;
    let (store, clock, telemetry) = (tables.store(), SharedClock::at(T0), Reports::default());
    let (client, ids) = (aws_at(&sqs.url).sqs(), RandomIds::from_system().unwrap());
    let worker = Worker {
        store: store.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        telemetry: telemetry.clone(),
        policy: shop::policy(),
        shop: shop::shop(),
        rules: WorkerRules {
            lease: Duration::from_secs(90),
            attempts_max: 8,
            body_bytes_max: 1_000_000,
            sweep_after: Duration::from_secs(180),
        },
    };
    let timers = Timers {
        store: store.clone(),
        events: RoutedEvents {
            shopify: SqsEvents::new(client.clone(), "https://sqs.example/1/shopify".into()),
            podium: SqsEvents::in_lines(client.clone(), "https://sqs.example/1/podium.fifo".into(), ids.clone()),
        },
        sends: SqsSends::new(client, "https://sqs.example/1/sends".into()),
        podium: World::chatting(Plan::default()),
        clock: clock.clone(),
        ids,
        telemetry,
        rules: rules(),
    };
    House { tables, sqs, store, clock, worker, timers }
}

impl House {
    async fn receive(&self, id: &str, body: &str) -> String {
        self.receive_from(Source::Shopify, id, body, None).await
    }

    async fn receive_from(&self, source: Source, id: &str, body: &str, group: Option<GroupId>) -> String {
        let key = InboxKey { source, event: id.try_into().unwrap() };
        let now = self.clock.now();
        let event = NewEvent {
            key: key.clone(),
            topic: None,
            body: frontdesk_core::body::StoredBody::pack(body.as_bytes()).unwrap(),
            body_sha256: BodySha256::of(body.as_bytes()),
            received_at: now,
            expires_at: now.plus(DAY * 14),
            receipt: format!("r-{id}"),
            rejected: None,
            group,
            opt_outs: Vec::new(),
        };
        assert_eq!(self.store.accept(&event).await, Ok(Accepted::Stored));
        key.to_key()
    }

    fn batch(&self, keys: &[&str]) -> Invocation<QueueEvent> {
        let record = |(n, key): (usize, &&str)| Record {
            message_id: Some(format!("m{n}")),
            body: Some((*key).into()),
            ..Record::default()
        };
        let event = QueueEvent { records: keys.iter().enumerate().map(record).collect() };
        Invocation { event, deadline: self.clock.now().plus(Duration::from_secs(30)) }
    }

    async fn tick(&self, task: &str) -> Result<usize, TaskError> {
        self.timers.handle(&Tick { task: task.into() }).await.map(|done| done.handled)
    }
}

fn order_key(order: u64) -> OrderKey {
    OrderKey { shop: shop::shop(), order: OrderId(order) }
}

#[tokio::test]
async fn an_order_becomes_a_request_that_is_queued_when_its_time_comes() {
    let house = house().await;
    let body = shop::order(1, "+61491570010", "2026-02-25T00:00:00Z").to_string();
    let good = house.receive("e1", &body).await;
    let bad = house.receive("e2", "{").await;
    let answer = house.worker.handle(house.batch(&[&good, "no key", "shopify#gone", &bad, &good])).await;
    assert_eq!(answer, Ok(QueueAnswer::default()), "nothing of it would be better the second time");
    assert_eq!(house.tables.request_status(&order_key(1)), Some(RequestStatus::Scheduled));
    assert_eq!(house.tables.item("inbox", &bad).unwrap()["st"]["S"], "rejected");

    assert_eq!(house.tick("promote").await, Ok(0));
    house.clock.advance_s(5 * 86_400);
    assert_eq!(house.tick("promote").await, Ok(1));
    assert_eq!(house.tick("promote").await, Ok(0), "it is in the queue");
    let sent = house.sqs.calls();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].json()["MessageBody"], order_key(1).to_key());
    assert_eq!(house.tables.request_status(&order_key(1)), Some(RequestStatus::Queued));
    assert_eq!(house.tick("sweep").await, Ok(0), "both events have ended");
}

#[tokio::test]
async fn an_event_that_nobody_was_told_of_is_swept_into_the_queue() {
    let house = house().await;
    let key = house.receive("e1", "{}").await;
    house.clock.advance_s(179);
    assert_eq!(house.tick("sweep").await, Ok(0));
    house.clock.advance_s(1);
    assert_eq!(house.tick("sweep").await, Ok(1));
    assert_eq!(house.tick("sweep").await, Ok(0));
    assert_eq!(house.sqs.calls()[0].json()["MessageBody"], key);
    assert_eq!(house.clock.now(), UnixMillis::new(T0 + 180_000));
}

#[tokio::test]
async fn each_swept_event_goes_to_its_own_workers_queue_and_line() {
    let house = house().await;
    let line = GroupId::of("a conversation");
    house.receive("e1", "{}").await;
    house.receive_from(Source::Podium, "e2", "{}", Some(line.clone())).await;
    house.clock.advance_s(180);
    assert_eq!(house.tick("sweep").await, Ok(2));
    let mut sent: Vec<Value> = house.sqs.calls().iter().map(frontdesk_tests::wire::Call::json).collect();
    sent.sort_by_key(|message| message["MessageBody"].to_string());
    let name = sent[0]["MessageDeduplicationId"].clone();
    assert_eq!(
        sent,
        [
            json!({
                "QueueUrl": "https://sqs.example/1/podium.fifo",
                "MessageBody": "podium#e2",
                "MessageGroupId": line.as_str(),
                "MessageDeduplicationId": name,
            }),
            json!({"QueueUrl": "https://sqs.example/1/shopify", "MessageBody": "shopify#e1"}),
        ]
    );
}

#[tokio::test]
async fn a_table_in_trouble_brings_its_message_back_and_a_timer_its_error() {
    let mut house = house().await;
    let key = house.receive("e1", "{}").await;
    let dead = Wire::nowhere(|_| Fate::LoseCall).await;
    house.worker.store = frontdesk_tests::tables::store_at(&dead.url);
    house.timers.store = frontdesk_tests::tables::store_at(&dead.url);
    let answer = house.worker.handle(house.batch(&[&key])).await.unwrap();
    assert_eq!(answer.batch_item_failures[0].item_identifier, "m0");
    assert!(matches!(house.tick("sweep").await, Err(TaskError::Store(_))));
    assert!(matches!(house.tick("promote").await, Err(TaskError::Store(_))));
}

#[tokio::test]
async fn a_schedule_without_a_task_of_ours_is_told_which_there_are() {
    let house = house().await;
    for wrong in ["", "Promote", "reconcile"] {
        let text = house.tick(wrong).await.unwrap_err().to_string();
        let tasks = r#""promote", "sweep", "sessions", "locations", "mirror""#;
        assert_eq!(text, format!("there is no task {wrong:?}; the tasks are {tasks}"));
    }
}
