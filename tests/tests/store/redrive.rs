//! Ended events that are set going again: over the end that was seen, once in a run, with their words only.

use frontdesk_aws::dynamo::DynamoStore;
use frontdesk_core::{
    erase::{Erasure, Place},
    ids::{GroupId, RunId, Shard},
    inbox::{EventEnd, Inbox, InboxClaim, InboxStatus, LeasedEvent, NewEvent, RejectReason, WaitingRow},
    queue::Wake,
    redrive::{Decided, Redrives, Reopened, Reopening, Seen, Unfit},
    store::Fenced,
    time::{DAY, UnixMillis},
};
use frontdesk_tests::tables::Tables;

use super::{
    T0, at, event, event_key, lease,
    races::{MANY, all_at_once, count},
};

pub(super) fn run(name: &str) -> RunId {
    RunId::try_from(name).unwrap()
}

/// An event that has ended, as somebody sees it.
pub(super) fn seen(id: &str, status: InboxStatus, replays: u32) -> Seen {
    Seen {
        key: event_key(id),
        status,
        outcome: Some("too_many_attempts: failed 8 times".into()),
        received_at: T0,
        expires_at: None,
        group: None,
        replays,
        run: None,
    }
}

pub(super) fn reopening(seen: Seen, name: &str, now: UnixMillis) -> Reopening {
    let decided = Decided { by: "Ines".into(), reason: "the cause is mended".into(), at: now };
    Reopening { seen, run: run(name), decided, expires_at: now.plus(DAY * 14), anew: false }
}

/// Takes an event in and ends it.
pub(super) async fn ended(store: &DynamoStore, id: &str, end: &EventEnd) {
    store.accept(&event(id, "one", "r1", T0)).await.unwrap();
    end_again(store, id, at(1), end).await;
}

async fn end_again(store: &DynamoStore, id: &str, now: UnixMillis, end: &EventEnd) {
    store.claim(&event_key(id), &lease("a", now)).await.unwrap();
    assert_eq!(store.finish(&event_key(id), &lease("a", now), end).await, Ok(Fenced::Written));
}

fn parked() -> EventEnd {
    EventEnd::Parked(RejectReason::TooManyAttempts { attempts: 8 })
}

fn waits(id: &str, group: Option<GroupId>) -> Reopened {
    Reopened::Waiting(Wake { key: event_key(id), group })
}

async fn waiting(store: &DynamoStore, before: UnixMillis) -> Vec<WaitingRow> {
    let mut rows = Vec::new();
    for shard in Shard::all() {
        rows.extend(store.waiting(shard, before, 25).await.unwrap());
    }
    rows
}

async fn claimed(store: &DynamoStore, id: &str, now: UnixMillis) -> LeasedEvent {
    match store.claim(&event_key(id), &lease("w", now)).await.unwrap() {
        InboxClaim::Acquired(event) => *event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_parked_waits_again_from_now_on_and_says_who_wanted_it() {
    let tables = Tables::start().await;
    let store = tables.store();
    let group = Some(GroupId::of("a conversation"));
    store.accept(&NewEvent { group: group.clone(), ..event("e1", "one", "r1", T0) }).await.unwrap();
    end_again(&store, "e1", at(1), &parked()).await;
    assert!(tables.item("inbox", "shopify#e1").unwrap().get("expires_at").is_none(), "a parked row does not expire");

    let seen = Seen { group: group.clone(), ..seen("e1", InboxStatus::Parked, 0) };
    assert_eq!(store.reopen(&reopening(seen, "run-1", at(900))).await, Ok(waits("e1", group.clone())));
    let row = tables.item("inbox", "shopify#e1").unwrap();
    for (name, expected) in [
        ("st", "waiting"),
        ("replay_run", "run-1"),
        ("replayed_by", "Ines"),
        ("replay_reason", "the cause is mended"),
        ("replayed_from", "parked: too_many_attempts: failed 8 times"),
    ] {
        assert_eq!(row[name]["S"], expected, "{name}");
    }
    let expires = at(900).plus(DAY * 14).as_secs_ceil().to_string();
    assert_eq!((&row["replays"]["N"], &row["expires_at"]["N"]), (&"1".into(), &expires.as_str().into()));
    for gone in ["owner_token", "lease_until_ms", "outcome", "ended_at_ms", "anew"] {
        assert!(row.get(gone).is_none(), "{gone}");
    }
    // Whoever wanted it may have died before its key was queued; the sweeper finds it.
    assert_eq!(waiting(&store, at(899)).await, []);
    let hint = WaitingRow { key: event_key("e1"), since: at(900), group };
    assert_eq!(waiting(&store, at(900)).await, std::slice::from_ref(&hint));
    assert!(store.requeue(&hint, at(1_200)).await.unwrap().is_some());

    let event = claimed(&store, "e1", at(1_201)).await;
    assert_eq!((event.attempts, event.received_at, event.anew), (1, T0, 0));
    assert_eq!((event.reopened_at, event.current_since()), (Some(at(900)), at(900)));
    assert_eq!(event.body.unpack(10).unwrap(), b"one");
}

#[tokio::test]
async fn every_end_opens_again_and_its_former_holder_ends_nothing() {
    let ends = [
        (EventEnd::Done("scheduled"), InboxStatus::Done),
        (EventEnd::Rejected(RejectReason::UnknownShape), InboxStatus::Rejected),
        (parked(), InboxStatus::Parked),
    ];
    for (end, status) in ends {
        let tables = Tables::start().await;
        let store = tables.store();
        ended(&store, "e1", &end).await;
        assert_eq!(store.reopen(&reopening(seen("e1", status, 0), "run-1", at(9))).await, Ok(waits("e1", None)));
        let late = store.finish(&event_key("e1"), &lease("a", at(1)), &end).await;
        assert_eq!(late, Ok(Fenced::Lost), "{status:?}: it holds nothing any more, whatever it wrote before");
        assert_eq!(claimed(&store, "e1", at(10)).await.attempts, 1);
    }
}

#[tokio::test]
async fn one_rejected_at_the_door_waits_like_any_other() {
    let tables = Tables::start().await;
    let store = tables.store();
    let rejected = NewEvent { rejected: Some(RejectReason::UnknownShape), ..event("e1", "one", "r1", T0) };
    store.accept(&rejected).await.unwrap();
    let reopened = store.reopen(&reopening(seen("e1", InboxStatus::Rejected, 0), "run-1", at(9))).await;
    assert_eq!(reopened, Ok(waits("e1", None)));
    assert_eq!(waiting(&store, at(9)).await.len(), 1);
    assert_eq!(claimed(&store, "e1", at(10)).await.attempts, 1);
}

#[tokio::test]
async fn only_the_end_that_was_seen_opens() {
    let tables = Tables::start().await;
    let store = tables.store();
    let reopen = async |seen: Seen, name: &str| store.reopen(&reopening(seen, name, at(9))).await.unwrap();
    assert_eq!(reopen(seen("e1", InboxStatus::Parked, 0), "run-1").await, Reopened::Unfit(Unfit::Gone));
    assert!(tables.item("inbox", "shopify#e1").is_none(), "nothing is made");
    ended(&store, "e1", &parked()).await;
    for wrong in [seen("e1", InboxStatus::Done, 0), seen("e1", InboxStatus::Parked, 1)] {
        assert_eq!(reopen(wrong, "run-1").await, Reopened::Unfit(Unfit::Changed));
    }
    assert_eq!(reopen(seen("e1", InboxStatus::Parked, 0), "run-1").await, waits("e1", None));
    for name in ["run-1", "run-2"] {
        let why = if name == "run-1" { Unfit::InThisRun } else { Unfit::Changed };
        assert_eq!(reopen(seen("e1", InboxStatus::Parked, 0), name).await, Reopened::Unfit(why), "it waits");
    }
    end_again(&store, "e1", at(20), &parked()).await;
    let old = reopen(seen("e1", InboxStatus::Parked, 0), "run-2").await;
    assert_eq!(old, Reopened::Unfit(Unfit::Changed), "the same word, and another end");
    let again = reopen(seen("e1", InboxStatus::Parked, 1), "run-1").await;
    assert_eq!(again, Reopened::Unfit(Unfit::InThisRun), "a run sets it going once");
    assert_eq!(reopen(seen("e1", InboxStatus::Parked, 1), "run-2").await, waits("e1", None));
    assert_eq!(tables.item("inbox", "shopify#e1").unwrap()["replays"]["N"], "2");
}

#[tokio::test]
async fn what_was_erased_does_not_open_and_what_opens_is_erased() {
    let tables = Tables::start().await;
    let store = tables.store();
    ended(&store, "e1", &parked()).await;
    store.wipe(Place::Inbox, "shopify#e1").await.unwrap();
    let reopened = store.reopen(&reopening(seen("e1", InboxStatus::Parked, 0), "run-1", at(9))).await;
    assert_eq!(reopened, Ok(Reopened::Unfit(Unfit::Wordless)));
    assert_eq!(tables.item("inbox", "shopify#e1").unwrap()["st"]["S"], "parked");

    ended(&store, "e2", &parked()).await;
    store.reopen(&reopening(seen("e2", InboxStatus::Parked, 0), "run-1", at(9))).await.unwrap();
    store.wipe(Place::Inbox, "shopify#e2").await.unwrap();
    let row = tables.item("inbox", "shopify#e2").unwrap();
    assert_eq!((&row["st"]["S"], &row["body_bytes"]["B"]), (&"rejected".into(), &"".into()));
    assert_eq!(waiting(&store, at(9_999)).await, []);
}

#[tokio::test]
async fn the_number_of_the_last_time_that_it_was_wanted_anew_stays() {
    let tables = Tables::start().await;
    let store = tables.store();
    ended(&store, "e1", &EventEnd::Done("ingested")).await;
    for (replays, anew, number) in [(0, true, 1), (1, false, 1), (2, true, 3)] {
        let name = format!("run-{replays}");
        let wish = Reopening { anew, ..reopening(seen("e1", InboxStatus::Done, replays), &name, at(9)) };
        assert_eq!(store.reopen(&wish).await, Ok(waits("e1", None)));
        assert_eq!(claimed(&store, "e1", at(10)).await.anew, number);
        let _ = store.finish(&event_key("e1"), &lease("w", at(10)), &EventEnd::Done("ingested")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_people_one_sets_it_going() {
    let tables = Tables::start().await;
    ended(&tables.store(), "e1", &parked()).await;
    let outcomes = all_at_once(&tables, MANY, |store, n| async move {
        store.reopen(&reopening(seen("e1", InboxStatus::Parked, 0), &format!("run-{}", n % 4), at(9))).await.unwrap()
    })
    .await;
    assert_eq!(count(&outcomes, |o| matches!(o, Reopened::Waiting(_))), 1);
    assert_eq!(tables.item("inbox", "shopify#e1").unwrap()["replays"]["N"], "1");
}
