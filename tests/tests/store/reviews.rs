//! Reviews: the next version of what was read, written by one.

use frontdesk_core::{
    ids::{EventId, ProviderId},
    rating::{Rating, RatingClass},
    reviews::{ReviewBook, ReviewRecord, Turn},
    store::{Fenced, StoreError},
};
use frontdesk_tests::tables::Tables;

use super::{
    T0, at, location, order,
    races::{MANY, all_at_once, count},
};

pub(super) fn record(version: u32) -> ReviewRecord {
    let turn =
        |number: u32, class| Turn { number, class, by: EventId::try_from(format!("e{number}").as_str()).unwrap() };
    ReviewRecord {
        uid: uid(),
        version,
        rating: Rating::new(2),
        changed_at: at(u64::from(version)),
        platform: Some("google".into()),
        location: Some(location()),
        order: Some(order(1)),
        turns: vec![turn(1, None), turn(2, Some(RatingClass::Escalate))],
    }
}

pub(super) fn uid() -> ProviderId {
    ProviderId::try_from("rev_1").unwrap()
}

#[tokio::test]
async fn a_review_comes_back_as_it_was_and_each_version_follows_the_one_before() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.review(&uid()).await, Ok(None));
    assert_eq!(store.save_review(&record(2)).await, Ok(Fenced::Lost), "there is no first");
    assert_eq!(tables.items("reviews").len(), 0);
    assert_eq!(store.save_review(&record(1)).await, Ok(Fenced::Written));
    assert_eq!(store.save_review(&record(1)).await, Ok(Fenced::Written), "our own success");
    let other = ReviewRecord { rating: None, ..record(1) };
    assert_eq!(store.save_review(&other).await, Ok(Fenced::Lost), "somebody else's is not ours");
    assert_eq!(store.review(&uid()).await, Ok(Some(record(1))));
    let bare = ReviewRecord {
        rating: None,
        platform: None,
        location: None,
        order: None,
        turns: Vec::new(),
        changed_at: T0,
        ..record(2)
    };
    assert_eq!(store.save_review(&bare).await, Ok(Fenced::Written));
    assert_eq!(store.review(&uid()).await, Ok(Some(bare)), "nothing of the one before is left");
    assert_eq!(store.save_review(&record(1)).await, Ok(Fenced::Lost));
    assert_eq!(store.save_review(&record(4)).await, Ok(Fenced::Lost));
}

#[tokio::test]
async fn a_review_that_nobody_can_read_is_named_by_attribute() {
    let tables = Tables::start().await;
    let store = tables.store();
    let _ = store.save_review(&record(1)).await.unwrap();
    let whole = tables.item("reviews", "rev_1").unwrap();
    let cases = [
        ("rating_stars", serde_json::json!({"N": "9"})),
        ("turn_list", serde_json::json!({"S": "none"})),
        ("version_number", serde_json::json!({"S": "one"})),
        ("order_key", serde_json::json!({"S": "none"})),
    ];
    for (what, value) in cases {
        let mut damaged = whole.clone();
        damaged[what] = value;
        tables.put("reviews", &damaged);
        assert_eq!(store.review(&uid()).await, Err(StoreError::Corrupt { table: "reviews", what }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_write_the_next_version_one_does() {
    let tables = Tables::start().await;
    let _ = tables.store().save_review(&record(1)).await.unwrap();
    let outcomes = all_at_once(&tables, MANY, |store, n| async move {
        store.save_review(&ReviewRecord { changed_at: at(n), ..record(2) }).await.unwrap()
    })
    .await;
    assert_eq!(count(&outcomes, |outcome| *outcome == Fenced::Written), 1);
}
