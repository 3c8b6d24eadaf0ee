//! Reviews, what customers wrote, and what became of messages: everything that a list still has when a webhook is lost.

use serde_json::{Value, json};

use crate::wire::{Bench, LOCATION, PHONE, message};

async fn listed(bench: &Bench, query: &str) -> Vec<String> {
    let mut uids = Vec::new();
    let mut path = format!("/v4/reviews{query}");
    loop {
        let page = bench.podium("GET", &path, &Value::Null).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let page = page.json();
        uids.extend(page["data"].as_array().unwrap().iter().map(|one| one["uid"].as_str().unwrap().to_owned()));
        match page["metadata"]["nextCursor"].as_str() {
            Some(cursor) => path = format!("/v4/reviews?cursor={cursor}"),
            None => return uids,
        }
    }
}

#[tokio::test]
async fn a_review_has_the_published_shape_and_can_be_edited() {
    let bench = Bench::start().await;
    let review = json!({
        "rating": 2, "body": "Slow", "author": "Mara Quill", "location": LOCATION, "invitation": "inv-1",
        "created_at": "2026-02-09T03:00:00Z",
    });
    let put = bench.control("PUT", "/podium/reviews/rev-1", &review).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let found = bench.podium("GET", "/v4/reviews/rev-1", &Value::Null).await.json()["data"].clone();
    assert_eq!(found, put.json());
    let mut fields: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    let sample =
        "attributions author createdAt isRecommendation locations needsResponse responses review uid updatedAt";
    assert_eq!(fields.join(" "), sample, "as the samples");
    assert_eq!(found["review"]["rating"], 2);
    assert_eq!(found["locations"], json!([{ "uid": LOCATION }]));
    assert_eq!(found["attributions"][0]["reviewInvitationUid"], "inv-1");
    assert_eq!((&found["createdAt"], &found["updatedAt"]), (&json!("2026-02-09T03:00:00Z"), &found["createdAt"]));

    let edit = json!({ "rating": 5, "updated_at": "2026-02-10T03:00:00Z" });
    let edited = bench.control("PUT", "/podium/reviews/rev-1", &edit).await.json();
    assert_eq!((&edited["review"]["rating"], &edited["review"]["body"]), (&json!(5), &json!("Slow")));
    assert_eq!(
        (&edited["createdAt"], &edited["updatedAt"]),
        (&json!("2026-02-09T03:00:00Z"), &json!("2026-02-10T03:00:00Z"))
    );
    for odd in [json!(null), json!(2.9), json!("2"), json!(11)] {
        let put = bench.control("PUT", "/podium/reviews/rev-1", &json!({ "rating": odd })).await.json();
        assert_eq!(put["review"]["rating"], odd, "a provider can send anything");
    }
    for bad in [json!({ "stars": 5 }), json!({ "created_at": "then" }), json!({ "body": 5 }), json!(5)] {
        assert_eq!(bench.control("PUT", "/podium/reviews/rev-2", &bad).await.status, 400, "{bad}");
    }
    assert_eq!(bench.podium("GET", "/v4/reviews/rev-2", &Value::Null).await.status, 404);
    assert_eq!(bench.control("GET", "/podium/reviews/rev-1", &Value::Null).await.status, 200);
    assert_eq!(bench.control("DELETE", "/podium/reviews/rev-1", &Value::Null).await.status, 204);
    assert_eq!(bench.podium("GET", "/v4/reviews/rev-1", &Value::Null).await.json()["code"], "resource_not_found");
}

#[tokio::test]
async fn reviews_are_listed_within_bounds_and_in_pages() {
    let bench = Bench::start().await;
    for day in 1..=5 {
        let review = json!({ "rating": day, "created_at": format!("2026-02-0{day}T00:00:00Z") });
        bench.control("PUT", &format!("/podium/reviews/r{day}"), &review).await;
    }
    bench.control("PUT", "/podium/reviews/r1", &json!({ "updated_at": "2026-03-01T00:00:00Z" })).await;
    assert_eq!(listed(&bench, "?limit=2").await, ["r5", "r4", "r3", "r2", "r1"], "newest first");
    assert_eq!(
        listed(&bench, "?createdAt%5Bgte%5D=2026-02-04T00:00:00Z&limit=1").await,
        ["r5", "r4"],
        "bounds included"
    );
    assert_eq!(listed(&bench, "?updatedAt[gte]=2026-02-05T00:00:00Z&limit=1").await, ["r5", "r1"]);
    let both = "?createdAt[gte]=2026-02-02T00:00:00Z&createdAt[lte]=2026-02-03T00:00:00Z";
    assert_eq!(listed(&bench, both).await, ["r3", "r2"]);
    assert_eq!(listed(&bench, "?createdAt[gt]=2026-02-04T00:00:00Z").await, ["r5"]);
    assert_eq!(listed(&bench, "?updatedAt[lt]=2026-02-03T00:00:00Z").await, ["r2"]);
    let bad = bench.podium("GET", "/v4/reviews?createdAt[gte]=then", &Value::Null).await;
    assert_eq!((bad.status, &bad.json()["code"]), (400, &json!("invalid_request_values")));
    let page = bench.podium("GET", "/v4/reviews?limit=2", &Value::Null).await.json();
    let cursor = page["metadata"]["nextCursor"].as_str().unwrap();
    let next = bench.podium("GET", &format!("/v4/reviews?cursor={cursor}&limit=5"), &Value::Null).await.json();
    assert_eq!(next["data"].as_array().unwrap().len(), 2, "beside a cursor everything is ignored");
}

#[tokio::test]
async fn what_a_customer_wrote_is_in_the_lists() {
    let bench = Bench::start().await;
    let earlier = json!({ "phone": PHONE, "location": LOCATION, "text": "hello?", "at": "2026-02-03T01:00:00Z", "name": "Mara Quill" });
    let put = bench.control("POST", "/podium/inbound", &earlier).await;
    assert_eq!(put.status, 201, "{}", put.body);
    let conversation = put.json()["conversation"].as_str().unwrap().to_owned();
    let later = json!({
        "phone": PHONE, "location": LOCATION, "text": "STOP", "at": "2026-02-03T02:00:00Z",
        "webchat_url": "https://shop.example.test/contact", "uid": "m-2",
    });
    assert_eq!(
        bench.control("POST", "/podium/inbound", &later).await.json(),
        json!({ "uid": "m-2", "conversation": conversation })
    );
    assert_eq!(bench.control("POST", "/podium/inbound", &later).await.status, 400, "the uid is taken");

    let found = bench.podium("GET", &format!("/v4/conversations?locationUid={LOCATION}"), &Value::Null).await.json();
    assert_eq!(found["data"][0]["uid"], json!(conversation));
    assert_eq!(
        (&found["data"][0]["closed"], &found["data"][0]["lastItemAt"]),
        (&json!(false), &json!("2026-02-03T02:00:00Z"))
    );
    let path = format!("/v4/conversations/{conversation}/messages");
    let messages = bench.podium("GET", &path, &Value::Null).await.json()["data"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 2);
    let (last, first) = (&messages[0], &messages[1]);
    assert_eq!((&last["body"], &last["webchatUrl"]), (&json!("STOP"), &later["webchat_url"]));
    assert_eq!((&last["createdAt"], &last["uid"]), (&json!("2026-02-03T02:00:00Z"), &json!("m-2")));
    assert_eq!(
        (&last["items"][0]["sourceType"], &last["items"][0]["deliveryStatus"]),
        (&json!("inbound"), &json!("delivered"))
    );
    assert_eq!(
        (&first["webchatUrl"], &first["senderUid"], &first["contactName"]),
        (&Value::Null, &Value::Null, &json!("Mara Quill"))
    );
    assert!(bench.stand_ins.ledger().is_empty(), "nobody was sent anything");
    for bad in [
        json!({ "phone": PHONE, "text": "x" }),
        json!({ "phone": PHONE, "location": LOCATION, "when": "now" }),
        json!([]),
    ] {
        assert_eq!(bench.control("POST", "/podium/inbound", &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_message_ends_as_it_is_told_to() {
    let bench = Bench::start().await;
    let sent = bench.podium("POST", "/v4/messages", &message(PHONE, "hello")).await.json()["data"].clone();
    assert_eq!((&sent["items"][0]["deliveryStatus"], &sent["failureReason"]), (&json!("sent"), &Value::Null));
    let uid = sent["uid"].as_str().unwrap();
    let path = format!("/v4/conversations/{}/messages", sent["conversation"]["uid"].as_str().unwrap());
    let told = json!({ "status": "failed", "failure_reason": "P0005" });
    assert_eq!(bench.control("PUT", &format!("/podium/deliveries/{uid}"), &told).await.status, 204);
    for path in [path.clone(), format!("{path}/{uid}")] {
        let answer = bench.podium("GET", &path, &Value::Null).await.json()["data"].clone();
        let found = answer.get(0).unwrap_or(&answer);
        assert_eq!(
            (&found["items"][0]["deliveryStatus"], &found["failureReason"]),
            (&json!("failed"), &json!("P0005"))
        );
    }
    assert_eq!(bench.control("PUT", "/podium/deliveries/none", &told).await.status, 404);
    for bad in [json!({ "status": "lost" }), json!({ "status": "sent", "failure_reason": "x" }), json!({})] {
        assert_eq!(bench.control("PUT", &format!("/podium/deliveries/{uid}"), &bad).await.status, 400, "{bad}");
    }

    let phone = "/podium/outcomes/%2B61491570156";
    assert_eq!(bench.control("PUT", phone, &told).await.status, 204);
    assert_eq!(bench.control("GET", "/podium/outcomes", &Value::Null).await.json()[PHONE], told);
    let sent = bench.podium("POST", "/v4/messages", &message(PHONE, "again")).await.json()["data"].clone();
    assert_eq!(sent["failureReason"], "P0005");
    assert_eq!(bench.control("DELETE", phone, &Value::Null).await.status, 204);
    let sent = bench.podium("POST", "/v4/messages", &message(PHONE, "once more")).await.json()["data"].clone();
    assert_eq!(sent["items"][0]["deliveryStatus"], "sent");
}

#[tokio::test]
async fn an_invitation_of_the_briefs_has_a_status_and_a_reason() {
    let bench = Bench::start().await;
    let ask = json!({ "campaign_id": "c", "contact": { "phone": PHONE }, "context": {} });
    let id = bench.podium("POST", "/v4/review-invitations", &ask).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v4/review-invitations/{id}");
    for (status, reason) in [
        ("pending", Value::Null),
        ("failed", json!("carrier_filtered")),
        ("delivered", Value::Null),
        ("sent", Value::Null),
    ] {
        let told = json!({ "status": status, "failure_reason": reason });
        assert_eq!(bench.control("PUT", &format!("/podium/deliveries/{id}"), &told).await.status, 204);
        let found = bench.podium("GET", &path, &Value::Null).await.json();
        assert_eq!((&found["status"], &found["failure_reason"]), (&json!(status), &reason));
    }
    let unknown = bench.podium("GET", "/v4/review-invitations/inv_none", &Value::Null).await;
    assert_eq!((unknown.status, unknown.json()), (404, json!({ "error": "invitation_not_found" })));
}

#[tokio::test]
async fn a_review_shows_at_the_link_that_led_to_it() {
    let bench = Bench::start().await;
    let ask = json!({ "locationUid": LOCATION, "phoneNumber": PHONE });
    let invite = bench.podium("POST", "/v4/reviews/invites", &ask).await.json()["data"].clone();
    assert_eq!(invite["attributions"], json!([]));
    let uid = invite["uid"].as_str().unwrap();
    bench.control("PUT", "/podium/reviews/rev-1", &json!({ "rating": 4, "invitation": uid })).await;
    let found = bench.podium("GET", &format!("/v4/reviews/invites/{uid}"), &Value::Null).await.json();
    let led_here = &found["data"]["attributions"][0];
    assert_eq!((&led_here["reviewUid"], &led_here["reviewRating"]), (&json!("rev-1"), &json!(4)));
}
