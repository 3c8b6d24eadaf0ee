//! An event and what it says about opt-outs, in one transaction.

use std::sync::Arc;

use frontdesk_core::{
    contact::{
        ChangeOutcome, Contacts, Direction, Hold, HoldOutcome, MirrorState, Objection, OptOutChange, OptOutFlag,
        OptOutRecord, OptOutSource,
    },
    ids::EventId,
    inbox::{Accepted, BodySha256, Inbox, NewEvent, RejectReason},
    store::StoreError,
    time::{DAY, UnixMillis},
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Fate, Wire},
};
use serde_json::{Value, json};

use super::{T0, at, effect, event, event_key, phone, said, start, stop};

/// An event that says this.
fn saying(id: &str, receipt: &str, opt_outs: Vec<OptOutChange>) -> NewEvent {
    NewEvent { opt_outs, ..event(id, "STOP", receipt, at(100)) }
}

async fn opted_out(store: &impl Contacts, number: u64) -> Option<OptOutFlag> {
    store.contact(&phone(number)).await.unwrap().and_then(|contact| contact.opted_out())
}

#[tokio::test]
async fn an_event_and_its_opt_out_are_one_write() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let store = store_at(&wire.url);
    let stop = stop(1, at(1));
    assert_eq!(store.accept(&saying("e1", "r1", vec![stop.clone()])).await, Ok(Accepted::Stored));
    assert_eq!(wire.operations(), ["GetItem", "GetItem", "TransactWriteItems"], "over what is known or remembered");
    let contact = store.contact(&phone(1)).await.unwrap().unwrap();
    let [(OptOutFlag::Keyword, record)] = contact.opt_outs.as_slice() else { panic!("{contact:?}") };
    assert_eq!((record.direction, record.at, &record.evidence), (Direction::Out, at(1), &stop.evidence));
    assert_eq!(contact.mirror, MirrorState::Due { at: stop.evidence.recorded_at, attempts: 0 });
    let hold = Hold { phone: phone(1), intent: effect(1), now: at(101), window: DAY };
    let refused = HoldOutcome::Refused(Objection::OptedOut(OptOutFlag::Keyword));
    assert_eq!(store.hold(&hold).await, Ok(refused), "from the answer on");

    wire.forget();
    let restart = start(1, at(2));
    assert_eq!(store.accept(&saying("e2", "r2", vec![restart])).await, Ok(Accepted::Stored));
    assert_eq!(opted_out(&store, 1).await, None);
    assert_eq!(store.accept(&event("e3", "hello", "r3", T0)).await, Ok(Accepted::Stored));
    let operations = ["GetItem", "TransactWriteItems", "GetItem", "PutItem"];
    assert_eq!(wire.operations(), operations, "only what says something costs more");
}

#[tokio::test]
async fn a_rejected_event_brings_its_opt_out_too() {
    let tables = Tables::start().await;
    let store = tables.store();
    let mut rejected = saying("e1", "r1", vec![stop(1, at(1))]);
    rejected.rejected = Some(RejectReason::MissingLocation);
    assert_eq!(store.accept(&rejected).await, Ok(Accepted::Stored));
    assert_eq!(tables.item("inbox", &event_key("e1").to_key()).unwrap()["st"]["S"], "rejected");
    assert_eq!(opted_out(&store, 1).await, Some(OptOutFlag::Keyword));
}

#[tokio::test]
async fn a_superseded_change_does_not_stand_in_its_events_way() {
    type Case = (Vec<OptOutChange>, &'static [&'static str], [bool; 3]);
    let by_page = |number| said(number, Direction::In, OptOutSource::Webchat, at(20));
    // Contacts 1 and 2 said something at 10: the one START, the other STOP.
    let cases: [Case; 7] = [
        // What is superseded is remembered all the same: something else may still arrive that makes it count.
        (vec![stop(1, at(9))], &["GetItem", "TransactWriteItems"], [false, true, false]),
        (vec![start(2, at(10))], &["GetItem", "TransactWriteItems"], [false, true, false]),
        (vec![by_page(2)], &["GetItem", "TransactWriteItems"], [false, true, false]),
        (vec![stop(2, at(10))], &["GetItem", "PutItem"], [false, true, false]),
        (
            vec![stop(1, at(9)), stop(3, at(9))],
            &["GetItem", "GetItem", "GetItem", "TransactWriteItems"],
            [false, true, true],
        ),
        (vec![stop(1, at(9)), start(2, at(9))], &["GetItem", "GetItem", "TransactWriteItems"], [false, true, false]),
        (
            vec![stop(1, at(10)), start(2, at(11)), stop(3, T0)],
            &["GetItem", "GetItem", "GetItem", "GetItem", "TransactWriteItems"],
            [true, false, true],
        ),
    ];
    for (n, (opt_outs, operations, outs)) in cases.into_iter().enumerate() {
        let tables = Tables::start().await;
        tables.store().record_opt_out(&start(1, at(10))).await.unwrap();
        tables.store().record_opt_out(&stop(2, at(10))).await.unwrap();
        let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
        let accepted = store_at(&wire.url).accept(&saying("e1", "r1", opt_outs)).await;
        assert_eq!(accepted, Ok(Accepted::Stored), "case {n}");
        assert_eq!(wire.operations(), operations, "case {n}");
        for (number, out) in (1..).zip(outs) {
            assert_eq!(opted_out(&tables.store(), number).await.is_some(), out, "case {n}: contact {number}");
        }
    }
}

/// A transaction touches a row once.
#[tokio::test]
async fn of_several_changes_of_one_contact_one_is_in_the_transaction_and_more_outs_before_it() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let global = OptOutChange { flag: OptOutFlag::Global, ..stop(1, at(2)) };
    let opt_outs = vec![stop(1, at(1)), global, start(1, at(4)), stop(2, at(3))];
    let store = store_at(&wire.url);
    assert_eq!(store.accept(&saying("e1", "r1", opt_outs)).await, Ok(Accepted::Stored));
    let operations =
        ["GetItem", "GetItem", "TransactWriteItems", "GetItem", "GetItem", "GetItem", "TransactWriteItems"];
    assert_eq!(wire.operations(), operations);
    let parts = wire.calls()[6].json()["TransactItems"].as_array().unwrap().len();
    assert_eq!(parts, 4, "the event, two contacts, and that of the new one nothing is remembered");
    let flags = async || {
        let contact = store.contact(&phone(1)).await.unwrap().unwrap();
        contact.opt_outs.iter().map(|(flag, record)| (*flag, record.direction)).collect::<Vec<_>>()
    };
    let out = [(OptOutFlag::Keyword, Direction::Out), (OptOutFlag::Global, Direction::Out)];
    assert_eq!(flags().await, out, "that they are back is for the worker to write");
    assert_eq!(opted_out(&store, 2).await, Some(OptOutFlag::Keyword));
    assert_eq!(store.record_opt_out(&start(1, at(4))).await, Ok(ChangeOutcome::Applied));
    assert_eq!(flags().await, [(OptOutFlag::Keyword, Direction::In), out[1]]);
}

#[tokio::test]
async fn more_contacts_than_a_transaction_holds_are_written_before_the_event() {
    let of = |many: u64| saying("e1", "r1", (0..many).map(|n| stop(n, at(1))).collect());
    for (many, operations) in [(45, 45 * 2 + 1), (46, 46 * 3 + 1)] {
        let tables = Tables::start().await;
        let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
        assert_eq!(store_at(&wire.url).accept(&of(many)).await, Ok(Accepted::Stored));
        let seen = wire.operations();
        assert_eq!(seen.len(), operations);
        assert_eq!(seen.last().unwrap(), if many == 45 { "TransactWriteItems" } else { "PutItem" });
        let contacts = tables.items("contacts");
        assert_eq!(contacts.len(), usize::try_from(many).unwrap());
        assert!(contacts.iter().all(|contact| contact["podium_keyword_optout"]["S"] == "out"));
    }
    // Who is back among so many is for the worker to write.
    let tables = Tables::start().await;
    let store = tables.store();
    store.record_opt_out(&stop(95, at(1))).await.unwrap();
    let mut event = of(91);
    event.opt_outs.push(start(95, at(2)));
    assert_eq!(store.accept(&event).await, Ok(Accepted::Stored));
    assert_eq!(opted_out(&store, 95).await, Some(OptOutFlag::Keyword));
}

/// The same bytes with an id of their own are one event that came twice; without one they may be two.
#[tokio::test]
async fn a_duplicate_without_an_id_of_its_own_still_says_stop() {
    let of_body = EventId::of_body(&BodySha256::of(b"STOP"));
    for (id, counts) in [(event_key("e1").event, false), (of_body, true)] {
        let tables = Tables::start().await;
        let store = tables.store();
        let saying = |receipt: &str, opt_outs| {
            let mut event = saying("e1", receipt, opt_outs);
            event.key.event = id.clone();
            event
        };
        assert_eq!(store.accept(&saying("r1", vec![stop(1, at(1))])).await, Ok(Accepted::Stored));
        store.record_opt_out(&start(1, at(2))).await.unwrap();
        store.record_opt_out(&stop(2, at(2))).await.unwrap();
        let again = saying("r2", vec![stop(1, at(3)), start(2, at(3))]);
        assert_eq!(store.accept(&again).await, Ok(Accepted::Duplicate));
        assert_eq!(opted_out(&store, 1).await.is_some(), counts, "{id:?}");
        assert_eq!(opted_out(&store, 2).await, Some(OptOutFlag::Keyword), "{id:?}: a doubtful event opens nothing");
        assert_eq!(tables.items("inbox").len(), 1);
    }
}

/// They were written before it was known whether the event counts.
#[tokio::test]
async fn a_duplicate_records_nothing_but_the_outs_that_have_no_place_in_the_transaction() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.accept(&saying("e1", "r1", Vec::new())).await, Ok(Accepted::Stored));
    let global = OptOutChange { flag: OptOutFlag::Global, ..stop(1, at(2)) };
    let again = saying("e1", "r2", vec![stop(1, at(1)), global.clone(), stop(2, at(1))]);
    assert_eq!(store.accept(&again).await, Ok(Accepted::Duplicate));
    let contact = store.contact(&phone(1)).await.unwrap().unwrap();
    assert_eq!(contact.opt_outs, [(OptOutFlag::Global, OptOutRecord::of(&global))]);
    assert_eq!(store.contact(&phone(2)).await, Ok(None));
}

#[tokio::test]
async fn a_duplicate_changes_nothing_and_a_second_body_still_says_stop() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.accept(&saying("e1", "r1", vec![stop(1, at(1))])).await, Ok(Accepted::Stored));
    store.record_opt_out(&start(1, at(2))).await.unwrap();
    let due = store.contact(&phone(1)).await.unwrap().unwrap().mirror;
    assert_eq!(store.accept(&saying("e1", "r2", vec![stop(1, at(1))])).await, Ok(Accepted::Duplicate));
    assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().mirror, due);
    assert_eq!(opted_out(&store, 1).await, None, "what was said later holds");

    // The same id with another body, and another wish.
    store.record_opt_out(&stop(3, at(1))).await.unwrap();
    let opt_outs = vec![stop(1, at(5)), stop(2, at(5)), start(3, at(5))];
    let second = NewEvent { opt_outs, ..event("e1", "stop it", "r3", at(100)) };
    assert_eq!(store.accept(&second).await, Ok(Accepted::Mismatch));
    let kept = tables.item("inbox", &event_key("e1").mismatch_key(&second.body_sha256)).unwrap();
    assert_eq!(kept["st"]["S"], "mismatch");
    assert_eq!(opted_out(&store, 1).await, Some(OptOutFlag::Keyword));
    assert_eq!(opted_out(&store, 2).await, Some(OptOutFlag::Keyword));
    assert_eq!(opted_out(&store, 3).await, Some(OptOutFlag::Keyword), "a doubtful event opens nothing");
}

#[tokio::test]
async fn an_opt_out_of_an_id_whose_old_row_has_expired_is_new() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.accept(&event("e1", "hello", "r1", T0)).await, Ok(Accepted::Stored));
    let after = T0.plus(DAY * 14);
    let again = NewEvent { opt_outs: vec![stop(1, after)], ..event("e1", "STOP", "r2", after) };
    assert_eq!(store.accept(&again).await, Ok(Accepted::Stored));
    assert_eq!(opted_out(&store, 1).await, Some(OptOutFlag::Keyword));
}

fn cancelled(reasons: &[Value]) -> Value {
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": reasons,
    })
}

fn code(code: &str) -> Value {
    json!({"Code": code, "Message": "the phone +61491570001 is busy"})
}

/// A wire at whose end nobody is known, and all else is answered with this refusal.
async fn unknown_then(refusal: Value) -> Wire {
    Wire::nowhere(move |call| match call.operation.as_str() {
        "GetItem" => Fate::Answer(200, json!({})),
        _ => Fate::Answer(400, refusal.clone()),
    })
    .await
}

/// The names of the transactions.
fn tokens_of(wire: &Wire) -> Vec<Value> {
    let transactions = wire.calls().into_iter().filter(|call| call.operation == "TransactWriteItems");
    transactions.map(|call| call.json()["ClientRequestToken"].clone()).collect()
}

#[tokio::test]
async fn a_conflict_is_tried_again_as_the_same_transaction() {
    let conflict = || code("TransactionConflict");
    for reasons in [[conflict(), code("None"), code("None")], [code("None"), code("None"), conflict()]] {
        let tables = Tables::start().await;
        let answer = cancelled(&reasons);
        let again = answer.clone();
        let wire = Wire::to(&tables.url, move |call| match call.number {
            2 => Fate::Answer(400, answer.clone()),
            _ => Fate::Pass,
        })
        .await;
        let accepted = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await;
        assert_eq!(accepted, Ok(Accepted::Stored));
        assert_eq!(wire.operations(), ["GetItem", "GetItem", "TransactWriteItems", "TransactWriteItems"]);
        let tokens = tokens_of(&wire);
        assert_eq!(tokens[0], tokens[1]);
        assert!(tokens[0].as_str().unwrap().len() <= 36);

        let wire = unknown_then(again).await;
        let error = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable { table: "inbox", .. }), "{error}");
        assert!(!error.to_string().contains("+614"), "{error}");
        assert_eq!(tokens_of(&wire).len(), 3);
    }
}

#[tokio::test]
async fn what_is_no_decision_drops_no_change() {
    for reason in ["ThrottlingError", "ProvisionedThroughputExceeded", "ItemCollectionSizeLimitExceeded"] {
        let answer = cancelled(&[code("None"), code(reason)]);
        let wire = unknown_then(answer).await;
        let outcome = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{reason}");
        assert!(wire.operations()[2..].iter().all(|operation| operation == "TransactWriteItems"), "{reason}");
    }
    // A busy row beside one that changed since it was read: both are looked at anew.
    let tables = Tables::start().await;
    let busy = || code("TransactionConflict");
    let answer = cancelled(&[busy(), code("ConditionalCheckFailed"), code("None"), busy(), code("None")]);
    let wire = Wire::to(&tables.url, move |call| match call.number {
        4 => Fate::Answer(400, answer.clone()),
        _ => Fate::Pass,
    })
    .await;
    let event = saying("e1", "r1", vec![stop(1, at(1)), stop(2, at(1))]);
    assert_eq!(store_at(&wire.url).accept(&event).await, Ok(Accepted::Stored));
    assert_eq!(wire.operations(), ["GetItem", "GetItem", "GetItem", "GetItem", "TransactWriteItems"].repeat(2));
    assert_eq!(opted_out(&tables.store(), 1).await, Some(OptOutFlag::Keyword));
    assert_eq!(opted_out(&tables.store(), 2).await, Some(OptOutFlag::Keyword));
}

/// What is written is what follows from the row that it is written over.
#[tokio::test]
async fn a_contact_that_changes_between_its_read_and_the_transaction_is_looked_at_anew() {
    let operations = ["GetItem", "GetItem", "TransactWriteItems", "GetItem", "TransactWriteItems"];
    for (theirs, out) in [(start(1, at(9)), false), (start(1, at(1)), true)] {
        let (tables, other) = (Arc::new(Tables::start().await), Tables::start().await);
        other.store().record_opt_out(&theirs).await.unwrap();
        let row = other.item("contacts", phone(1).expose()).unwrap();
        let table = Arc::clone(&tables);
        let wire = Wire::to(&tables.url, move |call| {
            if call.number == 1 {
                table.put("contacts", &row);
            }
            Fate::Pass
        })
        .await;
        let accepted = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(5))])).await;
        assert_eq!(accepted, Ok(Accepted::Stored));
        assert_eq!(wire.operations(), operations);
        assert_eq!(opted_out(&tables.store(), 1).await.is_some(), out);
        let tokens = tokens_of(&wire);
        assert!(tokens.len() < 2 || tokens[0] != tokens[1], "another transaction, another name");
    }
}

#[tokio::test]
async fn a_contact_that_changes_at_every_try_is_an_error_and_leaves_nothing_behind() {
    let refused = code("ConditionalCheckFailed");
    let wire = unknown_then(cancelled(&[code("None"), refused, code("None")])).await;
    let error = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await.unwrap_err();
    let detail = "a contact's opt-outs changed at every try".to_owned();
    assert_eq!(error, StoreError::Unavailable { table: "contacts", detail });
    assert_eq!(wire.calls().len(), 48, "sixteen times two looks and a try");
}

/// The answer was lost, and DynamoDB does not know the transaction's name any more: the row shows whose it is.
#[tokio::test]
async fn a_transaction_of_ones_own_is_no_duplicate() {
    let item = |receipt: &str, body: &str| {
        let row = event("e1", body, receipt, at(100));
        json!({"receipt": {"S": receipt}, "body_sha256": {"S": row.body_sha256.as_str()}})
    };
    for (receipt, body, accepted) in [("r1", "STOP", Accepted::Stored), ("r0", "STOP", Accepted::Duplicate)] {
        let refused = json!({"Code": "ConditionalCheckFailed", "Message": "x", "Item": item(receipt, body)});
        let wire = unknown_then(cancelled(&[refused, code("ConditionalCheckFailed"), code("None")])).await;
        let outcome = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await;
        assert_eq!(outcome, Ok(accepted));
        assert_eq!(wire.operations(), ["GetItem", "GetItem", "TransactWriteItems"]);
    }
}

#[tokio::test]
async fn asking_twice_with_one_receipt_is_asking_once() {
    let tables = Tables::start().await;
    let store = tables.store();
    let event = saying("e1", "r1", vec![stop(1, at(1))]);
    assert_eq!(store.accept(&event).await, Ok(Accepted::Stored));
    assert_eq!(store.accept(&event).await, Ok(Accepted::Stored));
    assert_eq!(tables.items("inbox").len(), 1);
}

/// Its sender hears 503 and comes again; nothing of it is half there.
#[tokio::test]
async fn an_event_whose_transaction_never_arrives_leaves_nothing_behind() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::LoseCall).await;
    let event = saying("e1", "r1", vec![stop(1, at(1))]);
    assert!(store_at(&wire.url).accept(&event).await.is_err());
    assert_eq!((tables.items("inbox").len(), tables.items("contacts").len()), (0, 0));
    assert_eq!(tables.store().accept(&event).await, Ok(Accepted::Stored));
}

#[tokio::test]
async fn order_of_arrival_does_not_matter_and_out_wins_a_tie() {
    type Said = (fn(u64, UnixMillis) -> OptOutChange, u64);
    let cases: [([Said; 2], bool); 6] = [
        ([(stop, 1), (start, 2)], false),
        ([(start, 2), (stop, 1)], false),
        ([(stop, 2), (start, 1)], true),
        ([(start, 1), (stop, 2)], true),
        ([(start, 1), (stop, 1)], true),
        ([(stop, 1), (start, 1)], true),
    ];
    for (n, (steps, out)) in cases.into_iter().enumerate() {
        let tables = Tables::start().await;
        let store = tables.store();
        for (step, (say, seconds)) in steps.into_iter().enumerate() {
            let event = saying(&format!("e{step}"), &format!("r{step}"), vec![say(1, at(seconds))]);
            assert_eq!(store.accept(&event).await, Ok(Accepted::Stored), "case {n}");
        }
        assert_eq!(opted_out(&store, 1).await.is_some(), out, "case {n}");
        let earlier = if out { ChangeOutcome::Applied } else { ChangeOutcome::Superseded };
        assert_eq!(store.record_opt_out(&stop(1, T0)).await, Ok(earlier), "case {n}: what is known holds");
    }
}
