//! Plain messages: told apart like review requests, in both contracts.

use std::time::Duration;

use frontdesk_core::{
    config::PodiumContract::{Brief, Published},
    ids::ConversationUid,
    provider::{Messages, Refusal, Say, SendFailure},
};
use serde_json::json;

use crate::{
    podium::{Meaning, answers, meaning},
    server::{Reply, Server},
    world::{PHONE, TestClock, TestTokens, permit, podium, podium_with, words},
};

#[tokio::test]
async fn every_answer_means_what_it_means_for_a_review_request() {
    for contract in [Published, Brief] {
        for (status, headers, body, expected) in answers() {
            let server = Server::always(Reply::Status(status, headers, body.to_owned())).await;
            let failure = podium(contract, &server.url()).say(permit().await, &words()).await.unwrap_err();
            assert_eq!(meaning(&failure), expected, "{contract:?}: {status} {headers}{body}");
            assert_eq!(server.seen().len(), 1, "{contract:?}: {status} {body}: one call, whatever the answer");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_it_open_and_is_not_followed_by_another_call() {
    for contract in [Published, Brief] {
        for reply in [Reply::Close, Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec())] {
            let server = Server::always(reply).await;
            let failure = podium(contract, &server.url()).say(permit().await, &words()).await.unwrap_err();
            assert_eq!(meaning(&failure), Meaning::Ambiguous, "{contract:?}");
            assert_eq!(server.seen().len(), 1);
        }
    }
}

#[tokio::test]
async fn the_published_message_names_nobody_and_stays_in_the_open_inbox() {
    let server = Server::always(Reply::json(200, &json!({ "data": { "uid": "m-1" } }))).await;
    let client = podium(Published, &server.url());
    let message = client.say(permit().await, &Say { conversation: None, ..words() }).await.unwrap();
    assert_eq!(message.as_str(), "m-1");
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v4/messages"));
    assert_eq!(seen.header("podium-version"), Some("2021.04.01"));
    let expected = json!({
        "body": words().text,
        "channel": { "type": "phone", "identifier": PHONE },
        "locationUid": "loc-1",
        "setOpenInbox": true,
    });
    assert_eq!(seen.json(), expected);
}

#[tokio::test]
async fn the_briefs_message_goes_into_its_conversation() {
    for answer in [json!({ "id": "m-1" }), json!({ "uid": "m-1" }), json!({ "data": { "uid": "m-1" } })] {
        let server = Server::always(Reply::json(201, &answer)).await;
        let message = podium(Brief, &server.url()).say(permit().await, &words()).await.unwrap();
        assert_eq!(message.as_str(), "m-1");
        let seen = &server.seen()[0];
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v4/conversations/v-1/messages"));
        assert_eq!(seen.header("podium-version"), None);
        assert_eq!(seen.json(), json!({ "body": words().text }));
    }
}

#[tokio::test]
async fn without_a_conversation_the_briefs_podium_is_not_called() {
    let server = Server::always(Reply::Close).await;
    let client = podium(Brief, &server.url());
    let nowhere = ConversationUid::try_from("..").unwrap();
    for conversation in [None, Some(nowhere)] {
        let failure = client.say(permit().await, &Say { conversation, ..words() }).await.unwrap_err();
        assert_eq!(failure, SendFailure::Refused(Refusal::Other { status: 404 }));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_conversations_uid_cannot_leave_its_path() {
    let server = Server::always(Reply::json(200, &json!({ "id": "m-1" }))).await;
    let odd = ConversationUid::try_from("../../oauth?x=1").unwrap();
    let what = Say { conversation: Some(odd), ..words() };
    podium(Brief, &server.url()).say(permit().await, &what).await.unwrap();
    assert_eq!(server.targets(), ["/v4/conversations/..%2F..%2Foauth%3Fx%3D1/messages"]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    for contract in [Published, Brief] {
        let refused = Reply::Status(401, "", String::new());
        let server =
            Server::script([refused, Reply::json(200, &json!({ "id": "m-1", "data": { "uid": "m-1" } }))]).await;
        assert_eq!(podium(contract, &server.url()).say(permit().await, &words()).await.unwrap().as_str(), "m-1");
        assert_eq!(server.seen()[1].header("authorization"), Some("Bearer at-2"));
    }
}

#[tokio::test]
async fn an_old_permit_opens_no_connection() {
    for contract in [Published, Brief] {
        let server = Server::always(Reply::Close).await;
        let clock = TestClock::new();
        let client = podium_with(contract, &server.url(), &clock, TestTokens::new(&clock));
        let permit = permit().await;
        clock.advance(Duration::from_secs(55));
        assert_eq!(client.say(permit, &words()).await, Err(SendFailure::PermitExpired));
        assert_eq!(server.connections(), 0);
    }
}

#[tokio::test]
async fn a_message_always_goes_over_a_new_connection() {
    let server = Server::always(Reply::json(200, &json!({ "id": "m-1", "data": { "uid": "m-1" } }))).await;
    for contract in [Published, Brief] {
        let before = server.connections();
        let client = podium(contract, &server.url());
        client.say(permit().await, &words()).await.unwrap();
        client.say(permit().await, &words()).await.unwrap();
        assert_eq!(server.connections() - before, 2);
    }
}

#[test]
fn nothing_of_a_message_is_printed() {
    assert!(!format!("{:?}", words()).contains("Thanks"));
}
