//! Clients' windows: exactly so many requests, however they come, and one write for each.

use std::{collections::BTreeSet, time::Duration};

use frontdesk_core::{
    rate::{Admission, RateKey, RateRule, RateScope, RateWindows},
    time::UnixMillis,
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Fate, Wire},
};

use super::{
    T0, at,
    races::{all_at_once, count},
};

pub(super) fn key(client: &str) -> RateKey {
    RateKey::of(RateScope::Chat, client.parse().unwrap())
}

pub(super) const fn rule(limit: u32) -> RateRule {
    RateRule { limit, window: Duration::from_secs(900) }
}

const fn refused(until: UnixMillis) -> Admission {
    Admission::Refused { until }
}

#[tokio::test]
async fn a_window_begins_with_the_first_request_and_is_full_at_the_limit() {
    let tables = Tables::start().await;
    let store = tables.store();
    let one = key("192.0.2.1");
    for n in 0..3 {
        assert_eq!(store.admit(&one, rule(3), at(n)).await, Ok(Admission::Admitted), "{n}");
    }
    for n in [3, 899] {
        assert_eq!(store.admit(&one, rule(3), at(n)).await, Ok(refused(at(900))), "{n}");
    }
    let elsewhere = RateKey::of(RateScope::Webchat, "192.0.2.1".parse().unwrap());
    for other in [key("192.0.2.2"), elsewhere] {
        assert_eq!(store.admit(&other, rule(1), at(899)).await, Ok(Admission::Admitted), "{other:?}");
    }
    assert_eq!(store.admit(&one, rule(3), at(900)).await, Ok(Admission::Admitted), "the next window");
    let row = tables.item("limits", one.as_str()).unwrap();
    assert_eq!((&row["hits"]["N"], &row["ends_at_ms"]["N"]), (&"1".into(), &at(1_800).get().to_string().into()));
    assert_eq!(row["expires_at"]["N"], at(1_800).as_secs_ceil().to_string());
    assert!(!row.to_string().contains("192.0.2"), "no address is kept");
}

#[tokio::test]
async fn a_rule_that_changes_changes_the_limit_and_not_the_end() {
    let tables = Tables::start().await;
    let store = tables.store();
    let one = key("192.0.2.1");
    let longer = RateRule { limit: 2, window: Duration::from_secs(9_000) };
    assert_eq!(store.admit(&one, rule(1), T0).await, Ok(Admission::Admitted));
    assert_eq!(store.admit(&one, rule(1), at(1)).await, Ok(refused(at(900))));
    assert_eq!(store.admit(&one, longer, at(1)).await, Ok(Admission::Admitted));
    assert_eq!(store.admit(&one, longer, at(1)).await, Ok(refused(at(900))));
    assert_eq!(store.admit(&one, rule(1), at(1)).await, Ok(refused(at(900))), "more than it may be by now");
}

#[tokio::test]
async fn a_limit_of_none_admits_nobody_and_writes_nothing() {
    let tables = Tables::start().await;
    assert_eq!(tables.store().admit(&key("192.0.2.1"), rule(0), T0).await, Ok(refused(at(900))));
    assert_eq!(tables.items("limits").len(), 0);
}

#[tokio::test]
async fn a_request_in_a_running_window_is_one_write() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let store = store_at(&wire.url);
    let one = key("192.0.2.1");
    for (now, writes) in [(T0, 2), (at(1), 1), (at(2), 1), (at(3), 1), (at(900), 2)] {
        let before = wire.calls().len();
        let _ = store.admit(&one, rule(3), now).await.unwrap();
        let made = wire.operations().split_off(before);
        assert_eq!(made, vec!["UpdateItem"; writes], "{now:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_at_once_exactly_ten_are_admitted() {
    for round in 0..4_u64 {
        let tables = Tables::start().await;
        // Where a window ended, where one runs, and where none ever was.
        for n in 0..round {
            let _ = tables.store().admit(&key("192.0.2.1"), rule(10), at(n * 450)).await.unwrap();
        }
        let now = at(round * 450 + 1);
        let counted = u64::from(tables.items("limits").iter().any(|row| {
            let ends_at: i64 = row["ends_at_ms"]["N"].as_str().unwrap().parse().unwrap();
            ends_at > now.get()
        }));
        let outcomes =
            all_at_once(
                &tables,
                50,
                |store, _| async move { store.admit(&key("192.0.2.1"), rule(10), now).await.unwrap() },
            )
            .await;
        let admitted = count(&outcomes, |outcome| *outcome == Admission::Admitted);
        assert_eq!(u64::try_from(admitted).unwrap(), 10 - counted, "{round}");
        let until: BTreeSet<Option<UnixMillis>> = outcomes
            .iter()
            .map(|outcome| match outcome {
                Admission::Admitted => None,
                Admission::Refused { until } => Some(*until),
            })
            .collect();
        assert_eq!(until.len(), 2, "all who are refused hear of one end");
    }
}

#[tokio::test]
async fn a_row_that_dynamodb_deletes_begins_anew() {
    let tables = Tables::start().await;
    let store = tables.store();
    let one = key("192.0.2.1");
    assert_eq!(store.admit(&one, rule(1), T0).await, Ok(Admission::Admitted));
    tables.expiry_clock.set(u64::try_from(at(901).as_secs_ceil()).unwrap());
    assert_eq!(tables.sweep_expired(), 1);
    assert_eq!(store.admit(&one, rule(1), at(901)).await, Ok(Admission::Admitted));
}

#[tokio::test]
async fn a_row_that_nobody_can_read_is_told() {
    let tables = Tables::start().await;
    let one = key("192.0.2.1");
    tables.put("limits", &serde_json::json!({"pk": {"S": one.as_str()}, "hits": {"N": "1"}}));
    let told = tables.store().admit(&one, rule(1), T0).await.unwrap_err();
    assert!(told.to_string().contains("ends_at_ms"), "{told}");
}
