//! A redrive of thousands of rows whose process is killed in the middle: nothing is lost, and nothing done twice.
//!
//! `FRONTDESK_TEST_REDRIVE_ROWS=10000` for as many as the guarantee names; fewer are as good, and do not take minutes.

#![expect(clippy::disallowed_methods, reason = "how many rows are wanted is said by whoever runs it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use frontdesk_core::{
    flow::sweep::Sweep,
    ids::OwnerToken,
    inbox::{EventEnd, Inbox as _, InboxClaim, InboxKey, RejectReason},
    queue::{EventQueue, QueueError, Wake},
    store::{Fenced, Lease},
    time::{Clock, UnixMillis},
};
use frontdesk_tests::wire::Fate;
use serde_json::json;

use super::{Desk, PODIUM, T0};
use crate::{
    queues::Queues,
    root,
    world::{Silent, World, printed},
};

/// So many, unless somebody wants more.
const ROWS: usize = 1_500;
const RUN: [&str; 7] = ["events", "redrive", "--yes", "--rate", "1000", "--run", "night"];

struct Later(UnixMillis);

impl Clock for Later {
    fn now(&self) -> UnixMillis {
        self.0
    }
}

/// A queue that only remembers.
struct Remembers(Queues);

impl EventQueue for Remembers {
    async fn enqueue(&self, wakes: &[Wake]) -> Result<(), QueueError> {
        wakes.iter().for_each(|wake| self.0.put(PODIUM, &wake.key.to_key(), None));
        Ok(())
    }
}

fn rows_wanted() -> usize {
    std::env::var("FRONTDESK_TEST_REDRIVE_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS)
}

/// Every row as one that its worker parked.
async fn plant(desk: &Desk, rows: usize) {
    let parked = EventEnd::Parked(RejectReason::TooManyAttempts { attempts: 8 });
    desk.ended("podium#e0", "{}", 0, parked).await;
    let mut row = desk.row("podium#e0");
    for number in 1..rows {
        row["pk"]["S"] = format!("podium#e{number}").into();
        row["received_at_ms"]["N"] = T0.plus(Duration::from_secs(number as u64)).get().to_string().into();
        row["group_id"]["S"] = format!("line-{}", number % 97).into();
        desk.world.tables.put("inbox", &row);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_in_the_middle_neither_loses_nor_doubles() {
    let total = rows_wanted();
    // The call of the queue at which the process dies: after its rows were written, before their keys are taken.
    let dies_at = total / 23;
    let (queues, victim, calls) = (Queues::default(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
    let (answering, pid, counted) = (queues.clone(), Arc::clone(&victim), Arc::clone(&calls));
    let world = World::with_queues(move |call| {
        if counted.fetch_add(1, Ordering::SeqCst) == dies_at {
            let pid = pid.load(Ordering::SeqCst).to_string();
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            return Fate::LoseCall;
        }
        answering.answer(call)
    });
    let desk = Desk { world: world.await, queues };
    plant(&desk, total).await;

    let variables = desk.world.variables();
    let mut tool = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    tool.args(RUN).env_clear().envs(variables).current_dir(root()).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = tool.stderr(Stdio::null()).spawn().unwrap();
    victim.store(u64::from(child.id()), Ordering::SeqCst);
    let died = tokio::task::block_in_place(|| child.wait().unwrap());
    assert_eq!(died.code(), None, "it was killed");

    let standing = |status: &str| {
        let rows = desk.world.tables.items("inbox");
        rows.iter().filter(|row| row["st"]["S"] == status).count()
    };
    let (waiting, queued) = (standing("waiting"), desk.queues.len(PODIUM));
    let since = |row: &serde_json::Value| row["waiting_since_ms"]["N"].as_str().and_then(|ms| ms.parse().ok());
    let died_at = UnixMillis::new(desk.world.tables.items("inbox").iter().filter_map(since).max().unwrap());
    assert!(waiting > total / 4 && waiting < total * 3 / 4, "in the middle: {waiting}");
    assert!(waiting > queued, "rows that wait and whose keys no queue has: {waiting} and {queued}");
    assert_eq!(waiting + standing("parked"), total);

    let run = tokio::task::block_in_place(|| desk.run(&RUN));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(printed(&run)["redriven"], json!(total - waiting), "only what the first did not set going");
    let rows = desk.world.tables.items("inbox");
    let once = rows.iter().filter(|row| row["st"]["S"] == "waiting" && row["replays"]["N"] == "1");
    assert_eq!(once.count(), total, "each waits, and was set going once");

    // What died between its write and the queue is the sweeper's.
    let in_queue: BTreeSet<String> = desk.queues.bodies(PODIUM).into_iter().collect();
    let lost: BTreeSet<String> =
        (0..total).map(|n| format!("podium#e{n}")).filter(|key| !in_queue.contains(key)).collect();
    assert_eq!(lost.len(), waiting - queued);
    let store = desk.world.tables.store();
    let after = Duration::from_secs(180);
    let clock = Later(died_at.plus(after));
    let queue = Remembers(desk.queues.clone());
    let sweep = Sweep { store: &store, queue: &queue, clock: &clock, telemetry: &Silent, after };
    while !lost.iter().all(|key| desk.queues.bodies(PODIUM).contains(key)) {
        assert!(sweep.run().await.unwrap() > 0, "it would sweep for ever");
    }
    worked_once(&desk, total).await;
}

/// Works on every message, on some twice and at once, as a worker would; each event's effect happens once.
async fn worked_once(desk: &Desk, total: usize) {
    let effects: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let mut bodies = desk.queues.bodies(PODIUM);
    bodies.extend(bodies.clone().into_iter().step_by(3));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (effects, store) = (Arc::clone(&effects), desk.world.tables.store());
            let mine: Vec<String> = bodies.iter().skip(worker).step_by(8).cloned().collect();
            tokio::spawn(async move {
                for (number, body) in mine.into_iter().enumerate() {
                    let owner = OwnerToken::try_from(format!("w{worker}-{number}").as_str()).unwrap();
                    let now = UnixMillis::new(4_100_000_000_000);
                    let lease = Lease { owner, now, until: now.plus(Duration::from_secs(90)) };
                    let key = InboxKey::parse(&body).unwrap();
                    if let InboxClaim::Acquired(event) = store.claim(&key, &lease).await.unwrap() {
                        assert_eq!(event.attempts, 1);
                        *effects.lock().unwrap().entry(body).or_default() += 1;
                        assert_eq!(store.finish(&key, &lease, &EventEnd::Done("ok")).await.unwrap(), Fenced::Written);
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let effects = effects.lock().unwrap();
    assert_eq!(effects.len(), total, "none is lost");
    assert!(effects.values().all(|times| *times == 1), "none is worked on twice");
}
