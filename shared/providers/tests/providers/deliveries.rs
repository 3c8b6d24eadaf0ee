//! What became of what was sent: the very message, or the very invitation, and nothing else.

use std::time::Duration;

use frontdesk_core::{
    config::PodiumContract::{self, Brief, Published},
    ids::ProviderId,
    outbox::{DeliveryNews, FailureKind},
    provider::{Deliveries, DeliveryLookUp, NotDone},
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Seen, Server},
    world::{DEFAULT_WAIT, NOW, PHONE, assert_discreet, phone, podium},
};

const CONTACT: &str = "/v4/contacts/%2B61491570156";
const NEW: &str = "2026-02-25T06:13:25Z";

type Answer = Result<Option<DeliveryNews>, NotDone>;

async fn asked(
    contract: PodiumContract,
    message: &str,
    replies: impl FnMut(&Seen) -> Reply + Send + 'static,
) -> (Answer, Vec<String>) {
    let server = Server::start(replies).await;
    let message = ProviderId::try_from(message).unwrap();
    let what = DeliveryLookUp { phone: phone(), message, accepted_at: NOW };
    let answer = podium(contract, &server.url()).delivery(&what).await;
    if let Err(error) = &answer {
        assert_discreet(error);
    }
    (answer, server.targets())
}

fn contact(conversations: &[&str]) -> Reply {
    let uids: Vec<Value> = conversations.iter().map(|uid| json!({ "uid": uid })).collect();
    Reply::json(200, &json!({ "data": { "phoneNumbers": [PHONE], "conversations": uids } }))
}

fn message(uid: &str, status: &Value, reason: &Value, created: &str) -> Value {
    let item = json!({ "uid": "i", "body": "b", "sourceType": "outbound", "deliveryStatus": status });
    json!({ "uid": uid, "createdAt": created, "failureReason": reason, "items": [item] })
}

fn chatter(created: &str) -> Value {
    message("m-1", &json!("failed"), &json!("landline"), created)
}

fn page(messages: &[Value], next: Option<&str>) -> Reply {
    Reply::json(200, &json!({ "data": messages, "metadata": { "nextCursor": next } }))
}

/// One conversation with this message, behind another.
async fn published(status: Value, reason: Value) -> Answer {
    let messages = [chatter(NEW), message("m-9", &status, &reason, NEW)];
    let (answer, _) =
        asked(
            Published,
            "m-9",
            move |seen| {
                if seen.target == CONTACT { contact(&["v-1"]) } else { page(&messages, None) }
            },
        )
        .await;
    answer
}

async fn brief(reply: Reply) -> Answer {
    let (answer, targets) = asked(Brief, "inv_9001", move |_| reply.clone()).await;
    assert!(targets.iter().all(|target| target == "/v4/review-invitations/inv_9001"), "{targets:?}");
    answer
}

/// The functions' runtime moves it.
#[tokio::test]
async fn a_call_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    let server = Server::always(Reply::Close).await;
    let message = ProviderId::try_from("m-9").unwrap();
    let what = DeliveryLookUp { phone: phone(), message, accepted_at: NOW };
    movable(podium(Published, &server.url()).delivery(&what));
}

#[tokio::test]
async fn the_very_message_says_what_became_of_it() {
    let failed = |kind| Ok(Some(DeliveryNews::Failed(kind)));
    for (status, reason, expected) in [
        (json!("delivered"), json!(null), Ok(Some(DeliveryNews::Delivered))),
        (json!("sent"), json!(null), Ok(Some(DeliveryNews::Sent))),
        (json!(null), json!(null), Ok(Some(DeliveryNews::Sent))),
        (json!("failed"), json!("P0005"), failed(FailureKind::CarrierFiltered)),
        (json!("failed"), json!("Attempted to send SMS to a landline."), failed(FailureKind::Landline)),
        (json!("failed"), json!("stop_keyword"), failed(FailureKind::OptedOut)),
        (json!("failed"), json!(null), failed(FailureKind::Other)),
    ] {
        assert_eq!(published(status.clone(), reason.clone()).await, expected, "{status} {reason}");
    }
}

#[tokio::test]
async fn a_message_is_looked_for_on_every_page() {
    let (answer, targets) = asked(Published, "m-9", |seen| match seen.target.as_str() {
        CONTACT => contact(&["v-1", "v-2"]),
        "/v4/conversations/v-1/messages" => page(&[chatter(NEW)], Some("n2")),
        "/v4/conversations/v-1/messages?cursor=n2" => page(&[chatter(NEW)], None),
        "/v4/conversations/v-2/messages" => page(&[message("m-9", &json!("delivered"), &json!(null), NEW)], Some("n3")),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(answer, Ok(Some(DeliveryNews::Delivered)));
    assert_eq!(targets.len(), 4);
}

/// Where the newest comes first, nothing newer follows a page that is too old.
#[tokio::test]
async fn what_is_too_old_is_not_read_to_its_end() {
    let (answer, targets) = asked(Published, "m-9", |seen| match seen.target.as_str() {
        CONTACT => contact(&["v-1"]),
        _ => page(&[chatter("2026-02-02T00:00:00Z"), chatter("2026-02-01T00:00:00Z")], Some("n2")),
    })
    .await;
    assert_eq!((answer, targets.len()), (Ok(None), 2));
}

#[tokio::test]
async fn a_list_without_an_end_is_left() {
    let mut pages = 0;
    let (answer, targets) = asked(Published, "m-9", move |seen| {
        pages += 1;
        if seen.target == CONTACT { contact(&["v-1", "v-2"]) } else { page(&[chatter(NEW)], Some(&pages.to_string())) }
    })
    .await;
    assert_eq!((answer, targets.len()), (Ok(None), 21));
}

#[tokio::test]
async fn who_or_what_is_not_there_says_nothing() {
    let absent = Reply::json(404, &json!({ "code": "resource_not_found" }));
    let stranger = Reply::json(200, &json!({ "data": { "phoneNumbers": ["+61491570157"], "conversations": [] } }));
    for reply in [absent.clone(), stranger] {
        let (answer, _) = asked(Published, "m-9", move |_| reply.clone()).await;
        assert_eq!(answer, Ok(None));
    }
    for messages in [absent, page(&[chatter(NEW)], None), Reply::json(200, &json!({ "data": {} }))] {
        let (answer, _) =
            asked(
                Published,
                "m-9",
                move |seen| {
                    if seen.target == CONTACT { contact(&["v-1"]) } else { messages.clone() }
                },
            )
            .await;
        assert_eq!(answer, Ok(None));
    }
}

#[tokio::test]
async fn an_invitation_of_the_briefs() {
    let failed = |kind| Ok(Some(DeliveryNews::Failed(kind)));
    for (body, expected) in [
        (json!({ "id": "inv_9001", "status": "delivered" }), Ok(Some(DeliveryNews::Delivered))),
        (json!({ "data": { "id": "inv_9001", "status": "delivered" } }), Ok(Some(DeliveryNews::Delivered))),
        (json!({ "status": "sent" }), Ok(Some(DeliveryNews::Sent))),
        (
            json!({ "invitation_id": "inv_9001", "status": "failed", "failure_reason": "carrier_filtered" }),
            failed(FailureKind::CarrierFiltered),
        ),
        (json!({ "status": "failed", "failure_reason": "recipient_optout" }), failed(FailureKind::OptedOut)),
        (json!({ "status": "failed" }), failed(FailureKind::Other)),
        (json!({ "status": "queued" }), Ok(None)),
        (json!({}), Ok(None)),
        (json!([]), Ok(None)),
        // Another's.
        (json!({ "id": "inv_9002", "status": "delivered" }), Ok(None)),
    ] {
        assert_eq!(brief(Reply::json(200, &body)).await, expected, "{body}");
    }
    assert_eq!(brief(Reply::json(404, &json!({ "error": "not_found" }))).await, Ok(None));
}

#[tokio::test]
async fn an_id_cannot_leave_its_path() {
    let (answer, targets) = asked(Brief, "../contacts?x", |_| Reply::json(404, &json!({}))).await;
    assert_eq!((answer, targets), (Ok(None), vec!["/v4/review-invitations/..%2Fcontacts%3Fx".to_owned()]));
    let (answer, targets) = asked(Brief, "..", |_| Reply::Close).await;
    assert_eq!((answer, targets.len()), (Ok(None), 0));
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
        let given = reply.clone();
        let (of_published, _) = asked(Published, "m-9", move |_| given.clone()).await;
        for answer in [of_published, brief(reply.clone()).await] {
            match (answer.unwrap_err(), wait) {
                (NotDone::Throttled { wait, .. }, Some(expected)) => assert_eq!(wait, expected),
                (NotDone::Unavailable { .. }, None) => {}
                (other, _) => panic!("{reply:?}: {other:?}"),
            }
        }
    }
}
