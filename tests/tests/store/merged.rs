//! What somebody said, in whatever order it arrives, by whomever and however often.

use std::{collections::BTreeSet, sync::Arc};

use frontdesk_core::{
    contact::{
        ChangeOutcome, Contacts,
        Direction::{self, In, Out},
        Hold, HoldOutcome, MirrorState, OptOutChange, OptOutFlag, OptOutRecord,
        OptOutSource::{self, Api, Chatwoot, Manual, Podium, Sms, Webchat, Widget},
    },
    phone::E164Phone,
    store::StoreError,
    time::DAY,
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Call, Fate, Wire},
};
use serde_json::{Value, json};

use super::{T0, at, effect, phone, said, start, stop};

const FLAG: &str = "podium_keyword_optout";

fn row(tables: &Tables) -> Value {
    tables.item("contacts", phone(1).expose()).unwrap()
}

async fn record(store: &impl Contacts) -> OptOutRecord {
    store.contact(&phone(1)).await.unwrap().unwrap().opt_outs.remove(0).1
}

/// All orders of so many things.
fn orders(many: usize) -> Vec<Vec<usize>> {
    if many == 0 {
        return vec![Vec::new()];
    }
    let with = |shorter: Vec<usize>| {
        (0..many).map(move |place| {
            let mut order = shorter.clone();
            order.insert(place, many - 1);
            order
        })
    };
    orders(many - 1).into_iter().flat_map(with).collect()
}

/// Who said "out", ever.
fn outs(record: &OptOutRecord) -> Vec<OptOutSource> {
    record.said.keys().filter(|(_, direction)| *direction == Out).map(|(source, _)| *source).collect()
}

#[tokio::test]
async fn whatever_the_order_of_arrival_the_same_holds_at_the_end() {
    type Said = (Direction, OptOutSource);
    // One a second, by texts and their echoes; by web pages; by those whom the others do not overrule.
    let cases: [([Said; 4], bool); 7] = [
        ([(Out, Sms), (In, Sms), (Out, Podium), (In, Podium)], false),
        ([(Out, Sms), (Out, Podium), (In, Sms), (Out, Sms)], true),
        ([(In, Sms), (Out, Sms), (Out, Podium), (In, Sms)], false),
        ([(Out, Webchat), (In, Widget), (Out, Chatwoot), (In, Webchat)], false),
        ([(Out, Sms), (Out, Webchat), (In, Webchat), (In, Widget)], true),
        ([(Out, Manual), (Out, Sms), (In, Sms), (In, Podium)], true),
        ([(In, Webchat), (Out, Sms), (In, Webchat), (Out, Webchat)], true),
    ];
    let tables = Tables::start().await;
    let store = tables.store();
    let mut people = (570_000..).map(|n: u32| E164Phone::parse_e164(&format!("+61491{n}")).unwrap());
    for (steps, out) in cases {
        for (order, person) in orders(4).into_iter().zip(&mut people) {
            for n in &order {
                let (direction, source) = steps[*n];
                let change = OptOutChange { phone: person.clone(), ..said(1, direction, source, at(*n as u64)) };
                store.record_opt_out(&change).await.unwrap();
            }
            let contact = store.contact(&person).await.unwrap().unwrap();
            assert_eq!(contact.opted_out().is_some(), out, "{steps:?} in the order {order:?}");
        }
    }
}

#[tokio::test]
async fn an_echo_keeps_the_proof_and_flips_nothing() {
    let tables = Tables::start().await;
    let store = tables.store();
    let first = said(1, Out, Chatwoot, at(1));
    store.record_opt_out(&first).await.unwrap();
    let due = store.contact(&phone(1)).await.unwrap().unwrap().mirror;
    let mark = row(&tables)["mirror_mark"].clone();
    for (change, sources, last) in [
        (said(1, Out, Podium, at(5)), vec![Chatwoot, Podium], 5),
        (said(1, Out, Podium, at(3)), vec![Chatwoot, Podium], 5),
        (said(1, Out, Sms, at(2)), vec![Sms, Chatwoot, Podium], 5),
        (said(1, Out, Chatwoot, at(9)), vec![Sms, Chatwoot, Podium], 9),
    ] {
        assert_eq!(store.record_opt_out(&change).await, Ok(ChangeOutcome::Applied));
        let found = record(&store).await;
        assert_eq!((found.direction, found.at, &found.evidence), (Out, at(last), &first.evidence));
        assert_eq!(outs(&found), sources);
    }
    assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().mirror, due);
    let row = row(&tables);
    assert_eq!(row["mirror_mark"], mark, "nobody is to be told again");
    assert_ne!(row[&format!("{FLAG}_mark")], mark);
    assert_eq!(row["created_at_ms"]["N"], at(2).get().to_string(), "when the first was written down");
}

#[tokio::test]
async fn what_is_known_to_the_letter_is_not_written_again() {
    let tables = Tables::start().await;
    tables.store().record_opt_out(&stop(1, at(5))).await.unwrap();
    let before = row(&tables);
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    for seconds in [5, 4, 1] {
        assert_eq!(store_at(&wire.url).record_opt_out(&stop(1, at(seconds))).await, Ok(ChangeOutcome::Applied));
    }
    assert_eq!(wire.operations(), ["GetItem"; 3]);
    assert_eq!(row(&tables), before);
}

#[tokio::test]
async fn what_is_typed_into_a_page_takes_back_no_text_nor_anything_that_a_text_said_too() {
    for pages in [Webchat, Widget, Chatwoot] {
        for outs in [vec![Sms], vec![Webchat, Sms], vec![Sms, Webchat], vec![Widget, Podium], vec![Chatwoot, Manual]] {
            let tables = Tables::start().await;
            let store = tables.store();
            for (n, source) in (1..).zip(&outs) {
                store.record_opt_out(&said(1, Out, *source, at(n))).await.unwrap();
            }
            let back = said(1, In, pages, at(9));
            assert_eq!(store.record_opt_out(&back).await, Ok(ChangeOutcome::Superseded), "{outs:?}");
            assert_eq!(record(&store).await.direction, Out);
            let by_text = store.record_opt_out(&start(1, at(9))).await.unwrap() == ChangeOutcome::Applied;
            assert_eq!(by_text, !outs.contains(&Manual), "{outs:?}");
        }
    }
}

/// A flag is opened by who may overrule all that closed it since it was open, and by nobody for what came before.
#[tokio::test]
async fn who_said_out_counts_no_more_after_the_next_in() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.record_opt_out(&stop(1, at(1))).await.unwrap();
    store.record_opt_out(&start(1, at(2))).await.unwrap();
    store.record_opt_out(&said(1, Out, Webchat, at(3))).await.unwrap();
    assert_eq!(store.record_opt_out(&said(1, In, Webchat, at(4))).await, Ok(ChangeOutcome::Applied));
}

#[tokio::test]
async fn a_flag_without_a_mark_is_stopped_and_started_like_any_other() {
    let mark = format!("{FLAG}_mark");
    for (known, wanted) in [
        (start(1, at(1)), stop(1, at(2))),
        (stop(1, at(1)), start(1, at(2))),
        (stop(1, at(1)), said(1, Out, Podium, at(2))),
    ] {
        let tables = Tables::start().await;
        let store = tables.store();
        store.record_opt_out(&known).await.unwrap();
        let mut unmarked = row(&tables);
        unmarked.as_object_mut().unwrap().remove(&mark).unwrap();
        tables.put("contacts", &unmarked);
        assert_eq!(store.record_opt_out(&wanted).await, Ok(ChangeOutcome::Applied));
        assert_eq!(record(&store).await.direction, wanted.direction);
        assert!(row(&tables)[&mark]["S"].is_string(), "from now on it has one");
    }
}

/// One that was written anew meanwhile, and has a mark by now, is looked at anew.
#[tokio::test]
async fn a_flag_that_changes_between_its_read_and_the_write_is_looked_at_anew() {
    let mark = format!("{FLAG}_mark");
    // What was there when it was read: nothing, a flag without a mark, a flag.
    for before in [None, Some(false), Some(true)] {
        let (tables, other) = (Arc::new(Tables::start().await), Tables::start().await);
        other.store().record_opt_out(&stop(1, at(1))).await.unwrap();
        if let Some(marked) = before {
            let mut early = row(&other);
            if !marked {
                early.as_object_mut().unwrap().remove(&mark).unwrap();
            }
            tables.put("contacts", &early);
        }
        other.store().record_opt_out(&said(1, Out, Manual, at(3))).await.unwrap();
        let (late, table) = (row(&other), Arc::clone(&tables));
        let wire = Wire::to(&tables.url, move |call| {
            if call.number == 1 {
                table.put("contacts", &late);
            }
            Fate::Pass
        })
        .await;
        let wanted = said(1, Out, Podium, at(2));
        assert_eq!(store_at(&wire.url).record_opt_out(&wanted).await, Ok(ChangeOutcome::Applied));
        let expected: &[&str] = match before {
            None => &["GetItem", "GetItem", "TransactWriteItems", "GetItem", "UpdateItem"],
            Some(_) => &["GetItem", "UpdateItem", "GetItem", "UpdateItem"],
        };
        assert_eq!(wire.operations(), expected, "{before:?}");
        let record = record(&tables.store()).await;
        assert_eq!((record.at, outs(&record)), (at(3), vec![Sms, Podium, Manual]), "{before:?}: nobody is lost");
    }
}

/// Its answer was lost, and the SDK's repetition is refused by the very flag that it wrote.
#[tokio::test]
async fn ones_own_success_is_known_by_its_mark() {
    for known in [None, Some(start(1, T0))] {
        let tables = Tables::start().await;
        if let Some(known) = &known {
            tables.store().record_opt_out(known).await.unwrap();
        }
        // A contact that begins is looked for in two places, and written in a transaction.
        let (looks, write) = if known.is_some() { (1, "UpdateItem") } else { (2, "TransactWriteItems") };
        let lost = move |call: &Call| if call.number == looks { Fate::LoseAnswer } else { Fate::Pass };
        let wire = Wire::to(&tables.url, lost).await;
        assert_eq!(store_at(&wire.url).record_opt_out(&stop(1, at(1))).await, Ok(ChangeOutcome::Applied));
        let operations = [vec!["GetItem"; looks], vec![write; 2]].concat();
        assert_eq!(wire.operations(), operations, "and not looked at anew");
        let written = wire.calls()[looks].json();
        let sent = if known.is_some() {
            written["ExpressionAttributeValues"][":call"].clone()
        } else {
            written["TransactItems"][0]["Put"]["Item"][&format!("{FLAG}_mark")].clone()
        };
        assert_eq!(row(&tables)[&format!("{FLAG}_mark")], sent);
        assert_eq!(row(&tables)["mirror_mark"], sent);
    }
}

#[tokio::test]
async fn a_flag_that_changes_at_every_try_is_an_error() {
    let refused = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
    });
    let wire = Wire::nowhere(move |call| match call.operation.as_str() {
        "GetItem" => Fate::Answer(200, json!({"Item": {"pk": {"S": phone(1).expose()}}})),
        _ => Fate::Answer(400, refused.clone()),
    })
    .await;
    let error = store_at(&wire.url).record_opt_out(&stop(1, at(1))).await;
    let detail = "a contact's opt-outs changed at every try".to_owned();
    assert_eq!(error, Err(StoreError::Unavailable { table: "contacts", detail }));
    assert_eq!(wire.calls().len(), 32, "sixteen looks and tries");
}

/// Whoever cannot be read shuts the gate, or is stopped; nothing opens it.
#[tokio::test]
async fn a_flag_that_nobody_can_read_is_opened_by_nobody_and_stops_nobody_from_opting_out() {
    type Damage = fn(&mut Value);
    let damages: [(Damage, &'static str); 5] = [
        (|row| row[FLAG] = json!({"S": "perhaps"}), FLAG),
        (|row| row["podium_keyword_optout_evidence"] = json!({"S": "gone"}), "podium_keyword_optout_evidence"),
        (|row| row["podium_keyword_optout_at_ms"] = json!({"S": "noon"}), "podium_keyword_optout_at_ms"),
        (|row| row["podium_keyword_optout_said"] = json!({"S": "sms"}), "podium_keyword_optout_said"),
        // Whom only a newer version knows this one does not overrule.
        (
            |row| row["podium_keyword_optout_said"] = json!({"SS": ["pigeon out 1", "sms out 1"]}),
            "podium_keyword_optout_said",
        ),
    ];
    for (damage, what) in damages {
        for known in [stop(1, at(1)), start(1, at(1))] {
            let tables = Tables::start().await;
            let store = tables.store();
            store.record_opt_out(&known).await.unwrap();
            let mut damaged = row(&tables);
            damage(&mut damaged);
            tables.put("contacts", &damaged);
            assert_eq!(store.contact(&phone(1)).await, Err(StoreError::Corrupt { table: "contacts", what }));
            for source in OptOutSource::ALL {
                let back = said(1, In, source, at(2));
                assert_eq!(store.record_opt_out(&back).await, Ok(ChangeOutcome::Superseded), "{what} {source:?}");
            }
            assert_eq!(row(&tables), damaged);

            assert_eq!(store.record_opt_out(&stop(1, at(2))).await, Ok(ChangeOutcome::Applied));
            let hold = Hold { phone: phone(1), intent: effect(1), now: at(3), window: DAY };
            assert!(!matches!(store.hold(&hold).await, Ok(HoldOutcome::Held)), "{what}");
            if damaged[FLAG]["S"] == "in" {
                assert_eq!(record(&store).await, OptOutRecord::of(&stop(1, at(2))));
            } else {
                assert_eq!(row(&tables), damaged, "it is shut already, and who shut it is not forgotten");
            }
        }
    }
}

#[tokio::test]
async fn who_said_so_is_who_the_proof_names_where_nobody_else_is() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.record_opt_out(&said(1, Out, Api, at(1))).await.unwrap();
    let mut early = row(&tables);
    assert_eq!(early[&format!("{FLAG}_said")], json!({"SS": [format!("api out {}", at(1).get())]}));
    early.as_object_mut().unwrap().remove(&format!("{FLAG}_said")).unwrap();
    tables.put("contacts", &early);
    assert_eq!(outs(&record(&store).await), [Api]);
    assert_eq!(store.record_opt_out(&start(1, at(2))).await, Ok(ChangeOutcome::Superseded));
}

#[tokio::test]
async fn the_flags_of_a_contact_know_nothing_of_each_other() {
    let tables = Tables::start().await;
    let store = tables.store();
    for (n, flag) in (1..).zip(OptOutFlag::ALL) {
        let change = OptOutChange { flag, ..stop(1, at(n)) };
        assert_eq!(store.record_opt_out(&change).await, Ok(ChangeOutcome::Applied));
    }
    let row = row(&tables);
    let marks: BTreeSet<_> =
        OptOutFlag::ALL.iter().map(|flag| row[&format!("{}_mark", flag.as_str())]["S"].as_str().unwrap()).collect();
    assert_eq!(marks.len(), 4);
    assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().mirror, MirrorState::Due { at: at(5), attempts: 0 });
    assert_eq!(store.record_opt_out(&start(1, at(9))).await, Ok(ChangeOutcome::Applied));
    let contact = store.contact(&phone(1)).await.unwrap().unwrap();
    assert_eq!(contact.opted_out(), Some(OptOutFlag::MarketingSms));
}
