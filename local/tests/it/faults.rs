//! Each way of failing, seen from the other end of the socket.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::wire::{Bench, PHONE, message, reply};

const OTHER_PHONE: &str = "+61491570157";

#[tokio::test]
async fn the_reply_is_lost_after_the_message_went_out() {
    let bench = Bench::start().await;
    bench
        .fault(&json!({
            "match": { "provider": "podium", "method": "POST", "path_prefix": "/v4/messages", "phone": PHONE },
            "action": { "drop_reply_after_acting": true },
        }))
        .await;

    let other = bench.podium("POST", "/v4/messages", &message(OTHER_PHONE, "hello")).await;
    assert_eq!(other.status, 200, "the rule is for another phone");
    let received = bench.podium_bytes("POST", "/v4/messages", &message(PHONE, "hello")).await;
    assert_eq!(received, b"", "not a single byte of answer");

    let effects = bench.stand_ins.ledger_of(PHONE);
    assert_eq!(effects.len(), 1, "it was sent all the same");
    let lookup = bench.podium("GET", &format!("/v4/contacts/{}", PHONE.replace('+', "%2B")), &Value::Null).await;
    let conversation = lookup.json()["data"]["conversations"][0]["uid"].as_str().unwrap().to_owned();
    let sent = bench.podium("GET", &format!("/v4/conversations/{conversation}/messages"), &Value::Null).await.json();
    assert_eq!(sent["data"][0]["body"], "hello", "and a look-up finds it");
    assert_eq!(sent["data"][0]["uid"], json!(effects[0].message_id));

    let again = bench.podium("POST", "/v4/messages", &message(PHONE, "again")).await;
    assert_eq!(again.status, 200, "once only");
    let logged = bench.stand_ins.requests();
    assert_eq!(logged[1].status, None, "a call without an answer has no status");
    assert_eq!(logged[1].fault, Some(1));
    assert_eq!(logged[1].request_id, effects[0].request_id);
}

#[tokio::test]
async fn the_connection_closes_before_anything_happened() {
    let bench = Bench::start().await;
    bench.fault(&json!({ "times": 2, "action": { "close_before_acting": true } })).await;
    for _ in 0..2 {
        assert_eq!(bench.podium_bytes("POST", "/v4/messages", &message(PHONE, "hello")).await, b"");
    }
    assert!(bench.stand_ins.ledger().is_empty());
    assert_eq!(bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await.status, 200);
    assert_eq!(bench.stand_ins.ledger().len(), 1);
}

#[tokio::test]
async fn a_kept_alive_connection_is_closed_too() {
    let bench = Bench::start().await;
    bench.fault(&json!({ "match": { "nth": 2 }, "action": { "close_before_acting": true } })).await;
    let mut stream = TcpStream::connect(bench.addr()).await.unwrap();
    let request = b"GET /podium/v4/locations HTTP/1.1\r\nhost: local.test\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut received = vec![0; 4096];
    let first = stream.read(&mut received).await.unwrap();
    assert!(received[..first].starts_with(b"HTTP/1.1 401"), "no token, but an answer");
    stream.write_all(request).await.unwrap();
    assert_eq!(stream.read(&mut received).await.unwrap(), 0);
}

#[tokio::test]
async fn half_an_answer_arrives_after_acting() {
    let bench = Bench::start().await;
    bench.fault(&json!({ "action": { "truncate": true } })).await;
    let received = bench.podium_bytes("POST", "/v4/messages", &message(PHONE, "hello")).await;
    let text = String::from_utf8(received).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let promised: usize = promised.parse().unwrap();
    assert!(!body.is_empty() && body.len() < promised, "{} of {promised}", body.len());
    assert!(serde_json::from_str::<Value>(body).is_err());
    assert_eq!(bench.stand_ins.ledger().len(), 1);
}

#[tokio::test]
async fn a_status_comes_instead_of_acting_or_after_it() {
    let bench = Bench::start().await;
    let refusal = json!({
        "match": { "path_prefix": "/v4/messages" },
        "action": { "status": 503, "headers": { "Retry-After": "7" }, "body": { "code": "internal_server_error" } },
    });
    bench.fault(&refusal).await;
    let refused = bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("7")));
    assert_eq!(refused.json(), json!({ "code": "internal_server_error" }));
    assert!(bench.stand_ins.ledger().is_empty());

    bench.fault(&json!({ "action": { "status": 500, "after_acting": true } })).await;
    assert_eq!(bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await.status, 500);
    assert_eq!(bench.stand_ins.ledger().len(), 1, "the answer lied");
}

#[tokio::test]
async fn a_delay_holds_the_answer_and_acts_even_if_the_caller_has_left() {
    let bench = Bench::start().await;
    bench.fault(&json!({ "action": { "delay_ms": 150, "status": 500 } })).await;
    let started = Instant::now();
    assert_eq!(bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await.status, 500);
    assert!(started.elapsed() >= Duration::from_millis(150), "delays combine with the rest");

    bench.fault(&json!({ "action": { "delay_ms": 1000 } })).await;
    let late = message(PHONE, "late");
    let sending = bench.podium_bytes("POST", "/v4/messages", &late);
    assert!(tokio::time::timeout(Duration::from_millis(30), sending).await.is_err(), "the caller gives up");
    assert!(bench.stand_ins.ledger().is_empty());
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if !bench.stand_ins.ledger().is_empty() {
            break;
        }
    }
    assert_eq!(bench.stand_ins.ledger()[0].body.as_deref(), Some("late"));
}

#[tokio::test]
async fn the_reply_comes_late_and_the_effect_does_not() {
    let bench = Bench::start().await;
    bench.fault(&json!({ "action": { "reply_delay_ms": 5000 } })).await;
    let hello = message(PHONE, "hello");
    let acted = async {
        while bench.stand_ins.ledger().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = bench.podium_bytes("POST", "/v4/messages", &hello) => panic!("the answer came first"),
        () = acted => {}
    }
}

#[tokio::test]
async fn the_providers_own_refusals_are_canned() {
    let bench = Bench::start().await;
    for (canned, status, retry_after, place, value) in [
        ("shopify_throttled_200", 200, None, "/errors/0/extensions/code", "THROTTLED"),
        ("shopify_access_denied", 200, None, "/errors/0/extensions/code", "ACCESS_DENIED"),
        ("shopify_throttled_429", 429, Some("2.0"), "/extensions/none", ""),
        ("podium_rate_limit", 429, None, "/code", "rate_limit"),
        ("podium_rate_limit_brief", 429, Some("2"), "/error", "rate_limited"),
    ] {
        bench.fault(&json!({ "action": { "canned": canned } })).await;
        let reply = bench.podium("GET", "/v4/locations", &Value::Null).await;
        assert_eq!((reply.status, reply.header("retry-after")), (status, retry_after), "{canned}");
        let found = reply.json().pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
        assert_eq!(found, value, "{canned}");
    }
}

#[tokio::test]
async fn rules_can_be_listed_and_deleted_and_bad_ones_are_refused() {
    let bench = Bench::start().await;
    let forever = json!({ "times": "forever", "action": { "status": 500 } });
    bench.fault(&forever).await;
    bench.fault(&forever).await;
    for _ in 0..3 {
        assert_eq!(bench.podium("GET", "/v4/locations", &Value::Null).await.status, 500);
    }
    let listed = bench.control("GET", "/faults", &Value::Null).await.json();
    assert_eq!(listed["faults"][0]["fired"], 3);
    assert_eq!(listed["faults"][1]["fired"], 0, "the oldest acts");
    assert_eq!(listed["faults"][1]["seen"], 3);

    assert_eq!(bench.control("DELETE", "/faults/1", &Value::Null).await.status, 204);
    assert_eq!(bench.control("DELETE", "/faults/1", &Value::Null).await.status, 404);
    assert_eq!(bench.control("DELETE", "/faults", &Value::Null).await.status, 204);
    assert_eq!(bench.podium("GET", "/v4/locations", &Value::Null).await.status, 200);
    let bad = bench.control("POST", "/faults", &json!({ "action": { "status": 500, "truncate": true } })).await;
    assert_eq!(bad.status, 400);
    assert!(bad.json()["error"].is_string());
}

/// Two stand-ins in one process share nothing.
#[tokio::test]
async fn instances_are_independent() {
    let (one, other) = tokio::join!(Bench::start(), Bench::start());
    one.fault(&json!({ "times": "forever", "action": { "close_before_acting": true } })).await;
    let sent = reply(&other.podium_bytes("POST", "/v4/messages", &message(PHONE, "hello")).await);
    assert_eq!(sent.status, 200);
    assert!(one.stand_ins.ledger().is_empty());
    assert_eq!(other.stand_ins.ledger().len(), 1);
}
