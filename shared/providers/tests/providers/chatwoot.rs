//! Chatwoot's API: what goes out, what comes back, and what is to be made of it.

use std::time::Duration;

use frontdesk_core::{
    chat::Target,
    chatwoot::{Assignee, Conversations, PostFailure, Posted, Standing, Status},
    config::ChatwootApiConfig,
    gate::PERMIT_LIFE,
    outbound::{Choice, Post, Product, Show, Stock},
    provider::{CallFailure, NotDone, Provider},
};
use frontdesk_providers::{Chatwoot, Http};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    world::{
        AT, CONNECT_TIMEOUT, DEFAULT_WAIT, TestClock, TestVault, assert_discreet, chat_permit, hasty_http, http, marker,
    },
};

const BOTS_MAY_NOT: &str = r#"{"error":"Access to this endpoint is not authorized for bots"}"#;
const WRONG_TOKEN: &str = r#"{"error":"Invalid Access Token"}"#;

fn config(url: &str) -> ChatwootApiConfig {
    ChatwootApiConfig {
        url: url.into(),
        secret: "arn".into(),
        media_hosts: String::new(),
        timeout: Duration::from_secs(20),
    }
}

fn both() -> TestVault {
    TestVault::holding(&json!({ "api_token": "bot-hush", "user_token": "user-hush" }))
}

fn bot_only() -> TestVault {
    TestVault::holding(&json!({ "api_token": "bot-hush" }))
}

fn client(server: &Server) -> Chatwoot<TestVault, TestClock> {
    with(http(), &server.url(), both(), &TestClock::new())
}

fn with(http: Http, url: &str, vault: TestVault, clock: &TestClock) -> Chatwoot<TestVault, TestClock> {
    Chatwoot::new(http, &config(url), vault, clock.clone()).unwrap()
}

fn text() -> Post {
    Post { text: "We have 4 lamps.".into(), show: Show::Text }
}

fn lamp() -> Product {
    Product {
        id: "12".into(),
        title: "Brass desk lamp".into(),
        price: Some("129.95".into()),
        currency: "AUD".into(),
        price_from: true,
        stock: Stock::OnBackorder,
        attributes: vec![("Colour".into(), "brass, black".into())],
        url: "https://shop.example/lamp".into(),
        image: Some("https://shop.example/lamp.jpg".into()),
    }
}

fn said(status: u16, body: &str) -> Reply {
    Reply::Status(status, "", body.to_owned())
}

async fn post(server: &Server) -> Result<(), PostFailure> {
    client(server).post(chat_permit().await, AT, &text(), &marker()).await
}

#[tokio::test]
async fn a_text_goes_out_with_its_mark_and_the_bots_token() {
    let server = Server::always(Reply::json(200, &json!({ "id": 88141 }))).await;
    post(&server).await.unwrap();
    let seen = &server.seen()[0];
    let to = ("POST", "/api/v1/accounts/7/conversations/418/messages");
    assert_eq!((seen.method.as_str(), seen.target.as_str()), to);
    assert_eq!(seen.header("api_access_token"), Some("bot-hush"));
    let expected = json!({
        "content": "We have 4 lamps.", "message_type": "outgoing", "private": false, "content_type": "text",
        "content_attributes": { "frontdesk": marker().as_str() },
    });
    assert_eq!(seen.json(), expected);
}

#[tokio::test]
async fn a_note_is_private() {
    let server = Server::always(Reply::json(200, &json!({ "id": 1 }))).await;
    client(&server).note(AT, "She wants a refund.", &marker()).await.unwrap();
    let body = server.seen()[0].json();
    assert_eq!((&body["private"], &body["content_type"]), (&json!(true), &json!("text")));
    assert_eq!(body["content_attributes"]["frontdesk"], marker().as_str());
}

/// Chatwoot refuses items with a key more, and cards without an action.
#[tokio::test]
async fn buttons_and_cards_have_the_keys_that_chatwoot_knows() {
    let server = Server::always(Reply::json(200, &json!({ "id": 1 }))).await;
    let options = vec![Choice { title: "Yes".into(), value: "yes".into() }];
    let bare = Product {
        price: None,
        price_from: false,
        attributes: Vec::new(),
        image: None,
        stock: Stock::InStock,
        ..lamp()
    };
    for show in [Show::Select(options), Show::Cards(vec![lamp(), bare])] {
        let post = Post { text: "Look".into(), show };
        client(&server).post(chat_permit().await, AT, &post, &marker()).await.unwrap();
    }
    let seen = server.seen();
    let (select, cards) = (seen[0].json(), seen[1].json());
    assert_eq!((&select["content"], &select["content_type"]), (&json!("Look"), &json!("input_select")));
    assert_eq!(select["content_attributes"]["items"], json!([{ "title": "Yes", "value": "yes" }]));
    assert_eq!(cards["content_type"], "cards");
    let action = json!([{ "type": "link", "text": "View", "uri": "https://shop.example/lamp" }]);
    let expected = json!([
        {
            "title": "Brass desk lamp",
            "description": "From 129.95 AUD · On backorder · Colour: brass, black",
            "media_url": "https://shop.example/lamp.jpg",
            "actions": action,
        },
        { "title": "Brass desk lamp", "description": "In stock", "actions": action },
    ]);
    assert_eq!(cards["content_attributes"]["items"], expected);
    assert_eq!(cards["content_attributes"]["frontdesk"], marker().as_str());
}

#[tokio::test]
async fn every_answer_to_a_post_means_one_thing() {
    let throttled = NotDone::Throttled { provider: Provider::Chatwoot, wait: DEFAULT_WAIT };
    let unclear = |detail: &str| PostFailure::NoAnswer { detail: detail.into() };
    for (status, body, expected) in [
        (429, "Retry later\n", PostFailure::Throttled(throttled)),
        (422, r#"{"error":"Validation failed: Too many messages"}"#, PostFailure::Flooded),
        (422, r#"{"message":"Validation failed: Too many messages","attributes":[]}"#, PostFailure::Flooded),
        (422, r#"{"error":"'card' is not a valid content_type"}"#, PostFailure::Refused { status: 422 }),
        (422, "<html>", PostFailure::Refused { status: 422 }),
        (401, BOTS_MAY_NOT, PostFailure::Refused { status: 401 }),
        (404, r#"{"error":"Resource could not be found"}"#, PostFailure::Refused { status: 404 }),
        (301, "", PostFailure::Refused { status: 301 }),
        (500, "<html>+61491570156", PostFailure::Server { status: 500 }),
        (502, "", PostFailure::Server { status: 502 }),
        (503, "", PostFailure::Server { status: 503 }),
        (408, "", unclear("status 408")),
        (200, "<html>", unclear("status 200, but the answer is not JSON")),
        (200, "{}", unclear("status 200, but the answer has no id")),
    ] {
        let server = Server::always(said(status, body)).await;
        let failure = post(&server).await.unwrap_err();
        assert_discreet(&failure);
        assert_eq!(failure, expected, "{status} {body}");
        assert_eq!(client(&server).note(AT, "n", &marker()).await.unwrap_err(), expected, "{status} {body}");
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_broken_connection_leaves_the_question_open_and_no_connection_does_not() {
    for reply in [
        Reply::Close,
        Reply::Raw(b"hm".to_vec()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
    ] {
        let server = Server::always(reply).await;
        assert!(matches!(post(&server).await, Err(PostFailure::NoAnswer { .. })));
    }
    let silent = Server::always(Reply::Stall(vec![])).await;
    let hasty = Chatwoot::new(
        http(),
        &ChatwootApiConfig { timeout: Duration::from_millis(300), ..config(&silent.url()) },
        both(),
        TestClock::new(),
    );
    let failure = hasty.unwrap().post(chat_permit().await, AT, &text(), &marker()).await.unwrap_err();
    assert_eq!(failure, PostFailure::NoAnswer { detail: "no answer in time".into() });
    let gone = Server::always(Reply::Close).await.stop().await;
    let nobody = with(hasty_http(), &gone, both(), &TestClock::new());
    let failure = nobody.post(chat_permit().await, AT, &text(), &marker()).await.unwrap_err();
    assert!(
        matches!(&failure, PostFailure::NotReached { detail } if detail.starts_with("no connection: ")),
        "{failure}"
    );
}

#[tokio::test]
async fn every_post_has_a_connection_of_its_own() {
    let server = Server::always(Reply::json(200, &json!({ "id": 1 }))).await;
    let client = client(&server);
    for _ in 0..3 {
        client.post(chat_permit().await, AT, &text(), &marker()).await.unwrap();
    }
    assert_eq!(server.connections(), 3);
}

/// 60 s are a permit's life; connecting may take up to five of them.
#[tokio::test]
async fn a_permit_that_could_end_on_the_way_is_not_used() {
    let server = Server::always(Reply::json(200, &json!({ "id": 1 }))).await;
    let clock = TestClock::new();
    let client = with(http(), &server.url(), both(), &clock);
    clock.advance(PERMIT_LIFE - CONNECT_TIMEOUT - Duration::from_millis(1));
    client.post(chat_permit().await, AT, &text(), &marker()).await.unwrap();
    clock.advance(Duration::from_millis(1));
    let failure = client.post(chat_permit().await, AT, &text(), &marker()).await.unwrap_err();
    assert_eq!((failure, server.connections()), (PostFailure::PermitExpired, 1));
}

#[tokio::test]
async fn without_a_token_nothing_is_called() {
    let server = Server::always(Reply::Close).await;
    for vault in [
        TestVault::default(),
        TestVault::holding(&json!({ "user_token": "user-hush" })),
        TestVault::holding(&json!([])),
    ] {
        let client = with(http(), &server.url(), vault, &TestClock::new());
        let failure = client.post(chat_permit().await, AT, &text(), &marker()).await.unwrap_err();
        assert_discreet(&failure);
        assert!(matches!(failure, PostFailure::NotReached { .. }), "{failure}");
        assert!(matches!(client.open(AT).await, Err(CallFailure::NotDone(NotDone::Unavailable { .. }))));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_again_and_one_that_was_not_is_not_tried_twice() {
    let server = Server::start(|seen| match seen.header("api_access_token") {
        Some("new-hush") => Reply::json(200, &json!({ "id": 1 })),
        _ => said(401, WRONG_TOKEN),
    })
    .await;
    let vault = both();
    let client = with(http(), &server.url(), vault.clone(), &TestClock::new());
    let refused = client.post(chat_permit().await, AT, &text(), &marker()).await;
    assert_eq!((refused, server.seen().len()), (Err(PostFailure::Refused { status: 401 }), 1));
    *vault.document.lock().unwrap() = json!({ "api_token": "new-hush" }).to_string();
    client.post(chat_permit().await, AT, &text(), &marker()).await.unwrap();
    client.note(AT, "n", &marker()).await.unwrap();
    assert_eq!(server.seen().len(), 4);
}

fn page(ids: std::ops::RangeInclusive<u64>, marked: Option<u64>) -> Value {
    let mark = json!({ "frontdesk": marker().as_str(), "items": [] });
    let attributes = |id| if marked == Some(id) { mark.clone() } else { json!({ "frontdesk": "another-0" }) };
    json!({ "meta": {}, "payload": ids.map(|id| json!({ "id": id, "content_attributes": attributes(id) })).collect::<Vec<_>>() })
}

async fn posted(vault: TestVault, replies: impl IntoIterator<Item = Reply>) -> (Result<Posted, NotDone>, Server) {
    let server = Server::script(replies).await;
    let posted = with(http(), &server.url(), vault, &TestClock::new()).posted(AT, &marker(), 100).await;
    (posted, server)
}

#[tokio::test]
async fn a_post_is_found_by_its_mark_on_any_page() {
    let (found, server) = posted(both(), [Reply::json(200, &page(101..=103, Some(102)))]).await;
    assert_eq!(found, Ok(Posted::Yes));
    assert_eq!(server.targets(), ["/api/v1/accounts/7/conversations/418/messages?after=100"]);
    assert_eq!(server.seen()[0].header("api_access_token"), Some("user-hush"));
    let text = json!({ "payload": [{ "id": 101, "content_attributes": json!({ "frontdesk": marker().as_str() }).to_string() }] });
    assert_eq!(posted(both(), [Reply::json(200, &text)]).await.0, Ok(Posted::Yes));
    for (second, expected) in [(page(201..=202, Some(202)), Posted::Yes), (page(201..=202, None), Posted::No)] {
        let pages = [Reply::json(200, &page(101..=200, None)), Reply::json(200, &second)];
        let (found, server) = posted(both(), pages).await;
        assert_eq!(found, Ok(expected));
        assert!(server.targets()[1].ends_with("?after=200"));
    }
    assert_eq!(posted(both(), [Reply::json(200, &json!({ "payload": [] }))]).await.0, Ok(Posted::No));
}

#[tokio::test]
async fn what_cannot_be_told_is_not_told() {
    let full = |n: u64| Reply::json(200, &page(101 + n * 100..=200 + n * 100, None));
    let (found, server) = posted(both(), (0..9).map(full)).await;
    assert_eq!((found, server.seen().len()), (Ok(Posted::CannotTell), 5));
    let (found, server) = posted(both(), [full(0), full(0), full(0)]).await;
    assert_eq!((found, server.seen().len()), (Ok(Posted::CannotTell), 2));
    for reply in [said(404, ""), said(422, ""), Reply::json(200, &json!({})), Reply::json(200, &json!([]))] {
        assert_eq!(posted(both(), [reply]).await.0, Ok(Posted::CannotTell));
    }
    let throttled = NotDone::Throttled { provider: Provider::Chatwoot, wait: DEFAULT_WAIT };
    assert_eq!(posted(both(), [said(429, "")]).await.0, Err(throttled));
    for reply in [said(500, ""), said(408, ""), said(302, ""), said(200, "<html>"), Reply::Close] {
        let found = posted(both(), [reply.clone()]).await.0;
        assert!(matches!(found, Err(NotDone::Unavailable { .. })), "{reply:?}: {found:?}");
    }
}

/// A bot's token sees the conversation's newest messages only, and in older versions not even these.
#[tokio::test]
async fn a_bot_looks_at_the_newest_message() {
    let mark = json!({ "frontdesk": marker().as_str() });
    let conversation =
        |messages: Value, last: Value| json!({ "id": 418, "messages": messages, "last_non_activity_message": last });
    let other = |id: u64| json!({ "id": id, "content_attributes": {} });
    let ours = json!({ "id": 105, "content_attributes": mark });
    for (answer, expected) in [
        (conversation(json!([ours]), Value::Null), Posted::Yes),
        (conversation(json!([other(106)]), ours.clone()), Posted::Yes),
        (conversation(json!([other(100)]), Value::Null), Posted::No),
        (conversation(json!([other(101)]), other(99)), Posted::No),
        (conversation(json!([other(101)]), Value::Null), Posted::CannotTell),
        (conversation(json!([other(101)]), other(101)), Posted::CannotTell),
        (conversation(json!([]), Value::Null), Posted::CannotTell),
        (json!([]), Posted::CannotTell),
    ] {
        let (found, server) = posted(bot_only(), [said(401, BOTS_MAY_NOT), Reply::json(200, &answer)]).await;
        assert_eq!(found, Ok(expected), "{answer}");
        assert_eq!(server.targets()[1], "/api/v1/accounts/7/conversations/418");
        assert_eq!(server.seen()[1].header("api_access_token"), Some("bot-hush"));
    }
    for second in [said(401, BOTS_MAY_NOT), said(404, "")] {
        assert_eq!(posted(bot_only(), [said(401, BOTS_MAY_NOT), second]).await.0, Ok(Posted::CannotTell));
    }
    let found = posted(bot_only(), [said(403, ""), said(502, "")]).await.0;
    assert!(matches!(found, Err(NotDone::Unavailable { .. })), "{found:?}");
}

#[tokio::test]
async fn the_attachments_of_one_message_are_asked_for() {
    let list = json!({ "payload": [{ "id": 88131, "attachments": [] }] });
    let server = Server::always(Reply::json(200, &list)).await;
    assert!(client(&server).attachments(AT, 88_131).await.unwrap().is_some());
    assert_eq!(client(&server).attachments(AT, 88_130).await.unwrap(), None);
    let asked = "/api/v1/accounts/7/conversations/418/messages?after=88131&before=88132";
    assert_eq!(server.targets()[0], asked);
    assert_eq!(server.seen()[0].header("api_access_token"), Some("user-hush"));
    for status in [401, 403] {
        let server = Server::always(said(status, BOTS_MAY_NOT)).await;
        assert_eq!(client(&server).attachments(AT, 1).await, Ok(None));
    }
}

#[tokio::test]
async fn a_conversation_stands_where_it_stands() {
    for (answer, status, assignee) in [
        (json!({ "status": "pending", "meta": {} }), Status::Pending, Assignee::Nobody),
        (json!({ "status": "pending", "meta": { "assignee": null } }), Status::Pending, Assignee::Nobody),
        (json!({ "status": "open", "meta": { "assignee": { "id": 3 } } }), Status::Open, Assignee::Person),
        (
            json!({ "status": "open", "meta": { "assignee": { "id": 3 }, "assignee_type": "User" } }),
            Status::Open,
            Assignee::Person,
        ),
        (
            json!({ "status": "resolved", "meta": { "assignee": { "id": 3 }, "assignee_type": "AgentBot" } }),
            Status::Resolved,
            Assignee::Bot,
        ),
        (
            json!({ "status": "snoozed", "meta": { "assignee": { "id": 3, "type": "agent_bot" } } }),
            Status::Snoozed,
            Assignee::Bot,
        ),
        (json!({ "status": "dreaming" }), Status::Unknown, Assignee::Nobody),
    ] {
        let server = Server::always(Reply::json(200, &answer)).await;
        assert_eq!(client(&server).standing(AT).await, Ok(Some(Standing { status, assignee })), "{answer}");
    }
    for status in [401, 403] {
        let server = Server::always(said(status, BOTS_MAY_NOT)).await;
        assert_eq!(client(&server).standing(AT).await, Ok(None));
    }
}

#[tokio::test]
async fn who_is_on_the_list_is_known() {
    let server = Server::always(Reply::json(200, &json!([{ "id": 5 }, { "id": 12 }]))).await;
    let client = client(&server);
    assert_eq!(client.knows(7, Target::Team(5)).await, Ok(true));
    assert_eq!(client.knows(7, Target::Agent(12)).await, Ok(true));
    assert_eq!(client.knows(7, Target::Agent(6)).await, Ok(false));
    assert_eq!(server.targets()[..2], ["/api/v1/accounts/7/teams", "/api/v1/accounts/7/agents"]);
    assert_eq!(server.seen()[0].header("api_access_token"), Some("user-hush"));
}

#[tokio::test]
async fn a_conversation_is_given_opened_and_shown_to_be_typed_in() {
    let server = Server::start(|seen| match seen.target.rsplit('/').next().unwrap() {
        "assignments" => Reply::json(200, &json!({ "id": seen.json().as_object().unwrap().values().next() })),
        "toggle_status" => Reply::json(200, &json!({ "payload": { "success": null, "current_status": "open" } })),
        _ => said(200, ""),
    })
    .await;
    let client = client(&server);
    client.assign(AT, Target::Team(5)).await.unwrap();
    client.assign(AT, Target::Agent(12)).await.unwrap();
    client.open(AT).await.unwrap();
    client.typing(AT, true).await.unwrap();
    client.typing(AT, false).await.unwrap();
    let bodies: Vec<Value> = server.seen().iter().map(crate::server::Seen::json).collect();
    let expected = [
        json!({ "team_id": 5 }),
        json!({ "assignee_id": 12 }),
        json!({ "status": "open" }),
        json!({ "typing_status": "on" }),
        json!({ "typing_status": "off" }),
    ];
    assert_eq!(bodies, expected);
    assert!(server.seen().iter().all(|seen| seen.header("api_access_token") == Some("bot-hush")));
    assert!(server.targets()[4].ends_with("/conversations/418/toggle_typing_status"));
}

#[tokio::test]
async fn what_did_not_come_about_is_not_taken_for_done() {
    let server = Server::always(said(200, "null")).await;
    assert_eq!(client(&server).assign(AT, Target::Team(5)).await, Err(CallFailure::Refused { status: 404 }));
    for body in ["null", r#"{"payload":{"success":true,"current_status":"pending"}}"#, "", "<html>"] {
        let server = Server::always(said(200, body)).await;
        assert!(matches!(client(&server).open(AT).await, Err(CallFailure::NotDone(_))), "{body}");
    }
    for body in [r#"{"id":6}"#, "", "[]"] {
        let server = Server::always(said(200, body)).await;
        assert!(matches!(client(&server).assign(AT, Target::Team(5)).await, Err(CallFailure::NotDone(_))), "{body}");
    }
}

#[tokio::test]
async fn every_status_means_one_thing_for_what_nobody_notices() {
    for (status, body, expected) in [
        (429, "Retry later", Some(NotDone::Throttled { provider: Provider::Chatwoot, wait: DEFAULT_WAIT })),
        (500, "", Some(NotDone::unavailable(Provider::Chatwoot, "status 500"))),
        (503, "", Some(NotDone::unavailable(Provider::Chatwoot, "status 503"))),
        (408, "", Some(NotDone::unavailable(Provider::Chatwoot, "status 408"))),
        (302, "", Some(NotDone::unavailable(Provider::Chatwoot, "status 302"))),
        (404, "", None),
        (422, r#"{"message":"hush +61491570156"}"#, None),
    ] {
        let server = Server::always(said(status, body)).await;
        let client = client(&server);
        let expected = expected.map_or(CallFailure::Refused { status }, CallFailure::NotDone);
        assert_eq!(client.attachments(AT, 1).await.unwrap_err(), expected);
        assert_eq!(client.standing(AT).await.unwrap_err(), expected);
        assert_eq!(client.knows(7, Target::Team(1)).await.unwrap_err(), expected);
        assert_eq!(client.assign(AT, Target::Agent(1)).await.unwrap_err(), expected);
        assert_eq!(client.open(AT).await.unwrap_err(), expected);
        assert_eq!(client.typing(AT, true).await.unwrap_err(), expected);
        assert_discreet(&expected);
    }
    let server = Server::always(said(401, BOTS_MAY_NOT)).await;
    let refused = Err(CallFailure::Refused { status: 401 });
    assert_eq!(client(&server).knows(7, Target::Team(1)).await, refused);
}

/// The functions' runtime moves them.
#[test]
fn calls_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    let client = with(http(), "http://127.0.0.1:1", both(), &TestClock::new());
    let marker = marker();
    movable(client.note(AT, "n", &marker));
    movable(client.posted(AT, &marker, 1));
    movable(client.attachments(AT, 1));
    movable(client.standing(AT));
    movable(client.knows(7, Target::Team(1)));
    movable(client.assign(AT, Target::Team(1)));
    movable(client.open(AT));
    movable(client.typing(AT, true));
}

#[test]
fn an_address_in_the_clear_is_refused() {
    let error = Chatwoot::new(http(), &config("http://chat.example"), both(), TestClock::new()).unwrap_err();
    assert_eq!(error.setting, "CHATWOOT_URL");
}
