//! Notes, closing and opening.

use frontdesk_core::{
    config::PodiumContract::{Brief, Published},
    ids::ConversationUid,
    provider::{CallFailure, Desk},
};
use serde_json::json;

use crate::{
    server::{Reply, Server},
    world::{conversation, podium},
};

#[tokio::test]
async fn a_note_is_signed_in_both_contracts() {
    for contract in [Published, Brief] {
        let server = Server::always(Reply::json(200, &json!({ "data": { "uid": "n-1" } }))).await;
        podium(contract, &server.url()).note(&conversation(), "Their answers:\n1. red").await.unwrap();
        let seen = &server.seen()[0];
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v4/conversations/v-1/notes"));
        assert_eq!(seen.json(), json!({ "body": "Their answers:\n1. red", "senderName": "Frontdesk" }));
    }
}

#[tokio::test]
async fn the_published_podium_is_told_the_state() {
    let server = Server::always(Reply::json(200, &json!({ "data": {} }))).await;
    let client = podium(Published, &server.url());
    for closed in [true, false] {
        client.set_closed(&conversation(), closed).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("PUT", "/v4/conversations/v-1"));
        assert_eq!(seen.json(), json!({ "closed": closed }));
    }
}

#[tokio::test]
async fn the_briefs_podium_is_told_what_to_do() {
    let server = Server::always(Reply::Status(200, "", "closed".into())).await;
    let client = podium(Brief, &server.url());
    client.set_closed(&conversation(), true).await.unwrap();
    client.set_closed(&conversation(), false).await.unwrap();
    assert_eq!(server.targets(), ["/v4/conversations/v-1/close", "/v4/conversations/v-1/open"]);
    assert!(server.seen().iter().all(|seen| seen.method == "POST" && seen.body.is_empty()));
}

#[tokio::test]
async fn what_is_as_wanted_stays_so() {
    let gone = || Reply::json(404, &json!({ "code": "route_not_found" }));
    let server = Server::start(move |seen| {
        if seen.target.ends_with("/open") { gone() } else { Reply::json(409, &json!({ "error": "already_closed" })) }
    })
    .await;
    let client = podium(Brief, &server.url());
    assert_eq!(client.set_closed(&conversation(), true).await, Ok(()));
    assert_eq!(client.set_closed(&conversation(), false).await, Ok(()));
}

#[tokio::test]
async fn a_conversation_that_is_gone_is_a_refusal() {
    for contract in [Published, Brief] {
        let server = Server::always(Reply::json(404, &json!({ "code": "resource_not_found" }))).await;
        let client = podium(contract, &server.url());
        assert_eq!(client.note(&conversation(), "n").await, Err(CallFailure::Refused { status: 404 }));
        assert_eq!(client.set_closed(&conversation(), true).await, Err(CallFailure::Refused { status: 404 }));
    }
}

#[tokio::test]
async fn a_uid_that_is_no_name_is_not_called_about() {
    let server = Server::always(Reply::Close).await;
    let nowhere = ConversationUid::try_from("..").unwrap();
    for contract in [Published, Brief] {
        let client = podium(contract, &server.url());
        assert_eq!(client.note(&nowhere, "n").await, Err(CallFailure::Refused { status: 404 }));
        assert_eq!(client.set_closed(&nowhere, true).await, Err(CallFailure::Refused { status: 404 }));
    }
    assert_eq!(server.connections(), 0);
}
