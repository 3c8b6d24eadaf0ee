//! What operators set going by hand, dying at every step: nothing is lost by it, and nothing done twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code: a panic is a failed test"
)]

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::pending,
    time::Duration,
};

use frontdesk_core::{
    body::StoredBody,
    dead_letter::{DeadLetters, Letter, Named, SendAgain, Standing},
    flow::{
        operate::{
            letters::{self, Emptied, Read},
            redrive::{Orders, Redrive, Redriven},
        },
        podium_worker::ReplyMode,
        sweep::Sweep,
    },
    ids::{EventId, GroupId, Ids as _, RunId},
    inbox::{BodySha256, EventEnd, Inbox, InboxClaim, InboxKey, InboxStatus, NewEvent, RejectReason, Source},
    keyword::KeywordAnswers,
    outbox::OutboxState,
    queue::{EventQueue, QueueError, Wake},
    redrive::{Decided, Redrives, Reopened, Reopening, Seen},
    store::{Lease, StoreError},
    time::{Clock, DAY, UnixMillis},
    token::Pause,
};
use frontdesk_testkit::{
    clock::{CountingIds, ManualClock},
    model::ModelStore,
    recorder::Recorder,
    world::{Fault, Plan, World},
};
use futures_util::FutureExt as _;

const ROWS: usize = 14;
const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);
const MIA: &str = "+61491570156";
const HERE: &str = "loc-1";

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

fn key(number: usize) -> InboxKey {
    InboxKey { source: Source::Podium, event: EventId::try_from(format!("e{number}").as_str()).unwrap() }
}

/// Parked events, each in a line.
fn parked() -> ModelStore {
    let store = ModelStore::default();
    let ids = CountingIds::default();
    for number in 0..ROWS {
        let body = b"{}".as_slice();
        let new = NewEvent {
            key: key(number),
            topic: None,
            body: StoredBody::pack(body).unwrap(),
            body_sha256: BodySha256::of(body),
            received_at: NOW.minus(DAY),
            expires_at: NOW.plus(DAY),
            receipt: "r".into(),
            rejected: None,
            group: Some(GroupId::of("a line")),
            opt_outs: Vec::new(),
            chat: None,
        };
        now(store.accept(&new)).unwrap();
        let lease = Lease { owner: ids.owner(), now: NOW.minus(DAY), until: NOW };
        now(store.claim(&new.key, &lease)).unwrap();
        let _ = now(store.finish(&new.key, &lease, &EventEnd::Parked(RejectReason::ProviderNoHelp))).unwrap();
    }
    store
}

fn now<T>(step: impl Future<Output = T>) -> T {
    step.now_or_never().unwrap()
}

/// The rows as somebody sees them who wants them set going: those that are parked.
fn seen(store: &ModelStore) -> Vec<Seen> {
    store.look(|tables| {
        let rows = tables.inbox.iter().filter(|(_, row)| row.status == InboxStatus::Parked);
        rows.map(|(key, row)| Seen {
            key: key.clone(),
            status: row.status,
            outcome: row.outcome.clone(),
            received_at: row.received_at,
            expires_at: None,
            group: row.group.clone(),
            replays: row.replays,
            run: row.reopened.as_ref().map(|(run, _)| run.clone()),
        })
        .collect()
    })
}

/// Steps that go wrong as they are told to.
struct Frail<'a> {
    store: &'a ModelStore,
    queued: RefCell<Vec<Wake>>,
    steps: Cell<usize>,
    wrong: Option<(usize, Fault)>,
}

impl<'a> Frail<'a> {
    const fn new(store: &'a ModelStore, wrong: Option<(usize, Fault)>) -> Self {
        Self { store, queued: RefCell::new(Vec::new()), steps: Cell::new(0), wrong }
    }

    fn fault(&self) -> Option<Fault> {
        let step = self.steps.replace(self.steps.get() + 1);
        self.wrong.filter(|(at, _)| *at == step).map(|(_, fault)| fault)
    }
}

impl Redrives for Frail<'_> {
    async fn reopen(&self, what: &Reopening) -> Result<Reopened, StoreError> {
        let silent = StoreError::Unavailable { table: "inbox", detail: "no answer".into() };
        match self.fault() {
            Some(Fault::CrashBefore) => pending().await,
            Some(Fault::NotApplied | Fault::Throttle) => Err(silent),
            Some(Fault::ReplyLost) => {
                self.store.reopen(what).await.unwrap();
                Err(silent)
            }
            Some(Fault::CrashAfter) => {
                self.store.reopen(what).await.unwrap();
                pending().await
            }
            Some(Fault::LeaseExpires) | None => self.store.reopen(what).await,
        }
    }
}

impl EventQueue for Frail<'_> {
    async fn enqueue(&self, wakes: &[Wake]) -> Result<(), QueueError> {
        let silent = QueueError { queue: "events", detail: "no answer".into() };
        let take = |some: &[Wake]| self.queued.borrow_mut().extend_from_slice(some);
        match self.fault() {
            Some(Fault::CrashBefore) => pending().await,
            Some(Fault::NotApplied) => Err(silent),
            // A batch of which some were taken.
            Some(Fault::Throttle) => {
                take(&wakes[..wakes.len() / 2]);
                Err(silent)
            }
            Some(Fault::ReplyLost) => {
                take(wakes);
                Err(silent)
            }
            Some(Fault::CrashAfter) => {
                take(wakes);
                pending().await
            }
            Some(Fault::LeaseExpires) | None => {
                take(wakes);
                Ok(())
            }
        }
    }
}

/// Waits by turning the clock.
struct Turns<'a>(&'a ManualClock);

impl Pause for Turns<'_> {
    async fn pause(&self, span: Duration) {
        self.0.advance(span);
    }
}

fn orders(run: &str) -> Orders {
    Orders {
        run: RunId::try_from(run).unwrap(),
        by: "Ines".into(),
        reason: "mended".into(),
        rate: 5,
        keep: DAY * 14,
        anew: false,
    }
}

/// Runs until the end, or until it dies (`None`).
fn redrive(frail: &Frail<'_>, clock: &ManualClock, rows: &[Seen], run: &str) -> Option<Redriven> {
    let pause = Turns(clock);
    let redrive = Redrive { store: frail, queue: frail, pause: &pause, clock };
    redrive.run(rows, &orders(run), |_| ()).now_or_never()
}

/// The sweeper brings what waits and was not queued; then every message is worked on, twice.
fn each_is_worked_on_once(store: &ModelStore, clock: &ManualClock, queued: &[Wake], how: &str) {
    clock.advance(minutes(10));
    let sweeper = Frail::new(store, None);
    let recorder = Recorder::default();
    let sweep = Sweep { store, queue: &sweeper, clock, telemetry: &recorder, after: minutes(3) };
    now(sweep.run()).unwrap();
    let ids = CountingIds::default();
    let mut worked: BTreeMap<InboxKey, u32> = BTreeMap::new();
    for wake in queued.iter().chain(sweeper.queued.borrow().iter()).chain(queued) {
        assert_eq!(wake.group, Some(GroupId::of("a line")), "{how}");
        let lease = Lease { owner: ids.owner(), now: clock.now(), until: clock.now().plus(minutes(2)) };
        if let InboxClaim::Acquired(event) = now(store.claim(&wake.key, &lease)).unwrap() {
            assert_eq!(event.attempts, 1, "{how}");
            *worked.entry(wake.key.clone()).or_default() += 1;
            let _ = now(store.finish(&wake.key, &lease, &EventEnd::Done("ok"))).unwrap();
        }
    }
    assert_eq!(worked.len(), ROWS, "{how}: none is lost");
    assert!(worked.values().all(|times| *times == 1), "{how}: none is done twice");
    store.look(|tables| assert!(tables.inbox.values().all(|row| row.replays == 1), "{how}: each was set going once"));
}

#[test]
fn a_redrive_that_dies_anywhere_and_is_said_again_sets_each_going_once() {
    // A step for each row, and one for each batch of five.
    let steps = ROWS + ROWS.div_ceil(5);
    for step in 0..steps {
        for fault in Fault::ALL {
            let (store, clock, how) = (parked(), ManualClock::at(NOW), format!("{fault:?} at {step}"));
            let first = Frail::new(&store, Some((step, fault)));
            let outcome = redrive(&first, &clock, &seen(&store), "run-1");
            assert_eq!(outcome.is_none(), matches!(fault, Fault::CrashBefore | Fault::CrashAfter), "{how}");
            let again = Frail::new(&store, None);
            let rest = seen(&store);
            let done = redrive(&again, &clock, &rest, "run-1").unwrap();
            assert_eq!((done.waiting, &done.stopped), (rest.len() as u64, &None), "{how}");
            let queued = [first.queued.take(), again.queued.take()].concat();
            each_is_worked_on_once(&store, &clock, &queued, &how);
        }
    }
}

/// They saw the same rows, and the second goes on where the first died.
#[test]
fn two_people_at_once_set_each_going_once() {
    for step in 0..ROWS {
        let (store, clock, how) = (parked(), ManualClock::at(NOW), format!("at {step}"));
        let rows = seen(&store);
        let first = Frail::new(&store, Some((step, Fault::CrashAfter)));
        assert!(redrive(&first, &clock, &rows, "run-1").is_none());
        let second = Frail::new(&store, None);
        let done = redrive(&second, &clock, &rows, "run-2").unwrap();
        assert_eq!(done.waiting as usize + done.unfit.len(), ROWS, "{how}");
        let queued = [first.queued.take(), second.queued.take()].concat();
        each_is_worked_on_once(&store, &clock, &queued, &how);
    }
}

#[test]
fn it_goes_no_faster_than_it_is_told_to() {
    let (store, clock) = (parked(), ManualClock::at(NOW));
    redrive(&Frail::new(&store, None), &clock, &seen(&store), "run-1").unwrap();
    // Three batches of five a second: the third begins after two.
    assert_eq!(clock.now().since(NOW), Duration::from_secs(2));
}

#[test]
fn a_dead_queue_stops_it_before_all_rows_are_the_sweepers() {
    struct Dead;
    impl EventQueue for Dead {
        async fn enqueue(&self, _: &[Wake]) -> Result<(), QueueError> {
            Err(QueueError { queue: "events", detail: "gone".into() })
        }
    }
    let (store, clock) = (parked(), ManualClock::at(NOW));
    let (pause, rows) = (Turns(&clock), seen(&store));
    let redrive = Redrive { store: &store, queue: &Dead, pause: &pause, clock: &clock };
    let done = now(redrive.run(&rows, &Orders { rate: 1, ..orders("run-1") }, |_| ()));
    assert_eq!((done.waiting, done.left_to_sweeper, done.stopped.is_some()), (3, 3, true));
}

// ---- Dead letters

/// A dead-letter queue and the queue that its messages came from.
#[derive(Default)]
struct Drawer {
    letters: RefCell<Vec<(String, bool)>>,
    back: RefCell<Vec<String>>,
    steps: Cell<usize>,
    wrong: Cell<Option<(usize, Fault)>>,
}

impl Drawer {
    async fn step<T>(&self, what: impl FnOnce() -> T) -> Result<T, QueueError> {
        let silent = QueueError { queue: "dead letters", detail: "no answer".into() };
        let step = self.steps.replace(self.steps.get() + 1);
        match self.wrong.get().filter(|(at, _)| *at == step).map(|(_, fault)| fault) {
            Some(Fault::CrashBefore) => pending().await,
            Some(Fault::NotApplied | Fault::Throttle) => Err(silent),
            Some(Fault::ReplyLost) => {
                what();
                Err(silent)
            }
            Some(Fault::CrashAfter) => {
                what();
                pending().await
            }
            Some(Fault::LeaseExpires) | None => Ok(what()),
        }
    }

    fn left(&self) -> BTreeSet<String> {
        self.letters.borrow().iter().map(|(body, _)| body.clone()).collect()
    }

    fn empty(&self) -> Option<Emptied> {
        let read = async |letter: &Letter| {
            let standing = match letter.body.as_str() {
                body if body.starts_with("podium#open") => Standing::Event(InboxStatus::Waiting),
                body if body.starts_with("podium#done") => Standing::Event(InboxStatus::Done),
                _ => Standing::Event(InboxStatus::Parked),
            };
            Ok(Read { named: Named::read(&letter.body), standing, line: None })
        };
        letters::empty(self, Some(self), read, |_| ()).now_or_never()
    }
}

impl DeadLetters for Drawer {
    async fn count(&self) -> Result<u64, QueueError> {
        Ok(self.letters.borrow().len() as u64)
    }

    async fn take(&self, _: Duration) -> Result<Vec<Letter>, QueueError> {
        self.step(|| {
            let mut letters = self.letters.borrow_mut();
            let shown = letters.iter_mut().filter(|(_, hidden)| !hidden).take(3);
            shown
                .map(|(body, hidden)| {
                    *hidden = true;
                    Letter { body: body.clone(), receipt: body.clone(), sent_at: None, group: None }
                })
                .collect()
        })
        .await
    }

    async fn put_back(&self, kept: &[Letter]) -> Result<(), QueueError> {
        self.step(|| {
            for (body, hidden) in self.letters.borrow_mut().iter_mut() {
                *hidden &= !kept.iter().any(|letter| letter.receipt == *body);
            }
        })
        .await
    }

    async fn delete(&self, letter: &Letter) -> Result<(), QueueError> {
        self.step(|| self.letters.borrow_mut().retain(|(body, _)| *body != letter.receipt)).await
    }
}

impl SendAgain for Drawer {
    async fn send_again(&self, body: &str, _: Option<&GroupId>) -> Result<(), QueueError> {
        self.step(|| self.back.borrow_mut().push(body.to_owned())).await
    }
}

#[test]
fn a_dead_letter_is_gone_only_when_its_key_is_back_or_answered() {
    let bodies: Vec<String> =
        (0..4).flat_map(|n| ["open", "done", "parked"].map(|kind| format!("podium#{kind}-{n}"))).collect();
    for step in 0..24 {
        for fault in Fault::ALL {
            let drawer = Drawer::default();
            drawer.letters.borrow_mut().extend(bodies.iter().map(|body| (body.clone(), false)));
            drawer.wrong.set(Some((step, fault)));
            drawer.empty();
            let how = format!("{fault:?} at {step}");
            let lost = |body: &&String| {
                body.contains("open") && !drawer.left().contains(*body) && !drawer.back.borrow().contains(*body)
            };
            assert_eq!(bodies.iter().find(lost), None, "{how}");
            assert_eq!(drawer.left().iter().filter(|body| body.contains("parked")).count(), 4, "{how}");

            // What a dead process hid shows itself again.
            drawer.letters.borrow_mut().iter_mut().for_each(|(_, hidden)| *hidden = false);
            drawer.wrong.set(None);
            let done = drawer.empty().unwrap();
            assert_eq!((done.failed, &done.trouble), (0, &None), "{how}");
            assert!(drawer.left().iter().all(|body| body.contains("parked")), "{how}");
            assert!(drawer.letters.borrow().iter().all(|(_, hidden)| !hidden), "{how}: what stays is shown");
            let back: BTreeSet<String> = drawer.back.borrow().iter().cloned().collect();
            assert_eq!(back.len(), 4, "{how}");
        }
    }
}

// ---- The machine's answer, once more

/// Sets every ended event of Podium's going again, as an operator would who looks just now.
fn replay(world: &World, run: &str, anew: bool) {
    let rows: Vec<Seen> = world.store.look(|tables| {
        let ended = |status| matches!(status, InboxStatus::Done | InboxStatus::Parked);
        let rows = tables.inbox.iter().filter(|(_, row)| ended(row.status));
        rows.map(|(key, row)| Seen {
            key: key.clone(),
            status: row.status,
            outcome: row.outcome.clone(),
            received_at: row.received_at,
            expires_at: Some(row.expires_at),
            group: row.group.clone(),
            replays: row.replays,
            run: None,
        })
        .collect()
    });
    for seen in rows {
        let decided = Decided { by: "Ines".into(), reason: "the words were wrong".into(), at: world.clock.now() };
        let run = RunId::try_from(run).unwrap();
        let wish = Reopening { seen, run, decided, expires_at: world.clock.now().plus(DAY * 14), anew };
        now(world.store.reopen(&wish)).unwrap();
    }
}

fn answers(world: &World) -> usize {
    world.podium.said().iter().filter(|said| !said.effect.as_str().starts_with("keep-alive#")).count()
}

fn chatting(plan: Plan, keywords: bool) -> World {
    let mut world = World::chatting(plan);
    if keywords {
        world.reply = ReplyMode::Agent(KeywordAnswers::parse(r#"[{"words":["kayaks"],"answer":"Many."}]"#).unwrap());
    }
    world
}

#[test]
fn a_replay_says_nothing_twice_and_one_that_is_forced_says_it_once_more() {
    for keywords in [false, true] {
        let world = chatting(Plan::new(), keywords);
        world.writes(MIA, HERE, "do you have kayaks", Duration::ZERO);
        world.run_for(minutes(5));
        assert_eq!(answers(&world), 1);
        for (run, anew, expected) in [("r1", false, 1), ("r2", true, 2), ("r3", false, 2), ("r4", true, 3)] {
            replay(&world, run, anew);
            world.run_for(minutes(10));
            assert_eq!(answers(&world), expected, "{run}");
        }
        let names: BTreeSet<_> = world.podium.said().iter().map(|said| said.effect.clone()).collect();
        assert_eq!(names.len(), world.podium.said().len(), "each under a name of its own");
        // Hours later, when its session is closed: a person wants that very answer.
        world.run_for(minutes(180));
        replay(&world, "r5", false);
        world.run_for(minutes(10));
        assert_eq!(answers(&world), 3);
        replay(&world, "r6", true);
        world.run_for(minutes(10));
        assert_eq!(answers(&world), 4);
        world.run();
        world.assert_guarantees();
        world.assert_chats();
    }
}

/// Podium was away for a day, so it was parked; it is set going again, and Podium is still away.
#[test]
fn an_old_event_that_is_set_going_again_is_given_as_much_patience_as_a_new_one() {
    let world = chatting(Plan::new(), false);
    let began = world.clock.now();
    world.podium.down.borrow_mut().push((began, began.plus(minutes(26 * 60))));
    world.writes(MIA, HERE, "do you have kayaks", Duration::ZERO);
    world.run_for(minutes(27 * 60));
    let standing = |world: &World| world.store.look(|t| t.inbox.values().map(|row| row.status).collect::<Vec<_>>());
    assert_eq!(standing(&world), [InboxStatus::Parked]);
    // More than an hour is left of the outage.
    replay(&world, "r1", false);
    world.run_for(minutes(60));
    assert_eq!(standing(&world), [InboxStatus::Waiting]);
    world.run_for(minutes(180));
    assert_eq!(standing(&world), [InboxStatus::Done]);
    assert_eq!(answers(&world), 0, "nobody waits for a machine's answer to it any more");
}

#[test]
fn no_force_writes_to_somebody_who_wants_silence() {
    let world = chatting(Plan::new(), true);
    world.writes(MIA, HERE, "do you have kayaks", Duration::ZERO);
    world.run_for(minutes(5));
    world.stops(MIA, Duration::ZERO);
    world.run_for(minutes(5));
    replay(&world, "r1", true);
    world.run();
    assert_eq!(answers(&world), 1);
    world.assert_guarantees();
    world.assert_chats();
}

/// A forced replay of everything asks nobody a second time for a review.
#[test]
fn no_force_asks_for_a_second_review() {
    let world = World::new(Plan::new());
    world.ships(101, MIA, 1);
    world.run();
    assert_eq!(world.texts().len(), 1);
    replay(&world, "r1", true);
    world.run();
    assert_eq!(world.texts().len(), 1);
    world.assert_guarantees();
}

#[test]
fn whatever_goes_wrong_a_forced_answer_goes_out_at_most_once() {
    for keywords in [false, true] {
        let scenario = |plan: Plan| {
            let world = chatting(plan, keywords);
            world.writes(MIA, HERE, "do you have kayaks", Duration::ZERO);
            world.later(minutes(6), |world| replay(world, "r1", true));
            world.later(minutes(16), |world| replay(world, "r2", false));
            world.run();
            world.assert_guarantees();
            world.assert_chats();
            world
        };
        let calm = scenario(Plan::new());
        assert_eq!(answers(&calm), 2);
        for step in 0..calm.steps() + 10 {
            for fault in Fault::ALL {
                let world = scenario(Plan::from([(step, fault)]));
                let open = world.store.look(|t| t.outbox.values().any(|r| matches!(r.state, OutboxState::Sending(_))));
                assert!(answers(&world) <= 2 && !open, "{fault:?} at {step}");
            }
        }
    }
}
