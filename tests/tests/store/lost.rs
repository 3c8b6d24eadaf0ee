//! Every write, with its answer lost, with the call itself lost, and with both in turn: the SDK tries again, and the
//! caller hears what became of its one wish.

use std::{
    future::Future,
    sync::atomic::{AtomicUsize, Ordering},
};

use frontdesk_aws::dynamo::DynamoStore;
use frontdesk_core::{
    chat::Chats,
    contact::{
        ChangeOutcome, Contact, Contacts, Direction, Evidence, Hold, HoldOutcome, Meeting, MirrorOutcome, MirrorState,
        NotTextable, OptOutChange, OptOutFlag, OptOutSource, PodiumLink,
    },
    directory::{Bookmark, Bookmarks, Installation, LocationBook, Locations},
    erase::{Erasure, Place},
    form::Forms,
    ids::{ProviderId, Shard},
    inbox::{Accepted, Attempt, EventEnd, Inbox, InboxClaim, InboxStatus, NewEvent, RejectReason},
    notice::{Channel, NoticeClaim, NoticeEnd, NoticeStep, Notices, Progress},
    outbox::{
        Begin, DeliveryNews, Fact, FailureKind, Invite, Outbox, OutboxState, Send, Settlement, Testimony, Tracked,
    },
    provider::{Feed, Limits, Provider, Tally},
    rate::{Admission, RateWindows},
    redrive::{Redrives, Reopened},
    request::{Committed, Postpone, RequestChange, RequestClaim, RequestEnd, Requests, Wait},
    review::{Platform, PlatformChoice, PlatformRule},
    reviews::ReviewBook,
    session::Sessions,
    signature::Secret,
    store::Fenced,
    time::DAY,
    token::{AccessToken, RefreshClaim, Tokens},
};
use frontdesk_tests::{
    tables::{Tables, store_at},
    wire::{Fate, Wire},
};

use super::{
    T0, at, chats, effect, event, event_key, forms, lease, location,
    notices::notice,
    order, owner, phone, rates, redrive, request,
    requests::commit,
    reviews::record,
    sessions::{RULES, after, key},
    start, stop, testify,
};

/// What happens to the attempts of a write, one after the other; later ones pass.
const FATES: [&[Fate]; 4] =
    [&[Fate::LoseAnswer], &[Fate::LoseCall], &[Fate::LoseAnswer, Fate::LoseCall], &[Fate::LoseCall, Fate::LoseAnswer]];

/// Prepares tables over a good wire, and then makes one call over a bad one.
async fn each<P, PF, C, CF>(prepare: P, call: C)
where
    P: Fn(DynamoStore) -> PF,
    PF: Future<Output = ()>,
    C: Fn(DynamoStore) -> CF,
    CF: Future<Output = ()>,
{
    for fates in FATES {
        let tables = Tables::start().await;
        prepare(tables.store()).await;
        let attempts = AtomicUsize::new(0);
        let wire = Wire::to(&tables.url, move |call| match call.operation.as_str() {
            "GetItem" | "Query" => Fate::Pass,
            _ => fates.get(attempts.fetch_add(1, Ordering::Relaxed)).cloned().unwrap_or(Fate::Pass),
        })
        .await;
        call(store_at(&wire.url)).await;
        let writes = wire.operations().into_iter().filter(|operation| operation != "GetItem" && operation != "Query");
        assert!(writes.count() > fates.len(), "{fates:?}: it was tried again");
    }
}

async fn nothing(_: DynamoStore) {}

async fn accepted(store: DynamoStore) {
    store.accept(&event("e1", "one", "r1", T0)).await.unwrap();
}

async fn claimed(store: DynamoStore) {
    accepted(store.clone()).await;
    store.claim(&event_key("e1"), &lease("a", at(1))).await.unwrap();
}

async fn scheduled(store: DynamoStore) {
    let change = RequestChange::Schedule(Box::new(request(1, at(10))));
    assert_eq!(commit(&store, "e1", &change).await, Committed::Written);
}

async fn in_hand(store: DynamoStore) {
    scheduled(store.clone()).await;
    store.claim_request(&order(1), &lease("s", at(10))).await.unwrap();
}

fn send() -> Send {
    Send { key: effect(1), phone: phone(1), location: location(), expires_at: T0.plus(DAY * 90) }
}

async fn begun(store: DynamoStore) {
    assert_eq!(store.begin(&send(), &lease("s", at(10))).await, Ok(Begin::Begun));
}

#[tokio::test]
async fn an_event_is_stored_and_not_taken_for_its_own_duplicate() {
    each(nothing, async |store| {
        assert_eq!(store.accept(&event("e1", "one", "r1", T0)).await, Ok(Accepted::Stored));
    })
    .await;
    each(accepted, async |store| {
        assert_eq!(store.accept(&event("e1", "one", "r2", at(1))).await, Ok(Accepted::Duplicate));
        assert_eq!(store.accept(&event("e1", "two", "r3", at(1))).await, Ok(Accepted::Mismatch));
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_one_attempt() {
    each(accepted, async |store| match store.claim(&event_key("e1"), &lease("a", at(1))).await {
        Ok(InboxClaim::Acquired(event)) => assert_eq!(event.attempts, 1),
        other => panic!("{other:?}"),
    })
    .await;
}

#[tokio::test]
async fn an_end_and_a_release_are_written() {
    each(claimed, async |store| {
        assert_eq!(store.finish(&event_key("e1"), &lease("a", at(1)), &EventEnd::Done("x")).await, Ok(Fenced::Written));
    })
    .await;
    each(claimed, async |store| {
        let end = EventEnd::Erased("x");
        assert_eq!(store.finish(&event_key("e1"), &lease("a", at(1)), &end).await, Ok(Fenced::Written));
    })
    .await;
    each(claimed, async |store| {
        assert_eq!(store.release(&event_key("e1"), &lease("a", at(1)), Attempt::Counts).await, Ok(Fenced::Written));
    })
    .await;
    each(claimed, async |store| {
        let put_off = Attempt::PutOff { since: at(40) };
        assert_eq!(store.release(&event_key("e1"), &lease("a", at(1)), put_off).await, Ok(Fenced::Written));
        match store.claim(&event_key("e1"), &lease("b", at(50))).await {
            Ok(InboxClaim::Acquired(event)) => assert_eq!(event.attempts, 1, "taken back once"),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_sweeper_knows_that_the_row_is_its_own_to_queue() {
    each(accepted, async |store| {
        let row = frontdesk_core::inbox::WaitingRow { key: event_key("e1"), since: T0, group: None };
        assert_eq!(store.requeue(&row, at(300)).await, Ok(Some(T0)));
    })
    .await;
}

#[tokio::test]
async fn an_event_is_set_going_again_and_not_taken_for_somebody_elses() {
    let parked = EventEnd::Parked(RejectReason::ProviderNoHelp);
    each(
        async |store: DynamoStore| redrive::ended(&store, "e1", &parked).await,
        async |store| {
            let wish = redrive::reopening(redrive::seen("e1", InboxStatus::Parked, 0), "run-1", at(9));
            assert!(matches!(store.reopen(&wish).await, Ok(Reopened::Waiting(_))));
        },
    )
    .await;
}

#[tokio::test]
async fn a_persons_word_is_on_record_and_not_taken_for_somebody_elses() {
    each(
        async |store: DynamoStore| testify::unknown(&store).await,
        async |store| {
            let state = testify::testify(&store, &effect(1), &Testimony::NotSent).await;
            assert!(matches!(state, Ok(OutboxState::Failed { .. })), "{state:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn an_opt_out_holds_both_ways() {
    let change = |direction, said| OptOutChange {
        phone: phone(1),
        flag: OptOutFlag::Keyword,
        direction,
        at: at(said),
        evidence: Evidence {
            source: OptOutSource::Sms,
            message_id: None,
            text_sha256: None,
            recorded_at: at(said),
            by_hand: None,
        },
    };
    let out = change(Direction::Out, 1);
    each(nothing, async |store| {
        assert_eq!(store.record_opt_out(&change(Direction::Out, 1)).await, Ok(ChangeOutcome::Applied));
    })
    .await;
    each(
        async |store: DynamoStore| {
            store.record_opt_out(&out).await.unwrap();
        },
        async |store| {
            assert_eq!(store.record_opt_out(&change(Direction::In, 2)).await, Ok(ChangeOutcome::Applied));
        },
    )
    .await;
}

fn hold(intent: u64) -> Hold {
    Hold { phone: phone(1), intent: effect(intent), now: T0, window: DAY * 30 }
}

#[tokio::test]
async fn the_gate_opens_for_the_one_that_reserved_and_its_release_is_its_own() {
    each(nothing, async |store| {
        assert_eq!(store.hold(&hold(1)).await, Ok(HoldOutcome::Held));
        assert_eq!(store.mark_not_textable(&phone(1), NotTextable::Landline, at(1)).await, Ok(()));
    })
    .await;
    each(
        async |store: DynamoStore| {
            store.hold(&hold(1)).await.unwrap();
        },
        async |store| assert_eq!(store.release_hold(&phone(1), &effect(1)).await, Ok(true)),
    )
    .await;
}

#[tokio::test]
async fn a_transaction_is_one_whatever_its_change() {
    let ready = async |store: DynamoStore| {
        scheduled(store.clone()).await;
        store.accept(&event("e2", "two", "r2", T0)).await.unwrap();
        store.claim(&event_key("e2"), &lease("b", at(2))).await.unwrap();
    };
    let expires_at = at(9_999);
    let reason = frontdesk_core::review::SkipReason::Refunded;
    let changes = [
        RequestChange::Schedule(Box::new(request(2, at(10)))),
        RequestChange::Skip { key: order(1), reason, at: at(2), expires_at, inputs: None },
        RequestChange::Skip { key: order(3), reason, at: at(2), expires_at, inputs: None },
        RequestChange::Defer { key: order(1), until: at(5_000), planned_from: T0 },
        RequestChange::Retime { key: order(1), send_after: at(5_000) },
    ];
    for change in &changes {
        each(ready, async |store| {
            let end = EventEnd::Done("x");
            let written = store.commit(&event_key("e2"), &lease("b", at(2)), &end, change).await;
            assert_eq!(written, Ok(Committed::Written), "{change:?}");
            if let RequestChange::Defer { .. } | RequestChange::Retime { .. } = change {
                match store.claim_request(&order(1), &lease("s", at(5_000))).await.unwrap() {
                    RequestClaim::Acquired(request) => assert_eq!(request.plan.send_after, at(5_000)),
                    other => panic!("{other:?}"),
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_timer_knows_that_the_request_is_its_own_to_queue() {
    each(scheduled, async |store| {
        let shard = Shard::of(&order(1).to_key());
        let row = store.due(shard, at(10), 25).await.unwrap().remove(0);
        assert_eq!(store.mark_queued(&row, at(310)).await, Ok(true));
    })
    .await;
    let seen = async |store: &DynamoStore| {
        let shard = Shard::of(&order(1).to_key());
        store.due(shard, at(10), 25).await.unwrap().remove(0)
    };
    for fates in FATES {
        let tables = Tables::start().await;
        scheduled(tables.store()).await;
        let row = seen(&tables.store()).await;
        let wire = Wire::to(&tables.url, move |call| fates.get(call.number).cloned().unwrap_or(Fate::Pass)).await;
        assert_eq!(store_at(&wire.url).mark_queued(&row, at(310)).await, Ok(true), "{fates:?}");
    }
}

#[tokio::test]
async fn a_sender_holds_its_request_once_and_every_step_of_it_counts_once() {
    each(scheduled, async |store| match store.claim_request(&order(1), &lease("s", at(10))).await {
        Ok(RequestClaim::Acquired(request)) => assert_eq!(request.attempts, 1),
        other => panic!("{other:?}"),
    })
    .await;
    each(in_hand, async |store| {
        let choice = PlatformChoice { platform: Platform::Google, rule: PlatformRule::Fallback };
        assert_eq!(store.begin_sending(&order(1), &lease("s", at(10)), &choice).await, Ok(Fenced::Written));
    })
    .await;
    each(in_hand, async |store| {
        let put_off = Postpone { until: at(100), why: Wait::Trouble };
        assert_eq!(store.postpone(&order(1), &lease("s", at(10)), &put_off).await, Ok(Fenced::Written));
        match store.claim_request(&order(1), &lease("t", at(100))).await {
            Ok(RequestClaim::Acquired(request)) => {
                assert_eq!((request.attempts, request.trouble_since), (2, Some(at(10))));
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
    each(in_hand, async |store| {
        let end = RequestEnd::Unknown;
        assert_eq!(store.end_request(&order(1), &lease("s", at(10)), &end, None).await, Ok(Fenced::Written));
    })
    .await;
}

#[tokio::test]
async fn a_send_is_begun_and_settled_once() {
    let id = |text: &str| ProviderId::try_from(text).unwrap();
    each(nothing, async |store| {
        let invite = Invite { uid: id("i1"), url: "https://podium.example/i1".into() };
        assert_eq!(store.keep_invite(&send(), &invite).await, Ok(invite));
        assert_eq!(store.begin(&send(), &lease("s", at(10))).await, Ok(Begin::Begun));
    })
    .await;
    each(nothing, async |store| {
        assert_eq!(store.begin(&send(), &lease("s", at(10))).await, Ok(Begin::Begun));
    })
    .await;
    let settlements = [
        Settlement::Accepted { message: id("m1") },
        Settlement::NotSent,
        Settlement::Failed { reason: "refused_400".into() },
        Settlement::Unknown,
    ];
    for settlement in &settlements {
        each(begun, async |store| {
            assert_eq!(store.settle(&effect(1), &owner("s"), settlement, at(11)).await, Ok(Fenced::Written));
        })
        .await;
    }
}

#[tokio::test]
async fn a_pause_holds_and_a_refresh_is_ones_own() {
    each(nothing, async |store| {
        store.pause(Provider::Podium, at(60)).await.unwrap();
        assert_eq!(store.paused_until(Provider::Podium, T0).await, Ok(Some(at(60))));
    })
    .await;
    let claim = async |store: DynamoStore| {
        store.claim_refresh(Provider::Podium, &lease("a", T0)).await.unwrap();
    };
    each(nothing, async |store| {
        assert_eq!(store.claim_refresh(Provider::Podium, &lease("a", T0)).await, Ok(RefreshClaim::Acquired));
    })
    .await;
    each(claim, async |store| {
        let token = AccessToken { secret: Secret::new("t", "t1").unwrap(), expires_at: at(3_600), granted_at: T0 };
        assert_eq!(store.share_token(Provider::Podium, &lease("a", T0), &token).await, Ok(Fenced::Written));
    })
    .await;
    each(claim, async |store| {
        assert_eq!(store.abandon_refresh(Provider::Podium, &lease("a", T0)).await, Ok(Fenced::Written));
    })
    .await;
}

#[tokio::test]
async fn an_event_with_its_opt_out_is_stored_once_and_the_opt_out_holds() {
    let said = |id: &str, receipt: &str, opt_outs| NewEvent { opt_outs, ..event(id, "STOP", receipt, at(9)) };
    each(nothing, async |store| {
        let stored = store.accept(&said("e1", "r1", vec![stop(1, at(1))])).await;
        assert_eq!(stored, Ok(Accepted::Stored));
        assert!(store.contact(&phone(1)).await.unwrap().unwrap().opted_out().is_some());
    })
    .await;
    let stopped = async |store: DynamoStore| {
        store.accept(&said("e1", "r1", vec![stop(1, at(1))])).await.unwrap();
    };
    each(stopped, async |store| {
        let again = store.accept(&said("e1", "r2", vec![stop(1, at(1))])).await;
        assert_eq!(again, Ok(Accepted::Duplicate));
    })
    .await;
    // One of the changes is superseded, the other is not.
    each(stopped, async |store| {
        let changes = vec![start(1, at(1)), stop(2, at(1))];
        assert_eq!(store.accept(&said("e2", "r2", changes)).await, Ok(Accepted::Stored));
        assert!(store.contact(&phone(1)).await.unwrap().unwrap().opted_out().is_some());
        assert!(store.contact(&phone(2)).await.unwrap().unwrap().opted_out().is_some());
    })
    .await;
    each(accepted, async |store| {
        assert_eq!(store.accept(&said("e1", "r2", vec![stop(1, at(1))])).await, Ok(Accepted::Mismatch));
        assert!(store.contact(&phone(1)).await.unwrap().unwrap().opted_out().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_contact_is_met_linked_and_unlinked() {
    let link = |name: &str| PodiumLink { uid: Some(ProviderId::try_from(name).unwrap()) };
    let meeting =
        Meeting { phone: phone(1), first_name: Some("Noor".into()), last_name: None, location: location(), now: T0 };
    each(nothing, async |store| {
        assert_eq!(store.meet(&meeting).await, Ok(Contact::unknown(phone(1))));
    })
    .await;
    each(nothing, async |store| {
        store.link_podium(&phone(1), &link("c1"), T0).await.unwrap();
        assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().podium, Some(link("c1")));
    })
    .await;
    each(
        async |store: DynamoStore| store.link_podium(&phone(1), &link("c1"), T0).await.unwrap(),
        async |store| {
            store.unlink_podium(&phone(1), &ProviderId::try_from("c1").unwrap()).await.unwrap();
            assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().podium, None);
        },
    )
    .await;
}

#[tokio::test]
async fn a_mirror_is_settled_and_made_due_again_once() {
    let due =
        async |store: &DynamoStore| store.mirrors_due(Shard::of(phone(1).expose()), at(999), 9).await.unwrap().pop();
    let mirror = async |store: &DynamoStore| store.contact(&phone(1)).await.unwrap().unwrap().mirror;
    let later = MirrorOutcome::Later { at: at(60) };
    let outcomes = [
        (MirrorOutcome::Told { out: true }, MirrorState::Told { out: true }),
        (MirrorOutcome::Told { out: false }, MirrorState::Told { out: false }),
        (MirrorOutcome::NoContact, MirrorState::NoContact),
        (later, MirrorState::Due { at: at(60), attempts: 1 }),
    ];
    for (outcome, state) in outcomes {
        for fates in FATES {
            let tables = Tables::start().await;
            tables.store().record_opt_out(&stop(1, T0)).await.unwrap();
            let seen = due(&tables.store()).await.unwrap();
            let wire = Wire::to(&tables.url, move |call| fates.get(call.number).cloned().unwrap_or(Fate::Pass)).await;
            store_at(&wire.url).settle_mirror(&seen, &outcome).await.unwrap();
            assert_eq!(mirror(&tables.store()).await, state, "{fates:?}");
        }
    }
    let nobody = async |store: DynamoStore| {
        store.record_opt_out(&stop(1, T0)).await.unwrap();
        let seen = due(&store).await.unwrap();
        store.settle_mirror(&seen, &MirrorOutcome::NoContact).await.unwrap();
    };
    each(nobody, async |store| {
        store.link_podium(&phone(1), &PodiumLink { uid: None }, at(7)).await.unwrap();
        assert_eq!(mirror(&store).await, MirrorState::Due { at: at(7), attempts: 0 });
    })
    .await;
}

#[tokio::test]
async fn a_session_is_saved_and_a_list_kept() {
    let opened = async |store: DynamoStore| {
        let _ = store.save_session(&after(None, "e1", T0), &RULES, T0).await.unwrap();
    };
    each(nothing, async |store| {
        assert_eq!(store.save_session(&after(None, "e1", T0), &RULES, T0).await, Ok(Fenced::Written));
    })
    .await;
    each(opened, async |store| {
        let read = store.session(&key(), T0).await.unwrap();
        let next = after(read, "e2", at(1));
        assert_eq!(store.save_session(&next, &RULES, at(1)).await, Ok(Fenced::Written));
    })
    .await;
    each(opened, async |store| {
        let other = after(None, "e2", T0);
        assert_eq!(store.save_session(&other, &RULES, T0).await, Ok(Fenced::Lost), "somebody else's is not ours");
    })
    .await;
    each(nothing, async |store| {
        let book = LocationBook { fetched_at: T0, locations: Vec::new() };
        store.keep_locations(&book).await.unwrap();
        assert_eq!(store.locations().await, Ok(Some(book)));
    })
    .await;
}

#[tokio::test]
async fn a_thing_is_counted_once_and_its_alarm_told_once() {
    let one = |limit| Tally { what: "x", now: T0, window: DAY, limit };
    each(nothing, async |store| {
        assert_eq!(store.tally(&one(2)).await, Ok(false), "one is not two, however often it is said");
        assert_eq!(store.tally(&one(2)).await, Ok(true));
        assert_eq!(store.tally(&one(2)).await, Ok(false));
    })
    .await;
    // The same to the second write, which says who tells.
    for fates in FATES {
        let tables = Tables::start().await;
        let fate = |number: usize| number.checked_sub(1).and_then(|n| fates.get(n)).cloned().unwrap_or(Fate::Pass);
        let wire = Wire::to(&tables.url, move |call| fate(call.number)).await;
        assert_eq!(store_at(&wire.url).tally(&one(1)).await, Ok(true), "{fates:?}");
        assert_eq!(store_at(&wire.url).tally(&one(1)).await, Ok(false), "{fates:?}");
    }
}

#[tokio::test]
async fn a_send_is_planned_put_off_tracked_and_resolved_once() {
    let id = |text: &str| ProviderId::try_from(text).unwrap();
    each(nothing, async |store| {
        store.plan(&send(), at(5)).await.unwrap();
        let due = store.unresolved(Shard::of(effect(1).as_str()), at(5), 9).await.unwrap();
        assert_eq!(due.len(), 1);
    })
    .await;
    for next in [None, Some(at(50))] {
        each(begun, async |store| {
            store.attend(&effect(1), next).await.unwrap();
            let due = store.unresolved(Shard::of(effect(1).as_str()), at(50), 9).await.unwrap();
            assert_eq!(due.len(), usize::from(next.is_some()));
        })
        .await;
    }
    let news = DeliveryNews::Failed(FailureKind::Other);
    for fact in [Fact::Ours(effect(1)), Fact::News(news), Fact::Received] {
        each(nothing, async |store| {
            let known = store.track(&id("m1"), &fact, at(90)).await.unwrap();
            let expected = match &fact {
                Fact::Ours(effect) => Tracked { effect: Some(effect.clone()), ..Tracked::default() },
                Fact::News(news) => Tracked { news: Some(*news), ..Tracked::default() },
                Fact::Received => Tracked { received: true, ..Tracked::default() },
            };
            assert_eq!(known, expected);
        })
        .await;
    }
    let taken = async |store: DynamoStore| {
        store.hold(&hold(1)).await.unwrap();
        begun(store.clone()).await;
        let accepted = Settlement::Accepted { message: id("m1") };
        let _ = store.settle(&effect(1), &owner("s"), &accepted, at(11)).await.unwrap();
    };
    let failed = async |store: DynamoStore| {
        taken(store.clone()).await;
        store.resolve(&effect(1), news, at(12)).await.unwrap();
    };
    for news in [DeliveryNews::Sent, news, DeliveryNews::Delivered] {
        each(taken, async |store| {
            assert!(store.resolve(&effect(1), news, at(13)).await.unwrap().unwrap().changed, "{news:?}");
            let held = store.contact(&phone(1)).await.unwrap().unwrap().cooldown.is_some();
            assert_eq!(held, !matches!(news, DeliveryNews::Failed(_)));
        })
        .await;
    }
    each(failed, async |store| {
        assert!(store.resolve(&effect(1), DeliveryNews::Delivered, at(13)).await.unwrap().unwrap().changed);
        assert_eq!(store.contact(&phone(1)).await.unwrap().unwrap().cooldown.unwrap().at, at(11));
    })
    .await;
}

#[tokio::test]
async fn a_notice_is_opened_held_and_ended_by_ones_own_wish() {
    let opened = async |store: DynamoStore| {
        store.open_notice(&notice("rev_1")).await.unwrap();
    };
    let key = notice("rev_1").key;
    let held = async |store: DynamoStore| {
        opened(store.clone()).await;
        store.claim_notice(&key, &lease("a", at(1))).await.unwrap();
    };
    each(nothing, async |store| assert_eq!(store.open_notice(&notice("rev_1")).await, Ok(true))).await;
    each(opened, async |store| {
        let claim = store.claim_notice(&key, &lease("a", at(1))).await;
        assert!(matches!(claim, Ok(NoticeClaim::Acquired(_))), "{claim:?}");
    })
    .await;
    let again = NoticeStep::Again { progress: Progress::default(), at: at(9) };
    for step in [again, NoticeStep::End(NoticeEnd::Told(Channel::Sns)), NoticeStep::End(NoticeEnd::GivenUp)] {
        each(held, async |store| {
            assert_eq!(store.step_notice(&key, &lease("a", at(1)), &step).await, Ok(Fenced::Written), "{step:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn reviews_bookmarks_and_words_about_the_app_are_kept() {
    for version in [1, 2] {
        let before = async |store: DynamoStore| {
            if version == 2 {
                let _ = store.save_review(&record(1)).await.unwrap();
            }
        };
        each(before, async |store| {
            assert_eq!(store.save_review(&record(version)).await, Ok(Fenced::Written));
        })
        .await;
    }
    each(nothing, async |store| {
        let bookmark = Bookmark { done_to: at(1), under_way: None };
        store.keep_bookmark(Feed::PodiumReviews, &bookmark).await.unwrap();
        assert_eq!(store.bookmark(Feed::PodiumReviews).await, Ok(Some(bookmark)));
    })
    .await;
    each(nothing, async |store| {
        store.note_uninstalled(at(1)).await.unwrap();
        assert_eq!(store.uninstalled_at().await, Ok(Some(at(1))));
        store.note_installed(at(2)).await.unwrap();
        assert_eq!(store.uninstalled_at().await, Ok(None));
    })
    .await;
    each(scheduled, async |store| {
        store.note_reviewed(&order(1), at(1)).await.unwrap();
        assert_eq!(store.request(&order(1)).await.unwrap().unwrap().reviewed_at, Some(at(1)));
    })
    .await;
}

#[tokio::test]
async fn a_contact_is_flagged_told_of_and_erased() {
    let stopped = async |store: DynamoStore| {
        store.record_opt_out(&stop(1, T0)).await.unwrap();
    };
    let erased = async |store: DynamoStore| {
        stopped(store.clone()).await;
        store.erase_contact(&phone(1)).await.unwrap();
    };
    each(stopped, async |store| {
        store.erase_contact(&phone(1)).await.unwrap();
        assert!(store.contact(&phone(1)).await.unwrap().unwrap().opted_out().is_some());
    })
    .await;
    for prepare in [0, 1, 2] {
        let before = async |store: DynamoStore| match prepare {
            0 => {}
            1 => stopped(store).await,
            _ => erased(store).await,
        };
        each(before, async |store| {
            store.flag_for_review(&phone(1), at(1)).await.unwrap();
            let contact = store.contact(&phone(1)).await.unwrap().unwrap();
            assert_eq!((contact.flagged_at, contact.opted_out().is_some()), (Some(at(1)), prepare > 0));
        })
        .await;
        each(before, async |store| {
            store.note_telling(&phone(1)).await.unwrap();
            assert!(store.contact(&phone(1)).await.unwrap().unwrap().mirrored_out);
        })
        .await;
    }
}

#[tokio::test]
async fn a_chat_is_saved_once_and_its_mark_is_its_events() {
    let next = || chats::first("one").changed(|state| state.silenced = true);
    each(nothing, async |store| {
        assert_eq!(store.save_chat(&chats::first("one"), chats::KEEP, T0).await, Ok(Fenced::Written));
    })
    .await;
    let begun = async |store: DynamoStore| {
        let _ = store.save_chat(&chats::first("one"), chats::KEEP, T0).await.unwrap();
    };
    each(begun, async |store| {
        assert_eq!(store.save_chat(&next(), chats::KEEP, T0).await, Ok(Fenced::Written));
        assert_eq!(store.chat(&chats::key(), T0).await, Ok(next()));
    })
    .await;
    each(begun, async |store| {
        store.wipe(Place::Chats, chats::key().as_str()).await.unwrap();
        assert_eq!(store.chat(&chats::key(), T0).await.unwrap().version, 2);
    })
    .await;
    let marked = async |store: DynamoStore| {
        store.accept(&chats::message("e5", "r5", at(5))).await.unwrap();
    };
    each(nothing, async |store| {
        assert_eq!(store.accept(&chats::message("e1", "r1", T0)).await, Ok(Accepted::Stored));
        assert_eq!(store.chat(&chats::key(), T0).await.unwrap().newest, chats::newest("e1", T0));
    })
    .await;
    each(marked, async |store| {
        assert_eq!(store.accept(&chats::message("e1", "r1", T0)).await, Ok(Accepted::Stored));
        assert_eq!(store.accept(&chats::message("e5", "r6", at(9))).await, Ok(Accepted::Duplicate));
        assert_eq!(store.chat(&chats::key(), T0).await.unwrap().newest, chats::newest("e5", at(5)));
    })
    .await;
}

#[tokio::test]
async fn a_request_of_a_client_counts_once() {
    let one = || rates::key("192.0.2.1");
    let full = Admission::Refused { until: at(900) };
    each(nothing, async |store| {
        assert_eq!(store.admit(&one(), rates::rule(1), T0).await, Ok(Admission::Admitted));
        assert_eq!(store.admit(&one(), rates::rule(1), T0).await, Ok(full));
    })
    .await;
    let begun = async |store: DynamoStore| {
        assert_eq!(store.admit(&one(), rates::rule(2), T0).await, Ok(Admission::Admitted));
    };
    each(begun, async |store| {
        assert_eq!(store.admit(&one(), rates::rule(2), at(1)).await, Ok(Admission::Admitted), "the last that has room");
        assert_eq!(store.admit(&one(), rates::rule(2), at(1)).await, Ok(full));
    })
    .await;
    each(begun, async |store| {
        assert_eq!(store.admit(&one(), rates::rule(1), at(900)).await, Ok(Admission::Admitted), "in the next window");
        let full = Admission::Refused { until: at(1_800) };
        assert_eq!(store.admit(&one(), rates::rule(1), at(901)).await, Ok(full));
    })
    .await;
}

#[tokio::test]
async fn a_form_is_new_and_not_taken_for_its_own_repetition() {
    let its = |now| (forms::submission("s1", now), forms::notice("s1", now));
    each(nothing, async |store| {
        let (form, notice) = its(T0);
        assert_eq!(store.submit(&form, &notice).await, Ok(true));
        assert_eq!(store.submission(&form.id, T0).await, Ok(Some(form)));
    })
    .await;
    let known = async |store: DynamoStore| {
        let (form, notice) = its(T0);
        assert_eq!(store.submit(&form, &notice).await, Ok(true));
    };
    each(known, async |store| {
        let (form, notice) = its(at(1));
        assert_eq!(store.submit(&form, &notice).await, Ok(false));
    })
    .await;
    let noticed = async |store: DynamoStore| {
        assert_eq!(store.open_notice(&forms::notice("s1", T0)).await, Ok(true));
    };
    each(noticed, async |store| {
        let (form, notice) = its(at(1));
        assert_eq!(store.submit(&form, &notice).await, Ok(true), "its notice alone was there");
    })
    .await;
    each(known, async |store| {
        store.wipe(Place::Forms, "s1").await.unwrap();
        assert_eq!(store.submission(&its(T0).0.id, T0).await, Ok(None));
    })
    .await;
}
