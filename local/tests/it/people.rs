//! The ways to the shop's people, and how each of them says no.

use frontdesk_local::Provider;
use serde_json::{Value, json};

use crate::wire::{Bench, Reply, bytes, call};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];
const SLACK: &str = "/slack/services/T0/B0/secret";
const PUBLISH: &str = "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A000000000000%3Adesk\
                       &Subject=A+bad+review&Message=Two+%E2%98%85+in+Sydney";

async fn slack(bench: &Bench, body: &Value) -> Reply {
    call(bench.addr(), "POST", SLACK, &JSON, &body.to_string()).await
}

#[tokio::test]
async fn slack_says_ok_or_one_word() {
    let bench = Bench::start().await;
    let told = slack(&bench, &json!({ "text": "A review of 1 star" })).await;
    assert_eq!((told.status, told.body.as_str()), (200, "ok"));
    assert!(told.header("content-type").unwrap().starts_with("text/plain"));
    let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x" } });
    for (body, word) in [
        (json!({}), "no_text"),
        (json!({ "text": "", "blocks": [] }), "no_text"),
        (json!({ "text": "t", "blocks": vec![section; 51] }), "invalid_blocks"),
        (
            json!({ "blocks": [{ "type": "header", "text": { "type": "plain_text", "text": "h".repeat(151) } }] }),
            "invalid_blocks",
        ),
        (
            json!({ "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": "s".repeat(3001) } }] }),
            "invalid_blocks",
        ),
        (json!([]), "invalid_payload"),
    ] {
        let refused = slack(&bench, &body).await;
        assert_eq!((refused.status, refused.body.as_str()), (400, word));
    }
    let form = call(bench.addr(), "POST", SLACK, &FORM, "payload=%7B%22text%22%3A%22hi%22%7D").await;
    assert_eq!((form.status, form.body.as_str()), (200, "ok"));
    assert_eq!(call(bench.addr(), "POST", "/slack/other", &JSON, "{}").await.body, "no_service");

    let notices = bench.stand_ins.notices();
    assert_eq!(
        notices.iter().map(|notice| notice.status).collect::<Vec<_>>(),
        [200, 400, 400, 400, 400, 400, 400, 200]
    );
    assert_eq!((notices[0].channel, notices[0].path.as_str()), (Provider::Slack, "/services/T0/B0/secret"));
    assert_eq!(notices[0].body, json!({ "text": "A review of 1 star" }).to_string());
    let ledger = bench.control("GET", "/ledger", &Value::Null).await.json();
    assert_eq!((&ledger["count"], &ledger["notices"][2]["answer"]), (&json!(0), &json!("no_text")));
    assert_eq!(ledger["notices"][0]["request_id"], bench.stand_ins.requests()[0].request_id);
    bench.control("DELETE", "/ledger", &Value::Null).await;
    assert!(bench.stand_ins.notices().is_empty());
}

#[tokio::test]
async fn any_webhook_is_taken_as_it_comes() {
    let bench = Bench::start().await;
    let headers = [("content-type", "application/json"), ("x-frontdesk-signature", "abc")];
    for path in ["/webhook/people", "/webhook/a/b", "/webhook"] {
        assert_eq!(call(bench.addr(), "POST", path, &headers, "not even JSON").await.status, 200, "{path}");
    }
    let notices = bench.stand_ins.notices();
    assert_eq!((notices.len(), notices[0].channel), (3, Provider::Webhook));
    assert_eq!((notices[0].body.as_str(), notices[0].path.as_str()), ("not even JSON", "/people"));
    assert_eq!(notices[0].headers["x-frontdesk-signature"], "abc");
}

#[tokio::test]
async fn sns_publishes_with_a_message_id() {
    let bench = Bench::start().await;
    for path in ["/sns", "/sns/", "/"] {
        let told = call(bench.addr(), "POST", path, &FORM, PUBLISH).await;
        assert_eq!((told.status, told.header("content-type")), (200, Some("text/xml")), "{path}");
        let id = &bench.stand_ins.notices().last().unwrap().answer.clone();
        assert!(told.body.starts_with("<PublishResponse xmlns="), "{}", told.body);
        assert!(told.body.contains(&format!("<MessageId>{id}</MessageId>")), "{}", told.body);
    }
    assert!(bench.stand_ins.notices().iter().all(|notice| notice.channel == Provider::Sns));
    for (body, code) in [
        ("Action=CreateTopic".to_owned(), "InvalidAction"),
        (PUBLISH.replace("TopicArn", "Topic"), "InvalidParameter"),
        (PUBLISH.replace("A+bad", "A%0Abad"), "InvalidParameter"),
        (PUBLISH.replace("Message=", "Massage="), "InvalidParameter"),
    ] {
        let refused = call(bench.addr(), "POST", "/sns", &FORM, &body).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body.contains(&format!("<Code>{code}</Code>")), "{}", refused.body);
    }
}

#[tokio::test]
async fn each_way_fails_on_command_and_then_is_fine() {
    let bench = Bench::start().await;
    let text = json!({ "text": "hello" });
    for (canned, status, word) in [
        ("slack_rate_limited", 429, "rate_limited"),
        ("slack_channel_is_archived", 410, "channel_is_archived"),
        ("slack_no_service", 404, "no_service"),
        ("slack_server_error", 500, "rollup_error"),
    ] {
        bench.fault(&json!({ "match": { "provider": "slack" }, "times": 2, "action": { "canned": canned } })).await;
        for _ in 0..2 {
            let refused = slack(&bench, &text).await;
            assert_eq!((refused.status, refused.body.as_str()), (status, word));
            assert_eq!(refused.header("retry-after"), (status == 429).then_some("1"));
        }
        assert_eq!(slack(&bench, &text).await.status, 200);
    }
    assert_eq!(bench.stand_ins.notices().len(), 4, "what was refused told nobody");

    for (canned, status, code) in [
        ("sns_not_found", 404, "NotFound"),
        ("sns_authorization_error", 403, "AuthorizationError"),
        ("sns_throttled", 400, "Throttling"),
        ("sns_internal_error", 500, "InternalError"),
    ] {
        bench.fault(&json!({ "match": { "provider": "sns" }, "action": { "canned": canned } })).await;
        let refused = call(bench.addr(), "POST", "/sns", &FORM, PUBLISH).await;
        assert_eq!(refused.status, status);
        assert!(refused.body.contains(&format!("<Code>{code}</Code>")), "{}", refused.body);
    }

    bench.fault(&json!({ "match": { "provider": "webhook" }, "action": { "close_before_acting": true } })).await;
    assert_eq!(bytes(bench.addr(), "POST", "/webhook/x", &JSON, b"{}").await, b"");
    let rule = json!({ "match": { "path_prefix": "/webhook/x", "provider": "webhook" }, "action": { "status": 429, "headers": { "retry-after": "7" } } });
    bench.fault(&rule).await;
    let refused = call(bench.addr(), "POST", "/webhook/x", &JSON, "{}").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("7")));
    bench.fault(&json!({ "match": { "provider": "webhook" }, "action": { "drop_reply_after_acting": true } })).await;
    assert_eq!(bytes(bench.addr(), "POST", "/webhook/x", &JSON, b"{}").await, b"");
    assert_eq!(bench.stand_ins.notices().len(), 5, "told, and nobody knows");
    let before = tokio::time::Instant::now();
    bench.fault(&json!({ "match": { "provider": "slack" }, "action": { "delay_ms": 60 } })).await;
    assert_eq!(slack(&bench, &text).await.status, 200);
    assert!(before.elapsed().as_millis() >= 60);
}
