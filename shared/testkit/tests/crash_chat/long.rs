//! Conversations of two hundred messages in which webhooks are doubled and reordered, processes die, and for a while all of
//! them are dead.

use std::{collections::BTreeMap, time::Duration};

use frontdesk_core::time::Clock;
use frontdesk_testkit::{
    dice::Dice,
    world::{Fault, Plan, Utterance, World},
};

use super::{play, secs};

const MESSAGES: usize = 200;

fn conversation(seed: u64, debounce: u64, faults: usize, disorder: bool) -> World {
    with_a_pause(seed, debounce, faults, disorder, 100)
}

fn with_a_pause(seed: u64, debounce: u64, faults: usize, disorder: bool, dead: u64) -> World {
    let mut dice = Dice::seeded(seed);
    let plan: Plan = (0..faults).map(|_| (dice.roll(4_000), Fault::ALL[dice.roll(6)])).collect();
    let mut world = World::assisting(plan);
    world.chatwoot.assistant.debounce = secs(debounce);
    world.chatwoot.assistant.answers_per_hour = 1_000;
    world.receives_max = 1_000;
    let name = format!("seed {seed}, debounce {debounce}, {faults} faults, disorder {disorder}");
    let scenario = |world: &World| {
        let mut dice = Dice::seeded(seed + 1_000);
        let mut at = Duration::ZERO;
        for n in 1..=MESSAGES {
            // Bursts of three, now and then a longer silence.
            at += if n % 3 == 0 { secs(20 + 10 * dice.roll(8) as u64) } else { Duration::from_millis(700) };
            let mut arrivals = vec![Duration::from_millis(if disorder { 300 * dice.roll(8) as u64 } else { 0 })];
            if disorder && dice.roll(3) == 0 {
                arrivals.push(secs(dice.roll(90) as u64));
            }
            world.later(at, move |world| {
                world.sends_now(1, &Utterance::of(&format!("q{n} tell me more")), &arrivals);
            });
        }
        // Somebody looks after what was handed over, and gives it back.
        for n in 0..at.as_secs() / 60 {
            world.later(secs(60 * n), |world| world.changes_hands(1, "pending", false));
        }
        let dead_from = at / 2;
        world.later(dead_from, move |world| {
            world.chatwoot.workers_dead_until.set(world.clock.now().plus(secs(dead)));
        });
    };
    play(&name, world, scenario)
}

/// The posts of the answers, with the questions that they name.
fn answers(world: &World) -> Vec<Vec<u32>> {
    let posts = world.chatwoot.posts(1);
    let named = |post: &String| -> Vec<u32> {
        let words = post.split(|c: char| !c.is_ascii_alphanumeric());
        words.filter_map(|w| w.strip_prefix('q')?.parse().ok()).collect()
    };
    posts.iter().map(named).filter(|named| !named.is_empty()).collect()
}

#[test]
fn in_calm_every_message_is_answered_once_and_in_order() {
    for debounce in [0, 4] {
        let world = conversation(1, debounce, 0, false);
        let answers = answers(&world);
        let all: Vec<u32> = answers.iter().flatten().copied().collect();
        assert_eq!(all, (1..=200).collect::<Vec<u32>>(), "debounce {debounce}");
        if debounce == 0 {
            assert_eq!(answers.len(), MESSAGES, "each has its own");
        } else {
            assert!(answers.len() < 80, "a burst has one: {}", answers.len());
        }
    }
}

#[test]
fn in_disorder_every_message_is_answered_once() {
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for seed in 1..=60 {
        for debounce in [0, 4] {
            let world = conversation(seed, debounce, 0, true);
            let mut all: Vec<u32> = answers(&world).into_iter().flatten().collect();
            all.sort_unstable();
            assert_eq!(all, (1..=200).collect::<Vec<u32>>(), "seed {seed}, debounce {debounce}");
            *sizes.entry(answers(&world).len()).or_default() += 1;
        }
    }
}

#[test]
fn in_trouble_every_message_is_answered_once_or_in_peoples_hands() {
    let base: u64 = std::env::var("FRONTDESK_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let (mut whole, mut runs) = (0, 0);
    for seed in base + 1..=base + 150 {
        for debounce in [0, 4] {
            let world = conversation(seed, debounce, 12, seed % 2 == 0);
            let answered: usize = answers(&world).iter().map(Vec::len).sum();
            whole += usize::from(answered >= 195);
            runs += 1;
        }
    }
    println!("{runs} long conversations, {whole} of them answered to the end by the assistant");
}

#[test]
fn after_a_long_pause_every_message_is_answered_once() {
    for debounce in [0, 4] {
        let world = with_a_pause(1, debounce, 0, false, 1_500);
        let mut all: Vec<u32> = answers(&world).into_iter().flatten().collect();
        all.sort_unstable();
        assert_eq!(all, (1..=200).collect::<Vec<u32>>(), "debounce {debounce}");
    }
}
