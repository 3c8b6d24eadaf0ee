//! Bad input: whatever a verified body or a request around it may hold, it ends in a row that says what came of it,
//! after one attempt, and nobody gets a text who should not.
//!
//! Everything goes the way it goes in production: the gateway's JSON, the HTTP adapter, ingest, the queue, the worker,
//! the timers, the sender; the tables and providers are the model's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

mod bodies;
mod house;
mod mutations;
mod poison;
mod requests;
mod website;
