//! The judge must not forget, and must not invent.

use std::path::PathBuf;

use frontdesk_local::{EffectKind, StandIns, StandInsConfig};
use serde_json::{Value, json};

use crate::wire::{Bench, LOCATION, PHONE, call, message};

/// A file of its own in the target directory, gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.jsonl", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    async fn open(&self) -> std::io::Result<Bench> {
        let config = StandInsConfig { ledger: Some(self.0.clone()) };
        Ok(Bench::of(StandIns::start_with("127.0.0.1:0", config).await?))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_restart_keeps_the_ledger_and_the_lookups() {
    let file = Scratch::new("restart");
    let bench = file.open().await.unwrap();
    let invite = json!({ "locationUid": LOCATION, "phoneNumber": PHONE });
    let invite = bench.podium("POST", "/v4/reviews/invites", &invite).await.json();
    assert!(bench.stand_ins.ledger().is_empty(), "a link alone reaches nobody");
    let link = invite["data"]["url"].as_str().unwrap().to_owned();
    let sent = bench.podium("POST", "/v4/messages", &message(PHONE, &format!("Please: {link}. Thanks"))).await.json();
    let brief = json!({ "campaign_id": "c-1", "contact": { "phone": PHONE }, "context": { "order": "77" } });
    let invitation = bench.podium("POST", "/v4/review-invitations", &brief).await.json();
    let before = bench.stand_ins.ledger();
    bench.stand_ins.stop().await;

    let bench = file.open().await.unwrap();
    assert_eq!(bench.stand_ins.ledger(), before);
    let entry = bench.control("GET", "/ledger?phone=+61491570156", &Value::Null).await.json();
    assert_eq!(entry["count"], 2);
    let (message_entry, invitation_entry) = (&entry["effects"][0], &entry["effects"][1]);
    assert_eq!(message_entry["kind"], "message");
    assert_eq!(message_entry["contract"], "published");
    assert_eq!(message_entry["location"], LOCATION);
    assert_eq!(message_entry["invite_link"], json!(link));
    assert_eq!(message_entry["invitation_id"], invite["data"]["uid"]);
    assert_eq!(message_entry["message_id"], sent["data"]["uid"]);
    assert_eq!(invitation_entry["kind"], "review_invitation");
    assert_eq!(invitation_entry["contract"], "brief");
    assert_eq!(invitation_entry["invitation_id"], invitation["id"]);
    assert!(invitation_entry["body"].as_str().unwrap().contains("\"order\":\"77\""));

    let conversation = sent["data"]["conversation"]["uid"].as_str().unwrap();
    let path = format!("/v4/conversations/{conversation}/messages");
    assert_eq!(bench.podium("GET", &path, &Value::Null).await.json()["data"][0], sent["data"]);
    let uid = invite["data"]["uid"].as_str().unwrap();
    assert_eq!(bench.podium("GET", &format!("/v4/reviews/invites/{uid}"), &Value::Null).await.status, 200);
    let third = bench.podium("POST", "/v4/messages", &message(PHONE, "third")).await.json();
    assert_ne!(third["data"]["uid"], sent["data"]["uid"], "ids do not repeat");
    assert_eq!(bench.stand_ins.ledger()[2].seq, 3);
}

#[tokio::test]
async fn a_restart_keeps_what_was_imported() {
    let file = Scratch::new("imports");
    let bench = file.open().await.unwrap();
    let import = |body: &str, name: &str| {
        json!({
            "body": body, "channel": { "type": "phone", "identifier": PHONE }, "contactName": name,
            "direction": "inbound", "locationUid": LOCATION, "publishedAt": "2026-01-02T03:04:05Z",
        })
    };
    let first = bench.podium("POST", "/v4/import/messages", &import("one", "Mara")).await.json();
    bench.podium("POST", "/v4/messages", &message(PHONE, "two")).await;
    bench.podium("POST", "/v4/import/messages", &import("three", "Mara Quill")).await;
    let before = bench.stand_ins.imports();
    assert_eq!(before.iter().map(|import| import.seq).collect::<Vec<_>>(), [1, 3], "one numbering");
    bench.stand_ins.stop().await;

    let bench = file.open().await.unwrap();
    assert_eq!((bench.stand_ins.imports(), bench.stand_ins.ledger().len()), (before, 1));
    let conversation = first["data"]["conversation"]["uid"].as_str().unwrap();
    let path = format!("/v4/conversations/{conversation}/messages");
    let messages = bench.podium("GET", &path, &Value::Null).await.json();
    let uids: Vec<&Value> = messages["data"].as_array().unwrap().iter().map(|one| &one["uid"]).collect();
    assert!(uids.len() == 3 && uids.contains(&&first["data"]["uid"]), "{uids:?}");
    assert_eq!(bench.stand_ins.contacts_of(PHONE)[0]["name"], "Mara Quill");
    assert_eq!(bench.control("DELETE", "/ledger", &Value::Null).await.status, 204);
    assert!(bench.stand_ins.imports().is_empty());
}

#[tokio::test]
async fn half_a_line_is_dropped_and_a_bad_line_is_an_error() {
    let file = Scratch::new("torn");
    let bench = file.open().await.unwrap();
    bench.podium("POST", "/v4/messages", &message(PHONE, "whole")).await;
    bench.stand_ins.stop().await;
    let whole = std::fs::read_to_string(&file.0).unwrap();
    std::fs::write(&file.0, format!("{whole}{{\"seq\":2,\"at")).unwrap();

    let bench = file.open().await.unwrap();
    assert_eq!(bench.stand_ins.ledger().len(), 1);
    bench.podium("POST", "/v4/messages", &message(PHONE, "after")).await;
    bench.stand_ins.stop().await;
    let lines = std::fs::read_to_string(&file.0).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");

    std::fs::write(&file.0, format!("not an effect\n{whole}")).unwrap();
    let error = file.open().await.err().unwrap().to_string();
    assert!(error.contains(":1:"), "{error}");
}

#[tokio::test]
async fn clearing_forgets_the_people_too_and_numbers_go_on() {
    let file = Scratch::new("clear");
    let bench = file.open().await.unwrap();
    bench.podium("POST", "/v4/messages", &message(PHONE, "one")).await;
    assert_eq!(bench.control("DELETE", "/ledger", &Value::Null).await.status, 204);
    assert_eq!(bench.podium("GET", "/v4/contacts/%2B61491570156", &Value::Null).await.status, 404);
    assert_eq!(std::fs::read_to_string(&file.0).unwrap(), "");
    bench.podium("POST", "/v4/messages", &message(PHONE, "two")).await;
    let effects = bench.stand_ins.ledger();
    assert_eq!((effects.len(), effects[0].seq, effects[0].kind), (1, 2, EffectKind::Message));
}

#[tokio::test]
async fn the_request_log_counts_what_would_be_billed() {
    let bench = Bench::start().await;
    bench.podium("POST", "/v4/messages", &message(PHONE, "one")).await;
    bench.podium("GET", "/v4/contacts?phone=%2B61491570156", &Value::Null).await;
    bench.podium("GET", "/v4/locations", &Value::Null).await;
    bench.podium("GET", "/v4/nothing", &Value::Null).await;
    let all = bench.control("GET", "/requests?provider=podium", &Value::Null).await.json();
    assert_eq!((&all["count"], &all["total"]), (&json!(4), &json!(4)));
    assert_eq!(all["requests"][0]["podium_version"], "2021.04.01");
    assert_eq!(all["requests"][0]["status"], 200);
    assert_eq!(all["requests"][3]["status"], 404);
    let one = bench.control("GET", "/requests?method=post&path_prefix=/v4/messages", &Value::Null).await.json();
    assert_eq!(one["count"], 1);
    let of_phone = bench.control("GET", "/requests?phone=%2B61491570156", &Value::Null).await.json();
    assert_eq!(of_phone["count"], 2);
    bench.control("DELETE", "/requests", &Value::Null).await;
    assert_eq!(bench.control("GET", "/requests", &Value::Null).await.json()["total"], 0);
}

#[tokio::test]
async fn notices_and_webhooks_are_kept_beside_the_effects() {
    let file = Scratch::new("beside");
    let bench = file.open().await.unwrap();
    let json = [("content-type", "application/json")];
    assert_eq!(call(bench.addr(), "POST", "/slack/services/T0/B0/x", &json, r#"{"text":"hello"}"#).await.status, 200);
    bench.stand_ins.set_webhook("default", &json!({ "url": bench.stand_ins.webhook_url(), "drop": true })).unwrap();
    bench.podium("POST", "/v4/messages", &message(PHONE, "one")).await;
    while bench.stand_ins.webhooks().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let (effects, notices, webhooks) =
        (bench.stand_ins.ledger(), bench.stand_ins.notices(), bench.stand_ins.webhooks());
    assert_eq!((effects.len(), notices.len(), webhooks.len()), (1, 1, 1));
    assert_eq!((notices[0].seq, effects[0].seq, webhooks[0].seq), (1, 2, 3), "one numbering");
    bench.stand_ins.stop().await;

    let bench = file.open().await.unwrap();
    assert_eq!(bench.stand_ins.ledger(), effects);
    assert_eq!(bench.stand_ins.notices(), notices);
    assert_eq!(bench.stand_ins.webhooks(), webhooks);
    bench.podium("POST", "/v4/messages", &message(PHONE, "two")).await;
    assert_eq!(bench.stand_ins.ledger()[1].seq, 4);
    let all = bench.control("GET", "/ledger", &Value::Null).await.json();
    assert_eq!((&all["count"], &all["webhooks"][0]["problem"]), (&json!(2), &json!("dropped")));
}
