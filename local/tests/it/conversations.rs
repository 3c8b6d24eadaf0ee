//! What is said, noted and closed in a conversation, and what is only shown there.

use serde_json::{Value, json};

use crate::wire::{Bench, LOCATION, PHONE, message};

async fn opened(bench: &Bench) {
    let opened = json!({ "phone": PHONE, "location": LOCATION });
    assert_eq!(bench.control("PUT", "/podium/conversations/conv-1", &opened).await.status, 204);
}

#[tokio::test]
async fn both_contracts_close_a_conversation() {
    let bench = Bench::start().await;
    opened(&bench).await;
    let is_closed = || bench.stand_ins.conversation("conv-1").unwrap()["closed"].clone();
    assert_eq!(is_closed(), false);
    let put = bench.podium("PUT", "/v4/conversations/conv-1", &json!({ "closed": true })).await;
    assert_eq!((put.status, &put.json()["data"]["closed"]), (200, &json!(true)));
    assert_eq!(is_closed(), true);
    bench.podium("PUT", "/v4/conversations/conv-1", &json!({ "closed": false })).await;
    assert_eq!(is_closed(), false);
    for _ in 0..2 {
        let close = bench.podium("POST", "/v4/conversations/conv-1/close", &Value::Null).await;
        assert_eq!((close.status, close.json()), (200, json!({ "uid": "conv-1", "status": "closed" })));
    }
    assert_eq!(is_closed(), true);

    let assigned = json!({ "assignedUserUid": "u-1", "conversationAssigneeUids": ["u-1"] });
    let put = bench.podium("PUT", "/v4/conversations/conv-1", &assigned).await.json();
    assert_eq!((&put["data"]["assignedUserUid"], &put["data"]["closed"]), (&json!("u-1"), &json!(true)));
    for bad in [json!({ "closed": "true" }), json!({ "assignedUserUid": 5 }), json!({ "closed": null })] {
        let answer = bench.podium("PUT", "/v4/conversations/conv-1", &bad).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("invalid_request_values")), "{bad}");
    }
    let nowhere = bench.podium("PUT", "/v4/conversations/none", &json!({ "closed": true })).await;
    assert_eq!((nowhere.status, &nowhere.json()["code"]), (404, &json!("resource_not_found")));
    let nowhere = bench.podium("POST", "/v4/conversations/none/close", &Value::Null).await;
    assert_eq!((nowhere.status, nowhere.json()), (404, json!({ "error": "conversation_not_found" })));
}

#[tokio::test]
async fn notes_are_for_the_shop_only() {
    let bench = Bench::start().await;
    opened(&bench).await;
    let path = "/v4/conversations/conv-1/notes";
    let note = json!({ "body": "Said 1 of 1-2-3", "senderName": "Frontdesk" });
    let made = bench.podium("POST", path, &note).await;
    assert_eq!(made.status, 200);
    let data = made.json()["data"].clone();
    assert_eq!((&data["conversation"]["uid"], &data["location"]["uid"]), (&json!("conv-1"), &json!(LOCATION)));
    for missing in ["body", "senderName"] {
        let mut bad = note.clone();
        bad.as_object_mut().unwrap().remove(missing);
        assert_eq!(bench.podium("POST", path, &bad).await.status, 400, "{missing}");
    }
    assert_eq!(bench.podium("POST", "/v4/conversations/none/notes", &note).await.status, 404);
    let notes = bench.stand_ins.conversation("conv-1").unwrap()["notes"].clone();
    assert_eq!((notes.as_array().unwrap().len(), &notes[0]["body"]), (1, &note["body"]));
    assert!(bench.stand_ins.ledger().is_empty(), "no customer sees it");
    let messages = bench.podium("GET", "/v4/conversations/conv-1/messages", &Value::Null).await.json();
    assert_eq!(messages["data"], json!([]));
}

#[tokio::test]
async fn imported_messages_are_shown_and_not_sent() {
    let bench = Bench::start().await;
    let import = json!({
        "body": "Do you have it in green?", "channel": { "type": "phone", "identifier": PHONE },
        "contactName": "Mara Quill", "direction": "inbound", "locationUid": LOCATION,
        "publishedAt": "2026-01-02T03:04:05Z",
    });
    for (field, value) in [
        ("body", json!("")),
        ("channel", json!({ "type": "phone", "identifier": "0491570156" })),
        ("channel", json!({ "type": "sms", "identifier": PHONE })),
        ("contactName", Value::Null),
        ("direction", json!("sideways")),
        ("locationUid", json!("nowhere")),
        ("publishedAt", json!("yesterday")),
    ] {
        let mut bad = import.clone();
        bad[field] = value;
        let answer = bench.podium("POST", "/v4/import/messages", &bad).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("invalid_request_values")), "{field}");
    }
    assert!(bench.stand_ins.contacts_of(PHONE).is_empty(), "what is refused leaves nothing");
    assert!(bench.stand_ins.imports().is_empty());

    let sent = bench.podium("POST", "/v4/messages", &message(PHONE, "Yes")).await.json();
    let shown = bench.podium("POST", "/v4/import/messages", &import).await;
    assert_eq!((shown.status, &shown.json()["data"]["createdAt"]), (200, &import["publishedAt"]));
    assert_eq!(shown.json()["data"]["items"][0]["sourceType"], "inbound");
    assert_eq!(bench.stand_ins.ledger().len(), 1, "the import reached nobody");
    let [entry] = bench.stand_ins.imports().try_into().unwrap();
    assert_eq!((entry.phone.as_str(), entry.location.as_str(), entry.inbound), (PHONE, LOCATION, true));
    assert_eq!((json!(entry.body), json!(entry.contact_name)), (import["body"].clone(), json!("Mara Quill")));
    assert_eq!((entry.seq, entry.published_ms), (2, 1_767_323_045_000));
    let shown_as = &shown.json()["data"];
    assert_eq!(json!(entry.message_id), shown_as["uid"]);
    assert_eq!(json!(entry.conversation), shown_as["conversation"]["uid"]);
    let listed = bench.control("GET", "/ledger?phone=+61491570156", &Value::Null).await.json();
    assert_eq!((&listed["count"], &listed["imports"][0]["message_id"]), (&json!(1), &shown_as["uid"]));
    let others = bench.control("GET", "/ledger?phone=+61491570157", &Value::Null).await.json();
    assert_eq!(others["imports"], json!([]));
    let conversation = sent["data"]["conversation"]["uid"].as_str().unwrap();
    let path = format!("/v4/conversations/{conversation}/messages");
    let messages = bench.podium("GET", &path, &Value::Null).await.json();
    let bodies: Vec<&str> =
        messages["data"].as_array().unwrap().iter().map(|one| one["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["Yes", "Do you have it in green?"], "newest first, by when it was said");
    let uid = shown.json()["data"]["uid"].as_str().unwrap().to_owned();
    let one = bench.podium("GET", &format!("{path}/{uid}"), &Value::Null).await.json();
    assert_eq!(one["data"]["body"], import["body"]);
    let told = bench.control("GET", &format!("/podium/conversations/{conversation}"), &Value::Null).await.json();
    assert_eq!(told["messages"].as_array().unwrap().len(), 2);
    let first = &told["messages"][0];
    assert_eq!((&first["imported"], &first["direction"]), (&json!(true), &json!("inbound")));
    assert_eq!(bench.stand_ins.contacts_of(PHONE)[0]["name"], "Mara Quill");
    let all = bench.control("GET", "/podium/conversations", &Value::Null).await.json();
    assert_eq!(all["count"], 1);
    assert_eq!(bench.control("GET", "/podium/conversations/none", &Value::Null).await.status, 404);
}
