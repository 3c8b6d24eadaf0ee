//! What a table's trouble becomes: an error that says which table and which code, and never what a row holds.

use frontdesk_core::{
    contact::Contacts,
    inbox::{Attempt, EventEnd, Inbox},
    request::{Committed, RequestChange, RequestStatus, Requests},
    store::{Lease, StoreError},
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Fate, Wire},
};
use serde_json::{Value, json};

use super::{T0, at, event, event_key, lease, order, phone, request};

fn refusal(code: &str, message: &str) -> Value {
    json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message, "Message": message})
}

#[tokio::test]
async fn an_error_names_table_and_code_and_never_a_rows_content() {
    let planted = format!("the value {} of Noor is not valid", phone(1).expose());
    let cases = [
        ("ValidationException", 400, "ValidationException (status 400)".to_owned()),
        ("InternalServerError", 500, "InternalServerError (status 500)".to_owned()),
        (
            "ProvisionedThroughputExceededException",
            400,
            "ProvisionedThroughputExceededException (status 400)".to_owned(),
        ),
    ];
    for (code, status, expected) in cases {
        let answer = refusal(code, &planted);
        let wire = Wire::nowhere(move |_| Fate::Answer(status, answer.clone())).await;
        let error = store_at(&wire.url).contact(&phone(1)).await.unwrap_err();
        assert_eq!(error, StoreError::Unavailable { table: "contacts", detail: expected });
    }
}

#[tokio::test]
async fn what_is_not_set_up_is_explained() {
    let message = "User: arn:aws:sts::1:assumed-role/r is not authorized to perform: dynamodb:PutItem on resource: t";
    let wire = Wire::nowhere(move |_| Fate::Answer(400, refusal("AccessDeniedException", message))).await;
    let error = store_at(&wire.url).accept(&event("e1", "{}", "r1", T0)).await.unwrap_err();
    let detail = format!("AccessDeniedException (status 400): {message}");
    assert_eq!(error, StoreError::Unavailable { table: "inbox", detail });
    assert_eq!(wire.calls().len(), 1, "and not tried again");
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_tried_three_times() {
    let wire = Wire::nowhere(|_| Fate::LoseCall).await;
    let error = store_at(&wire.url).accept(&event("e1", "{}", "r1", T0)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable { table: "inbox", .. }), "{error}");
    assert!(!error.to_string().contains("{}"), "{error}");
    assert_eq!(wire.operations(), ["PutItem"; 3]);
    assert!(store_at("http://127.0.0.1:9").open().await.is_err(), "nobody listens there");
}

#[tokio::test]
async fn a_row_without_what_it_must_hold_is_named_by_attribute() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    let mut row = tables.item("inbox", "shopify#e1").unwrap();
    row.as_object_mut().unwrap().remove("body_form");
    tables.put("inbox", &row);
    let error = store.claim(&event_key("e1"), &lease("a", at(1))).await;
    assert_eq!(error, Err(StoreError::Corrupt { table: "inbox", what: "body_form" }));
}

fn cancelled(event: &str, request: &str) -> Value {
    let reason = |code: &str| match code {
        "None" => json!({"Code": "None"}),
        _ => json!({"Code": code, "Message": "the phone +61491570001 is busy"}),
    };
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": [reason(event), reason(request)],
    })
}

async fn commit(url: &str) -> Result<Committed, StoreError> {
    let change = RequestChange::Schedule(Box::new(request(1, at(10))));
    store_at(url).commit(&event_key("e1"), &lease("a", at(1)), &EventEnd::Done("scheduled"), &change).await
}

async fn claimed() -> Tables {
    let tables = Tables::start().await;
    let (store, held): (_, Lease) = (tables.store(), lease("a", at(1)));
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    store.claim(&event_key("e1"), &held).await.unwrap();
    tables
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_is_no_decision() {
    for (event, request) in [("TransactionConflict", "None"), ("None", "TransactionConflict")] {
        let tables = claimed().await;
        let answer = cancelled(event, request);
        let wire = Wire::to(&tables.url, move |call| match call.number {
            0 => Fate::Answer(400, answer.clone()),
            _ => Fate::Pass,
        })
        .await;
        assert_eq!(commit(&wire.url).await, Ok(Committed::Written));
        let tokens: Vec<Value> = wire.calls().iter().map(|call| call.json()["ClientRequestToken"].clone()).collect();
        assert_eq!(tokens[0], tokens[1], "the same transaction");

        let answer = cancelled(event, request);
        let wire = Wire::nowhere(move |_| Fate::Answer(400, answer.clone())).await;
        let error = commit(&wire.url).await.unwrap_err();
        let detail = format!("TransactionCanceledException: {event}, {request}");
        assert_eq!(error, StoreError::Unavailable { table: "review_requests", detail });
        assert_eq!(wire.calls().len(), 3);
    }
}

#[tokio::test]
async fn a_single_write_that_meets_a_transaction_is_tried_again() {
    let tables = claimed().await;
    let wire = Wire::to(&tables.url, |call| match call.number {
        0 => Fate::Answer(400, refusal("TransactionConflictException", "busy")),
        _ => Fate::Pass,
    })
    .await;
    let released = store_at(&wire.url).release(&event_key("e1"), &lease("a", at(1)), Attempt::Counts).await;
    assert_eq!(released, Ok(frontdesk_core::store::Fenced::Written));
}

#[tokio::test]
async fn throttling_inside_a_transaction_decides_nothing() {
    for (event, request) in [("ThrottlingError", "None"), ("None", "ProvisionedThroughputExceeded")] {
        let answer = cancelled(event, request);
        let wire = Wire::nowhere(move |_| Fate::Answer(400, answer.clone())).await;
        assert!(matches!(commit(&wire.url).await, Err(StoreError::Unavailable { .. })), "{event} {request}");
    }
}

#[tokio::test]
async fn a_lost_lease_weighs_more_than_a_refused_change() {
    let tables = claimed().await;
    let store = tables.store();
    super::requests::commit(&store, "e2", &RequestChange::Schedule(Box::new(request(1, at(10))))).await;
    assert_eq!(commit(&tables.url).await, Ok(Committed::Refused));
    store.claim(&event_key("e1"), &lease("b", at(500))).await.unwrap();
    assert_eq!(commit(&tables.url).await, Ok(Committed::LeaseLost));
    assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Scheduled));
}

#[tokio::test]
async fn opening_the_connection_asks_for_nothing() {
    let tables = Tables::start().await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let store = store_at(&wire.url);
    store.open().await.unwrap();
    let calls = wire.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].method.as_str(), calls[0].operation.as_str(), calls[0].body.len()), ("GET", "", 0));
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
    assert_eq!(wire.operations(), ["", "PutItem"]);
    assert_eq!(tables.items("inbox").len(), 1);
}
