//! A world in one thread: tables, queues, providers and a clock, in which any step of any process can fail, lose its
//! answer, meet an expired lease, or be the last thing that the process did.
//!
//! Steps are counted over a whole run. A [`Plan`] says which of them go wrong and how, so a run is repeatable, and
//! trying every step in turn is a loop. A crashed process is a future that is never polled again: what it had in memory
//! is gone, what it had stored is not.

mod books;
mod chat;
mod chatwoot;
mod checks;
mod driver;
mod imports;
mod people;
mod podium;
mod ports;
mod ports_after;
mod words;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use frontdesk_core::{
    contact::{Contacts, Direction, Evidence, OptOutChange, OptOutFlag, OptOutSource},
    flow::{podium_worker::ReplyMode, reviews::Thanks},
    ids::{EffectKey, OrderId, OrderKey},
    inbox::{InboxKey, InboxStatus, Source},
    notice::NoticeKey,
    outbox::DeliveryNews,
    phone::E164Phone,
    provider::{Financial, OrderNow, Refusal, SmsConsent},
    request::{RequestEnd, RequestStatus},
    review::ReviewPolicy,
    signature::{LiveSecrets, Secret},
    time::{Clock, DAY, UnixMillis},
};

pub use books::Booked;
pub use chat::Incoming;
pub use chatwoot::{Call, Conversation, File, Kept, PostFault, SimChatwoot, Utterance};
pub use imports::{Echoes, Importing, Shown};
pub use people::{Behaviour, People, Telling};
pub use podium::{Note, PodiumContact, Saying, SimPodium};
pub use words::{Brief, LinkOf, Review, iso};

use crate::{
    clock::{CountingIds, ManualClock},
    model::{ModelStore, Tables},
    recorder::Recorder,
    shop,
};

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The step fails and had no effect, but its caller cannot know.
    NotApplied,
    /// The step took effect, its answer was lost.
    ReplyLost,
    /// The process dies before the step.
    CrashBefore,
    /// The process dies after the step.
    CrashAfter,
    /// The process stands still before the step until its lease has run out and others have taken over.
    LeaseExpires,
    /// The other side refuses for now.
    Throttle,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::NotApplied, Self::ReplyLost, Self::CrashBefore, Self::CrashAfter, Self::LeaseExpires, Self::Throttle];
}

/// Which steps go wrong, by number.
pub type Plan = BTreeMap<usize, Fault>;

/// What a message carries, and the trouble it has seen.
#[derive(Clone, Debug)]
struct Queued<K> {
    key: K,
    visible_at: UnixMillis,
    receives: u32,
}

/// A message of a queue that keeps an order.
#[derive(Clone, Debug)]
struct Lined {
    id: u64,
    key: InboxKey,
    group: String,
    visible_at: UnixMillis,
    receives: u32,
}

/// A webhook on its way to us.
#[derive(Clone, Debug)]
struct Delivery {
    sender: Source,
    at: UnixMillis,
    /// The events that it carries.
    ids: Vec<String>,
    body: Vec<u8>,
    signed: bool,
    tries: u32,
    wishes: Vec<SaidWish>,
}

/// A wish for silence, or for messages again.
#[derive(Clone, Debug)]
struct SaidWish {
    event: String,
    phone: E164Phone,
    direction: Direction,
    /// When the person said so.
    at: UnixMillis,
    /// Whether it can be told at once whose it is; otherwise Podium has to be asked.
    at_once: bool,
}

/// A wish that we acknowledged.
#[derive(Clone, Debug)]
struct KnownWish {
    phone: E164Phone,
    direction: Direction,
    at: UnixMillis,
    acked_at: UnixMillis,
}

/// Something that a customer wrote and that has to be found again at the end.
#[derive(Clone, Debug)]
struct Wrote {
    event: String,
    phone: E164Phone,
    text: String,
}

/// Who leaves a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The clock that closes sessions.
    Timer,
    /// Whoever works on a message.
    Worker,
}

/// A text that reached a customer.
#[derive(Clone, Debug)]
pub struct Text {
    /// To whom.
    pub phone: E164Phone,
    /// For which send.
    pub effect: EffectKey,
    /// When.
    pub at: UnixMillis,
    /// Which link it carries.
    pub link: Option<String>,
}

/// Something that happens at a time or at a step.
type Happening = Box<dyn FnOnce(&World)>;

/// The world.
pub struct World {
    /// Time.
    pub clock: ManualClock,
    /// The tables.
    pub store: ModelStore,
    /// What was reported.
    pub recorder: Recorder,
    /// The merchant's rules.
    pub policy: ReviewPolicy,
    /// Whether the provider can be asked what it sent.
    pub can_look_up: bool,
    /// How long a lease is.
    pub lease: Duration,
    /// After how long "not there" is taken for "not sent".
    pub settle: Duration,
    /// How long a sent message takes to show at the provider.
    pub shows_after: Duration,
    /// How long a message of Podium's queue stays hidden while it is worked on.
    pub visibility: Duration,
    /// How often Podium's queue hands a message out before it goes to the dead letters.
    pub receives_max: u32,
    /// The shop's Chatwoot.
    pub chatwoot: SimChatwoot,
    /// Whether customers' messages and Podium's contacts are looked after.
    pub chats: bool,
    /// What is answered by itself.
    pub reply: ReplyMode,
    /// How long Podium's webhooks are on their way.
    pub transit: Cell<Duration>,
    /// Podium, apart from its reviews.
    pub podium: SimPodium,
    /// The shop's people and the channels that lead to them.
    pub people: People,
    /// A thank-you for good reviews.
    pub thanks: Option<Thanks>,
    /// What the provider says of a text that it is asked about and of which nothing else is written in
    /// [`World::delivery_said`].
    pub delivery_usually: Option<DeliveryNews>,
    /// What the provider says of certain texts, by their ids.
    pub delivery_said: RefCell<BTreeMap<String, Option<DeliveryNews>>>,
    /// The stretches in which our endpoints do not answer, and after which nobody repeats a webhook.
    pub outages: RefCell<Vec<(UnixMillis, UnixMillis)>>,
    /// Until when the providers' lists are compared with ours.
    pub reconcile_until: Cell<UnixMillis>,
    /// What the providers' lists hold.
    pub books: RefCell<Vec<Booked>>,
    ids: CountingIds,
    secrets: LiveSecrets,
    plan: RefCell<Plan>,
    steps: Cell<usize>,
    crashed: Cell<bool>,
    orders: RefCell<BTreeMap<OrderId, OrderNow>>,
    refunded_at: RefCell<BTreeMap<OrderId, UnixMillis>>,
    opted_out_at: RefCell<BTreeMap<E164Phone, UnixMillis>>,
    texts: RefCell<Vec<Text>>,
    events: RefCell<Vec<Queued<InboxKey>>>,
    sends: RefCell<Vec<Queued<OrderKey>>>,
    lines: RefCell<Vec<Lined>>,
    lined: Cell<u64>,
    notices: RefCell<Vec<Queued<NoticeKey>>>,
    demands: RefCell<Vec<Queued<InboxKey>>>,
    invites_made: Cell<usize>,
    doomed_in: Cell<Option<usize>>,
    doom_met: Cell<bool>,
    refused: RefCell<Vec<Delivery>>,
    next_reconcile: Cell<UnixMillis>,
    dead_letters: RefCell<Vec<String>>,
    deliveries: RefCell<Vec<Delivery>>,
    acked: RefCell<Vec<String>>,
    happenings: RefCell<Vec<(UnixMillis, Happening)>>,
    interruptions: RefCell<BTreeMap<usize, Happening>>,
    meanwhile: RefCell<Option<Happening>>,
    role: Cell<Role>,
    next_refresh: Cell<UnixMillis>,
    news: Cell<u64>,
    wishes: RefCell<Vec<KnownWish>>,
    unclear_wishes: RefCell<Vec<SaidWish>>,
    wrote: RefCell<Vec<Wrote>>,
    broken: RefCell<Vec<String>>,
    faults_met: Cell<usize>,
    nested: Cell<bool>,
    expected: RefCell<BTreeMap<OrderId, E164Phone>>,
    refusals: RefCell<BTreeMap<E164Phone, Refusal>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("now", &self.clock.now())
            .field("steps", &self.steps.get())
            .finish_non_exhaustive()
    }
}

/// When every world begins: 20 November 2026, 00:00 UTC.
pub const GENESIS: UnixMillis = UnixMillis::new(1_795_132_800_000);

impl World {
    /// A quiet world in which `plan`'s steps will go wrong.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            clock: ManualClock::at(GENESIS),
            store: ModelStore::default(),
            recorder: Recorder::default(),
            policy: shop::policy(),
            can_look_up: true,
            lease: Duration::from_secs(90),
            settle: Duration::from_secs(120),
            shows_after: Duration::from_secs(100),
            visibility: Duration::from_secs(360),
            receives_max: 5,
            chats: false,
            reply: ReplyMode::Confirmation,
            transit: Cell::new(Duration::ZERO),
            podium: SimPodium::default(),
            chatwoot: SimChatwoot::default(),
            people: People::default(),
            thanks: None,
            delivery_usually: Some(DeliveryNews::Delivered),
            delivery_said: RefCell::default(),
            outages: RefCell::default(),
            reconcile_until: Cell::new(UnixMillis::new(0)),
            books: RefCell::default(),
            ids: CountingIds::default(),
            secrets: LiveSecrets::rotating(
                Secret::new("current", "the-current-secret").unwrap(),
                Some(Secret::new("previous", "the-previous-secret").unwrap()),
            ),
            plan: RefCell::new(plan),
            steps: Cell::new(0),
            crashed: Cell::new(false),
            orders: RefCell::default(),
            refunded_at: RefCell::default(),
            opted_out_at: RefCell::default(),
            texts: RefCell::default(),
            events: RefCell::default(),
            sends: RefCell::default(),
            lines: RefCell::default(),
            lined: Cell::new(0),
            notices: RefCell::default(),
            demands: RefCell::default(),
            invites_made: Cell::new(0),
            doomed_in: Cell::new(None),
            doom_met: Cell::new(false),
            refused: RefCell::default(),
            next_reconcile: Cell::new(GENESIS),
            dead_letters: RefCell::default(),
            deliveries: RefCell::default(),
            acked: RefCell::default(),
            happenings: RefCell::default(),
            interruptions: RefCell::default(),
            meanwhile: RefCell::default(),
            role: Cell::new(Role::Worker),
            next_refresh: Cell::new(GENESIS),
            news: Cell::new(0),
            wishes: RefCell::default(),
            unclear_wishes: RefCell::default(),
            wrote: RefCell::default(),
            broken: RefCell::default(),
            faults_met: Cell::new(0),
            nested: Cell::new(false),
            expected: RefCell::default(),
            refusals: RefCell::default(),
        }
    }

    /// A world that goes on from what another one stored by `now`.
    #[must_use]
    pub fn going_on(tables: Tables, now: UnixMillis) -> Self {
        let mut world = Self::new(Plan::new());
        world.chats = true;
        world.store = ModelStore::holding(tables);
        world.clock = ManualClock::at(now);
        world.next_refresh.set(now.plus(DAY * 400));
        world
    }

    /// The same world, in which `plan`'s steps will go wrong.
    #[must_use]
    pub fn going_wrong(self, plan: Plan) -> Self {
        self.plan.replace(plan);
        self
    }

    /// Has the providers' lists be compared every hour, in this stretch.
    pub fn reconciles_from(&self, from: UnixMillis, until: UnixMillis) {
        self.next_reconcile.set(from);
        self.reconcile_until.set(until);
    }

    /// How many webhooks were refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused.borrow().len()
    }

    /// What was refused arrives after all, now.
    pub fn refused_come_late(&self) {
        let late = self.refused.take();
        for delivery in late {
            self.receive(delivery);
        }
    }

    /// The next process that takes a step dies after so many more.
    pub fn dooms_the_next(&self, after: usize) {
        self.doomed_in.set(Some(after));
    }

    /// Sells and ships an order now; its webhook arrives `times` times, a minute apart.
    pub fn ships(&self, id: u64, phone: &str, times: u32) {
        let shipped = iso(self.clock.now());
        self.knows(id);
        self.expected.borrow_mut().insert(OrderId(id), E164Phone::parse_e164(phone).unwrap());
        let order = shop::order(id, phone, &shipped);
        self.books_order(&order);
        let body = order.to_string().into_bytes();
        for n in 0..times {
            self.deliver(Duration::from_secs(60 * u64::from(n)), &format!("fulfilled-{id}"), body.clone(), true);
        }
    }

    /// Lets the shop know an order, in good health, without any webhook.
    pub fn knows(&self, id: u64) {
        self.orders.borrow_mut().insert(OrderId(id), healthy_order());
    }

    /// Refunds an order `after` a while; the webhook follows at once.
    pub fn refunds(&self, id: u64, after: Duration) {
        self.changes(id, after, |order| order.financial = Financial::Refunded);
        self.later(after, move |world| {
            world.refunded_at.borrow_mut().insert(OrderId(id), world.clock.now());
            world.books_refund(id);
            let body = shop::refund(id).to_string().into_bytes();
            world.deliver(Duration::ZERO, &format!("refund-{id}"), body, true);
        });
    }

    /// Changes an order as the shop has it, `after` a while, without a webhook.
    pub fn changes(&self, id: u64, after: Duration, change: impl FnOnce(&mut OrderNow) + 'static) {
        self.later(after, move |world| {
            if let Some(order) = world.orders.borrow_mut().get_mut(&OrderId(id)) {
                change(order);
            }
        });
    }

    /// Opens a return of an order `after` a while, for a while.
    pub fn returns(&self, id: u64, after: Duration, duration: Duration) {
        for (when, open) in [(after, true), (after + duration, false)] {
            self.changes(id, when, move |order| order.return_open = open);
        }
    }

    /// Has the provider refuse every text to a person, for good.
    pub fn refuses(&self, phone: &str, refusal: Refusal) {
        self.refusals.borrow_mut().insert(E164Phone::parse_e164(phone).unwrap(), refusal);
    }

    /// Records that a person opts out `after` a while.
    pub fn opts_out(&self, phone: &str, after: Duration) {
        let phone = E164Phone::parse_e164(phone).unwrap();
        self.later(after, move |world| {
            let now = world.clock.now();
            let evidence = Evidence {
                source: OptOutSource::Sms,
                message_id: None,
                text_sha256: None,
                recorded_at: now,
                by_hand: None,
            };
            let change = OptOutChange {
                phone: phone.clone(),
                flag: OptOutFlag::Keyword,
                direction: Direction::Out,
                at: now,
                evidence,
            };
            // Straight into the table: this is somebody else's process, whose crashes are not this run's subject.
            driver::ready(world.store.record_opt_out(&change)).unwrap().unwrap();
            world.opted_out_at.borrow_mut().insert(phone, now);
        });
    }

    /// Has a request of our making arrive `after` a while.
    pub fn deliver(&self, after: Duration, id: &str, body: Vec<u8>, signed: bool) {
        let at = self.clock.now().plus(after);
        let (sender, ids, wishes) = (Source::Shopify, vec![id.to_owned()], Vec::new());
        self.deliveries.borrow_mut().push(Delivery { sender, at, ids, body, signed, tries: 0, wishes });
    }

    /// Has something happen `after` a while.
    pub fn later(&self, after: Duration, what: impl FnOnce(&Self) + 'static) {
        self.happenings.borrow_mut().push((self.clock.now().plus(after), Box::new(what)));
    }

    /// Has something happen right before step `number`, whoever takes it.
    pub fn interrupt(&self, number: usize, what: impl FnOnce(&Self) + 'static) {
        self.interruptions.borrow_mut().insert(number, Box::new(what));
    }

    /// Has something happen when the provider has taken the next request and its answer is still on its way.
    pub fn while_the_answer_is_on_its_way(&self, what: impl FnOnce(&Self) + 'static) {
        *self.meanwhile.borrow_mut() = Some(Box::new(what));
    }

    /// Whether [`World::while_the_answer_is_on_its_way`] has not come to pass.
    #[must_use]
    pub fn still_to_be_texted(&self) -> bool {
        self.meanwhile.borrow().is_some()
    }

    /// The sender takes a request up, at this very moment, whatever else is going on.
    pub fn sends_request(&self, id: u64) {
        let key = OrderKey { shop: shop::shop(), order: OrderId(id) };
        self.work_on_send(Queued { key, visible_at: self.clock.now(), receives: 0 });
    }

    /// Refunds an order at this very moment; the webhook has that id.
    pub fn refunds_now(&self, id: u64, event: &str) {
        let now = self.clock.now();
        if let Some(order) = self.orders.borrow_mut().get_mut(&OrderId(id)) {
            order.financial = Financial::Refunded;
        }
        self.refunded_at.borrow_mut().entry(OrderId(id)).or_insert(now);
        self.shopify_posts(event, &shop::refund(id));
    }

    /// How many steps were taken; a run without faults tells how many there are to go wrong.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.get()
    }

    /// The texts that reached customers.
    #[must_use]
    pub fn texts(&self) -> Vec<Text> {
        self.texts.borrow().clone()
    }

    /// How a request ended, with its reason.
    #[must_use]
    pub fn end_of(&self, id: u64) -> Option<RequestEnd> {
        let key = OrderKey { shop: shop::shop(), order: OrderId(id) };
        self.store.look(|tables| tables.requests.get(&key).and_then(|row| row.end.clone()))
    }

    /// Where a request stands.
    #[must_use]
    pub fn status_of(&self, id: u64) -> Option<RequestStatus> {
        let key = OrderKey { shop: shop::shop(), order: OrderId(id) };
        self.store.look(|tables| tables.requests.get(&key).map(|row| row.status))
    }

    /// Checks everything that must hold at the end of any run, however it went.
    ///
    /// # Panics
    /// When a guarantee is broken; the message says which.
    pub fn assert_guarantees(&self) {
        let tables = self.store.tables();
        for (phone, refusal) in self.refusals.borrow().iter() {
            let contact = tables.contacts.get(phone);
            let unknown = tables.requests.values().any(|r| r.status == RequestStatus::Unknown);
            let learnt = match refusal {
                _ if unknown && !self.can_look_up => true,
                Refusal::InvalidPhone => contact.is_some_and(|c| c.not_textable.is_some()),
                Refusal::OptedOut => contact.is_some_and(|c| c.opted_out().is_some()),
                Refusal::CooldownViolation | Refusal::Other { .. } => true,
            };
            assert!(learnt, "a refusal {refusal:?} left no mark on the contact");
        }
        for id in self.acked.borrow().iter() {
            let row = tables.inbox.iter().find(|(key, _)| key.event.as_str() == id).map(|(_, row)| row);
            let status = row.unwrap_or_else(|| panic!("G1: {id} was acknowledged and is gone")).status;
            let ended = matches!(status, InboxStatus::Done | InboxStatus::Rejected | InboxStatus::Parked);
            assert!(ended, "G1: {id} was acknowledged and is still {status:?}");
        }
        let texts = self.texts.borrow();
        for (n, text) in texts.iter().enumerate() {
            let twin = texts.iter().skip(n + 1).find(|other| other.effect == text.effect);
            assert!(twin.is_none(), "G2: {:?} was sent twice", text.effect);
            if let Some(out) = self.opted_out_at.borrow().get(&text.phone) {
                assert!(text.at < out.plus(Duration::from_secs(60)), "G3: a text went out after the opt-out");
            }
            let close = texts.iter().skip(n + 1).find(|o| o.phone == text.phone && o.at.since(text.at) < DAY * 30);
            assert!(close.is_none(), "G4: two requests within the cooldown");
            for (order, at) in self.refunded_at.borrow().iter() {
                let theirs = text.effect == EffectKey::review_request(&OrderKey { shop: shop::shop(), order: *order });
                assert!(!theirs || text.at < *at, "G5: a text went out for a refunded order");
            }
        }
        for (key, row) in &tables.requests {
            assert!(row.status.is_end(), "a request is left behind as {:?}", row.status);
            let effect = EffectKey::review_request(key);
            let texted = texts.iter().any(|t| t.effect == effect);
            match row.status {
                RequestStatus::Sent => assert!(texted, "{effect:?} is recorded as sent and was not"),
                RequestStatus::Skipped | RequestStatus::Failed => {
                    assert!(!texted, "{effect:?} is recorded as {:?} and was sent", row.status);
                    let holder =
                        tables.contacts.values().filter_map(|c| c.cooldown.as_ref()).any(|c| c.holder == effect);
                    assert!(!holder, "{effect:?} ended without a text and still holds the cooldown");
                }
                RequestStatus::Unknown => {
                    assert!(!self.can_look_up, "{effect:?} is unknown although it can be looked up");
                }
                RequestStatus::Scheduled | RequestStatus::Queued | RequestStatus::Sending => {}
            }
        }
        assert!(self.dead_letters.borrow().is_empty(), "dead letters: {:?}", self.dead_letters.borrow());
    }

    /// Checks that everybody who should have been asked was: nobody is lost.
    ///
    /// # Panics
    /// When a customer that nothing speaks against was neither texted nor parked as unknown.
    pub fn assert_nobody_is_lost(&self) {
        let phones: std::collections::BTreeSet<E164Phone> = self.expected.borrow().values().cloned().collect();
        for phone in phones {
            let orders: Vec<OrderId> =
                self.expected.borrow().iter().filter(|(_, p)| **p == phone).map(|(o, _)| *o).collect();
            let excused = self.opted_out_at.borrow().contains_key(&phone)
                || self.refusals.borrow().contains_key(&phone)
                || orders.iter().all(|o| self.refunded_at.borrow().contains_key(o));
            let texted = self.texts.borrow().iter().filter(|t| t.phone == phone).count();
            let unknown = orders.iter().any(|o| self.status_of(o.0) == Some(RequestStatus::Unknown));
            assert!(excused || texted == 1 || unknown, "{phone} was texted {texted} times, orders {orders:?}");
        }
    }
}

fn healthy_order() -> OrderNow {
    OrderNow {
        test: false,
        cancelled: false,
        financial: Financial::Settled,
        return_open: false,
        fulfilled: true,
        b2b: false,
        point_of_sale: false,
        consent: SmsConsent::Subscribed,
        consent_phone: None,
        updated_at: None,
        fulfilled_at: None,
        delivered_at: None,
        tags: Vec::new(),
        refunded_at: None,
        country: None,
        time_zone: None,
    }
}
