//! Many at once. The tables decide; whoever asks, one wins.

use std::{future::Future, sync::Arc, time::Duration};

use frontdesk_aws::dynamo::DynamoStore;
use frontdesk_core::{
    contact::{Contacts, Direction, Evidence, Hold, HoldOutcome, Objection, OptOutChange, OptOutFlag, OptOutSource},
    inbox::{Accepted, Attempt, EventEnd, Inbox, InboxClaim, WaitingRow},
    outbox::{Begin, Outbox, Send},
    provider::Provider,
    request::{Committed, RequestChange, RequestClaim, RequestEnd, Requests},
    review::{Platform, PlatformChoice, PlatformRule, SkipReason},
    store::{Fenced, Lease},
    time::DAY,
    token::{RefreshClaim, Tokens},
};
use frontdesk_tests::tables::Tables;
use tokio::sync::Barrier;

use super::{T0, at, effect, event, event_key, lease, location, order, phone, request, requests::commit};

pub(super) const MANY: u64 = 64;

/// Runs one task for each of `0..many`, all let go at once, each with a client of its own.
pub(super) async fn all_at_once<T, F>(tables: &Tables, many: u64, task: impl Fn(DynamoStore, u64) -> F) -> Vec<T>
where
    T: core::marker::Send + 'static,
    F: Future<Output = T> + core::marker::Send + 'static,
{
    let barrier = Arc::new(Barrier::new(usize::try_from(many).unwrap()));
    let stores: Vec<DynamoStore> = (0..8).map(|_| tables.store()).collect();
    let running: Vec<_> = (0..many)
        .map(|n| {
            let (barrier, work) = (Arc::clone(&barrier), task(stores[usize::try_from(n % 8).unwrap()].clone(), n));
            tokio::spawn(async move {
                barrier.wait().await;
                work.await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in running {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

pub(super) fn count<T>(outcomes: &[T], like: impl Fn(&T) -> bool) -> usize {
    outcomes.iter().filter(|outcome| like(outcome)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_deliveries_of_one_event_are_one_row() {
    let tables = Tables::start().await;
    let outcomes = all_at_once(&tables, MANY, |store, n| async move {
        store.accept(&event("e1", "one", &format!("r{n}"), T0)).await.unwrap()
    })
    .await;
    assert_eq!(count(&outcomes, |o| *o == Accepted::Stored), 1);
    assert_eq!(count(&outcomes, |o| *o == Accepted::Duplicate), 63);
    assert_eq!(tables.items("inbox").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_different_bodies_under_one_id_the_first_is_the_event_and_each_other_is_kept_once() {
    let tables = Tables::start().await;
    let outcomes = all_at_once(&tables, MANY, |store, n| async move {
        store.accept(&event("e1", &format!("body {}", n % 4), &format!("r{n}"), T0)).await.unwrap()
    })
    .await;
    assert_eq!(count(&outcomes, |o| *o == Accepted::Stored), 1);
    assert_eq!(count(&outcomes, |o| *o == Accepted::Duplicate), 15);
    assert_eq!(count(&outcomes, |o| *o == Accepted::Mismatch), 48);
    assert_eq!(tables.items("inbox").len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_orders_of_one_phone_reserve_one_cooldown_that_only_its_holder_frees() {
    let tables = Tables::start().await;
    let hold = |n| Hold { phone: phone(1), intent: effect(n), now: T0, window: DAY * 30 };
    let outcomes = all_at_once(&tables, MANY, |store, n| async move { (n, store.hold(&hold(n)).await.unwrap()) }).await;
    let winners: Vec<u64> = outcomes.iter().filter(|(_, o)| *o == HoldOutcome::Held).map(|(n, _)| *n).collect();
    let [winner] = winners.as_slice() else { panic!("{winners:?}") };
    let cooling = HoldOutcome::Refused(Objection::CoolingDown { until: T0.plus(DAY * 30) });
    assert_eq!(count(&outcomes, |(_, o)| *o == cooling), 63);

    let freed =
        all_at_once(
            &tables,
            MANY,
            |store, n| async move { (n, store.release_hold(&phone(1), &effect(n)).await.unwrap()) },
        )
        .await;
    let freed: Vec<u64> = freed.iter().filter(|(_, freed)| *freed).map(|(n, _)| *n).collect();
    assert_eq!(freed, [*winner]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_out_among_many_sends_leaves_no_gate_open_behind_it() {
    for round in 0..10 {
        let tables = Tables::start().await;
        // The send's clock and the opt-out's do not matter: once it is written, nobody passes.
        let outcomes = all_at_once(&tables, 16, |store, n| async move {
            if n == 7 {
                let evidence = Evidence {
                    source: OptOutSource::Sms,
                    message_id: None,
                    text_sha256: None,
                    recorded_at: T0,
                    by_hand: None,
                };
                let (flag, direction) = (OptOutFlag::Keyword, Direction::Out);
                let change = OptOutChange { phone: phone(1), flag, direction, at: at(round), evidence };
                store.record_opt_out(&change).await.unwrap();
            }
            let hold = Hold { phone: phone(1), intent: effect(1), now: at(n), window: DAY * 30 };
            let before = store.hold(&hold).await.unwrap();
            let after = store.hold(&hold).await.unwrap();
            (n, before, after)
        })
        .await;
        let opted_out = HoldOutcome::Refused(Objection::OptedOut(OptOutFlag::Keyword));
        for (n, before, after) in outcomes {
            assert!(n != 7 || before == opted_out, "it holds as soon as it is written");
            assert!(before == HoldOutcome::Held || after == opted_out, "and is never forgotten: {before:?} {after:?}");
        }
        assert_eq!(
            tables.store().hold(&Hold { phone: phone(1), intent: effect(1), now: T0, window: DAY }).await,
            Ok(opted_out)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_claims_and_takeovers_lets_one_worker_end_each_event() {
    let tables = Tables::start().await;
    let store = tables.store();
    for id in 0..4 {
        store.accept(&event(&format!("e{id}"), "one", "r", T0)).await.unwrap();
    }
    let ends = all_at_once(&tables, MANY, |store, n| async move {
        let key = event_key(&format!("e{}", n % 4));
        let (mut written, mut attempts) = (0, Vec::new());
        for round in 0..8_u64 {
            // Leases of a second, in a time that runs on: holders are overtaken in the middle of their work.
            let now = at(round * 3 + n % 3);
            let me = format!("w{n}-{round}");
            let held = Lease { until: now.plus(Duration::from_secs(1)), ..lease(&me, now) };
            if let InboxClaim::Acquired(event) = store.claim(&key, &held).await.unwrap() {
                attempts.push(event.attempts);
                tokio::task::yield_now().await;
                let outcome = match n % 3 {
                    0 => store.finish(&key, &held, &EventEnd::Done("x")).await.unwrap(),
                    1 => {
                        let _ = store.release(&key, &held, Attempt::Counts).await.unwrap();
                        continue;
                    }
                    _ => continue,
                };
                written += usize::from(outcome == Fenced::Written);
            }
        }
        (n % 4, written, attempts)
    })
    .await;
    for id in 0..4 {
        let mut written: usize = ends.iter().filter(|(event, ..)| *event == id).map(|(_, written, _)| written).sum();
        let mut attempts: Vec<u32> =
            ends.iter().filter(|(event, ..)| *event == id).flat_map(|(_, _, a)| a.clone()).collect();
        // Whoever comes after the storm ends what it left open, and only that.
        let (key, last) = (event_key(&format!("e{id}")), lease("last", at(10_000)));
        if let InboxClaim::Acquired(event) = store.claim(&key, &last).await.unwrap() {
            attempts.push(event.attempts);
            written += usize::from(store.finish(&key, &last, &EventEnd::Done("x")).await.unwrap() == Fenced::Written);
        }
        assert_eq!(written, 1, "event {id}");
        attempts.sort_unstable();
        let expected: Vec<u32> = (1..=u32::try_from(attempts.len()).unwrap()).collect();
        assert_eq!(attempts, expected, "no attempt is counted twice or not at all");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_timers_one_queues_and_of_many_senders_one_holds() {
    let tables = Tables::start().await;
    let store = tables.store();
    commit(&store, "e1", &RequestChange::Schedule(Box::new(request(1, at(10))))).await;
    store.accept(&event("e2", "two", "r", T0)).await.unwrap();
    let row = store.due(frontdesk_core::ids::Shard::of(&order(1).to_key()), at(10), 25).await.unwrap().remove(0);
    let outcomes = all_at_once(&tables, MANY, |store, _| {
        let row = row.clone();
        async move {
            let waiting = WaitingRow { key: event_key("e2"), since: T0, group: None };
            (store.mark_queued(&row, at(310)).await.unwrap(), store.requeue(&waiting, T0).await.unwrap())
        }
    })
    .await;
    assert_eq!(count(&outcomes, |(queued, _)| *queued), 1);
    assert!(count(&outcomes, |(_, swept)| swept.is_some()) >= 1);

    let senders = all_at_once(&tables, MANY, |store, n| async move {
        let held = lease(&format!("s{n}"), at(10));
        let claim = store.claim_request(&order(1), &held).await.unwrap();
        let send = Send { key: effect(1), phone: phone(1), location: location(), expires_at: T0.plus(DAY) };
        let begun = store.begin(&send, &held).await.unwrap();
        let refresh = store.claim_refresh(Provider::Podium, &held).await.unwrap();
        (matches!(claim, RequestClaim::Acquired(_)), begun == Begin::Begun, refresh == RefreshClaim::Acquired)
    })
    .await;
    assert_eq!(count(&senders, |(held, ..)| *held), 1);
    assert_eq!(count(&senders, |(_, begun, _)| *begun), 1);
    assert_eq!(count(&senders, |(.., refreshes)| *refreshes), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_a_refund_and_a_sender_there_is_one_winner() {
    let choice = PlatformChoice { platform: Platform::Google, rule: PlatformRule::CampaignDefault };
    let (mut skipped, mut sent) = (0, 0);
    for round in 0..40_u64 {
        let tables = Tables::start().await;
        let store = tables.store();
        commit(&store, "e1", &RequestChange::Schedule(Box::new(request(1, at(10))))).await;
        store.accept(&event("refund", "refund", "r", T0)).await.unwrap();
        store.claim(&event_key("refund"), &lease("w", at(10))).await.unwrap();
        let outcomes = all_at_once(&tables, 2, |store, n| async move {
            if n == 0 {
                let change = RequestChange::Skip {
                    key: order(1),
                    reason: SkipReason::Refunded,
                    at: at(10),
                    expires_at: at(99),
                    inputs: None,
                };
                let end = EventEnd::Done("refunded");
                store.commit(&event_key("refund"), &lease("w", at(10)), &end, &change).await.unwrap()
                    == Committed::Written
            } else {
                let held = lease("s", at(10));
                for _ in 0..round % 4 {
                    tokio::task::yield_now().await;
                }
                match store.claim_request(&order(1), &held).await.unwrap() {
                    RequestClaim::Acquired(_) => {}
                    other => {
                        assert_eq!(other, RequestClaim::Ended(frontdesk_core::request::RequestStatus::Skipped));
                        return false;
                    }
                }
                store.begin_sending(&order(1), &held, &choice).await.unwrap() == Fenced::Written
                    && store.end_request(&order(1), &held, &RequestEnd::Unknown, None).await.unwrap() == Fenced::Written
            }
        })
        .await;
        match outcomes.as_slice() {
            [true, false] => skipped += 1,
            [false, true] => sent += 1,
            both => panic!("{both:?}"),
        }
    }
    assert_eq!(skipped + sent, 40);
}
