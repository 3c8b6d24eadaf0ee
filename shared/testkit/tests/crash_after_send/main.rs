//! What follows a send: every order of what can be heard of it, the notices for the shop's people, edited reviews, days
//! without webhooks, and people who want to be forgotten; with crashes wherever there is a step.
//!
//! A failure prints the sequence or the plan, which is all that is needed to play it again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

mod notifier;
mod orders;
mod reconcile;
mod redaction;
mod reviews;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

pub(crate) const MIA: &str = "+61491570156";
pub(crate) const NOAH: &str = "+61491570157";

pub(crate) const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// Plays something; a failure says what it was.
pub(crate) fn named<T>(name: &str, play: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(play)) {
        Ok(played) => played,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            panic!("{name}: {}", text.unwrap_or_default());
        }
    }
}

/// What the model store answers.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the model never waits"),
    }
}
