//! The sample events for invoking functions by hand are what the functions take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code: a panic is a failed test"
)]

use frontdesk_core::{
    ids::OrderKey,
    inbox::InboxKey,
    signature::{LiveSecrets, Secret, verify_shopify},
};
use serde_json::Value;

fn event(name: &str) -> Value {
    let path = format!("{}/../events/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_webhooks_are_signed_over_the_bytes_they_carry() {
    let vectors = event("shopify/signature_vectors.json");
    let current = Secret::new("sample", vectors["secret"].as_str().unwrap()).unwrap();
    let secrets = LiveSecrets { current, previous: None };
    for name in ["fulfilled", "refund"] {
        let event = event(&format!("invoke/shopify-orders.{name}.json"));
        let signature = event["headers"]["x-shopify-hmac-sha256"].as_str().unwrap();
        let body = event["body"].as_str().unwrap();
        verify_shopify(&secrets, Some(signature.as_bytes()), body.as_bytes()).unwrap();
    }
}

#[test]
fn the_messages_carry_keys() {
    let body = |name: &str| event(name)["Records"][0]["body"].as_str().unwrap().to_owned();
    assert!(InboxKey::parse(&body("invoke/shopify-worker.json")).is_some());
    assert!(OrderKey::parse(&body("invoke/review-sender.json")).is_some());
}
