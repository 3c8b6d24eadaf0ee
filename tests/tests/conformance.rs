//! The model store and DynamoDB answer alike: the same random operations on both, every outcome compared, and every row
//! that can be read back compared at the end. Without this the crash simulation would prove nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

use std::time::Duration;

use frontdesk_core::{
    body::StoredBody,
    contact::{Contacts, Direction, Evidence, Hold, NotTextable, OptOutChange, OptOutFlag, OptOutSource},
    ids::{EffectKey, EventId, LocationUid, OrderId, OrderKey, OwnerToken, ProviderId, Shard},
    inbox::{Attempt, BodySha256, EventEnd, Inbox, InboxKey, NewEvent, RejectReason, Source},
    outbox::{Invite, Outbox, Send, Settlement},
    phone::E164Phone,
    provider::{Limits, Provider},
    request::{FailReason, NewRequest, Plan, Postpone, RequestChange, RequestEnd, Requests, Wait},
    review::{Platform, PlatformChoice, PlatformRule, SkipReason},
    store::Lease,
    time::{DAY, UnixMillis},
};
use frontdesk_testkit::{model::ModelStore, shop::shop};
use frontdesk_tests::tables::Tables;

/// Operations per sequence.
const LENGTH: usize = 400;

/// A generator of random operations over few keys, so that they meet.
struct Dice {
    state: u64,
    now: UnixMillis,
    owners: u32,
    last: Vec<Lease>,
}

impl Dice {
    fn new(seed: u64) -> Self {
        let now = UnixMillis::new(1_795_132_800_000);
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, now, owners: 0, last: Vec::new() }
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % sides
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let n = self.roll(of.len() as u64);
        of[usize::try_from(n).unwrap()].clone()
    }

    fn event(&mut self) -> InboxKey {
        let id = self.pick(&["e1", "e2", "e3"]);
        InboxKey { source: Source::Shopify, event: EventId::try_from(id).unwrap() }
    }

    fn order(&mut self) -> OrderKey {
        OrderKey { shop: shop(), order: OrderId(1 + self.roll(3)) }
    }

    fn phone(&mut self) -> E164Phone {
        E164Phone::parse_e164(self.pick(&["+61491570156", "+61491570157"])).unwrap()
    }

    fn effect(&mut self) -> EffectKey {
        let order = self.order();
        EffectKey::review_request(&order)
    }

    /// Mostly a new lease; sometimes one of the last few again, as a repeated or late call would have it.
    fn lease(&mut self) -> Lease {
        if !self.last.is_empty() && self.roll(3) > 0 {
            return self.pick(&self.last.clone());
        }
        self.owners += 1;
        let owner = OwnerToken::try_from(format!("o{}", self.owners).as_str()).unwrap();
        let lease = Lease { owner, now: self.now, until: self.now.plus(Duration::from_secs(90)) };
        self.last.push(lease.clone());
        if self.last.len() > 4 {
            self.last.remove(0);
        }
        lease
    }

    fn new_event(&mut self) -> NewEvent {
        let key = self.event();
        let body: &[u8] = self.pick(&[b"one", b"two"]).as_slice();
        let rejected = (self.roll(4) == 0).then_some(RejectReason::UnknownShape);
        NewEvent {
            key,
            topic: None,
            body: StoredBody::pack(body).unwrap(),
            body_sha256: BodySha256::of(body),
            received_at: self.now,
            expires_at: self.now.plus(self.pick(&[Duration::from_secs(500), DAY])),
            receipt: format!("r{}", self.roll(1_000)),
            rejected,
        }
    }

    fn end(&mut self) -> EventEnd {
        self.pick(&[
            EventEnd::Done("scheduled"),
            EventEnd::Rejected(RejectReason::UnreadableBody),
            EventEnd::Parked(RejectReason::TooManyAttempts { attempts: 8 }),
        ])
    }

    fn change(&mut self) -> RequestChange {
        let key = self.order();
        match self.roll(3) {
            0 => {
                let send_after = self.now.plus(Duration::from_secs(self.roll(3_000)));
                let plan = Plan {
                    phone: self.phone(),
                    location: LocationUid::try_from("loc-1").unwrap(),
                    first_name: self.pick(&[None, Some("Mia".to_owned())]),
                    fulfilled_at: self.now,
                    send_after,
                    zones: self.pick(&[vec![], vec!["Australia/Perth".to_owned(), "+11:00".to_owned()]]),
                };
                let expires_at = self.now.plus(DAY * 400);
                RequestChange::Schedule(Box::new(NewRequest { key, plan, at: self.now, expires_at }))
            }
            1 => {
                let reason = self.pick(&SkipReason::ALL);
                RequestChange::Skip { key, reason, at: self.now, expires_at: self.now.plus(DAY * 400) }
            }
            _ => {
                let until = self.now.plus(Duration::from_secs(self.roll(5_000)));
                RequestChange::Defer { key, until, planned_from: until.minus(Duration::from_secs(3_000)) }
            }
        }
    }

    fn request_end(&mut self) -> RequestEnd {
        self.pick(&[
            RequestEnd::Sent { message: ProviderId::try_from("m1").unwrap() },
            RequestEnd::Skipped(SkipReason::Cooldown),
            RequestEnd::Failed(FailReason::Refused { status: 403 }),
            RequestEnd::Unknown,
        ])
    }

    fn settlement(&mut self) -> Settlement {
        self.pick(&[
            Settlement::Accepted { message: ProviderId::try_from("m1").unwrap() },
            Settlement::NotSent,
            Settlement::NotSent,
            Settlement::Failed { reason: "refused_403".into() },
            Settlement::Unknown,
        ])
    }

    fn send(&mut self) -> Send {
        let (key, phone) = (self.effect(), self.phone());
        Send { key, phone, location: LocationUid::try_from("loc-1").unwrap(), expires_at: self.now.plus(DAY) }
    }

    fn invite(&mut self) -> Invite {
        let n = self.roll(100);
        Invite { uid: ProviderId::try_from(format!("i{n}").as_str()).unwrap(), url: format!("https://r.example/{n}") }
    }

    fn opt_out(&mut self) -> OptOutChange {
        let at = self.now.minus(Duration::from_secs(self.roll(3) * 60));
        OptOutChange {
            phone: self.phone(),
            flag: self.pick(&OptOutFlag::ALL),
            direction: self.pick(&[Direction::In, Direction::In, Direction::Out]),
            at,
            evidence: Evidence {
                source: self.pick(&OptOutSource::ALL),
                message_id: self.pick(&[None, Some("msg".to_owned())]),
                text_sha256: self.pick(&[None, Some("ab".repeat(32))]),
                recorded_at: self.now,
            },
        }
    }
}

/// Runs the same call on both and compares the outcomes, which show no row of either store but its meaning.
macro_rules! both {
    ($pair:ident, [$($shown:ident),*] $store:ident.$call:ident($($argument:expr),*)) => {{
        $pair.trail.push(format!("{} {:?}", stringify!($call), ($(&$shown,)*)));
        let expected = { let $store = &$pair.model; $store.$call($($argument),*).await };
        let actual = { let $store = &$pair.real; $store.$call($($argument),*).await };
        let trail = $pair.trail.join("\n");
        assert!(expected == actual, "{trail}\n  model:    {expected:?}\n  DynamoDB: {actual:?}");
        expected
    }};
}

struct Pair<R> {
    model: ModelStore,
    real: R,
    trail: Vec<String>,
}

/// Everything both stores promise.
trait Store: Inbox + Contacts + Requests + Outbox + Limits {}
impl<S: Inbox + Contacts + Requests + Outbox + Limits> Store for S {}

async fn on_events<R: Store>(pair: &mut Pair<R>, dice: &mut Dice) {
    let (event, lease, end, now) = (dice.event(), dice.lease(), dice.end(), dice.now);
    match dice.roll(8) {
        0..=2 => {
            let new = dice.new_event();
            let _ = both!(pair, [new] s.accept(&new));
        }
        3..=4 => {
            let _ = both!(pair, [event, lease] s.claim(&event, &lease));
        }
        5 => {
            let _ = both!(pair, [event, lease, end] s.finish(&event, &lease, &end));
        }
        6 => {
            let attempt = dice.pick(&[Attempt::Counts, Attempt::Forgiven]);
            let _ = both!(pair, [event, lease, attempt] s.release(&event, &lease, attempt));
        }
        _ => {
            let shard = Shard::of(&event.to_key());
            for row in both!(pair, [shard, now] s.waiting(shard, now, 25)).unwrap() {
                let _ = both!(pair, [row, now] s.requeue(&row, now));
                let later = now.plus(Duration::from_millis(1));
                let _ = both!(pair, [row, later] s.requeue(&row, later));
            }
        }
    }
}

async fn on_requests<R: Store>(pair: &mut Pair<R>, dice: &mut Dice) {
    let (event, order, lease, now) = (dice.event(), dice.order(), dice.lease(), dice.now);
    match dice.roll(10) {
        0..=3 => {
            let (end, change) = (dice.end(), dice.change());
            let _ = both!(pair, [event, lease, end, change] s.commit(&event, &lease, &end, &change));
        }
        4 => {
            let shard = Shard::of(&order.to_key());
            for row in both!(pair, [shard, now] s.due(shard, now, 25)).unwrap() {
                let next = now.plus(Duration::from_secs(300));
                let _ = both!(pair, [row, next] s.mark_queued(&row, next));
            }
        }
        5..=6 => {
            let _ = both!(pair, [order, lease] s.claim_request(&order, &lease));
        }
        7 => {
            let choice = PlatformChoice { platform: Platform::Google, rule: PlatformRule::Fallback };
            let _ = both!(pair, [order, lease] s.begin_sending(&order, &lease, &choice));
        }
        8 => {
            let until = now.plus(Duration::from_secs(dice.roll(600)));
            let put_off = Postpone { until, why: dice.pick(&[Wait::Clock, Wait::Settling, Wait::Trouble]) };
            let _ = both!(pair, [order, lease, put_off] s.postpone(&order, &lease, &put_off));
        }
        _ => {
            let end = dice.request_end();
            let _ = both!(pair, [order, lease, end] s.end_request(&order, &lease, &end));
        }
    }
}

async fn on_sends<R: Store>(pair: &mut Pair<R>, dice: &mut Dice) {
    let (send, lease, now) = (dice.send(), dice.lease(), dice.now);
    match dice.roll(4) {
        0 => {
            let made = dice.invite();
            let _ = both!(pair, [send, made] s.keep_invite(&send, &made));
        }
        1 => {
            let _ = both!(pair, [send, lease] s.begin(&send, &lease));
        }
        _ => {
            let (owner, settlement) = (lease.owner, dice.settlement());
            let _ = both!(pair, [send, owner, settlement] s.settle(&send.key, &owner, &settlement, now));
        }
    }
    let _ = both!(pair, [send] s.outbox_state(&send.key));
}

async fn on_contacts<R: Store>(pair: &mut Pair<R>, dice: &mut Dice) {
    let (phone, intent, now) = (dice.phone(), dice.effect(), dice.now);
    match dice.roll(12) {
        0..=3 => {
            let change = dice.opt_out();
            let _ = both!(pair, [change] s.record_opt_out(&change));
        }
        4..=7 => {
            let window = dice.pick(&[Duration::ZERO, Duration::from_secs(100), DAY]);
            let hold = Hold { phone: phone.clone(), intent, now, window };
            let _ = both!(pair, [hold] s.hold(&hold));
        }
        8..=9 => {
            let _ = both!(pair, [phone, intent] s.release_hold(&phone, &intent));
        }
        10 if dice.roll(5) == 0 => {
            let why = dice.pick(&[NotTextable::InvalidPhone, NotTextable::Landline]);
            let _ = both!(pair, [phone, why] s.mark_not_textable(&phone, why, now));
        }
        _ => {
            let provider = dice.pick(&[Provider::Podium, Provider::Shopify]);
            let until = now.plus(Duration::from_secs(dice.roll(300)));
            let _ = both!(pair, [provider, until] s.pause(provider, until));
            let _ = both!(pair, [provider, now] s.paused_until(provider, now));
        }
    }
    let _ = both!(pair, [phone] s.contact(&phone));
}

#[tokio::test]
async fn the_model_and_dynamodb_answer_alike() {
    let base: u64 = std::env::var("FRONTDESK_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    for seed in base..base + 15 {
        let tables = Tables::start().await;
        let mut pair = Pair { model: ModelStore::default(), real: tables.store(), trail: vec![format!("seed {seed}")] };
        let mut dice = Dice::new(seed);
        for _ in 0..LENGTH {
            if dice.roll(4) == 0 {
                dice.now = dice.now.plus(Duration::from_secs(dice.roll(120)));
            }
            match dice.roll(4) {
                0 => on_events(&mut pair, &mut dice).await,
                1 => on_requests(&mut pair, &mut dice).await,
                2 => on_sends(&mut pair, &mut dice).await,
                _ => on_contacts(&mut pair, &mut dice).await,
            }
        }
    }
}
