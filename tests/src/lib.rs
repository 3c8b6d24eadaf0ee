//! What the suites in `tests/` stand on: the real adapters over tables in this process, and a wire that loses things.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this crate is test code: a panic is a failed test"
)]

pub mod aws;
pub mod meter;
pub mod schema;
pub mod tables;
pub mod wire;
