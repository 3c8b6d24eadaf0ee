//! Contacts: the newest word counts, and the gate is one condition.

use frontdesk_core::{
    contact::{
        ChangeOutcome, Contacts, Cooldown, Direction, Evidence, Hold, HoldOutcome, NotTextable, Objection,
        OptOutChange, OptOutFlag, OptOutSource,
    },
    store::StoreError,
    time::{DAY, UnixMillis},
};
use frontdesk_tests::tables::Tables;

use super::{T0, at, effect, phone, said, stop};

fn change(flag: OptOutFlag, direction: Direction, said: UnixMillis, message: &str) -> OptOutChange {
    OptOutChange {
        phone: phone(1),
        flag,
        direction,
        at: said,
        evidence: Evidence {
            source: OptOutSource::Sms,
            message_id: Some(message.into()),
            text_sha256: None,
            recorded_at: said.plus(super::SECOND),
            by_hand: None,
        },
    }
}

fn hold(intent: u64, now: UnixMillis) -> Hold {
    Hold { phone: phone(1), intent: effect(intent), now, window: DAY * 30 }
}

#[tokio::test]
async fn the_newest_word_counts_whatever_the_order_of_arrival_and_out_wins_a_tie() {
    use ChangeOutcome::{Applied, Superseded};
    use Direction::{In, Out};
    type Steps = &'static [(Direction, u64, ChangeOutcome)];
    let cases: [(Steps, Direction); 7] = [
        (&[(Out, 1, Applied), (In, 2, Applied)], In),
        (&[(In, 2, Applied), (Out, 1, Superseded)], In),
        (&[(Out, 2, Applied), (In, 1, Superseded)], Out),
        (&[(In, 1, Applied), (Out, 1, Applied)], Out),
        (&[(Out, 1, Applied), (In, 1, Superseded)], Out),
        (&[(In, 1, Applied), (In, 1, Applied)], In),
        (&[(Out, 1, Applied), (Out, 1, Applied), (In, 1, Superseded)], Out),
    ];
    for flag in OptOutFlag::ALL {
        for (steps, end) in &cases {
            let tables = Tables::start().await;
            let store = tables.store();
            for (direction, said, outcome) in *steps {
                let change = change(flag, *direction, at(*said), "m1");
                assert_eq!(store.record_opt_out(&change).await, Ok(*outcome), "{flag:?} {steps:?}");
            }
            let contact = store.contact(&phone(1)).await.unwrap().unwrap();
            let [(found, record)] = contact.opt_outs.as_slice() else { panic!("{contact:?}") };
            assert_eq!((*found, record.direction), (flag, *end), "{steps:?}");
        }
    }
}

/// START by text does not take back what the shop or Shopify recorded, nor what somebody types into a page what a text
/// said.
#[tokio::test]
async fn an_opt_out_ends_only_by_a_wish_from_where_it_may_be_taken_back() {
    let tables = Tables::start().await;
    let store = tables.store();
    let (mut number, mut ended) = (0, 0);
    for closer in OptOutSource::ALL {
        for opener in OptOutSource::ALL {
            let out = said(number, Direction::Out, closer, at(1));
            assert_eq!(store.record_opt_out(&out).await, Ok(ChangeOutcome::Applied));
            let may = opener.may_reopen().contains(&closer);
            let outcome = if may { ChangeOutcome::Applied } else { ChangeOutcome::Superseded };
            let back = said(number, Direction::In, opener, at(2));
            assert_eq!(store.record_opt_out(&back).await, Ok(outcome), "{closer:?} then {opener:?}");
            let contact = store.contact(&phone(number)).await.unwrap().unwrap();
            assert_eq!(contact.opted_out().is_none(), may, "{closer:?} then {opener:?}");
            let evidence = if may { back.evidence } else { out.evidence };
            assert_eq!(contact.opt_outs[0].1.evidence, evidence);
            (number, ended) = (number + 1, ended + u32::from(may));
        }
    }
    assert!(0 < ended && ended < 81);
}

#[tokio::test]
async fn where_nothing_is_to_be_taken_back_any_source_counts() {
    let tables = Tables::start().await;
    let store = tables.store();
    for (number, source) in (0..).zip(OptOutSource::ALL) {
        let of = |direction, seconds| said(number, direction, source, at(seconds));
        assert_eq!(store.record_opt_out(&of(Direction::In, 1)).await, Ok(ChangeOutcome::Applied), "the first word");
        for other in OptOutSource::ALL {
            let newer = said(number, Direction::In, other, at(2));
            assert_eq!(
                store.record_opt_out(&newer).await,
                Ok(ChangeOutcome::Applied),
                "a newer word, and others as old"
            );
        }
        assert_eq!(store.record_opt_out(&of(Direction::Out, 2)).await, Ok(ChangeOutcome::Applied), "out wins the tie");
    }
}

/// A row of which nobody knows where it came from is left to a person.
#[tokio::test]
async fn an_opt_out_without_its_source_is_taken_back_by_nobody() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.record_opt_out(&stop(1, at(1))).await.unwrap();
    let mut row = tables.item("contacts", phone(1).expose()).unwrap();
    row["podium_keyword_optout_evidence"]["M"].as_object_mut().unwrap().remove("source").unwrap();
    tables.put("contacts", &row);
    for source in OptOutSource::ALL {
        let back = said(1, Direction::In, source, at(2));
        assert_eq!(store.record_opt_out(&back).await, Ok(ChangeOutcome::Superseded), "{source:?}");
    }
    assert_eq!(tables.item("contacts", phone(1).expose()), Some(row), "and it is left as it is");
}

#[tokio::test]
async fn the_proof_is_kept_with_the_change_that_counts() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.contact(&phone(1)).await, Ok(None));
    let mut later = change(OptOutFlag::Keyword, Direction::Out, at(5), "m5");
    later.evidence.text_sha256 = Some("ab".repeat(32));
    store.record_opt_out(&later).await.unwrap();
    store.record_opt_out(&change(OptOutFlag::Keyword, Direction::In, at(4), "m4")).await.unwrap();
    store.record_opt_out(&change(OptOutFlag::Global, Direction::In, at(1), "m1")).await.unwrap();
    let contact = store.contact(&phone(1)).await.unwrap().unwrap();
    let flags: Vec<OptOutFlag> = contact.opt_outs.iter().map(|(flag, _)| *flag).collect();
    assert_eq!(flags, [OptOutFlag::Keyword, OptOutFlag::Global]);
    assert_eq!(contact.opt_outs[0].1.evidence, later.evidence);
    assert_eq!((contact.phone, contact.cooldown, contact.not_textable), (phone(1), None, None));
}

#[tokio::test]
async fn any_flag_shuts_the_gate_and_is_named() {
    for flag in OptOutFlag::ALL {
        let tables = Tables::start().await;
        let store = tables.store();
        store.record_opt_out(&change(flag, Direction::Out, at(1), "m1")).await.unwrap();
        assert_eq!(store.hold(&hold(1, at(2))).await, Ok(HoldOutcome::Refused(Objection::OptedOut(flag))));
        assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().cooldown, None, "a refusal reserves nothing");
        store.record_opt_out(&change(flag, Direction::In, at(3), "m2")).await.unwrap();
        assert_eq!(store.hold(&hold(1, at(4))).await, Ok(HoldOutcome::Held));
    }
}

#[tokio::test]
async fn the_opt_out_is_named_before_the_number_and_the_number_before_the_cooldown() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.hold(&hold(1, T0)).await, Ok(HoldOutcome::Held));
    let cooling = Objection::CoolingDown { until: T0.plus(DAY * 30) };
    assert_eq!(store.hold(&hold(2, at(1))).await, Ok(HoldOutcome::Refused(cooling)));
    store.mark_not_textable(&phone(1), NotTextable::Landline, at(2)).await.unwrap();
    let landline = Objection::NotTextable(NotTextable::Landline);
    assert_eq!(store.hold(&hold(2, at(3))).await, Ok(HoldOutcome::Refused(landline)));
    assert_eq!(
        store.hold(&hold(1, at(3))).await,
        Ok(HoldOutcome::Refused(landline)),
        "not even its own cooldown helps"
    );
    store.record_opt_out(&change(OptOutFlag::Global, Direction::Out, at(4), "m")).await.unwrap();
    let opted_out = Objection::OptedOut(OptOutFlag::Global);
    assert_eq!(store.hold(&hold(2, at(5))).await, Ok(HoldOutcome::Refused(opted_out)));
    assert_eq!(store.hold(&hold(1, at(5))).await, Ok(HoldOutcome::Refused(opted_out)));
}

#[tokio::test]
async fn the_cooldown_ends_to_the_millisecond_and_its_holder_comes_back_in() {
    let tables = Tables::start().await;
    let store = tables.store();
    let end = T0.plus(DAY * 30);
    assert_eq!(store.hold(&hold(1, T0)).await, Ok(HoldOutcome::Held));
    assert_eq!(store.hold(&hold(1, at(9))).await, Ok(HoldOutcome::Held), "after a crash");
    let held = store.contact(&phone(1)).await.unwrap().unwrap().cooldown;
    assert_eq!(held, Some(Cooldown { at: at(9), holder: effect(1) }));
    let end = end.plus(super::SECOND * 9);
    let early = UnixMillis::new(end.get() - 1);
    let refused = HoldOutcome::Refused(Objection::CoolingDown { until: end });
    assert_eq!(store.hold(&hold(2, early)).await, Ok(refused));
    assert_eq!(store.hold(&hold(2, end)).await, Ok(HoldOutcome::Held));
}

#[tokio::test]
async fn only_its_holder_frees_the_cooldown_and_only_once() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.release_hold(&phone(1), &effect(1)).await, Ok(false), "there is no contact");
    assert_eq!(tables.items("contacts").len(), 0, "and none was made");
    store.hold(&hold(1, T0)).await.unwrap();
    assert_eq!(store.release_hold(&phone(1), &effect(2)).await, Ok(false));
    assert_eq!(store.release_hold(&phone(1), &effect(1)).await, Ok(true));
    assert_eq!(store.release_hold(&phone(1), &effect(1)).await, Ok(false));
    assert_eq!(store.hold(&hold(2, at(1))).await, Ok(HoldOutcome::Held));
    assert_eq!(store.release_hold(&phone(1), &effect(1)).await, Ok(false), "a later hold is not its own");
    assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().cooldown.unwrap().holder, effect(2));
}

#[tokio::test]
async fn a_flag_that_nobody_can_read_shuts_the_gate() {
    let tables = Tables::start().await;
    let store = tables.store();
    let row = serde_json::json!({"pk": {"S": phone(1).expose()}, "global_unsubscribe": {"S": "perhaps"}});
    tables.put("contacts", &row);
    let unreadable = StoreError::Corrupt { table: "contacts", what: "global_unsubscribe" };
    assert_eq!(store.hold(&hold(1, T0)).await, Err(unreadable.clone()));
    assert_eq!(store.contact(&phone(1)).await, Err(unreadable));
    assert_eq!(tables.item("contacts", phone(1).expose()), Some(row), "and nothing was reserved");
}
