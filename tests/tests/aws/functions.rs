//! The functions over real tables: from a webhook to a key in the delay queue.

use std::time::Duration;

use follow_up::FollowUp;
use frontdesk_aws::{
    dynamo::DynamoStore,
    lambda::{
        Invocation,
        queue::{QueueAnswer, QueueEvent, Record},
    },
    process::RandomIds,
    sqs::{RoutedEvents, SqsEvents, SqsNotices, SqsSends},
};
use frontdesk_core::{
    config::{MirrorConfig, WatchConfig},
    flow::{
        ingest::{IngestRules, PodiumEndpoint},
        locations::LocationRules,
        reconcile::ReconcileRules,
        say::SpeakerRules,
        worker::WorkerRules,
    },
    ids::{GroupId, Ids, OrderId, OrderKey},
    inbox::{Accepted, BodySha256, Inbox, InboxKey, NewEvent, Source},
    notice::{Channel, Content, Notice, NoticeClaim, NoticeEnd, NoticeKey, NoticeKind, NoticeStep, Notices},
    provider::OptOutMirror,
    request::RequestStatus,
    retry::Backoff,
    session::SessionRules,
    signature::{ReplayWindow, StalePolicy},
    store::{Fenced, Lease},
    task::{TaskError, Tick},
    telemetry::{Gauge, Metric},
    time::{Clock, DAY, UnixMillis},
    wish::ExtraWords,
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
use timers::{Task, TaskRules, Timers};

use super::{Reports, SharedClock};

/// 2026-02-25T06:13:20Z.
const T0: i64 = 1_772_000_000_000;

struct House {
    tables: Tables,
    sqs: Wire,
    store: DynamoStore,
    clock: SharedClock,
    worker: Worker<DynamoStore, SharedClock, RandomIds, Reports>,
    timers: Timers<DynamoStore, RoutedEvents, SqsSends, SqsNotices, World, SharedClock, RandomIds, Reports>,
    follow_up: FollowUp<DynamoStore, SqsEvents, World, World, SharedClock, RandomIds, Reports>,
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
        notify_within: seconds(60),
    }
}

pub(super) fn follow_up_rules() -> follow_up::TaskRules {
    let seconds = Duration::from_secs;
    follow_up::TaskRules {
        shop: shop::shop(),
        policy: shop::policy(),
        speaker: SpeakerRules { lease: seconds(330), settle: seconds(120), look_up_for: DAY, keep: DAY * 90 },
        podium: PodiumEndpoint {
            schemes: Vec::new(),
            window: ReplayWindow { window_s: 0, stale: StalePolicy::Reject },
            extra_words: ExtraWords::default(),
        },
        intake: IngestRules { body_bytes_max: 1_000_000, keep: DAY * 14 },
        reconcile: ReconcileRules { back: DAY, overlap: seconds(600), settle: seconds(900), run_for: seconds(120) },
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
            privacy: SqsEvents::new(client.clone(), "https://sqs.example/1/privacy".into()),
            chatwoot: SqsEvents::in_lines(client.clone(), "https://sqs.example/1/chatwoot.fifo".into(), ids.clone()),
        },
        sends: SqsSends::new(client.clone(), "https://sqs.example/1/sends".into()),
        notices: SqsNotices::new(client.clone(), "https://sqs.example/1/notices".into()),
        podium: World::chatting(Plan::default()),
        clock: clock.clone(),
        ids: ids.clone(),
        telemetry: telemetry.clone(),
        rules: rules(),
    };
    let follow_up = FollowUp {
        store: store.clone(),
        shopify_events: SqsEvents::new(client.clone(), "https://sqs.example/1/shopify".into()),
        podium_events: SqsEvents::in_lines(client, "https://sqs.example/1/podium.fifo".into(), ids.clone()),
        podium: World::chatting(Plan::default()),
        shopify: World::chatting(Plan::default()),
        clock: clock.clone(),
        ids,
        telemetry,
        rules: follow_up_rules(),
    };
    House { tables, sqs, store, clock, worker, timers, follow_up }
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
            chat: None,
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

    async fn follow(&self, task: &str) -> Result<usize, TaskError> {
        self.follow_up.handle(&Tick { task: task.into() }).await.map(|done| done.handled)
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
    // Each end is counted once, under the name of its source; what came a second time had ended.
    for (metric, times) in [(Metric::EventDone, 1), (Metric::EventRejected, 1), (Metric::EventParked, 0)] {
        assert_eq!(house.worker.telemetry.0.count_of_kind(metric, "shopify"), times, "{}", metric.as_str());
        assert_eq!(house.worker.telemetry.0.count_of(metric), times);
    }
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
    house.receive_from(Source::Privacy, "e3", "{}", None).await;
    house.clock.advance_s(180);
    assert_eq!(house.tick("sweep").await, Ok(3));
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
            json!({"QueueUrl": "https://sqs.example/1/privacy", "MessageBody": "privacy#e3"}),
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
    for wrong in ["", "Promote", "reconcile", "sends"] {
        let text = house.tick(wrong).await.unwrap_err().to_string();
        let tasks = Task::ALL.map(|task| format!("{:?}", task.as_str())).join(", ");
        assert_eq!(text, format!("there is no task {wrong:?}; the tasks are {tasks}"));
    }
    for wrong in ["", "reconcile", "promote"] {
        let text = house.follow(wrong).await.unwrap_err().to_string();
        let tasks = follow_up::Task::ALL.map(|task| format!("{:?}", task.as_str())).join(", ");
        assert_eq!(text, format!("there is no task {wrong:?}; the tasks are {tasks}"));
    }
}

/// What is told of is when the oldest came in, however often it was brought back since.
#[tokio::test]
async fn the_sweeper_measures_how_long_the_oldest_event_has_waited() {
    let house = house().await;
    assert_eq!(house.tick("sweep").await, Ok(0));
    house.receive("e1", "{}").await;
    house.clock.advance_s(100);
    house.receive("e2", "{}").await;
    for (wait, swept) in [(79, 0), (101, 2), (100, 0), (80, 2)] {
        house.clock.advance_s(wait);
        assert_eq!(house.tick("sweep").await, Ok(swept));
    }
    let measured = house.timers.telemetry.0.measured(Gauge::OldestWaitingSeconds);
    assert_eq!(measured, [0, 0, 280, 0, 460], "nobody worked on them in between");
}

/// A list of a provider's brings what its webhook lost into the worker's queue, once.
#[tokio::test]
async fn what_no_webhook_told_is_found_in_the_lists_and_queued() {
    let house = house().await;
    assert_eq!(house.follow("sends").await, Ok(0));
    for task in ["reconcile-reviews", "reconcile-messages", "reconcile-orders"] {
        assert_eq!(house.follow(task).await, Ok(0), "{task}: there is nothing in the lists");
    }
    let kept = house.tables.items("directory");
    assert_eq!(kept.len(), 3, "how far each list was compared: {kept:?}");
}

/// What people have to be told is found without its message, and by the clock alone.
#[tokio::test]
async fn a_notice_whose_message_was_lost_is_queued_each_minute_until_it_is_told() {
    let house = house().await;
    let now = house.clock.now();
    let key = NoticeKey::new(NoticeKind::BadReview, "rev_1#1");
    let content = Content {
        headline: "1-star review".into(),
        facts: Vec::new(),
        quote: None,
        link: None,
        action: "Call.".into(),
    };
    let (about, expires_at) = (vec!["rev_1".to_owned()], now.plus(DAY * 30));
    let notice = Notice { key: key.clone(), kind: NoticeKind::BadReview, content, about, opened_at: now, expires_at };
    assert_eq!(house.store.open_notice(&notice).await, Ok(true));
    house.clock.advance_s(1);
    assert_eq!(house.tick("notices").await, Ok(1));
    assert_eq!(house.tick("notices").await, Ok(1), "nobody has told it yet");
    let sent = house.sqs.calls();
    assert!(sent.iter().all(|call| call.json()["QueueUrl"] == "https://sqs.example/1/notices"));
    assert!(sent.iter().all(|call| call.json()["MessageBody"] == key.as_str()));

    let lease =
        Lease { owner: RandomIds::from_system().unwrap().owner(), now: house.clock.now(), until: now.plus(DAY) };
    assert!(matches!(house.store.claim_notice(&key, &lease).await, Ok(NoticeClaim::Acquired(_))));
    let told = NoticeStep::End(NoticeEnd::Told(Channel::Slack));
    assert_eq!(house.store.step_notice(&key, &lease, &told).await, Ok(Fenced::Written));
    assert_eq!(house.tick("notices").await, Ok(0));
}
