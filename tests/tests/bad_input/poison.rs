//! Records that make their handler panic: they fail alone, and end parked after the attempts that an event has.

use std::{collections::BTreeSet, panic, sync::Once, time::Duration};

use frontdesk_aws::lambda::{
    Invocation,
    queue::{self, QueueEvent},
};
use frontdesk_core::{
    contact::{
        ChangeOutcome, Contact, Contacts, Hold, HoldOutcome, Meeting, MirrorDue, MirrorOutcome, NotTextable,
        OptOutChange, PodiumLink,
    },
    directory::Installation,
    eligibility::Inputs,
    flow::{shopify_worker::ShopifyWorker, worker::WorkerRules},
    ids::{EffectKey, OrderKey, ProviderId, Shard},
    inbox::{Accepted, Attempt, EventEnd, Inbox, InboxClaim, InboxKey, InboxStatus, NewEvent, WaitingRow},
    notice::{Notice, NoticeClaim, NoticeDue, NoticeKey, NoticeStep, Notices},
    phone::E164Phone,
    request::{Committed, DueRow, Postpone, RequestChange, RequestClaim, RequestEnd, RequestRow, Requests},
    review::PlatformChoice,
    store::{Fenced, Lease, StoreError},
    telemetry::Metric,
    time::{Clock, UnixMillis},
};
use frontdesk_testkit::{model::ModelStore, shop};
use serde_json::{Value, json};

use crate::house::{House, Receipts, VISIBILITY, ready};

const ATTEMPTS_MAX: u32 = 8;

/// The model's tables, but whoever looks up one phone, or ends one event, panics.
struct Poisoned<'w> {
    tables: &'w ModelStore,
    phone: Option<&'static str>,
    event: Option<&'static str>,
}

impl Inbox for Poisoned<'_> {
    async fn accept(&self, event: &NewEvent) -> Result<Accepted, StoreError> {
        self.tables.accept(event).await
    }
    async fn claim(&self, key: &InboxKey, lease: &Lease) -> Result<InboxClaim, StoreError> {
        self.tables.claim(key, lease).await
    }
    async fn finish(&self, key: &InboxKey, lease: &Lease, end: &EventEnd) -> Result<Fenced, StoreError> {
        // Parking is the way out; a poison that spoilt that too would be a broken table.
        assert!(self.event != Some(key.event.as_str()) || matches!(end, EventEnd::Parked(_)), "poison");
        self.tables.finish(key, lease, end).await
    }
    async fn release(&self, key: &InboxKey, lease: &Lease, attempt: Attempt) -> Result<Fenced, StoreError> {
        self.tables.release(key, lease, attempt).await
    }
    async fn waiting(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<WaitingRow>, StoreError> {
        self.tables.waiting(shard, before, limit).await
    }
    async fn requeue(&self, row: &WaitingRow, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        self.tables.requeue(row, now).await
    }
}

impl Contacts for Poisoned<'_> {
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError> {
        assert_ne!(self.phone, Some(phone.expose()), "poison");
        self.tables.contact(phone).await
    }
    async fn record_opt_out(&self, change: &OptOutChange) -> Result<ChangeOutcome, StoreError> {
        self.tables.record_opt_out(change).await
    }
    async fn hold(&self, hold: &Hold) -> Result<HoldOutcome, StoreError> {
        self.tables.hold(hold).await
    }
    async fn release_hold(&self, phone: &E164Phone, intent: &EffectKey) -> Result<bool, StoreError> {
        self.tables.release_hold(phone, intent).await
    }
    async fn mark_not_textable(&self, phone: &E164Phone, why: NotTextable, now: UnixMillis) -> Result<(), StoreError> {
        self.tables.mark_not_textable(phone, why, now).await
    }
    async fn flag_for_review(&self, phone: &E164Phone, now: UnixMillis) -> Result<(), StoreError> {
        self.tables.flag_for_review(phone, now).await
    }
    async fn erase_contact(&self, phone: &E164Phone) -> Result<(), StoreError> {
        self.tables.erase_contact(phone).await
    }
    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError> {
        self.tables.meet(meeting).await
    }
    async fn link_podium(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<(), StoreError> {
        self.tables.link_podium(phone, link, now).await
    }
    async fn unlink_podium(&self, phone: &E164Phone, uid: &ProviderId) -> Result<(), StoreError> {
        self.tables.unlink_podium(phone, uid).await
    }
    async fn mirrors_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<MirrorDue>, StoreError> {
        self.tables.mirrors_due(shard, before, limit).await
    }
    async fn note_telling(&self, phone: &E164Phone) -> Result<(), StoreError> {
        self.tables.note_telling(phone).await
    }
    async fn settle_mirror(&self, due: &MirrorDue, outcome: &MirrorOutcome) -> Result<(), StoreError> {
        self.tables.settle_mirror(due, outcome).await
    }
}

impl Requests for Poisoned<'_> {
    async fn commit(
        &self,
        event: &InboxKey,
        lease: &Lease,
        end: &EventEnd,
        change: &RequestChange,
    ) -> Result<Committed, StoreError> {
        self.tables.commit(event, lease, end, change).await
    }
    async fn due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<DueRow>, StoreError> {
        self.tables.due(shard, before, limit).await
    }
    async fn mark_queued(&self, row: &DueRow, next_attention: UnixMillis) -> Result<bool, StoreError> {
        self.tables.mark_queued(row, next_attention).await
    }
    async fn claim_request(&self, key: &OrderKey, lease: &Lease) -> Result<RequestClaim, StoreError> {
        self.tables.claim_request(key, lease).await
    }
    async fn begin_sending(
        &self,
        key: &OrderKey,
        lease: &Lease,
        choice: &PlatformChoice,
    ) -> Result<Fenced, StoreError> {
        self.tables.begin_sending(key, lease, choice).await
    }
    async fn postpone(&self, key: &OrderKey, lease: &Lease, postpone: &Postpone) -> Result<Fenced, StoreError> {
        self.tables.postpone(key, lease, postpone).await
    }
    async fn end_request(
        &self,
        key: &OrderKey,
        lease: &Lease,
        end: &RequestEnd,
        inputs: Option<&Inputs>,
    ) -> Result<Fenced, StoreError> {
        self.tables.end_request(key, lease, end, inputs).await
    }
    async fn request(&self, key: &OrderKey) -> Result<Option<RequestRow>, StoreError> {
        self.tables.request(key).await
    }
    async fn note_reviewed(&self, key: &OrderKey, at: UnixMillis) -> Result<(), StoreError> {
        self.tables.note_reviewed(key, at).await
    }
}

impl Notices for Poisoned<'_> {
    async fn open_notice(&self, notice: &Notice) -> Result<bool, StoreError> {
        self.tables.open_notice(notice).await
    }
    async fn claim_notice(&self, key: &NoticeKey, lease: &Lease) -> Result<NoticeClaim, StoreError> {
        self.tables.claim_notice(key, lease).await
    }
    async fn step_notice(&self, key: &NoticeKey, lease: &Lease, step: &NoticeStep) -> Result<Fenced, StoreError> {
        self.tables.step_notice(key, lease, step).await
    }
    async fn notices_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<NoticeDue>, StoreError> {
        self.tables.notices_due(shard, before, limit).await
    }
}

impl Installation for Poisoned<'_> {
    async fn uninstalled_at(&self) -> Result<Option<UnixMillis>, StoreError> {
        self.tables.uninstalled_at().await
    }
    async fn note_uninstalled(&self, at: UnixMillis) -> Result<(), StoreError> {
        self.tables.note_uninstalled(at).await
    }
    async fn note_installed(&self, at: UnixMillis) -> Result<(), StoreError> {
        self.tables.note_installed(at).await
    }
}

/// The panics of these tests are their subject; the usual report of them would only look like a failure.
fn quiet_about_poison() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let said = info.payload_as_str().unwrap_or_default();
            if !said.contains("poison") {
                usual(info);
            }
        }));
    });
}

/// Hands a batch to the worker as Lambda does; says which messages have to come again.
fn worked(house: &House, store: &Poisoned<'_>, ids: &Receipts, messages: &BTreeSet<String>) -> BTreeSet<String> {
    let (world, shop) = (&house.world, shop::shop());
    let worker = ShopifyWorker {
        store,
        clock: &world.clock,
        ids,
        telemetry: &world.recorder,
        policy: &world.policy,
        shop: &shop,
        rules: WorkerRules {
            lease: world.lease,
            attempts_max: ATTEMPTS_MAX,
            body_bytes_max: 1 << 20,
            sweep_after: Duration::from_secs(180),
        },
    };
    let records: Vec<Value> =
        messages.iter().map(|key| json!({"messageId": format!("m-{key}"), "body": key})).collect();
    let event: QueueEvent = serde_json::from_value(json!({"Records": records})).unwrap();
    let batch = Invocation { event, deadline: world.clock.now().plus(Duration::from_secs(60)) };
    let margin = Duration::from_secs(10);
    let handle = async |key: InboxKey| worker.handle(&key).await;
    let answer = ready(queue::work(batch, margin, &world.clock, &world.recorder, InboxKey::parse, handle)).unwrap();
    answer
        .batch_item_failures
        .into_iter()
        .map(|failure| failure.item_identifier.trim_start_matches("m-").to_owned())
        .collect()
}

/// Ten orders of ten people come in; one of them is poison.
fn ten_orders(house: &House) -> BTreeSet<String> {
    (0..10)
        .map(|n| {
            let order = shop::order(100 + n, &format!("+6149157015{n}"), "2026-11-14T10:00:00+11:00").to_string();
            let id = format!("w{n}");
            assert_eq!(house.delivered(&id, order.as_bytes()).body, "accepted");
            format!("shopify#{id}")
        })
        .collect()
}

fn ends_parked_and_alone(poisoned: impl Fn(&ModelStore) -> Poisoned<'_>, poison: &str) {
    quiet_about_poison();
    let house = House::new();
    let ids = Receipts::default();
    let mut messages = ten_orders(&house);
    let store = poisoned(&house.world.store);

    let mut attempts = 0;
    while !messages.is_empty() {
        messages = worked(&house, &store, &ids, &messages);
        let others: Vec<&String> = messages.iter().filter(|key| *key != poison).collect();
        assert!(others.is_empty(), "{others:?} failed with it");
        for n in (0..10).filter(|n| format!("shopify#w{n}") != poison) {
            let row = house.row(&format!("w{n}")).unwrap();
            assert_eq!((row.status, row.attempts), (InboxStatus::Done, 1), "w{n} was done at once");
        }
        attempts += 1;
        assert!(attempts <= 50, "a retry loop");
        house.world.clock.advance(VISIBILITY);
    }

    let row = house.row(poison.trim_start_matches("shopify#")).unwrap();
    assert_eq!(row.status, InboxStatus::Parked);
    assert_eq!(row.outcome, format!("too_many_attempts: failed {ATTEMPTS_MAX} times"));
    assert_eq!(attempts, ATTEMPTS_MAX + 1, "the last one only parks");
    assert_eq!(house.count(Metric::RecordPanicked), ATTEMPTS_MAX as usize);
    assert_eq!(house.count(Metric::EventParked), 1);
    let waits = house.world.store.look(|tables| tables.inbox.values().any(|row| row.waiting_since.is_some()));
    assert!(!waits, "the sweeper would bring it back for ever");
    assert_eq!(
        worked(&house, &store, &ids, &BTreeSet::from([poison.to_owned()])),
        BTreeSet::new(),
        "a late message finds nothing to do"
    );
}

#[test]
fn a_record_that_panics_while_it_is_decided_fails_alone_and_ends_parked() {
    ends_parked_and_alone(|tables| Poisoned { tables, phone: Some("+61491570156"), event: None }, "shopify#w6");
}

/// Here the ninth order's event has nothing to change, so that it ends by itself, and that is where it panics.
#[test]
fn a_record_that_panics_at_its_end_fails_alone_and_ends_parked() {
    quiet_about_poison();
    let house = House::new();
    let ids = Receipts::default();
    let order = shop::order(7, "+61491570156", "2026-11-14T10:00:00+11:00").to_string();
    for id in ["first", "poison", "last"] {
        house.delivered(id, order.as_bytes());
    }
    let store = Poisoned { tables: &house.world.store, phone: None, event: Some("poison") };
    let mut messages: BTreeSet<String> = ["shopify#first", "shopify#poison", "shopify#last"].map(str::to_owned).into();
    // In the order of their names: "first" makes the request, the other two find it made.
    messages = worked(&house, &store, &ids, &messages);
    assert_eq!(messages, BTreeSet::from(["shopify#poison".to_owned()]));
    for _ in 0..ATTEMPTS_MAX {
        house.world.clock.advance(VISIBILITY);
        messages = worked(&house, &store, &ids, &messages);
    }
    assert_eq!(messages, BTreeSet::new());
    assert_eq!(house.row("poison").unwrap().status, InboxStatus::Parked);
    assert_eq!(house.row("last").unwrap().outcome, "nothing_to_change");
}

/// The sweeper and the queue both bring a poisonous record back, in any rhythm: the attempts are counted on the row.
#[test]
fn attempts_are_counted_on_the_row_whoever_brings_it_back() {
    quiet_about_poison();
    let house = House::new();
    let ids = Receipts::default();
    let order = shop::order(7, "+61491570156", "2026-11-14T10:00:00+11:00").to_string();
    house.delivered("poison", order.as_bytes());
    let store = Poisoned { tables: &house.world.store, phone: Some("+61491570156"), event: None };
    let message = BTreeSet::from(["shopify#poison".to_owned()]);
    for minute in 0..120_u32 {
        worked(&house, &store, &ids, &message);
        let attempts = house.row("poison").unwrap().attempts;
        assert!(attempts <= ATTEMPTS_MAX + 1, "{attempts} attempts after {minute} minutes");
        house.world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(house.row("poison").unwrap().status, InboxStatus::Parked);
    assert_eq!(house.count(Metric::RecordPanicked), ATTEMPTS_MAX as usize);
}

/// Messages that carry no key cannot be made readable by coming again.
#[test]
fn messages_without_a_readable_key_are_dropped_and_told() {
    let house = House::new();
    let store = Poisoned { tables: &house.world.store, phone: None, event: None };
    let rubbish = [
        "",
        "{}",
        "shopify",
        "shopify#",
        "#w",
        "nobody#w",
        "shopify#a#b",
        "shopify#a b",
        "\u{feff}shopify#w",
        "shopify#w\n",
    ];
    let messages: BTreeSet<String> = rubbish.map(str::to_owned).into();
    assert_eq!(worked(&house, &store, &Receipts::default(), &messages), BTreeSet::new());
    let told = house.world.recorder.lines().iter().filter(|line| line.message.contains("carries no key")).count();
    assert_eq!(told, rubbish.len());
}

/// A key that nobody stored: told, and done with.
#[test]
fn a_key_without_a_row_is_told_and_done_with() {
    let house = House::new();
    let store = Poisoned { tables: &house.world.store, phone: None, event: None };
    let messages = BTreeSet::from(["shopify#never-stored".to_owned()]);
    assert_eq!(worked(&house, &store, &Receipts::default(), &messages), BTreeSet::new());
    assert!(house.world.recorder.lines().iter().any(|line| line.message == "a queued key has no event"));
}
