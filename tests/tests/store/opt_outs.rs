//! An event and what it says about opt-outs, in one transaction.

use frontdesk_core::{
    contact::{
        ChangeOutcome, Contacts, Direction, Hold, HoldOutcome, MirrorState, Objection, OptOutChange, OptOutFlag,
        OptOutSource,
    },
    inbox::{Accepted, Inbox, NewEvent, RejectReason},
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
    assert_eq!(wire.operations(), ["TransactWriteItems"]);
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
    assert_eq!(wire.operations(), ["TransactWriteItems", "GetItem", "PutItem"], "only what says something costs more");
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
    let cases: [Case; 6] = [
        (vec![stop(1, at(9))], &["TransactWriteItems", "PutItem"], [false, true, false]),
        (vec![start(2, at(10))], &["TransactWriteItems", "PutItem"], [false, true, false]),
        (vec![by_page(2)], &["TransactWriteItems", "PutItem"], [false, true, false]),
        (vec![stop(1, at(9)), stop(3, at(9))], &["TransactWriteItems", "TransactWriteItems"], [false, true, true]),
        (vec![stop(1, at(9)), start(2, at(9))], &["TransactWriteItems", "PutItem"], [false, true, false]),
        (vec![stop(1, at(10)), start(2, at(11)), stop(3, T0)], &["TransactWriteItems"], [true, false, true]),
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
        let tokens: Vec<Value> = wire.calls().iter().map(|call| call.json()["ClientRequestToken"].clone()).collect();
        assert!(tokens.len() < 2 || tokens[0] != tokens[1], "case {n}: another transaction, another name");
    }
}

#[tokio::test]
async fn several_changes_of_one_contact_are_all_written() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let global = OptOutChange { flag: OptOutFlag::Global, ..stop(1, at(2)) };
    let other = stop(2, at(3));
    let opt_outs = vec![stop(1, at(1)), global, start(1, at(4)), other];
    let store = store_at(&wire.url);
    assert_eq!(store.accept(&saying("e1", "r1", opt_outs)).await, Ok(Accepted::Stored));
    // START was written before, so STOP, said earlier, is superseded; the other contact's STOP is not.
    assert_eq!(wire.operations(), ["UpdateItem", "UpdateItem", "TransactWriteItems", "TransactWriteItems"]);
    let contact = store.contact(&phone(1)).await.unwrap().unwrap();
    let flags: Vec<_> = contact.opt_outs.iter().map(|(flag, record)| (*flag, record.direction)).collect();
    assert_eq!(flags, [(OptOutFlag::Keyword, Direction::In), (OptOutFlag::Global, Direction::Out)]);
    assert_eq!(opted_out(&store, 2).await, Some(OptOutFlag::Keyword));
}

#[tokio::test]
async fn more_contacts_than_a_transaction_holds_are_written_before_the_event() {
    let of = |many: u64| saying("e1", "r1", (0..many).map(|n| stop(n, at(1))).collect());
    for (many, operations) in [(90, 1), (91, 92)] {
        let tables = Tables::start().await;
        let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
        assert_eq!(store_at(&wire.url).accept(&of(many)).await, Ok(Accepted::Stored));
        let seen = wire.operations();
        assert_eq!(seen.len(), operations);
        assert_eq!(seen.last().unwrap(), if many == 90 { "TransactWriteItems" } else { "PutItem" });
        let contacts = tables.items("contacts");
        assert_eq!(contacts.len(), usize::try_from(many).unwrap());
        assert!(contacts.iter().all(|contact| contact["podium_keyword_optout"]["S"] == "out"));
    }
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

#[tokio::test]
async fn a_conflict_is_tried_again_as_the_same_transaction() {
    for reasons in [[code("TransactionConflict"), code("None")], [code("None"), code("TransactionConflict")]] {
        let tables = Tables::start().await;
        let answer = cancelled(&reasons);
        let again = answer.clone();
        let wire = Wire::to(&tables.url, move |call| match call.number {
            0 => Fate::Answer(400, answer.clone()),
            _ => Fate::Pass,
        })
        .await;
        let accepted = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await;
        assert_eq!(accepted, Ok(Accepted::Stored));
        let tokens: Vec<Value> = wire.calls().iter().map(|call| call.json()["ClientRequestToken"].clone()).collect();
        assert_eq!(tokens.len(), 2);
        assert_eq!(tokens[0], tokens[1]);
        assert!(tokens[0].as_str().unwrap().len() <= 36);

        let wire = Wire::nowhere(move |_| Fate::Answer(400, again.clone())).await;
        let error = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable { table: "inbox", .. }), "{error}");
        assert!(!error.to_string().contains("+614"), "{error}");
        assert_eq!(wire.calls().len(), 3);
    }
}

#[tokio::test]
async fn what_is_no_decision_drops_no_change() {
    for reason in ["ThrottlingError", "ProvisionedThroughputExceeded", "ItemCollectionSizeLimitExceeded"] {
        let answer = cancelled(&[code("None"), code(reason)]);
        let wire = Wire::nowhere(move |_| Fate::Answer(400, answer.clone())).await;
        let outcome = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{reason}");
        assert!(wire.operations().iter().all(|operation| operation == "TransactWriteItems"), "{reason}");
    }
    // A busy row beside a superseded change: the one is dropped, the other is tried again.
    let tables = Tables::start().await;
    let answer = cancelled(&[code("TransactionConflict"), code("ConditionalCheckFailed"), code("TransactionConflict")]);
    let wire = Wire::to(&tables.url, move |call| match call.number {
        0 => Fate::Answer(400, answer.clone()),
        _ => Fate::Pass,
    })
    .await;
    let event = saying("e1", "r1", vec![stop(1, at(1)), stop(2, at(1))]);
    assert_eq!(store_at(&wire.url).accept(&event).await, Ok(Accepted::Stored));
    assert_eq!(wire.operations(), ["TransactWriteItems"; 2]);
    assert_eq!(opted_out(&tables.store(), 1).await, None);
    assert_eq!(opted_out(&tables.store(), 2).await, Some(OptOutFlag::Keyword));
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
        let answer = cancelled(&[refused, code("ConditionalCheckFailed")]);
        let wire = Wire::nowhere(move |_| Fate::Answer(400, answer.clone())).await;
        let outcome = store_at(&wire.url).accept(&saying("e1", "r1", vec![stop(1, at(1))])).await;
        assert_eq!(outcome, Ok(accepted));
        assert_eq!(wire.calls().len(), 1);
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
        assert_eq!(store.record_opt_out(&stop(1, T0)).await, Ok(ChangeOutcome::Superseded));
    }
}
