//! The start: which variables count, and what is said when they are wrong.

use std::{fs, time::Duration};

use frontdesk_aws::{
    lambda::{self, Invocation},
    start::{Aws, Timing},
};
use frontdesk_core::{
    inbox::{InboxKey, Source},
    provider::Provider,
    queue::{EventQueue, Wake},
    token::Tokens,
};
use frontdesk_tests::{
    aws::MapEnv,
    tables::{Tables, names},
};
use serde_json::Value;

const WHOLE: [(&str, &str); 3] =
    [("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s3cr3t")];

fn problem(env: &MapEnv) -> String {
    Aws::from_env(env, &Timing::default()).unwrap_err().to_string()
}

#[test]
fn what_lambda_sets_must_be_there() {
    for (missing, _) in WHOLE {
        let rest: Vec<_> = WHOLE.into_iter().filter(|(name, _)| *name != missing).collect();
        assert_eq!(problem(&MapEnv::of(&rest)), format!("{missing} is not set; Lambda sets it"));
    }
    let elsewhere = [("AWS_DEFAULT_REGION", "us-east-1"), WHOLE[1], WHOLE[2]];
    assert!(Aws::from_env(&MapEnv::of(&elsewhere), &Timing::default()).is_ok());
}

#[test]
fn authorities_of_ones_own_are_trusted_besides_or_told_about() {
    let folder = std::env::temp_dir().join(format!("frontdesk-start-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let roots = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/aws/data/amazon_roots.pem");
    let (good, bad) = (folder.join("good.pem"), folder.join("bad.pem"));
    fs::copy(roots, &good).unwrap();
    fs::write(&bad, "not a certificate").unwrap();
    let with = |path: &str| MapEnv::of(&[WHOLE[0], WHOLE[1], WHOLE[2], ("AWS_CA_BUNDLE", path)]);
    assert!(Aws::from_env(&with(good.to_str().unwrap()), &Timing::default()).is_ok());
    assert_eq!(problem(&with(bad.to_str().unwrap())), "AWS_CA_BUNDLE holds no certificate in PEM form");
    assert!(problem(&with("/nowhere.pem")).starts_with("AWS_CA_BUNDLE names /nowhere.pem, which cannot be read"));
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn each_service_may_have_an_endpoint_of_its_own() {
    let tables = Tables::start().await;
    let env = MapEnv::of(&[
        WHOLE[0],
        WHOLE[1],
        WHOLE[2],
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &tables.url),
    ]);
    let aws = Aws::from_env(&env, &Timing::default()).unwrap();
    let ids = frontdesk_aws::process::RandomIds::from_system().unwrap();
    let store = frontdesk_aws::dynamo::DynamoStore::new(aws.dynamodb(), names(), ids);
    assert!(store.token(Provider::Podium).await.unwrap().is_none());
    let queue = frontdesk_aws::sqs::SqsEvents::new(aws.sqs(), "https://sqs.example/1/events".into());
    assert!(queue.open().await.unwrap_err().contains("Connection refused"));
}

#[tokio::test]
async fn a_service_that_takes_the_call_and_says_nothing_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let env = MapEnv::of(&[WHOLE[0], WHOLE[1], WHOLE[2], ("AWS_ENDPOINT_URL", &url)]);
    let timing = Timing {
        attempt: Duration::from_millis(60),
        call: Duration::from_millis(500),
        backoff: Duration::from_millis(1),
        ..Timing::default()
    };
    let queue = frontdesk_aws::sqs::SqsEvents::new(Aws::from_env(&env, &timing).unwrap().sqs(), "https://q/1".into());
    let key = InboxKey { source: Source::Shopify, event: "e1".try_into().unwrap() };
    let error = queue.enqueue(&[Wake { key, group: None }]).await.unwrap_err();
    assert_eq!(error.detail, "no answer in time");
    let mut tries = 0;
    while let Ok(Ok(_)) = tokio::time::timeout(Duration::from_millis(50), silent.accept()).await {
        tries += 1;
    }
    assert_eq!(tries, 3, "each attempt has its own limit");
}

#[tokio::test]
async fn a_program_that_lambda_did_not_start_says_so() {
    let outcome = lambda::run(&MapEnv::default(), async |_: Invocation<Value>| Ok::<_, String>(())).await;
    let text = outcome.unwrap_err().to_string();
    assert!(text.starts_with("AWS_LAMBDA_RUNTIME_API is not set: this program is started by AWS Lambda"), "{text}");
}
