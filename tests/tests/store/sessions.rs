//! Sessions: each version replaces the one it was made from, and nothing else.

use std::time::Duration;

use frontdesk_core::{
    ids::{EventId, Shard},
    session::{Session, SessionKey, SessionMessage, SessionRules, SessionStatus, Sessions},
    store::{Fenced, StoreError},
    time::{DAY, UnixMillis},
};
use frontdesk_tests::tables::Tables;
use serde_json::{Value, json};

use super::{T0, at, location, owner, phone};

pub(super) const RULES: SessionRules = SessionRules {
    warn_after: Duration::from_secs(1_200),
    close_after: Duration::from_secs(1_680),
    keep: Duration::from_secs(7 * 86_400),
};

pub(super) fn key() -> SessionKey {
    SessionKey { phone: phone(1), location: location() }
}

fn message(event: &str, text: &str, at: UnixMillis) -> SessionMessage {
    SessionMessage {
        event: EventId::try_from(event).unwrap(),
        text: Some(text.to_owned()),
        at,
        conversation: Some("conv-1".try_into().unwrap()),
        webchat: true,
        now: at,
        quiet: false,
        imported: false,
    }
}

/// The session after one more message.
pub(super) fn after(earlier: Option<Session>, event: &str, at: UnixMillis) -> Session {
    Session::after(earlier, &key(), &message(event, &format!("text of {event}"), at)).unwrap()
}

async fn due_at(store: &impl Sessions, before: UnixMillis) -> Vec<SessionKey> {
    let mut due = Vec::new();
    for shard in Shard::all() {
        due.extend(store.sessions_due(shard, before, 25).await.unwrap());
    }
    due
}

#[tokio::test]
async fn a_session_comes_back_as_it_was_in_each_of_its_states() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.session(&key(), T0).await, Ok(None));
    let first = after(None, "e1", T0);
    let second = after(Some(first.clone()), "e2", at(60));
    let prompted = second.clone().with_prompt_out();
    let closing = prompted.clone().with_closing_begun(owner("t"), at(1_800), at(1_890)).unwrap();
    let noted = closing.clone().with_note_posted();
    let closed = noted.clone().closed();
    let reopened = after(Some(closed.clone()), "e3", at(4_000));
    let whole = reopened.clone().with_hand_back_noted(&reopened.handed_back).unwrap();
    assert!(!closed.kept.is_empty() && !reopened.handed_back.is_empty() && whole.handed_back.is_empty());
    assert!(reopened.reopen && whole.reopen);
    let open = whole.clone().reopened();
    assert!(!open.reopen);
    for session in [first, second, prompted, closing, noted, closed, reopened, whole, open] {
        assert_eq!(store.save_session(&session, &RULES, at(4_000)).await, Ok(Fenced::Written));
        assert_eq!(store.session(&key(), at(4_000)).await, Ok(Some(session)));
    }
    assert_eq!(tables.items("sessions").len(), 1);
}

#[tokio::test]
async fn of_two_that_read_the_same_version_one_writes_the_next() {
    let tables = Tables::start().await;
    let store = tables.store();
    let first = after(None, "e1", T0);
    assert_eq!(store.save_session(&first, &RULES, T0).await, Ok(Fenced::Written));
    assert_eq!(store.save_session(&after(None, "e2", T0), &RULES, T0).await, Ok(Fenced::Lost), "there is one");
    assert_eq!(store.save_session(&first, &RULES, T0).await, Ok(Fenced::Lost), "not even the same again");
    let message = after(Some(first.clone()), "e2", at(5));
    let clock = first.clone().with_prompt_out();
    assert_eq!(store.save_session(&message, &RULES, at(5)).await, Ok(Fenced::Written));
    assert_eq!(store.save_session(&clock, &RULES, at(5)).await, Ok(Fenced::Lost));
    let skipped = Session { version: 4, ..message.clone() };
    assert_eq!(store.save_session(&skipped, &RULES, at(5)).await, Ok(Fenced::Lost), "no version is left out");
    assert_eq!(store.session(&key(), at(5)).await, Ok(Some(message.clone())));

    let elsewhere = SessionKey { location: "loc-2".try_into().unwrap(), ..key() };
    assert_eq!(store.session(&elsewhere, at(5)).await, Ok(None));
    let orphan = Session { key: elsewhere, ..message };
    assert_eq!(store.save_session(&orphan, &RULES, at(5)).await, Ok(Fenced::Lost), "nothing to be the next of");
}

#[tokio::test]
async fn an_expired_session_is_none_although_it_is_still_there_and_the_next_begins_anew() {
    let tables = Tables::start().await;
    let store = tables.store();
    let open = after(None, "e1", T0);
    assert_eq!(store.save_session(&open, &RULES, at(10)).await, Ok(Fenced::Written));
    let end = T0.plus(RULES.close_after + RULES.keep);
    let before = end.minus(Duration::from_secs(1));
    assert_eq!(store.session(&key(), before).await, Ok(Some(open.clone())));
    assert_eq!(store.session(&key(), end).await, Ok(None));
    let anew = after(None, "e2", end);
    assert_eq!(store.save_session(&anew, &RULES, before).await, Ok(Fenced::Lost));
    assert_eq!(store.save_session(&anew, &RULES, end).await, Ok(Fenced::Written));
    assert_eq!(store.session(&key(), end).await, Ok(Some(anew.clone())));

    let closed = anew.closed();
    let closed_at = end.plus(RULES.close_after * 5);
    assert_eq!(store.save_session(&closed, &RULES, closed_at).await, Ok(Fenced::Written));
    let end = closed_at.plus(RULES.keep);
    assert_eq!(store.session(&key(), end.minus(Duration::from_secs(1))).await, Ok(Some(closed)));
    assert_eq!(store.session(&key(), end).await, Ok(None), "from its close on");
    tables.expiry_clock.set(u64::try_from(end.plus(DAY).as_secs_ceil()).unwrap());
    assert_eq!(tables.sweep_expired(), 1);
}

#[tokio::test]
async fn a_session_is_listed_while_there_is_something_to_wait_for() {
    let tables = Tables::start().await;
    let store = tables.store();
    let mut session = after(None, "e1", T0);
    let _ = store.save_session(&session, &RULES, T0).await.unwrap();
    assert_eq!(due_at(&store, at(1_199)).await, []);
    assert_eq!(due_at(&store, at(1_200)).await, [key()], "to be asked");
    session = session.with_prompt_out();
    let _ = store.save_session(&session, &RULES, at(1_200)).await.unwrap();
    assert_eq!(due_at(&store, at(1_679)).await, []);
    assert_eq!(due_at(&store, at(1_680)).await, [key()], "to be closed");
    session = session.closed();
    let _ = store.save_session(&session, &RULES, at(1_680)).await.unwrap();
    assert_eq!(due_at(&store, at(1_000_000)).await, []);
    let row = tables.item("sessions", &key().to_key()).unwrap();
    assert!(row.get("deadline_shard").is_none() && row.get("deadline_at_ms").is_none());
    assert_eq!(row["st"]["S"], SessionStatus::Closed.as_str());
}

#[tokio::test]
async fn what_is_due_comes_oldest_first_and_a_strange_key_stops_nobody() {
    let tables = Tables::start().await;
    let store = tables.store();
    let shard = key().shard();
    let keys = (0..100).map(|n| SessionKey { phone: phone(n), location: location() });
    let keys: Vec<SessionKey> = keys.filter(|key| key.shard() == shard).take(10).collect();
    for (n, key) in keys.iter().enumerate().rev() {
        let session = Session::after(None, key, &message("e1", "hello", at(n as u64))).unwrap();
        let _ = store.save_session(&session, &RULES, T0).await.unwrap();
    }
    tables.put(
        "sessions",
        &json!({"pk": {"S": "?"}, "deadline_shard": {"S": shard.to_key()}, "deadline_at_ms": {"N": "1"}}),
    );
    assert_eq!(store.sessions_due(shard, at(10_000), 25).await, Ok(keys.clone()));
    assert_eq!(store.sessions_due(shard, at(10_000), 4).await, Ok(keys[..3].to_vec()), "with the strange one");
}

/// Answers that are lost are told of; the rest of the session goes on.
#[tokio::test]
async fn a_session_whose_answers_cannot_be_read_says_so_and_keeps_the_others() {
    type Damage = fn(&mut Value);
    let damages: [(Damage, usize); 5] = [
        (|row| row["answers"] = json!({"S": "gone"}), 0),
        (|row| drop(row.as_object_mut().unwrap().remove("answers")), 0),
        (|row| row["answers"]["L"][0] = json!({"NULL": true}), 1),
        (|row| row["answers"]["L"][0]["M"]["at_ms"] = json!({"S": "noon"}), 1),
        (|row| drop(row.as_object_mut().unwrap().remove("kept")), 2),
    ];
    for (n, (damage, left)) in damages.into_iter().enumerate() {
        let tables = Tables::start().await;
        let store = tables.store();
        let first = after(None, "e1", T0);
        let _ = store.save_session(&first, &RULES, T0).await.unwrap();
        let session = after(Some(first), "e2", at(1));
        let _ = store.save_session(&session, &RULES, at(1)).await.unwrap();
        let mut row = tables.item("sessions", &key().to_key()).unwrap();
        damage(&mut row);
        tables.put("sessions", &row);

        let read = store.session(&key(), at(2)).await.unwrap().unwrap();
        assert!(read.damaged, "case {n}");
        assert_eq!(read.answers, session.answers[2 - left..], "case {n}");
        let rest = Session { damaged: false, answers: session.answers.clone(), ..read.clone() };
        assert_eq!(rest, session, "case {n}: nothing else is missing");
        let next = after(Some(read), "e3", at(2));
        assert_eq!(store.save_session(&next, &RULES, at(2)).await, Ok(Fenced::Written));
        assert!(!store.session(&key(), at(2)).await.unwrap().unwrap().damaged, "said once");
    }
}

#[tokio::test]
async fn a_session_without_its_state_is_an_error_and_names_what_is_missing() {
    let tables = Tables::start().await;
    let store = tables.store();
    let _ = store.save_session(&after(None, "e1", T0), &RULES, T0).await.unwrap();
    let whole = tables.item("sessions", &key().to_key()).unwrap();
    for what in ["session_id", "version_number", "st", "last_at_ms", "spell"] {
        let mut row = whole.clone();
        row.as_object_mut().unwrap().remove(what).unwrap();
        tables.put("sessions", &row);
        let missing = StoreError::Corrupt { table: "sessions", what };
        assert_eq!(store.session(&key(), T0).await, Err(missing));
    }
}

#[tokio::test]
async fn a_session_that_says_nothing_about_its_conversation_has_none_to_open_again() {
    let closed = after(None, "e1", T0).closed();
    let reopened = after(Some(closed), "e2", at(60));
    for flag in [None, Some(true), Some(false)] {
        let tables = Tables::start().await;
        let store = tables.store();
        let _ = store.save_session(&Session { version: 1, ..reopened.clone() }, &RULES, T0).await.unwrap();
        let mut row = tables.item("sessions", &key().to_key()).unwrap();
        assert_eq!(row["reopen"]["BOOL"], true);
        row["reopen"] = json!({"BOOL": flag});
        if flag.is_none() {
            row.as_object_mut().unwrap().remove("reopen");
        }
        tables.put("sessions", &row);
        assert_eq!(store.session(&key(), at(60)).await.unwrap().unwrap().reopen, flag == Some(true));
    }
}
