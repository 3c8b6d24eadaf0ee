//! The adapters of the tables, through the real SDK client, against tables in this process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "test code: a panic is a failed test"
)]

mod bookmarks;
mod chats;
mod contacts;
mod crowds;
mod erased;
mod erasure;
mod forms;
mod inbox;
mod limits;
mod locations;
mod lost;
mod merged;
mod mirror;
mod notices;
mod opt_outs;
mod outbox;
mod races;
mod rates;
mod redrive;
mod refusals;
mod requests;
mod resolve;
mod reviews;
mod schema;
mod sessions;
mod testify;

use std::time::Duration;

use frontdesk_core::{
    body::StoredBody,
    contact::{Direction, Evidence, OptOutChange, OptOutFlag, OptOutSource},
    eligibility::{Consent, Inputs, PhoneState},
    ids::{EffectKey, EventId, LocationUid, OrderId, OrderKey, OwnerToken, ShopDomain},
    inbox::{BodySha256, InboxKey, NewEvent, Source},
    phone::E164Phone,
    provider::Financial,
    request::{NewRequest, Plan},
    store::Lease,
    time::{DAY, UnixMillis},
};

/// The first moment of every test.
const T0: UnixMillis = UnixMillis::new(1_772_000_000_000);

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// `T0` and so many seconds.
fn at(seconds: u64) -> UnixMillis {
    T0.plus(SECOND * u32::try_from(seconds).unwrap())
}

fn owner(name: &str) -> OwnerToken {
    OwnerToken::try_from(name).unwrap()
}

/// A minute's lease.
fn lease(name: &str, now: UnixMillis) -> Lease {
    Lease { owner: owner(name), now, until: now.plus(MINUTE) }
}

fn event_key(id: &str) -> InboxKey {
    InboxKey { source: Source::Shopify, event: EventId::try_from(id).unwrap() }
}

/// An event that arrives at `now` and is kept for two weeks.
fn event(id: &str, body: &str, receipt: &str, now: UnixMillis) -> NewEvent {
    NewEvent {
        key: event_key(id),
        topic: Some("orders/fulfilled".into()),
        body: StoredBody::pack(body.as_bytes()).unwrap(),
        body_sha256: BodySha256::of(body.as_bytes()),
        received_at: now,
        expires_at: now.plus(DAY * 14),
        receipt: receipt.into(),
        rejected: None,
        group: None,
        opt_outs: Vec::new(),
        chat: None,
    }
}

fn order(number: u64) -> OrderKey {
    OrderKey { shop: ShopDomain::try_from("harbour-lane.myshopify.com").unwrap(), order: OrderId(number) }
}

fn phone(number: u64) -> E164Phone {
    E164Phone::parse_e164(&format!("+614915700{number:02}")).unwrap()
}

fn effect(number: u64) -> EffectKey {
    EffectKey::review_request(&order(number))
}

fn location() -> LocationUid {
    LocationUid::try_from("loc-1").unwrap()
}

/// What was known of an order.
fn inputs() -> Inputs {
    Inputs {
        financial: Financial::Settled,
        fulfillment: true,
        cancelled: false,
        test: false,
        point_of_sale: false,
        b2b: false,
        tag_excluded: false,
        consent: Consent::NotAsked,
        phone: PhoneState::Usable,
        location_mapped: true,
        age_days: Some(3),
        return_open: None,
    }
}

/// A request that is to be sent at `send_after`.
fn request(number: u64, send_after: UnixMillis) -> NewRequest {
    NewRequest {
        key: order(number),
        plan: Plan {
            phone: phone(10),
            location: location(),
            first_name: Some("Noor".into()),
            fulfilled_at: T0.minus(DAY),
            send_after,
            zones: vec!["Australia/Sydney".into(), "+10:00".into()],
        },
        at: T0,
        expires_at: send_after.plus(DAY * 400),
        inputs: inputs(),
    }
}

/// What somebody said about being written to.
fn said(number: u64, direction: Direction, source: OptOutSource, at: UnixMillis) -> OptOutChange {
    let evidence =
        Evidence { source, message_id: None, text_sha256: None, recorded_at: at.plus(SECOND), by_hand: None };
    OptOutChange { phone: phone(number), flag: OptOutFlag::Keyword, direction, at, evidence }
}

/// STOP by text.
fn stop(number: u64, at: UnixMillis) -> OptOutChange {
    said(number, Direction::Out, OptOutSource::Sms, at)
}

/// START by text.
fn start(number: u64, at: UnixMillis) -> OptOutChange {
    said(number, Direction::In, OptOutSource::Sms, at)
}
