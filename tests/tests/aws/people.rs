//! The notifier with its real clients, over real tables: who is told by which way, and what a wrong address costs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use frontdesk_aws::{
    lambda::{
        Invocation,
        queue::{QueueAnswer, QueueEvent, Record},
    },
    process::{ProcessEnv, RandomIds, SystemClock},
    sqs::SqsNotices,
    start::{Aws, Process},
};
use frontdesk_core::{
    config::{self, NotifierConfig},
    notice::{Content, Notice, NoticeKey, NoticeKind, Notices},
    telemetry::Metric,
    time::{Clock, DAY, UnixMillis},
};
use frontdesk_local::{Provider, StandIns};
use frontdesk_tests::{
    aws::{MapEnv, TIMING},
    tables::Tables,
    wire::{Fate, Wire},
};
use frontdesk_wiring::{NoticeChannels, Wiring};
use notifier::Notifier;
use serde_json::{Value, json};

use super::{Reports, SharedClock};

type Bell = Notifier<frontdesk_aws::dynamo::DynamoStore, SqsNotices, NoticeChannels, SharedClock, RandomIds, Reports>;

/// What the secrets hold, by name.
type Held = Arc<Mutex<BTreeMap<&'static str, String>>>;

struct House {
    notifier: Bell,
    reports: Reports,
    clock: SharedClock,
    people: StandIns,
    secrets: Held,
    tables: Tables,
    _wires: [Wire; 2],
}

/// Starts the function as its `main` does, with these channels set up.
async fn house(channels: &[&str]) -> House {
    let people = StandIns::start("127.0.0.1:0").await.unwrap();
    let webhook = json!({ "url": people.webhook_url(), "signing_secret": "s-hush" }).to_string();
    let held: Held = Arc::new(Mutex::new(BTreeMap::from([("slack", people.slack_url()), ("webhook", webhook)])));
    let shown = Arc::clone(&held);
    let secrets = Wire::nowhere(move |call| {
        let name = call.json()["SecretId"].as_str().unwrap().to_owned();
        match shown.lock().unwrap().get(name.as_str()) {
            Some(value) => Fate::Answer(200, json!({ "SecretString": value })),
            None => Fate::Answer(400, json!({ "__type": "AccessDeniedException" })),
        }
    });
    let secrets = secrets.await;
    let sqs = Wire::nowhere(|_| Fate::Answer(200, json!({ "MessageId": "m" }))).await;
    let tables = Tables::start().await;
    let set_up = |channel: &str, value: &'static str| if channels.contains(&channel) { value } else { "" };
    let env = MapEnv::of(&[
        ("FRONTDESK_TABLE_OUTBOX", "outbox"),
        ("FRONTDESK_QUEUE_NOTICES_URL", "https://sqs.example/1/notices"),
        ("NOTIFY_SLACK_SECRET_ARN", set_up("slack", "slack")),
        ("NOTIFY_WEBHOOK_SECRET_ARN", set_up("webhook", "webhook")),
        ("NOTIFY_SNS_TOPIC_ARN", set_up("sns", "arn:aws:sns:eu-test-people:000000000000:people")),
        ("AWS_REGION", "eu-test-people"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &tables.url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url),
        ("AWS_ENDPOINT_URL_SNS", &people.sns_url()),
        ("AWS_ENDPOINT_URL_SQS", &sqs.url),
    ]);
    let config: NotifierConfig = config::notifier(&env).unwrap().config;
    let (aws, reports, ids) =
        (Aws::from_env(&env, &TIMING).unwrap(), Reports::default(), RandomIds::from_system().unwrap());
    let process = Process { env: ProcessEnv, telemetry: reports.clone(), clock: SystemClock, ids: ids.clone() };
    let (store, clock) = (tables.store(), SharedClock::at(1_772_000_000_000));
    let channels = Wiring::new(&config.http, &aws, &store, &process).unwrap().channels(&config);
    let queue = SqsNotices::new(aws.sqs(), config.queue_url);
    let (telemetry, rules) = (reports.clone(), config.rules);
    let notifier = Notifier { store, queue, channels, clock: clock.clone(), ids, telemetry, rules };
    House { notifier, reports, clock, people, secrets: held, tables, _wires: [secrets, sqs] }
}

impl House {
    async fn open(&self, about: &str) -> String {
        let now: UnixMillis = self.clock.now();
        let key = NoticeKey::new(NoticeKind::BadReview, about);
        let content = Content {
            headline: "1-star review for Harbour Lane on google".into(),
            facts: vec![("Rating".into(), "1 of 5".into())],
            quote: Some("Never arrived <!channel>".into()),
            link: None,
            action: "Call the customer today.".into(),
        };
        let (kind, expires_at) = (NoticeKind::BadReview, now.plus(DAY));
        let notice = Notice { key: key.clone(), kind, content, about: Vec::new(), opened_at: now, expires_at };
        assert_eq!(self.notifier.store.open_notice(&notice).await, Ok(true));
        key.as_str().to_owned()
    }

    async fn ring(&self, key: &str) {
        let record = Record { message_id: Some("m1".into()), body: Some(key.into()), ..Record::default() };
        let deadline = self.clock.now().plus(Duration::from_secs(25));
        let batch = Invocation { event: QueueEvent { records: vec![record] }, deadline };
        assert_eq!(self.notifier.handle(batch).await, Ok(QueueAnswer::default()));
    }

    /// By which ways people were told, in order.
    fn told(&self) -> Vec<Provider> {
        self.people.notices().into_iter().filter(|n| n.status == 200).map(|n| n.channel).collect()
    }

    fn row(&self, key: &str) -> Value {
        self.tables.item("outbox", key).unwrap()
    }
}

#[tokio::test]
async fn each_channel_takes_a_notice_once_and_its_words_are_gone_then() {
    for (set_up, channel) in [("slack", Provider::Slack), ("webhook", Provider::Webhook), ("sns", Provider::Sns)] {
        let house = house(&[set_up]).await;
        let key = house.open("rev_1#1").await;
        assert!(house.row(&key).to_string().contains("Never arrived"));
        house.ring(&key).await;
        house.ring(&key).await;
        assert_eq!(house.told(), [channel], "{:?}", house.reports.0.lines());
        assert!(!house.row(&key).to_string().contains("Never arrived"), "{}", house.row(&key));
        assert_eq!(house.reports.0.count_of(Metric::NoticeTold), 1);
        assert_eq!(house.reports.0.count_of(Metric::NoticeLate), 0);
    }
}

#[tokio::test]
async fn without_a_channel_an_alarm_says_so() {
    let house = house(&[]).await;
    let key = house.open("rev_1#1").await;
    house.ring(&key).await;
    assert_eq!(house.told(), []);
    assert_eq!(house.reports.0.count_of(Metric::NoticeGivenUp), 1);
    assert_eq!(house.reports.0.count_of(Metric::ReviewCode), 1);
}

/// A secret that is wrong, or that may not be read, is one channel's trouble: the next one tells it after a minute.
#[tokio::test]
async fn a_channel_that_is_set_up_wrongly_does_not_silence_the_next() {
    for wrong in [None, Some("REPLACE_ME"), Some("https://evil.example/hush"), Some(" ")] {
        let house = house(&["slack", "webhook"]).await;
        match wrong {
            Some(value) => house.secrets.lock().unwrap().insert("slack", value.to_owned()),
            None => house.secrets.lock().unwrap().remove("slack"),
        };
        let key = house.open("rev_1#1").await;
        house.ring(&key).await;
        assert_eq!(house.told(), [], "{wrong:?}: Slack has its time");
        house.clock.advance_s(61);
        house.ring(&key).await;
        assert_eq!(house.told(), [Provider::Webhook], "{wrong:?}: {:?}", house.reports.0.lines());
        assert_eq!(house.reports.0.count_of(Metric::NoticeLate), 1);
        let said = format!("{:?}", house.reports.0.lines());
        assert!(!said.contains("hush") && !said.contains("Never arrived"), "{said}");
    }
}

/// Whoever puts a new address in need not start anything again.
#[tokio::test]
async fn an_address_that_was_changed_is_read_after_the_first_failure() {
    let house = house(&["slack"]).await;
    let right = house.people.slack_url();
    house.secrets.lock().unwrap().insert("slack", format!("{}/gone", right.split("/slack/").next().unwrap()));
    let key = house.open("rev_1#1").await;
    house.ring(&key).await;
    assert_eq!(house.told(), []);
    house.secrets.lock().unwrap().insert("slack", right);
    let second = house.open("rev_2#1").await;
    house.ring(&second).await;
    assert_eq!(house.told(), [Provider::Slack]);
}
