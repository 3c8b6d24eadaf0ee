//! The stand-ins and the front door over real sockets, spoken to with nothing but a TCP stream: a client library would
//! hide what these tests are about.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops where it fails")]

mod ai;
mod attachments;
mod chatwoot;
mod contacts;
mod conversations;
mod faults;
mod front_door;
mod ledger;
mod locations;
mod people;
mod podium;
mod program;
mod reviews;
mod routes;
mod shop;
mod shopify;
mod site;
mod webhooks;
mod wire;
