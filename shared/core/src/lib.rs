//! The product: types, decisions and flows. Pure by construction: no I/O, no clock, no AWS, no HTTP client; the crates
//! beside this one adapt it to the world. A test holds the dependency list to that.

pub mod body;
pub mod config;
pub mod contact;
pub mod directory;
pub mod eligibility;
pub mod erase;
pub mod flow;
pub mod gate;
pub mod hours;
pub mod ids;
pub mod inbox;
pub mod keyword;
pub mod notice;
pub mod outbox;
pub mod phone;
pub mod podium;
pub mod provider;
pub mod queue;
pub mod rating;
pub mod request;
pub mod retry;
pub mod review;
pub mod review_code;
pub mod reviews;
pub mod session;
pub mod shopify;
pub mod signature;
pub mod store;
pub mod task;
pub mod telemetry;
pub mod time;
pub mod token;
pub mod webchat;
pub mod wish;
