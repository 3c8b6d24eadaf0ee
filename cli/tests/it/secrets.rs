//! `frontdesk secrets`: what is said of them, and what becomes of new ones, over an installation behind one wire.

use frontdesk_local::{Action, FaultRule, Match, Times};
use serde_json::{Value, json};

use crate::Run;
use crate::cloud::{House, PODIUM};

const NEW_PODIUM: &str = r#"{"client_id": "ci", "client_secret": "cs-new-hush", "refresh_token": "rt-new-hush"}"#;

fn printed(run: &Run) -> Value {
    assert!(!run.text().contains("hush") && !run.stderr.contains("hush"), "{} {}", run.text(), run.stderr);
    serde_json::from_slice(&run.stdout).map_err(|error| format!("{error}: {} {}", run.text(), run.stderr)).unwrap()
}

fn rotate(house: &House, args: &[&str], stdin: &str) -> Run {
    house.run_with(&[&["secrets", "rotate"], args].concat(), &[], stdin.as_bytes())
}

fn kept(house: &House, setting: &str) -> (String, Option<String>, Option<String>) {
    house.change(|cloud| {
        let kept = cloud.secret(setting);
        (kept.current.clone(), kept.previous.clone(), kept.pending.clone())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_which_can_be_used_and_asks_the_providers() {
    let house = House::start().await;
    let run = house.run(&["secrets", "check"]);
    let said = printed(&run);
    assert_eq!((run.code, &said["verdict"]), (0, &json!("well")), "{said}");
    let about = |group: &str| said["findings"].as_array().unwrap().iter().filter(|f| f["group"] == group).count();
    assert_eq!((about("secrets"), about("podium"), about("shopify"), about("chatwoot")), (8, 1, 1, 0), "{said}");

    house.change(|cloud| cloud.secret("PODIUM_OAUTH_SECRET_ARN").current = PODIUM.replace("rt-hush", "REPLACE_ME"));
    let run = house.run(&["secrets", "check"]);
    assert_eq!((run.code, &printed(&run)["fail"]), (1, &json!(1)), "{}", run.text());
    house.change(|cloud| cloud.refused.insert("DescribeSecret", "InternalFailure"));
    let run = house.run(&["secrets", "check"]);
    assert_eq!((run.code, &printed(&run)["verdict"]), (2, &json!("unsure")), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_count_only_after_the_provider_took_them() {
    let house = House::start().await;
    house.providers.set_podium(&json!({ "rotate_refresh_tokens": true })).unwrap();
    let run = rotate(&house, &["podium-oauth", "--value-from", "-", "--yes"], NEW_PODIUM);
    assert_eq!((run.code, &printed(&run)["secret"]), (0, &json!("podium-oauth")), "{}", run.stderr);
    let (current, previous, pending) = kept(&house, "PODIUM_OAUTH_SECRET_ARN");
    // Podium exchanged the refresh token at the trial, and the new one is what counts.
    let now: Value = serde_json::from_str(&current).unwrap();
    assert_eq!(now["client_secret"], "cs-new-hush");
    assert_ne!(now["refresh_token"], "rt-new-hush");
    assert_eq!((previous.as_deref(), pending), (Some(PODIUM), None));

    let run =
        rotate(&house, &["shopify-admin", "--value-from", "-", "--yes"], r#"{"access_token": "shpat_wrong-hush"}"#);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("ERR_AUTH_013") && !run.stderr.contains("hush"), "{}", run.stderr);
    let (current, _, pending) = kept(&house, "SHOPIFY_ADMIN_SECRET_ARN");
    assert_eq!((current.contains("shpat_local"), pending), (true, None), "the current one stays, and nothing waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_wait_while_the_provider_does_not_answer_and_are_tried_again() {
    let house = House::start().await;
    let action = Action { status: Some(503), ..Action::default() };
    let matching = Match { path_prefix: Some("/v4/locations".into()), ..Match::default() };
    house.providers.add_fault(FaultRule { matching, times: Times::FOREVER, action }).unwrap();
    let run = rotate(&house, &["podium-oauth", "--value-from", "-", "--yes"], NEW_PODIUM);
    assert_eq!((run.code, run.text()), (2, ""));
    assert!(run.stderr.contains("--resume"), "{}", run.stderr);
    let (current, _, pending) = kept(&house, "PODIUM_OAUTH_SECRET_ARN");
    assert_eq!((current.as_str(), pending.is_some()), (PODIUM, true));

    let run = rotate(&house, &["podium-oauth", "--value-from", "-", "--yes"], NEW_PODIUM);
    assert_eq!(run.code, 1, "somebody is at it");
    assert!(run.stderr.contains("ERR_AUTH_014"), "{}", run.stderr);

    house.providers.clear_faults();
    let run = rotate(&house, &["podium-oauth", "--resume", "--yes"], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(kept(&house, "PODIUM_OAUTH_SECRET_ARN").0.contains("cs-new-hush"));
    assert_eq!(rotate(&house, &["podium-oauth", "--resume", "--yes"], "").code, 1, "nothing waits any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_secret_has_two_values_until_podium_has_the_new_one() {
    let house = House::start().await;
    let run = rotate(&house, &["podium-webhook", "--value-from", "-", "--yes"], "whsec-new-hush\n");
    assert_eq!((run.code, &printed(&run)["two_count"]), (0, &json!(true)), "{}", run.stderr);
    let both: Value = serde_json::from_str(&kept(&house, "PODIUM_WEBHOOK_SECRET_ARN").0).unwrap();
    assert_eq!(both, json!({ "current": "whsec-new-hush", "previous": "whsec-hush" }));

    let run = rotate(&house, &["podium-webhook", "--finish", "--yes"], "");
    assert_eq!(run.code, 1, "Podium has the old one: {}", run.stderr);
    assert!(run.stderr.contains("/podium/webchat") && !run.stderr.contains("hush"), "{}", run.stderr);
    for name in ["webchat", "contacts", "reviews"] {
        house.providers.set_webhook(name, &json!({ "secret": "whsec-new-hush" })).unwrap();
    }
    let run = rotate(&house, &["podium-webhook", "--finish", "--yes"], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    printed(&run);
    let one: Value = serde_json::from_str(&kept(&house, "PODIUM_WEBHOOK_SECRET_ARN").0).unwrap();
    assert_eq!(one, json!({ "current": "whsec-new-hush" }));
    let run = rotate(&house, &["podium-webhook", "--finish", "--yes"], "");
    assert_eq!((run.code, &printed(&run)["done"]), (0, &json!("nothing was to be done: only one value counts")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_asked_is_not_taken_for_a_yes() {
    let house = House::start().await;
    let run = rotate(&house, &["shopify-webhook", "--value-from", "-", "--yes"], "shopify-new-hush");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = rotate(&house, &["shopify-webhook", "--value-from", "-", "--yes"], "shopify-newer-hush");
    assert_eq!(run.code, 1, "the last rotation is not finished: {}", run.stderr);
    let run = rotate(&house, &["shopify-webhook", "--finish", "--yes"], "");
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("PreviousSecretUsed") && run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!(rotate(&house, &["shopify-webhook", "--finish", "--force", "--yes"], "").code, 0);

    let run = rotate(&house, &["podium-webhook", "--generate", "--yes"], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let made: Value = serde_json::from_str(&kept(&house, "PODIUM_WEBHOOK_SECRET_ARN").0).unwrap();
    let made = made["current"].as_str().unwrap();
    assert_eq!(made.len(), 64);
    assert!(!run.text().contains(made) && !run.stderr.contains(made));
    let action = Action { status: Some(500), ..Action::default() };
    let matching = Match { path_prefix: Some("/v4/webhooks".into()), ..Match::default() };
    house.providers.add_fault(FaultRule { matching, times: Times::FOREVER, action }).unwrap();
    assert_eq!(rotate(&house, &["podium-webhook", "--finish", "--yes"], "").code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_new_value_is_refused_before_anything_is_written() {
    let house = House::start().await;
    for (args, stdin, word) in [
        (&["podium-oauth", "--value-from", "-", "--yes"][..], "", "is empty"),
        (&["podium-oauth", "--value-from", "-", "--yes"], r#"{"client_id": "x"}"#, "is not a JSON object with"),
        (&["podium-oauth", "--value-from", "-", "--yes"], PODIUM, "holds this value already"),
        (&["shopify-webhook", "--value-from", "-", "--yes"], "REPLACE_ME", "placeholder"),
        (&["shopify-webhook", "--value-from", "-", "--yes"], "shopify-hush", "holds this value already"),
        (&["web", "--value-from", "-", "--yes"], "web-hush", "holds this value already"),
        (&["pepper", "--value-from", "-", "--yes"], "x", "must never change"),
        (&["shopify-webhook", "--generate", "--yes"], "", "not ours to choose"),
        (&["agent", "--value-from", "-", "--yes"], "x", "AGENT_SECRET_ARN is not set"),
        (&["web", "--finish"], "", "only one value counts"),
        (&["podium-webhook", "--resume"], "", "is not tried"),
        (&["podium-webhook"], "", "say one of"),
        (&["podium-webhook", "--value-from", "/no/such/file"], "", "cannot read"),
        (&["web", "--generate"], "", "say --yes"),
    ] {
        let run = rotate(&house, args, stdin);
        assert_eq!((run.code, run.text()), (2, ""), "{args:?} {}", run.stderr);
        assert!(run.stderr.contains(word) && !run.stderr.contains("hush"), "{args:?}: {}", run.stderr);
    }
    let run = rotate(&house, &["web", "--generate", "--dry-run"], "");
    assert_eq!((run.code, &printed(&run)["dry_run"]), (0, &json!(true)));
    assert!(!house.wire.operations().iter().any(|operation| operation == "PutSecretValue"));
    let run = rotate(&house, &["web", "--generate", "--yes"], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(kept(&house, "WEB_SECRET_ARN").1.as_deref(), Some("web-hush"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_does_not_answer_is_exit_code_2() {
    let house = House::start().await;
    for operation in ["GetSecretValue", "DescribeSecret", "PutSecretValue"] {
        house.change(|cloud| cloud.refused.insert(operation, "InternalFailure"));
        let run = rotate(&house, &["podium-oauth", "--value-from", "-", "--yes"], NEW_PODIUM);
        assert_eq!((run.code, run.text()), (2, ""), "{operation}: {}", run.stderr);
        house.change(|cloud| cloud.refused.clear());
    }
    assert_eq!(kept(&house, "PODIUM_OAUTH_SECRET_ARN").0, PODIUM);
}
