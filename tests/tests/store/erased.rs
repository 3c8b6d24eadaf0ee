//! People who were erased: their opt-outs and the time of their last request go on counting, whatever happens next.

use std::sync::Arc;

use frontdesk_aws::{
    dynamo::{DynamoStore, Pepper},
    secrets::SecretVault,
};
use frontdesk_core::{
    contact::{
        ChangeOutcome, Contact, Contacts, Cooldown, Direction, Evidence, Hold, HoldOutcome, Meeting, MirrorState,
        NotTextable, Objection, OptOutChange, OptOutFlag, OptOutSource, PodiumLink,
    },
    ids::{EffectKey, ProviderId},
    inbox::{Accepted, Inbox, NewEvent},
    store::StoreError,
    time::DAY,
};
use frontdesk_tests::{
    aws::aws_at,
    tables::{PEPPER, Tables, store_at, store_without_pepper},
    wire::{Call, Fate, Wire},
};
use serde_json::{Value, json};

use super::{
    T0, at, effect, event, location, phone,
    races::{all_at_once, count},
    said, start, stop,
};

const KEYWORD: OptOutFlag = OptOutFlag::Keyword;

/// The gate is shut by this flag.
fn shut(flag: OptOutFlag) -> HoldOutcome {
    HoldOutcome::Refused(Objection::OptedOut(flag))
}

fn hold(intent: u64, seconds: u64) -> Hold {
    Hold { phone: phone(1), intent: effect(intent), now: at(seconds), window: DAY * 30 }
}

fn meeting() -> Meeting {
    let (first_name, last_name) = (Some("Noor".into()), Some("Haddad".into()));
    Meeting { phone: phone(1), first_name, last_name, location: location(), now: at(50) }
}

/// Somebody who said STOP by text and was unsubscribed by the shop, with everything that a contact can have.
async fn known(store: &DynamoStore) {
    store.hold(&hold(1, 0)).await.unwrap();
    store.meet(&meeting()).await.unwrap();
    store.link_podium(&phone(1), &PodiumLink { uid: Some(uid()) }, at(1)).await.unwrap();
    store.mark_not_textable(&phone(1), NotTextable::Landline, at(1)).await.unwrap();
    store.flag_for_review(&phone(1), at(1)).await.unwrap();
    store.record_opt_out(&texted(Direction::Out, 2)).await.unwrap();
    let global = OptOutChange { flag: OptOutFlag::Global, ..said(1, Direction::Out, OptOutSource::Manual, at(3)) };
    store.record_opt_out(&global).await.unwrap();
}

fn uid() -> ProviderId {
    ProviderId::try_from("contact-uid-1").unwrap()
}

fn texted(direction: Direction, seconds: u64) -> OptOutChange {
    let mut change = said(1, direction, OptOutSource::Sms, at(seconds));
    change.evidence.message_id = Some("message-id-1".into());
    change.evidence.text_sha256 = Some("ab".repeat(32));
    change
}

/// What is remembered of them.
fn remembered() -> Contact {
    let evidence = |source, seconds: u64| Evidence {
        source,
        message_id: None,
        text_sha256: None,
        recorded_at: at(seconds).plus(super::SECOND),
        by_hand: None,
    };
    let record = |source, seconds| {
        let mut change = said(1, Direction::Out, source, at(seconds));
        change.evidence = evidence(source, seconds);
        frontdesk_core::contact::OptOutRecord::of(&change)
    };
    Contact {
        opt_outs: vec![(KEYWORD, record(OptOutSource::Sms, 2)), (OptOutFlag::Global, record(OptOutSource::Manual, 3))],
        cooldown: Some(Cooldown { at: T0, holder: EffectKey::from_stored("erased") }),
        ..Contact::unknown(phone(1))
    }
}

async fn erased() -> (Tables, DynamoStore) {
    let tables = Tables::start().await;
    let store = tables.store();
    known(&store).await;
    store.erase_contact(&phone(1)).await.unwrap();
    (tables, store)
}

#[tokio::test]
async fn the_row_goes_and_nothing_that_is_kept_says_whose_it_was() {
    let (tables, store) = erased().await;
    for _ in 0..2 {
        let [item] = tables.items("contacts").try_into().unwrap();
        let text = item.to_string();
        for planted in
            ["+614", "91570", "Noor", "Haddad", "loc-1", "contact-uid-1", "message-id-1", "abab", "review-request"]
        {
            assert!(!text.contains(planted), "{planted} in {text}");
        }
        let key = item["pk"]["S"].as_str().unwrap();
        assert!(key.starts_with("suppressed#") && key.len() == 11 + 64, "{key}");
        assert_eq!(store.contact(&phone(1)).await, Ok(Some(remembered())));
        // Repeated, it changes nothing.
        store.erase_contact(&phone(1)).await.unwrap();
    }
    assert_eq!(store.contact(&phone(2)).await, Ok(None), "and nobody else is taken for them");
}

/// HMAC-SHA256, as any other program would compute it.
#[tokio::test]
async fn the_hash_is_that_of_the_number_under_the_pepper() {
    let (tables, _) = erased().await;
    let secret = frontdesk_core::signature::Secret::new("pepper", PEPPER).unwrap();
    let signed = frontdesk_core::signature::sign_shopify(&secret, phone(1).expose().as_bytes());
    let base64 = signed.into_iter().map(|(_, value)| value.to_string()).next().unwrap();
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hex: String = STANDARD.decode(base64).unwrap().iter().map(|b| format!("{b:02x}")).collect();
    assert!(tables.item("contacts", &format!("suppressed#{hex}")).is_some());
}

#[tokio::test]
async fn of_somebody_who_stands_in_nobodys_way_nothing_is_kept() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.meet(&meeting()).await.unwrap();
    store.record_opt_out(&start(1, at(1))).await.unwrap();
    store.erase_contact(&phone(1)).await.unwrap();
    assert_eq!(tables.items("contacts").len(), 0);
    store.erase_contact(&phone(1)).await.unwrap();
    assert_eq!(store.contact(&phone(1)).await, Ok(None));
}

/// Whatever made the row: from then on it alone counts, and the next erasure goes by it.
#[tokio::test]
async fn somebody_who_came_back_and_is_erased_again_is_not_kept_as_opted_out() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.record_opt_out(&stop(1, at(1))).await.unwrap();
    store.erase_contact(&phone(1)).await.unwrap();
    assert_eq!(store.record_opt_out(&start(1, at(2))).await, Ok(ChangeOutcome::Applied));
    assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().opted_out(), None);
    assert_eq!(tables.items("contacts").len(), 2);
    store.erase_contact(&phone(1)).await.unwrap();
    assert_eq!(tables.items("contacts").len(), 0);
}

/// Every operation that makes a row begins it with what is remembered.
#[tokio::test]
async fn every_new_row_begins_with_what_is_remembered() {
    for step in 0..7 {
        let (tables, store) = erased().await;
        let mut expected = remembered();
        match step {
            0 => {
                expected.opt_outs[0].1.said.insert((OptOutSource::Webchat, Direction::Out), at(9));
                expected.opt_outs[0].1.at = at(9);
                let again = said(1, Direction::Out, OptOutSource::Webchat, at(9));
                assert_eq!(store.record_opt_out(&again).await, Ok(ChangeOutcome::Applied));
            }
            1 => assert_eq!(store.meet(&meeting()).await, Ok(expected.clone())),
            2 => {
                expected.not_textable = Some(NotTextable::InvalidPhone);
                store.mark_not_textable(&phone(1), NotTextable::InvalidPhone, at(9)).await.unwrap();
            }
            3 => {
                expected.flagged_at = Some(at(9));
                store.flag_for_review(&phone(1), at(9)).await.unwrap();
                store.flag_for_review(&phone(1), at(10)).await.unwrap();
            }
            4 => {
                expected.podium = Some(PodiumLink { uid: Some(uid()) });
                store.link_podium(&phone(1), &PodiumLink { uid: Some(uid()) }, at(9)).await.unwrap();
            }
            5 => {
                expected.mirrored_out = true;
                store.note_telling(&phone(1)).await.unwrap();
            }
            _ => {
                let record = &mut expected.opt_outs[0].1;
                record.said.insert((OptOutSource::Webchat, Direction::In), at(9));
                let back = said(1, Direction::In, OptOutSource::Webchat, at(9));
                let saying = NewEvent { opt_outs: vec![back], ..event("e1", "START", "r1", at(9)) };
                assert_eq!(store.accept(&saying).await, Ok(Accepted::Stored));
            }
        }
        assert_eq!(store.contact(&phone(1)).await, Ok(Some(expected)), "step {step}");
        let row = tables.item("contacts", phone(1).expose()).unwrap();
        assert_eq!(row.get("created_at_ms").is_some(), step != 5, "step {step}");
        assert_eq!(store.hold(&hold(2, 60)).await, Ok(shut(KEYWORD)), "step {step}");
        // The flag of a row that began so is changed like any other.
        assert_eq!(store.record_opt_out(&start(1, at(99))).await, Ok(ChangeOutcome::Applied), "step {step}");
        assert_eq!(store.hold(&hold(2, 100)).await, Ok(shut(OptOutFlag::Global)), "step {step}");
    }
}

#[tokio::test]
async fn the_gate_is_as_shut_as_it_was_and_a_refusal_makes_no_row() {
    let (tables, store) = erased().await;
    assert_eq!(store.hold(&hold(2, 60)).await, Ok(shut(KEYWORD)));
    assert_eq!(store.hold(&hold(1, 60)).await, Ok(shut(KEYWORD)), "not even for the one that held it");
    assert_eq!(store.release_hold(&phone(1), &effect(1)).await, Ok(false));
    store.unlink_podium(&phone(1), &uid()).await.unwrap();
    assert_eq!(tables.items("contacts").len(), 1, "the number is not written down again");

    let tables = Tables::start().await;
    let store = tables.store();
    store.hold(&hold(1, 0)).await.unwrap();
    store.erase_contact(&phone(1)).await.unwrap();
    let end = T0.plus(DAY * 30);
    let cooling = HoldOutcome::Refused(Objection::CoolingDown { until: end });
    for intent in [1, 2] {
        assert_eq!(store.hold(&hold(intent, 60)).await, Ok(cooling.clone()));
    }
    let later = Hold { now: end, ..hold(2, 0) };
    assert_eq!(store.hold(&later).await, Ok(HoldOutcome::Held));
    let cooldown = store.contact(&phone(1)).await.unwrap().unwrap().cooldown;
    assert_eq!(cooldown, Some(Cooldown { at: end, holder: effect(2) }));
}

/// STOP, an older START, an echo: merged as if the erased flags stood there.
#[tokio::test]
async fn what_is_said_of_an_erased_person_is_merged_with_what_they_said() {
    let (tables, store) = erased().await;
    assert_eq!(store.record_opt_out(&texted(Direction::Out, 2)).await, Ok(ChangeOutcome::Applied));
    assert_eq!(tables.items("contacts").len(), 1, "nothing new makes no row");
    assert_eq!(store.record_opt_out(&start(1, at(1))).await, Ok(ChangeOutcome::Superseded));
    assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().mirror, MirrorState::Nothing, "nothing was flipped");
    assert_eq!(store.record_opt_out(&start(1, at(9))).await, Ok(ChangeOutcome::Applied));
    let contact = store.contact(&phone(1)).await.unwrap().unwrap();
    assert_eq!(contact.opted_out(), Some(OptOutFlag::Global));
    assert!(matches!(contact.mirror, MirrorState::Due { .. }));

    let (tables, store) = erased().await;
    let saying = |id: &str, change| NewEvent { opt_outs: vec![change], ..event(id, id, "r1", at(9)) };
    assert_eq!(store.accept(&saying("e1", texted(Direction::Out, 2))).await, Ok(Accepted::Stored));
    assert_eq!((tables.items("contacts").len(), tables.items("inbox").len()), (1, 1));
    assert_eq!(store.accept(&saying("e2", start(1, at(9)))).await, Ok(Accepted::Stored));
    assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().opted_out(), Some(OptOutFlag::Global));
}

#[tokio::test]
async fn a_flag_that_nobody_can_read_goes_on_shutting_the_gate() {
    let tables = Tables::start().await;
    let store = tables.store();
    tables.put("contacts", &json!({"pk": {"S": phone(1).expose()}, "global_unsubscribe": {"S": "perhaps"}}));
    store.erase_contact(&phone(1)).await.unwrap();
    assert!(tables.item("contacts", phone(1).expose()).is_none());
    let unreadable = StoreError::Corrupt { table: "contacts", what: "global_unsubscribe" };
    assert_eq!(store.hold(&hold(1, 9)).await, Err(unreadable.clone()));
    assert_eq!(store.contact(&phone(1)).await, Err(unreadable));
    store.meet(&meeting()).await.unwrap_err();
    assert!(!matches!(store.hold(&hold(1, 9)).await, Ok(HoldOutcome::Held)));
}

/// A contact that has a row costs what it did before.
#[tokio::test]
async fn only_a_number_without_a_row_costs_more() {
    let tables = Tables::start().await;
    let asked = Wire::nowhere(|_| Fate::Answer(200, json!({"SecretString": "p"}))).await;
    let wire = Wire::to(&tables.url, |_| Fate::Pass).await;
    let vault = SecretVault::new(aws_at(&asked.url).secrets(), "FRONTDESK_PEPPER_SECRET_ARN", "arn:pepper".into());
    let store = store_without_pepper(&wire.url).with_pepper(vault);
    assert_eq!(store.hold(&hold(1, 0)).await, Ok(HoldOutcome::Held));
    assert_eq!(wire.operations(), ["UpdateItem", "GetItem", "TransactWriteItems"]);
    assert_eq!(asked.operations(), ["GetSecretValue"]);
    asked.forget();
    for _ in 0..2 {
        wire.forget();
        store.hold(&hold(1, 1)).await.unwrap();
        store.meet(&meeting()).await.unwrap();
        store.mark_not_textable(&phone(1), NotTextable::Landline, at(1)).await.unwrap();
        store.flag_for_review(&phone(1), at(1)).await.unwrap();
        store.link_podium(&phone(1), &PodiumLink { uid: None }, at(1)).await.unwrap();
        store.note_telling(&phone(1)).await.unwrap();
        assert_eq!(wire.operations(), ["UpdateItem"; 6]);
        wire.forget();
        store.contact(&phone(1)).await.unwrap();
        assert_eq!(wire.operations(), ["GetItem"]);
    }
    assert_eq!(store.contact(&phone(2)).await, Ok(None));
    assert_eq!(asked.operations(), [""; 0], "the pepper is fetched once");
}

/// Nobody knows then whether the number's owner had opted out.
#[tokio::test]
async fn without_its_pepper_a_number_without_a_row_is_an_error_and_others_are_not() {
    let refusal = json!({"__type": "AccessDeniedException", "Message": "not you"});
    let asked = Wire::nowhere(move |_| Fate::Answer(400, refusal.clone())).await;
    let vault = SecretVault::new(aws_at(&asked.url).secrets(), "FRONTDESK_PEPPER_SECRET_ARN", "arn:pepper".into());
    for with_vault in [false, true] {
        let (tables, _) = erased().await;
        tables.store().meet(&Meeting { phone: phone(2), ..meeting() }).await.unwrap();
        let bare = store_without_pepper(&tables.url);
        let store = if with_vault { bare.with_pepper(Pepper::from(vault.clone())) } else { bare };
        let before = tables.items("contacts").len();
        let saying = NewEvent { opt_outs: vec![stop(1, at(9))], ..event("e1", "STOP", "r1", at(9)) };
        let errors = [
            store.contact(&phone(1)).await.unwrap_err(),
            store.record_opt_out(&stop(1, at(9))).await.unwrap_err(),
            store.hold(&hold(1, 9)).await.unwrap_err(),
            store.mark_not_textable(&phone(1), NotTextable::Landline, at(1)).await.unwrap_err(),
            store.flag_for_review(&phone(1), at(9)).await.unwrap_err(),
            store.meet(&meeting()).await.unwrap_err(),
            store.link_podium(&phone(1), &PodiumLink { uid: None }, at(1)).await.unwrap_err(),
            store.note_telling(&phone(1)).await.unwrap_err(),
            store.accept(&saying).await.unwrap_err(),
            store.erase_contact(&phone(2)).await.unwrap_err(),
        ];
        for error in errors {
            let StoreError::Unavailable { table: "contacts", detail } = &error else { panic!("{error}") };
            assert!(detail.contains("pepper") && !detail.contains("+614"), "{detail}");
        }
        assert_eq!((tables.items("contacts").len(), tables.items("inbox").len()), (before, 0));
        assert_eq!(store.hold(&Hold { phone: phone(2), ..hold(1, 9) }).await, Ok(HoldOutcome::Held));
        store.erase_contact(&phone(3)).await.unwrap();
        assert_eq!(store.release_hold(&phone(1), &effect(1)).await, Ok(false));
    }
}

/// Before the write of a new row something else happens: it begins with what holds then, or not at all.
#[tokio::test]
async fn what_happens_before_a_new_row_is_written_is_not_overlooked() {
    // What happens, and whether the gate is open after it.
    type Between = fn(&Tables, &[Value]);
    let cases: [(Between, HoldOutcome); 2] = [
        // They said STOP, and were erased.
        (|tables, kept| kept.iter().for_each(|item| tables.put("contacts", item)), shut(KEYWORD)),
        // They said STOP.
        (|tables, _| tables.put("contacts", &opted_out_row()), shut(KEYWORD)),
    ];
    let (elsewhere, _) = erased().await;
    for (between, outcome) in cases {
        let tables = Arc::new(Tables::start().await);
        let (theirs, kept) = (Arc::clone(&tables), elsewhere.items("contacts"));
        let wire = Wire::to(&tables.url, move |call: &Call| {
            if call.number == 2 {
                between(&theirs, &kept);
            }
            Fate::Pass
        })
        .await;
        assert_eq!(store_at(&wire.url).hold(&hold(2, 60)).await, Ok(outcome));
        assert_eq!(wire.operations()[2], "TransactWriteItems");
        assert!(wire.operations().len() > 3, "it was looked at anew");
    }
}

fn opted_out_row() -> Value {
    json!({
        "pk": {"S": phone(1).expose()},
        "podium_keyword_optout": {"S": "out"},
        "podium_keyword_optout_at_ms": {"N": "1"},
        "podium_keyword_optout_evidence": {"M": {"source": {"S": "sms"}, "recorded_at_ms": {"N": "1"}}},
    })
}

/// Between the look at the contact and its end they say STOP: it is not lost.
#[tokio::test]
async fn a_stop_in_the_middle_of_an_erasure_is_kept() {
    let elsewhere = Tables::start().await;
    elsewhere.store().meet(&meeting()).await.unwrap();
    let before = elsewhere.item("contacts", phone(1).expose()).unwrap();
    elsewhere.store().record_opt_out(&stop(1, at(9))).await.unwrap();
    let after = elsewhere.item("contacts", phone(1).expose()).unwrap();
    let mut held = before.clone();
    held["cooldown_at_ms"] = json!({"N": at(9).get().to_string()});
    held["cooldown_holder"] = json!({"S": effect(1).as_str()});
    for late in [after, held] {
        let tables = Arc::new(Tables::start().await);
        tables.put("contacts", &before);
        let (theirs, row) = (Arc::clone(&tables), late.clone());
        let wire = Wire::to(&tables.url, move |call: &Call| {
            if call.number == 1 {
                theirs.put("contacts", &row);
            }
            Fate::Pass
        })
        .await;
        store_at(&wire.url).erase_contact(&phone(1)).await.unwrap();
        assert_eq!(wire.operations(), ["GetItem", "TransactWriteItems", "GetItem", "TransactWriteItems"]);
        assert!(matches!(tables.store().hold(&hold(2, 60)).await, Ok(HoldOutcome::Refused(_))));
        assert!(tables.item("contacts", phone(1).expose()).is_none());
    }
}

/// Between the look at the contact and the write they are erased: an update must not make a row that knows nothing.
#[tokio::test]
async fn a_change_that_finds_its_contact_erased_begins_anew_with_what_is_remembered() {
    // With a flag that was never changed, one without a mark, and one with a mark; alone and with an event.
    let keyword = stop(1, at(1));
    let global = || OptOutChange { flag: OptOutFlag::Global, ..stop(1, at(1)) };
    for before in [vec![keyword.clone()], vec![global()], vec![global(), keyword]] {
        for unmarked in [false, true] {
            for with_event in [false, true] {
                let tables = Arc::new(Tables::start().await);
                for change in &before {
                    tables.store().record_opt_out(change).await.unwrap();
                }
                let mut row = tables.item("contacts", phone(1).expose()).unwrap();
                if unmarked {
                    row.as_object_mut()
                        .unwrap()
                        .retain(|name, _| !name.ends_with("optout_mark") && !name.ends_with("subscribe_mark"));
                    tables.put("contacts", &row);
                }
                let elsewhere = Tables::start().await;
                elsewhere.put("contacts", &row);
                elsewhere.store().erase_contact(&phone(1)).await.unwrap();
                let kept = elsewhere.items("contacts");
                let theirs = Arc::clone(&tables);
                let wire = Wire::to(&tables.url, move |call: &Call| {
                    if call.number == 1 {
                        theirs.delete("contacts", phone(1).expose());
                        kept.iter().for_each(|item| theirs.put("contacts", item));
                    }
                    Fate::Pass
                })
                .await;
                let store = store_at(&wire.url);
                let back = start(1, at(9));
                if with_event {
                    let saying = NewEvent { opt_outs: vec![back], ..event("e1", "START", "r1", at(9)) };
                    assert_eq!(store.accept(&saying).await, Ok(Accepted::Stored));
                } else {
                    assert_eq!(store.record_opt_out(&back).await, Ok(ChangeOutcome::Applied));
                }
                let shut = before.iter().any(|change| change.flag == OptOutFlag::Global);
                let contact = tables.store().contact(&phone(1)).await.unwrap().unwrap();
                assert_eq!(
                    contact.opted_out(),
                    shut.then_some(OptOutFlag::Global),
                    "{before:?} {unmarked} {with_event}"
                );
                assert!(contact.opt_outs.iter().any(|(flag, _)| *flag == KEYWORD));
            }
        }
    }
}

/// Erased over and over while everybody writes: no STOP is lost, and no second request gets through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_among_many_loses_no_stop_and_opens_no_gate() {
    for round in 0..10 {
        let tables = Tables::start().await;
        let held = all_at_once(&tables, 24, |store, n| async move {
            match n % 6 {
                0 => store.erase_contact(&phone(1)).await.unwrap(),
                1 => drop(store.meet(&meeting()).await.unwrap()),
                2 if n / 6 == round % 4 => drop(store.record_opt_out(&stop(1, at(9))).await.unwrap()),
                3 => store.link_podium(&phone(1), &PodiumLink { uid: None }, at(n)).await.unwrap(),
                4 => store.erase_contact(&phone(1)).await.unwrap(),
                _ => return store.hold(&hold(n, n)).await.unwrap() == HoldOutcome::Held,
            }
            false
        })
        .await;
        assert!(count(&held, |held| *held) <= 1, "one request, however often they are forgotten");
        assert_eq!(tables.store().hold(&hold(99, 99)).await, Ok(shut(KEYWORD)));
        tables.store().erase_contact(&phone(1)).await.unwrap();
        assert_eq!(tables.store().hold(&hold(99, 99)).await, Ok(shut(KEYWORD)));
        assert!(tables.items("contacts").len() <= 1);
    }
}
