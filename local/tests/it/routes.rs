//! What all of Podium's routes have in common: who may call them, and that each of them fails on command.

use serde_json::{Value, json};

use crate::wire::{Bench, LOCATION, PHONE, call, message};

/// A call that works on [`furnished`] stand-ins, and what it leaves there.
struct Route {
    method: &'static str,
    path: String,
    body: Value,
    /// How the control API shows the effect, and what it is then; reading routes leave nothing.
    effect: Option<(&'static str, &'static str, Value)>,
}

/// Stand-ins with somebody on record who has a conversation and a tag, and every route to them.
async fn furnished() -> (Bench, Vec<Route>) {
    let bench = Bench::start().await;
    let seed = json!({ "uid": "c-1", "name": "Mara", "conversation": "conv-1", "location": LOCATION });
    bench.stand_ins.set_contact(PHONE, &seed).unwrap();
    let tag = bench.podium("POST", "/v4/contact_tags", &json!({ "label": "vip", "description": "" })).await.json();
    let tag = tag["data"]["uid"].as_str().unwrap().to_owned();
    bench.stand_ins.clear_requests();

    let (contact, conversation) = ("/podium/contacts/+61491570156", "/podium/conversations/conv-1");
    let new = "/podium/contacts/+61491570157";
    let read = |path: &str| Route { method: "GET", path: path.to_owned(), body: Value::Null, effect: None };
    let write = |method, path: &str, body, place, field, value| Route {
        method,
        path: path.to_owned(),
        body,
        effect: Some((place, field, value)),
    };
    let channel = json!({ "type": "phone", "identifier": PHONE });
    let shouted = json!({ "type": "PHONE", "identifier": PHONE });
    let import = json!({
        "body": "hi", "channel": channel, "contactName": "Mara", "direction": "inbound", "locationUid": LOCATION,
        "publishedAt": "2026-01-02T03:04:05Z",
    });
    let upsert = json!({ "name": "Ola", "phoneNumber": "+61491570157", "locations": [LOCATION] });
    let create = json!({ "phone": "+61491570157", "location_uid": LOCATION, "first_name": "Ola" });
    let tagged = format!("/v4/contacts/%2B61491570156/tags/{tag}");
    let first = "/contacts/0/name";
    let routes = vec![
        read("/v4/locations"),
        read("/v4/locations/loc_sydney"),
        read("/v4/contacts"),
        read("/v4/contacts?phone=%2B61491570156"),
        read("/v4/contacts/%2B61491570156"),
        read("/v4/contact_tags"),
        read("/v4/conversations"),
        read("/v4/conversations/conv-1"),
        read("/v4/conversations/conv-1/messages"),
        write("POST", "/v4/contacts", upsert, new, first, json!("Ola")),
        write("POST", "/v4/contacts", create, new, first, json!("Ola")),
        write("PATCH", "/v4/contacts/+61491570156", json!({ "name": "M" }), contact, first, json!("M")),
        write("PATCH", "/v4/contacts/c-1", json!({ "opted_out": true }), contact, "/contacts/0/opted_out", json!(true)),
        write("DELETE", "/v4/contacts/%2B61491570156", Value::Null, contact, "/count", json!(0)),
        write("POST", &tagged, Value::Null, contact, "/contacts/0/tags", json!([tag])),
        write(
            "POST",
            "/v4/contacts/campaigns/opt_out",
            json!({ "channel": shouted }),
            contact,
            "/contacts/0/campaigns",
            json!([]),
        ),
        write(
            "POST",
            "/v4/contacts/campaigns/opt_in",
            json!({ "channel": shouted, "locationUid": "loc_sydney" }),
            contact,
            "/contacts/0/locations/1",
            json!("loc_sydney"),
        ),
        write("POST", "/v4/messages", message(PHONE, "hello"), conversation, "/messages/0/body", json!("hello")),
        write("POST", "/v4/import/messages", import, conversation, "/messages/0/body", json!("hi")),
        write(
            "POST",
            "/v4/conversations/conv-1/messages",
            json!({ "body": "hello" }),
            conversation,
            "/messages/0/body",
            json!("hello"),
        ),
        write("PUT", "/v4/conversations/conv-1", json!({ "closed": true }), conversation, "/closed", json!(true)),
        write("POST", "/v4/conversations/conv-1/close", Value::Null, conversation, "/closed", json!(true)),
        write(
            "POST",
            "/v4/conversations/conv-1/notes",
            json!({ "body": "note", "senderName": "Frontdesk" }),
            conversation,
            "/notes/0/body",
            json!("note"),
        ),
    ];
    (bench, routes)
}

async fn effect(bench: &Bench, route: &Route) -> Option<bool> {
    let (place, field, value) = route.effect.as_ref()?;
    let seen = bench.control("GET", place, &Value::Null).await.json();
    Some(seen.pointer(field) == Some(value))
}

#[tokio::test]
async fn every_route_wants_a_token_and_no_strange_version() {
    let (bench, routes) = furnished().await;
    let bearer = format!("Bearer {}", bench.stand_ins.podium_token());
    let json = ("content-type", "application/json");
    for route in &routes {
        let (path, body) = (format!("/podium{}", route.path), route.body.to_string());
        let body = if route.body.is_null() { "" } else { &body };
        let nobody = call(bench.addr(), route.method, &path, &[json], body).await;
        assert_eq!((nobody.status, &nobody.json()["code"]), (401, &json!("unauthenticated")), "{path}");
        let headers = [json, ("authorization", bearer.as_str()), ("podium-version", "2022.01.01")];
        let strange = call(bench.addr(), route.method, &path, &headers, body).await;
        assert_eq!((strange.status, &strange.json()["code"]), (400, &json!("invalid_header_version")), "{path}");
        assert_ne!(effect(&bench, route).await, Some(true), "{path}");
    }
}

#[tokio::test]
async fn every_route_can_be_throttled_with_and_without_a_time() {
    let (bench, routes) = furnished().await;
    for route in &routes {
        for (canned, retry_after) in [("podium_rate_limit", None), ("podium_rate_limit_brief", Some("2"))] {
            bench.fault(&json!({ "action": { "canned": canned } })).await;
            let limited = bench.podium(route.method, &route.path, &route.body).await;
            assert_eq!((limited.status, limited.header("retry-after")), (429, retry_after), "{}", route.path);
            assert_ne!(effect(&bench, route).await, Some(true), "{}", route.path);
        }
    }
}

/// Each route on stand-ins of its own: the answer is lost, and what was asked for has happened all the same.
#[tokio::test]
async fn every_route_can_act_and_lose_its_answer() {
    let count = furnished().await.1.len();
    for at in 0..count {
        let (bench, routes) = furnished().await;
        let route = &routes[at];
        let path = &route.path;
        assert_ne!(effect(&bench, route).await, Some(true), "{path} has something to do");
        bench.fault(&json!({ "action": { "drop_reply_after_acting": true } })).await;
        assert_eq!(bench.podium_bytes(route.method, path, &route.body).await, b"", "{path}");
        assert_ne!(effect(&bench, route).await, Some(false), "{} {path}", route.method);
        let logged = bench.stand_ins.requests();
        let last = logged.last().unwrap();
        assert_eq!((last.status, last.authorized, last.podium_version.as_deref()), (None, true, Some("2021.04.01")));
    }
}

/// A rule for a phone finds the person however the path names them.
#[tokio::test]
async fn calls_are_logged_under_the_phone_they_are_about() {
    let (bench, routes) = furnished().await;
    for route in &routes {
        bench.podium(route.method, &route.path, &route.body).await;
        let logged = bench.stand_ins.requests();
        let phone = logged.last().unwrap().phone.clone();
        let about_one = !route.path.ends_with("/contacts") || route.method == "POST";
        let personal = ["/v4/contacts", "/v4/conversations/", "/v4/messages", "/v4/import"];
        if about_one && personal.iter().any(|prefix| route.path.starts_with(prefix)) {
            let expected = if route.body.to_string().contains("Ola") { "+61491570157" } else { PHONE };
            assert_eq!(phone.as_deref(), Some(expected), "{} {}", route.method, route.path);
        } else {
            assert_eq!(phone, None, "{} {}", route.method, route.path);
        }
    }
}
