//! What a person says of a send that nobody could say of: the send, its request and its cooldown agree afterwards.

use frontdesk_aws::dynamo::DynamoStore;
use frontdesk_core::{
    contact::{Contacts, Hold},
    ids::{EffectKey, EventId, Shard},
    outbox::{DELIVERY_WITHIN, NOT_SENT, Outbox, OutboxState, Send, Settlement, Testified, Testimonies, Testimony},
    redrive::Decided,
    request::{Committed, RequestChange, RequestEnd, RequestStatus, Requests},
    store::StoreError,
    time::DAY,
};
use frontdesk_tests::tables::Tables;

use super::{
    T0, at, effect, lease, order,
    outbox::{id, send},
    owner, phone,
    races::{MANY, all_at_once, count},
    request,
    requests::commit,
};

fn decided() -> Decided {
    Decided { by: "Ines".into(), reason: "looked at Podium".into(), at: at(900) }
}

fn sent(message: Option<&str>) -> Testimony {
    Testimony::Sent { message: message.map(id) }
}

/// A request whose send is unknown, as its sender left it; it holds its cooldown.
pub(super) async fn unknown(store: &DynamoStore) {
    let change = RequestChange::Schedule(Box::new(request(1, at(10))));
    assert_eq!(commit(store, "e1", &change).await, Committed::Written);
    store.claim_request(&order(1), &lease("s", at(10))).await.unwrap();
    unknown_send(store, &send(1)).await;
    let _ = store.end_request(&order(1), &lease("s", at(10)), &RequestEnd::Unknown, None).await.unwrap();
}

async fn unknown_send(store: &DynamoStore, send: &Send) {
    store.hold(&Hold { phone: phone(1), intent: effect(1), now: T0, window: DAY * 30 }).await.unwrap();
    store.begin(send, &lease("s", at(10))).await.unwrap();
    let _ = store.settle(&send.key, &owner("s"), &Settlement::Unknown, at(11)).await.unwrap();
}

pub(super) async fn testify(
    store: &DynamoStore,
    key: &EffectKey,
    testimony: &Testimony,
) -> Result<OutboxState, Option<OutboxState>> {
    match store.testify(key, testimony, &decided()).await.unwrap() {
        Testified::Written(row) => Ok(row.state),
        Testified::NotUnknown(state) => Err(Some(state)),
        Testified::Missing => Err(None),
    }
}

async fn is_held(store: &DynamoStore) -> bool {
    store.contact(&phone(1)).await.unwrap().is_some_and(|contact| contact.cooldown.is_some())
}

async fn attention(store: &DynamoStore, key: &EffectKey) -> Option<i64> {
    let due = store.unresolved(Shard::of(key.as_str()), at(9_999_999), 9).await.unwrap();
    due.iter().find(|due| due.key == *key).map(|due| due.at.get())
}

#[tokio::test]
async fn one_that_is_there_counts_as_sent_and_keeps_its_cooldown() {
    for message in [Some("m-7"), None] {
        let tables = Tables::start().await;
        let store = tables.store();
        unknown(&store).await;
        let state = testify(&store, &effect(1), &sent(message)).await.unwrap();
        let OutboxState::Accepted { message: kept } = state else { panic!("{state:?}") };
        assert_eq!(kept.as_str() == "m-7", message.is_some());
        assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Sent));
        let request = tables.item("review_requests", &order(1).to_key()).unwrap();
        assert_eq!(request["message_id"]["S"], kept.as_str());
        assert!(request.get("reason_code").is_none(), "{request}");
        assert!(is_held(&store).await);
        // Without its id nobody could ever say that it arrived, so nobody waits for that.
        let due = at(900).plus(DELIVERY_WITHIN).get();
        assert_eq!(attention(&store, &effect(1)).await, message.map(|_| due));
        let row = tables.item("outbox", effect(1).as_str()).unwrap();
        assert_eq!(row["testified_by"]["S"], "Ines");
        assert_eq!(row["testified_reason"]["S"], "looked at Podium");
        assert_eq!(row["testified_at_ms"]["N"], at(900).get().to_string());
    }
}

#[tokio::test]
async fn one_that_is_not_there_has_failed_and_frees_its_own_cooldown_only() {
    let failed = OutboxState::Failed { reason: NOT_SENT.into() };
    let tables = Tables::start().await;
    let store = tables.store();
    unknown(&store).await;
    assert_eq!(testify(&store, &effect(1), &Testimony::NotSent).await, Ok(failed.clone()));
    assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Failed));
    assert_eq!(tables.item("review_requests", &order(1).to_key()).unwrap()["reason_code"]["S"], NOT_SENT);
    assert!(!is_held(&store).await);
    assert_eq!(attention(&store, &effect(1)).await, None);

    let tables = Tables::start().await;
    let store = tables.store();
    unknown(&store).await;
    store.release_hold(&phone(1), &effect(1)).await.unwrap();
    store.hold(&Hold { phone: phone(1), intent: effect(2), now: at(20), window: DAY * 30 }).await.unwrap();
    assert_eq!(testify(&store, &effect(1), &Testimony::NotSent).await, Ok(failed));
    assert!(is_held(&store).await, "another request's");
}

/// Its sender died between the two: it comes back, reads what the send is now, and ends it by that.
#[tokio::test]
async fn a_request_that_has_not_ended_is_left_to_its_sender() {
    let tables = Tables::start().await;
    let store = tables.store();
    let change = RequestChange::Schedule(Box::new(request(1, at(10))));
    assert_eq!(commit(&store, "e1", &change).await, Committed::Written);
    store.claim_request(&order(1), &lease("s", at(10))).await.unwrap();
    unknown_send(&store, &send(1)).await;
    testify(&store, &effect(1), &Testimony::NotSent).await.unwrap();
    assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Scheduled));
    assert_eq!(RequestEnd::from_reason(NOT_SENT).status(), RequestStatus::Failed);
    assert_eq!(RequestEnd::from_reason(NOT_SENT).reason().as_deref(), Some(NOT_SENT));
}

#[tokio::test]
async fn a_message_in_a_conversation_has_no_request_and_no_cooldown() {
    let tables = Tables::start().await;
    let store = tables.store();
    let key = EffectKey::answer(&EventId::try_from("m-1").unwrap());
    unknown_send(&store, &Send { key: key.clone(), ..send(1) }).await;
    assert!(testify(&store, &key, &sent(Some("m-9"))).await.is_ok());
    assert_eq!(attention(&store, &key).await, None, "it shows by the conversation");
    assert!(is_held(&store).await, "that of a request");
    assert_eq!(tables.items("review_requests").len(), 0);
}

#[tokio::test]
async fn only_of_what_is_unknown_somebody_has_to_say_something() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(testify(&store, &effect(1), &sent(None)).await, Err(None));
    assert!(tables.items("outbox").is_empty());
    store.begin(&send(1), &lease("s", at(10))).await.unwrap();
    assert!(matches!(testify(&store, &effect(1), &sent(None)).await, Err(Some(OutboxState::Sending(_)))));
    for settlement in [Settlement::Accepted { message: id("m1") }, Settlement::Failed { reason: "refused_422".into() }]
    {
        let tables = Tables::start().await;
        let store = tables.store();
        store.begin(&send(1), &lease("s", at(10))).await.unwrap();
        let _ = store.settle(&effect(1), &owner("s"), &settlement, at(11)).await.unwrap();
        let before = tables.item("outbox", effect(1).as_str());
        assert!(testify(&store, &effect(1), &Testimony::NotSent).await.is_err());
        assert_eq!(tables.item("outbox", effect(1).as_str()), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_people_who_differ_the_first_is_believed_in_everything() {
    let tables = Tables::start().await;
    unknown(&tables.store()).await;
    let outcomes: Vec<Result<bool, StoreError>> = all_at_once(&tables, MANY, |store, n| async move {
        let testimony = if n % 2 == 0 { sent(None) } else { Testimony::NotSent };
        let said = store.testify(&effect(1), &testimony, &decided()).await?;
        Ok(matches!(said, Testified::Written(_)))
    })
    .await;
    assert_eq!(count(&outcomes, |outcome| *outcome == Ok(true)), 1, "{outcomes:?}");
    let was_sent = tables.request_status(&order(1)) == Some(RequestStatus::Sent);
    let state = tables.store().outbox_state(&effect(1)).await.unwrap().unwrap();
    assert_eq!(matches!(state, OutboxState::Accepted { .. }), was_sent, "{state:?}");
    assert_eq!(is_held(&tables.store()).await, was_sent);
}
