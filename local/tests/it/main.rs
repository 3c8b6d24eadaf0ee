//! The stand-ins and the front door over real sockets, spoken to with nothing but a TCP stream: a client library would
//! hide what these tests are about.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops where it fails")]

mod faults;
mod front_door;
mod ledger;
mod podium;
mod program;
mod shopify;
mod wire;
