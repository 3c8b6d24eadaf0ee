//! Podium's own webhooks: what they say, how they are signed, in which order they come, and how they are lost.

use std::time::Duration;

use frontdesk_local::{Notice, Webhook};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::wire::{Bench, LOCATION, PHONE, message};

const SECRET: &str = "whsec_test";

/// Switches a webhook on; its receiver is the one that takes everything.
async fn hooked(bench: &Bench, name: &str, more: &Value) {
    let url = format!("{}/webhook/{name}", bench.stand_ins.base_url());
    let mut hook = json!({ "url": url, "secret": SECRET, "scheme": "published", "retry_ms": 5 });
    hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let put = bench.control("PUT", &format!("/podium/webhooks/{name}"), &hook).await;
    assert_eq!(put.status, 200, "{}", put.body);
}

/// Waits until the ledger has this many attempts.
async fn attempts(bench: &Bench, count: usize) -> Vec<Webhook> {
    for _ in 0..500 {
        let found = bench.stand_ins.webhooks();
        if found.len() >= count {
            // One too many would be there soon.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let found = bench.stand_ins.webhooks();
            assert_eq!(found.len(), count, "{found:?}");
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", bench.stand_ins.webhooks());
}

fn hex_hmac(text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn event(notice: &Notice) -> Value {
    serde_json::from_str(&notice.body).unwrap()
}

#[tokio::test]
async fn nothing_is_told_until_somebody_asks() {
    let bench = Bench::start().await;
    bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(bench.stand_ins.webhooks().is_empty());
    assert_eq!(bench.control("GET", "/podium/webhooks", &Value::Null).await.json(), json!({}));
    for bad in [
        json!({ "secret": "s" }),
        json!({ "url": "https://far.test/" }),
        json!({ "url": "http://x.test/", "scheme": "none" }),
        json!({ "url": "http://x.test/", "tries": 0 }),
    ] {
        assert_eq!(bench.control("PUT", "/podium/webhooks", &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn published_events_are_signed_over_time_and_body() {
    let bench = Bench::start().await;
    hooked(&bench, "default", &json!({})).await;
    let sent = bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await.json();
    attempts(&bench, 1).await;
    bench
        .control("PUT", "/podium/outcomes/%2B61491570156", &json!({ "status": "failed", "failure_reason": "landline" }))
        .await;
    bench.podium("POST", "/v4/messages", &message(PHONE, "again")).await;
    bench.control("PUT", "/podium/reviews/rev-1", &json!({ "rating": 1, "location": LOCATION })).await;
    bench.control("PUT", "/podium/reviews/rev-1", &json!({ "rating": 4 })).await;
    bench.control("PUT", "/podium/reviews/rev-1", &json!({ "rating": 5, "quiet": true })).await;
    let written = json!({ "phone": PHONE, "location": LOCATION, "text": "hi", "webchat_url": "https://shop.test/" });
    bench.control("POST", "/podium/inbound", &written).await;
    let told = attempts(&bench, 5).await;
    let kinds: Vec<&str> = told.iter().map(|one| one.event_type.as_str()).collect();
    assert_eq!(kinds, ["message.sent", "message.failed", "review.created", "review.updated", "message.received"]);
    assert!(told.iter().all(|one| (one.status, one.attempt) == (Some(200), 1)));
    assert_eq!((told[0].phone.as_deref(), told[2].phone.as_deref()), (Some(PHONE), None));

    let notices = bench.stand_ins.notices();
    for (notice, one) in notices.iter().zip(&told) {
        let stamp = &notice.headers["podium-timestamp"];
        assert_eq!(stamp.len(), 13, "milliseconds");
        assert_eq!(notice.headers["podium-signature"], hex_hmac(&format!("{stamp}.{}", notice.body)));
        assert_eq!((&notice.body, &event(notice)["metadata"]["eventUid"]), (&one.body, &json!(one.event_uid)));
        assert_eq!(event(notice)["metadata"]["eventType"], json!(one.event_type));
    }
    assert_eq!(event(&notices[0])["data"], sent["data"]);
    assert_eq!(event(&notices[1])["data"]["failureReason"], "landline");
    assert_eq!(event(&notices[3])["data"]["review"]["rating"], 4);
    assert_eq!(event(&notices[4])["data"]["webchatUrl"], "https://shop.test/");
    let of_phone = bench.control("GET", "/ledger?phone=%2B61491570156", &Value::Null).await.json();
    assert_eq!(of_phone["webhooks"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_was_imported_is_told_of_only_if_that_is_wanted() {
    let bench = Bench::start().await;
    hooked(&bench, "default", &json!({})).await;
    hooked(&bench, "brief", &json!({ "scheme": "brief" })).await;
    let import = |direction: &str| {
        json!({
            "body": "Do you have kayaks?", "channel": { "type": "phone", "identifier": PHONE }, "contactName": "Mara",
            "direction": direction, "locationUid": LOCATION, "publishedAt": "2026-01-02T03:04:05Z",
        })
    };
    bench.podium("POST", "/v4/import/messages", &import("inbound")).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(bench.stand_ins.webhooks().is_empty(), "Podium does not say that it does");
    assert_eq!(bench.control("PUT", "/podium", &json!({ "echo_imports": true })).await.status, 200);
    let shown = bench.podium("POST", "/v4/import/messages", &import("inbound")).await.json();
    bench.podium("POST", "/v4/import/messages", &import("outbound")).await;
    let told = attempts(&bench, 2).await;
    assert!(told.iter().all(|one| one.event_type == "message.received" && one.phone.as_deref() == Some(PHONE)));
    let body = |hook: &str| -> Value {
        serde_json::from_str(&told.iter().find(|one| one.hook == hook).unwrap().body).unwrap()
    };
    assert_eq!(body("default")["data"], shown["data"]);
    assert_eq!(body("default")["data"]["webchatUrl"], Value::Null);
    let brief = &body("brief")["data"];
    assert_eq!((&brief["message_uid"], &brief["body"]), (&shown["data"]["uid"], &json!("Do you have kayaks?")));
    assert_eq!(bench.stand_ins.imports().len(), 3);
}

#[tokio::test]
async fn the_briefs_events_are_signed_over_the_body() {
    let bench = Bench::start().await;
    hooked(&bench, "brief", &json!({ "scheme": "brief" })).await;
    let ask = json!({ "campaign_id": "c", "contact": { "phone": PHONE }, "context": {} });
    let id = bench.podium("POST", "/v4/review-invitations", &ask).await.json()["id"].clone();
    let path = format!("/v4/review-invitations/{}", id.as_str().unwrap());
    assert_eq!(bench.podium("GET", &path, &Value::Null).await.json()["status"], "delivered");
    let failed = json!({ "status": "failed", "failure_reason": "carrier_filtered", "tell": true });
    bench.control("PUT", &format!("/podium/deliveries/{}", id.as_str().unwrap()), &failed).await;
    bench
        .control(
            "PUT",
            "/podium/reviews/rev-1",
            &json!({ "rating": 1, "location": "loc_burleigh", "body": "Never arrived" }),
        )
        .await;
    let written = json!({ "phone": "0491 570 156", "location": "loc_burleigh", "text": "1" });
    bench.control("POST", "/podium/inbound", &written).await;
    bench.podium("POST", "/v4/messages", &message(PHONE, "no event of the briefs'")).await;
    attempts(&bench, 4).await;

    let notices = bench.stand_ins.notices();
    assert!(notices.iter().all(|notice| notice.headers["x-podium-signature"] == hex_hmac(&notice.body)));
    let events: Vec<Value> = notices.iter().map(event).collect();
    assert_eq!(
        (&events[0]["type"], &events[0]["data"]),
        (&json!("review_invitation.delivered"), &json!({ "invitation_id": id }))
    );
    let data = json!({ "invitation_id": id, "failure_reason": "carrier_filtered" });
    assert_eq!((&events[1]["type"], &events[1]["data"]), (&json!("review_invitation.failed"), &data));
    let data = json!({ "id": "rev-1", "rating": 1, "platform": "google", "body": "Never arrived", "location_uid": "loc_burleigh" });
    assert_eq!((&events[2]["type"], &events[2]["data"]), (&json!("review.received"), &data));
    assert_eq!(events[3]["type"], "webchat.message.received");
    let data = &events[3]["data"];
    assert_eq!((&data["from"], &data["country"], &data["body"]), (&json!("0491 570 156"), &json!("AU"), &json!("1")));
}

#[tokio::test]
async fn a_refused_event_holds_the_later_ones_back() {
    let bench = Bench::start().await;
    hooked(&bench, "default", &json!({})).await;
    bench.fault(&json!({ "match": { "provider": "webhook" }, "times": 2, "action": { "status": 503 } })).await;
    for uid in ["r1", "r2", "r3"] {
        bench.control("PUT", &format!("/podium/reviews/{uid}"), &json!({ "rating": 1 })).await;
    }
    let told = attempts(&bench, 5).await;
    assert_eq!(told.iter().map(|one| one.status.unwrap()).collect::<Vec<_>>(), [503, 503, 200, 200, 200]);
    assert_eq!(told.iter().map(|one| one.attempt).collect::<Vec<_>>(), [1, 2, 3, 1, 1]);
    assert_eq!(told[0].event_uid, told[2].event_uid, "one event, however often it is tried");
    let came: Vec<Value> =
        bench.stand_ins.notices().iter().map(|notice| event(notice)["data"]["uid"].clone()).collect();
    assert_eq!(came, ["r1", "r2", "r3"]);
}

#[tokio::test]
async fn after_the_last_try_a_webhook_is_disabled_and_goes_on_later() {
    let bench = Bench::start().await;
    hooked(&bench, "default", &json!({ "tries": 2 })).await;
    bench
        .fault(&json!({ "match": { "provider": "webhook" }, "times": 2, "action": { "close_before_acting": true } }))
        .await;
    for uid in ["r1", "r2"] {
        bench.control("PUT", &format!("/podium/reviews/{uid}"), &json!({ "rating": 1 })).await;
    }
    let told = attempts(&bench, 2).await;
    assert!(told.iter().all(|one| one.status.is_none() && one.problem.is_some()));
    let report = bench.control("GET", "/podium/webhooks/default", &Value::Null).await.json();
    assert_eq!((&report["disabled"], &report["waiting"]), (&json!(true), &json!(2)));
    hooked(&bench, "default", &json!({ "disabled": false })).await;
    let told = attempts(&bench, 4).await;
    assert_eq!((told[2].status, told[3].status), (Some(200), Some(200)));
}

#[tokio::test]
async fn an_outage_loses_events_and_the_lists_still_have_them() {
    let bench = Bench::start().await;
    hooked(&bench, "default", &json!({ "drop": true })).await;
    bench.control("PUT", "/podium/reviews/rev-1", &json!({ "rating": 1 })).await;
    let told = attempts(&bench, 1).await;
    assert_eq!((told[0].status, told[0].attempt, told[0].problem.as_deref()), (None, 0, Some("dropped")));
    hooked(&bench, "default", &json!({ "drop": false })).await;
    bench.control("PUT", "/podium/reviews/rev-2", &json!({ "rating": 1 })).await;
    attempts(&bench, 2).await;
    assert_eq!(bench.stand_ins.notices().len(), 1, "what was dropped does not come later");
    let listed = bench.podium("GET", "/v4/reviews", &Value::Null).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn webhooks_can_share_the_events_among_them() {
    let bench = Bench::start().await;
    hooked(&bench, "reviews", &json!({ "event_types": ["review."] })).await;
    hooked(&bench, "chats", &json!({ "event_types": ["message.received"], "secret": null })).await;
    bench.control("PUT", "/podium/reviews/rev-1", &json!({ "rating": 1 })).await;
    bench.control("POST", "/podium/inbound", &json!({ "phone": PHONE, "location": LOCATION, "text": "hi" })).await;
    bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await;
    let mut told = attempts(&bench, 2).await;
    told.sort_by(|a, b| a.hook.cmp(&b.hook));
    assert_eq!((told[0].hook.as_str(), told[0].event_type.as_str()), ("chats", "message.received"));
    assert!(told[0].headers.is_empty(), "no secret, no signature");
    assert_eq!((told[1].hook.as_str(), told[1].event_type.as_str()), ("reviews", "review.created"));
    assert_eq!(bench.control("DELETE", "/podium/webhooks/chats", &Value::Null).await.status, 204);
    assert_eq!(bench.control("GET", "/podium/webhooks/chats", &Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_slow_receiver_hears_of_an_event_twice() {
    let bench = Bench::start().await;
    hooked(&bench, "default", &json!({ "timeout_ms": 30, "restamp": false })).await;
    bench.fault(&json!({ "match": { "provider": "webhook" }, "action": { "reply_delay_ms": 90 } })).await;
    bench.control("PUT", "/podium/reviews/rev-1", &json!({ "rating": 1 })).await;
    let told = attempts(&bench, 2).await;
    assert_eq!((told[0].status, told[0].problem.as_deref(), told[1].status), (None, Some("timeout"), Some(200)));
    assert_eq!(told[0].headers, told[1].headers, "signed once");
    let came = bench.stand_ins.notices();
    assert_eq!((came.len(), &came[0].body), (2, &came[1].body));
}

#[tokio::test]
async fn who_only_sends_a_picture_writes_nothing() {
    let bench = Bench::start().await;
    hooked(&bench, "published", &json!({})).await;
    hooked(&bench, "brief", &json!({ "scheme": "brief_t_v1" })).await;
    let url = "https://attachments.example.test/a/roof.jpg";
    let picture = json!({
        "phone": PHONE, "location": LOCATION, "attachment_url": url, "attachment_type": "image/jpeg", "attachment_bytes": 5,
    });
    bench.control("POST", "/podium/inbound", &picture).await;
    let mut told = attempts(&bench, 2).await;
    told.sort_by(|a, b| a.hook.cmp(&b.hook));
    let brief: Value = serde_json::from_str(&told[0].body).unwrap();
    let attachment = json!({ "name": "roof.jpg", "content_type": "image/jpeg", "size_bytes": 5, "url": url });
    assert_eq!(brief["data"]["attachments"], json!([attachment]));
    assert!(told[0].headers["x-podium-signature"].starts_with("t="));
    let published: Value = serde_json::from_str(&told[1].body).unwrap();
    let item = &published["data"]["items"][0];
    assert_eq!((&published["data"]["body"], &published["data"]["attachmentUrl"]), (&Value::Null, &json!(url)));
    assert_eq!((&item["type"], &item["attachmentContentType"]), (&json!("attachment"), &json!("image/jpeg")));
}

#[tokio::test]
async fn an_integration_lists_and_changes_them_in_podiums_own_words() {
    let bench = Bench::start().await;
    let uids = async || {
        let listed = bench.podium("GET", "/v4/webhooks?limit=100", &Value::Null).await.json();
        listed["data"].as_array().unwrap().iter().map(|hook| hook["uid"].clone()).collect::<Vec<_>>()
    };
    assert!(uids().await.is_empty());
    let url = format!("{}/webhook/made", bench.stand_ins.base_url());
    let new = json!({ "url": url, "eventTypes": ["message.received"], "organizationUid": "org", "secret": SECRET });
    let made = bench.podium("POST", "/v4/webhooks", &new).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let hook = made.json()["data"].clone();
    let mut fields: Vec<&str> = hook.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    let known =
        ["createdAt", "disabled", "eventTypes", "locationUid", "organizationUid", "secret", "uid", "updatedAt", "url"];
    assert_eq!(fields, known);
    let at = format!("/v4/webhooks/{}", hook["uid"].as_str().unwrap());
    let changed = bench.podium("PUT", &at, &json!({ "disabled": true, "eventTypes": ["review.created"] })).await.json();
    assert_eq!((&changed["data"]["disabled"], &changed["data"]["secret"]), (&json!(true), &json!(SECRET)));
    assert_eq!(bench.podium("GET", &at, &Value::Null).await.json()["data"], changed["data"]);
    for bad in [
        json!({ "url": url, "organizationUid": "org" }),
        json!({ "url": url, "eventTypes": [], "organizationUid": "org" }),
        json!({ "url": url, "eventTypes": ["webchat.started"], "organizationUid": "org" }),
        json!({ "url": url, "eventTypes": ["message.sent"] }),
    ] {
        assert_eq!(bench.podium("POST", "/v4/webhooks", &bad).await.status, 400, "{bad}");
    }

    // One that control made is listed with the events that its beginnings stand for.
    hooked(&bench, "reviews", &json!({ "event_types": ["review."] })).await;
    let listed = bench.podium("GET", "/v4/webhooks/reviews", &Value::Null).await.json();
    assert_eq!(listed["data"]["eventTypes"].as_array().unwrap().len(), 6);
    assert_eq!(bench.podium("DELETE", &at, &Value::Null).await.status, 204);
    assert_eq!(bench.podium("DELETE", &at, &Value::Null).await.status, 404);
    assert_eq!(uids().await, [json!("reviews")]);
}
