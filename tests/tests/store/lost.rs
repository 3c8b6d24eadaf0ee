//! Every write, with its answer lost, with the call itself lost, and with both in turn: the SDK tries again, and the
//! caller hears what became of its one wish.

use std::future::Future;

use frontdesk_aws::dynamo::DynamoStore;
use frontdesk_core::{
    contact::{
        ChangeOutcome, Contacts, Direction, Evidence, Hold, HoldOutcome, NotTextable, OptOutChange, OptOutFlag,
        OptOutSource,
    },
    ids::{ProviderId, Shard},
    inbox::{Accepted, Attempt, EventEnd, Inbox, InboxClaim},
    outbox::{Begin, Invite, Outbox, Send, Settlement},
    provider::{Limits, Provider},
    request::{Committed, Postpone, RequestChange, RequestClaim, RequestEnd, Requests, Wait},
    review::{Platform, PlatformChoice, PlatformRule},
    signature::Secret,
    store::Fenced,
    time::DAY,
    token::{AccessToken, RefreshClaim, Tokens},
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Fate, Wire},
};

use super::{T0, at, effect, event, event_key, lease, location, order, owner, phone, request, requests::commit};

/// What happens to the attempts of a call, one after the other; later ones pass.
const FATES: [&[Fate]; 4] =
    [&[Fate::LoseAnswer], &[Fate::LoseCall], &[Fate::LoseAnswer, Fate::LoseCall], &[Fate::LoseCall, Fate::LoseAnswer]];

/// Prepares tables over a good wire, and then makes one call over a bad one.
async fn each<P, PF, C, CF>(prepare: P, call: C)
where
    P: Fn(DynamoStore) -> PF,
    PF: Future<Output = ()>,
    C: Fn(DynamoStore) -> CF,
    CF: Future<Output = ()>,
{
    for fates in FATES {
        let tables = Tables::start().await;
        prepare(tables.store()).await;
        let wire = Wire::to(&tables.url, move |call| fates.get(call.number).cloned().unwrap_or(Fate::Pass)).await;
        call(store_at(&wire.url)).await;
        assert!(wire.calls().len() > fates.len(), "{fates:?}: it was tried again");
    }
}

async fn nothing(_: DynamoStore) {}

async fn accepted(store: DynamoStore) {
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
}

async fn claimed(store: DynamoStore) {
    accepted(store.clone()).await;
    store.claim(&event_key("e1"), &lease("a", at(1))).await.unwrap();
}

async fn scheduled(store: DynamoStore) {
    let change = RequestChange::Schedule(Box::new(request(1, at(10))));
    assert_eq!(commit(&store, "e1", &change).await, Committed::Written);
}

async fn in_hand(store: DynamoStore) {
    scheduled(store.clone()).await;
    store.claim_request(&order(1), &lease("s", at(10))).await.unwrap();
}

fn send() -> Send {
    Send { key: effect(1), phone: phone(1), location: location(), expires_at: T0.plus(DAY * 90) }
}

async fn begun(store: DynamoStore) {
    assert_eq!(store.begin(&send(), &lease("s", at(10))).await, Ok(Begin::Begun));
}

#[tokio::test]
async fn an_event_is_stored_and_not_taken_for_its_own_duplicate() {
    each(nothing, async |store| {
        assert_eq!(store.accept(&event("e1", "one", "r1", T0)).await, Ok(Accepted::Stored));
    })
    .await;
    each(accepted, async |store| {
        assert_eq!(store.accept(&event("e1", "one", "r2", at(1))).await, Ok(Accepted::Duplicate));
        assert_eq!(store.accept(&event("e1", "two", "r3", at(1))).await, Ok(Accepted::Mismatch));
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_one_attempt() {
    each(accepted, async |store| match store.claim(&event_key("e1"), &lease("a", at(1))).await {
        Ok(InboxClaim::Acquired(event)) => assert_eq!(event.attempts, 1),
        other => panic!("{other:?}"),
    })
    .await;
}

#[tokio::test]
async fn an_end_and_a_release_are_written() {
    each(claimed, async |store| {
        assert_eq!(store.finish(&event_key("e1"), &lease("a", at(1)), &EventEnd::Done("x")).await, Ok(Fenced::Written));
    })
    .await;
    each(claimed, async |store| {
        assert_eq!(store.release(&event_key("e1"), &lease("a", at(1)), Attempt::Counts).await, Ok(Fenced::Written));
    })
    .await;
}

#[tokio::test]
async fn a_sweeper_knows_that_the_row_is_its_own_to_queue() {
    each(accepted, async |store| {
        let row = frontdesk_core::inbox::WaitingRow { key: event_key("e1"), since: T0 };
        assert_eq!(store.requeue(&row, at(300)).await, Ok(true));
    })
    .await;
}

#[tokio::test]
async fn an_opt_out_holds_both_ways() {
    let change = |direction, said| OptOutChange {
        phone: phone(1),
        flag: OptOutFlag::Keyword,
        direction,
        at: at(said),
        evidence: Evidence { source: OptOutSource::Sms, message_id: None, text_sha256: None, recorded_at: at(said) },
    };
    let out = change(Direction::Out, 1);
    each(nothing, async |store| {
        assert_eq!(store.record_opt_out(&change(Direction::Out, 1)).await, Ok(ChangeOutcome::Applied));
    })
    .await;
    each(
        async |store: DynamoStore| {
            store.record_opt_out(&out).await.unwrap();
        },
        async |store| {
            assert_eq!(store.record_opt_out(&change(Direction::In, 2)).await, Ok(ChangeOutcome::Applied));
        },
    )
    .await;
}

fn hold(intent: u64) -> Hold {
    Hold { phone: phone(1), intent: effect(intent), now: T0, window: DAY * 30 }
}

#[tokio::test]
async fn the_gate_opens_for_the_one_that_reserved_and_its_release_is_its_own() {
    each(nothing, async |store| {
        assert_eq!(store.hold(&hold(1)).await, Ok(HoldOutcome::Held));
        assert_eq!(store.mark_not_textable(&phone(1), NotTextable::Landline, at(1)).await, Ok(()));
    })
    .await;
    each(
        async |store: DynamoStore| {
            store.hold(&hold(1)).await.unwrap();
        },
        async |store| assert_eq!(store.release_hold(&phone(1), &effect(1)).await, Ok(true)),
    )
    .await;
}

#[tokio::test]
async fn a_transaction_is_one_whatever_its_change() {
    let ready = async |store: DynamoStore| {
        scheduled(store.clone()).await;
        store.accept(&event("e2", "two", "r2", T0)).await.unwrap();
        store.claim(&event_key("e2"), &lease("b", at(2))).await.unwrap();
    };
    let expires_at = at(9_999);
    let reason = frontdesk_core::review::SkipReason::Refunded;
    let changes = [
        RequestChange::Schedule(Box::new(request(2, at(10)))),
        RequestChange::Skip { key: order(1), reason, at: at(2), expires_at },
        RequestChange::Skip { key: order(3), reason, at: at(2), expires_at },
        RequestChange::Defer { key: order(1), until: at(5_000), planned_from: T0 },
    ];
    for change in &changes {
        each(ready, async |store| {
            let end = EventEnd::Done("x");
            let written = store.commit(&event_key("e2"), &lease("b", at(2)), &end, change).await;
            assert_eq!(written, Ok(Committed::Written), "{change:?}");
            if let RequestChange::Defer { .. } = change {
                match store.claim_request(&order(1), &lease("s", at(5_000))).await.unwrap() {
                    RequestClaim::Acquired(request) => assert_eq!(request.plan.send_after, at(5_000)),
                    other => panic!("{other:?}"),
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_timer_knows_that_the_request_is_its_own_to_queue() {
    each(scheduled, async |store| {
        let shard = Shard::of(&order(1).to_key());
        let row = store.due(shard, at(10), 25).await.unwrap().remove(0);
        assert_eq!(store.mark_queued(&row, at(310)).await, Ok(true));
    })
    .await;
    let seen = async |store: &DynamoStore| {
        let shard = Shard::of(&order(1).to_key());
        store.due(shard, at(10), 25).await.unwrap().remove(0)
    };
    for fates in FATES {
        let tables = Tables::start().await;
        scheduled(tables.store()).await;
        let row = seen(&tables.store()).await;
        let wire = Wire::to(&tables.url, move |call| fates.get(call.number).cloned().unwrap_or(Fate::Pass)).await;
        assert_eq!(store_at(&wire.url).mark_queued(&row, at(310)).await, Ok(true), "{fates:?}");
    }
}

#[tokio::test]
async fn a_sender_holds_its_request_once_and_every_step_of_it_counts_once() {
    each(scheduled, async |store| match store.claim_request(&order(1), &lease("s", at(10))).await {
        Ok(RequestClaim::Acquired(request)) => assert_eq!(request.attempts, 1),
        other => panic!("{other:?}"),
    })
    .await;
    each(in_hand, async |store| {
        let choice = PlatformChoice { platform: Platform::Google, rule: PlatformRule::Fallback };
        assert_eq!(store.begin_sending(&order(1), &lease("s", at(10)), &choice).await, Ok(Fenced::Written));
    })
    .await;
    each(in_hand, async |store| {
        let put_off = Postpone { until: at(100), why: Wait::Trouble };
        assert_eq!(store.postpone(&order(1), &lease("s", at(10)), &put_off).await, Ok(Fenced::Written));
        match store.claim_request(&order(1), &lease("t", at(100))).await {
            Ok(RequestClaim::Acquired(request)) => {
                assert_eq!((request.attempts, request.trouble_since), (2, Some(at(10))));
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
    each(in_hand, async |store| {
        let end = RequestEnd::Unknown;
        assert_eq!(store.end_request(&order(1), &lease("s", at(10)), &end).await, Ok(Fenced::Written));
    })
    .await;
}

#[tokio::test]
async fn a_send_is_begun_and_settled_once() {
    let id = |text: &str| ProviderId::try_from(text).unwrap();
    each(nothing, async |store| {
        let invite = Invite { uid: id("i1"), url: "https://podium.example/i1".into() };
        assert_eq!(store.keep_invite(&send(), &invite).await, Ok(invite));
        assert_eq!(store.begin(&send(), &lease("s", at(10))).await, Ok(Begin::Begun));
    })
    .await;
    each(nothing, async |store| {
        assert_eq!(store.begin(&send(), &lease("s", at(10))).await, Ok(Begin::Begun));
    })
    .await;
    let settlements = [
        Settlement::Accepted { message: id("m1") },
        Settlement::NotSent,
        Settlement::Failed { reason: "refused_400".into() },
        Settlement::Unknown,
    ];
    for settlement in &settlements {
        each(begun, async |store| {
            assert_eq!(store.settle(&effect(1), &owner("s"), settlement, at(11)).await, Ok(Fenced::Written));
        })
        .await;
    }
}

#[tokio::test]
async fn a_pause_holds_and_a_refresh_is_ones_own() {
    each(nothing, async |store| {
        store.pause(Provider::Podium, at(60)).await.unwrap();
        assert_eq!(store.paused_until(Provider::Podium, T0).await, Ok(Some(at(60))));
    })
    .await;
    let claim = async |store: DynamoStore| {
        store.claim_refresh(Provider::Podium, &lease("a", T0)).await.unwrap();
    };
    each(nothing, async |store| {
        assert_eq!(store.claim_refresh(Provider::Podium, &lease("a", T0)).await, Ok(RefreshClaim::Acquired));
    })
    .await;
    each(claim, async |store| {
        let token = AccessToken { secret: Secret::new("t", "t1").unwrap(), expires_at: at(3_600), granted_at: T0 };
        assert_eq!(store.share_token(Provider::Podium, &lease("a", T0), &token).await, Ok(Fenced::Written));
    })
    .await;
    each(claim, async |store| {
        assert_eq!(store.abandon_refresh(Provider::Podium, &lease("a", T0)).await, Ok(Fenced::Written));
    })
    .await;
}
