//! The website's functions, as the gateway calls them: every rule of their contract, every step of a request going wrong in
//! every way, requests that meet at any point of each other's course, and both generations of the chat widget.
//!
//! A failure prints what was asked and the plan or the seed, which is all that is needed to play it again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is test code: a panic is a failed test"
)]

mod chat_memory;
mod chat_rules;
mod chat_time;
mod chat_twice;
mod clients;
mod clients_show;
mod desk;
mod edge_check;
mod edge_messages;
mod edge_uploads;
mod forms;
mod guard;
mod inputs;
