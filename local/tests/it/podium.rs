//! Podium's two contracts, as a client meets them.

use serde_json::{Value, json};

use crate::wire::{Bench, LOCATION, PHONE, Reply, call, message};

async fn refresh(bench: &Bench, content_type: &str, body: &str) -> Reply {
    call(bench.addr(), "POST", "/podium/oauth/token", &[("content-type", content_type)], body).await
}

fn grant(refresh_token: &str) -> String {
    json!({
        "client_id": "id", "client_secret": "secret", "grant_type": "refresh_token", "refresh_token": refresh_token,
    })
    .to_string()
}

async fn locations_with(bench: &Bench, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    call(bench.addr(), "GET", "/podium/v4/locations", &[("authorization", &bearer)], "").await.status
}

#[tokio::test]
async fn tokens_come_for_json_and_for_a_form() {
    let bench = Bench::start().await;
    let json = refresh(&bench, "application/json", &grant("rt-0")).await;
    assert_eq!(json.status, 200, "{}", json.body);
    assert_eq!(json.json()["expires_in"], 36_000);
    assert!(json.json().get("refresh_token").is_none(), "no rotation unless it is switched on");
    let form = "grant_type=refresh_token&client_id=id&client_secret=secret&refresh_token=rt-0";
    let form = refresh(&bench, "application/x-www-form-urlencoded", form).await;
    let token = form.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(locations_with(&bench, &token).await, 200);
    assert_eq!(refresh(&bench, "application/json", "{\"grant_type\":\"password\"}").await.status, 400);
    let no_secret = grant("rt-0").replace("client_secret", "other");
    assert_eq!(refresh(&bench, "application/json", &no_secret).await.json()["error"], "invalid_client");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_good_once() {
    let bench = Bench::start().await;
    bench.control("PUT", "/podium", &json!({ "rotate_refresh_tokens": true, "refresh_tokens": ["rt-0"] })).await;
    let unknown = refresh(&bench, "application/json", &grant("rt-x")).await;
    assert_eq!((unknown.status, &unknown.json()["error"]), (400, &json!("invalid_grant")));
    let first = refresh(&bench, "application/json", &grant("rt-0")).await.json();
    let next = first["refresh_token"].as_str().unwrap();
    let reused = refresh(&bench, "application/json", &grant("rt-0")).await;
    assert_eq!(reused.json()["error"], "invalid_grant");
    assert_eq!(refresh(&bench, "application/json", &grant(next)).await.status, 200);
    assert_eq!(refresh(&bench, "application/json", &grant(next)).await.status, 400);
    assert_eq!(bench.control("GET", "/podium", &Value::Null).await.json()["refreshes"], 2);
}

#[tokio::test]
async fn expired_revoked_and_unknown_tokens_are_401() {
    let bench = Bench::start().await;
    bench.control("PUT", "/podium", &json!({ "expires_in": 0 })).await;
    let expired = refresh(&bench, "application/json", &grant("rt")).await.json();
    assert_eq!(locations_with(&bench, expired["access_token"].as_str().unwrap()).await, 401);
    bench.control("PUT", "/podium", &json!({ "expires_in": 60, "access_tokens": ["fixed"] })).await;
    assert_eq!(locations_with(&bench, "fixed").await, 200);
    let good = bench.stand_ins.podium_token();
    assert_eq!(locations_with(&bench, &good).await, 200);
    bench.control("POST", "/podium/revoke", &Value::Null).await;
    assert_eq!(locations_with(&bench, &good).await, 401);
    assert_eq!(locations_with(&bench, "fixed").await, 401);
    let refused = call(bench.addr(), "GET", "/podium/v4/locations", &[], "").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["code"], "unauthenticated");
    assert_eq!(refused.json()["moreInfo"], "https://docs.podium.com/docs/errors#unauthenticated");
}

#[tokio::test]
async fn settings_are_checked() {
    let bench = Bench::start().await;
    for bad in [json!({ "expires_in": "soon" }), json!({ "rotate": true }), json!([])] {
        assert_eq!(bench.control("PUT", "/podium", &bad).await.status, 400, "{bad}");
    }
}

/// Follows `nextCursor`, the cursor alone, until there is none.
async fn pages(bench: &Bench, first: &str) -> Vec<Vec<Value>> {
    let path = first.split('?').next().unwrap();
    let mut pages = Vec::new();
    let mut at = first.to_owned();
    loop {
        let page = bench.podium("GET", &at, &Value::Null).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let page = page.json();
        pages.push(page["data"].as_array().unwrap().clone());
        match page["metadata"]["nextCursor"].as_str() {
            Some(cursor) => at = format!("{path}?cursor={cursor}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    let bench = Bench::start().await;
    bench.control("PUT", "/podium", &json!({ "page_size": 3 })).await;
    let mut conversation = String::new();
    for number in 0..7 {
        let sent = bench.podium("POST", "/v4/messages", &message(PHONE, &format!("m{number}"))).await.json();
        conversation = sent["data"]["conversation"]["uid"].as_str().unwrap().to_owned();
    }
    let messages = pages(&bench, &format!("/v4/conversations/{conversation}/messages")).await;
    let bodies: Vec<Vec<&str>> =
        messages.iter().map(|page| page.iter().map(|one| one["body"].as_str().unwrap()).collect()).collect();
    assert_eq!(bodies, [vec!["m6", "m5", "m4"], vec!["m3", "m2", "m1"], vec!["m0"]]);

    let locations = pages(&bench, "/v4/locations?limit=1").await;
    assert_eq!(locations.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 1, 1], "the cursor keeps the limit");
    let bad = bench.podium("GET", "/v4/locations?cursor=nonsense", &Value::Null).await;
    assert_eq!((bad.status, &bad.json()["code"]), (400, &json!("invalid_cursor")));
    for limit in ["0", "101", "x"] {
        let bad = bench.podium("GET", &format!("/v4/locations?limit={limit}"), &Value::Null).await;
        assert_eq!(bad.json()["code"], "invalid_request_values", "{limit}");
    }
}

/// A look-up right after a lost reply may not see the message yet: "not there" is no proof that soon.
#[tokio::test]
async fn lookups_can_lag_behind_what_was_sent() {
    let bench = Bench::start().await;
    bench.control("PUT", "/podium", &json!({ "visible_after_ms": 60_000 })).await;
    let sent = bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await.json();
    let contact = "/v4/contacts/%2B61491570156";
    let messages = format!("/v4/conversations/{}/messages", sent["data"]["conversation"]["uid"].as_str().unwrap());
    assert_eq!(bench.podium("GET", contact, &Value::Null).await.status, 404);
    assert_eq!(bench.podium("GET", &messages, &Value::Null).await.json()["data"], json!([]));
    assert_eq!(bench.stand_ins.ledger().len(), 1, "the ledger does not lag");
    bench.control("PUT", "/podium", &json!({ "visible_after_ms": 0 })).await;
    assert_eq!(bench.podium("GET", contact, &Value::Null).await.status, 200);
    assert_eq!(bench.podium("GET", &messages, &Value::Null).await.json()["data"][0]["body"], "hello");
}

#[tokio::test]
async fn the_cursor_keeps_the_filter() {
    let bench = Bench::start().await;
    for number in 0..4 {
        bench.podium("POST", "/v4/messages", &message(&format!("+6149157010{number}"), "hello")).await;
    }
    let mut elsewhere = message(PHONE, "hello");
    elsewhere["locationUid"] = json!("loc_sydney");
    bench.podium("POST", "/v4/messages", &elsewhere).await;
    let found = pages(&bench, &format!("/v4/conversations?locationUid={LOCATION}&limit=3")).await.concat();
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|conversation| conversation["locationUid"] == LOCATION));
}

#[tokio::test]
async fn a_message_has_the_published_shape() {
    let bench = Bench::start().await;
    let mut asked = message(PHONE, "Yes - two left.");
    asked["contactName"] = json!("Mara Quill");
    let sent = bench.podium("POST", "/v4/messages", &asked).await;
    assert_eq!(sent.status, 200);
    let sent = sent.json();
    assert_eq!(sent["metadata"]["version"], "2021.04.01");
    assert_eq!(sent["metadata"]["url"], "/podium/v4/messages");
    let data = &sent["data"];
    assert_eq!(data["contactName"], "Mara Quill");
    assert_eq!(data["conversation"]["channel"], json!({ "type": "phone", "identifier": PHONE }));
    assert_eq!(data["location"]["uid"], LOCATION);
    assert_eq!(data["items"][0]["sourceType"], "outbound");
    let fields = "attachmentUrl body contact contactName conversation createdAt failureReason items location sender \
                  senderUid uid webchatUrl";
    let mut found: Vec<&str> = data.as_object().unwrap().keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found.join(" "), fields, "as the samples");

    for (change, value) in [
        ("body", json!(" ")),
        ("channel", json!({ "type": "phone", "identifier": "0491 570 156" })),
        ("channel", json!({ "type": "pigeon", "identifier": PHONE })),
        ("locationUid", json!("loc_nowhere")),
    ] {
        let mut bad = message(PHONE, "hello");
        bad[change] = value;
        let refused = bench.podium("POST", "/v4/messages", &bad).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("invalid_request_values")), "{change}");
    }
    assert_eq!(bench.stand_ins.ledger().len(), 1, "what is refused reaches nobody");
}

#[tokio::test]
async fn published_contacts_are_upserted_and_found_three_ways() {
    let bench = Bench::start().await;
    let contact =
        json!({ "name": "Mara Quill", "phoneNumber": PHONE, "email": "mara@example.test", "locations": [LOCATION] });
    for _ in 0..2 {
        let created = bench.podium("POST", "/v4/contacts", &contact).await;
        assert_eq!((created.status, &created.json()["data"]), (202, &json!({ "identifier": PHONE })));
    }
    bench.control("PUT", "/podium/conversations/conv-1", &json!({ "phone": PHONE, "location": LOCATION })).await;
    for identifier in ["%2B61491570156", "mara@example.test", "conv-1"] {
        let found = bench.podium("GET", &format!("/v4/contacts/{identifier}"), &Value::Null).await.json();
        assert_eq!(found["data"]["phoneNumbers"], json!([PHONE]), "{identifier}");
        assert_eq!(found["data"]["conversations"], json!([{ "uid": "conv-1" }]));
    }
    assert_eq!(pages(&bench, "/v4/contacts").await.concat().len(), 1);
    let absent = bench.podium("GET", "/v4/contacts/%2B61491570999", &Value::Null).await;
    assert_eq!((absent.status, &absent.json()["code"]), (404, &json!("resource_not_found")));
    bench.control("PUT", "/podium/contacts/%2B61491570156", &json!({ "opted_out": true })).await;
    let out = bench.podium("GET", "/v4/contacts/%2B61491570156", &Value::Null).await.json();
    assert!(out["data"]["channels"][0]["transactionalOptedOutAt"].is_string());
    assert_eq!(out["data"]["channels"][0]["marketingOptedInLocationUids"], json!([]));
}

#[tokio::test]
async fn brief_contacts_conflict_when_somebody_was_first() {
    let bench = Bench::start().await;
    let contact = json!({ "phone": PHONE, "location_uid": "loc_sydney", "first_name": "Mara", "last_name": "Quill" });
    let lookup = "/v4/contacts?phone=%2B61491570156&location_uid=loc_sydney";
    assert_eq!(bench.podium("GET", lookup, &Value::Null).await.json()["data"], json!([]));
    let created = bench.podium("POST", "/v4/contacts", &contact).await;
    assert_eq!((created.status, &created.json()["phone"]), (201, &json!(PHONE)), "no envelope");
    let lost = bench.podium("POST", "/v4/contacts", &contact).await;
    assert_eq!((lost.status, lost.json()), (409, json!({ "error": "contact_already_exists" })));
    let found = bench.podium("GET", lookup, &Value::Null).await.json();
    assert_eq!(found["data"][0]["uid"], created.json()["uid"]);
    let unescaped = bench.podium("GET", "/v4/contacts?phone=+61491570156", &Value::Null).await.json();
    assert_eq!(unescaped["data"], json!([]), "a bare plus is a space");
    for (field, value, error) in
        [("phone", "0491 570 156", "invalid_phone_format"), ("location_uid", "loc_nowhere", "invalid_location_uid")]
    {
        let mut bad = contact.clone();
        bad[field] = json!(value);
        let refused = bench.podium("POST", "/v4/contacts", &bad).await;
        assert_eq!((refused.status, refused.json()), (400, json!({ "error": error })));
    }
}

#[tokio::test]
async fn brief_invitations_and_replies_reach_the_customer_unless_opted_out() {
    let bench = Bench::start().await;
    let invitation =
        json!({ "campaign_id": "c", "contact": { "phone": PHONE }, "context": { "location_uid": "loc_sydney" } });
    let sent = bench.podium("POST", "/v4/review-invitations", &invitation).await;
    assert_eq!(sent.status, 200);
    let id = sent.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(sent.json(), json!({ "id": id }));
    let status = bench.podium("GET", &format!("/v4/review-invitations/{id}"), &Value::Null).await.json();
    assert_eq!(status["status"], "sent");

    let conversation = bench.stand_ins.ledger()[0].conversation.clone();
    let path = format!("/v4/conversations/{conversation}/messages");
    let reply = bench.podium("POST", &path, &json!({ "body": "still there?" })).await;
    assert_eq!((reply.status, &reply.json()["conversation_uid"]), (200, &json!(conversation)));
    assert_eq!(bench.stand_ins.ledger_of(PHONE).len(), 2);
    let unknown = bench.podium("POST", "/v4/conversations/none/messages", &json!({ "body": "hello" })).await;
    assert_eq!(unknown.status, 404);
    let bad = json!({ "campaign_id": "c", "contact": { "phone": "0491570156" } });
    let bad = bench.podium("POST", "/v4/review-invitations", &bad).await;
    assert_eq!((bad.status, bad.json()), (400, json!({ "error": "invalid_phone" })));

    bench.control("PUT", "/podium/contacts/%2B61491570156", &json!({ "podium_keyword_optout": true })).await;
    for (path, body) in [("/v4/review-invitations", invitation), (path.as_str(), json!({ "body": "hello" }))] {
        let refused = bench.podium("POST", path, &body).await;
        assert_eq!((refused.status, refused.json()), (451, json!({ "error": "contact_opted_out" })));
    }
    assert_eq!(bench.stand_ins.ledger_of(PHONE).len(), 2);
}

#[tokio::test]
async fn invites_are_links_that_can_be_listed() {
    let bench = Bench::start().await;
    let ask = json!({ "locationUid": LOCATION, "phoneNumber": PHONE });
    let invite = bench.podium("POST", "/v4/reviews/invites", &ask).await.json();
    assert_eq!(invite["data"]["sender"]["sentThrough"], "generated_link_only");
    assert_eq!(invite["data"]["deliveryStatus"], "pending");
    let all = bench.podium("GET", "/v4/reviews/invites?createdAt%5Bgte%5D=2026-01-01T00:00:00Z", &Value::Null).await;
    assert_eq!(all.json()["data"], json!([invite["data"]]));
    let later = bench.podium("GET", "/v4/reviews/invites?createdAt%5Bgte%5D=2126-01-01T00:00:00Z", &Value::Null).await;
    assert_eq!(later.json()["data"], json!([]));
    let short = invite["data"]["shortUrl"].as_str().unwrap();
    bench.podium("POST", "/v4/messages", &message(PHONE, &format!("{short}\nReply STOP"))).await;
    let effect = &bench.stand_ins.ledger()[0];
    assert_eq!(effect.invite_link.as_deref(), Some(short));
    assert_eq!(json!(effect.invitation_id), invite["data"]["uid"]);
    assert_eq!(bench.podium("POST", "/v4/reviews/invites", &json!({ "locationUid": LOCATION })).await.status, 400);
}

#[tokio::test]
async fn unknown_routes_versions_and_broken_bodies_have_the_envelope() {
    let bench = Bench::start().await;
    for (method, path) in [("GET", "/v4/me"), ("DELETE", "/v4/messages"), ("GET", "/v5/messages")] {
        let reply = bench.podium(method, path, &Value::Null).await;
        assert_eq!((reply.status, &reply.json()["code"]), (404, &json!("route_not_found")), "{method} {path}");
    }
    let bearer = format!("Bearer {}", bench.stand_ins.podium_token());
    let headers = [("authorization", bearer.as_str()), ("podium-version", "2020.01.01")];
    let reply = call(bench.addr(), "GET", "/podium/v4/locations", &headers, "").await;
    assert_eq!(reply.json()["code"], "invalid_header_version");
    let reply = call(bench.addr(), "POST", "/podium/v4/messages", &headers[..1], "{").await;
    assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("bad_request")));
}
