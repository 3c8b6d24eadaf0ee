//! Looking through tables for a person, and taking out what is found: nothing of it is left in any row.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use frontdesk_aws::dynamo::DynamoStore;
use frontdesk_core::{
    body::StoredBody,
    chat::{Chat, ChatState, Chats},
    chatwoot::{self, Assignee, Attached, ChatwootMessage, ConversationRef, Kind, Standing, Status},
    erase::{Erasure, KeptRow, Place, Subject, forgotten},
    flow::delivery::LOCATION_LINK,
    ids::{EffectKey, GroupId, Shard},
    inbox::{Accepted, Attempt, EventEnd, Inbox, InboxClaim, InboxStatus, NewEvent, RejectReason},
    notice::{NoticeClaim, Notices},
    outbox::{Begin, Fact, Invite, Outbox, OutboxState, Send, Settlement},
    request::{RequestChange, RequestClaim, RequestEnd, RequestRow, RequestStatus, Requests},
    review::{Platform, PlatformChoice, PlatformRule},
    reviews::{ReviewBook, ReviewRecord},
    session::Sessions,
    store::Fenced,
};
use frontdesk_tests::tables::Tables;
use serde_json::Value;

use super::{
    T0, at, chats, effect, event, event_key, inputs, lease, location,
    notices::notice,
    order,
    outbox::{id, invite, send},
    owner, phone, request,
    requests::commit,
    reviews, sessions,
};

/// Something that only the person's own rows hold, in every form in which a row may hold it.
const PLANTED: [&str; 6] = ["+61491570010", "+61491570001", "Noor", "planted-word", "never again", "podium.example"];

/// Everything in a row, the bodies unpacked.
fn everything(item: &Value) -> String {
    let mut text = item.to_string();
    if let Some(body) = item["body_bytes"]["B"].as_str() {
        let packed = STANDARD.decode(body).unwrap();
        for form in [StoredBody::Plain(packed.clone()), StoredBody::Deflate(packed)] {
            text.push_str(&String::from_utf8_lossy(&form.unpack(1 << 24).unwrap_or_default()));
        }
    }
    text
}

fn planted_in(item: &Value) -> Vec<&'static str> {
    let text = everything(item);
    PLANTED.into_iter().filter(|planted| text.contains(planted)).collect()
}

async fn all(store: &DynamoStore, place: Place) -> BTreeMap<String, KeptRow> {
    let (mut rows, mut after) = (BTreeMap::new(), None);
    loop {
        let page = store.kept(place, after.as_deref()).await.unwrap();
        for row in page.rows {
            assert!(rows.insert(row.key.clone(), row).is_none(), "no row comes twice");
        }
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

/// Wipes a row twice; the second time changes nothing.
async fn wipe(tables: &Tables, table: &str, place: Place, key: &str) -> Option<Value> {
    let store = tables.store();
    store.wipe(place, key).await.unwrap();
    let once = tables.item(table, key);
    store.wipe(place, key).await.unwrap();
    assert_eq!(tables.item(table, key), once, "repeated, it changes nothing");
    once
}

#[tokio::test]
async fn a_place_without_the_row_stays_without_it() {
    let tables = Tables::start().await;
    for place in Place::ALL {
        let key = if place == Place::Inbox { "shopify#e1" } else { "shop#1" };
        tables.store().wipe(place, key).await.unwrap();
        tables.store().wipe(place, "notice#bad_review#1").await.unwrap();
        tables.store().wipe(place, "message#1").await.unwrap();
        assert!(all(&tables.store(), place).await.is_empty(), "{place:?}");
    }
    for table in ["inbox", "review_requests", "outbox", "sessions", "chats", "reviews", "forms"] {
        assert_eq!(tables.items(table).len(), 0);
    }
}

#[tokio::test]
async fn a_table_is_read_from_end_to_end_in_pages() {
    let tables = Tables::start().await;
    let store = tables.store();
    for number in 0..205 {
        store.accept(&event(&format!("e{number}"), "one", "r", T0)).await.unwrap();
    }
    let first = store.kept(Place::Inbox, None).await.unwrap();
    assert_eq!(first.rows.len(), 100);
    assert!(first.next.is_some());
    assert_eq!(all(&store, Place::Inbox).await.len(), 205);
}

fn large(word: &str) -> String {
    format!(r#"{{"note":"{word}","pad":"{}"}}"#, "x".repeat(64 * 1024))
}

fn personal(id: &str, body: &str) -> NewEvent {
    NewEvent { group: Some(GroupId::of(phone(10).expose())), ..event(id, body, "r", T0) }
}

#[tokio::test]
async fn an_events_body_is_seen_and_taken_out_whatever_became_of_the_event() {
    let tables = Tables::start().await;
    let store = tables.store();
    let plain = r#"{"phone":"+61491570010","name":"Noor"}"#.to_owned();
    let ends = ["waiting", "claimed", "done", "rejected", "parked"];
    for (n, end) in ends.into_iter().enumerate() {
        let body = if n % 2 == 0 { large("planted-word") } else { plain.clone() };
        store.accept(&personal(end, &body)).await.unwrap();
        let (key, held) = (event_key(end), lease("w", at(1)));
        if end != "waiting" {
            store.claim(&key, &held).await.unwrap();
        }
        let how = match end {
            "done" => EventEnd::Done("x"),
            "rejected" => EventEnd::Rejected(RejectReason::MissingPhone),
            "parked" => EventEnd::Parked(RejectReason::TooManyAttempts { attempts: 9 }),
            _ => continue,
        };
        assert_eq!(store.finish(&key, &held, &how).await, Ok(Fenced::Written));
    }
    let second = NewEvent { receipt: "r2".into(), ..personal("done", &large("never again")) };
    assert_eq!(store.accept(&second).await, Ok(Accepted::Mismatch));
    let rows = all(&store, Place::Inbox).await;
    assert_eq!(rows.len(), 6);
    for (key, row) in &rows {
        let body = String::from_utf8(row.body.clone().unwrap()).unwrap();
        assert!(PLANTED.iter().any(|planted| body.contains(planted)), "{key}");
        assert_eq!((&row.texts, &row.phone, row.ids.len()), (&vec![key.clone()], &None, 0));
        let before = tables.item("inbox", key).unwrap();
        assert!(!planted_in(&before).is_empty());
        let after = wipe(&tables, "inbox", Place::Inbox, key).await.unwrap();
        assert_eq!(planted_in(&after), Vec::<&str>::new(), "{key}");
        assert!(after.get("group_id").is_none(), "a hash of a number can be guessed");
        let (was, is) = (before["st"]["S"].as_str().unwrap(), after["st"]["S"].as_str().unwrap());
        let open = matches!(was, "waiting" | "claimed");
        assert_eq!(is, if open { "rejected" } else { was }, "{key}");
        if open {
            assert_eq!(after["outcome"]["S"], RejectReason::Erased.describe());
        } else {
            assert_eq!(after.get("outcome"), before.get("outcome"));
        }
        assert_eq!(after["body_sha256"], before["body_sha256"], "a redelivery is still known");
        assert!(after.get("waiting_shard").is_none());
    }
    let held = lease("w", at(1));
    assert_eq!(store.finish(&event_key("claimed"), &held, &EventEnd::Done("x")).await, Ok(Fenced::Lost));
    assert_eq!(store.release(&event_key("claimed"), &held, Attempt::Counts).await, Ok(Fenced::Lost));
    let claim = store.claim(&event_key("waiting"), &held).await;
    assert_eq!(claim, Ok(InboxClaim::Ended(InboxStatus::Rejected)));
    for shard in Shard::all() {
        assert_eq!(store.waiting(shard, at(9_999), 25).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn a_body_that_nobody_can_read_stops_no_erasure() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&event("e1", &large("x"), "r", T0)).await.unwrap();
    let mut row = tables.item("inbox", "shopify#e1").unwrap();
    row["body_bytes"] = serde_json::json!({"B": STANDARD.encode("damaged")});
    tables.put("inbox", &row);
    assert_eq!(all(&store, Place::Inbox).await["shopify#e1"].body, None);
}

#[tokio::test]
async fn a_request_ends_and_forgets_whom_it_was_for() {
    let choice = PlatformChoice { platform: Platform::Google, rule: PlatformRule::Fallback };
    let message = || RequestEnd::Sent { message: id("m1") };
    for stage in ["scheduled", "claimed", "sending", "sent"] {
        let tables = Tables::start().await;
        let store = tables.store();
        commit(&store, "e1", &RequestChange::Schedule(Box::new(request(1, at(10))))).await;
        let (key, held) = (order(1).to_key(), lease("s", at(10)));
        if stage != "scheduled" {
            store.claim_request(&order(1), &held).await.unwrap();
        }
        if stage == "sending" || stage == "sent" {
            let _ = store.begin_sending(&order(1), &held, &choice).await.unwrap();
        }
        if stage == "sent" {
            let _ = store.end_request(&order(1), &held, &message(), Some(&inputs())).await.unwrap();
        }
        let row = &all(&store, Place::Requests).await[&key];
        assert_eq!(row.texts, [key.as_str(), "+61491570010", "Noor"]);
        assert_eq!(row.phone, Some(phone(10)));
        let ids: Vec<&str> = [key.as_str()].into_iter().chain((stage == "sent").then_some("m1")).collect();
        assert_eq!(row.ids, ids);

        let before = tables.item("review_requests", &key).unwrap();
        let after = wipe(&tables, "review_requests", Place::Requests, &key).await.unwrap();
        assert_eq!(planted_in(&after), Vec::<&str>::new());
        assert!(after.get("location_uid").is_none() && after.get("zone_names").is_none(), "{after}");
        assert_eq!(after["eligibility"], before["eligibility"], "why it was decided so names nobody");
        let status = if stage == "sent" { RequestStatus::Sent } else { RequestStatus::Skipped };
        let row = RequestRow { status, plan: None, first_send_after: Some(at(10)), reviewed_at: None };
        assert_eq!(store.request(&order(1)).await, Ok(Some(row)));
        if stage != "sent" {
            assert_eq!(after["reason_code"]["S"], "erased");
        }
        for shard in Shard::all() {
            assert_eq!(store.due(shard, at(999_999), 25).await, Ok(Vec::new()));
        }
        let claim = store.claim_request(&order(1), &lease("t", at(99))).await;
        assert_eq!(claim, Ok(RequestClaim::Ended(status)));
        if stage == "sending" {
            assert_eq!(store.end_request(&order(1), &held, &message(), None).await, Ok(Fenced::Lost));
        }
        assert_eq!(all(&store, Place::Requests).await[&key].phone, None);
    }
}

#[tokio::test]
async fn a_send_forgets_whom_it_went_to_and_one_that_is_to_come_does_not() {
    for stage in ["planned", "pending", "sending", "accepted", "delivered", "unknown"] {
        let tables = Tables::start().await;
        let store = tables.store();
        let (key, me) = (effect(1), owner("a"));
        if stage == "planned" {
            store.plan(&send(1), at(1)).await.unwrap();
        }
        store.keep_invite(&send(1), &invite("i1")).await.unwrap();
        if !matches!(stage, "planned" | "pending") {
            store.begin(&send(1), &lease("a", T0)).await.unwrap();
        }
        if matches!(stage, "accepted" | "delivered") {
            let _ = store.settle(&key, &me, &Settlement::Accepted { message: id("m1") }, at(1)).await.unwrap();
        }
        if stage == "delivered" {
            store.resolve(&key, frontdesk_core::outbox::DeliveryNews::Delivered, at(2)).await.unwrap();
        }
        if stage == "unknown" {
            let _ = store.settle(&key, &me, &Settlement::Unknown, at(1)).await.unwrap();
        }
        let row = &all(&store, Place::Outbox).await[key.as_str()];
        assert_eq!(row.phone, Some(phone(1)));
        assert_eq!(row.texts, [key.as_str(), "+61491570001", "https://podium.example/i1"]);
        let message = matches!(stage, "accepted" | "delivered").then_some("m1");
        let ids: Vec<&str> = [key.as_str()].into_iter().chain(message).chain(["i1"]).collect();
        assert_eq!(row.ids, ids);

        let before = store.outbox_state(&key).await.unwrap().unwrap();
        let after = wipe(&tables, "outbox", Place::Outbox, key.as_str()).await.unwrap();
        assert_eq!(planted_in(&after), Vec::<&str>::new(), "{stage}");
        let row = store.send_row(&key).await.unwrap().unwrap();
        assert_eq!((row.phone, row.invite, row.location), (None, None, location()));
        match row.state {
            OutboxState::Failed { reason } => {
                assert!(matches!(before, OutboxState::Pending { .. }));
                assert_eq!(reason, "erased");
                assert!(after.get("unresolved_shard").is_none());
                let refused = store.begin(&send(1), &lease("b", at(9))).await.unwrap();
                assert_eq!(refused, Begin::Refused(OutboxState::Failed { reason }), "it is not sent any more");
            }
            OutboxState::Sending(unfinished) => {
                assert_eq!((stage, unfinished.invite), ("sending", None));
                let settled = store.settle(&key, &me, &Settlement::Accepted { message: id("m1") }, at(3)).await;
                assert_eq!(settled, Ok(Fenced::Written), "it may have been sent, and that is still said");
            }
            state => assert_eq!(state, before),
        }
        // Its sender was on its way.
        assert_eq!(store.keep_invite(&send(1), &invite("i2")).await, Ok(invite("i2")));
        assert_eq!(planted_in(&tables.item("outbox", key.as_str()).unwrap()), Vec::<&str>::new(), "{stage}");
    }
}

#[tokio::test]
async fn a_locations_own_link_leads_to_nobody() {
    let tables = Tables::start().await;
    let store = tables.store();
    let everybodys = Invite { uid: id(LOCATION_LINK), url: "https://g.example/shop".into() };
    store.keep_invite(&send(1), &everybodys).await.unwrap();
    assert_eq!(all(&store, Place::Outbox).await[effect(1).as_str()].ids, [effect(1).as_str()]);
}

#[tokio::test]
async fn a_notice_forgets_what_it_was_to_say_and_ends() {
    let tables = Tables::start().await;
    let store = tables.store();
    let notice = notice("rev_1");
    store.open_notice(&notice).await.unwrap();
    let held = lease("a", at(1));
    store.claim_notice(&notice.key, &held).await.unwrap();
    let key = notice.key.as_str();
    let row = &all(&store, Place::Outbox).await[key];
    assert_eq!(row.texts, [key, "rev_1", "never again", "https://podium.example/r"]);
    assert_eq!(row.ids, ["rev_1", "shop#1"]);
    let after = wipe(&tables, "outbox", Place::Outbox, key).await.unwrap();
    assert_eq!(planted_in(&after), Vec::<&str>::new());
    assert_eq!(after["st"]["S"], "given_up");
    assert_eq!(store.claim_notice(&notice.key, &lease("b", at(999))).await, Ok(NoticeClaim::Ended));
    let told = frontdesk_core::notice::NoticeStep::End(frontdesk_core::notice::NoticeEnd::GivenUp);
    assert_eq!(store.step_notice(&notice.key, &held, &told).await, Ok(Fenced::Lost));
    assert_eq!(store.notices_due(notice.key.shard(), at(9_999), 25).await, Ok(Vec::new()));
    assert!(all(&store, Place::Outbox).await[key].ids.is_empty());
}

#[tokio::test]
async fn an_id_of_a_message_leads_to_its_send_and_stays() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.track(&id("m1"), &Fact::Ours(effect(1)), at(9)).await.unwrap();
    store.track(&id("m2"), &Fact::Received, at(9)).await.unwrap();
    let rows = all(&store, Place::Outbox).await;
    assert_eq!(rows["message#m1"].ids, ["m1", effect(1).as_str()]);
    assert_eq!((rows["message#m2"].ids.as_slice(), &rows["message#m2"].phone), (&["m2".to_owned()][..], &None));
    let before = tables.item("outbox", "message#m1");
    assert_eq!(wipe(&tables, "outbox", Place::Outbox, "message#m1").await, before);
}

#[tokio::test]
async fn a_conversation_goes_as_a_whole() {
    let tables = Tables::start().await;
    let store = tables.store();
    let session = sessions::after(None, "planted-word", T0);
    let _ = store.save_session(&session, &sessions::RULES, T0).await.unwrap();
    let key = sessions::key().to_key();
    let row = &all(&store, Place::Sessions).await[&key];
    assert_eq!(row.phone, Some(phone(1)));
    assert_eq!(row.texts, [key.as_str(), "text of planted-word"]);
    assert_eq!(row.ids, [session.id.as_str(), "conv-1"]);
    assert_eq!(wipe(&tables, "sessions", Place::Sessions, &key).await, None);
    assert_eq!(store.session(&sessions::key(), T0).await, Ok(None));
    let next = sessions::after(Some(session), "e2", at(1));
    assert_eq!(store.save_session(&next, &sessions::RULES, at(1)).await, Ok(Fenced::Lost), "and stays gone");
}

#[tokio::test]
async fn a_review_forgets_which_order_led_to_it() {
    let tables = Tables::start().await;
    let store = tables.store();
    let _ = store.save_review(&reviews::record(1)).await.unwrap();
    let order = order(1).to_key();
    assert_eq!(all(&store, Place::Reviews).await["rev_1"].ids, ["rev_1", order.as_str()]);
    let after = wipe(&tables, "reviews", Place::Reviews, "rev_1").await.unwrap();
    assert!(!after.to_string().contains(&order), "{after}");
    let expected = ReviewRecord { order: None, ..reviews::record(1) };
    assert_eq!(store.review(&reviews::uid()).await, Ok(Some(expected)));
    assert_eq!(all(&store, Place::Reviews).await["rev_1"].ids, ["rev_1"]);
}

/// A send begins, or is given back, in the middle of the wiping.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_moves_while_it_is_wiped_is_wiped() {
    for round in 0..20 {
        let tables = Tables::start().await;
        let store = tables.store();
        let key = if round % 2 == 0 { effect(1) } else { EffectKey::reminder(&order(1)) };
        let send = Send { key: key.clone(), ..send(1) };
        store.plan(&send, T0).await.unwrap();
        super::races::all_at_once(&tables, 4, |store, n| {
            let send = send.clone();
            async move {
                match n {
                    0 => store.wipe(Place::Outbox, send.key.as_str()).await.unwrap(),
                    1 => drop(store.keep_invite(&send, &invite("i1")).await.unwrap()),
                    2 => drop(store.begin(&send, &lease("a", at(1))).await.unwrap()),
                    _ => {
                        store.begin(&send, &lease("a", at(1))).await.unwrap();
                        let _ = store.settle(&send.key, &owner("a"), &Settlement::NotSent, at(2)).await.unwrap();
                    }
                }
            }
        })
        .await;
        // What began after the first look is found at the erasure's second.
        store.wipe(Place::Outbox, key.as_str()).await.unwrap();
        assert_eq!(planted_in(&tables.item("outbox", key.as_str()).unwrap()), Vec::<&str>::new());
        assert!(!matches!(store.outbox_state(&key).await, Ok(Some(OutboxState::Pending { .. }))));
    }
}

#[tokio::test]
async fn a_chat_forgets_what_was_said_and_nothing_is_answered_for_that() {
    let tables = Tables::start().await;
    let store = tables.store();
    store.accept(&chats::message("e9", "r", T0)).await.unwrap();
    let said = chats::first("planted-word");
    let _ = store.save_chat(&said, chats::KEEP, T0).await.unwrap();
    let key = chats::key();
    let row = &all(&store, Place::Chats).await[key.as_str()];
    assert_eq!(row.phone, Some(phone(1)));
    assert_eq!(row.texts, [key.as_str(), phone(1).expose()]);
    assert_eq!(row.body, Some(serde_json::to_vec(&said.state).unwrap()), "whatever was said can be looked through");
    assert_eq!(row.ids, [key.as_str()]);

    let before = tables.item("chats", key.as_str()).unwrap();
    let after = wipe(&tables, "chats", Place::Chats, key.as_str()).await.unwrap();
    let chat = store.chat(&key, at(1)).await.unwrap();
    assert_eq!((chat.version, &chat.phone, chat.newest), (2, &None, chats::newest("e9", T0)));
    assert_eq!(chat.state, forgotten(&said.state));
    assert_eq!(
        chat.state.settled,
        ["e0", "e1", "e2", "e3"],
        "what waited, or was on its way, is not answered any more"
    );
    assert!(chat.state.disclosed && chat.state.handed_over_at_ms == Some(7) && chat.state.answered_at_ms == [5]);
    let state = serde_json::to_string(&chat.state).unwrap();
    assert!(!state.contains("planted-word") && !state.contains("hello") && !state.contains("p.png"), "{state}");
    for time in ["expires_at", "kept_until_ms"] {
        assert_eq!(after[time], before[time]);
    }
    assert_eq!(planted_in(&all_of(&after)), Vec::<&str>::new());
    let late = said.changed(|_| {});
    assert_eq!(store.save_chat(&late, chats::KEEP, at(1)).await, Ok(Fenced::Lost), "its worker was on its way");
}

/// Everything in a chat's row, the state unpacked.
fn all_of(item: &Value) -> Value {
    let mut item = item.clone();
    item["body_bytes"] = item["state_bytes"].clone();
    item
}

#[tokio::test]
async fn a_chat_is_found_by_what_is_in_it_where_it_has_no_number() {
    let tables = Tables::start().await;
    let store = tables.store();
    let word = "call me on 0491 570 010, or mia@example.com";
    let nobodys = Chat { phone: None, ..chats::first(word) };
    let _ = store.save_chat(&nobodys, chats::KEEP, T0).await.unwrap();
    let by_phone = Subject { phones: [phone(10)].into(), ..Subject::default() };
    let by_mail = Subject { emails: ["mia@example.com".to_owned()].into(), ..Subject::default() };
    let somebody = Subject { phones: [phone(11)].into(), ..Subject::default() };
    let found =
        async |subject: &Subject| all(&store, Place::Chats).await.values().any(|row| subject.is_in(Place::Chats, row));
    assert!(found(&by_phone).await && found(&by_mail).await && !found(&somebody).await);
    wipe(&tables, "chats", Place::Chats, chats::key().as_str()).await.unwrap();
    assert!(!found(&by_phone).await && !found(&by_mail).await);
}

#[tokio::test]
async fn a_chat_that_nobody_can_read_is_emptied_and_silent() {
    let tables = Tables::start().await;
    let store = tables.store();
    let _ = store.save_chat(&chats::first("planted-word"), chats::KEEP, T0).await.unwrap();
    let mut row = tables.item("chats", chats::key().as_str()).unwrap();
    row["state_bytes"] = serde_json::json!({"B": STANDARD.encode(r#"{"history":"planted-word"}"#)});
    tables.put("chats", &row);
    assert_eq!(all(&store, Place::Chats).await.len(), 1);
    wipe(&tables, "chats", Place::Chats, chats::key().as_str()).await.unwrap();
    let chat = store.chat(&chats::key(), at(1)).await.unwrap();
    assert_eq!((chat.version, chat.phone), (2, None));
    assert_eq!(chat.state, ChatState { silenced: true, ..ChatState::default() });

    // A mark says nothing of anybody.
    let tables = Tables::start().await;
    tables.store().accept(&chats::message("e1", "r", T0)).await.unwrap();
    let before = tables.item("chats", chats::key().as_str());
    assert_eq!(wipe(&tables, "chats", Place::Chats, chats::key().as_str()).await, before);
}

/// A worker goes on with the chat in the middle of the wiping.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_that_changes_while_it_is_wiped_is_wiped_and_its_worker_notices() {
    for _ in 0..10 {
        let tables = Tables::start().await;
        let store = tables.store();
        let first = chats::first("planted-word");
        let _ = store.save_chat(&first, chats::KEEP, T0).await.unwrap();
        super::races::all_at_once(&tables, 4, |store, n| {
            let mut chat = first.clone();
            async move {
                if n == 0 {
                    return store.wipe(Place::Chats, chats::key().as_str()).await.unwrap();
                }
                for _ in 0..4 {
                    chat = chat.changed(|_| {});
                    if store.save_chat(&chat, chats::KEEP, T0).await.unwrap() == Fenced::Lost {
                        return;
                    }
                }
            }
        })
        .await;
        let chat = store.chat(&chats::key(), at(1)).await.unwrap();
        assert_eq!((chat.phone, chat.state), (None, forgotten(&first.state)));
    }
}

/// What is kept of a message in a chat is our own form of it, with the number that Chatwoot has.
#[tokio::test]
async fn a_message_of_a_chat_is_found_by_its_number_and_ends() {
    let tables = Tables::start().await;
    let store = tables.store();
    let message = |id: u64, phone: Option<&str>, text: &str| {
        let message = ChatwootMessage {
            event_id: None,
            kind: Kind::Created,
            at: ConversationRef { account: 1, conversation: 2 },
            inbox: Some(3),
            id,
            text: Some(text.to_owned()),
            submitted: Vec::new(),
            attached: Attached::Listed(Vec::new()),
            channel: chatwoot::Channel::WebWidget,
            standing: Standing { status: Status::Pending, assignee: Assignee::Nobody },
            phone: phone.map(str::to_owned),
            created_at_ms: Some(1_772_000_000_000),
        };
        let name = format!("m{id}");
        let body = serde_json::to_vec(&message).unwrap();
        NewEvent { body: StoredBody::pack(&body).unwrap(), ..chats::message(&name, &name, T0) }
    };
    let mias = message(1, Some("+61491570010"), "planted-word");
    let said = message(2, None, "my number is 0491 570 010");
    let others = message(3, Some("+61491570011"), "hello");
    for event in [&mias, &said, &others] {
        assert_eq!(store.accept(event).await, Ok(Accepted::Stored));
    }
    let subject = Subject { phones: [phone(10)].into(), ..Subject::default() };
    let rows = all(&store, Place::Inbox).await;
    let found: Vec<&str> =
        rows.values().filter(|row| subject.is_in(Place::Inbox, row)).map(|row| row.key.as_str()).collect();
    assert_eq!(found, ["chatwoot#m1", "chatwoot#m2"]);
    let after = wipe(&tables, "inbox", Place::Inbox, "chatwoot#m1").await.unwrap();
    assert_eq!(planted_in(&after), Vec::<&str>::new());
    assert_eq!(after["outcome"]["S"], RejectReason::Erased.describe());
    let claim = store.claim(&mias.key, &lease("w", at(1))).await;
    assert_eq!(claim, Ok(InboxClaim::Ended(InboxStatus::Rejected)));
}
