//! Sends: begun by one, settled by that one, never begun again while nobody knows.

use frontdesk_core::{
    ids::{EffectKey, ProviderId, Shard},
    outbox::{Begin, Invite, Outbox, OutboxState, Send, SendRow, Settlement, Unfinished, Unresolved},
    store::Fenced,
    time::{DAY, UnixMillis},
};
use frontdesk_tests::tables::Tables;

use super::{T0, at, effect, event_key, lease, location, order, owner, phone};

pub(super) fn send(number: u64) -> Send {
    Send { key: effect(number), phone: phone(1), location: location(), expires_at: T0.plus(DAY * 90) }
}

pub(super) fn id(text: &str) -> ProviderId {
    ProviderId::try_from(text).unwrap()
}

pub(super) fn invite(name: &str) -> Invite {
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
        assert_eq!(begun["since_ms"]["N"], T0.plus(DAY).get().to_string(), "{begun}");
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

async fn attention(store: &impl Outbox, before: UnixMillis) -> Vec<Unresolved> {
    let mut due = Vec::new();
    for shard in Shard::all() {
        due.extend(store.unresolved(shard, before, 25).await.unwrap());
    }
    due
}

#[tokio::test]
async fn a_send_is_read_with_all_that_is_kept_of_it() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.send_row(&effect(1)).await, Ok(None));
    store.keep_invite(&send(1), &invite("i1")).await.unwrap();
    let mut row = SendRow {
        state: OutboxState::Pending { invite: Some(invite("i1")) },
        phone: Some(phone(1)),
        location: location(),
        invite: Some(invite("i1")),
        settled_at: None,
        expires_at: T0.plus(DAY * 90),
    };
    assert_eq!(store.send_row(&effect(1)).await, Ok(Some(row.clone())));
    store.begin(&send(1), &lease("a", at(1))).await.unwrap();
    let accepted = Settlement::Accepted { message: id("m1") };
    assert_eq!(store.settle(&effect(1), &owner("a"), &accepted, at(2)).await, Ok(Fenced::Written));
    row.state = OutboxState::Accepted { message: id("m1") };
    row.settled_at = Some(at(2));
    assert_eq!(store.send_row(&effect(1)).await, Ok(Some(row)), "the link is still known");
}

#[tokio::test]
async fn what_is_planned_waits_for_its_day_and_is_planned_once() {
    let tables = Tables::start().await;
    let store = tables.store();
    let key = EffectKey::reminder(&order(1));
    let planned = Send { key: key.clone(), ..send(1) };
    store.plan(&planned, at(100)).await.unwrap();
    store.plan(&Send { phone: phone(2), ..planned.clone() }, at(5)).await.unwrap();
    assert_eq!(attention(&store, at(99)).await, []);
    assert_eq!(attention(&store, at(100)).await, [Unresolved { key: key.clone(), at: at(100) }]);
    let row = store.send_row(&key).await.unwrap().unwrap();
    assert_eq!((row.state, row.phone), (OutboxState::Pending { invite: None }, Some(phone(1))));

    assert_eq!(store.begin(&planned, &lease("a", at(100))).await, Ok(Begin::Begun));
    assert_eq!(attention(&store, at(100).plus(DAY)).await[0].at, at(100).plus(DAY), "should its sender die");
    assert_eq!(store.settle(&key, &owner("a"), &Settlement::NotSent, at(101)).await, Ok(Fenced::Written));
    assert_eq!(attention(&store, at(101).plus(DAY)).await[0].at, at(101).plus(DAY), "nobody else brings it back");
    store.plan(&planned, at(5)).await.unwrap();
    assert_eq!(attention(&store, at(6)).await, [], "what was begun is not planned");
}

#[tokio::test]
async fn whatever_somebody_has_to_confirm_needs_attention_a_day_later_and_nothing_else_does() {
    let confirmed = [effect(1), EffectKey::reminder(&order(1))];
    let shown =
        [EffectKey::answer(&event_key("e1").event), EffectKey::keep_alive("s", 1), EffectKey::thanks(&id("rev_1"))];
    for (keys, waits) in [(confirmed.as_slice(), true), (shown.as_slice(), false)] {
        for key in keys {
            let tables = Tables::start().await;
            let store = tables.store();
            let send = Send { key: key.clone(), ..send(1) };
            store.begin(&send, &lease("a", T0)).await.unwrap();
            assert_eq!(attention(&store, T0.plus(DAY)).await.len(), 1, "{key:?} begun and not settled");
            let accepted = Settlement::Accepted { message: id("m1") };
            assert_eq!(store.settle(key, &owner("a"), &accepted, at(9)).await, Ok(Fenced::Written));
            let due = attention(&store, at(9).plus(DAY)).await;
            let expected = waits.then(|| Unresolved { key: key.clone(), at: at(9).plus(DAY) });
            assert_eq!(due, Vec::from_iter(expected), "{key:?}");
        }
    }
}

#[tokio::test]
async fn attention_is_put_off_and_ended_and_never_makes_a_row() {
    let tables = Tables::start().await;
    let store = tables.store();
    for next in [None, Some(at(1))] {
        store.attend(&effect(9), next).await.unwrap();
    }
    assert_eq!(tables.items("outbox").len(), 0);
    for number in 1..=3 {
        store.begin(&send(number), &lease("a", at(number))).await.unwrap();
    }
    store.attend(&effect(1), Some(at(50).plus(DAY))).await.unwrap();
    store.attend(&effect(2), None).await.unwrap();
    let mut due = attention(&store, at(50).plus(DAY)).await;
    due.sort_by_key(|due| due.at);
    let keys: Vec<EffectKey> = due.into_iter().map(|due| due.key).collect();
    assert_eq!(keys, [effect(3), effect(1)]);
}
