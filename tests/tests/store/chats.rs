//! Chats: each version replaces the one it was made from, and beside it stands the mark of the newest event.

use std::time::Duration;

use frontdesk_core::{
    body::StoredBody,
    chat::{
        Chat, ChatKey, ChatState, Chats, HEARD_BYTES_MAX, HEARD_MAX, Heard, InFlight, Line, Newest, SeenPicture, Step,
        Target, Trying, Who,
    },
    chatwoot::ConversationRef,
    contact::Contacts,
    ids::EventId,
    inbox::{Accepted, BodySha256, Inbox, InboxKey, NewEvent, RejectReason, Source},
    outbound::{Choice, Post, Show},
    store::{Fenced, StoreError},
    time::{DAY, UnixMillis},
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Fate, Wire},
};
use serde_json::{Value, json};

use super::{
    T0, at, event, owner, phone,
    races::{all_at_once, count},
    start, stop,
};

/// How long a chat is kept here.
pub(super) const KEEP: Duration = Duration::from_secs(7 * 86_400);
/// For so long a mark counts without a chat.
const MARK: Duration = Duration::from_secs(3 * 86_400);

pub(super) fn key() -> ChatKey {
    ChatKey::chatwoot(ConversationRef { account: 1, conversation: 2 })
}

pub(super) fn event_id(id: &str) -> EventId {
    EventId::try_from(id).unwrap()
}

/// A message in the chat.
pub(super) fn message(id: &str, receipt: &str, now: UnixMillis) -> NewEvent {
    NewEvent {
        key: InboxKey { source: Source::Chatwoot, event: event_id(id) },
        chat: Some(key()),
        ..event(id, "{}", receipt, now)
    }
}

pub(super) fn newest(id: &str, at: UnixMillis) -> Option<Newest> {
    Some(Newest { event: event_id(id), at })
}

fn heard(message: u64, text: &str) -> Heard {
    Heard {
        event: format!("e{message}"),
        message,
        text: text.to_owned(),
        pictures: vec![SeenPicture { url: "https://chat.example/p.png".into(), mime: Some("image/png".into()) }],
        transcript: Some(format!("said {text}")),
    }
}

/// A state in which there is something of everything.
pub(super) fn full(word: &str) -> ChatState {
    let options = vec![Choice { title: word.to_owned(), value: "1".into() }];
    let mut state = ChatState { offered: options.clone(), handed_over_at_ms: Some(7), ..ChatState::default() };
    state.say(Who::Customer, word);
    state.say(Who::Us, "hello");
    for message in 1..=3 {
        state.hear(heard(message, word));
    }
    state.settle("e0");
    state.answered_at_ms.push(5);
    state.disclosed = true;
    state.in_flight = Some(InFlight {
        event: "e2".into(),
        after: 2,
        outcome: "answered".into(),
        steps: vec![
            Step::Say(Post { text: word.to_owned(), show: Show::Select(options.clone()) }),
            Step::Note(word.to_owned()),
            Step::Assign(Target::Team(4)),
            Step::Open,
        ],
        done: 1,
        trying: Some(Trying::begun(&owner("w"), at(9))),
        said: word.to_owned(),
        offers: options,
        discloses: true,
        hands_over: true,
        answers: vec!["e1".into(), "e2".into()],
        failed: None,
    });
    state
}

/// The first version of the chat.
pub(super) fn first(word: &str) -> Chat {
    Chat { version: 1, state: full(word), phone: Some(phone(1)), ..Chat::new(key()) }
}

async fn read(store: &impl Chats, now: UnixMillis) -> Chat {
    store.chat(&key(), now).await.unwrap()
}

fn row(tables: &Tables) -> Value {
    tables.item("chats", key().as_str()).unwrap()
}

fn seconds(row: &Value) -> i64 {
    row["expires_at"]["N"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_chat_comes_back_as_it_was() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(read(&store, T0).await, Chat::new(key()));
    let first = first("blue");
    let second = Chat { phone: None, ..first.clone().changed(|state| state.land(at(1))) };
    let large = second.clone().changed(|state| {
        for message in 0..HEARD_MAX {
            state.hear(heard(10 + u64::try_from(message).unwrap(), &"words ".repeat(HEARD_BYTES_MAX / 6)));
        }
    });
    let small = large.clone().changed(|state| state.heard.clear());
    for chat in [first, second, large, small] {
        assert_eq!(store.save_chat(&chat, KEEP, T0).await, Ok(Fenced::Written));
        assert_eq!(read(&store, at(1)).await, chat);
        assert_eq!(row(&tables).get("phone_e164").is_some(), chat.phone.is_some());
    }
    assert_eq!(tables.items("chats").len(), 1);
}

#[tokio::test]
async fn of_two_that_read_the_same_version_one_writes_the_next() {
    let tables = Tables::start().await;
    let store = tables.store();
    let one = first("one");
    assert_eq!(store.save_chat(&one, KEEP, T0).await, Ok(Fenced::Written));
    assert_eq!(store.save_chat(&first("two"), KEEP, T0).await, Ok(Fenced::Lost), "there is one");
    let next = one.clone().changed(|state| state.silenced = true);
    assert_eq!(store.save_chat(&next, KEEP, T0).await, Ok(Fenced::Written));
    assert_eq!(store.save_chat(&one.changed(|_| {}), KEEP, T0).await, Ok(Fenced::Lost));
    let skipped = Chat { version: 4, ..next.clone() };
    assert_eq!(store.save_chat(&skipped, KEEP, T0).await, Ok(Fenced::Lost), "no version is left out");
    assert_eq!(read(&store, T0).await, next);
    let elsewhere = Chat { key: ChatKey::from_stored("chatwoot#1#3"), ..next };
    assert_eq!(store.save_chat(&elsewhere, KEEP, T0).await, Ok(Fenced::Lost), "nothing to be the next of");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_workers_on_one_chat_each_version_has_one_writer() {
    let tables = Tables::start().await;
    let written = all_at_once(&tables, 32, |store, n| async move {
        let mut written = Vec::new();
        for round in 0..6 {
            let chat = store.chat(&key(), at(round)).await.unwrap();
            let next = chat.changed(|state| state.settle(&format!("w{n}-{round}")));
            match store.save_chat(&next, KEEP, at(round)).await {
                Ok(Fenced::Written) => written.push((next.version, format!("w{n}-{round}"))),
                Ok(Fenced::Lost) => {}
                Err(error) => panic!("{error}"),
            }
            let id = format!("e{n}-{round}");
            assert_eq!(store.accept(&message(&id, &id, at(n))).await, Ok(Accepted::Stored));
        }
        written
    })
    .await;
    let mut written: Vec<_> = written.into_iter().flatten().collect();
    written.sort();
    let versions: Vec<u64> = written.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=u64::try_from(written.len()).unwrap()).collect::<Vec<_>>());
    let last = read(&tables.store(), at(99)).await;
    assert_eq!(last.state.settled, written.into_iter().map(|(_, name)| name).collect::<Vec<_>>(), "no change is lost");
    assert_eq!(last.newest.unwrap().at, at(31), "whoever came last, in whatever order they were written");
}

#[tokio::test]
async fn an_expired_chat_is_none_although_it_is_still_there_and_the_next_begins_anew() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&message("e1", "r1", T0)).await.unwrap();
    let second = first("one").changed(|_| {});
    let _ = store.save_chat(&first("one"), KEEP, T0).await.unwrap();
    let _ = store.save_chat(&second, KEEP, T0).await.unwrap();
    let end = T0.plus(KEEP);
    let before = end.minus(Duration::from_millis(1));
    assert_eq!(read(&store, before).await, Chat { newest: newest("e1", T0), ..second.clone() });
    assert_eq!(store.save_chat(&first("two"), KEEP, before).await, Ok(Fenced::Lost));
    assert_eq!(read(&store, end).await, Chat::new(key()));
    // What was said long ago does not come back with the next message.
    store.accept(&message("e2", "r2", end)).await.unwrap();
    assert_eq!(read(&store, end).await, Chat { newest: newest("e2", end), ..Chat::new(key()) });
    let anew = Chat { phone: None, state: ChatState::default(), ..first("") };
    assert_eq!(store.save_chat(&anew, KEEP, end).await, Ok(Fenced::Written));
    assert_eq!(read(&store, end).await, Chat { newest: newest("e2", end), ..anew });
    assert_eq!(store.save_chat(&second.changed(|_| {}), KEEP, end).await, Ok(Fenced::Lost), "its time is over");
}

#[tokio::test]
async fn the_first_save_takes_a_row_that_has_only_a_mark_and_leaves_the_mark() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.accept(&message("e1", "r1", T0)).await, Ok(Accepted::Stored));
    assert_eq!(read(&store, at(1)).await, Chat { newest: newest("e1", T0), ..Chat::new(key()) });
    let later = first("one").changed(|_| {});
    assert_eq!(store.save_chat(&later, KEEP, at(1)).await, Ok(Fenced::Lost), "there is no version before it");
    let forged = Chat { newest: newest("forged", at(50)), ..first("one") };
    assert_eq!(store.save_chat(&forged, KEEP, at(1)).await, Ok(Fenced::Written));
    assert_eq!(read(&store, at(1)).await.newest, newest("e1", T0), "that is the inbox's");
    assert_eq!(store.accept(&message("e2", "r2", at(2))).await, Ok(Accepted::Stored));
    assert_eq!(read(&store, at(2)).await, Chat { newest: newest("e2", at(2)), ..first("one") });
    assert_eq!(store.save_chat(&later, KEEP, at(3)).await, Ok(Fenced::Written), "a mark is no change of the chat");
}

#[tokio::test]
async fn a_mark_alone_counts_for_three_days() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&message("e1", "r1", T0)).await.unwrap();
    let end = T0.plus(MARK);
    assert_eq!(read(&store, end.minus(Duration::from_millis(1))).await.newest, newest("e1", T0));
    assert_eq!(read(&store, end).await, Chat::new(key()));
    assert!(seconds(&row(&tables)) * 1000 > end.get(), "and is there for as long");
}

#[tokio::test]
async fn an_event_and_its_mark_are_one_write_and_an_older_one_takes_nothing_back() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let store = store_at(&wire.url);
    let transactions = || wire.operations().into_iter().filter(|o| o == "TransactWriteItems").count();
    assert_eq!(store.accept(&message("e2", "r2", at(20))).await, Ok(Accepted::Stored));
    assert_eq!(wire.operations(), ["TransactWriteItems"]);
    assert_eq!(store.accept(&message("e3", "r3", at(30))).await, Ok(Accepted::Stored));
    assert_eq!(transactions(), 2, "nor need a second message look before");
    wire.forget();
    assert_eq!(store.accept(&message("e1", "r1", at(10))).await, Ok(Accepted::Stored), "it is an event all the same");
    assert_eq!(wire.operations(), ["TransactWriteItems", "PutItem"]);
    assert_eq!(read(&store, at(40)).await.newest, newest("e3", at(30)));
    assert_eq!(store.accept(&message("e4", "r4", at(30))).await, Ok(Accepted::Stored));
    assert!(read(&store, at(40)).await.newest.is_some_and(|newest| newest.at == at(30)), "of a tie any");
    assert_eq!(tables.items("inbox").len(), 4);
    // Of no chat, and one that nobody will work on.
    let before = row(&tables);
    assert_eq!(store.accept(&NewEvent { chat: None, ..message("e5", "r5", at(50)) }).await, Ok(Accepted::Stored));
    let rejected = NewEvent { rejected: Some(RejectReason::UnknownShape), ..message("e6", "r6", at(60)) };
    assert_eq!(store.accept(&rejected).await, Ok(Accepted::Stored));
    assert_eq!(row(&tables), before);
}

#[tokio::test]
async fn a_repetition_moves_no_mark() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&message("e1", "r1", T0)).await.unwrap();
    store.accept(&message("e2", "r2", at(5))).await.unwrap();
    let before = row(&tables);
    assert_eq!(store.accept(&message("e1", "r3", at(90))).await, Ok(Accepted::Duplicate));
    let other = NewEvent { body_sha256: BodySha256::of(b"other"), ..message("e1", "r4", at(90)) };
    assert_eq!(store.accept(&other).await, Ok(Accepted::Mismatch));
    assert_eq!(store.accept(&message("e1", "r1", T0)).await, Ok(Accepted::Stored), "its own");
    assert_eq!(row(&tables), before);
}

#[tokio::test]
async fn a_row_that_would_go_too_soon_stays_for_its_new_mark_and_no_longer_one_is_shortened() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let store = store_at(&wire.url);
    let mut now = T0;
    let _ = store.save_chat(&first("one"), DAY, now).await.unwrap();
    assert_eq!(read(&store, now.plus(DAY)).await, Chat::new(key()), "however long the row stays");
    for n in 0..6 {
        now = now.plus(DAY);
        let id = format!("e{n}");
        assert_eq!(store.accept(&message(&id, &id, now)).await, Ok(Accepted::Stored));
        assert_eq!(read(&store, now).await.newest, newest(&id, now));
        assert!(seconds(&row(&tables)) * 1000 >= now.plus(MARK).get(), "day {n}");
    }
    let tries = wire.operations().iter().filter(|o| *o == "TransactWriteItems").count();
    assert!((7..=12).contains(&tries), "a second try only where it has to be put off: {tries}");
    let _ = store.save_chat(&Chat { version: 1, ..first("one") }, DAY * 30, now).await.unwrap();
    let far = seconds(&row(&tables));
    store.accept(&message("last", "last", now.plus(DAY))).await.unwrap();
    assert_eq!(seconds(&row(&tables)), far);
    tables.expiry_clock.set(u64::try_from(far).unwrap() - 1);
    assert_eq!(tables.sweep_expired(), 7, "the events go");
    assert_eq!(read(&store, now.plus(DAY)).await.state, full("one"));
}

/// A STOP in a chat: the event, the opt-out and the mark, or nothing of it.
#[tokio::test]
async fn a_mark_and_an_opt_out_are_in_one_transaction_with_their_event() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let store = store_at(&wire.url);
    let saying = |id: &str, changes, now| NewEvent { opt_outs: changes, ..message(id, id, now) };
    assert_eq!(store.accept(&saying("e1", vec![stop(1, at(10))], at(10))).await, Ok(Accepted::Stored));
    assert_eq!(wire.operations(), ["GetItem", "GetItem", "TransactWriteItems"]);
    assert!(store.contact(&phone(1)).await.unwrap().unwrap().opted_out().is_some());
    assert_eq!(read(&store, at(11)).await.newest, newest("e1", at(10)));
    // An older event: its mark is superseded, its opt-out is another contact's.
    assert_eq!(store.accept(&saying("e0", vec![stop(2, at(1))], at(5))).await, Ok(Accepted::Stored));
    assert!(store.contact(&phone(2)).await.unwrap().unwrap().opted_out().is_some());
    assert_eq!(read(&store, at(11)).await.newest, newest("e1", at(10)));
    // An opt-out that is superseded, with a mark that is not.
    assert_eq!(store.accept(&saying("e2", vec![start(1, at(2))], at(20))).await, Ok(Accepted::Stored));
    assert!(store.contact(&phone(1)).await.unwrap().unwrap().opted_out().is_some());
    assert_eq!(read(&store, at(21)).await.newest, newest("e2", at(20)));
    // Both at once.
    assert_eq!(store.accept(&saying("e3", vec![start(1, at(2))], at(15))).await, Ok(Accepted::Stored));
    assert_eq!(read(&store, at(21)).await.newest, newest("e2", at(20)));
    assert_eq!(tables.items("inbox").len(), 4);
    let again = NewEvent { receipt: "again".into(), ..saying("e1", vec![stop(3, at(99))], at(99)) };
    assert_eq!(store.accept(&again).await, Ok(Accepted::Duplicate));
    assert_eq!(store.contact(&phone(3)).await, Ok(None), "nothing of a repetition");
    assert_eq!(read(&store, at(99)).await.newest, newest("e2", at(20)));
}

#[tokio::test]
async fn an_event_whose_transaction_never_arrives_leaves_no_mark() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::LoseCall).await;
    assert!(store_at(&wire.url).accept(&message("e1", "r1", T0)).await.is_err());
    assert_eq!((tables.items("inbox").len(), tables.items("chats").len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_messages_at_once_the_last_to_come_is_the_newest() {
    let tables = Tables::start().await;
    let accepted = all_at_once(&tables, 64, |store, n| async move {
        let id = format!("e{n}");
        store.accept(&message(&id, &id, at(n))).await
    })
    .await;
    assert_eq!(count(&accepted, |outcome| *outcome == Ok(Accepted::Stored)), 64);
    assert_eq!(read(&tables.store(), at(99)).await.newest, newest("e63", at(63)));
}

#[tokio::test]
async fn a_chat_that_nobody_can_read_is_an_error_and_not_an_empty_chat() {
    let tables = Tables::start().await;
    let store = tables.store();
    let _ = store.save_chat(&first("one"), KEEP, T0).await.unwrap();
    let damages = [
        ("state_bytes", json!({"B": "bm90IGpzb24="}), "state_bytes"),
        ("state_bytes", json!({"S": "text"}), "state_bytes"),
        ("state_form", json!({"S": "pigeon"}), "state_form"),
        ("state_form", json!({"S": "deflate"}), "state_bytes"),
        ("version_number", json!({"S": "one"}), "version_number"),
        ("kept_until_ms", json!({"S": "one"}), "kept_until_ms"),
        ("phone_e164", json!({"S": "one"}), "phone_e164"),
    ];
    let whole = row(&tables);
    for (name, value, what) in damages {
        let mut damaged = whole.clone();
        damaged[name] = value;
        tables.put("chats", &damaged);
        let error = StoreError::Corrupt { table: "chats", what };
        assert_eq!(store.chat(&key(), at(1)).await, Err(error), "{name}");
    }
    let mut marked = whole;
    marked["newest_event"] = json!({"N": "1"});
    tables.put("chats", &marked);
    assert_eq!(read(&store, at(1)).await, first("one"), "a mark is a hint only");
}

/// What fits into no row is told apart from a table that is down: later it would fit no better.
#[tokio::test]
async fn a_chat_that_fits_into_no_row_is_not_taken_for_an_outage() {
    let tables = Tables::start().await;
    let mut seed = 1_u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from(seed >> 57).unwrap() % 90)
    };
    let text: String = (0..800_000).map(|_| noise()).collect();
    let state = ChatState { history: vec![Line { who: Who::Customer, text }], ..ChatState::default() };
    let chat = Chat { state, ..first("one") };
    let error = StoreError::Corrupt { table: "chats", what: "state_bytes" };
    assert_eq!(tables.store().save_chat(&chat, KEEP, T0).await, Err(error));
    assert!(StoredBody::pack(&serde_json::to_vec(&chat.state).unwrap()).is_err());
    assert_eq!(tables.items("chats").len(), 0);
}
