//! What was sent and what became of it: they meet by id, the weightiest news stay, and the cooldown follows.

use frontdesk_aws::dynamo::DynamoStore;
use frontdesk_core::{
    contact::{Contacts, Cooldown, Hold, HoldOutcome},
    ids::EffectKey,
    outbox::{DeliveryNews, Fact, FailureKind, Outbox, OutboxState, Resolved, Send, Settlement, Tracked},
    store::StoreError,
    time::DAY,
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Fate, Wire},
};

use super::{
    T0, at, effect, event_key, lease, order,
    outbox::{id, send},
    owner, phone,
    races::all_at_once,
};

const SENT: DeliveryNews = DeliveryNews::Sent;
const FAILED: DeliveryNews = DeliveryNews::Failed(FailureKind::Other);
const LANDLINE: DeliveryNews = DeliveryNews::Failed(FailureKind::Landline);
const DELIVERED: DeliveryNews = DeliveryNews::Delivered;

fn hold(number: u64, seconds: u64) -> Hold {
    Hold { phone: phone(1), intent: effect(number), now: at(seconds), window: DAY * 30 }
}

/// A request that holds its cooldown since `T0` and was taken at 5.
async fn taken(store: &DynamoStore) {
    assert_eq!(store.hold(&hold(1, 0)).await, Ok(HoldOutcome::Held));
    accepted(store, &send(1)).await;
}

async fn accepted(store: &DynamoStore, send: &Send) {
    store.begin(send, &lease("a", T0)).await.unwrap();
    let accepted = Settlement::Accepted { message: id("m1") };
    let _ = store.settle(&send.key, &owner("a"), &accepted, at(5)).await.unwrap();
}

async fn cooldown(store: &DynamoStore) -> Option<Cooldown> {
    store.contact(&phone(1)).await.unwrap().and_then(|contact| contact.cooldown)
}

fn state(news: Option<DeliveryNews>) -> OutboxState {
    let message = id("m1");
    match news {
        None | Some(DeliveryNews::Sent) => OutboxState::Accepted { message },
        Some(DeliveryNews::Failed(kind)) => OutboxState::Undelivered { message, kind },
        Some(DeliveryNews::Delivered) => OutboxState::Delivered { message },
    }
}

fn resolved(news: DeliveryNews, changed: bool) -> Result<Option<Resolved>, StoreError> {
    Ok(Some(Resolved { state: state(Some(news)), phone: Some(phone(1)), changed }))
}

/// Both sides and a reading of the message, in every order.
#[tokio::test]
async fn whichever_side_is_second_sees_the_first() {
    let facts = [Fact::Ours(effect(1)), Fact::News(FAILED), Fact::Received];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let tables = Tables::start().await;
        let store = tables.store();
        assert_eq!(store.tracked(&id("m1")).await, Ok(Tracked::default()));
        let mut known = Tracked::default();
        for fact in order.map(|n| &facts[n]) {
            match fact {
                Fact::Ours(effect) => known.effect = Some(effect.clone()),
                Fact::News(news) => known.news = Some(*news),
                Fact::Received => known.received = true,
            }
            for _ in 0..2 {
                assert_eq!(store.track(&id("m1"), fact, at(90)).await, Ok(known.clone()), "{order:?}");
            }
        }
        assert_eq!(store.tracked(&id("m1")).await, Ok(known));
        assert_eq!(store.tracked(&id("m2")).await, Ok(Tracked::default()));
    }
}

#[tokio::test]
async fn of_several_news_the_weightiest_stays_whatever_the_order_of_arrival() {
    let all = [SENT, FAILED, DeliveryNews::Failed(FailureKind::CarrierFiltered), LANDLINE, DELIVERED];
    for first in all {
        for second in all {
            let tables = Tables::start().await;
            let store = tables.store();
            let known = |news| Tracked { news: Some(news), ..Tracked::default() };
            assert_eq!(store.track(&id("m1"), &Fact::News(first), at(9)).await, Ok(known(first)));
            let weightiest = first.max(second);
            assert_eq!(store.track(&id("m1"), &Fact::News(second), at(9)).await, Ok(known(weightiest)));
            assert_eq!(store.tracked(&id("m1")).await, Ok(known(weightiest)), "{first:?} {second:?}");
        }
    }
}

#[tokio::test]
async fn what_is_ours_is_kept_for_as_long_as_its_send_and_a_strangers_only_for_a_while() {
    let expiry = |tables: &Tables| tables.item("outbox", "message#m1").unwrap()["expires_at"]["N"].clone();
    let seconds = |at: frontdesk_core::time::UnixMillis| serde_json::json!(at.as_secs_ceil().to_string());
    let (short, long) = (T0.plus(DAY * 3), T0.plus(DAY * 90));
    for news in [Fact::News(SENT), Fact::Received] {
        let tables = Tables::start().await;
        let store = tables.store();
        store.track(&id("m1"), &news, short).await.unwrap();
        store.track(&id("m1"), &news, short.plus(DAY)).await.unwrap();
        assert_eq!(expiry(&tables), seconds(short));
        store.track(&id("m1"), &Fact::Ours(effect(1)), long).await.unwrap();
        store.track(&id("m1"), &Fact::News(DELIVERED), short).await.unwrap();
        assert_eq!(expiry(&tables), seconds(long));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_the_two_sides_race_one_of_them_sees_both() {
    for _ in 0..20 {
        let tables = Tables::start().await;
        let seen = all_at_once(&tables, 8, |store, n| async move {
            let fact = if n % 2 == 0 { Fact::Ours(effect(1)) } else { Fact::News(FAILED) };
            (n, store.track(&id("m1"), &fact, at(9)).await.unwrap())
        })
        .await;
        let both = |tracked: &Tracked| tracked.effect.is_some() && tracked.news.is_some();
        let (ours, theirs): (Vec<_>, Vec<_>) = seen.iter().partition(|(n, _)| n % 2 == 0);
        assert!(ours.iter().all(|(_, t)| both(t)) || theirs.iter().all(|(_, t)| both(t)), "{seen:?}");
    }
}

/// Every pair of news, each said twice; the cooldown is the request's own, gone, or back.
#[tokio::test]
async fn the_weightiest_news_stay_and_the_cooldown_follows_them() {
    let all = [SENT, FAILED, LANDLINE, DELIVERED];
    for first in all {
        for second in all {
            let tables = Tables::start().await;
            let store = tables.store();
            taken(&store).await;
            assert_eq!(store.resolve(&effect(1), first, at(10)).await, resolved(first, true));
            assert_eq!(store.resolve(&effect(1), first, at(11)).await, resolved(first, false));
            let last = first.max(second);
            let changed = second > first;
            assert_eq!(
                store.resolve(&effect(1), second, at(12)).await,
                resolved(last, changed),
                "{first:?} {second:?}"
            );
            assert_eq!(store.resolve(&effect(1), second, at(13)).await, resolved(last, false));
            let row = store.send_row(&effect(1)).await.unwrap().unwrap();
            assert_eq!((row.state, row.settled_at), (state(Some(last)), Some(at(5))));
            let raw = tables.item("outbox", effect(1).as_str()).unwrap();
            let waits = raw.get("unresolved_shard").is_some() && raw.get("since_ms").is_some();
            assert_eq!(waits, last == SENT, "handed on is not arrived: {raw}");
            let expected = match (first, last) {
                (_, DeliveryNews::Failed(_)) => None,
                // Back since it was taken.
                (DeliveryNews::Failed(_), _) => Some(Cooldown { at: at(5), holder: effect(1) }),
                _ => Some(Cooldown { at: T0, holder: effect(1) }),
            };
            assert_eq!(cooldown(&store).await, expected, "{first:?} {second:?}");
        }
    }
}

#[tokio::test]
async fn only_what_was_taken_is_resolved() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.resolve(&effect(1), FAILED, at(1)).await, Ok(None));
    assert_eq!(tables.items("outbox").len(), 0);
    let stays = async |state: OutboxState| {
        for news in [SENT, FAILED, DELIVERED] {
            let unchanged = Resolved { state: state.clone(), phone: Some(phone(1)), changed: false };
            assert_eq!(store.resolve(&effect(1), news, at(9)).await, Ok(Some(unchanged)));
        }
    };
    store.plan(&send(1), at(1)).await.unwrap();
    stays(OutboxState::Pending { invite: None }).await;
    store.begin(&send(1), &lease("a", at(1))).await.unwrap();
    stays(store.outbox_state(&effect(1)).await.unwrap().unwrap()).await;
    let _ = store.settle(&effect(1), &owner("a"), &Settlement::Unknown, at(2)).await.unwrap();
    stays(OutboxState::Unknown).await;
}

#[tokio::test]
async fn a_failure_frees_its_own_cooldown_only_and_an_arrival_takes_none_from_others() {
    let tables = Tables::start().await;
    let store = tables.store();
    taken(&store).await;
    // Another request has it by now.
    store.release_hold(&phone(1), &effect(1)).await.unwrap();
    store.hold(&hold(2, 7)).await.unwrap();
    let others = Some(Cooldown { at: at(7), holder: effect(2) });
    assert_eq!(store.resolve(&effect(1), FAILED, at(10)).await, resolved(FAILED, true));
    assert_eq!(cooldown(&store).await, others);
    assert_eq!(store.resolve(&effect(1), DELIVERED, at(11)).await, resolved(DELIVERED, true));
    assert_eq!(cooldown(&store).await, others);
}

#[tokio::test]
async fn what_is_no_review_request_touches_no_cooldown() {
    let (reminder, answer) = (EffectKey::reminder(&order(1)), EffectKey::answer(&event_key("e1").event));
    for key in [reminder, answer] {
        let tables = Tables::start().await;
        let store = tables.store();
        accepted(&store, &Send { key: key.clone(), ..send(1) }).await;
        for news in [FAILED, DELIVERED] {
            assert_eq!(store.resolve(&key, news, at(9)).await, resolved(news, true));
        }
        assert_eq!(tables.items("contacts").len(), 0);
    }
}

/// Somebody is being erased: the row of the contact is gone, the send's is not yet.
#[tokio::test]
async fn an_arrival_after_a_failure_is_remembered_although_its_contact_was_erased() {
    let tables = Tables::start().await;
    let store = tables.store();
    taken(&store).await;
    store.resolve(&effect(1), FAILED, at(9)).await.unwrap();
    store.erase_contact(&phone(1)).await.unwrap();
    assert_eq!(store.resolve(&effect(1), DELIVERED, at(10)).await, resolved(DELIVERED, true));
    assert_eq!(cooldown(&store).await, Some(Cooldown { at: at(5), holder: effect(1) }));
    store.erase_contact(&phone(1)).await.unwrap();
    assert_eq!(cooldown(&store).await.unwrap().at, at(5), "by the erasure's second round");
}

/// Between the look at the two rows and the write somebody else changes one of them.
#[tokio::test]
async fn a_row_that_changes_between_its_read_and_the_write_is_looked_at_anew() {
    let other_news = async |store: DynamoStore| {
        store.resolve(&effect(1), DELIVERED, at(9)).await.unwrap();
    };
    let other_hold = async |store: DynamoStore| {
        store.release_hold(&phone(1), &effect(1)).await.unwrap();
        store.hold(&hold(2, 7)).await.unwrap();
    };
    for round in 0..2 {
        let tables = Tables::start().await;
        taken(&tables.store()).await;
        let twin = Tables::start().await;
        taken(&twin.store()).await;
        if round == 0 {
            other_news(twin.store()).await;
        } else {
            other_hold(twin.store()).await;
        }
        let changed: Vec<_> = ["outbox", "contacts"]
            .into_iter()
            .flat_map(|table| twin.items(table).into_iter().map(move |item| (table, item)))
            .collect();
        let tables = std::sync::Arc::new(tables);
        let theirs = std::sync::Arc::clone(&tables);
        let wire = Wire::to(&tables.url, move |call| {
            if call.number == 2 {
                for (table, item) in &changed {
                    theirs.put(table, item);
                }
            }
            Fate::Pass
        })
        .await;
        let outcome = store_at(&wire.url).resolve(&effect(1), FAILED, at(10)).await;
        if round == 0 {
            assert_eq!(outcome, resolved(DELIVERED, false), "what arrived did arrive");
            assert_eq!(cooldown(&tables.store()).await, Some(Cooldown { at: T0, holder: effect(1) }));
        } else {
            assert_eq!(outcome, resolved(FAILED, true));
            assert_eq!(cooldown(&tables.store()).await, Some(Cooldown { at: at(7), holder: effect(2) }));
        }
        assert!(wire.operations().len() > 3, "{:?}", wire.operations());
    }
}

/// A failure, an arrival and another request at once: one holder at most at the end, and the news' weight decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_an_arrival_and_another_request_may_come_at_once() {
    let (mut kept, mut others) = (0, 0);
    for _ in 0..40 {
        let tables = Tables::start().await;
        taken(&tables.store()).await;
        let outcomes = all_at_once(&tables, 6, |store, n| async move {
            match n % 3 {
                0 => store.resolve(&effect(1), FAILED, at(10)).await.unwrap().unwrap().changed,
                1 => store.resolve(&effect(1), DELIVERED, at(11)).await.unwrap().unwrap().changed,
                _ => store.hold(&hold(2, 12)).await.unwrap() == HoldOutcome::Held,
            }
        })
        .await;
        let store = tables.store();
        assert_eq!(store.outbox_state(&effect(1)).await.unwrap(), Some(state(Some(DELIVERED))));
        assert_eq!(usize::from(outcomes[1]) + usize::from(outcomes[4]), 1, "said once");
        let held = outcomes[2] || outcomes[5];
        let holder = cooldown(&store).await.unwrap().holder;
        assert_eq!(holder, effect(if held { 2 } else { 1 }));
        if held { others += 1 } else { kept += 1 }
    }
    assert_eq!(kept + others, 40);
}
