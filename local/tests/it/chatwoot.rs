//! Chatwoot: its answers, its webhooks, its files.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::wire::{Bench, Reply, call};

const SECRET: &str = "fictionalSecret24charsXYZ";
const BOT: Option<&str> = Some("cw-bot-token");
const USER: Option<&str> = Some("cw-user-token");

async fn api(bench: &Bench, token: Option<&str>, method: &str, path: &str, body: &Value) -> Reply {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(token.map(|token| ("api_access_token", token)));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    call(bench.addr(), method, &format!("/chatwoot/api/v1/accounts/7{path}"), &headers, &body).await
}

fn written(bench: &Bench, fields: &Value) -> (u64, u64) {
    let ids = bench.stand_ins.chat_inbound(fields).unwrap();
    (ids["conversation"].as_u64().unwrap(), ids["message"].as_u64().unwrap())
}

fn hook(bench: &Bench, name: &str, more: &Value) {
    let url = format!("{}/webhook/{name}", bench.stand_ins.base_url());
    let mut hook = json!({ "url": url, "secret": SECRET, "retry_ms": 5 });
    hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.stand_ins.set_chatwoot_webhook(name, &hook).unwrap();
}

/// Waits until so many deliveries were tried, and not one more.
async fn tried(bench: &Bench, count: usize) -> Vec<(frontdesk_local::Webhook, Value)> {
    for _ in 0..300 {
        if bench.stand_ins.webhooks().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(30)).await;
    let all = bench.stand_ins.webhooks();
    assert_eq!(all.len(), count, "{all:?}");
    all.into_iter().map(|one| (one.clone(), serde_json::from_str(&one.body).unwrap())).collect()
}

#[tokio::test]
async fn tokens_open_what_they_should() {
    let bench = Bench::start().await;
    let (id, _) = written(&bench, &json!({ "conversation": 418, "text": "hello" }));
    assert_eq!(id, 418);
    let none = Value::Null;
    for (token, path, status, error) in [
        (None, "/conversations/418", 401, json!(["You need to sign in or sign up before continuing."])),
        (Some("other"), "/conversations/418", 401, json!("Invalid Access Token")),
        (BOT, "/conversations/418", 200, none.clone()),
        (BOT, "/conversations/418/messages", 401, json!("Access to this endpoint is not authorized for bots")),
        (BOT, "/teams", 401, json!("Access to this endpoint is not authorized for bots")),
        (BOT, "/agents", 401, json!("Access to this endpoint is not authorized for bots")),
        (USER, "/conversations/418/messages", 200, none.clone()),
        (USER, "/teams", 200, none.clone()),
        (USER, "/conversations/9", 404, json!("Resource could not be found")),
    ] {
        let reply = api(&bench, token, "GET", path, &none).await;
        assert_eq!(reply.status, status, "{path}");
        if status != 200 {
            let body = reply.json();
            assert_eq!(body.get("error").or(body.get("errors")).unwrap(), &error, "{path}");
        }
    }
    bench.control("PUT", "/chatwoot", &json!({ "bot_reads_conversation": false })).await;
    assert_eq!(api(&bench, BOT, "GET", "/conversations/418", &none).await.status, 401);
    let record = &bench.stand_ins.requests()[1];
    assert_eq!((record.conversation.as_deref(), record.api_access_token), (Some("7/418"), true));
}

#[tokio::test]
async fn posts_are_checked_rendered_and_kept() {
    let bench = Bench::start().await;
    let contact = json!({ "email": "p@example.org", "phone_number": "+61491570156" });
    let (id, first) = written(&bench, &json!({ "text": "hello", "contact": contact }));
    let path = format!("/conversations/{id}/messages");
    let said = json!({ "content": "{{contact.email}} `{{contact.email}}`", "content_attributes": { "mark": "m1" } });
    let posted = api(&bench, BOT, "POST", &path, &said).await.json();
    assert_eq!(posted["content"], "p@example.org `{{contact.email}}`");
    assert_eq!((&posted["message_type"], &posted["sender"]["type"]), (&json!(1), &json!("agent_bot")));
    assert!(posted["id"].as_u64().unwrap() > first);
    for (body, error) in [
        (json!({ "content": "x", "content_type": "card" }), "'card' is not a valid content_type"),
        (
            json!({ "content": "x", "content_type": "cards", "content_attributes": { "items": [{ "title": "t" }] } }),
            "Validation failed: Content attributes contains items missing actions",
        ),
        (json!({ "content": "" }), "Validation failed: Content can't be blank"),
        (json!({ "content": "x", "message_type": "incoming" }), "Incoming messages are only allowed in Api inboxes"),
    ] {
        let refused = api(&bench, BOT, "POST", &path, &body).await;
        assert_eq!((refused.status, &refused.json()["error"]), (422, &json!(error)));
    }
    api(&bench, USER, "POST", &path, &json!({ "content": "a note", "private": true })).await;
    let effects = bench.stand_ins.chat_effects(7, id);
    assert_eq!((effects.len(), effects[0].phone.as_str()), (1, "+61491570156"), "nobody sees a note");
    assert_eq!(effects[0].content_attributes, Some(json!({ "mark": "m1" })));
    assert_eq!(effects[0].conversation_status.as_deref(), Some("pending"));
    let after = api(&bench, USER, "GET", &format!("{path}?after={first}"), &Value::Null).await.json();
    assert_eq!(after["payload"].as_array().unwrap().len(), 2);
    let one =
        api(&bench, USER, "GET", &format!("{path}?after={first}&before={}", first + 1), &Value::Null).await.json();
    assert_eq!(one["payload"][0]["content"], "hello");
    bench.stand_ins.set_chatwoot(&json!({ "flood_max": 3 })).unwrap();
    let flood = api(&bench, BOT, "POST", &path, &said).await;
    assert_eq!((flood.status, &flood.json()["error"]), (422, &json!("Validation failed: Too many messages")));
}

#[tokio::test]
async fn handing_over_answers_as_chatwoot_does() {
    let bench = Bench::start().await;
    let (id, _) = written(&bench, &json!({ "text": "hello" }));
    let post =
        async |what: &str, body: Value| api(&bench, BOT, "POST", &format!("/conversations/{id}/{what}"), &body).await;
    assert_eq!(post("assignments", json!({ "team_id": 5 })).await.json()["name"], "sales");
    assert_eq!(post("assignments", json!({ "assignee_id": 12 })).await.json()["email"], "tom@saltbush.example");
    assert_eq!(post("assignments", json!({ "assignee_id": 99 })).await.json(), Value::Null);
    let chat = bench.stand_ins.chat(7, id).unwrap();
    assert_eq!((&chat["assignee_id"], &chat["team_id"]), (&Value::Null, &json!(5)), "whoever is unknown is nobody");
    assert_eq!(chat["assignments"].as_array().unwrap().len(), 3);
    assert_eq!(post("toggle_typing_status", json!({ "typing_status": "on" })).await.body, "");
    let opened = post("toggle_status", json!({ "status": "open" })).await.json();
    assert_eq!(
        opened["payload"],
        json!({ "success": null, "conversation_id": id, "current_status": "open", "snoozed_until": null })
    );
    assert_eq!(bench.stand_ins.chat(7, id).unwrap()["typing"][0]["typing_status"], "on");
}

#[tokio::test]
async fn webhooks_are_signed_and_shaped_as_the_samples_are() {
    let bench = Bench::start().await;
    hook(&bench, "bot", &json!({ "kind": "bot" }));
    let (id, _) = written(&bench, &json!({ "text": "a <b> & c" }));
    let path = format!("/conversations/{id}/messages");
    let items = json!({ "items": [{ "title": "Yes", "value": "y" }] });
    let ask = json!({ "content": "More?", "content_type": "input_select", "content_attributes": items });
    let asked = api(&bench, BOT, "POST", &path, &ask).await.json();
    bench.stand_ins.chat_submit(&json!({ "message": asked["id"], "value": "y" })).unwrap();
    bench.stand_ins.chat_agent(&json!({ "conversation": id, "text": "note", "private": true })).unwrap();
    let told = tried(&bench, 4).await;
    for (one, _) in &told {
        let stamp = &one.headers["x-chatwoot-timestamp"];
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{stamp}.{}", one.body).as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(one.headers["x-chatwoot-signature"], format!("sha256={hex}"));
        assert_eq!(one.headers["x-chatwoot-delivery"], one.event_uid);
    }
    let first = &told[0].1;
    assert!(told[0].0.body.contains(r"a \u003cb\u003e \u0026 c"));
    assert_eq!((&first["message_type"], first["sender"].get("type")), (&json!("incoming"), None));
    assert!(first.get("attachments").is_none());
    assert_eq!(first["conversation"]["messages"][0]["message_type"], 0);
    assert_eq!((&told[1].1["sender"]["type"], &told[1].1["message_type"]), (&json!("agent_bot"), &json!("outgoing")));
    assert_eq!(told[2].1["event"], "message_updated");
    assert_eq!(told[2].1["content_attributes"]["submitted_values"], json!([{ "title": "Yes", "value": "y" }]));
    assert_eq!((&told[3].1["private"], &told[3].1["sender"]["type"]), (&json!(true), &json!("user")));
    // The keys are those of the sample, no more and no fewer.
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected = [
        "account",
        "additional_attributes",
        "content",
        "content_attributes",
        "content_type",
        "conversation",
        "created_at",
        "event",
        "id",
        "inbox",
        "message_type",
        "private",
        "sender",
        "source_id",
    ];
    assert_eq!(keys(first), expected);
    assert!(bench.stand_ins.repeat_chatwoot(&told[0].0.event_uid));
    assert_eq!(tried(&bench, 5).await[4].0.body, told[0].0.body);
}

#[tokio::test]
async fn a_bot_is_tried_three_times_and_then_people_take_over() {
    let bench = Bench::start().await;
    hook(&bench, "bot", &json!({ "kind": "bot", "events": ["message_created"] }));
    hook(&bench, "account", &json!({ "events": ["conversation_status_changed"] }));
    let rule =
        json!({ "match": { "provider": "webhook", "path_prefix": "/bot" }, "times": 3, "action": { "status": 500 } });
    bench.fault(&rule).await;
    let (id, _) = written(&bench, &json!({ "text": "hello" }));
    let told = tried(&bench, 4).await;
    assert_eq!(told[2].0.attempt, 3);
    assert_eq!(told[0].0.event_uid, told[2].0.event_uid);
    assert_eq!(told[3].1["changed_attributes"][0]["status"]["current_value"], "open");
    assert_eq!(bench.stand_ins.chat(7, id).unwrap()["status"], "open");
}

#[tokio::test]
async fn what_is_held_leaves_in_any_order() {
    let bench = Bench::start().await;
    hook(&bench, "account", &json!({ "hold": true, "events": ["message_created"] }));
    let (id, first) = written(&bench, &json!({ "text": "one" }));
    let (_, second) = written(&bench, &json!({ "conversation": id, "text": "two" }));
    assert_eq!(bench.stand_ins.release_chatwoot("account", &json!({ "order": "reverse" })).unwrap(), 2);
    let told = tried(&bench, 2).await;
    assert_eq!((&told[0].1["id"], &told[1].1["id"]), (&json!(second), &json!(first)));
}

#[tokio::test]
async fn files_come_late_and_behind_a_redirect() {
    let bench = Bench::start().await;
    let file = json!({ "content_type": "audio/ogg", "name": "voice note.ogg", "text": "sound", "late_404": 1 });
    let old = json!({ "file_type": "audio", "bytes": 10, "name": "File", "omit_mime": true, "no_content_type": true });
    let ids = bench.stand_ins.chat_inbound(&json!({ "attachments": [file, old] })).unwrap();
    let path = |url: &Value| url.as_str().unwrap().strip_prefix(&bench.stand_ins.base_url()).unwrap().to_owned();
    let get = async |path: String| call(bench.addr(), "GET", &path, &[], "").await;
    let url = path(&ids["attachments"][0]["data_url"]);
    assert!(url.ends_with("/voice%20note.ogg?disposition=inline"));
    assert_eq!(get(url.clone()).await.status, 404);
    let moved = get(url).await;
    assert_eq!(moved.status, 302);
    let found = get(path(&json!(moved.header("location").unwrap()))).await;
    assert_eq!((found.status, found.body.as_str(), found.header("content-type")), (200, "sound", Some("audio/ogg")));
    let moved = get(path(&ids["attachments"][1]["data_url"])).await;
    let bare = get(path(&json!(moved.header("location").unwrap()))).await;
    assert_eq!((bare.body.len(), bare.header("content-type")), (10, None));
    assert!(bench.stand_ins.chat_media().iter().all(|call| call["headers"].get("api_access_token").is_none()));
    let chat = bench.stand_ins.chat(7, ids["conversation"].as_u64().unwrap()).unwrap();
    assert_eq!(chat["messages"][0]["attachments"][0]["content_type"], "audio/ogg");
    assert!(chat["messages"][0]["attachments"][1].get("content_type").is_none());
}
