//! Secrets: which count, when they are looked at again, and what stops a start.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use frontdesk_aws::secrets::{Form, SecretProblem, SecretVault, WebhookSecrets};
use frontdesk_core::{
    flow::ingest::SecretSource,
    signature::{
        CHATWOOT_SIGNATURE, CHATWOOT_TIMESTAMP, LiveSecrets, Matched, ReplayWindow, Secret, StalePolicy, sign_chatwoot,
        sign_shopify, verify_chatwoot, verify_shopify,
    },
};
use frontdesk_testkit::recorder::Recorder;
use frontdesk_tests::{
    aws::aws_at,
    wire::{Call, Fate, Wire},
};
use serde_json::{Value, json};

use super::{Reports, SharedClock};

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:1:secret:shopify";

/// A Secrets Manager with one secret: what stands at its stages, and whether it answers.
#[derive(Clone, Default)]
struct Vault(Arc<Mutex<BTreeMap<String, String>>>);

impl Vault {
    fn with(stages: &[(&str, &str)]) -> Self {
        let vault = Self::default();
        for (stage, value) in stages {
            vault.set(stage, value);
        }
        vault
    }

    fn set(&self, stage: &str, value: &str) {
        self.0.lock().unwrap().insert(stage.into(), value.into());
    }

    fn answer(&self, call: &Call) -> Fate {
        let (mut stages, asked) = (self.0.lock().unwrap(), call.json());
        if stages.contains_key("down") {
            return Fate::Answer(500, json!({"__type": "InternalServiceError", "Message": "down"}));
        }
        assert_eq!(asked["SecretId"], ARN);
        match call.operation.as_str() {
            "GetSecretValue" => match stages.get(asked["VersionStage"].as_str().unwrap()) {
                Some(value) if value == "bytes" => Fate::Answer(200, json!({"SecretBinary": "AAAA"})),
                Some(value) => Fate::Answer(200, json!({"ARN": ARN, "SecretString": value})),
                None => Fate::Answer(400, json!({"__type": "ResourceNotFoundException", "Message": "no value"})),
            },
            "PutSecretValue" => {
                stages.insert("AWSCURRENT".into(), asked["SecretString"].as_str().unwrap().into());
                Fate::Answer(200, json!({"ARN": ARN}))
            }
            other => panic!("{other}"),
        }
    }

    async fn serve(&self) -> Wire {
        let vault = self.clone();
        Wire::nowhere(move |call| vault.answer(call)).await
    }
}

fn client(wire: &Wire) -> SecretVault {
    SecretVault::new(aws_at(&wire.url).secrets(), "SHOPIFY_WEBHOOK_SECRET_ARN", ARN.into())
}

type Live = WebhookSecrets<SharedClock, Reports>;

async fn open(wire: &Wire, clock: &SharedClock) -> Result<Live, frontdesk_aws::secrets::SecretError> {
    WebhookSecrets::open(client(wire), Duration::from_secs(900), clock.clone(), Reports::default()).await
}

/// Every value that a secret has in these tests.
const VALUES: [&str; 8] = ["one", "two", "three", "new", "old", " spaced ", "spaced", "leaked"];

/// Which values sign something: as the newest secret, and as the one before it.
fn signing(live: &LiveSecrets, which: Matched) -> Vec<String> {
    let signs = |value: &&str| {
        let signed = sign_shopify(&Secret::new("value", *value).unwrap(), b"{}");
        let header = Some(signed[0].1.as_bytes());
        verify_shopify(live, header, b"{}").is_ok_and(|verified| verified.matched == which)
    };
    VALUES.into_iter().filter(signs).map(str::to_owned).collect()
}

fn shown(live: &LiveSecrets) -> (String, Option<String>) {
    let (current, mut previous) = (signing(live, Matched::Current), signing(live, Matched::Previous));
    assert!(previous.len() <= 1, "{previous:?}");
    let [current] = current.as_slice() else { panic!("{current:?}") };
    (current.clone(), previous.pop())
}

async fn read(stages: &[(&str, &str)]) -> (String, Option<String>) {
    let wire = Vault::with(stages).serve().await;
    let secrets = open(&wire, &SharedClock::at(0)).await.unwrap();
    let live = secrets.live().await;
    assert_eq!(wire.operations(), ["GetSecretValue"; 2], "and none once it is known");
    shown(&live)
}

#[tokio::test]
async fn the_version_before_stays_valid_unless_it_is_none() {
    let (current, previous) = ("AWSCURRENT", "AWSPREVIOUS");
    let one = |text: &str| (text.to_owned(), None);
    let two = |a: &str, b: &str| (a.to_owned(), Some(b.to_owned()));
    assert_eq!(read(&[(current, "new")]).await, one("new"));
    assert_eq!(read(&[(current, "new"), (previous, "old")]).await, two("new", "old"));
    assert_eq!(read(&[(current, " spaced ")]).await, one(" spaced "), "a space may belong to it");
    for nothing in ["", " \n", "REPLACE_ME", "REPLACE_ME with the app's client secret", "new", "bytes"] {
        assert_eq!(read(&[(current, "new"), (previous, nothing)]).await, one("new"), "{nothing:?}");
    }
}

#[tokio::test]
async fn a_secret_that_names_its_predecessor_itself_decides_alone() {
    let pair = |current: &str, previous: Value| json!({"current": current, "previous": previous}).to_string();
    let before = ("AWSPREVIOUS", "leaked");
    for none in [json!(""), json!(null), json!("REPLACE_ME"), json!("new")] {
        let live = read(&[("AWSCURRENT", &pair("new", none)), before]).await;
        assert_eq!(live, ("new".into(), None), "retired at once");
    }
    let live = read(&[("AWSCURRENT", &pair("new", json!("old"))), before]).await;
    assert_eq!(live, ("new".into(), Some("old".into())));
}

/// Which values sign a delivery of an account of Chatwoot's.
fn signing_for(live: &LiveSecrets, account: u64) -> Vec<&'static str> {
    let body = json!({"event": "message_created", "account": {"id": account}}).to_string();
    let window = ReplayWindow { window_s: 300, stale: StalePolicy::Reject };
    let signs = |value: &&str| {
        let signed = sign_chatwoot(&Secret::new("value", *value).unwrap(), body.as_bytes(), 1_000);
        let header = |name| signed.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_bytes());
        let (timestamp, signature) = (header(CHATWOOT_TIMESTAMP), header(CHATWOOT_SIGNATURE));
        verify_chatwoot(live, window, timestamp, signature, body.as_bytes(), 1_000).is_ok()
    };
    VALUES.into_iter().filter(signs).collect()
}

#[tokio::test]
async fn several_secrets_count_at_once_each_for_its_account_or_for_all() {
    let several = json!({"secrets": [
        {"secret": "one", "account": 7}, {"secret": "two", "account": "8"}, {"secret": "three"},
        {"secret": "new", "account": null},
    ]});
    let wire = Vault::with(&[("AWSCURRENT", &several.to_string()), ("AWSPREVIOUS", "leaked")]).serve().await;
    let live = open(&wire, &SharedClock::at(0)).await.unwrap().live().await;
    assert_eq!(signing_for(&live, 7), ["one", "three", "new"]);
    assert_eq!(signing_for(&live, 8), ["two", "three", "new"]);
    assert_eq!(signing_for(&live, 9), ["three", "new"]);
    assert_eq!(signing(&live, Matched::Current), ["one", "two", "three", "new"], "where there are no accounts, each");
    assert_eq!(signing(&live, Matched::Previous), Vec::<String>::new(), "what it says counts, and nothing else");

    let one = json!({"secrets": [{"secret": " spaced "}]}).to_string();
    assert_eq!(read(&[("AWSCURRENT", &one)]).await, (" spaced ".into(), None), "a space may belong to it");
}

#[tokio::test]
async fn a_list_of_secrets_with_something_wrong_stops_the_start_and_is_no_plain_text() {
    let incomplete = |problem: &SecretProblem| matches!(problem, SecretProblem::Incomplete(_));
    let entries = [
        json!([]),
        json!({}),
        json!(null),
        json!("s3cr3t"),
        json!(["s3cr3t"]),
        json!([{}]),
        json!([{"secret": 5}]),
        json!([{"secret": "s3cr3t", "account": "seven"}]),
        json!([{"secret": "s3cr3t", "account": ""}]),
        json!([{"secret": "s3cr3t", "account": -7}]),
        json!([{"secret": "s3cr3t", "account": 7.5}]),
        json!([{"secret": "s3cr3t", "acount": 7}]),
        json!([{"secret": "s3cr3t"}, {"account": 7}]),
    ];
    let mut cases: Vec<_> = entries.iter().map(|list| (json!({"secrets": list}), None)).collect();
    cases.push((json!({"secrets": [{"secret": "s3cr3t"}], "current": "s3cr3t"}), None));
    for empty in ["", " \n"] {
        cases.push((json!({"secrets": [{"secret": "s3cr3t"}, {"secret": empty}]}), Some(SecretProblem::Empty)));
    }
    let placeholder = json!({"secrets": [{"secret": "s3cr3t"}, {"secret": "REPLACE_ME", "account": 7}]});
    cases.push((placeholder, Some(SecretProblem::Placeholder)));
    for (document, problem) in cases {
        let wire = Vault::with(&[("AWSCURRENT", &document.to_string())]).serve().await;
        let error = open(&wire, &SharedClock::at(0)).await.unwrap_err();
        assert!(problem.as_ref().map_or_else(|| incomplete(&error.problem), |p| *p == error.problem), "{document}");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
}

#[tokio::test]
async fn a_secret_that_nobody_filled_in_stops_the_start_and_is_named() {
    let cases = [
        (vec![], SecretProblem::Missing),
        (vec![("AWSCURRENT", "")], SecretProblem::Empty),
        (vec![("AWSCURRENT", " \t")], SecretProblem::Empty),
        (vec![("AWSCURRENT", "REPLACE_ME")], SecretProblem::Placeholder),
        (vec![("AWSCURRENT", r#"{"current":"REPLACE_ME","previous":""}"#)], SecretProblem::Placeholder),
        (vec![("AWSCURRENT", r#"{"current":"","previous":"s3cr3t"}"#)], SecretProblem::Empty),
        (vec![("AWSCURRENT", "bytes")], SecretProblem::NotText),
    ];
    for (stages, problem) in cases {
        let wire = Vault::with(&stages).serve().await;
        let error = open(&wire, &SharedClock::at(0)).await.unwrap_err();
        assert_eq!(error.problem, problem, "{stages:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("SHOPIFY_WEBHOOK_SECRET_ARN names the secret {ARN}, which ")), "{text}");
        assert!(!text.contains("s3cr3t"), "{text}");
    }
    let wire = Vault::with(&[("down", "")]).serve().await;
    assert!(matches!(open(&wire, &SharedClock::at(0)).await.unwrap_err().problem, SecretProblem::Unreadable(_)));
}

#[tokio::test]
async fn a_rotation_is_seen_when_the_known_one_is_old_or_does_not_match() {
    let vault = Vault::with(&[("AWSCURRENT", "one")]);
    let (wire, clock) = (vault.serve().await, SharedClock::at(1_000_000));
    let secrets = open(&wire, &clock).await.unwrap();
    vault.set("AWSPREVIOUS", "one");
    vault.set("AWSCURRENT", "two");
    assert_eq!(shown(&secrets.live().await), ("one".into(), None));
    assert!(secrets.look_again().await.is_none(), "it looked a moment ago");
    clock.advance_s(30);
    assert_eq!(shown(&secrets.look_again().await.unwrap()), ("two".into(), Some("one".into())));
    assert!(secrets.look_again().await.is_none());
    assert_eq!(shown(&secrets.live().await), ("two".into(), Some("one".into())));

    vault.set("AWSPREVIOUS", "two");
    vault.set("AWSCURRENT", "three");
    clock.advance_s(899);
    assert_eq!(shown(&secrets.live().await).0, "two");
    clock.advance_s(1);
    assert_eq!(shown(&secrets.live().await), ("three".into(), Some("two".into())));
}

#[tokio::test]
async fn when_it_cannot_be_read_again_the_known_one_goes_on_counting() {
    let vault = Vault::with(&[("AWSCURRENT", "one")]);
    let (wire, clock) = (vault.serve().await, SharedClock::at(1_000_000));
    let secrets = open(&wire, &clock).await.unwrap();
    vault.set("down", "");
    clock.advance_s(1_000);
    assert_eq!(shown(&secrets.live().await).0, "one");
    wire.forget();
    for _ in 0..29 {
        clock.advance_s(1);
        assert_eq!(shown(&secrets.live().await).0, "one");
    }
    assert_eq!(wire.calls(), [], "an outage is not asked about at every event");
    vault.0.lock().unwrap().remove("down");
    vault.set("AWSCURRENT", "two");
    clock.advance_s(1);
    assert_eq!(shown(&secrets.live().await).0, "two");
    // A placeholder that comes later is no reason to stop either.
    vault.set("AWSCURRENT", "REPLACE_ME");
    clock.advance_s(1_000);
    assert_eq!(shown(&secrets.live().await).0, "two");
}

#[tokio::test]
async fn credentials_are_read_fresh_and_written_whole() {
    let vault = Vault::with(&[("AWSCURRENT", r#"{"refresh_token":"r1"}"#)]);
    let wire = vault.serve().await;
    let credentials = client(&wire);
    assert_eq!(credentials.read().await.unwrap(), r#"{"refresh_token":"r1"}"#);
    credentials.write(r#"{"refresh_token":"r2"}"#).await.unwrap();
    assert_eq!(credentials.read().await.unwrap(), r#"{"refresh_token":"r2"}"#);

    let telemetry = Recorder::default();
    let form = || Form::Fields(&[&["refresh_token"]], "refresh_token");
    for incomplete in ["{}", r#"{"refresh_token":" "}"#, r#"{"refresh_token":5}"#, "r2", "[]"] {
        vault.set("AWSCURRENT", incomplete);
        let problem = credentials.check(form(), &telemetry).await.unwrap_err().problem;
        assert_eq!(problem, SecretProblem::Incomplete("refresh_token"), "{incomplete}");
    }
    vault.set("AWSCURRENT", r#"{"refresh_token":"r2"}"#);
    credentials.check(form(), &telemetry).await.unwrap();
    vault.set("down", "");
    credentials.check(form(), &telemetry).await.unwrap();
    assert_eq!(telemetry.lines().len(), 1, "an outage at the start is only noted");
    let error = credentials.write("r3-secret").await.unwrap_err();
    assert!(
        matches!(&error.problem, SecretProblem::Unwritten(detail) if detail == "InternalServiceError (status 500)"),
        "{error}"
    );
    vault.0.lock().unwrap().remove("down");
    vault.set("AWSCURRENT", r#"{"client_id":"REPLACE_ME","refresh_token":"REPLACE_ME"}"#);
    assert_eq!(credentials.check(form(), &telemetry).await.unwrap_err().problem, SecretProblem::Placeholder);
}
