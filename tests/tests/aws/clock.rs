//! The clock's functions with their real clients: without a provider's credentials they do all that needs none.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use follow_up::FollowUp;
use frontdesk_aws::{
    dynamo::DynamoStore,
    process::{ProcessEnv, RandomIds, SystemClock},
    sqs::{RoutedEvents, SqsEvents, SqsNotices, SqsSends},
    start::{Aws, Process},
};
use frontdesk_core::{
    body::StoredBody,
    config::{HttpConfig, PodiumConfig, PodiumContract, ShopifyApiConfig, TokenBody},
    inbox::{Accepted, BodySha256, Inbox, InboxKey, NewEvent, Source},
    retry::RetryAfter,
    task::{TaskError, Tick},
    telemetry::{Metric, Value as Field},
    time::{Clock, DAY},
};
use frontdesk_local::StandIns;
use frontdesk_tests::{
    aws::{MapEnv, TIMING},
    tables::{Tables, names},
    wire::{Fate, Wire},
};
use frontdesk_wiring::{PodiumClient, ShopifyClient, Wiring};
use serde_json::{Value, json};
use timers::Timers;

use super::{
    Reports,
    functions::{follow_up_rules, rules},
};

const CREDENTIALS: &str = r#"{"client_id": "ci", "client_secret": "cs-hush", "refresh_token": "rt-hush"}"#;
const PLACEHOLDER: &str =
    r#"{"client_id": "REPLACE_ME", "client_secret": "REPLACE_ME", "refresh_token": "REPLACE_ME"}"#;

type Clockwork =
    Timers<DynamoStore, RoutedEvents, SqsSends, SqsNotices, PodiumClient<Reports>, SystemClock, RandomIds, Reports>;

type Follower =
    FollowUp<DynamoStore, SqsEvents, PodiumClient<Reports>, ShopifyClient<Reports>, SystemClock, RandomIds, Reports>;

/// What the secret holds; `None`: nobody answers.
type Held = Arc<Mutex<Option<&'static str>>>;

struct Shop {
    timers: Clockwork,
    follow_up: Follower,
    reports: Reports,
    secret: Held,
    _tables: Tables,
    _wires: [Wire; 2],
    _podium: StandIns,
}

/// Starts the functions as their `main`s do.
async fn started(held: Option<&'static str>) -> Shop {
    let (tables, secret) = (Tables::start().await, Arc::new(Mutex::new(held)));
    let shown = Arc::clone(&secret);
    let secrets = Wire::nowhere(move |_| match *shown.lock().unwrap() {
        Some(value) => Fate::Answer(200, json!({ "SecretString": value })),
        None => Fate::Answer(400, json!({ "__type": "AccessDeniedException" })),
    })
    .await;
    let sqs = Wire::nowhere(|_| Fate::Answer(200, json!({ "MessageId": "m" }))).await;
    let podium = StandIns::start("127.0.0.1:0").await.unwrap();
    let env = MapEnv::of(&[
        ("AWS_REGION", "eu-test-clock"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &tables.url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url),
        ("AWS_ENDPOINT_URL_SQS", &sqs.url),
    ]);
    let (aws, reports, ids) =
        (Aws::from_env(&env, &TIMING).unwrap(), Reports::default(), RandomIds::from_system().unwrap());
    let process = Process { env: ProcessEnv, telemetry: reports.clone(), clock: SystemClock, ids: ids.clone() };
    // What the second function says of the same secret at its start is not counted.
    let quiet = Process { env: ProcessEnv, telemetry: Reports::default(), clock: SystemClock, ids: ids.clone() };
    let (store, seconds) = (DynamoStore::new(aws.dynamodb(), names(), ids.clone()), Duration::from_secs);
    let http = HttpConfig {
        connect_timeout: seconds(2),
        timeout: seconds(10),
        retry_after: RetryAfter { default: seconds(60), cap: seconds(120) },
    };
    let config = PodiumConfig {
        contract: PodiumContract::Published,
        url: podium.podium_url(),
        token_url: podium.podium_token_url(),
        token_body: TokenBody::Json,
        version: "2021.04.01".into(),
        secret: "the-secret".into(),
        campaign: None,
    };
    let wiring = Wiring::new(&http, &aws, &store, &process).unwrap();
    let client = wiring.podium_with_tag_beside_other_work(&config, &rules().mirror.tag).await.unwrap();
    let untagged = Wiring::new(&http, &aws, &store, &quiet).unwrap();
    let untagged = untagged.podium_beside_other_work(&config).await.unwrap();
    let config =
        ShopifyApiConfig { url: podium.shopify_url(), version: "2026-10".into(), secret: "the-other-secret".into() };
    let shopify = wiring.shopify_beside_other_work(&follow_up_rules().shop, &config).await.unwrap();
    let timers = Timers {
        store: store.clone(),
        events: RoutedEvents {
            shopify: SqsEvents::new(aws.sqs(), "https://sqs.example/1/shopify".into()),
            podium: SqsEvents::in_lines(aws.sqs(), "https://sqs.example/1/podium.fifo".into(), ids.clone()),
            privacy: SqsEvents::new(aws.sqs(), "https://sqs.example/1/privacy".into()),
            chatwoot: SqsEvents::in_lines(aws.sqs(), "https://sqs.example/1/chatwoot.fifo".into(), ids.clone()),
        },
        sends: SqsSends::new(aws.sqs(), "https://sqs.example/1/sends".into()),
        notices: SqsNotices::new(aws.sqs(), "https://sqs.example/1/notices".into()),
        podium: client,
        clock: SystemClock,
        ids: ids.clone(),
        telemetry: reports.clone(),
        rules: rules(),
    };
    let follow_up = FollowUp {
        store: store.clone(),
        shopify_events: SqsEvents::new(aws.sqs(), "https://sqs.example/1/shopify".into()),
        podium_events: SqsEvents::in_lines(aws.sqs(), "https://sqs.example/1/podium.fifo".into(), ids.clone()),
        podium: untagged,
        shopify,
        clock: SystemClock,
        ids,
        telemetry: reports.clone(),
        rules: follow_up_rules(),
    };
    Shop { timers, follow_up, reports, secret, _tables: tables, _wires: [secrets, sqs], _podium: podium }
}

impl Shop {
    async fn tick(&self, task: &str) -> Result<usize, TaskError> {
        self.timers.handle(&Tick { task: task.into() }).await.map(|done| done.handled)
    }

    async fn follow(&self, task: &str) -> Result<usize, TaskError> {
        self.follow_up.handle(&Tick { task: task.into() }).await.map(|done| done.handled)
    }

    /// An event that has waited for long enough.
    async fn left_behind(&self) {
        let body = b"{}";
        let event = NewEvent {
            key: InboxKey { source: Source::Shopify, event: "e1".try_into().unwrap() },
            topic: None,
            body: StoredBody::pack(body).unwrap(),
            body_sha256: BodySha256::of(body),
            received_at: SystemClock.now().minus(Duration::from_secs(200)),
            expires_at: SystemClock.now().plus(DAY),
            receipt: "r1".into(),
            rejected: None,
            group: None,
            opt_outs: Vec::new(),
            chat: None,
        };
        assert_eq!(self.timers.store.accept(&event).await, Ok(Accepted::Stored));
    }

    /// The details of the lines with this message.
    fn told(&self, message: &str) -> Vec<String> {
        let lines = self.reports.0.lines();
        let details = lines.iter().filter(|l| l.message == message).flat_map(|l| &l.fields);
        details.filter_map(|(_, v)| if let Field::Detail(text) = v { Some(text.clone()) } else { None }).collect()
    }
}

#[tokio::test]
async fn without_podiums_credentials_all_that_needs_none_is_done() {
    for (held, at_the_start) in [
        (Some(PLACEHOLDER), "Podium's credentials cannot be used; whatever needs Podium waits"),
        (Some("{}"), "Podium's credentials cannot be used; whatever needs Podium waits"),
        (None, "a secret could not be read at the start"),
    ] {
        let shop = started(held).await;
        let mut told = shop.told(at_the_start);
        told.retain(|detail| !detail.contains("SHOPIFY_ADMIN_SECRET_ARN"));
        assert!(told.len() == 1 && told[0].contains("PODIUM_OAUTH_SECRET_ARN names the secret the-secret"), "{told:?}");
        shop.left_behind().await;
        assert_eq!(shop.tick("sweep").await, Ok(1), "{held:?}");
        for idle in ["promote", "sessions", "mirror", "notices"] {
            assert_eq!(shop.tick(idle).await, Ok(0), "{held:?}");
        }
        assert_eq!(shop.follow("sends").await, Ok(0), "{held:?}");
        assert_eq!(shop.reports.0.count_of(Metric::TokenRefreshFailed), 0, "nothing of that asked Podium");

        assert_eq!(shop.tick("locations").await, Ok(0));
        assert_eq!(shop.reports.0.count_of(Metric::TokenRefreshFailed), 1, "{held:?}");
        let told = shop.told("the provider granted no access token");
        assert!(told.len() == 1 && told[0].contains("stored credentials"), "{told:?}");

        // Whoever fills it in need not start anything again.
        *shop.secret.lock().unwrap() = Some(CREDENTIALS);
        assert!(shop.tick("locations").await.unwrap() > 0, "{:?}", shop.reports.0.lines());
        assert_eq!(shop.reports.0.count_of(Metric::LocationsRefreshed), 1);
    }
}

/// The same of Shopify: a list that cannot be read is no reason to leave the other work undone.
#[tokio::test]
async fn without_shopifys_credentials_all_that_needs_none_is_done() {
    let shop = started(Some(PLACEHOLDER)).await;
    let told = shop.told("Shopify's credentials cannot be used; whatever needs Shopify waits");
    assert!(told.len() == 1 && told[0].contains("SHOPIFY_ADMIN_SECRET_ARN"), "{told:?}");
    assert_eq!(shop.follow("sends").await, Ok(0));
    assert_eq!(shop.follow("reconcile-orders").await, Ok(0));
    assert_eq!(shop.reports.0.count_of(Metric::ReconcileFailed), 1);
}

/// A form that no test names would be a secret that anybody reads off a log.
#[tokio::test]
async fn what_is_told_of_a_secret_is_never_its_value() {
    let shop = started(Some(r#"{"client_id": "ci-hush", "client_secret": "cs-hush"}"#)).await;
    shop.tick("locations").await.unwrap();
    let told: Vec<Value> = shop.reports.0.lines().iter().map(|line| json!(format!("{line:?}"))).collect();
    assert!(!told.is_empty() && !json!(told).to_string().contains("hush"), "{told:?}");
}
