//! Contacts are believed only if they have the number.

use frontdesk_core::{
    config::PodiumContract::{Brief, Published},
    ids::{ConversationUid, ProviderId},
    provider::{CallFailure, ContactBook, ContactHandle, Created, ListedContact, NewContact, NotDone},
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    world::{PHONE, assert_discreet, conversation, location, phone, podium},
};

const BY_PHONE: &str = "/v4/contacts/%2B61491570156";

fn uid(text: &str) -> ProviderId {
    ProviderId::try_from(text).unwrap()
}

fn listed(opted_out: bool) -> ListedContact {
    ListedContact { uid: uid("c-1"), name: None, phones: vec![phone()], opted_out }
}

fn new(first: Option<&str>, last: Option<&str>) -> NewContact {
    NewContact {
        phone: phone(),
        first_name: first.map(str::to_owned),
        last_name: last.map(str::to_owned),
        location: location(),
    }
}

async fn published(answer: &Reply) -> Result<Option<ListedContact>, CallFailure> {
    let server = Server::always(answer.clone()).await;
    let found = podium(Published, &server.url()).find_contact(&phone(), Some(&location())).await;
    assert_eq!(server.targets(), [BY_PHONE]);
    found
}

async fn brief(data: Value) -> Result<Option<ListedContact>, CallFailure> {
    let server = Server::always(Reply::json(200, &json!({ "data": data }))).await;
    let found = podium(Brief, &server.url()).find_contact(&phone(), Some(&location())).await;
    assert_eq!(server.targets(), ["/v4/contacts?phone=%2B61491570156&location_uid=loc-1"]);
    found
}

#[tokio::test]
async fn the_published_contact_of_a_number() {
    for data in [
        json!({ "uid": "c-1", "phoneNumbers": [PHONE] }),
        json!({ "uid": "c-1", "phoneNumbers": ["+61 491 570 156"], "channels": [] }),
        json!({ "uid": "c-1", "channels": [{ "type": "phone", "identifier": PHONE, "transactionalOptedOutAt": null }] }),
    ] {
        assert_eq!(published(&Reply::json(200, &json!({ "data": data }))).await, Ok(Some(listed(false))), "{data}");
    }
}

#[tokio::test]
async fn another_persons_contact_is_none() {
    for data in [
        json!({ "uid": "c-1", "phoneNumbers": ["+61491570157"] }),
        json!({ "uid": "c-1", "phoneNumbers": ["0491570156", "61491570156"], "channels": [] }),
        json!({ "uid": "c-1", "channels": [{ "type": "email", "identifier": PHONE }] }),
        json!({ "uid": "c-1" }),
    ] {
        assert_eq!(published(&Reply::json(200, &json!({ "data": data }))).await, Ok(None), "{data}");
    }
}

#[tokio::test]
async fn who_is_not_there_is_none() {
    for body in [r#"{"code":"resource_not_found"}"#, r#"{"code":404}"#, ""] {
        assert_eq!(published(&Reply::Status(404, "", body.to_owned())).await, Ok(None), "{body}");
    }
    let server = Server::always(Reply::json(404, &json!({ "error": "contact_not_found" }))).await;
    assert_eq!(podium(Brief, &server.url()).find_contact(&phone(), None).await, Ok(None));
    assert_eq!(server.targets(), ["/v4/contacts?phone=%2B61491570156"]);
}

/// "Nobody" would lead to a new contact, which overwrites the name of the one that is there.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_not_nobody() {
    for answer in [
        Reply::Status(200, "", "not json".into()),
        Reply::Status(200, "", String::new()),
        Reply::json(200, &json!({ "data": [] })),
        Reply::json(200, &json!({})),
        Reply::json(200, &json!({ "data": { "phoneNumbers": [PHONE] } })),
    ] {
        let failure = published(&answer).await.unwrap_err();
        assert_discreet(&failure);
        assert!(matches!(failure, CallFailure::NotDone(NotDone::Unavailable { .. })), "{answer:?}: {failure:?}");
    }
    for data in [json!({}), json!("c-1"), json!([{ "phone": PHONE }])] {
        assert!(matches!(brief(data.clone()).await, Err(CallFailure::NotDone(_))), "{data}");
    }
}

#[tokio::test]
async fn the_briefs_first_contact_may_be_somebody_else() {
    let stranger = json!({ "uid": "c-9", "phone": "+61491570110", "opted_out": true });
    let shaped = json!({ "uid": "c-1", "phone": "+61 491-570-156", "opted_out": false });
    let ours = json!({ "uid": "c-1", "phone": PHONE, "opted_out": false });
    assert_eq!(brief(json!([stranger, ours])).await, Ok(Some(listed(false))));
    assert_eq!(brief(json!([stranger, null, 7, shaped])).await, Ok(Some(listed(false))));
    for nobody in [json!([stranger]), json!([]), json!(null), json!(["c-1"])] {
        assert_eq!(brief(nobody.clone()).await, Ok(None), "{nobody}");
    }
}

#[tokio::test]
async fn the_same_person_twice_is_opted_out_if_either_is() {
    let first = json!({ "uid": "c-1", "phone": PHONE, "opted_out": false });
    let second = json!({ "uid": "c-2", "phone": PHONE, "opted_out": true });
    assert_eq!(brief(json!([first, second])).await, Ok(Some(listed(true))));
}

#[tokio::test]
async fn opt_outs_as_either_contract_shows_them() {
    let at = "2026-02-25T06:13:20Z";
    let with = |more: Value| {
        let mut contact = json!({ "uid": "c-1", "phoneNumbers": [PHONE] });
        contact.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Reply::json(200, &json!({ "data": contact }))
    };
    for (more, opted_out) in [
        (json!({ "channels": [{ "type": "phone", "identifier": PHONE, "transactionalOptedOutAt": at }] }), true),
        (json!({ "channels": [{ "type": "email", "identifier": "a@b.c", "transactionalOptedOutAt": at }] }), false),
        (json!({ "tags": [{ "uid": "t-1", "label": "Do-Not-Contact" }] }), true),
        (json!({ "tags": [{ "uid": "t-1", "label": "vip" }] }), false),
        (json!({ "opted_out": true }), true),
        (json!({ "global_unsubscribe": "true" }), true),
        (json!({ "review_request_opt_out": true, "opted_out": false }), false),
    ] {
        assert_eq!(published(&with(more.clone())).await, Ok(Some(listed(opted_out))), "{more}");
    }
}

#[tokio::test]
async fn the_published_contact_is_made_with_a_name_and_mostly_without_a_uid() {
    let uuid = "0a1b2c3d-0000-4000-8000-00aabbccddee";
    for (answer, made) in [
        (Reply::json(202, &json!({ "data": { "identifier": PHONE } })), None),
        (Reply::json(202, &json!({ "data": { "identifier": uuid } })), Some(uid(uuid))),
        (Reply::json(200, &json!({ "data": { "uid": "c-1" } })), Some(uid("c-1"))),
        (Reply::Status(202, "", String::new()), None),
        (Reply::Status(202, "", "not json".into()), None),
    ] {
        let server = Server::always(answer.clone()).await;
        let client = podium(Published, &server.url());
        let created = client.create_contact(&new(Some("Jo"), Some("Cruz"))).await;
        assert_eq!(created, Ok(Created::Made { uid: made }), "{answer:?}");
        let seen = &server.seen()[0];
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v4/contacts"));
        assert_eq!(seen.json(), json!({ "name": "Jo Cruz", "locations": ["loc-1"], "phoneNumber": PHONE }));
    }
    let server = Server::always(Reply::Status(202, "", String::new())).await;
    podium(Published, &server.url()).create_contact(&new(None, None)).await.unwrap();
    assert_eq!(server.seen()[0].json()["name"], "Webchat visitor");
}

#[tokio::test]
async fn the_briefs_contact_is_made_as_the_brief_does() {
    for (status, body) in
        [(200, json!({ "uid": "c-1" })), (201, json!({ "uid": "c-1" })), (201, json!({ "data": { "uid": "c-1" } }))]
    {
        let server = Server::always(Reply::json(status, &body)).await;
        let created = podium(Brief, &server.url()).create_contact(&new(Some("Jo"), None)).await;
        assert_eq!(created, Ok(Created::Made { uid: Some(uid("c-1")) }));
        let expected = json!({ "phone": PHONE, "location_uid": "loc-1", "first_name": "Jo", "last_name": null });
        assert_eq!(server.seen()[0].json(), expected);
    }
}

#[tokio::test]
async fn a_lost_race_is_told_and_not_repeated() {
    for contract in [Published, Brief] {
        let server = Server::always(Reply::json(409, &json!({ "error": "contact_already_exists" }))).await;
        assert_eq!(podium(contract, &server.url()).create_contact(&new(None, None)).await, Ok(Created::Exists));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_contact_of_an_address_or_a_conversation() {
    let email = ContactHandle::Email("jo+shop@example.com".into());
    let by_conversation = ContactHandle::Conversation(conversation());
    let data = json!({
        "uid": "c-1",
        "phoneNumbers": [PHONE],
        "emails": ["Jo+Shop@example.com"],
        "conversations": [{ "uid": "v-0" }, { "uid": "v-1" }],
    });
    for contract in [Published, Brief] {
        let server = Server::always(Reply::json(200, &json!({ "data": data }))).await;
        let client = podium(contract, &server.url());
        assert_eq!(client.contact_of(&email).await, Ok(Some(listed(false))));
        assert_eq!(client.contact_of(&by_conversation).await, Ok(Some(listed(false))));
        assert_eq!(server.targets(), ["/v4/contacts/jo%2Bshop%40example.com", "/v4/contacts/v-1"]);
        let elsewhere = ContactHandle::Conversation(ConversationUid::try_from("v-2").unwrap());
        assert_eq!(client.contact_of(&elsewhere).await, Ok(None));
        assert_eq!(client.contact_of(&ContactHandle::Email("al@example.com".into())).await, Ok(None));
    }
}

#[tokio::test]
async fn a_contact_without_a_phone_is_one_too() {
    let server = Server::always(Reply::json(200, &json!({ "data": { "uid": "c-1", "phoneNumbers": [] } }))).await;
    let found = podium(Published, &server.url()).contact_of(&ContactHandle::Conversation(conversation())).await;
    assert_eq!(found, Ok(Some(ListedContact { phones: vec![], ..listed(false) })));
}

#[tokio::test]
async fn what_the_briefs_podium_does_not_know_is_none() {
    let handle = ContactHandle::Conversation(conversation());
    for (status, body) in
        [(404, r#"{"code":"route_not_found"}"#), (404, ""), (400, r#"{"error":"invalid_phone_format"}"#)]
    {
        let server = Server::always(Reply::Status(status, "", body.to_owned())).await;
        assert_eq!(podium(Brief, &server.url()).contact_of(&handle).await, Ok(None), "{status} {body}");
    }
    // A list of several is an answer to another question.
    let several = json!({ "data": [{ "uid": "c-9", "phone": "+61491570110" }, { "uid": "c-1", "phone": PHONE }] });
    for (answer, found) in [
        (several, None),
        (json!({ "data": [{ "uid": "c-1", "phone": PHONE }] }), Some(listed(false))),
        (json!({ "uid": "c-1", "phone": PHONE }), Some(listed(false))),
        (json!({ "data": null }), None),
    ] {
        let server = Server::always(Reply::json(200, &answer)).await;
        assert_eq!(podium(Brief, &server.url()).contact_of(&handle).await, Ok(found), "{answer}");
    }
    let server = Server::always(Reply::json(400, &json!({ "code": "invalid_request_values" }))).await;
    let refused = podium(Published, &server.url()).contact_of(&handle).await;
    assert_eq!(refused, Err(CallFailure::Refused { status: 400 }));
}

#[tokio::test]
async fn a_handle_that_is_no_name_is_nobodys() {
    let server = Server::always(Reply::Close).await;
    for contract in [Published, Brief] {
        for handle in [ContactHandle::Email("..".into()), ContactHandle::Email(String::new())] {
            assert_eq!(podium(contract, &server.url()).contact_of(&handle).await, Ok(None));
        }
    }
    assert_eq!(server.connections(), 0);
}
