//! Review requests: changed together with their event, held by one sender, moving only to the right.

use frontdesk_core::{
    eligibility::Inputs,
    flow::promote::attention,
    ids::{ProviderId, Shard},
    inbox::{EventEnd, Inbox, InboxClaim, InboxStatus},
    request::{
        Committed, DueRow, FailReason, Postpone, RequestChange, RequestClaim, RequestEnd, RequestRow, RequestStatus,
        Requests, ReviewRequest, Wait,
    },
    review::{Platform, PlatformChoice, PlatformRule, SkipReason},
    store::{Fenced, Lease},
    time::{DAY, UnixMillis},
};
use frontdesk_tests::tables::Tables;

use super::{T0, at, event, event_key, lease, order, request};

const CHOICE: PlatformChoice = PlatformChoice { platform: Platform::Google, rule: PlatformRule::CampaignDefault };

/// Accepts and claims an event, and commits a change with its end.
pub(crate) async fn commit(store: &(impl Inbox + Requests), id: &str, change: &RequestChange) -> Committed {
    let held = lease(&format!("worker-{id}"), at(1));
    store.accept(&event(id, id, "r", T0)).await.unwrap();
    assert!(matches!(store.claim(&event_key(id), &held).await, Ok(InboxClaim::Acquired(_))));
    store.commit(&event_key(id), &held, &EventEnd::Done("scheduled"), change).await.unwrap()
}

fn schedule(number: u64, send_after: UnixMillis) -> RequestChange {
    RequestChange::Schedule(Box::new(request(number, send_after)))
}

fn skip(number: u64) -> RequestChange {
    RequestChange::Skip {
        key: order(number),
        reason: SkipReason::Refunded,
        at: at(2),
        expires_at: at(2).plus(DAY * 400),
        inputs: None,
    }
}

fn defer(number: u64, until: UnixMillis) -> RequestChange {
    RequestChange::Defer { key: order(number), until, planned_from: T0 }
}

async fn due_at(store: &impl Requests, before: UnixMillis) -> Vec<DueRow> {
    let mut rows = Vec::new();
    for shard in Shard::all() {
        rows.extend(store.due(shard, before, 25).await.unwrap());
    }
    rows
}

fn acquired(claim: RequestClaim) -> ReviewRequest {
    match claim {
        RequestClaim::Acquired(request) => *request,
        other => panic!("{other:?}"),
    }
}

fn sent() -> RequestEnd {
    RequestEnd::Sent { message: ProviderId::try_from("m1").unwrap() }
}

#[tokio::test]
async fn an_order_gets_one_request_and_its_event_ends_with_it() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(tables.request_status(&order(1)), None);
    assert_eq!(commit(&store, "e1", &schedule(1, at(1_000))).await, Committed::Written);
    assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Scheduled));
    let ended = store.claim(&event_key("e1"), &lease("z", at(500))).await;
    assert_eq!(ended, Ok(InboxClaim::Ended(InboxStatus::Done)));

    assert_eq!(commit(&store, "e2", &schedule(1, at(9_000))).await, Committed::Refused);
    let busy = store.claim(&event_key("e2"), &lease("z", at(2))).await;
    assert_eq!(busy, Ok(InboxClaim::Busy { until: at(61) }), "neither was written");
    assert_eq!(due_at(&store, at(100_000)).await[0].send_after, at(1_000));
}

#[tokio::test]
async fn the_plan_comes_back_as_it_was_made() {
    let tables = Tables::start().await;
    let store = tables.store();
    commit(&store, "e1", &schedule(1, at(10))).await;
    let held = acquired(store.claim_request(&order(1), &lease("s", at(10))).await.unwrap());
    let expected = ReviewRequest {
        key: order(1),
        status: RequestStatus::Scheduled,
        plan: request(1, at(10)).plan,
        attempts: 1,
        first_send_after: at(10),
        trouble_since: None,
    };
    assert_eq!(held, expected);

    let mut bare = request(2, at(10));
    bare.plan.first_name = None;
    bare.plan.zones = Vec::new();
    commit(&store, "e2", &RequestChange::Schedule(Box::new(bare.clone()))).await;
    assert_eq!(acquired(store.claim_request(&order(2), &lease("s", at(10))).await.unwrap()).plan, bare.plan);
}

#[tokio::test]
async fn a_worker_that_lost_its_event_changes_nothing_and_one_that_had_success_hears_so() {
    let tables = Tables::start().await;
    let (store, key, end) = (tables.store(), event_key("e1"), EventEnd::Done("scheduled"));
    store.accept(&event("e1", "one", "r", T0)).await.unwrap();
    let (old, new) = (lease("old", at(1)), lease("new", at(61)));
    store.claim(&key, &old).await.unwrap();
    store.claim(&key, &new).await.unwrap();
    assert_eq!(store.commit(&key, &old, &end, &schedule(1, at(10))).await, Ok(Committed::LeaseLost));
    assert_eq!(tables.request_status(&order(1)), None);
    assert_eq!(store.commit(&key, &new, &end, &schedule(1, at(10))).await, Ok(Committed::Written));
    assert_eq!(store.commit(&key, &new, &end, &schedule(1, at(10))).await, Ok(Committed::Written), "our own success");
    assert_eq!(store.commit(&key, &old, &end, &schedule(1, at(10))).await, Ok(Committed::LeaseLost));
    let nowhere = store.commit(&event_key("e9"), &new, &end, &schedule(9, at(10))).await;
    assert_eq!(nowhere, Ok(Committed::LeaseLost));
    assert_eq!(tables.items("review_requests").len(), 1);
}

#[tokio::test]
async fn a_refund_ends_a_request_before_its_sender_begins_and_not_after() {
    let tables = Tables::start().await;
    let store = tables.store();
    for n in 1..=3 {
        commit(&store, &format!("e{n}"), &schedule(n, at(10))).await;
    }
    // Merely scheduled.
    assert_eq!(commit(&store, "refund1", &skip(1)).await, Committed::Written);
    assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Skipped));
    let row = tables.item("review_requests", &order(1).to_key()).unwrap();
    assert_eq!(row["reason_code"]["S"], "refunded");
    assert_eq!(row["expires_at"]["N"], request(1, at(10)).expires_at.as_secs_ceil().to_string());
    assert_eq!(
        store.claim_request(&order(1), &lease("s", at(10))).await,
        Ok(RequestClaim::Ended(RequestStatus::Skipped))
    );
    // Held, but not begun.
    let held = lease("s", at(10));
    store.claim_request(&order(2), &held).await.unwrap();
    assert_eq!(commit(&store, "refund2", &skip(2)).await, Committed::Written);
    assert_eq!(store.begin_sending(&order(2), &held, &CHOICE).await, Ok(Fenced::Lost), "the sender finds out in time");
    assert_eq!(store.end_request(&order(2), &held, &sent(), None).await, Ok(Fenced::Lost));
    // Begun.
    store.claim_request(&order(3), &held).await.unwrap();
    assert_eq!(store.begin_sending(&order(3), &held, &CHOICE).await, Ok(Fenced::Written));
    assert_eq!(commit(&store, "refund3", &skip(3)).await, Committed::Refused);
    assert_eq!(store.end_request(&order(3), &held, &sent(), None).await, Ok(Fenced::Written));
    assert_eq!(commit(&store, "refund4", &skip(3)).await, Committed::Refused);
    assert_eq!(due_at(&store, at(1_000_000)).await, []);
}

#[tokio::test]
async fn a_refund_that_comes_first_is_on_record_when_the_order_is_fulfilled() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(commit(&store, "refund", &skip(1)).await, Committed::Written);
    assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Skipped));
    assert_eq!(commit(&store, "fulfilled", &schedule(1, at(10))).await, Committed::Refused);
    assert_eq!(commit(&store, "again", &skip(1)).await, Committed::Refused);
    let row = tables.item("review_requests", &order(1).to_key()).unwrap();
    assert_eq!(row["expires_at"]["N"], at(2).plus(DAY * 400).as_secs_ceil().to_string());
    assert!(row.get("due_shard").is_none());
}

#[tokio::test]
async fn a_deferral_only_puts_off_and_only_what_has_not_begun() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(commit(&store, "d0", &defer(1, at(5_000))).await, Committed::Refused, "there is none");
    commit(&store, "e1", &schedule(1, at(1_000))).await;
    assert_eq!(commit(&store, "d1", &defer(1, at(1_000))).await, Committed::Refused, "it stands there already");
    assert_eq!(commit(&store, "d2", &defer(1, at(5_000))).await, Committed::Written);
    assert_eq!(commit(&store, "d3", &defer(1, at(4_000))).await, Committed::Refused, "never earlier");
    let claim = store.claim_request(&order(1), &lease("s", at(1_000))).await;
    assert_eq!(claim, Ok(RequestClaim::NotDue { at: at(5_000) }));
    let [row] = due_at(&store, at(100_000)).await.try_into().unwrap();
    assert_eq!((row.due_at, row.send_after), (attention(at(5_000)), at(5_000)));
    let held = lease("s", at(5_000));
    let request = acquired(store.claim_request(&order(1), &held).await.unwrap());
    assert_eq!(request.first_send_after, at(1_000));
    let _ = store.begin_sending(&order(1), &held, &CHOICE).await.unwrap();
    assert_eq!(commit(&store, "d4", &defer(1, at(9_000))).await, Committed::Refused);
}

#[tokio::test]
async fn a_request_needs_attention_as_soon_as_sqs_can_wait_for_the_rest() {
    let tables = Tables::start().await;
    let store = tables.store();
    let moment = at(10_000);
    commit(&store, "e1", &schedule(1, moment)).await;
    let attention = attention(moment);
    assert_eq!(attention, at(10_000 - 900));
    assert_eq!(due_at(&store, UnixMillis::new(attention.get() - 1)).await, []);
    let [row] = due_at(&store, attention).await.try_into().unwrap();
    let expected = DueRow { key: order(1), status: RequestStatus::Scheduled, due_at: attention, send_after: moment };
    assert_eq!(row, expected);

    assert_eq!(store.mark_queued(&row, at(10_300)).await, Ok(true));
    assert_eq!(store.mark_queued(&row, at(10_300)).await, Ok(false), "another timer saw the same entry");
    assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Queued));
    assert_eq!(due_at(&store, at(10_299)).await, []);
    let [again] = due_at(&store, at(10_300)).await.try_into().unwrap();
    assert_eq!((again.status, again.due_at), (RequestStatus::Queued, at(10_300)));
    assert_eq!(store.mark_queued(&again, at(10_600)).await, Ok(true), "nothing came of it");
}

#[tokio::test]
async fn a_stale_entry_of_the_index_queues_nothing() {
    let tables = Tables::start().await;
    let store = tables.store();
    commit(&store, "e1", &schedule(1, at(10))).await;
    let [seen] = due_at(&store, at(10)).await.try_into().unwrap();
    let held = lease("s", at(10));
    store.claim_request(&order(1), &held).await.unwrap();
    assert_eq!(store.mark_queued(&seen, at(310)).await, Ok(false), "a sender has it");
    let _ = store.end_request(&order(1), &held, &sent(), None).await.unwrap();
    assert_eq!(store.mark_queued(&seen, at(310)).await, Ok(false), "it has ended");
    let other = DueRow { key: order(7), ..seen };
    assert_eq!(store.mark_queued(&other, at(310)).await, Ok(false), "there is none");
    assert_eq!(tables.items("review_requests").len(), 1);
}

#[tokio::test]
async fn a_sender_holds_alone_and_what_it_leaves_behind_comes_back() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.claim_request(&order(1), &lease("s", T0)).await, Ok(RequestClaim::Missing));
    commit(&store, "e1", &schedule(1, at(10))).await;
    let early = store.claim_request(&order(1), &lease("s", at(9))).await;
    assert_eq!(early, Ok(RequestClaim::NotDue { at: at(10) }));
    let first = lease("s1", at(10));
    assert_eq!(acquired(store.claim_request(&order(1), &first).await.unwrap()).attempts, 1);
    assert_eq!(acquired(store.claim_request(&order(1), &first).await.unwrap()).attempts, 1, "again");
    let busy = store.claim_request(&order(1), &lease("s2", at(69))).await;
    assert_eq!(busy, Ok(RequestClaim::Busy { until: at(70) }));
    assert_eq!(store.begin_sending(&order(1), &first, &CHOICE).await, Ok(Fenced::Written));
    assert_eq!(store.begin_sending(&order(1), &first, &CHOICE).await, Ok(Fenced::Written), "again");

    // Its holder died: the index brings it back when the lease is over, still as one that was begun.
    assert_eq!(due_at(&store, at(69)).await, []);
    let [left] = due_at(&store, at(70)).await.try_into().unwrap();
    assert_eq!((left.status, left.due_at), (RequestStatus::Sending, at(70)));
    assert_eq!(store.mark_queued(&left, at(370)).await, Ok(true));
    assert_eq!(tables.request_status(&order(1)), Some(RequestStatus::Sending), "never back to the left");
    let second = lease("s2", at(71));
    let taken = acquired(store.claim_request(&order(1), &second).await.unwrap());
    assert_eq!((taken.status, taken.attempts), (RequestStatus::Sending, 2));
    for fenced in [
        store.begin_sending(&order(1), &first, &CHOICE).await,
        store.postpone(&order(1), &first, &Postpone { until: at(99), why: Wait::Clock }).await,
        store.end_request(&order(1), &first, &sent(), None).await,
    ] {
        assert_eq!(fenced, Ok(Fenced::Lost), "a zombie writes nothing");
    }
    assert_eq!(store.end_request(&order(1), &second, &sent(), None).await, Ok(Fenced::Written));
    let row = tables.item("review_requests", &order(1).to_key()).unwrap();
    assert_eq!(
        (&row["platform_chosen"]["S"], &row["platform_rule"]["S"]),
        (&"google".into(), &"campaign_default".into())
    );
}

#[tokio::test]
async fn a_sender_that_asks_again_gets_the_later_end_unless_it_was_put_off_meanwhile() {
    let tables = Tables::start().await;
    let store = tables.store();
    commit(&store, "e1", &schedule(1, at(10))).await;
    store.claim_request(&order(1), &lease("s", at(10))).await.unwrap();
    let later = Lease { until: at(200), ..lease("s", at(30)) };
    assert_eq!(acquired(store.claim_request(&order(1), &later).await.unwrap()).attempts, 1);
    assert_eq!(store.claim_request(&order(1), &lease("t", at(100))).await, Ok(RequestClaim::Busy { until: at(200) }));
    assert_eq!(due_at(&store, at(1_000)).await[0].due_at, at(200));
    assert_eq!(commit(&store, "d1", &defer(1, at(5_000))).await, Committed::Written);
    let put_off = store.claim_request(&order(1), &lease("s", at(40))).await;
    assert_eq!(put_off, Ok(RequestClaim::NotDue { at: at(5_000) }));
}

#[tokio::test]
async fn putting_off_gives_the_request_back_and_remembers_only_trouble() {
    let tables = Tables::start().await;
    let store = tables.store();
    commit(&store, "e1", &schedule(1, at(10))).await;
    let first = lease("s1", at(10));
    store.claim_request(&order(1), &first).await.unwrap();
    let wait = Postpone { until: at(2_000), why: Wait::Trouble };
    assert_eq!(store.postpone(&order(1), &first, &wait).await, Ok(Fenced::Written));
    assert_eq!(store.postpone(&order(1), &first, &wait).await, Ok(Fenced::Lost), "it holds nothing any more");
    assert_eq!(store.begin_sending(&order(1), &first, &CHOICE).await, Ok(Fenced::Lost));
    let [row] = due_at(&store, at(100_000)).await.try_into().unwrap();
    assert_eq!((row.due_at, row.send_after), (attention(at(2_000)), at(2_000)));
    let claim = store.claim_request(&order(1), &lease("s2", at(1_999))).await;
    assert_eq!(claim, Ok(RequestClaim::NotDue { at: at(2_000) }));

    let second = lease("s2", at(2_000));
    let again = acquired(store.claim_request(&order(1), &second).await.unwrap());
    assert_eq!((again.attempts, again.trouble_since, again.first_send_after), (2, Some(at(10)), at(10)));
    let _ = store.postpone(&order(1), &second, &Postpone { until: at(3_000), why: Wait::Settling }).await.unwrap();
    let third = acquired(store.claim_request(&order(1), &lease("s3", at(3_000))).await.unwrap());
    assert_eq!((third.attempts, third.trouble_since), (3, None), "the trouble is over");
}

#[tokio::test]
async fn every_end_is_final_and_leaves_the_index() {
    let ends = [
        (sent(), None, Some("m1")),
        (RequestEnd::Skipped(SkipReason::OptedOut), Some("opted_out"), None),
        (RequestEnd::Failed(FailReason::Refused { status: 422 }), Some("refused_422"), None),
        (RequestEnd::Unknown, Some("outcome_unknown"), None),
    ];
    for (end, reason, message) in ends {
        let tables = Tables::start().await;
        let store = tables.store();
        commit(&store, "e1", &schedule(1, at(10))).await;
        let held = lease("s", at(10));
        store.claim_request(&order(1), &held).await.unwrap();
        assert_eq!(store.end_request(&order(1), &held, &end, None).await, Ok(Fenced::Written));
        assert_eq!(store.end_request(&order(1), &held, &end, None).await, Ok(Fenced::Written), "our own success");
        assert_eq!(store.end_request(&order(1), &lease("t", at(10)), &end, None).await, Ok(Fenced::Lost));
        assert_eq!(store.begin_sending(&order(1), &held, &CHOICE).await, Ok(Fenced::Lost));
        let put_off = Postpone { until: at(99), why: Wait::Clock };
        assert_eq!(store.postpone(&order(1), &held, &put_off).await, Ok(Fenced::Lost));
        assert_eq!(store.claim_request(&order(1), &lease("t", at(500))).await, Ok(RequestClaim::Ended(end.status())));
        assert_eq!(due_at(&store, at(1_000_000)).await, []);
        let row = tables.item("review_requests", &order(1).to_key()).unwrap();
        let text = |name: &str| row.get(name).map(|value| value["S"].as_str().unwrap().to_owned());
        assert_eq!((text("reason_code").as_deref(), text("message_id").as_deref()), (reason, message));
        assert_eq!(row["st_rank"]["N"], "3");
    }
}

#[tokio::test]
async fn a_request_is_planned_anew_earlier_or_later_until_its_sender_begins() {
    let retime = |send_after| RequestChange::Retime { key: order(1), send_after };
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(commit(&store, "r0", &retime(at(5))).await, Committed::Refused, "there is none");
    assert_eq!(tables.items("review_requests").len(), 0);
    commit(&store, "e1", &schedule(1, at(1_000))).await;
    for (n, seconds) in [(1, 500), (2, 2_000), (3, 10)] {
        assert_eq!(commit(&store, &format!("r{n}"), &retime(at(seconds))).await, Committed::Written);
        let [row] = due_at(&store, at(100_000)).await.try_into().unwrap();
        assert_eq!((row.due_at, row.send_after), (attention(at(seconds)), at(seconds)));
        let row = store.request(&order(1)).await.unwrap().unwrap();
        assert_eq!(row.first_send_after, Some(at(1_000)), "what limits every delay stays");
    }
    let held = lease("s", at(10));
    store.claim_request(&order(1), &held).await.unwrap();
    assert_eq!(commit(&store, "r4", &retime(at(20))).await, Committed::Written);
    assert_eq!(store.begin_sending(&order(1), &held, &CHOICE).await, Ok(Fenced::Lost), "it finds out in time");
    let late = lease("t", at(71));
    store.claim_request(&order(1), &late).await.unwrap();
    assert_eq!(store.begin_sending(&order(1), &late, &CHOICE).await, Ok(Fenced::Written));
    assert_eq!(commit(&store, "r5", &retime(at(99))).await, Committed::Refused);
    let _ = store.end_request(&order(1), &late, &sent(), None).await.unwrap();
    assert_eq!(commit(&store, "r6", &retime(at(99))).await, Committed::Refused);
}

#[tokio::test]
async fn a_request_is_read_wherever_it_stands() {
    let tables = Tables::start().await;
    let store = tables.store();
    assert_eq!(store.request(&order(1)).await, Ok(None));
    commit(&store, "e1", &schedule(1, at(10))).await;
    let mut expected = RequestRow {
        status: RequestStatus::Scheduled,
        plan: Some(request(1, at(10)).plan),
        first_send_after: Some(at(10)),
        reviewed_at: None,
    };
    assert_eq!(store.request(&order(1)).await, Ok(Some(expected.clone())));
    let held = lease("s", at(10));
    store.claim_request(&order(1), &held).await.unwrap();
    let _ = store.end_request(&order(1), &held, &sent(), None).await.unwrap();
    expected.status = RequestStatus::Sent;
    assert_eq!(store.request(&order(1)).await, Ok(Some(expected)));
    commit(&store, "e2", &skip(2)).await;
    let skipped = RequestRow { status: RequestStatus::Skipped, plan: None, first_send_after: None, reviewed_at: None };
    assert_eq!(store.request(&order(2)).await, Ok(Some(skipped)), "an order that was never planned");
}

#[tokio::test]
async fn that_a_review_came_of_it_is_noted_once_and_makes_no_request() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.note_reviewed(&order(1), at(1)).await.unwrap();
    assert_eq!(tables.items("review_requests").len(), 0);
    commit(&store, "e1", &schedule(1, at(10))).await;
    for seconds in [7, 8, 6] {
        store.note_reviewed(&order(1), at(seconds)).await.unwrap();
        assert_eq!(store.request(&order(1)).await.unwrap().unwrap().reviewed_at, Some(at(7)));
    }
}

/// What a decision was based on is on record with it, the newest.
#[tokio::test]
async fn what_was_known_of_the_order_is_kept_with_each_decision() {
    let tables = Tables::start().await;
    let store = tables.store();
    let record = |number| tables.item("review_requests", &order(number).to_key()).unwrap()["eligibility"].clone();
    let later = Inputs { age_days: Some(9), return_open: Some(true), ..super::inputs() };
    let text = |inputs: &Inputs| serde_json::json!({"S": inputs.to_json()});
    commit(&store, "e1", &schedule(1, at(10))).await;
    assert_eq!(record(1), text(&super::inputs()));
    commit(&store, "e2", &schedule(2, at(10))).await;
    assert_eq!(commit(&store, "e3", &skip(2)).await, Committed::Written);
    assert_eq!(record(2), text(&super::inputs()), "a refund does not say");
    let RequestChange::Skip { reason, at: when, expires_at, .. } = skip(3) else { panic!() };
    let seen = RequestChange::Skip { key: order(3), reason, at: when, expires_at, inputs: Some(later) };
    commit(&store, "e4", &seen).await;
    assert_eq!(record(3), text(&later));
    let held = lease("s", at(10));
    store.claim_request(&order(1), &held).await.unwrap();
    let end = RequestEnd::Skipped(SkipReason::OptedOut);
    assert_eq!(store.end_request(&order(1), &held, &end, Some(&later)).await, Ok(Fenced::Written));
    assert_eq!(store.end_request(&order(1), &held, &end, Some(&later)).await, Ok(Fenced::Written));
    assert_eq!(record(1), text(&later));
}
