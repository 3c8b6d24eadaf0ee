//! Who somebody is at Podium, and what Podium has yet to be told.

use frontdesk_core::{
    contact::{
        ChangeOutcome, Contact, Contacts, Direction, Meeting, MirrorDue, MirrorOutcome, MirrorState, OptOutChange,
        OptOutFlag, OptOutSource, PodiumLink,
    },
    ids::{ProviderId, Shard},
    store::StoreError,
    time::UnixMillis,
};
use frontdesk_tests::tables::Tables;
use serde_json::{Value, json};

use super::{T0, at, location, phone, said, start, stop};

async fn due_at(store: &impl Contacts, before: UnixMillis) -> Vec<MirrorDue> {
    let mut due = Vec::new();
    for shard in Shard::all() {
        due.extend(store.mirrors_due(shard, before, 25).await.unwrap());
    }
    due
}

async fn state(store: &impl Contacts) -> MirrorState {
    store.contact(&phone(1)).await.unwrap().unwrap().mirror
}

fn uid(name: &str) -> ProviderId {
    ProviderId::try_from(name).unwrap()
}

fn link(name: Option<&str>) -> PodiumLink {
    PodiumLink { uid: name.map(uid) }
}

fn meeting(first: Option<&str>, last: Option<&str>, location: &str, now: UnixMillis) -> Meeting {
    let owned = |name: Option<&str>| name.map(str::to_owned);
    let location = location.try_into().unwrap();
    Meeting { phone: phone(1), first_name: owned(first), last_name: owned(last), location, now }
}

fn is_in_the_index(tables: &Tables) -> bool {
    let row = tables.item("contacts", phone(1).expose()).unwrap();
    let there: Vec<bool> =
        ["mirror_shard", "mirror_due_at_ms", "mirror_mark", "mirror_attempts"].map(|a| row.get(a).is_some()).into();
    assert!(there.iter().all(|a| *a == there[0]), "all or none: {row}");
    there[0]
}

#[tokio::test]
async fn somebody_who_writes_is_known_from_then_on_by_the_first_name_that_was_given() {
    let tables = Tables::start().await;
    let store = tables.store();
    let unknown = Contact::unknown(phone(1));
    assert_eq!(store.meet(&meeting(None, None, "loc-1", T0)).await, Ok(unknown.clone()));
    let row = |tables: &Tables| tables.item("contacts", phone(1).expose()).unwrap();
    assert!(row(&tables).get("first_name").is_none());
    store.meet(&meeting(Some("Noor"), None, "loc-2", at(1))).await.unwrap();
    store.meet(&meeting(Some("Eve"), Some("Haddad"), "loc-1", at(2))).await.unwrap();
    assert_eq!(store.meet(&meeting(None, Some("Other"), "loc-2", at(3))).await, Ok(unknown));
    let row = row(&tables);
    assert_eq!((&row["first_name"]["S"], &row["last_name"]["S"]), (&json!("Noor"), &json!("Haddad")));
    let mut locations: Vec<&Value> = row["location_uids"]["SS"].as_array().unwrap().iter().collect();
    locations.sort_by_key(|l| l.as_str());
    assert_eq!(locations, ["loc-1", "loc-2"]);
    assert_eq!(row["created_at_ms"]["N"], T0.get().to_string());
    assert_eq!(tables.items("contacts").len(), 1);
}

#[tokio::test]
async fn a_meeting_says_what_is_known_already() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.record_opt_out(&stop(1, T0)).await.unwrap();
    store.link_podium(&phone(1), &link(Some("c1")), at(1)).await.unwrap();
    let met = store.meet(&meeting(Some("Noor"), None, location().as_str(), at(2))).await.unwrap();
    assert_eq!(met.opted_out(), Some(OptOutFlag::Keyword));
    assert_eq!(met.podium, Some(link(Some("c1"))));
    assert_eq!(met.mirror, MirrorState::Due { at: T0.plus(super::SECOND), attempts: 0 });
    assert_eq!(store.contact(&phone(1)).await, Ok(Some(met)));
}

#[tokio::test]
async fn whatever_flips_a_flag_is_due_to_be_told_and_what_does_not_is_not() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.meet(&meeting(None, None, "loc-1", T0)).await.unwrap();
    assert_eq!(state(&store).await, MirrorState::Nothing);
    for (n, flag) in (0..).zip(OptOutFlag::ALL) {
        let change = OptOutChange { flag, ..stop(1, at(10 * n + 10)) };
        assert_eq!(store.record_opt_out(&change).await, Ok(ChangeOutcome::Applied));
        let due = due_at(&store, at(10 * n + 11)).await.remove(0);
        assert_eq!((due.phone.clone(), due.at, due.attempts), (phone(1), at(10 * n + 11), 0), "{flag:?}");
        store.settle_mirror(&due, &MirrorOutcome::Told { out: true }).await.unwrap();
        assert_eq!(state(&store).await, MirrorState::Told { out: true });
        assert!(!is_in_the_index(&tables));
        let older = OptOutChange { flag, ..start(1, at(10 * n + 9)) };
        assert_eq!(store.record_opt_out(&older).await, Ok(ChangeOutcome::Superseded));
        let echo = said(1, Direction::Out, OptOutSource::Podium, at(10 * n + 12));
        assert_eq!(store.record_opt_out(&OptOutChange { flag, ..echo }).await, Ok(ChangeOutcome::Applied));
        assert_eq!(due_at(&store, at(1_000)).await, []);
    }
    let by_page = said(1, Direction::In, OptOutSource::Webchat, at(500));
    assert_eq!(store.record_opt_out(&by_page).await, Ok(ChangeOutcome::Superseded));
    assert_eq!(
        state(&store).await,
        MirrorState::Told { out: true },
        "it may not take that back, so there is nothing to tell"
    );
    assert_eq!(store.record_opt_out(&start(1, at(500))).await, Ok(ChangeOutcome::Applied));
    assert_eq!(state(&store).await, MirrorState::Due { at: at(501), attempts: 0 }, "that messages are welcome, too");
}

#[tokio::test]
async fn a_vain_attempt_is_counted_and_put_off_and_a_new_change_begins_anew() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.record_opt_out(&stop(1, T0)).await.unwrap();
    let first = due_at(&store, at(1)).await.remove(0);
    assert_eq!(due_at(&store, T0).await, []);
    store.settle_mirror(&first, &MirrorOutcome::Later { at: at(61) }).await.unwrap();
    assert_eq!(due_at(&store, at(60)).await, []);
    let second = due_at(&store, at(61)).await.remove(0);
    assert_eq!(second, MirrorDue { at: at(61), attempts: 1, ..first.clone() });
    store.settle_mirror(&second, &MirrorOutcome::Later { at: at(181) }).await.unwrap();
    assert_eq!(state(&store).await, MirrorState::Due { at: at(181), attempts: 2 });

    store.record_opt_out(&start(1, at(100))).await.unwrap();
    assert_eq!(state(&store).await, MirrorState::Due { at: at(101), attempts: 0 });
    let told = MirrorOutcome::Told { out: true };
    for outcome in [told, MirrorOutcome::NoContact, MirrorOutcome::Later { at: at(9_999) }] {
        store.settle_mirror(&second, &outcome).await.unwrap();
        assert_eq!(
            state(&store).await,
            MirrorState::Due { at: at(101), attempts: 0 },
            "that was about the older change"
        );
    }
    let newest = due_at(&store, at(101)).await.remove(0);
    assert_ne!(newest.mark, first.mark);
    store.settle_mirror(&newest, &MirrorOutcome::Told { out: false }).await.unwrap();
    store.settle_mirror(&newest, &MirrorOutcome::Later { at: at(200) }).await.unwrap();
    assert_eq!(state(&store).await, MirrorState::Told { out: false }, "a slower clock does not bring it back");
    assert_eq!(due_at(&store, at(9_999)).await, []);
}

/// Nobody was ever told the contrary.
#[tokio::test]
async fn a_wish_for_messages_over_nothing_is_not_due_to_be_told() {
    let tables = Tables::start().await;
    let store = tables.store();
    for seconds in [1, 2] {
        assert_eq!(store.record_opt_out(&start(1, at(seconds))).await, Ok(ChangeOutcome::Applied));
        assert_eq!(state(&store).await, MirrorState::Nothing);
    }
    assert_eq!(due_at(&store, at(9_999)).await, []);
    assert_eq!(store.record_opt_out(&stop(1, at(2))).await, Ok(ChangeOutcome::Applied), "out wins the tie");
    assert_eq!(state(&store).await, MirrorState::Due { at: at(3), attempts: 0 });
}

#[tokio::test]
async fn what_podium_was_told_last_is_known_whatever_is_due_after_it() {
    let tables = Tables::start().await;
    let store = tables.store();
    let told = async || store.contact(&phone(1)).await.unwrap().unwrap().mirrored_out;
    let settle = async |seconds, outcome: MirrorOutcome| {
        let due = due_at(&store, at(seconds)).await.remove(0);
        store.settle_mirror(&due, &outcome).await.unwrap();
    };
    store.record_opt_out(&stop(1, T0)).await.unwrap();
    assert!(!told().await, "it is only due");
    store.note_telling(&phone(1)).await.unwrap();
    assert!(told().await, "from now on it may have been, whatever becomes of the telling");
    settle(1, MirrorOutcome::Told { out: true }).await;
    assert!(told().await);
    store.record_opt_out(&start(1, at(10))).await.unwrap();
    assert!(told().await, "that they are back is not told yet");
    settle(11, MirrorOutcome::Later { at: at(20) }).await;
    assert!(told().await);
    settle(20, MirrorOutcome::NoContact).await;
    assert!(told().await, "nobody was told");
    store.record_opt_out(&stop(1, at(30))).await.unwrap();
    store.record_opt_out(&start(1, at(40))).await.unwrap();
    settle(41, MirrorOutcome::Told { out: false }).await;
    assert!(!told().await);
    assert_eq!(state(&store).await, MirrorState::Told { out: false });
    let row = tables.item("contacts", phone(1).expose()).unwrap();
    assert_eq!((&row["mirror_state"]["S"], &row["mirrored_out"]["BOOL"]), (&json!("told"), &json!(false)));
}

#[tokio::test]
async fn settling_makes_no_contact() {
    let tables = Tables::start().await;
    let due = MirrorDue { phone: phone(1), mark: "m".into(), at: T0, attempts: 0 };
    tables.store().settle_mirror(&due, &MirrorOutcome::Told { out: true }).await.unwrap();
    tables.store().unlink_podium(&phone(1), &uid("c1")).await.unwrap();
    assert_eq!(tables.items("contacts").len(), 0);
}

#[tokio::test]
async fn what_found_nobody_is_due_again_when_somebody_turns_up() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.record_opt_out(&stop(1, T0)).await.unwrap();
    let due = due_at(&store, at(1)).await.remove(0);
    store.link_podium(&phone(1), &link(None), at(2)).await.unwrap();
    let anew = due_at(&store, at(9)).await.remove(0);
    assert_ne!(anew.mark, due.mark, "who just found nobody does not have the last word");
    store.settle_mirror(&due, &MirrorOutcome::NoContact).await.unwrap();
    assert_eq!(due_at(&store, at(9)).await, std::slice::from_ref(&anew));
    store.settle_mirror(&anew, &MirrorOutcome::NoContact).await.unwrap();
    assert_eq!(state(&store).await, MirrorState::NoContact);
    assert!(!is_in_the_index(&tables));
    for (n, name) in [(10, None), (20, Some("c1"))] {
        store.link_podium(&phone(1), &link(name), at(n)).await.unwrap();
        assert_eq!(state(&store).await, MirrorState::Due { at: at(n), attempts: 0 });
        let again = due_at(&store, at(n)).await.remove(0);
        store.settle_mirror(&due, &MirrorOutcome::Told { out: true }).await.unwrap();
        assert_eq!(due_at(&store, at(n)).await, std::slice::from_ref(&again), "the earlier answer was the earlier one");
        store.settle_mirror(&again, &MirrorOutcome::NoContact).await.unwrap();
    }
    // Whoever wants messages again need not be told of.
    store.record_opt_out(&start(1, at(30))).await.unwrap();
    let back = due_at(&store, at(31)).await.remove(0);
    store.settle_mirror(&back, &MirrorOutcome::NoContact).await.unwrap();
    store.link_podium(&phone(1), &link(Some("c2")), at(40)).await.unwrap();
    assert_eq!(state(&store).await, MirrorState::NoContact);
    assert_eq!(due_at(&store, at(9_999)).await, []);
    assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().podium, Some(link(Some("c2"))));
}

#[tokio::test]
async fn each_flag_alone_is_reason_enough_to_tell_somebody_who_turns_up() {
    for flag in OptOutFlag::ALL {
        let tables = Tables::start().await;
        let store = tables.store();
        store.record_opt_out(&OptOutChange { flag, ..stop(1, T0) }).await.unwrap();
        let due = due_at(&store, at(1)).await.remove(0);
        store.settle_mirror(&due, &MirrorOutcome::NoContact).await.unwrap();
        store.link_podium(&phone(1), &link(None), at(2)).await.unwrap();
        assert_eq!(state(&store).await, MirrorState::Due { at: at(2), attempts: 0 }, "{flag:?}");
    }
}

#[tokio::test]
async fn a_link_is_known_with_or_without_its_uid_and_only_that_very_one_is_forgotten() {
    let tables = Tables::start().await;
    let store = tables.store();
    let podium = async || store.contact(&phone(1)).await.unwrap().unwrap().podium;
    store.link_podium(&phone(1), &link(None), T0).await.unwrap();
    assert_eq!(podium().await, Some(link(None)), "and the contact is made");
    store.link_podium(&phone(1), &link(Some("c1")), at(1)).await.unwrap();
    store.link_podium(&phone(1), &link(None), at(2)).await.unwrap();
    assert_eq!(podium().await, Some(link(Some("c1"))), "nothing replaces nothing");
    store.link_podium(&phone(1), &link(Some("c2")), at(3)).await.unwrap();
    store.record_opt_out(&stop(1, at(3))).await.unwrap();
    store.unlink_podium(&phone(1), &uid("c1")).await.unwrap();
    assert_eq!(podium().await, Some(link(Some("c2"))));
    store.unlink_podium(&phone(1), &uid("c2")).await.unwrap();
    assert_eq!(podium().await, None);
    let contact = store.contact(&phone(1)).await.unwrap().unwrap();
    assert_eq!(contact.opted_out(), Some(OptOutFlag::Keyword), "an opt-out is ours to keep");
}

#[tokio::test]
async fn mirrors_are_listed_oldest_first_up_to_the_limit_and_a_strange_row_stops_nobody() {
    let tables = Tables::start().await;
    let store = tables.store();
    let shard = Shard::of(phone(1).expose());
    let numbers: Vec<u64> = (0..100).filter(|n| Shard::of(phone(*n).expose()) == shard).take(10).collect();
    for (n, number) in numbers.iter().enumerate().rev() {
        store.record_opt_out(&stop(*number, at(n as u64))).await.unwrap();
    }
    let strange = json!({"pk": {"S": "pigeon"}, "mirror_shard": {"S": shard.to_key()}, "mirror_due_at_ms": {"N": "1"}});
    tables.put("contacts", &strange);
    let listed = store.mirrors_due(shard, at(100), 25).await.unwrap();
    let phones: Vec<_> = listed.into_iter().map(|due| due.phone).collect();
    assert_eq!(phones, numbers.iter().map(|n| phone(*n)).collect::<Vec<_>>());
    assert_eq!(store.mirrors_due(shard, at(100), 3).await.unwrap().len(), 2, "with the strange one");
}

#[tokio::test]
async fn a_contact_that_cannot_be_read_is_named_by_attribute() {
    let tables = Tables::start().await;
    for (what, row) in [
        ("mirror_state", json!({"mirror_state": {"S": "perhaps"}})),
        ("mirror_state", json!({"mirror_state": {"N": "1"}})),
        ("mirror_due_at_ms", json!({"mirror_state": {"S": "due"}})),
        ("mirror_attempts", json!({"mirror_state": {"S": "due"}, "mirror_due_at_ms": {"N": "1"}})),
        ("podium_uid", json!({"podium_known": {"BOOL": true}, "podium_uid": {"S": "a b"}})),
    ] {
        let mut row = row;
        row["pk"] = json!({"S": phone(1).expose()});
        tables.put("contacts", &row);
        let unreadable = StoreError::Corrupt { table: "contacts", what };
        assert_eq!(tables.store().contact(&phone(1)).await, Err(unreadable));
    }
}
