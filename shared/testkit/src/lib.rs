//! What tests stand on: a clock to turn, a store that is a model of the real one, and a world in which every step can
//! fail, lose its answer or be the last thing a process did.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "this crate is test code: a panic is a failed test"
)]

pub mod clock;
pub mod dice;
pub mod model;
pub mod parts;
pub mod recorder;
pub mod shop;
pub mod site;
pub mod world;
