//! Events: taken once, held by one, ended once, found again when left behind.

use frontdesk_core::{
    body::{COMPRESS_ABOVE_BYTES, StoredBody},
    ids::{GroupId, Shard},
    inbox::{
        Accepted, Attempt, EventEnd, Inbox, InboxClaim, InboxStatus, LeasedEvent, NewEvent, RejectReason, WaitingRow,
    },
    store::{Fenced, Lease},
    time::{DAY, UnixMillis},
};
use frontdesk_tests::tables::Tables;

use super::{MINUTE, T0, at, event, event_key, lease};

async fn waiting_at(store: &impl Inbox, before: UnixMillis) -> Vec<WaitingRow> {
    let mut rows = Vec::new();
    for shard in Shard::all() {
        rows.extend(store.waiting(shard, before, 25).await.unwrap());
    }
    rows
}

fn acquired(claim: InboxClaim) -> LeasedEvent {
    match claim {
        InboxClaim::Acquired(event) => *event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_known_id_is_a_duplicate_with_its_body_and_a_mismatch_with_another() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.accept(&event("e1", "one", "r1", T0)).await, Ok(Accepted::Stored));
    assert_eq!(store.accept(&event("e1", "one", "r2", at(1))).await, Ok(Accepted::Duplicate));
    assert_eq!(store.accept(&event("e1", "two", "r3", at(2))).await, Ok(Accepted::Mismatch));
    assert_eq!(store.accept(&event("e1", "two", "r4", at(3))).await, Ok(Accepted::Mismatch), "and again");
    assert_eq!(store.accept(&event("e1", "one", "r5", at(4))).await, Ok(Accepted::Duplicate), "the first still counts");
    assert_eq!(
        store.accept(&event("e2", "one", "r6", at(5))).await,
        Ok(Accepted::Stored),
        "another id is another event"
    );

    let (rows, second) = (tables.items("inbox"), event("e1", "two", "r3", at(2)));
    assert_eq!(rows.len(), 3, "{rows:?}");
    let kept = tables.item("inbox", &event_key("e1").mismatch_key(&second.body_sha256)).unwrap();
    assert_eq!(kept["st"]["S"], "mismatch");
    assert_eq!(kept["receipt"]["S"], "r3", "the first to bring it");
    assert!(kept.get("waiting_shard").is_none(), "nobody works on it: {kept}");
    assert_eq!(waiting_at(&store, at(100)).await.len(), 2);
}

#[tokio::test]
async fn an_expired_row_is_no_duplicate_although_it_is_still_there() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    let before = T0.plus(DAY * 14).minus(MINUTE);
    assert_eq!(store.accept(&event("e1", "one", "r2", before)).await, Ok(Accepted::Duplicate));
    let after = T0.plus(DAY * 14);
    assert_eq!(store.accept(&event("e1", "one", "r3", after)).await, Ok(Accepted::Stored));
    assert_eq!(store.accept(&event("e1", "one", "r4", after)).await, Ok(Accepted::Duplicate));
    assert_eq!(acquired(store.claim(&event_key("e1"), &lease("a", after)).await.unwrap()).received_at, after);
}

#[tokio::test]
async fn rows_expire_in_the_table_too() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    let expires = u64::try_from(T0.plus(DAY * 14).as_secs_ceil()).unwrap();
    tables.expiry_clock.set(expires - 1);
    assert_eq!(tables.sweep_expired(), 0);
    tables.expiry_clock.set(expires + 1);
    assert_eq!(tables.sweep_expired(), 1);
    assert_eq!(store.claim(&event_key("e1"), &lease("a", at(1))).await, Ok(InboxClaim::Missing));
}

#[tokio::test]
async fn a_rejected_event_is_stored_with_its_reason_and_never_worked_on() {
    let tables = Tables::start().await;
    let store = tables.store();
    let mut bad = event("e1", "{", "r1", T0);
    bad.rejected = Some(RejectReason::Malformed { line: 1, column: 2 });
    assert_eq!(store.accept(&bad).await, Ok(Accepted::Stored));
    assert_eq!(waiting_at(&store, at(1_000)).await, []);
    let claim = store.claim(&event_key("e1"), &lease("a", at(1))).await;
    assert_eq!(claim, Ok(InboxClaim::Ended(InboxStatus::Rejected)));
    let row = tables.item("inbox", "shopify#e1").unwrap();
    assert_eq!(row["outcome"]["S"], "malformed: unreadable at line 1 column 2");
}

#[tokio::test]
async fn small_and_large_bodies_come_back_as_they_were() {
    let tables = Tables::start().await;
    let store = tables.store();
    let large = "{\"note\": \"ü\"}".repeat(COMPRESS_ABOVE_BYTES / 10);
    for (id, body) in [("small", "{ \"a\":1 }\n"), ("large", large.as_str()), ("empty", "")] {
        store.accept(&event(id, body, "r", T0)).await.unwrap();
        let held = acquired(store.claim(&event_key(id), &lease("a", at(1))).await.unwrap());
        assert_eq!(held.body.unpack(1_000_000).unwrap(), body.as_bytes(), "{id}");
        assert_eq!(matches!(held.body, StoredBody::Deflate(_)), id == "large");
        assert_eq!((held.key, held.received_at, held.attempts), (event_key(id), T0, 1));
    }
}

#[tokio::test]
async fn a_row_is_held_by_one_and_taken_over_when_the_lease_is_over() {
    let tables = Tables::start().await;
    let (store, key) = (tables.store(), event_key("e1"));
    assert_eq!(store.claim(&key, &lease("a", T0)).await, Ok(InboxClaim::Missing));
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();

    let first = lease("a", at(1));
    assert_eq!(acquired(store.claim(&key, &first).await.unwrap()).attempts, 1);
    assert_eq!(store.claim(&key, &lease("b", at(60))).await, Ok(InboxClaim::Busy { until: at(61) }));
    assert_eq!(
        acquired(store.claim(&key, &first).await.unwrap()).attempts,
        1,
        "its own repetition is the same attempt"
    );

    let second = lease("b", at(61));
    assert_eq!(acquired(store.claim(&key, &second).await.unwrap()).attempts, 2);
    assert_eq!(store.claim(&key, &lease("a", at(62))).await, Ok(InboxClaim::Busy { until: at(121) }));
    assert_eq!(store.finish(&key, &first, &EventEnd::Done("late")).await, Ok(Fenced::Lost), "a zombie ends nothing");
    assert_eq!(
        store.release(&key, &first, Attempt::Counts).await,
        Ok(Fenced::Lost),
        "nor gives back what is not its own"
    );
    assert_eq!(store.finish(&key, &second, &EventEnd::Done("scheduled")).await, Ok(Fenced::Written));
    assert_eq!(store.claim(&key, &lease("c", at(500))).await, Ok(InboxClaim::Ended(InboxStatus::Done)));
}

#[tokio::test]
async fn an_owner_that_asks_again_keeps_its_attempt_and_gets_the_later_end() {
    let tables = Tables::start().await;
    let (store, key) = (tables.store(), event_key("e1"));
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    store.claim(&key, &lease("a", at(1))).await.unwrap();
    let later = Lease { until: at(200), ..lease("a", at(30)) };
    assert_eq!(acquired(store.claim(&key, &later).await.unwrap()).attempts, 1);
    assert_eq!(store.claim(&key, &lease("b", at(100))).await, Ok(InboxClaim::Busy { until: at(200) }));
    // Even after its lease ran out, as long as nobody took over.
    assert_eq!(acquired(store.claim(&key, &lease("a", at(300))).await.unwrap()).attempts, 1);
}

#[tokio::test]
async fn giving_back_keeps_the_count_and_the_place_in_the_index() {
    let tables = Tables::start().await;
    let (store, key) = (tables.store(), event_key("e1"));
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    let first = lease("a", at(1));
    store.claim(&key, &first).await.unwrap();
    assert_eq!(store.release(&key, &first, Attempt::Counts).await, Ok(Fenced::Written));
    assert_eq!(store.release(&key, &first, Attempt::Counts).await, Ok(Fenced::Lost), "it holds nothing any more");
    assert_eq!(store.finish(&key, &first, &EventEnd::Done("late")).await, Ok(Fenced::Lost));
    assert_eq!(waiting_at(&store, at(2)).await, [WaitingRow { key: key.clone(), since: T0, group: None }]);
    assert_eq!(acquired(store.claim(&key, &lease("b", at(2))).await.unwrap()).attempts, 2);
}

#[tokio::test]
async fn what_is_put_off_waits_from_then_on_and_its_attempt_is_taken_back() {
    let tables = Tables::start().await;
    let (store, key) = (tables.store(), event_key("e1"));
    let group = Some(GroupId::of("a conversation"));
    store.accept(&NewEvent { group: group.clone(), ..event("e1", "one", "r1", T0) }).await.unwrap();
    for since in [at(500), at(20)] {
        let held = lease("a", at(10));
        assert_eq!(acquired(store.claim(&key, &held).await.unwrap()).attempts, 1);
        let put_off = Attempt::PutOff { since };
        assert_eq!(store.release(&key, &lease("b", at(10)), put_off).await, Ok(Fenced::Lost), "somebody else's");
        assert_eq!(store.release(&key, &held, put_off).await, Ok(Fenced::Written));
        assert_eq!(store.release(&key, &held, put_off).await, Ok(Fenced::Lost), "it holds nothing any more");
        assert_eq!(waiting_at(&store, UnixMillis::new(since.get() - 1)).await, []);
        assert_eq!(waiting_at(&store, since).await, [WaitingRow { key: key.clone(), since, group: group.clone() }]);
        let row = tables.item("inbox", &key.to_key()).unwrap();
        assert_eq!((&row["st"]["S"], &row["attempts"]["N"]), (&"waiting".into(), &"0".into()));
        assert!(row.get("lease_until_ms").is_none());
    }
    let row = waiting_at(&store, at(20)).await.remove(0);
    assert_eq!(store.requeue(&row, at(300)).await, Ok(Some(T0)), "the sweeper brings it back");
    let held = lease("c", at(301));
    assert_eq!(acquired(store.claim(&key, &held).await.unwrap()).attempts, 1);
    assert_eq!(store.release(&key, &held, Attempt::Forgiven).await, Ok(Fenced::Written));
    assert_eq!(waiting_at(&store, at(999)).await.remove(0).since, at(300), "forgiven is not put off");
    assert_eq!(acquired(store.claim(&key, &lease("d", at(302))).await.unwrap()).attempts, 1);
}

#[tokio::test]
async fn every_end_leaves_the_index_and_is_known_as_our_own_when_repeated() {
    let tables = Tables::start().await;
    let store = tables.store();
    let reason = RejectReason::TooManyAttempts { attempts: 8 };
    let ends = [
        (EventEnd::Done("scheduled"), InboxStatus::Done, "scheduled"),
        (
            EventEnd::Rejected(RejectReason::UnknownShape),
            InboxStatus::Rejected,
            "unknown_shape: no event of a known shape",
        ),
        (EventEnd::Parked(reason), InboxStatus::Parked, "too_many_attempts: failed 8 times"),
    ];
    for (n, (end, status, outcome)) in ends.into_iter().enumerate() {
        let (id, held) = (format!("e{n}"), lease("a", at(1)));
        let key = event_key(&id);
        store.accept(&event(&id, "one", "r1", T0)).await.unwrap();
        store.claim(&key, &held).await.unwrap();
        assert_eq!(store.finish(&key, &held, &end).await, Ok(Fenced::Written));
        assert_eq!(store.finish(&key, &held, &end).await, Ok(Fenced::Written), "our own success");
        assert_eq!(store.finish(&key, &lease("b", at(2)), &end).await, Ok(Fenced::Lost), "not everybody's");
        assert_eq!(store.claim(&key, &lease("b", at(500))).await, Ok(InboxClaim::Ended(status)));
        let row = tables.item("inbox", &key.to_key()).unwrap();
        assert_eq!(row["outcome"]["S"], outcome);
        for gone in ["lease_until_ms", "waiting_shard", "waiting_since_ms"] {
            assert!(row.get(gone).is_none(), "{gone}");
        }
    }
    assert_eq!(waiting_at(&store, at(10_000)).await, []);
}

#[tokio::test]
async fn what_waits_is_listed_oldest_first_up_to_the_limit() {
    let tables = Tables::start().await;
    let store = tables.store();
    let shard = event_key("e0").shard();
    let ids: Vec<String> =
        (0..200).map(|n| format!("e{n}")).filter(|id| event_key(id).shard() == shard).take(30).collect();
    for (n, id) in ids.iter().enumerate().rev() {
        store.accept(&event(id, "one", "r", at(n as u64))).await.unwrap();
    }
    let page = store.waiting(shard, at(9), 25).await.unwrap();
    let seen: Vec<UnixMillis> = page.iter().map(|row| row.since).collect();
    assert_eq!(seen, (0..10).map(at).collect::<Vec<_>>(), "up to the moment itself");
    assert_eq!(store.waiting(shard, at(100), 25).await.unwrap().len(), 25);
    let held = lease("a", at(101));
    store.claim(&page[0].key, &held).await.unwrap();
    assert_eq!(store.waiting(shard, at(9), 25).await.unwrap().len(), 10, "a held row stays, its holder may die");
    let _ = store.finish(&page[0].key, &held, &EventEnd::Done("x")).await.unwrap();
    assert_eq!(store.waiting(shard, at(9), 25).await.unwrap().len(), 9);
}

#[tokio::test]
async fn of_two_sweepers_one_queues_the_row() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    let row = waiting_at(&store, at(300)).await.remove(0);
    assert_eq!(store.requeue(&row, at(300)).await, Ok(Some(T0)));
    assert_eq!(store.requeue(&row, at(300)).await, Ok(None), "even at the same moment");
    assert_eq!(waiting_at(&store, at(299)).await, []);
    let moved = waiting_at(&store, at(300)).await.remove(0);
    assert_eq!(moved.since, at(300));
    assert_eq!(store.requeue(&moved, at(500)).await, Ok(Some(T0)), "the time of its arrival does not move with it");
    let moved = waiting_at(&store, at(500)).await.remove(0);
    let held = lease("a", at(501));
    store.claim(&moved.key, &held).await.unwrap();
    let _ = store.finish(&moved.key, &held, &EventEnd::Done("x")).await.unwrap();
    assert_eq!(store.requeue(&moved, at(600)).await, Ok(None), "it has ended");
}

#[tokio::test]
async fn a_source_of_a_newer_version_does_not_stop_the_sweep() {
    let tables = Tables::start().await;
    let store = tables.store();
    let key = event_key("e1");
    let strange = serde_json::json!({
        "pk": {"S": "pigeon#1"}, "waiting_shard": {"S": key.shard().to_key()}, "waiting_since_ms": {"N": "1"},
    });
    tables.put("inbox", &strange);
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    assert_eq!(waiting_at(&store, at(1)).await, [WaitingRow { key, since: T0, group: None }]);
}

#[tokio::test]
async fn the_line_of_an_event_comes_back_with_the_sweep() {
    let tables = Tables::start().await;
    let store = tables.store();
    let group = GroupId::of("a conversation");
    let in_line = NewEvent { group: Some(group.clone()), ..event("e1", "one", "r1", T0) };
    store.accept(&in_line).await.unwrap();
    let row = WaitingRow { key: event_key("e1"), since: T0, group: Some(group) };
    assert_eq!(waiting_at(&store, at(1)).await, std::slice::from_ref(&row));
    assert_eq!(store.requeue(&row, at(2)).await, Ok(Some(T0)));
    assert_eq!(waiting_at(&store, at(2)).await, [WaitingRow { since: at(2), ..row }]);
}

/// The demand to forget somebody names them; it is forgotten with the same write that says that it is done.
#[tokio::test]
async fn an_event_that_is_erased_is_done_and_says_nothing_any_more() {
    let large = format!("planted-word{}", "x".repeat(COMPRESS_ABOVE_BYTES));
    for body in ["planted-word", &large] {
        let tables = Tables::start().await;
        let store = tables.store();
        store.accept(&event("e1", body, "r1", T0)).await.unwrap();
        let (key, held) = (event_key("e1"), lease("a", at(1)));
        let end = EventEnd::Erased("customer_erased");
        assert_eq!(store.finish(&key, &held, &end).await, Ok(Fenced::Lost), "nobody holds it");
        store.claim(&key, &held).await.unwrap();
        for _ in 0..2 {
            assert_eq!(store.finish(&key, &held, &end).await, Ok(Fenced::Written), "its own success too");
        }
        assert_eq!(store.finish(&key, &lease("b", at(1)), &end).await, Ok(Fenced::Lost));
        assert_eq!(store.claim(&key, &lease("b", at(99))).await, Ok(InboxClaim::Ended(InboxStatus::Done)));
        let row = tables.item("inbox", &key.to_key()).unwrap();
        assert_eq!((&row["st"]["S"], &row["outcome"]["S"]), (&"done".into(), &"customer_erased".into()));
        assert_eq!((&row["body_form"]["S"], &row["body_bytes"]["B"]), (&"plain".into(), &"".into()));
        assert_eq!(waiting_at(&store, at(9_999)).await, []);
        assert_eq!(store.accept(&event("e1", body, "r2", at(5))).await, Ok(Accepted::Duplicate), "and is not new");
    }
}
