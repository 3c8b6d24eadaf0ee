//! Sends: begun by one, settled by that one, never begun again while nobody knows.

use frontdesk_core::{
    ids::ProviderId,
    outbox::{Begin, Invite, Outbox, OutboxState, Send, Settlement, Unfinished},
    store::{Fenced, StoreError},
    time::DAY,
};
use frontdesk_tests::tables::Tables;

use super::{T0, at, effect, lease, location, owner, phone};

fn send(number: u64) -> Send {
    Send { key: effect(number), phone: phone(1), location: location(), expires_at: T0.plus(DAY * 90) }
}

fn id(text: &str) -> ProviderId {
    ProviderId::try_from(text).unwrap()
}

fn invite(name: &str) -> Invite {
    Invite { uid: id(name), url: format!("https://podium.example/{name}") }
}

#[tokio::test]
async fn the_first_link_counts_and_survives_every_attempt() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.outbox_state(&effect(1)).await, Ok(None));
    assert_eq!(store.keep_invite(&send(1), &invite("i1")).await, Ok(invite("i1")));
    assert_eq!(store.keep_invite(&send(1), &invite("i2")).await, Ok(invite("i1")));
    let pending = OutboxState::Pending { invite: Some(invite("i1")) };
    assert_eq!(store.outbox_state(&effect(1)).await, Ok(Some(pending.clone())));

    assert_eq!(store.begin(&send(1), &lease("a", at(1))).await, Ok(Begin::Begun));
    let begun = Unfinished { owner: owner("a"), began_at: at(1), invite: Some(invite("i1")) };
    assert_eq!(store.outbox_state(&effect(1)).await, Ok(Some(OutboxState::Sending(begun))));
    assert_eq!(store.settle(&effect(1), &owner("a"), &Settlement::NotSent, at(2)).await, Ok(Fenced::Written));
    assert_eq!(store.outbox_state(&effect(1)).await, Ok(Some(pending)));
    assert_eq!(store.begin(&send(1), &lease("b", at(3))).await, Ok(Begin::Begun), "it certainly did not happen");
}

#[tokio::test]
async fn what_is_begun_stays_begun_until_its_owner_says_otherwise() {
    let tables = Tables::start().await;
    let store = tables.store();
    let first = lease("a", T0);
    assert_eq!(store.begin(&send(1), &first).await, Ok(Begin::Begun));
    assert_eq!(store.begin(&send(1), &lease("a", at(5))).await, Ok(Begin::Begun), "again");
    let begun = OutboxState::Sending(Unfinished { owner: owner("a"), began_at: T0, invite: None });
    assert_eq!(
        store.begin(&send(1), &lease("b", at(9_999))).await,
        Ok(Begin::Refused(begun.clone())),
        "no lease ends it"
    );
    let accepted = Settlement::Accepted { message: id("m1") };
    assert_eq!(store.settle(&effect(1), &owner("b"), &accepted, at(1)).await, Ok(Fenced::Lost));
    assert_eq!(
        store.settle(&effect(2), &owner("a"), &accepted, at(1)).await,
        Ok(Fenced::Lost),
        "there is no such send"
    );
    assert_eq!(tables.items("outbox").len(), 1, "and none was made");
    assert_eq!(store.outbox_state(&effect(1)).await, Ok(Some(begun)));
}

#[tokio::test]
async fn a_settled_send_says_what_it_is_and_is_never_begun_again() {
    let settled = [
        (Settlement::Accepted { message: id("m1") }, OutboxState::Accepted { message: id("m1") }, true),
        (
            Settlement::Failed { reason: "refused_422".into() },
            OutboxState::Failed { reason: "refused_422".into() },
            false,
        ),
        (Settlement::Unknown, OutboxState::Unknown, false),
    ];
    for (settlement, state, unresolved) in settled {
        let tables = Tables::start().await;
        let store = tables.store();
        store.begin(&send(1), &lease("a", T0)).await.unwrap();
        let begun = tables.item("outbox", effect(1).as_str()).unwrap();
        assert_eq!(begun["since_ms"]["N"], T0.get().to_string(), "{begun}");
        assert_eq!(store.settle(&effect(1), &owner("a"), &settlement, at(1)).await, Ok(Fenced::Written));
        assert_eq!(
            store.settle(&effect(1), &owner("a"), &settlement, at(1)).await,
            Ok(Fenced::Written),
            "our own success"
        );
        assert_eq!(store.settle(&effect(1), &owner("b"), &settlement, at(1)).await, Ok(Fenced::Lost));
        assert_eq!(store.settle(&effect(1), &owner("a"), &Settlement::NotSent, at(1)).await, Ok(Fenced::Lost));
        assert_eq!(store.outbox_state(&effect(1)).await, Ok(Some(state.clone())));
        assert_eq!(store.begin(&send(1), &lease("c", at(2))).await, Ok(Begin::Refused(state)));
        let row = tables.item("outbox", effect(1).as_str()).unwrap();
        assert_eq!(row.get("unresolved_shard").is_some(), unresolved, "{row}");
        assert!(row.get("lease_until_ms").is_none());
    }
}

#[tokio::test]
async fn another_message_is_another_outcome() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.begin(&send(1), &lease("a", T0)).await.unwrap();
    let first = Settlement::Accepted { message: id("m1") };
    assert_eq!(store.settle(&effect(1), &owner("a"), &first, at(1)).await, Ok(Fenced::Written));
    let second = Settlement::Accepted { message: id("m2") };
    assert_eq!(store.settle(&effect(1), &owner("a"), &second, at(1)).await, Ok(Fenced::Lost));
}

#[tokio::test]
async fn what_was_sent_is_found_by_the_providers_name_of_it() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.recipient_of(&id("m1")).await, Ok(None), "none of ours");
    let other = Send { phone: phone(2), ..send(2) };
    for (send, settlement) in [
        (send(1), Settlement::Accepted { message: id("m1") }),
        (other, Settlement::Accepted { message: id("m2") }),
        (send(3), Settlement::Failed { reason: "m3".into() }),
    ] {
        store.begin(&send, &lease("a", T0)).await.unwrap();
        assert_eq!(store.settle(&send.key, &owner("a"), &settlement, at(1)).await, Ok(Fenced::Written));
    }
    assert_eq!(store.recipient_of(&id("m1")).await, Ok(Some(phone(1))));
    assert_eq!(store.recipient_of(&id("m2")).await, Ok(Some(phone(2))));
    assert_eq!(store.recipient_of(&id("m3")).await, Ok(None), "a reason is no message");
}

#[tokio::test]
async fn a_recipient_that_cannot_be_read_is_not_taken_for_nobody() {
    let tables = Tables::start().await;
    let row = serde_json::json!({"pk": {"S": "x"}, "message_id": {"S": "m1"}, "phone_e164": {"S": "0491 570 006"}});
    tables.put("outbox", &row);
    let unreadable = StoreError::Corrupt { table: "outbox", what: "phone_e164" };
    assert_eq!(tables.store().recipient_of(&id("m1")).await, Err(unreadable));
}
