//! The crash simulation: every step of ingest, schedule, promote and send goes wrong in every way, one at a time, then
//! in pairs, then in seeded triples with duplicates and reordering. After recovery the guarantees must hold.
//!
//! A failure prints the plan; `Plan` is all that is needed to play it again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use frontdesk_core::{provider::Refusal, request::RequestStatus, time::DAY};
use frontdesk_testkit::{
    dice::Dice,
    world::{Fault, Plan, World},
};

const MIA: &str = "+61491570156";
const NOAH: &str = "+61491570157";

/// One order, delivered twice.
fn one_order(world: &World) {
    world.ships(7_024_000_000_101, MIA, 2);
}

/// Two orders of one person: one text.
fn two_orders_of_one_person(world: &World) {
    world.ships(101, MIA, 1);
    world.ships(102, MIA, 2);
}

/// Two people, of whom one gets the money back on the last day.
fn a_refund_in_the_buffer(world: &World) {
    world.ships(201, MIA, 1);
    world.ships(202, NOAH, 1);
    world.refunds(201, DAY * 5 - Duration::from_secs(400));
}

/// An opt-out while the request is already with the delay queue.
fn an_opt_out_in_the_last_minutes(world: &World) {
    world.ships(301, MIA, 1);
    world.ships(302, NOAH, 1);
    world.opts_out(MIA, DAY * 5 - Duration::from_secs(30));
}

/// The money goes back just after the hour of the send: with trouble at the first attempt the second finds a refund,
/// and the cooldown that the first reserved must be free for the next order.
fn a_refund_between_two_attempts(world: &World) {
    world.ships(401, MIA, 1);
    world.refunds(401, DAY * 5 + Duration::from_secs(65));
    world.later(DAY * 5 + Duration::from_secs(7_200), |world| world.ships(402, MIA, 1));
}

/// A return is opened in the same place, the request waits, and another order of the same person comes due meanwhile.
fn a_return_between_two_attempts(world: &World) {
    world.ships(501, MIA, 1);
    world.returns(501, DAY * 5 + Duration::from_secs(65), DAY * 3);
    world.later(DAY, |world| world.ships(502, MIA, 1));
    world.refunds(501, DAY * 8);
}

/// A return keeps the request waiting for longer than a provider's trouble is borne with.
fn a_long_wait_before_the_send(world: &World) {
    world.ships(701, MIA, 1);
    world.returns(701, DAY * 4, DAY * 5);
    world.later(DAY * 6, |world| world.ships(702, MIA, 1));
}

/// Podium refuses both for good, each for its own reason.
fn refusals_for_good(world: &World) {
    world.ships(601, MIA, 1);
    world.refuses(MIA, Refusal::InvalidPhone);
    world.ships(602, NOAH, 1);
    world.refuses(NOAH, Refusal::OptedOut);
}

type Scenario = (&'static str, fn(&World));

const SCENARIOS: [Scenario; 8] = [
    ("one order", one_order),
    ("two orders of one person", two_orders_of_one_person),
    ("a refund in the buffer", a_refund_in_the_buffer),
    ("an opt-out in the last minutes", an_opt_out_in_the_last_minutes),
    ("a refund between two attempts", a_refund_between_two_attempts),
    ("a return between two attempts", a_return_between_two_attempts),
    ("refusals for good", refusals_for_good),
    ("a long wait before the send", a_long_wait_before_the_send),
];

fn play(scenario: Scenario, plan: &Plan, can_look_up: bool) -> World {
    let mut world = World::new(plan.clone());
    world.can_look_up = can_look_up;
    check(scenario, plan, world)
}

/// The same where everything is short: whoever stood still for a lease's length finds a successor that has already
/// asked the provider and sent again.
fn play_in_haste(scenario: Scenario, plan: &Plan, can_look_up: bool) -> World {
    let mut world = World::new(plan.clone());
    (world.lease, world.settle, world.shows_after) = (Duration::from_secs(20), Duration::from_secs(5), Duration::ZERO);
    world.can_look_up = can_look_up;
    check(scenario, plan, world)
}

fn check(scenario: Scenario, plan: &Plan, world: World) -> World {
    let can_look_up = world.can_look_up;
    let checked = catch_unwind(AssertUnwindSafe(|| {
        (scenario.1)(&world);
        world.run();
        world.assert_guarantees();
        world.assert_nobody_is_lost();
    }));
    if let Err(panic) = checked {
        let why =
            panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        panic!("{} with {plan:?} (can look up: {can_look_up}): {}", scenario.0, why.unwrap_or_default());
    }
    world
}

#[test]
fn without_faults_everybody_is_asked_once_and_rightly() {
    let world = play(SCENARIOS[0], &Plan::new(), true);
    assert_eq!(world.texts().len(), 1);
    assert_eq!(world.status_of(7_024_000_000_101), Some(RequestStatus::Sent));

    let world = play(SCENARIOS[1], &Plan::new(), true);
    assert_eq!(world.texts().len(), 1, "one person is asked once");

    let world = play(SCENARIOS[2], &Plan::new(), true);
    assert_eq!((world.status_of(201), world.status_of(202)), (Some(RequestStatus::Skipped), Some(RequestStatus::Sent)));

    let world = play(SCENARIOS[3], &Plan::new(), true);
    assert_eq!((world.status_of(301), world.status_of(302)), (Some(RequestStatus::Skipped), Some(RequestStatus::Sent)));
}

#[test]
fn every_step_goes_wrong_in_every_way() {
    let mut runs = 0;
    for scenario in SCENARIOS {
        for can_look_up in [true, false] {
            // Faults lengthen a run; the steps added by the recovery are tried too.
            let steps = play(scenario, &Plan::new(), can_look_up).steps() + 10;
            for step in 0..steps {
                for fault in Fault::ALL {
                    play(scenario, &Plan::from([(step, fault)]), can_look_up);
                    play_in_haste(scenario, &Plan::from([(step, fault)]), can_look_up);
                    runs += 2;
                }
            }
        }
    }
    println!("{runs} runs with one fault");
}

#[test]
fn every_pair_of_steps_goes_wrong_where_the_provider_can_be_asked() {
    pairs(true);
}

#[test]
fn every_pair_of_steps_goes_wrong_where_the_provider_cannot_be_asked() {
    pairs(false);
}

/// Steps that belong to one process or to two that follow each other.
const NEAR: usize = 12;

fn pairs(can_look_up: bool) {
    let mut runs = 0;
    for scenario in [SCENARIOS[0], SCENARIOS[1], SCENARIOS[7]] {
        let steps = play(scenario, &Plan::new(), can_look_up).steps() + 8;
        for first in 0..steps {
            for second in first + 1..steps {
                for (n, (a, b)) in Fault::ALL.into_iter().flat_map(|a| Fault::ALL.map(|b| (a, b))).enumerate() {
                    // Of faults that are far apart one in six is tried at each pair of steps, in turn.
                    if second - first > NEAR && !(n + first + second).is_multiple_of(6) {
                        continue;
                    }
                    play(scenario, &Plan::from([(first, a), (second, b)]), can_look_up);
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} runs with two faults");
}

#[test]
fn seeded_triples_with_duplicates_and_reordering() {
    let base: u64 = std::env::var("FRONTDESK_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(20_261_120);
    for seed in base..base + 4_000 {
        let mut dice = Dice::seeded(seed);
        let plan: Plan = (0..3).map(|_| (dice.roll(70), Fault::ALL[dice.roll(6)])).collect();
        let can_look_up = dice.roll(2) == 0;
        let shuffled = move |world: &World| {
            let mut dice = Dice(seed | 1);
            for id in 401..404 {
                let phone = [MIA, NOAH][dice.roll(2)];
                let times = 1 + u32::try_from(dice.roll(3)).unwrap();
                world.ships(id, phone, times);
                if dice.roll(4) == 0 {
                    world.refunds(id, DAY * u32::try_from(dice.roll(6)).unwrap());
                }
            }
            if dice.roll(3) == 0 {
                world.opts_out(NOAH, DAY * u32::try_from(dice.roll(6)).unwrap());
            }
        };
        let mut world = World::new(plan.clone());
        world.can_look_up = can_look_up;
        let checked = catch_unwind(AssertUnwindSafe(|| {
            shuffled(&world);
            world.run();
            world.assert_guarantees();
            world.assert_nobody_is_lost();
        }));
        assert!(checked.is_ok(), "seed {seed}, plan {plan:?}, can look up: {can_look_up}");
    }
}

#[test]
fn a_request_without_a_valid_signature_writes_nothing_whatever_fails() {
    for step in 0..6 {
        for fault in Fault::ALL {
            let world = World::new(Plan::from([(step, fault)]));
            let order = frontdesk_testkit::shop::order(1, MIA, "2026-11-20T00:00:00+00:00").to_string().into_bytes();
            world.deliver(Duration::ZERO, "forged", order, false);
            world.run();
            assert_eq!(world.store.tables().writes, 0);
            assert!(world.store.tables().inbox.is_empty());
        }
    }
}
