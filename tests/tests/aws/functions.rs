//! The functions over real tables: from a webhook to a key in the delay queue.

use std::time::Duration;

use frontdesk_aws::{
    dynamo::DynamoStore,
    lambda::{
        Invocation,
        queue::{QueueAnswer, QueueEvent, Record},
    },
    process::RandomIds,
    sqs::{SqsEvents, SqsSends},
};
use frontdesk_core::{
    flow::shopify_worker::WorkerRules,
    ids::{OrderId, OrderKey},
    inbox::{Accepted, BodySha256, Inbox, InboxKey, NewEvent, Source},
    request::RequestStatus,
    time::{Clock, DAY, UnixMillis},
};
use frontdesk_testkit::shop;
use frontdesk_tests::{
    aws::aws_at,
    tables::Tables,
    wire::{Fate, Wire},
};
use serde_json::json;
use shopify_worker::Worker;
use timers::{TaskError, Tick, Timers};

use super::{Reports, SharedClock};

/// 2026-02-25T06:13:20Z.
const T0: i64 = 1_772_000_000_000;

struct House {
    tables: Tables,
    sqs: Wire,
    store: DynamoStore,
    clock: SharedClock,
    worker: Worker<DynamoStore, SharedClock, RandomIds, Reports>,
    timers: Timers<DynamoStore, SqsEvents, SqsSends, SharedClock, Reports>,
}

async fn house() -> House {
    let tables = Tables::start().await;
    let sqs = Wire::nowhere(|_| Fate::Answer(200, json!({"MessageId": "m"}))).await;
    let (store, clock, telemetry) = (tables.store(), SharedClock::at(T0), Reports::default());
    let client = aws_at(&sqs.url).sqs();
    let worker = Worker {
        store: store.clone(),
        clock: clock.clone(),
        ids: RandomIds::from_system().unwrap(),
        telemetry: telemetry.clone(),
        policy: shop::policy(),
        shop: shop::shop(),
        rules: WorkerRules { lease: Duration::from_secs(90), attempts_max: 8, body_bytes_max: 1_000_000 },
    };
    let timers = Timers {
        store: store.clone(),
        events: SqsEvents::new(client.clone(), "https://sqs.example/1/events".into()),
        sends: SqsSends::new(client, "https://sqs.example/1/sends".into()),
        clock: clock.clone(),
        telemetry,
        sweep_after: Duration::from_secs(180),
        requeue_after: Duration::from_secs(300),
    };
    House { tables, sqs, store, clock, worker, timers }
}

impl House {
    async fn receive(&self, id: &str, body: &str) -> String {
        let key = InboxKey { source: Source::Shopify, event: id.try_into().unwrap() };
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
        };
        assert_eq!(self.store.accept(&event).await, Ok(Accepted::Stored));
        key.to_key()
    }

    fn batch(&self, keys: &[&str]) -> Invocation<QueueEvent> {
        let record = |(n, key): (usize, &&str)| Record { message_id: Some(format!("m{n}")), body: Some((*key).into()) };
        let event = QueueEvent { records: keys.iter().enumerate().map(record).collect() };
        Invocation { event, deadline: self.clock.now().plus(Duration::from_secs(30)) }
    }

    async fn tick(&self, task: &str) -> Result<usize, TaskError> {
        self.timers.handle(&Tick { task: task.into() }).await.map(|done| done.queued)
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
        assert_eq!(text, format!("there is no task {wrong:?}; the tasks are \"promote\" and \"sweep\""));
    }
}
