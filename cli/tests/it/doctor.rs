//! `frontdesk doctor`: each misconfiguration that is planted is found, and nothing else.

#![expect(clippy::indexing_slicing, reason = "helpers of tests; a fault in them is a failure")]

use frontdesk_core::config::Function;
use frontdesk_core::time::UnixMillis;
use frontdesk_local::{Action, FaultRule, Match, Provider, Times};
use serde_json::{Value, json};

use crate::Run;
use crate::cloud::{House, name};

/// What a run said: (group, level, check, subject) of all that is not well. What cannot be looked at here never can.
fn said(run: &Run) -> Vec<(String, String, String, String)> {
    let document: Value =
        serde_json::from_slice(&run.stdout).map_err(|error| format!("{error}: {} {}", run.text(), run.stderr)).unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let findings = document["findings"].as_array().unwrap().iter();
    let findings = findings.filter(|finding| !["ok", "not_looked_at"].contains(&finding["level"].as_str().unwrap()));
    findings.map(|f| (text(f, "group"), text(f, "level"), text(f, "check"), text(f, "subject"))).collect()
}

fn checks(run: &Run) -> Vec<String> {
    let mut checks: Vec<String> = said(run).into_iter().map(|(_, _, check, _)| check).collect();
    checks.dedup();
    checks
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_well_has_no_finding() {
    let house = House::start().await;
    let run = house.run(&["doctor"]);
    assert_eq!((said(&run), run.code), (Vec::new(), 0), "{}", run.stderr);
    let document: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(document["verdict"], "well");
    let ok = |group: &str| {
        document["findings"].as_array().unwrap().iter().any(|f| f["group"] == group && f["level"] == "ok")
    };
    for group in
        ["configuration", "functions", "permissions", "tables", "queues", "schedules", "secrets", "podium", "shopify"]
    {
        assert!(ok(group), "{group}");
    }
    assert!(ok("clock") && ok("work") && ok("front_door"));
    for secret in ["hush", "AKIDTEST", "shpat"] {
        assert!(!run.text().contains(secret) && !run.stderr.contains(secret), "{secret}");
    }
    let human = house.run(&["doctor", "--output", "human"]);
    assert!(human.text().contains("Nothing is wrong") && human.code == 0, "{}", human.text());
    assert!(human.text().lines().any(|line| line == "-        chatwoot"), "{}", human.text());
}

type Plant = (&'static str, &'static [&'static str], i32, fn(&House));

/// The name of what is wrong, the checks that find it, the exit code, and how it is planted.
const PLANTS: &[Plant] = &[
    ("a variable is missing", &["setting_wrong", "setting_differs"], 1, |house| {
        house.set_in(Function::ReviewSender, "FRONTDESK_TABLE_LIMITS", None);
    }),
    ("a setting cannot be read", &["setting_wrong"], 1, |house| house.set("REVIEW_MESSAGE", "hello")),
    ("a setting is misspelt", &["setting_unknown"], 0, |house| {
        house.set_in(Function::Timers, "WEBCHAT_PROMT", Some("?"));
    }),
    ("two functions have different settings", &["setting_differs"], 1, |house| {
        house.set_in(Function::ReviewSender, "REVIEW_COOLDOWN_DAYS", Some("1"));
    }),
    ("nobody is told of anything", &["settings_contradict"], 1, |house| {
        house.set_in(Function::Notifier, "NOTIFY_SNS_TOPIC_ARN", None);
    }),
    ("an origin is no safe one", &["origin_unsafe", "origin_refused"], 1, |house| {
        house.set("WEB_ORIGINS", "http://shop.example");
    }),
    ("a function is gone", &["function_missing"], 1, |house| {
        house.change(|cloud| cloud.functions.remove(&name(Function::Chat)));
    }),
    ("a function failed to start", &["function_not_active"], 1, |house| {
        house.change(|cloud| cloud.functions.get_mut(&name(Function::Chat)).unwrap()["State"] = json!("Failed"));
    }),
    ("a deployment failed", &["update_failed"], 1, |house| {
        house.change(|cloud| {
            cloud.functions.get_mut(&name(Function::Chat)).unwrap()["LastUpdateStatus"] = json!("Failed");
        });
    }),
    ("a function is switched off", &["function_switched_off"], 1, |house| {
        house.change(|cloud| cloud.reserved.insert(name(Function::Timers), 0));
    }),
    ("an event source mapping is disabled", &["mapping_disabled"], 1, |house| {
        house.change(|cloud| {
            cloud.mappings.get_mut(&name(Function::PodiumWorker)).unwrap()[0]["State"] = json!("Disabled");
        });
    }),
    ("an event source mapping is gone", &["mapping_missing"], 1, |house| {
        house.change(|cloud| cloud.mappings.get_mut(&name(Function::PodiumWorker)).unwrap().remove(1));
    }),
    ("a batch fails as a whole", &["mapping_fails_whole"], 1, |house| {
        house.change(|cloud| {
            cloud.mappings.get_mut(&name(Function::Notifier)).unwrap()[0]["FunctionResponseTypes"] = json!([]);
        });
    }),
    ("a role lacks a permission", &["permission_missing"], 1, |house| {
        house.change(|cloud| cloud.denied.push("dynamodb:ConditionCheckItem"));
    }),
    ("a table is gone", &["table_missing"], 1, |house| {
        house.set_in(Function::Health, "HEALTH_TABLES", Some(&tables_but_one()));
    }),
    ("a table cannot be put back", &["recovery_off"], 0, |house| {
        house.change(|cloud| cloud.unrecoverable.push("contacts"));
    }),
    ("a queue is deleted", &["queue_missing"], 1, |house| {
        house.change(|cloud| cloud.queues.remove("frontdesk-podium"));
    }),
    ("a queue has no dead letters", &["redrive_missing"], 1, |house| {
        house.change(|cloud| cloud.queues.get_mut("frontdesk-podium").unwrap().remove("RedrivePolicy"));
    }),
    ("a message failed too often", &["dead_letters_waiting"], 1, |house| {
        house.change(|cloud| {
            cloud.queues.get_mut("frontdesk-podium-dlq").unwrap().insert("ApproximateNumberOfMessages", "1".to_owned())
        });
    }),
    ("messages show again too soon", &["visibility_short"], 0, |house| {
        house.change(|cloud| {
            cloud.queues.get_mut("frontdesk-notices").unwrap().insert("VisibilityTimeout", "30".to_owned())
        });
    }),
    ("a schedule is disabled", &["schedule_disabled"], 1, |house| {
        house.change(|cloud| cloud.schedules.insert("frontdesk-sweep".to_owned(), "DISABLED"));
    }),
    ("a schedule is gone", &["schedule_missing"], 1, |house| {
        house.change(|cloud| cloud.schedules.remove("frontdesk-locations"));
    }),
    ("a secret holds its placeholder", &["secret_placeholder"], 1, |house| {
        house.change(|cloud| cloud.secret("SHOPIFY_WEBHOOK_SECRET_ARN").current = "REPLACE_ME".to_owned());
    }),
    ("a secret is empty", &["secret_empty"], 1, |house| {
        house.change(|cloud| cloud.secret("WEB_SECRET_ARN").current = " ".to_owned());
    }),
    ("a secret has another form", &["secret_form"], 1, |house| {
        house.change(|cloud| cloud.secret("PODIUM_WEBHOOK_SECRET_ARN").current = r#"{"secrets": []}"#.to_owned());
    }),
    ("a secret is about to go", &["secret_going"], 1, |house| {
        house.change(|cloud| cloud.secret("WEB_SECRET_ARN").going = true);
    }),
    ("a rotation was not finished", &["rotation_unfinished"], 0, |house| {
        house.change(|cloud| cloud.secret("SHOPIFY_WEBHOOK_SECRET_ARN").previous = Some("older-hush".to_owned()));
    }),
    ("a rotation is open", &["rotation_open"], 0, |house| {
        house.change(|cloud| cloud.secret("PODIUM_OAUTH_SECRET_ARN").pending = Some("{}".to_owned()));
    }),
    ("Chatwoot is half set up", &["secret_placeholder"], 1, |house| {
        house.change(|cloud| cloud.secret("CHATWOOT_WEBHOOK_SECRET_ARN").current = "cw-hush".to_owned());
    }),
    ("Podium's webhook is disabled", &["webhook_disabled"], 1, |house| {
        house.providers.set_webhook("webchat", &json!({ "disabled": true })).unwrap();
    }),
    ("Podium's webhook has no secret", &["webhook_unsigned"], 1, |house| {
        house.providers.set_webhook("webchat", &json!({ "secret": null })).unwrap();
    }),
    ("Podium does not tell of an event", &["event_missing"], 1, |house| {
        house
            .providers
            .set_webhook("webchat", &json!({ "event_types": ["message.received", "message.sent"] }))
            .unwrap();
    }),
    ("Podium's webhook goes elsewhere", &["webhook_missing", "webhook_elsewhere"], 1, |house| {
        house.providers.set_webhook("reviews", &json!({ "url": "http://old.example/podium/reviews" })).unwrap();
    }),
    ("Podium refuses the credentials", &["podium_refuses"], 1, |house| {
        house.providers.set_podium(&json!({ "refresh_tokens": ["another"] })).unwrap();
        house.providers.revoke_tokens(Provider::Podium);
        house.tables.delete("directory", "token#podium");
    }),
    ("Podium's token may not read reviews", &["scope_missing"], 1, |house| refuse(house, "/v4/reviews", 403)),
    ("a location is not Podium's", &["location_unknown"], 1, |house| {
        house.providers.remove_location("loc_sydney");
    }),
    ("the locations are stale", &["locations_stale"], 1, |house| {
        let long_ago = now().minus(std::time::Duration::from_secs(3_600));
        let row = json!({
            "pk": {"S": "locations"},
            "location_list": {"L": []},
            "fetched_at_ms": {"N": long_ago.get().to_string()},
        });
        house.tables.put("directory", &row);
    }),
    ("the locations were never loaded", &["locations_missing"], 1, |house| {
        house.tables.delete("directory", "locations");
    }),
    ("the credentials are another shop's", &["shop_differs"], 1, |house| {
        house.providers.set_shopify(&json!({ "shop": "other.myshopify.com" })).unwrap();
    }),
    ("Shopify's app lacks a scope", &["scope_missing"], 1, |house| {
        let scope = "read_customers,read_fulfillments,read_locations,read_orders";
        house.providers.set_shopify(&json!({ "scope": scope })).unwrap();
    }),
    ("Shopify's version is no more", &["version_old"], 0, |house| house.set("SHOPIFY_API_VERSION", "2023-01")),
    ("Shopify tells another address", &["webhook_elsewhere", "topic_missing"], 1, |house| {
        let elsewhere = json!({ "APP_UNINSTALLED": format!("{}/shopify/webhooks", house.wire.url),
            "ORDERS_FULFILLED": "https://old.example/shopify/orders-fulfilled" });
        house.providers.set_shopify(&json!({ "subscriptions": elsewhere })).unwrap();
    }),
    ("Shopify refuses the token", &["shopify_refuses"], 1, |house| {
        house.providers.set_shopify(&json!({ "static_tokens": [] })).unwrap();
    }),
    ("AWS's clock is far off", &["clock_skewed"], 1, |house| {
        house.change(|cloud| cloud.date = Some("Sat, 21 Nov 2020 00:00:00 GMT".to_owned()));
    }),
    ("Podium's clock is far off", &["clock_skewed"], 1, |house| {
        // Its address itself has no route; everything else is below it.
        let headers = [("date".to_owned(), "Sat, 21 Nov 2020 00:00:00 GMT".to_owned())].into();
        let action = Action { status: Some(404), headers, ..Action::default() };
        let matching = Match { provider: Some(Provider::Podium), nth: Some(6), ..Match::default() };
        house.providers.add_fault(FaultRule { matching, times: Times::Count(1), action }).unwrap();
    }),
    ("an event was given up", &["events_parked"], 1, |house| {
        house.tables.put("inbox", &json!({ "pk": {"S": "podium#e-1"}, "st": {"S": "parked"} }));
    }),
    ("an event waits too long", &["events_late"], 1, |house| {
        let (key, hour) = ("podium#e-2", std::time::Duration::from_secs(3_600));
        let shard = frontdesk_core::ids::Shard::of(key).to_key();
        let row = json!({
            "pk": {"S": key},
            "st": {"S": "waiting"},
            "waiting_shard": {"S": shard},
            // The sweeper has just queued it again.
            "waiting_since_ms": {"N": now().minus(std::time::Duration::from_secs(5)).get().to_string()},
            "received_at_ms": {"N": now().minus(hour).get().to_string()},
        });
        house.tables.put("inbox", &row);
    }),
    ("nobody knows what became of a send", &["sends_unknown"], 1, |house| {
        house.tables.put("outbox", &json!({ "pk": {"S": "review-request#s#1"}, "st": {"S": "unknown"} }));
    }),
    ("the front door is not ready", &["front_door_not_ready"], 1, |house| {
        let checks = json!([{ "kind": "queue", "name": "podium", "status": "unreachable" }]);
        let report = json!({ "status": "unavailable", "timestamp": "2026-11-21T00:00:00.000Z", "checks": checks });
        house.change(|cloud| cloud.health = (503, report));
    }),
    ("something else stands at the front door", &["front_door_wrong"], 1, |house| {
        house.change(|cloud| cloud.health = (200, json!("<html>")));
    }),
    ("a page may not call", &["origin_refused"], 1, |house| house.change(|cloud| cloud.allowed = None)),
];

fn now() -> UnixMillis {
    UnixMillis::new(jiff::Timestamp::now().as_millisecond())
}

fn refuse(house: &House, path: &str, status: u16) {
    let matching = Match { path_prefix: Some(path.into()), ..Match::default() };
    let action = Action { status: Some(status), body: Some(json!({ "code": "unauthorized" })), ..Action::default() };
    house.providers.add_fault(FaultRule { matching, times: Times::FOREVER, action }).unwrap();
}

fn tables_but_one() -> String {
    let words = ["inbox", "contacts", "review-requests", "outbox", "sessions", "chats", "forms", "reviews", "limits"];
    let named = words.map(|word| format!("{word}={}", word.replace('-', "_")));
    format!("{},directory=no-such-table", named.join(","))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_planted_misconfiguration_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    // Four at a time: each waits for a process of its own.
    for some in PLANTS.chunks(4) {
        let mut planted = tokio::task::JoinSet::new();
        some.iter().for_each(|plant| drop(planted.spawn(plant_one(plant))));
        wrong.extend(planted.join_all().await.into_iter().flatten());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with what is said of a plant.
async fn plant_one((what, expected, code, plant): &'static Plant) -> Option<String> {
    let house = House::start().await;
    plant(&house);
    let run = house.run(&["doctor"]);
    let mut found = checks(&run);
    found.sort_unstable();
    found.dedup();
    let mut expected: Vec<&str> = expected.to_vec();
    expected.sort_unstable();
    // Each finding says what to do, and none shows a secret.
    let document: Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
    for finding in document["findings"].as_array().into_iter().flatten() {
        let needs_help = ["fail", "warn", "unknown"].contains(&finding["level"].as_str().unwrap());
        assert!(!needs_help || finding["remedy"].is_string(), "{what}: {finding}");
    }
    assert!(!run.text().contains("hush") && !run.stderr.contains("hush"), "{what}");
    (found != expected || run.code != *code).then(|| format!("{what}: {} {:?} {}", run.code, said(&run), run.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_is_unknown_and_never_well() {
    let house = House::start().await;
    for (operation, group) in [
        ("DescribeTable", "tables"),
        ("GetQueueAttributes", "queues"),
        ("GetSchedule", "schedules"),
        ("DescribeSecret", "secrets"),
        ("ListEventSourceMappings", "functions"),
        ("SimulatePrincipalPolicy", "permissions"),
    ] {
        house.change(|cloud| cloud.refused.insert(operation, "InternalFailure"));
        let run = house.run(&["doctor", "--only", group]);
        let found = said(&run);
        assert!(!found.is_empty() && found.iter().all(|(_, level, ..)| level == "unknown"), "{operation}: {found:?}");
        assert_eq!(run.code, 2, "{operation}: {}", run.stderr);
        house.change(|cloud| cloud.refused.clear());
    }
    for (path, group) in [("/v4/webhooks", "podium"), ("/admin/api", "shopify")] {
        refuse(&house, path, 500);
        let run = house.run(&["doctor", "--only", group]);
        assert_eq!((checks(&run), run.code), (vec!["unknown".to_owned()], 2), "{group}: {}", run.text());
        house.providers.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_asked_is_told_as_that() {
    let house = House::start().await;
    house.change(|cloud| cloud.refused.insert("SimulatePrincipalPolicy", "AccessDenied"));
    let run = house.run(&["doctor", "--only", "permissions"]);
    assert_eq!((said(&run), run.code), (Vec::new(), 0));
    let document: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&document["ok"], &document["not_looked_at"]), (&json!(0), &json!(1)), "{}", run.text());
    assert!(run.text().contains("the roles were not looked at"), "{}", run.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_not_there_and_an_aws_that_is_not_there_are_exit_code_2() {
    let house = House::start().await;
    let run = house.run(&["doctor", "--stack", "another"]);
    assert_eq!((run.code, run.text()), (2, ""));
    assert!(run.stderr.contains("no stack called another"), "{}", run.stderr);
    let run = house.run_with(&["doctor"], &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")], b"");
    assert_eq!(run.code, 2, "{}", run.stderr);
    let run = frontdesk_without_credentials();
    assert_eq!((run.code, run.text()), (2, ""));
}

fn frontdesk_without_credentials() -> Run {
    let env = [("AWS_REGION", "eu-central-1"), ("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nonexistent")];
    tokio::task::block_in_place(|| crate::frontdesk(&["doctor"], &env, b""))
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_what_is_wrong_what_to_do_and_with_which_command() {
    let house = House::start().await;
    house.change(|cloud| cloud.schedules.insert("frontdesk-sweep".to_owned(), "DISABLED"));
    let run = house.run(&["doctor", "--only", "schedules", "--output", "human", "--color", "never"]);
    let text = run.text();
    assert!(text.contains("FAIL     schedules"), "{text}");
    assert!(text.contains("sweep: the schedule frontdesk-sweep is DISABLED"), "{text}");
    assert!(text.contains("$ aws scheduler get-schedule --name frontdesk-sweep"), "{text}");
    assert!(!text.contains("promote"), "what is well is not listed: {text}");
    assert!(house.run(&["doctor", "--only", "schedules", "--all", "--output", "human"]).text().contains("promote"));
    let run = house.run(&["doctor", "--only", "everything"]);
    assert_eq!(run.code, 2);
}
