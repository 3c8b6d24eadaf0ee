//! Many at once, on one contact: there is one row, and it says what was said last.

use std::collections::BTreeSet;

use frontdesk_core::{
    contact::{
        ChangeOutcome, Contacts, Direction, Hold, HoldOutcome, Meeting, MirrorState, Objection, OptOutChange,
        OptOutFlag, OptOutSource, PodiumLink,
    },
    directory::{LocationBook, Locations},
    inbox::{Accepted, Inbox, NewEvent},
    provider::{Limits, Tally},
    session::Sessions,
    store::Fenced,
    time::DAY,
};
use frontdesk_tests::tables::Tables;

use super::{
    T0, at, effect, event, phone,
    races::{MANY, all_at_once, count},
    said,
    sessions::{RULES, after, key},
    start, stop,
};

const HUNDRED: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_first_messages_of_one_phone_are_one_contact() {
    let tables = Tables::start().await;
    let met = all_at_once(&tables, HUNDRED, |store, n| async move {
        let meeting = Meeting {
            phone: phone(1),
            first_name: (n % 3 != 0).then(|| format!("Name {n}")),
            last_name: None,
            location: format!("loc-{}", n % 4).as_str().try_into().unwrap(),
            now: at(n),
        };
        store.meet(&meeting).await.unwrap();
        store.link_podium(&phone(1), &PodiumLink { uid: None }, at(n)).await.unwrap();
        store.meet(&meeting).await.unwrap().podium.is_some()
    })
    .await;
    assert_eq!(count(&met, |linked| *linked), 100);
    let rows = tables.items("contacts");
    assert_eq!(rows.len(), 1);
    assert!(rows[0]["first_name"]["S"].as_str().unwrap().starts_with("Name "));
    assert_eq!(rows[0]["location_uids"]["SS"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_events_that_say_stop_are_one_contact_and_a_hundred_events() {
    let tables = Tables::start().await;
    let accepted = all_at_once(&tables, HUNDRED, |store, n| async move {
        let said = NewEvent { opt_outs: vec![stop(1, at(n))], ..event(&format!("e{n}"), "STOP", &format!("r{n}"), T0) };
        let accepted = store.accept(&said).await.unwrap();
        let hold = Hold { phone: phone(1), intent: effect(n), now: at(n), window: DAY };
        (accepted, store.hold(&hold).await.unwrap())
    })
    .await;
    let shut = HoldOutcome::Refused(Objection::OptedOut(OptOutFlag::Keyword));
    assert_eq!(count(&accepted, |both| *both == (Accepted::Stored, shut.clone())), 100);
    assert_eq!((tables.items("inbox").len(), tables.items("contacts").len()), (100, 1));
    let contact = tables.store().contact(&phone(1)).await.unwrap().unwrap();
    assert_eq!(contact.opt_outs[0].1.at, at(99), "the newest word");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_deliveries_of_one_stop_one_is_stored() {
    let tables = Tables::start().await;
    let accepted = all_at_once(&tables, MANY, |store, n| async move {
        let said = NewEvent { opt_outs: vec![stop(1, at(1))], ..event("e1", "STOP", &format!("r{n}"), T0) };
        store.accept(&said).await.unwrap()
    })
    .await;
    assert_eq!(count(&accepted, |a| *a == Accepted::Stored), 1);
    assert_eq!(count(&accepted, |a| *a == Accepted::Duplicate), 63);
    assert_eq!((tables.items("inbox").len(), tables.items("contacts").len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_order_of_stop_and_start_the_newest_holds_and_out_wins_a_tie() {
    for round in 0..6_u64 {
        let tables = Tables::start().await;
        let applied = all_at_once(&tables, 32, |store, n| async move {
            // Of each moment there are both, but of the last one in the odd rounds, which is START alone.
            let (moment, out) = (n / 2, n % 2 == 0 && (n < 30 || round % 2 == 0));
            let change = if out { stop(1, at(moment)) } else { start(1, at(moment)) };
            if n % 3 == 0 {
                return store.record_opt_out(&change).await.unwrap() == ChangeOutcome::Applied;
            }
            let said = NewEvent { opt_outs: vec![change], ..event(&format!("e{n}"), "x", &format!("r{n}"), T0) };
            assert_eq!(store.accept(&said).await.unwrap(), Accepted::Stored);
            true
        })
        .await;
        assert!(applied.contains(&true));
        let contact = tables.store().contact(&phone(1)).await.unwrap().unwrap();
        let record = &contact.opt_outs[0].1;
        let newest = if round % 2 == 0 { Direction::Out } else { Direction::In };
        assert_eq!((record.at, record.direction), (at(15), newest), "round {round}");
        // If START was there first, nothing was ever flipped.
        assert!(matches!(contact.mirror, MirrorState::Due { .. }) || newest == Direction::In);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_that_say_stop_and_start_at_once_none_fails_and_the_newest_holds() {
    for newest in [Direction::Out, Direction::In] {
        let tables = Tables::start().await;
        let outcomes = all_at_once(&tables, HUNDRED, |store, n| async move {
            // The later the word, the earlier in the queue as often as not.
            let moment = n * 37 % HUNDRED;
            let out = moment.is_multiple_of(2) == (newest == Direction::In);
            let change = if out { stop(1, at(moment)) } else { start(1, at(moment)) };
            (moment, store.record_opt_out(&change).await)
        })
        .await;
        assert_eq!(count(&outcomes, |(_, outcome)| outcome.is_ok()), 100, "{outcomes:?}");
        assert!(outcomes.contains(&(99, Ok(ChangeOutcome::Applied))));
        let contact = tables.store().contact(&phone(1)).await.unwrap().unwrap();
        assert_eq!(contact.opted_out().is_some(), newest == Direction::Out);
        assert_eq!(contact.opt_outs[0].1.at, at(99));
    }
}

/// Each brings something that the others do not: nothing of it may be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_that_say_stop_by_nine_ways_and_for_four_things_all_are_kept() {
    let tables = Tables::start().await;
    let outcomes = all_at_once(&tables, HUNDRED, |store, n| async move {
        let place = usize::try_from(n).unwrap();
        let source = OptOutSource::ALL[place % OptOutSource::ALL.len()];
        let flag = OptOutFlag::ALL[place / OptOutSource::ALL.len() % OptOutFlag::ALL.len()];
        store.record_opt_out(&OptOutChange { flag, ..said(1, Direction::Out, source, at(n)) }).await
    })
    .await;
    assert_eq!(count(&outcomes, |outcome| *outcome == Ok(ChangeOutcome::Applied)), 100, "{outcomes:?}");
    let contact = tables.store().contact(&phone(1)).await.unwrap().unwrap();
    assert_eq!(contact.opt_outs.len(), 4);
    for (flag, record) in &contact.opt_outs {
        let sources: Vec<OptOutSource> = record.said.keys().map(|(source, _)| *source).collect();
        assert_eq!(sources, OptOutSource::ALL, "{flag:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_reach_the_limit_one_tells() {
    for limit in [1, 10, 64] {
        let tables = Tables::start().await;
        let told = all_at_once(&tables, MANY, |store, _| async move {
            store.tally(&Tally { what: "x", now: T0, window: DAY, limit }).await.unwrap()
        })
        .await;
        assert_eq!(count(&told, |told| *told), 1, "limit {limit}");
        assert_eq!(tables.items("limits")[0]["hits"]["N"], "64");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_write_the_next_version_of_a_session_one_does() {
    let tables = Tables::start().await;
    let mut now = T0;
    let mut earlier = None;
    for version in 1..=3_u64 {
        let read = earlier.clone();
        let saved = all_at_once(&tables, MANY, |store, n| {
            let session = after(read.clone(), &format!("e{version}-{n}"), now);
            async move { store.save_session(&session, &RULES, now).await.unwrap() == Fenced::Written }
        })
        .await;
        assert_eq!(count(&saved, |saved| *saved), 1);
        earlier = tables.store().session(&key(), now).await.unwrap();
        assert_eq!(earlier.as_ref().unwrap().version, version);
        now = now.plus(super::SECOND);
    }
    assert_eq!(earlier.unwrap().answers.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_lists_of_locations_the_newest_is_kept() {
    let tables = Tables::start().await;
    all_at_once(&tables, MANY, |store, n| async move {
        let book = LocationBook { fetched_at: at(n * 7 % MANY), locations: Vec::new() };
        store.keep_locations(&book).await.unwrap();
    })
    .await;
    assert_eq!(tables.store().locations().await.unwrap().unwrap().fetched_at, at(MANY - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_is_lost_to_a_mirror_that_is_settled_at_the_same_time() {
    use frontdesk_core::{
        contact::MirrorOutcome::{NoContact, Told},
        ids::Shard,
    };
    let mut ends = BTreeSet::new();
    for _ in 0..20 {
        let tables = Tables::start().await;
        let store = tables.store();
        store.record_opt_out(&stop(1, T0)).await.unwrap();
        let due = store.mirrors_due(Shard::of(phone(1).expose()), at(9), 1).await.unwrap().remove(0);
        all_at_once(&tables, 4, |store, n| {
            let due = due.clone();
            async move {
                match n {
                    0 => drop(store.record_opt_out(&start(1, at(1))).await.unwrap()),
                    1 => store.settle_mirror(&due, &Told { out: true }).await.unwrap(),
                    2 => store.settle_mirror(&due, &NoContact).await.unwrap(),
                    _ => store.link_podium(&phone(1), &PodiumLink { uid: None }, at(2)).await.unwrap(),
                }
            }
        })
        .await;
        let contact = store.contact(&phone(1)).await.unwrap().unwrap();
        // Whatever was settled was the STOP; START has still to be told.
        assert_eq!(contact.mirror, MirrorState::Due { at: at(2), attempts: 0 });
        assert_eq!(contact.podium, Some(PodiumLink { uid: None }));
        ends.insert(contact.opted_out());
    }
    assert_eq!(ends, BTreeSet::from([None]));
}
