//! Did an earlier message go out? Only a clear "no" is a no.

use frontdesk_core::{
    config::{
        PodiumContract,
        PodiumContract::{Brief, Published},
    },
    ids::ProviderId,
    provider::{LookUpAnswer, Messages, NotDone, Say},
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Seen, Server},
    world::{NOW, PHONE, assert_discreet, phone, podium, words},
};

const CONTACT: &str = "/v4/contacts/%2B61491570156";
const MESSAGES: &str = "/v4/conversations/v-1/messages";
const NEW: &str = "2026-02-25T06:13:20Z";
const EARLY: &str = "2026-02-25T06:08:20Z";
const TOO_OLD: &str = "2026-02-25T06:08:19Z";

fn contact() -> Reply {
    Reply::json(200, &json!({ "data": { "uid": "c-1", "phoneNumbers": [PHONE], "conversations": [{ "uid": "v-1" }] } }))
}

fn message(uid: &str, body: &str, source: &str, created: &str) -> Value {
    json!({ "uid": uid, "body": body, "createdAt": created, "items": [{ "body": body, "sourceType": source }] })
}

fn page(messages: &[Value]) -> Reply {
    Reply::json(200, &json!({ "data": messages, "metadata": { "nextCursor": null } }))
}

async fn look_up(
    contract: PodiumContract,
    replies: impl FnMut(&Seen) -> Reply + Send + 'static,
) -> (Result<LookUpAnswer, NotDone>, Vec<String>) {
    let server = Server::start(replies).await;
    let answer = podium(contract, &server.url()).look_up_said(&phone(), &words(), NOW).await;
    if let Err(error) = &answer {
        assert_discreet(error);
    }
    (answer, server.targets())
}

async fn with_messages(messages: Vec<Value>) -> [LookUpAnswer; 2] {
    let replies = move |seen: &Seen| if seen.target == CONTACT { contact() } else { page(&messages) };
    let (published, targets) = look_up(Published, replies.clone()).await;
    assert_eq!(targets, [CONTACT, MESSAGES]);
    let (brief, targets) = look_up(Brief, replies).await;
    assert_eq!(targets, [MESSAGES]);
    [published.unwrap(), brief.unwrap()]
}

fn sent() -> LookUpAnswer {
    LookUpAnswer::Sent { message: ProviderId::try_from("m-9").unwrap() }
}

fn both(answer: &LookUpAnswer) -> [LookUpAnswer; 2] {
    [answer.clone(), answer.clone()]
}

#[tokio::test]
async fn the_same_words_not_long_before_are_ours() {
    let other = message("m-1", "See you on Monday", "outbound", NEW);
    for created in [NEW, EARLY] {
        let ours = message("m-9", &words().text, "outbound", created);
        assert_eq!(with_messages(vec![other.clone(), ours]).await, both(&sent()), "{created}");
    }
}

#[tokio::test]
async fn clearly_not_there() {
    for messages in [
        vec![],
        vec![message("m-1", "See you on Monday, https://my.site", "outbound", NEW)],
        vec![message("m-9", &words().text, "outbound", TOO_OLD)],
        vec![message("m-9", &words().text, "inbound", NEW)],
    ] {
        assert_eq!(with_messages(messages.clone()).await, both(&LookUpAnswer::NotSent), "{messages:?}");
    }
}

#[tokio::test]
async fn whatever_could_be_ours_is_not_a_no() {
    let text = words().text;
    for unclear in [
        message("m-9", &text, "", NEW),
        message("m-9", &text, "outbound", ""),
        message("a b", &text, "outbound", NEW),
        message("m-9", &format!("{text} Reply STOP to opt out"), "outbound", NEW),
        json!({ "uid": "m-9", "body": null, "createdAt": NEW, "encryptedAt": NEW, "items": [] }),
        json!(null),
    ] {
        assert_eq!(with_messages(vec![unclear.clone()]).await, both(&LookUpAnswer::CannotTell), "{unclear}");
    }
}

#[tokio::test]
async fn pages_without_end_are_given_up() {
    for contract in [Published, Brief] {
        let (answer, targets) = look_up(contract, |seen| {
            let more = json!({ "data": [], "metadata": { "nextCursor": "again" } });
            if seen.target == CONTACT { contact() } else { Reply::json(200, &more) }
        })
        .await;
        assert_eq!(answer, Ok(LookUpAnswer::CannotTell));
        assert!(targets.len() <= 21, "{}", targets.len());
    }
}

#[tokio::test]
async fn nobody_was_never_written_to() {
    let (answer, _) = look_up(Published, |_| Reply::json(404, &json!({ "code": "resource_not_found" }))).await;
    assert_eq!(answer, Ok(LookUpAnswer::NotSent));
}

/// The briefs do not say that messages can be listed, nor how a list goes on.
#[tokio::test]
async fn a_briefs_podium_that_lists_nothing_cannot_tell() {
    let text = words().text;
    for reply in [
        Reply::json(404, &json!({ "code": "route_not_found" })),
        Reply::Status(404, "", String::new()),
        Reply::json(200, &json!({ "data": [message("m-1", "See you", "outbound", NEW)] })),
        Reply::json(200, &json!({ "messages": [{ "id": "m-9", "text": text }] })),
    ] {
        let given = reply.clone();
        let (answer, _) = look_up(Brief, move |_| given.clone()).await;
        assert_eq!(answer, Ok(LookUpAnswer::CannotTell), "{reply:?}");
    }
    let found = json!({ "data": [message("m-9", &text, "outbound", NEW)] });
    assert_eq!(look_up(Brief, move |_| Reply::json(200, &found)).await.0, Ok(sent()));
}

#[tokio::test]
async fn without_words_or_a_conversation_there_is_nothing_to_look_for() {
    let server = Server::always(Reply::Close).await;
    for (contract, what) in [
        (Brief, Say { conversation: None, ..words() }),
        (Brief, Say { text: " ".into(), ..words() }),
        (Published, Say { text: String::new(), ..words() }),
    ] {
        let answer = podium(contract, &server.url()).look_up_said(&phone(), &what, NOW).await;
        assert_eq!(answer, Ok(LookUpAnswer::CannotTell));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn trouble_is_asked_about_again_later() {
    for contract in [Published, Brief] {
        for status in [429, 503, 500, 403, 401] {
            let (answer, _) = look_up(contract, move |_| Reply::Status(status, "", String::new())).await;
            let throttled = matches!(answer, Err(NotDone::Throttled { .. }));
            assert_eq!(throttled, matches!(status, 429 | 503), "{contract:?} {status}: {answer:?}");
            assert!(answer.is_err(), "{contract:?} {status}");
        }
    }
}
