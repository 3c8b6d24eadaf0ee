//! The crash simulation of the assistant's chats: the brief's acceptance checks, every step of a message's course going
//! wrong in every way, and long conversations in which everything is doubled, reordered and killed.
//!
//! A failure prints the scenario and the plan or the seed, which is all that is needed to play it again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

mod acceptance;
mod courses;
mod hands;
mod hearing;
mod long;
mod silence;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use frontdesk_testkit::world::{Plan, World};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Plays and checks; a failure says what was played.
fn play(name: &str, world: World, scenario: impl Fn(&World)) -> World {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        scenario(&world);
        world.assists();
        world.assert_assistant();
    }));
    if let Err(panic) = checked {
        let why =
            panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        panic!("{name}: {}", why.unwrap_or_default());
    }
    world
}

/// A world in which nothing goes wrong.
fn calm() -> World {
    World::assisting(Plan::new())
}
