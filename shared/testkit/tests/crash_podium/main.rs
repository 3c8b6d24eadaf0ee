//! The crash simulation of the message flows: every step of taking in, working on, answering, asking, closing and
//! mirroring goes wrong in every way, alone, in pairs and in seeded triples; and a STOP arrives between any two steps.
//!
//! A failure prints the scenario and the plan, which is all that is needed to play it again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

mod forms;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use frontdesk_core::{flow::podium_worker::ReplyMode, keyword::KeywordAnswers, time::Clock};
use frontdesk_testkit::{
    dice::Dice,
    world::{Fault, Incoming, Plan, Role, World},
};

const MIA: &str = "+61491570156";
const NOAH: &str = "+61491570157";
const HERE: &str = "loc-1";

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// The first message of somebody new, and its confirmation.
fn a_first_message(world: &World) {
    world.writes(MIA, HERE, "do you have kayaks", Duration::ZERO);
}

/// Two tabs of one browser, at the same moment.
fn two_tabs(world: &World) {
    world.writes(MIA, HERE, "first tab", Duration::ZERO);
    world.writes(MIA, HERE, "second tab", Duration::ZERO);
}

/// Silence, a prompt, the close, and a message that gets the answers back; then one more that must not.
fn silence_and_return(world: &World) {
    world.writes(MIA, HERE, "blue one", Duration::ZERO);
    world.writes(MIA, HERE, "size nine", minutes(5));
    world.writes(MIA, HERE, "back again", minutes(50));
    world.writes(MIA, HERE, "anyone", minutes(55));
}

/// A text, which opens no session, gets the answers back.
fn silence_and_a_text(world: &World) {
    world.writes(MIA, HERE, "blue one", Duration::ZERO);
    world.texts_in(MIA, HERE, "hello by text", minutes(50));
    world.writes(MIA, HERE, "back again", minutes(60));
}

/// A message that is on its way while the session is closed.
fn a_message_overtaken_by_the_close(world: &World) {
    world.transit.set(minutes(2));
    world.writes(MIA, HERE, "blue one", Duration::ZERO);
    world.writes(MIA, HERE, "just in time", minutes(29));
}

/// STOP, first in every shape in which it is hard to attribute.
fn stops_in_hard_shapes(world: &World) {
    for (n, (phone, national)) in
        [("+61491570156", "0491 570 156"), ("+61491570157", "0491 570 157"), ("+61491570158", "0491 570 158")]
            .into_iter()
            .enumerate()
    {
        let location = [Some("loc-9"), Some("loc-1"), None][n].map(str::to_owned);
        let stop = Incoming { phone: Some(national.to_owned()), location, ..Incoming::stop(phone) };
        world.writes(phone, HERE, &format!("hello from {n}"), Duration::ZERO);
        world.sends(vec![stop], minutes(3));
        world.writes(phone, HERE, &format!("still there {n}"), minutes(10));
    }
}

/// STOP by e-mail: Podium has to be asked who that is.
fn a_stop_by_email(world: &World) {
    world.podium.has(MIA, "Mia from the workshop", Some("mia@example.test"));
    let stop = Incoming { phone: None, email: Some("mia@example.test".into()), at_once: false, ..Incoming::stop(MIA) };
    world.sends(vec![stop], Duration::ZERO);
    world.writes(MIA, HERE, "hello", minutes(60));
}

/// STOP in a batch, between messages of others and one that is no use.
fn a_stop_in_a_batch(world: &World) {
    let useless = Incoming { usable: false, ..Incoming::webchat(NOAH, "loc-9", "lost") };
    let batch = vec![
        Incoming::webchat(MIA, HERE, "one"),
        useless,
        Incoming::stop(MIA),
        Incoming::webchat(NOAH, HERE, "two"),
        Incoming::webchat(MIA, HERE, "three"),
    ];
    world.sends(batch, Duration::ZERO);
}

/// STOP behind a message that cannot be worked on for a while, in the same line.
fn a_stop_behind_a_stuck_message(world: &World) {
    let now = world.clock.now();
    world.podium.hosts_down.borrow_mut().push((now, now.plus(minutes(15))));
    let stuck =
        Incoming { attached: Some("https://files.example.test/1".into()), ..Incoming::webchat(MIA, HERE, "see") };
    world.sends(vec![stuck], Duration::ZERO);
    world.stops(MIA, minutes(1));
}

/// START after STOP.
fn a_stop_and_a_start(world: &World) {
    world.writes(MIA, HERE, "hello", Duration::ZERO);
    world.stops(MIA, minutes(2));
    world.writes(MIA, HERE, "not a word to me", minutes(4));
    world.starts(MIA, minutes(6));
    world.writes(MIA, HERE, "welcome back", minutes(45));
}

/// A contact that opted out is merged into another.
fn a_merge_with_somebody_silent(world: &World) {
    world.podium.has(MIA, "Mia", None);
    world.podium.has(NOAH, "Noah", None);
    world.stops(MIA, Duration::ZERO);
    world.contact_merged(MIA, NOAH, minutes(30));
    world.writes(NOAH, HERE, "hello", minutes(60));
    world.ships(903, NOAH, 1);
}

/// The same, while Podium does not know yet that one of them is silent, and its webhook does not say so.
fn a_merge_of_which_only_we_know(world: &World) {
    let now = world.clock.now();
    world.podium.down.borrow_mut().push((now, now.plus(minutes(40))));
    a_merge_with_somebody_silent(world);
}

/// Podium has to be told of an opt-out while it does not answer; of another while it knows nobody of that number.
fn opt_outs_to_be_mirrored(world: &World) {
    let now = world.clock.now();
    world.podium.has(MIA, "Mia", None);
    world.podium.down.borrow_mut().push((now, now.plus(minutes(20))));
    world.stops(MIA, Duration::ZERO);
    world.stops(NOAH, minutes(1));
    world.writes(NOAH, HERE, "hello", minutes(60));
}

/// An opt-out, and messages welcome again before Podium was told.
fn an_opt_out_and_its_return_to_be_mirrored(world: &World) {
    world.podium.has(MIA, "Mia", None);
    world.stops(MIA, Duration::ZERO);
    world.starts(MIA, minutes(1));
}

/// Podium does not answer for two hours.
fn two_hours_without_podium(world: &World) {
    let now = world.clock.now();
    world.podium.down.borrow_mut().push((now.plus(minutes(2)), now.plus(minutes(122))));
    world.writes(MIA, HERE, "before", Duration::ZERO);
    world.writes(NOAH, HERE, "during", minutes(10));
    world.writes(MIA, HERE, "meanwhile", minutes(60));
    world.writes(MIA, HERE, "after", minutes(150));
}

/// A message, silence, and a review request that comes due: all that STOP has to keep from being sent.
fn everything_that_is_sent(world: &World) {
    world.writes(MIA, HERE, "hello", Duration::ZERO);
    world.ships(901, MIA, 1);
}

type Scenario = (&'static str, fn(&World));

const SCENARIOS: [Scenario; 15] = [
    ("a first message", a_first_message),
    ("two tabs", two_tabs),
    ("silence and return", silence_and_return),
    ("silence and a text", silence_and_a_text),
    ("a message overtaken by the close", a_message_overtaken_by_the_close),
    ("stops in hard shapes", stops_in_hard_shapes),
    ("a stop by e-mail", a_stop_by_email),
    ("a stop in a batch", a_stop_in_a_batch),
    ("a stop behind a stuck message", a_stop_behind_a_stuck_message),
    ("a stop and a start", a_stop_and_a_start),
    ("a merge with somebody silent", a_merge_with_somebody_silent),
    ("opt-outs to be mirrored", opt_outs_to_be_mirrored),
    ("an opt-out and its return to be mirrored", an_opt_out_and_its_return_to_be_mirrored),
    ("two hours without Podium", two_hours_without_podium),
    ("a merge of which only we know", a_merge_of_which_only_we_know),
];

/// In which kind of world a scenario is played.
#[derive(Clone, Copy, Debug)]
struct Kind {
    brief: bool,
    can_look_up: bool,
    /// Leases are short, queues impatient: whoever stood still finds a successor at work.
    haste: bool,
}

const USUAL: Kind = Kind { brief: false, can_look_up: true, haste: false };
const KINDS: [Kind; 4] = [
    USUAL,
    Kind { brief: true, can_look_up: true, haste: false },
    Kind { brief: false, can_look_up: true, haste: true },
    Kind { brief: true, can_look_up: false, haste: false },
];

fn world(kind: Kind, plan: &Plan) -> World {
    let mut world = World::chatting(plan.clone());
    world.podium.brief = kind.brief;
    world.podium.unseen_for = 2;
    world.can_look_up = kind.can_look_up;
    if kind.haste {
        (world.lease, world.settle, world.shows_after) =
            (Duration::from_secs(20), Duration::from_secs(5), Duration::ZERO);
        world.visibility = Duration::from_secs(15);
        world.receives_max = 100;
    }
    if !kind.brief && kind.haste {
        world.reply = ReplyMode::Agent(KeywordAnswers::parse(r#"[{"words":["kayaks"],"answer":"Many."}]"#).unwrap());
    }
    world
}

fn play(scenario: Scenario, kind: Kind, plan: &Plan) -> World {
    run(scenario.0, kind, plan, world(kind, plan), scenario.1)
}

fn run(name: &str, kind: Kind, plan: &Plan, world: World, scenario: impl Fn(&World)) -> World {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        scenario(&world);
        world.run();
        world.assert_guarantees();
        world.assert_chats();
    }));
    if let Err(panic) = checked {
        let why =
            panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        panic!("{name} in {kind:?} with {plan:?}: {}", why.unwrap_or_default());
    }
    world
}

#[test]
fn without_faults_everybody_is_answered_once_and_rightly() {
    for scenario in SCENARIOS {
        for kind in KINDS {
            play(scenario, kind, &Plan::new());
        }
    }
    let prompts =
        |world: &World| world.podium.said().iter().filter(|s| s.effect.as_str().starts_with("keep-alive#")).count();
    let world = play(("a first message", a_first_message), USUAL, &Plan::new());
    assert_eq!((world.podium.said().len(), prompts(&world), world.podium.notes().len()), (2, 1, 1));

    let spells = |world: &World| {
        world.writes(MIA, HERE, "hello", Duration::ZERO);
        world.writes(MIA, HERE, "one moment", minutes(25));
    };
    let world = run("two spells", USUAL, &Plan::new(), self::world(USUAL, &Plan::new()), spells);
    assert_eq!(prompts(&world), 2, "silence after a prompt and another message is a new silence");

    let world = play(("two tabs", two_tabs), USUAL, &Plan::new());
    assert_eq!(world.podium.said().len() - prompts(&world), 1, "one session, one confirmation");
    assert_eq!(world.podium.contacts().len(), 1);

    let world = play(("silence and return", silence_and_return), USUAL, &Plan::new());
    assert_eq!((world.podium.said().len(), prompts(&world)), (4, 2));
    let notes = world.podium.notes();
    assert_eq!(notes.iter().filter(|n| n.by == Role::Worker).count(), 1, "given back once: {notes:?}");
    assert!(notes.iter().any(|n| n.by == Role::Worker && n.text.contains("blue one") && n.text.contains("size nine")));

    let world = play(("a stop by e-mail", a_stop_by_email), USUAL, &Plan::new());
    assert!(world.podium.said().is_empty());

    let world = play(("a merge", a_merge_with_somebody_silent), USUAL, &Plan::new());
    assert!(world.podium.said().is_empty() && world.texts().is_empty());
}

fn prompts(world: &World) -> usize {
    world.podium.said().iter().filter(|s| s.effect.as_str().starts_with("keep-alive#")).count()
}

/// Steps are tried one by one up to `few`; of a long run as many, spread over it.
fn spread(steps: usize, few: usize) -> impl Iterator<Item = usize> {
    let stride = steps.div_ceil(few).max(1);
    (0..steps).step_by(stride)
}

#[test]
fn every_step_goes_wrong_in_every_way() {
    let mut runs = 0;
    for scenario in SCENARIOS {
        for kind in KINDS {
            // Faults lengthen a run; the steps added by the recovery are tried too.
            let steps = play(scenario, kind, &Plan::new()).steps() + 10;
            for step in spread(steps, 80) {
                for fault in Fault::ALL {
                    let plan = Plan::from([(step, fault)]);
                    let world = play(scenario, kind, &plan);
                    // One thing going wrong keeps nobody from being asked; only where it is unknown are they left alone.
                    let asked = prompts(&world) > 0 || !kind.can_look_up || scenario.0 != SCENARIOS[0].0;
                    assert!(asked, "{} in {kind:?} with {plan:?}: nobody was asked", scenario.0);
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} runs with one fault");
}

#[test]
fn pairs_of_steps_go_wrong() {
    let mut runs = 0_usize;
    for scenario in [SCENARIOS[0], SCENARIOS[1], SCENARIOS[2], SCENARIOS[9], SCENARIOS[10]] {
        let steps = play(scenario, USUAL, &Plan::new()).steps() + 8;
        for first in 0..steps {
            for second in first + 1..steps {
                // Every pair of steps, each with one of the pairs of faults, in turn.
                let turn = first * 7 + second;
                if turn % PAIRS_STRIDE != 0 {
                    continue;
                }
                let (a, b) = (Fault::ALL[(turn / PAIRS_STRIDE) % 6], Fault::ALL[(turn / PAIRS_STRIDE / 6 + first) % 6]);
                play(scenario, KINDS[runs % KINDS.len()], &Plan::from([(first, a), (second, b)]));
                runs += 1;
            }
        }
    }
    println!("{runs} runs with two faults");
}

/// Of all pairs of steps one in so many is played.
const PAIRS_STRIDE: usize = 5;

#[test]
fn seeded_triples_in_a_busy_shop() {
    let base: u64 = std::env::var("FRONTDESK_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_261_120);
    for seed in base..base + 1_500 {
        let mut dice = Dice::seeded(seed);
        let plan: Plan = (0..3).map(|_| (dice.roll(150), Fault::ALL[dice.roll(6)])).collect();
        let kind = KINDS[dice.roll(4)];
        let busy = move |world: &World| {
            let mut dice = Dice(seed.wrapping_mul(31) | 1);
            for n in 0..5 {
                let phone = [MIA, NOAH][dice.roll(2)];
                let after = minutes(u64::try_from(dice.roll(70)).unwrap());
                match dice.roll(6) {
                    0 => world.stops(phone, after),
                    1 => world.starts(phone, after),
                    2 => world.texts_in(phone, HERE, &format!("text {n} of {seed}"), after),
                    _ => world.writes(phone, [HERE, "loc-2"][dice.roll(2)], &format!("chat {n} of {seed}"), after),
                }
            }
        };
        let name = format!("seed {seed}");
        run(&name, kind, &plan, world(kind, &plan), busy);
    }
}

/// STOP arrives between any two steps, and whoever took the step before goes on at once or after a minute: by then a
/// permit is void, so whatever is sent has passed the gate after the STOP.
#[test]
fn a_stop_between_any_two_steps() {
    let mut runs = 0;
    let scenarios: [Scenario; 3] =
        [("everything", everything_that_is_sent), SCENARIOS[1], ("silence and return", silence_and_return)];
    for scenario in scenarios {
        for kind in [USUAL, KINDS[1]] {
            let steps = play(scenario, kind, &Plan::new()).steps() + 4;
            for step in 0..steps {
                for pause in [Duration::ZERO, Duration::from_secs(61)] {
                    stop_at(scenario, kind, &Plan::new(), step, pause);
                    runs += 1;
                }
                // And something goes wrong shortly after, for whoever was interrupted or for the STOP itself.
                for fault in Fault::ALL {
                    stop_at(scenario, kind, &Plan::from([(step + 1 + step % 7, fault)]), step, Duration::from_secs(61));
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} runs with a STOP between two steps");
}

fn stop_at(scenario: Scenario, kind: Kind, plan: &Plan, step: usize, pause: Duration) {
    let world = world(kind, plan);
    world.interrupt(step, move |world| {
        world.interrupts_with(&[Incoming::stop(MIA)]);
        world.clock.advance(pause);
    });
    run(&format!("{} with a STOP at step {step}, {pause:?}", scenario.0), kind, plan, world, scenario.1);
}

/// The newest wish holds, in whatever order and with whatever trouble they arrive.
#[test]
fn wishes_out_of_order() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (order, last_is_stop) in orders.into_iter().flat_map(|order| [(order, true), (order, false)]) {
        let wishes = move |world: &World| {
            let begin = world.clock.now();
            world.writes(MIA, HERE, "hello", Duration::ZERO);
            for (n, which) in order.into_iter().enumerate() {
                let stop = (which % 2 == 0) == last_is_stop;
                let wish = if stop { Incoming::stop(MIA) } else { Incoming::start(MIA) };
                let written_at = Some(begin.plus(minutes(u64::try_from(which).unwrap())));
                world.sends(vec![Incoming { written_at, ..wish }], minutes(5 + u64::try_from(n).unwrap()));
            }
        };
        let steps = run("wishes", USUAL, &Plan::new(), world(USUAL, &Plan::new()), wishes).steps();
        for step in spread(steps, 80) {
            for fault in Fault::ALL {
                let plan = Plan::from([(step, fault)]);
                let name = format!("wishes in the order {order:?}, the last a stop: {last_is_stop}");
                let world = run(&name, USUAL, &plan, world(USUAL, &plan), wishes);
                let out = world.store.look(|t| t.contacts.values().any(|c| c.opted_out().is_some()));
                assert_eq!(out, last_is_stop, "{name} with {plan:?}");
            }
        }
    }
}

#[test]
fn a_webhook_without_a_valid_signature_writes_nothing() {
    let world = World::chatting(Plan::new());
    let before = world.store.tables().writes;
    world.forges(&[Incoming::stop(MIA)]);
    world.run();
    let tables = world.store.tables();
    assert!(tables.writes == before && tables.inbox.is_empty() && tables.contacts.is_empty());
}

/// A customer writes while the clock asks, closes and mirrors, and the clock runs twice at once.
#[test]
fn a_message_or_a_second_clock_between_any_two_steps() {
    let steps = play(SCENARIOS[0], USUAL, &Plan::new()).steps();
    for step in 0..steps + 4 {
        let world = world(USUAL, &Plan::new());
        world.interrupt(step, |world| {
            world.interrupts_with(&[Incoming::webchat(MIA, HERE, "me again")]);
            world.works();
        });
        run(&format!("a message at step {step}"), USUAL, &Plan::new(), world, SCENARIOS[0].1);

        let world = self::world(USUAL, &Plan::new());
        world.interrupt(step, World::clocks);
        let world = run(&format!("a second clock at step {step}"), USUAL, &Plan::new(), world, SCENARIOS[0].1);
        let closing = world.podium.notes().iter().filter(|n| n.by == Role::Timer).count();
        assert_eq!(closing, 1, "the answers are noted once at the close, with a second clock at step {step}");
    }
}

/// STOP and START, and Podium's record agrees in the end, whatever goes wrong while it is told.
#[test]
fn podium_is_told_of_those_who_come_back() {
    let scenario: Scenario = ("an opt-out and its return", an_opt_out_and_its_return_to_be_mirrored);
    let steps = play(scenario, USUAL, &Plan::new()).steps() + 10;
    for step in 0..steps {
        for fault in Fault::ALL {
            let plan = Plan::from([(step, fault)]);
            let world = play(scenario, USUAL, &plan);
            let agrees = catch_unwind(AssertUnwindSafe(|| world.assert_podium_agrees()));
            assert!(agrees.is_ok(), "{} with {plan:?}", scenario.0);
        }
    }
}

/// STOP while Podium has no contact of that number, which is made at the moment when Podium is told: it must not count as
/// told of.
#[test]
fn a_contact_that_appears_while_podium_is_told_is_told_of() {
    for step in 0..60 {
        let world = world(USUAL, &Plan::new());
        world.interrupt(step, |world| {
            world.interrupts_with(&[Incoming::webchat(MIA, HERE, "me again")]);
            world.works();
        });
        let name = format!("a message at step {step} of telling Podium");
        run(&name, USUAL, &Plan::new(), world, |world| world.stops(MIA, Duration::ZERO));
    }
}

/// What Podium is told comes back as a webhook. It is no news, and least of all newer than what the person said since.
#[test]
fn an_echo_of_what_podium_was_told_changes_nothing() {
    for step in 0..60 {
        for pause in [1, 62] {
            let mut world = world(USUAL, &Plan::new());
            world.podium.has(MIA, "Mia", None);
            world.podium.echoes = true;
            world.interrupt(step, move |world| {
                // Only an answer to the STOP, not a START before it.
                if world.store.look(|t| !t.contacts.is_empty()) {
                    world.clock.advance(Duration::from_secs(pause));
                    world.interrupts_with(&[Incoming::start(MIA)]);
                    world.works();
                }
            });
            let name = format!("START at step {step}, {pause} s late, of telling Podium of a STOP");
            let world = run(&name, USUAL, &Plan::new(), world, |world| world.stops(MIA, Duration::ZERO));
            let out = world.store.look(|t| t.contacts.values().any(|c| c.opted_out().is_some()));
            assert_eq!(out, !world.wished_in(), "{name}");
        }
    }
    let mut world = world(USUAL, &Plan::new());
    world.podium.has(MIA, "Mia", None);
    world.podium.echoes = true;
    let world = run("STOP and START on a web page", USUAL, &Plan::new(), world, |world| {
        world.sends(vec![Incoming { webchat: true, ..Incoming::stop(MIA) }], Duration::ZERO);
        world.sends(vec![Incoming { webchat: true, ..Incoming::start(MIA) }], minutes(10));
    });
    assert!(world.store.look(|t| t.contacts.values().all(|c| c.opted_out().is_none())));
}

/// What somebody types into a web page proves no number.
#[test]
fn a_web_page_takes_nothing_back_that_a_text_said() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let world = world(USUAL, &Plan::new());
        let begin = world.clock.now();
        let wishes = [
            Incoming::stop(MIA),
            Incoming { webchat: true, ..Incoming::stop(MIA) },
            Incoming { webchat: true, ..Incoming::start(MIA) },
        ];
        let name = format!("STOP by text, STOP and START on a page, in the order {order:?}");
        let world = run(&name, USUAL, &Plan::new(), world, |world| {
            for (n, which) in order.into_iter().enumerate() {
                let written_at = Some(begin.plus(minutes(u64::try_from(which).unwrap())));
                let wish = Incoming { written_at, ..wishes[which].clone() };
                world.sends(vec![wish], minutes(5 + u64::try_from(n).unwrap()));
            }
        });
        assert!(world.store.look(|t| t.contacts.values().all(|c| c.opted_out().is_some())), "{name}");
    }
}
