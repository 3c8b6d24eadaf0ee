//! Messages that are shown and not sent.

use frontdesk_core::{
    config::PodiumContract::{Brief, Published},
    ids::{ConversationUid, ProviderId},
    provider::{CallFailure, ContactBook, Imported, Imports, NotDone},
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    world::{assert_discreet, conversation, hasty_podium, import, phone, podium},
};

fn imported(message: Option<&str>, conversation: Option<&str>) -> Imported {
    Imported {
        message: message.map(|uid| ProviderId::try_from(uid).unwrap()),
        conversation: conversation.map(|uid| ConversationUid::try_from(uid).unwrap()),
    }
}

#[tokio::test]
async fn both_contracts_make_podiums_own_call() {
    let answer = json!({ "data": { "uid": "m-1", "conversation": { "uid": "v-1" } }, "metadata": {} });
    for contract in [Published, Brief] {
        let server = Server::always(Reply::json(200, &answer)).await;
        let shown = podium(contract, &server.url()).import(&import()).await.unwrap();
        assert_eq!(shown, Imported { conversation: Some(conversation()), ..imported(Some("m-1"), None) });
        let seen = &server.seen()[0];
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v4/import/messages"));
        assert_eq!(seen.header("podium-version"), (contract == Published).then_some("2021.04.01"));
        let expected = json!({
            "body": import().text,
            "channel": { "type": "phone", "identifier": "+61491570156" },
            "contactName": "Jo de la Cruz",
            "direction": "inbound",
            "locationUid": "loc-1",
            "publishedAt": "2026-02-25T06:13:20Z",
        });
        assert_eq!(seen.json(), expected);
    }
}

/// What is shown is shown, whatever the answer looks like: a failure would have it shown again.
#[tokio::test]
async fn an_answer_is_read_as_far_as_it_goes() {
    let deep = "x".repeat(300);
    for (body, expected) in [
        (json!({ "data": { "uid": "m-1", "conversationUid": "v-1" } }), imported(Some("m-1"), Some("v-1"))),
        (json!({ "data": { "id": 7, "conversation": { "uid": 8 } } }), imported(Some("7"), Some("8"))),
        (json!({ "uid": "m-1", "conversation_uid": "v-1" }), imported(Some("m-1"), Some("v-1"))),
        (json!({ "data": { "message": { "uid": "m-1" } } }), imported(Some("m-1"), None)),
        (json!({ "data": { "uid": null, "conversation": "v-1" } }), imported(None, None)),
        (json!({ "data": { "uid": deep, "conversation": { "uid": "a b" } } }), imported(None, None)),
        (json!({ "data": [] }), imported(None, None)),
        (json!("accepted"), imported(None, None)),
        (Value::Null, imported(None, None)),
    ] {
        let server = Server::always(Reply::json(202, &body)).await;
        assert_eq!(podium(Published, &server.url()).import(&import()).await, Ok(expected), "{body}");
    }
    for body in ["", "<html>", "{\"data\":"] {
        let server = Server::always(Reply::Status(200, "", body.to_owned())).await;
        assert_eq!(podium(Brief, &server.url()).import(&import()).await, Ok(Imported::default()), "{body:?}");
    }
}

/// Nobody knows whether it is there; that it may be there twice is for the flow to weigh.
#[tokio::test]
async fn an_answer_that_does_not_come_is_no_refusal() {
    let server = Server::always(Reply::Stall(vec![])).await;
    let failure = hasty_podium(Published, &server.url()).import(&import()).await.unwrap_err();
    assert_discreet(&failure);
    assert!(matches!(failure, CallFailure::NotDone(NotDone::Unavailable { .. })), "{failure:?}");
    assert_eq!(server.seen().len(), 1, "it is not repeated here");
}

#[tokio::test]
async fn a_podium_that_knows_no_such_call_refuses_it() {
    let server = Server::always(Reply::json(404, &json!({ "code": "route_not_found" }))).await;
    let failure = podium(Brief, &server.url()).import(&import()).await.unwrap_err();
    assert_eq!(failure, CallFailure::Refused { status: 404 });
}

#[test]
fn nothing_of_the_person_is_printed() {
    let shown = format!("{:?}", import());
    for hidden in ["91570156", "Cruz", "kayaks", "shop.example"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

/// An import may rename a contact, so its name is asked for first.
#[tokio::test]
async fn a_contact_is_shown_with_the_name_that_people_gave_it() {
    let published =
        json!({ "data": { "uid": "c-1", "name": "Mia from the workshop", "phoneNumbers": ["+61491570156"] } });
    let brief = json!({ "data": [
        { "uid": "c-2", "phone": "+61491570156", "first_name": "Mia", "last_name": "from the workshop" },
    ] });
    for (contract, answer) in [(Published, published), (Brief, brief)] {
        let server = Server::always(Reply::json(200, &answer)).await;
        let found = podium(contract, &server.url()).find_contact(&phone(), None).await.unwrap().unwrap();
        assert_eq!(found.name.as_deref(), Some("Mia from the workshop"), "{contract:?}");
        assert!(!format!("{found:?}").contains("workshop"), "{found:?}");
    }
}
