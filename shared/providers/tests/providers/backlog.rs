//! Podium's lists of what its webhooks should have told: everything in the stretch, in parts, each thing under one name.

use std::collections::BTreeSet;

use frontdesk_core::{
    config::PodiumContract::{self, Brief, Published},
    podium::{Channel, LocationClaim, What, parse},
    provider::{Backlog, CallFailure, Feed, Listed, NotDone, Recovered},
    time::{DAY, UnixMillis},
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Seen, Server},
    world::{NOW, PHONE, assert_discreet, podium},
};

const IN: &str = "2026-02-25T06:00:00Z";
const BEFORE: &str = "2026-02-24T06:13:19Z";
const AFTER: &str = "2026-02-25T06:13:21Z";
/// One call more is a token's.
const CALLS_MAX: usize = 24;

fn from() -> UnixMillis {
    NOW.minus(DAY)
}

async fn part(server: &Server, contract: PodiumContract, feed: Feed, cursor: Option<&str>) -> Listed {
    podium(contract, &server.url()).list(feed, from(), NOW, cursor).await.unwrap()
}

/// All parts, from the first on.
async fn all(server: &Server, feed: Feed) -> Vec<Recovered> {
    let (mut found, mut cursor) = (Vec::new(), None);
    for _ in 0..100 {
        let listed = part(server, Published, feed, cursor.as_deref()).await;
        found.extend(listed.found);
        cursor = listed.next;
        if cursor.is_none() {
            return found;
        }
    }
    panic!("the list does not end");
}

fn list(data: &[Value], next: Option<&str>) -> Reply {
    Reply::json(200, &json!({ "data": data, "metadata": { "nextCursor": next } }))
}

fn read(recovered: &Recovered) -> Value {
    serde_json::from_slice(&recovered.body).unwrap()
}

fn review(uid: &str, created: &str, updated: Option<&str>) -> Value {
    json!({ "uid": uid, "createdAt": created, "updatedAt": updated, "review": { "rating": 1 }, "locations": [] })
}

/// The functions' runtime moves it.
#[tokio::test]
async fn a_call_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    let server = Server::always(Reply::Close).await;
    let podium = podium(Published, &server.url());
    movable(podium.list(Feed::PodiumMessages, from(), NOW, None));
    movable(podium.list(Feed::PodiumReviews, from(), NOW, None));
}

#[tokio::test]
async fn reviews_page_by_page() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/v4/reviews?updatedAt%5Bgte%5D=2026-02-24T06%3A13%3A20Z&limit=100" => {
            list(&[review("r-1", IN, Some(IN)), review("r-2", BEFORE, Some(IN))], Some("a/b="))
        }
        "/v4/reviews?cursor=a%2Fb%3D" => list(&[review("r-3", IN, None)], None),
        other => panic!("{other}"),
    })
    .await;
    let first = part(&server, Published, Feed::PodiumReviews, None).await;
    assert_eq!(first.next.as_deref(), Some("a/b="));
    let second = part(&server, Published, Feed::PodiumReviews, first.next.as_deref()).await;
    assert_eq!(second.next, None);
    let found: Vec<&Recovered> = first.found.iter().chain(&second.found).collect();
    let topics: Vec<&str> = found.iter().map(|one| one.topic.as_str()).collect();
    assert_eq!(topics, ["review.created", "review.updated", "review.created"]);
    for (one, uid) in found.iter().zip(["r-1", "r-2", "r-3"]) {
        let body = read(one);
        assert_eq!(body["data"]["uid"], uid);
        assert_eq!(body["data"]["review"]["rating"], 1);
        assert_eq!(body["metadata"]["eventType"], one.topic.as_str());
        assert_eq!(body["metadata"]["eventUid"], one.id.as_str());
        assert!(one.id.as_str().starts_with("reconcile-") && one.id.as_str().len() == 42, "{}", one.id);
        assert_eq!(parse(&one.body).unwrap().id, one.id);
    }
}

/// Podium's description shows whole seconds, so a part of one is not asked for, and still not taken.
#[tokio::test]
async fn a_stretch_that_begins_within_a_second() {
    let reviews =
        [review("r-1", IN, Some("2026-02-25T06:00:00.050Z")), review("r-2", IN, Some("2026-02-25T06:00:00.090Z"))];
    let server = Server::always(list(&reviews, None)).await;
    let from = UnixMillis::new(1_771_999_200_070);
    let podium = podium(Published, &server.url());
    let found = podium.list(Feed::PodiumReviews, from, NOW, None).await.unwrap().found;
    assert_eq!(names(&found), ["r-2"]);
    assert_eq!(server.targets(), ["/v4/reviews?updatedAt%5Bgte%5D=2026-02-25T06%3A00%3A00Z&limit=100"]);
}

#[tokio::test]
async fn a_review_has_another_name_when_it_has_changed() {
    let named = async |review: Value| {
        let server = Server::always(list(&[review], None)).await;
        part(&server, Published, Feed::PodiumReviews, None).await.found[0].id.clone()
    };
    let created = named(review("r-1", IN, Some(IN))).await;
    assert_eq!(named(review("r-1", IN, Some("2026-02-25T06:00:00.000000Z"))).await, created);
    let changed = named(review("r-1", IN, Some("2026-02-25T06:00:01Z"))).await;
    assert_ne!(changed, created);
    assert_ne!(named(review("r-2", IN, Some(IN))).await, created);
}

#[tokio::test]
async fn reviews_in_other_shapes() {
    let reviews = [
        json!({ "id": "rev_1", "rating": 1, "platform": "google", "created_at": IN }),
        json!({ "id": "rev_2", "rating": 2 }),
        review("too-old", BEFORE, Some(BEFORE)),
        review("too-new", BEFORE, Some(AFTER)),
        json!({ "rating": 3 }),
        json!("a review"),
    ];
    let server = Server::always(list(&reviews, None)).await;
    let found = part(&server, Brief, Feed::PodiumReviews, None).await.found;
    let ids: Vec<Value> = found.iter().map(|one| read(one)["data"]["id"].clone()).collect();
    assert_eq!(ids, [json!("rev_1"), json!("rev_2")]);
}

#[tokio::test]
async fn what_is_no_list_is_no_end() {
    for feed in [Feed::PodiumReviews, Feed::PodiumMessages] {
        for (reply, refused) in [
            (Reply::json(200, &json!({ "data": {} })), None),
            (Reply::json(200, &json!({ "data": [], "metadata": { "nextCursor": 7 } })), None),
            (Reply::Status(200, "", "not json".into()), None),
            (Reply::Status(500, "", String::new()), None),
            (Reply::Status(429, "", String::new()), None),
            (Reply::Close, None),
            (Reply::json(404, &json!({ "code": "route_not_found" })), Some(404)),
            (Reply::json(403, &json!({ "code": "unauthorized" })), Some(403)),
        ] {
            let server = Server::always(reply.clone()).await;
            let error = podium(Published, &server.url()).list(feed, from(), NOW, None).await.unwrap_err();
            assert_discreet(&error);
            match (&error, refused) {
                (CallFailure::NotDone(_), None) => {}
                (CallFailure::Refused { status }, Some(expected)) => assert_eq!(*status, expected),
                (other, _) => panic!("{reply:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn another_providers_list_is_empty() {
    let server = Server::always(Reply::Close).await;
    let listed = part(&server, Published, Feed::ShopifyOrders, None).await;
    assert_eq!((listed, server.connections()), (Listed::default(), 0));
}

fn conversation(uid: &str, last: Option<&str>) -> Value {
    let channel = json!({ "type": "phone", "identifier": PHONE });
    json!({ "uid": uid, "channel": channel, "locationUid": "loc-1", "createdAt": BEFORE, "lastItemAt": last })
}

fn message(uid: &str, source: &str, created: &str) -> Value {
    json!({ "uid": uid, "body": "Hello?", "createdAt": created, "items": [{ "sourceType": source }] })
}

fn names(found: &[Recovered]) -> Vec<String> {
    found.iter().map(|one| read(one)["data"]["uid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn messages_of_the_conversations_that_were_touched() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/v4/conversations?limit=100" => {
            list(&[conversation("v-1", Some(IN)), conversation("old", Some(BEFORE))], Some("c2"))
        }
        "/v4/conversations?cursor=c2" => list(&[conversation("v-2", None), json!({ "uid": "../x" })], None),
        "/v4/conversations/v-1/messages" => list(
            &[
                message("m-1", "inbound", IN),
                message("m-2", "outbound", IN),
                message("m-3", "inbound", BEFORE),
                message("m-4", "inbound", AFTER),
                message("m-5", "inbound", "yesterday"),
                json!({ "body": "no uid", "createdAt": IN, "items": [{ "sourceType": "inbound" }] }),
            ],
            Some("n2"),
        ),
        "/v4/conversations/v-1/messages?cursor=n2" => list(&[message("m-6", "inbound", IN)], None),
        "/v4/conversations/v-2/messages" => list(&[message("m-7", "inbound", "2026-02-24T06:13:20Z")], None),
        other => panic!("{other}"),
    })
    .await;
    let listed = part(&server, Published, Feed::PodiumMessages, None).await;
    assert_eq!((names(&listed.found), listed.next), (vec!["m-1".into(), "m-6".into(), "m-7".into()], None));
    assert_eq!(server.connections(), 1, "reading uses a connection again");
}

#[tokio::test]
async fn a_message_is_told_as_its_webhook_would_have() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/v4/conversations?limit=100" => list(&[conversation("v-1", Some(IN))], None),
        _ => list(
            &[
                message("m-1", "inbound", IN),
                json!({
                    "uid": "m-2", "body": "Hi", "createdAt": IN, "items": [{ "sourceType": "inbound" }],
                    "conversation": { "uid": "v-9", "channel": { "type": "phone", "identifier": "+61491570157" } },
                    "location": { "uid": "loc-9" }, "webchatUrl": "https://shop.example/",
                }),
                json!({ "id": "m-3", "body": "Hi", "created_at": IN, "direction": "inbound", "location": "loc-8" }),
            ],
            None,
        ),
    })
    .await;
    let found = part(&server, Published, Feed::PodiumMessages, None).await.found;
    let told: Vec<_> = found.iter().map(|one| (one, parse(&one.body).unwrap())).collect();
    let place = |place: usize| {
        let (one, event) = &told[place];
        assert_eq!((one.topic.as_str(), &event.id), ("message.received", &one.id));
        let What::Received(message) = &event.what else { panic!("{:?}", event.what) };
        message.clone()
    };
    let named = |location: &LocationClaim| {
        let LocationClaim::Named(uid) = location else { panic!("{location:?}") };
        uid.to_string()
    };
    let first = place(0);
    assert_eq!(first.uid.unwrap().as_str(), "m-1");
    assert_eq!(first.phone.as_deref(), Some(PHONE));
    assert_eq!(first.conversation.unwrap().as_str(), "v-1");
    assert_eq!(named(&first.location), "loc-1");
    assert_eq!(first.channel, Channel::Sms);
    let second = place(1);
    assert_eq!(second.conversation.unwrap().as_str(), "v-9");
    assert_eq!((second.phone.as_deref(), named(&second.location)), (Some("+61491570157"), "loc-9".into()));
    assert_eq!(second.channel, Channel::Webchat);
    assert_eq!(named(&place(2).location), "loc-8");
}

#[tokio::test]
async fn without_a_location_none_is_made_up() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/v4/conversations?limit=100" => list(&[json!({ "uid": "v-1", "lastItemAt": IN })], None),
        _ => list(&[message("m-1", "inbound", IN)], None),
    })
    .await;
    let found = part(&server, Published, Feed::PodiumMessages, None).await.found;
    let what = parse(&found[0].body).unwrap().what;
    let What::Received(message) = what else { panic!("{what:?}") };
    assert_eq!(message.location, LocationClaim::Missing);
}

/// Where the newest comes first, what was written before the stretch is not read.
#[tokio::test]
async fn a_long_conversation_is_not_read_to_its_end() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/v4/conversations?limit=100" => list(&[conversation("v-1", Some(IN))], None),
        "/v4/conversations/v-1/messages" => list(&[message("m-1", "inbound", IN)], Some("n2")),
        "/v4/conversations/v-1/messages?cursor=n2" => {
            list(&[message("m-2", "inbound", BEFORE), message("m-3", "inbound", "2026-02-01T00:00:00Z")], Some("n3"))
        }
        other => panic!("{other}"),
    })
    .await;
    let listed = part(&server, Published, Feed::PodiumMessages, None).await;
    assert_eq!((names(&listed.found), listed.next), (vec!["m-1".to_owned()], None));
}

/// Ninety conversations of three pages each, on two pages: each message once, in bounded parts.
fn busy(seen: &Seen) -> Reply {
    let all = |numbers: std::ops::Range<u32>| -> Vec<Value> {
        numbers.map(|number| conversation(&format!("v-{number}"), Some(IN))).collect()
    };
    match seen.target.as_str() {
        "/v4/conversations?limit=100" => return list(&all(0..60), Some("c2")),
        "/v4/conversations?cursor=c2" => return list(&all(60..90), None),
        _ => {}
    }
    let uid = seen.target.trim_start_matches("/v4/conversations/");
    match uid.split_once("/messages") {
        None => Reply::json(200, &json!({ "data": conversation(uid, Some(IN)) })),
        Some((uid, "")) => list(&[message(&format!("{uid}-a"), "inbound", IN)], Some("n2")),
        Some((uid, "?cursor=n2")) => list(&[message(&format!("{uid}-b"), "inbound", IN)], Some("n3")),
        Some((uid, "?cursor=n3")) => list(&[message(&format!("{uid}-c"), "inbound", IN)], None),
        Some((_, other)) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_busy_shop_is_read_in_parts() {
    let server = Server::start(busy).await;
    let first = part(&server, Published, Feed::PodiumMessages, None).await;
    assert_eq!(server.seen().len(), CALLS_MAX);
    let cursor = first.next.unwrap();
    assert!(!cursor.contains("491570156"), "nothing of the people is in a position: {cursor}");
    let found = all(&server, Feed::PodiumMessages).await;
    let told: BTreeSet<String> = names(&found).into_iter().collect();
    assert_eq!((found.len(), told.len()), (270, 270));
    assert!(found.iter().all(|one| read(one)["data"]["location"]["uid"] == "loc-1"));
}

#[tokio::test]
async fn trouble_on_the_way_keeps_what_was_read() {
    let mut calls = 0;
    let server = Server::start(move |seen| {
        calls += 1;
        if calls == 4 || calls == 5 { Reply::Status(429, "retry-after: 9\r\n", String::new()) } else { busy(seen) }
    })
    .await;
    let first = part(&server, Published, Feed::PodiumMessages, None).await;
    assert_eq!(names(&first.found), ["v-0-a", "v-0-b"]);
    let podium = podium(Published, &server.url());
    let again = podium.list(Feed::PodiumMessages, from(), NOW, first.next.as_deref()).await;
    assert!(matches!(again, Err(CallFailure::NotDone(NotDone::Throttled { .. }))), "{again:?}");
    let second = part(&server, Published, Feed::PodiumMessages, first.next.as_deref()).await;
    assert_eq!(names(&second.found)[..2], ["v-0-c", "v-1-a"]);
}

#[tokio::test]
async fn what_was_deleted_meanwhile_stops_nothing() {
    let gone = || Reply::json(404, &json!({ "code": "resource_not_found", "message": "m" }));
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/v4/conversations?limit=100" => list(&[conversation("v-1", Some(IN)), conversation("v-2", Some(IN))], None),
        "/v4/conversations/v-2/messages" => list(&[message("m-2", "inbound", IN)], None),
        "/v4/conversations/v-2" => Reply::json(200, &json!({ "data": conversation("v-2", Some(IN)) })),
        _ => gone(),
    })
    .await;
    let listed = part(&server, Published, Feed::PodiumMessages, None).await;
    assert_eq!((names(&listed.found), listed.next), (vec!["m-2".to_owned()], None));
    let unread = |uid: &str| json!({ "uid": uid, "cursor": "n2", "pages": 1 });
    let position = json!({ "conversations": "End", "pages": 1, "unread": [unread("v-1")] }).to_string();
    let listed = part(&server, Published, Feed::PodiumMessages, Some(&position)).await;
    assert_eq!((listed.found.len(), listed.next), (0, None));
}

/// What is listed twice is one event, so there is no harm in beginning again.
#[tokio::test]
async fn a_position_that_cannot_be_read_is_the_beginning() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/v4/conversations?limit=100" => list(&[conversation("v-1", Some(IN))], None),
        _ => list(&[message("m-1", "inbound", IN)], None),
    })
    .await;
    let first = part(&server, Published, Feed::PodiumMessages, None).await;
    for odd in ["", "n2", "{}", r#"{"conversations":"Middle"}"#] {
        assert_eq!(part(&server, Published, Feed::PodiumMessages, Some(odd)).await, first, "{odd}");
    }
}

/// It would be read for ever.
#[tokio::test]
async fn a_list_that_leads_to_itself_ends() {
    let server = Server::start(|seen| match seen.target.as_str() {
        target if target.starts_with("/v4/conversations?") => list(&[conversation("v-1", Some(IN))], Some("c2")),
        _ => list(&[message("m-1", "inbound", IN)], Some("n2")),
    })
    .await;
    let found = all(&server, Feed::PodiumMessages).await;
    let named: BTreeSet<&str> = found.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(named.len(), 1);
}
