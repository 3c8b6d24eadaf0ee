//! What readiness learns of tables, queues and secrets through the real clients, and how the function answers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use frontdesk_aws::{
    lambda::http::{HttpAnswer, HttpEvent},
    probes::AwsProbes,
    process::TimerPause,
    start::Aws,
};
use frontdesk_core::{
    config,
    flow::health::{Probes, Readiness, SecretValue, Seen},
};
use frontdesk_tests::{
    aws::{MapEnv, aws_at},
    tables::Tables,
    wire::{Call, Fate, Wire},
};
use health::Health;
use serde_json::{Value, json};

use super::{Reports, SharedClock};

const NOW: i64 = 1_795_217_760_000;

type Function = Health<AwsProbes, TimerPause, SharedClock, Reports>;

/// What a queue says of itself, or how a secret is described; by its address or name.
type Answers = Arc<Mutex<BTreeMap<String, Value>>>;

struct House {
    function: Function,
    reports: Reports,
    clock: SharedClock,
    queues: Answers,
    secrets: Answers,
    sqs: Wire,
    vault: Wire,
    dynamodb: Wire,
    _tables: Tables,
}

fn told(call: &Call, operation: &str, by: &str, answers: &Answers) -> Fate {
    assert_eq!(call.operation, operation, "and nothing else, whatever is asked");
    let asked = call.json()[by].as_str().unwrap().to_owned();
    match answers.lock().unwrap().get(&asked) {
        Some(Value::Null) => Fate::LoseCall,
        Some(answer) => Fate::Answer(200, answer.clone()),
        None => Fate::Answer(400, json!({"__type": "ResourceNotFoundException", "message": format!("no {asked}")})),
    }
}

fn holds(visible: u64, in_flight: u64) -> Value {
    json!({"Attributes": {
        "ApproximateNumberOfMessages": visible.to_string(),
        "ApproximateNumberOfMessagesNotVisible": in_flight.to_string(),
        "ApproximateNumberOfMessagesDelayed": "0",
    }})
}

/// A secret that was made, and filled in so often.
fn described(changes: usize) -> Value {
    let versions = match changes {
        0 => json!({"v1": ["AWSCURRENT"]}),
        _ => json!({"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT"]}),
    };
    json!({"ARN": "arn", "Name": "name", "VersionIdsToStages": versions})
}

const VARIABLES: [(&str, &str); 5] = [
    ("HEALTH_TABLES", "inbox=inbox,review-requests=review_requests"),
    ("HEALTH_QUEUES_URL", "https://sqs.eu-test-1.amazonaws.com/123456789012/"),
    ("HEALTH_QUEUES", "chatwoot=s-chatwoot.fifo"),
    ("HEALTH_DEAD_LETTERS", "chatwoot-dlq=s-chatwoot-dead-letters.fifo"),
    ("HEALTH_SECRETS", "pepper=arn:pepper,podium-oauth*=arn:podium,chatwoot-api?=arn:chatwoot,,"),
];
const QUEUE: &str = "https://sqs.eu-test-1.amazonaws.com/123456789012/s-chatwoot.fifo";
const DEAD_LETTERS: &str = "https://sqs.eu-test-1.amazonaws.com/123456789012/s-chatwoot-dead-letters.fifo";

/// Starts the function as its `main` does; all is well, and Chatwoot is not used.
async fn house() -> House {
    let tables = Tables::start().await;
    let dynamodb = Wire::to(&tables.url, |call| {
        assert_eq!(call.operation, "DescribeTable", "and nothing else, whatever is asked");
        Fate::Pass
    });
    let queues: Answers = Arc::new(Mutex::new(
        [(QUEUE, holds(7, 2)), (DEAD_LETTERS, holds(0, 0))].map(|(k, v)| (k.to_owned(), v)).into(),
    ));
    let secrets: Answers = Arc::new(Mutex::new(
        [("arn:pepper", described(0)), ("arn:podium", described(1)), ("arn:chatwoot", described(0))]
            .map(|(k, v)| (k.to_owned(), v))
            .into(),
    ));
    let (asked, described) = (Arc::clone(&queues), Arc::clone(&secrets));
    let sqs = Wire::nowhere(move |call| told(call, "GetQueueAttributes", "QueueUrl", &asked)).await;
    let vault = Wire::nowhere(move |call| told(call, "DescribeSecret", "SecretId", &described)).await;
    let dynamodb = dynamodb.await;
    let mut variables = vec![
        ("AWS_REGION", "eu-test-health"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb.url),
        ("AWS_ENDPOINT_URL_SQS", &sqs.url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &vault.url),
    ];
    variables.extend(VARIABLES);
    let env = MapEnv::of(&variables);
    let config::HealthConfig { parts, fresh } = config::health(&env).unwrap().config;
    let probes = AwsProbes::new(&Aws::from_env(&env, &AwsProbes::timing()).unwrap());
    let (clock, reports) = (SharedClock::at(NOW), Reports::default());
    let readiness = Readiness {
        probes,
        pause: TimerPause,
        clock: clock.clone(),
        telemetry: reports.clone(),
        parts,
        fresh,
        seen: Seen::default(),
    };
    House { function: Health(readiness), reports, clock, queues, secrets, sqs, vault, dynamodb, _tables: tables }
}

fn event(method: &str, query: &str) -> HttpEvent {
    let event = json!({"rawPath": "/health", "rawQueryString": query, "requestContext": {"http": {"method": method}}});
    serde_json::from_value(event).unwrap()
}

impl House {
    async fn ask(&self, method: &str, query: &str) -> HttpAnswer {
        self.function.handle(event(method, query)).await
    }

    async fn ready(&self) -> (u16, Value) {
        let answer = self.ask("GET", "ready=1").await;
        (answer.status_code, serde_json::from_str(&answer.body).unwrap())
    }

    fn calls(&self) -> usize {
        self.sqs.calls().len() + self.vault.calls().len() + self.dynamodb.calls().len()
    }
}

fn status_of(report: &Value, name: &str) -> Option<String> {
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name)?;
    check["status"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn life_is_told_without_a_call_to_anybody() {
    let house = house().await;
    for query in
        ["", "ready=0", "ready=false", "ready", "ready=", "readiness=1", "x=1&y", "%ff=%zz", "READY=1", "ready=11"]
    {
        let answer = house.ask("GET", query).await;
        assert_eq!(answer.status_code, 200, "{query}");
        assert_eq!(answer.body, r#"{"status":"ok","timestamp":"2026-11-20T23:36:00.000Z"}"#, "{query}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert!(!answer.headers.contains_key("allow"));
    }
    assert_eq!(house.calls(), 0);
}

#[tokio::test]
async fn readiness_is_told_of_everything_that_is_set_up_and_is_kept_for_a_while() {
    let house = house().await;
    let expected = json!({
        "status": "ok", "timestamp": "2026-11-20T23:36:00.000Z", "checks": [
            {"kind": "table", "name": "inbox", "status": "ok"},
            {"kind": "table", "name": "review-requests", "status": "ok"},
            {"kind": "queue", "name": "chatwoot", "status": "ok"},
            {"kind": "dlq", "name": "chatwoot-dlq", "status": "ok"},
            {"kind": "secret", "name": "pepper", "status": "ok"},
            {"kind": "secret", "name": "podium-oauth", "status": "ok"},
        ],
    });
    for query in ["ready=1", "ready=true", "ready=TRUE", "a=b&ready=1&c", "ready=0&ready=1", "%72eady=%31"] {
        let answer = house.ask("GET", query).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status_code, &body), (200, &expected), "{query}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    assert_eq!(house.calls(), 7, "one look at each, and at the chat's secret, however often it is asked");
    house.clock.advance_s(15);
    house.ready().await;
    assert_eq!(house.calls(), 14);
    assert_eq!(house.reports.0.lines(), []);
}

#[tokio::test]
async fn a_method_that_means_something_else_is_refused_and_head_is_get_without_its_body() {
    let house = house().await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", ""] {
        let answer = house.ask(method, "ready=1").await;
        assert_eq!((answer.status_code, &*answer.body), (405, r#"{"error":"Method not allowed"}"#), "{method}");
        assert_eq!(answer.headers["allow"], "GET, HEAD");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    assert_eq!(house.calls(), 0);

    let strange: HttpEvent = serde_json::from_str("{}").unwrap();
    assert_eq!(house.function.handle(strange).await.status_code, 405);
    let lower = house.ask("get", "").await;
    assert_eq!(lower.status_code, 200);

    let (got, head) = (house.ask("GET", "").await, house.ask("HEAD", "").await);
    assert_eq!((head.status_code, &*head.body), (200, ""));
    assert_eq!(head.headers, got.headers);
    house.queues.lock().unwrap().clear();
    assert_eq!((house.ask("HEAD", "ready=1").await.status_code, house.ready().await.0), (503, 503));
}

/// Everything that stands between us and a part, one after the other; and each is mended by itself.
#[tokio::test]
async fn what_is_missing_or_waits_is_told_by_our_word_for_it() {
    let house = house().await;
    let queue = |at: &'static str, answer: Value| (at, Arc::clone(&house.queues), answer);
    let secret = |at: &'static str, answer: Value| (at, Arc::clone(&house.secrets), answer);
    let deleted = |changes| {
        let mut secret = described(changes);
        secret["DeletedDate"] = json!(1_795_217_760);
        secret
    };
    let no_count = json!({"Attributes": {"ApproximateNumberOfMessages": "many"}});
    let pending = json!({"ARN": "arn", "Name": "name", "VersionIdsToStages": {"v1": ["AWSPENDING"]}});
    for ((at, answers, answer), name, status, whole) in [
        (queue(DEAD_LETTERS, holds(2, 1)), "chatwoot-dlq", "waiting", (200, "attention")),
        (queue(DEAD_LETTERS, holds(0, 1)), "chatwoot-dlq", "waiting", (200, "attention")),
        (queue(DEAD_LETTERS, no_count.clone()), "chatwoot-dlq", "unreachable", (503, "unavailable")),
        (queue(DEAD_LETTERS, json!({})), "chatwoot-dlq", "unreachable", (503, "unavailable")),
        (queue(QUEUE, no_count), "chatwoot", "unreachable", (503, "unavailable")),
        (secret("arn:podium", described(0)), "podium-oauth", "empty", (200, "attention")),
        (secret("arn:podium", deleted(1)), "podium-oauth", "unreachable", (503, "unavailable")),
        (secret("arn:podium", pending.clone()), "podium-oauth", "unreachable", (503, "unavailable")),
        (secret("arn:pepper", json!({"ARN": "arn", "Name": "name"})), "pepper", "unreachable", (503, "unavailable")),
        (secret("arn:pepper", deleted(0)), "pepper", "unreachable", (503, "unavailable")),
    ] {
        let before = answers.lock().unwrap().insert(at.to_owned(), answer.clone()).unwrap();
        house.clock.advance_s(15);
        let (code, report) = house.ready().await;
        assert_eq!((code, report["status"].as_str().unwrap()), whole, "{answer}");
        assert_eq!(status_of(&report, name).as_deref(), Some(status), "{answer}");
        let others = report["checks"].as_array().unwrap().iter().filter(|check| check["name"] != name);
        assert!(others.clone().count() == 5 && others.clone().all(|check| check["status"] == "ok"), "{report}");
        if status == "waiting" {
            let waits =
                answer["Attributes"].as_object().unwrap().values().filter_map(|n| n.as_str()?.parse::<u64>().ok());
            let check = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap();
            assert_eq!(check["messages"], json!(waits.sum::<u64>()));
        }
        answers.lock().unwrap().insert(at.to_owned(), before);
        house.clock.advance_s(15);
        assert_eq!(house.ready().await.1["status"], "ok");
    }
}

/// Whatever AWS says, and however it says it, only our words come out; the log names the part and the reason.
#[tokio::test]
async fn an_outage_of_everything_is_told_without_a_name_of_awss() {
    let house = house().await;
    house.queues.lock().unwrap().clear();
    house.secrets.lock().unwrap().clear();
    let answer = house.ask("GET", "ready=1").await;
    assert_eq!(answer.status_code, 503);
    for word in ["arn", "https", "123456789012", "s-chatwoot", "review_requests", "Exception"] {
        assert!(!answer.body.contains(word), "{word} in {}", answer.body);
    }
    let report: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(status_of(&report, "inbox").as_deref(), Some("ok"));
    for name in ["chatwoot", "chatwoot-dlq", "pepper", "podium-oauth", "chatwoot-api"] {
        assert_eq!(status_of(&report, name).as_deref(), Some("unreachable"), "{name}");
    }
    let lines = format!("{:?}", house.reports.0.lines());
    assert_eq!(house.reports.0.lines().len(), 5, "{lines}");
    assert!(lines.contains("\"chatwoot-dlq\"") && lines.contains("ResourceNotFoundException"), "{lines}");
}

#[tokio::test]
async fn a_table_that_is_not_there_or_not_ready_is_told() {
    let house = house().await;
    let probes = &house.function.0.probes;
    assert_eq!(probes.table("inbox").await, Ok(()));
    assert!(probes.table("nowhere").await.unwrap_err().0.contains("ResourceNotFoundException"));
    for (status, works) in [
        ("ACTIVE", true),
        ("UPDATING", true),
        ("CREATING", false),
        ("DELETING", false),
        ("ARCHIVED", false),
        ("NEW", false),
    ] {
        let wire =
            Wire::nowhere(move |_| Fate::Answer(200, json!({"Table": {"TableName": "t", "TableStatus": status}})))
                .await;
        let looked = AwsProbes::new(&aws_at(&wire.url)).table("t").await;
        assert_eq!(looked.is_ok(), works, "{looked:?}");
        assert!(works || looked.unwrap_err().0.contains(status), "{status}");
    }
    let wire = Wire::nowhere(|_| Fate::Answer(200, json!({}))).await;
    assert!(AwsProbes::new(&aws_at(&wire.url)).table("t").await.is_err());
}

/// A value that was replaced more than once, or that is being replaced now.
#[tokio::test]
async fn a_secret_was_filled_in_once_a_value_stands_before_the_current_one() {
    let of = |versions: Value| json!({"ARN": "arn", "Name": "name", "VersionIdsToStages": versions});
    for (versions, value) in [
        (json!({"v1": ["AWSCURRENT"]}), SecretValue::First),
        (json!({"v1": ["AWSCURRENT"], "v2": ["AWSPENDING"]}), SecretValue::First),
        (json!({"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT"]}), SecretValue::Changed),
        (json!({"v5": ["AWSPREVIOUS"], "v6": ["AWSCURRENT", "mine"], "v7": ["AWSPENDING"]}), SecretValue::Changed),
    ] {
        let answer = of(versions.clone());
        let wire = Wire::nowhere(move |_| Fate::Answer(200, answer.clone())).await;
        let probes = AwsProbes::new(&aws_at(&wire.url));
        assert_eq!(probes.secret("arn").await, Ok(value), "{versions}");
        assert_eq!(wire.operations(), ["DescribeSecret"], "its value is nobody's business here");
    }
}

/// A service that takes the call and says nothing costs two seconds, and nothing of what the others say.
#[tokio::test]
async fn a_service_that_says_nothing_is_given_up_after_two_seconds() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut house = house().await;
    let env = MapEnv::of(&[
        ("AWS_REGION", "eu-test-silent"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &format!("http://{}", silent.local_addr().unwrap())),
        ("AWS_ENDPOINT_URL_SQS", &house.sqs.url),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &house.vault.url),
    ]);
    house.function.0.probes = AwsProbes::new(&Aws::from_env(&env, &AwsProbes::timing()).unwrap());
    let begun = tokio::time::Instant::now();
    let (code, report) = house.ready().await;
    let took = begun.elapsed();
    assert_eq!((code, report["status"].as_str()), (503, Some("unavailable")));
    assert_eq!(status_of(&report, "inbox").as_deref(), Some("unreachable"));
    assert_eq!(status_of(&report, "review-requests").as_deref(), Some("unreachable"));
    for name in ["chatwoot", "chatwoot-dlq", "pepper", "podium-oauth"] {
        assert_eq!(status_of(&report, name).as_deref(), Some("ok"), "{name}");
    }
    assert!(took >= Duration::from_millis(1_900) && took < Duration::from_secs(4), "{took:?}: both at once");
}

/// A connection that breaks is tried once more.
#[tokio::test]
async fn a_call_that_is_lost_once_is_made_again() {
    let wire = Wire::nowhere(|call| match call.number {
        0 => Fate::LoseCall,
        _ => Fate::Answer(200, holds(0, 0)),
    })
    .await;
    let env = MapEnv::of(&[
        ("AWS_REGION", "eu-test-lost"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", &wire.url),
    ]);
    let probes = AwsProbes::new(&Aws::from_env(&env, &AwsProbes::timing()).unwrap());
    assert_eq!(probes.queue(QUEUE).await, Ok(0));
    assert_eq!(wire.calls().len(), 2);
}

/// The events for invoking it by hand ask for what their names say.
#[tokio::test]
async fn the_sample_events_ask_for_life_and_for_readiness() {
    let house = house().await;
    let sample = |name: &str| -> HttpEvent {
        let path = format!("{}/../events/invoke/health.{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let live = house.function.handle(sample("live")).await;
    assert_eq!((live.status_code, house.calls()), (200, 0));
    let ready = house.function.handle(sample("ready")).await;
    assert!(ready.status_code == 200 && ready.body.contains(r#""checks":[{"kind":"table""#), "{}", ready.body);
}
