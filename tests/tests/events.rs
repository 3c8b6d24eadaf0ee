//! The sample events for invoking functions by hand are what the functions take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code: a panic is a failed test"
)]

use std::collections::BTreeSet;

use frontdesk_core::{
    config::{self, Env, Function, SETTINGS},
    flow::ingest::{Endpoint, Request},
    ids::{GroupId, OrderKey},
    inbox::{InboxKey, Source},
    podium::{self, OptOutNews, What},
    signature::{LiveSecrets, Secret, verify_shopify},
    time::UnixMillis,
};
use serde_json::Value;
use timers::Task;

/// Years after the samples were signed.
const LATER: UnixMillis = UnixMillis::new(1_900_000_000_000);

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../events/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn event(name: &str) -> Value {
    serde_json::from_slice(&bytes(name)).unwrap()
}

fn secrets(provider: &str) -> LiveSecrets {
    let vectors = event(&format!("{provider}/signature_vectors.json"));
    LiveSecrets { current: Secret::new("sample", vectors["secret"].as_str().unwrap()).unwrap(), previous: None }
}

#[test]
fn the_webhooks_are_signed_over_the_bytes_they_carry() {
    let secrets = secrets("shopify");
    for name in ["fulfilled", "refund"] {
        let event = event(&format!("invoke/shopify-orders.{name}.json"));
        let signature = event["headers"]["x-shopify-hmac-sha256"].as_str().unwrap();
        let body = event["body"].as_str().unwrap();
        verify_shopify(&secrets, Some(signature.as_bytes()), body.as_bytes()).unwrap();
    }
}

/// The settings as they are when nobody sets any.
struct Defaults;

impl Env for Defaults {
    fn get(&self, name: &str) -> Option<String> {
        let setting = SETTINGS.iter().find(|s| s.name == name)?;
        setting.default.map(str::to_owned).or_else(|| setting.wired.then(|| "a-name".to_owned()))
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Whenever they are tried: the signed time is long past, and the default is to take what is rightly signed.
#[test]
fn podiums_webhooks_are_taken_by_the_endpoint_as_it_is_set_by_default() {
    let endpoint = config::podium_endpoint(&Defaults).unwrap().config.endpoint;
    for (name, path, body) in [
        ("podium-webchat.message", "/podium/webchat", "published.message.received.webchat.json"),
        ("podium-sms.stop", "/podium/sms", "published.message.received.stop.json"),
        ("podium-contacts.optout", "/podium/contacts", "published.contact.updated.optout.json"),
    ] {
        let event = event(&format!("invoke/{name}.json"));
        assert_eq!(event["rawPath"], path, "{name}");
        assert_eq!(event["requestContext"]["http"]["path"], path, "{name}");
        assert!(event["body"].as_str().unwrap().as_bytes() == bytes(&format!("podium/{body}")), "{name}");
        let headers = event["headers"].as_object().unwrap();
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes())).collect();
        let request = Request { headers: &headers, body: event["body"].as_str().unwrap().as_bytes() };
        endpoint.verify(&request, &secrets("podium"), LATER).unwrap();
    }
}

/// What each of them is there to show.
#[test]
fn podiums_webhooks_say_what_their_names_promise() {
    let endpoint = config::podium_endpoint(&Defaults).unwrap().config.endpoint;
    let news = |name: &str| {
        let event = event(&format!("invoke/{name}.json"));
        let read = podium::parse(event["body"].as_str().unwrap().as_bytes()).unwrap();
        let news = endpoint.opt_outs(&read, None, LATER);
        (read.what, news)
    };
    assert!(matches!(news("podium-webchat.message"), (What::Received(_), OptOutNews::Nothing)));
    assert!(matches!(news("podium-sms.stop"), (What::Received(_), OptOutNews::Changes(changes)) if changes.len() == 1));
    assert!(matches!(news("podium-contacts.optout"), (What::Contact(_), OptOutNews::Changes(_))));
}

#[test]
fn the_messages_carry_keys() {
    let body = |name: &str| event(name)["Records"][0]["body"].as_str().unwrap().to_owned();
    assert!(InboxKey::parse(&body("invoke/shopify-worker.json")).is_some());
    assert!(OrderKey::parse(&body("invoke/review-sender.json")).is_some());
}

/// Invoked one after the other, the endpoint's event is the one that the worker works on, in its line.
#[test]
fn the_worker_of_podiums_events_is_given_the_webchat_that_its_endpoint_takes_in() {
    let webchat = event("invoke/podium-webchat.message.json");
    let read = podium::parse(webchat["body"].as_str().unwrap().as_bytes()).unwrap();
    let What::Received(message) = &read.what else { panic!("{read:?}") };
    let record = &event("invoke/podium-worker.json")["Records"][0];
    let key = InboxKey { source: Source::Podium, event: read.id.clone() };
    assert_eq!(record["body"].as_str(), Some(key.to_key().as_str()));
    let line: GroupId = message.group(&read.id);
    assert_eq!(record["attributes"]["MessageGroupId"].as_str(), Some(line.as_str()));
}

#[test]
fn every_function_and_every_task_has_an_event() {
    let folder = std::fs::read_dir(format!("{}/../events/invoke", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let names: BTreeSet<String> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    for function in Function::ALL {
        assert!(names.iter().any(|name| name.split('.').next() == Some(function.as_str())), "{}", function.as_str());
    }
    for task in Task::ALL {
        let name = format!("timers.{}.json", task.as_str());
        assert!(names.contains(&name), "{name}");
        assert_eq!(event(&format!("invoke/{name}"))["task"], task.as_str());
    }
}
