//! Did an earlier text go out? Only a clear "no" is a no.

use std::time::Duration;

use frontdesk_core::{
    config::PodiumContract::Published,
    ids::ProviderId,
    provider::{LookUp, LookUpAnswer, NotDone, Reviews},
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Seen, Server},
    world::{DEFAULT_WAIT, LINK, NOW, PHONE, assert_discreet, invite, location, phone, podium},
};

const CONTACT: &str = "/v4/contacts/%2B61491570156";
const NEW: &str = "2026-02-25T06:13:20Z";
/// Five minutes before the send began, by Podium's clock, and a second more.
const TOO_OLD: &str = "2026-02-25T06:08:19Z";

fn what() -> LookUp {
    LookUp { phone: phone(), location: location(), invite: Some(invite()), began_at: NOW }
}

fn contact(conversations: &[&str]) -> Reply {
    let uids: Vec<Value> = conversations.iter().map(|uid| json!({ "uid": uid })).collect();
    Reply::json(
        200,
        &json!({ "data": { "uid": "c-1", "phoneNumbers": [PHONE], "channels": [], "conversations": uids } }),
    )
}

fn message(uid: &str, body: &str, source: &str, created: &str) -> Value {
    let item = json!({ "uid": "i", "body": body, "sendBody": null, "sourceType": source, "createdAt": created });
    json!({ "uid": uid, "body": body, "createdAt": created, "items": [item] })
}

fn ours() -> Value {
    message("m-9", &format!("How did we do? {LINK} Reply STOP"), "outbound", NEW)
}

fn chatter() -> Value {
    message("m-1", "See you on Monday", "outbound", NEW)
}

fn page(messages: &[Value], next: Option<&str>) -> Reply {
    Reply::json(200, &json!({ "data": messages, "metadata": { "nextCursor": next } }))
}

async fn look_up(replies: impl FnMut(&Seen) -> Reply + Send + 'static) -> (Result<LookUpAnswer, NotDone>, Vec<String>) {
    let server = Server::start(replies).await;
    let answer = podium(Published, &server.url()).look_up(&what()).await;
    if let Err(error) = &answer {
        assert_discreet(error);
    }
    (answer, server.targets())
}

/// One contact with one conversation, and this as its messages.
async fn with_messages(messages: Vec<Value>) -> LookUpAnswer {
    let (answer, _) =
        look_up(move |seen| if seen.target == CONTACT { contact(&["v-1"]) } else { page(&messages, None) }).await;
    answer.unwrap()
}

fn sent() -> LookUpAnswer {
    LookUpAnswer::Sent { message: ProviderId::try_from("m-9").unwrap() }
}

#[tokio::test]
async fn found_in_the_only_conversation() {
    assert_eq!(with_messages(vec![chatter(), ours()]).await, sent());
}

#[tokio::test]
async fn clearly_not_there() {
    let inbound = message("m-2", "thanks! https://my.site", "inbound", NEW);
    assert_eq!(with_messages(vec![chatter(), inbound]).await, LookUpAnswer::NotSent);
    assert_eq!(with_messages(vec![]).await, LookUpAnswer::NotSent);
}

#[tokio::test]
async fn found_on_a_later_page_with_the_cursor_sent_alone() {
    let (answer, targets) = look_up(|seen| match seen.target.as_str() {
        CONTACT => contact(&["v-1", "v-2"]),
        "/v4/conversations/v-1/messages" => page(&[chatter()], Some("a/b+c=&limit=1")),
        "/v4/conversations/v-1/messages?cursor=a%2Fb%2Bc%3D%26limit%3D1" => page(&[chatter()], None),
        "/v4/conversations/v-2/messages" => page(&[chatter()], Some("n2")),
        "/v4/conversations/v-2/messages?cursor=n2" => page(&[ours()], Some("n3")),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(answer, Ok(sent()));
    assert_eq!(targets.len(), 5);
}

#[tokio::test]
async fn a_no_takes_every_page_of_every_conversation() {
    let (answer, targets) = look_up(|seen| match seen.target.as_str() {
        CONTACT => contact(&["v-1", "v-2"]),
        "/v4/conversations/v-1/messages" => page(&[chatter()], Some("n2")),
        "/v4/conversations/v-1/messages?cursor=n2" | "/v4/conversations/v-2/messages" => page(&[chatter()], None),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(answer, Ok(LookUpAnswer::NotSent));
    assert_eq!(targets.len(), 4);
}

#[tokio::test]
async fn pages_without_end_are_given_up() {
    let (answer, targets) =
        look_up(|seen| if seen.target == CONTACT { contact(&["v-1"]) } else { page(&[chatter()], Some("again")) })
            .await;
    assert_eq!(answer, Ok(LookUpAnswer::CannotTell));
    assert_eq!(targets.len(), 1 + 20);
}

#[tokio::test]
async fn whatever_could_be_ours_is_not_a_no() {
    let link = format!("How did we do? {LINK}");
    for unclear in [
        message("m-9", &link, "outbound", TOO_OLD),
        message("m-9", &link, "inbound", NEW),
        message("m-9", &link, "", NEW),
        message("m-9", &link, "outbound", ""),
        message("a b", &link, "outbound", NEW),
        message("m-9", "How did we do? https://sho.rt/er", "outbound", NEW),
        json!({ "uid": "m-9", "body": null, "createdAt": NEW, "encryptedAt": NEW, "items": [] }),
        json!(7),
    ] {
        assert_eq!(with_messages(vec![unclear.clone(), chatter()]).await, LookUpAnswer::CannotTell, "{unclear}");
        assert_eq!(with_messages(vec![unclear.clone(), ours()]).await, sent(), "{unclear}");
    }
}

#[tokio::test]
async fn a_message_may_be_a_little_older_than_the_send_by_podiums_clock() {
    let early = message("m-9", LINK, "outbound", "2026-02-25T06:08:20Z");
    assert_eq!(with_messages(vec![early]).await, sent());
}

#[tokio::test]
async fn no_such_contact_means_nothing_was_sent_to_it() {
    let (answer, _) = look_up(|_| Reply::json(404, &json!({ "code": "resource_not_found", "message": "m" }))).await;
    assert_eq!(answer, Ok(LookUpAnswer::NotSent));
}

/// Otherwise a wrong base URL would be a licence to send again.
#[tokio::test]
async fn no_such_page_is_not_no_such_contact() {
    for body in [json!({ "code": "route_not_found" }), json!({}), json!("Not Found")] {
        let (answer, _) = look_up(move |_| Reply::json(404, &body)).await;
        assert!(matches!(answer, Err(NotDone::Unavailable { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn another_persons_contact_says_nothing() {
    for data in [
        json!({ "phoneNumbers": ["+61491570157"], "channels": [{ "identifier": "+61491570158" }], "conversations": [] }),
        json!({ "phoneNumbers": [], "conversations": [] }),
        json!({ "conversations": [] }),
        json!([]),
        json!(null),
    ] {
        let (answer, targets) = look_up(move |_| Reply::json(200, &json!({ "data": data }))).await;
        assert_eq!(answer, Ok(LookUpAnswer::CannotTell));
        assert_eq!(targets.len(), 1);
    }
}

#[tokio::test]
async fn the_number_may_stand_in_a_channel() {
    let data = json!({ "channels": [{ "type": "phone", "identifier": "+61 491 570 156" }], "conversations": [] });
    let (answer, _) = look_up(move |_| Reply::json(200, &json!({ "data": data }))).await;
    assert_eq!(answer, Ok(LookUpAnswer::NotSent));
}

#[tokio::test]
async fn foreign_shapes_cannot_tell() {
    for conversations in [json!(null), json!("v-1"), json!(["v-1"]), json!([{ "uid": "../../oauth" }]), json!([{}])] {
        let data = json!({ "phoneNumbers": [PHONE], "conversations": conversations });
        let (answer, _) = look_up(move |_| Reply::json(200, &json!({ "data": data }))).await;
        assert_eq!(answer, Ok(LookUpAnswer::CannotTell), "{conversations}");
    }
    for messages in [
        Reply::json(200, &json!({ "data": {} })),
        Reply::json(200, &json!([])),
        Reply::json(200, &json!({ "data": [], "metadata": { "nextCursor": 2 } })),
        Reply::json(404, &json!({ "code": "resource_not_found" })),
    ] {
        let reply = messages.clone();
        let (answer, _) =
            look_up(move |seen| if seen.target == CONTACT { contact(&["v-1"]) } else { reply.clone() }).await;
        assert_eq!(answer, Ok(LookUpAnswer::CannotTell), "{messages:?}");
    }
}

#[tokio::test]
async fn trouble_is_asked_about_again_later() {
    for (reply, wait) in [
        (Reply::Status(429, "retry-after: 9\r\n", String::new()), Some(Duration::from_secs(9))),
        (Reply::Status(503, "", String::new()), Some(DEFAULT_WAIT)),
        (Reply::Status(401, "", String::new()), None),
        (Reply::Status(403, "", String::new()), None),
        (Reply::Status(500, "", String::new()), None),
        (Reply::Status(200, "", "not json".into()), None),
        (Reply::Close, None),
    ] {
        for at_contact in [true, false] {
            let given = reply.clone();
            let (answer, _) =
                look_up(
                    move |seen| if at_contact == (seen.target == CONTACT) { given.clone() } else { contact(&["v-1"]) },
                )
                .await;
            match (answer.unwrap_err(), wait) {
                (NotDone::Throttled { wait, .. }, Some(expected)) => assert_eq!(wait, expected),
                (NotDone::Unavailable { .. }, None) => {}
                (other, _) => panic!("{reply:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn without_a_link_there_is_nothing_to_look_for() {
    let server = Server::always(Reply::Close).await;
    let answer = podium(Published, &server.url()).look_up(&LookUp { invite: None, ..what() }).await;
    assert_eq!(answer, Ok(LookUpAnswer::CannotTell));
    assert_eq!(server.connections(), 0);
}
