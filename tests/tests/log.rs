//! G9: no phone, name, address, message, token or secret in anything that we write about our work.
//!
//! All samples and orders of people made up for this run through the whole house, well and with every step failing in
//! every way. What is written is rendered as in production. Then every value that was planted is searched for, in every
//! form in which it could come out: as it is, as digits, by its end, escaped, in base64, as bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a panic is a failed test"
)]

#[path = "log/planted.rs"]
mod planted;
#[path = "log/types.rs"]
mod types;

use std::{
    fs,
    future::Future,
    io::{self, Write},
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use frontdesk_aws::{
    lambda::http::{self, HttpEvent},
    telemetry::JsonTelemetry,
};
use frontdesk_core::{
    flow::ingest::{Ingest, IngestRules, ShopifyEndpoint},
    ids::{Ids, OwnerToken},
    provider::Refusal,
    signature::{Secret, sign_shopify},
    telemetry::{Level, Metric, Telemetry},
    time::{Clock, DAY, UnixMillis},
};
use frontdesk_testkit::{
    shop,
    world::{Brief, Fault, GENESIS, Incoming, LinkOf, Plan, Review, World},
};
use planted::{PEOPLE, SECRETS, TOKENS, leaks, order};
use serde_json::{Value, json};

// ---- What is written

/// Output that can be looked at.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> UnixMillis {
        GENESIS
    }
}

/// Telemetry that writes as the functions do.
struct Log {
    output: Output,
    telemetry: JsonTelemetry<Still, Output>,
}

impl Log {
    fn new() -> Self {
        let output = Output::default();
        let telemetry = JsonTelemetry::to("stack-under-test".into(), Level::Info, Still, output.clone());
        Self { output, telemetry }
    }

    fn written(&self) -> String {
        String::from_utf8(self.output.0.lock().unwrap().clone()).unwrap()
    }

    /// Writes what a world's flows have reported.
    fn takes(&self, world: &World) {
        world.recorder.lines().into_iter().for_each(|line| self.telemetry.line(line));
        let counted = Metric::ALL.into_iter().filter(|metric| world.recorder.count_of(*metric) > 0);
        counted.for_each(|metric| self.telemetry.count(metric, None));
    }
}

/// Every delivery has a receipt of its own.
struct Receipts;

impl Ids for Receipts {
    fn owner(&self) -> OwnerToken {
        static DRAWN: AtomicU32 = AtomicU32::new(0);
        OwnerToken::try_from(format!("receipt-{}", DRAWN.fetch_add(1, Ordering::Relaxed)).as_str()).unwrap()
    }
}

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// Every file of `events/`.
fn samples() -> Vec<(String, Vec<u8>)> {
    let mut directories = vec![events()];
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e == "json" || e == "body" || e == "bin" || e == "txt")
                && !path.ends_with("signature_vectors.json")
            {
                found.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 100, "{}", found.len());
    found
}

fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// A webhook with all the headers that Shopify sends, through the HTTP adapter.
fn delivers(world: &World, log: &Log, id: &str, body: &[u8], secret: &str) {
    let headers: Value =
        serde_json::from_slice(&fs::read(events().join("shopify/headers.example.json")).unwrap()).unwrap();
    let mut event =
        json!({"version": "2.0", "headers": headers, "body": STANDARD.encode(body), "isBase64Encoded": true});
    let (name, signature) = sign_shopify(&Secret::new("test", secret).unwrap(), body).remove(0);
    event["headers"][name] = json!(signature);
    event["headers"]["x-shopify-webhook-id"] = json!(id);
    event["headers"]["cookie"] = json!(format!("session={}", TOKENS[4]));
    event["headers"]["authorization"] = json!(format!("Bearer {}", TOKENS[0]));
    let event: HttpEvent = serde_json::from_value(event).unwrap();
    let endpoint = ShopifyEndpoint { shop: shop::shop() };
    let ingest = Ingest {
        endpoint: &endpoint,
        store: world,
        queue: world,
        secrets: world,
        clock: &world.clock,
        ids: &Receipts,
        telemetry: &log.telemetry,
        rules: IngestRules { body_bytes_max: 1 << 20, keep: DAY * 60 },
    };
    ready(http::ingest(&ingest, event));
}

// ---- The promise

#[test]
fn nothing_of_any_sample_is_written() {
    let log = Log::new();
    for (n, (_, body)) in samples().iter().enumerate() {
        let world = World::new(Plan::new());
        let id = serde_json::from_slice::<Value>(body).ok().and_then(|v| v["id"].as_u64());
        id.into_iter().for_each(|id| world.knows(id));
        delivers(&world, &log, &format!("signed-{n}"), body, SECRETS[0]);
        delivers(&world, &log, &format!("signed-{n}"), body, SECRETS[0]);
        delivers(&world, &log, &format!("signed-{n}"), b"{}", SECRETS[1]);
        delivers(&world, &log, &format!("unsigned-{n}"), body, "guessed");
        world.run();
        log.takes(&world);
    }
    let written = log.written();
    assert!(written.lines().count() > 500, "hardly anything was written");
    for said in ["an event came in", "a request is sent", "without a valid signature", "another body", "ERR_REVIEW_010"]
    {
        assert!(written.contains(said), "the samples do not lead to {said:?}");
    }
    assert_eq!(leaks(&written), Vec::<String>::new());
}

/// Each person's order in its own way to its end.
fn everybodys_orders(plan: Plan) -> World {
    let world = World::new(plan);
    let log = Log::new();
    for person in &PEOPLE {
        world.knows(person.order);
        delivers(&world, &log, &format!("w{}", person.order), order(person).to_string().as_bytes(), SECRETS[0]);
        log.takes(&world);
    }
    world.refuses(PEOPLE[1].phone, Refusal::InvalidPhone);
    world.refuses(PEOPLE[2].phone, Refusal::Other { status: 403 });
    world.opts_out(PEOPLE[3].phone, Duration::from_secs(60));
    world.run();
    log.takes(&world);
    assert_eq!(leaks(&log.written()), Vec::<String>::new());
    world
}

#[test]
fn nothing_of_a_person_is_written_however_the_request_ends() {
    let world = everybodys_orders(Plan::new());
    assert_eq!(world.texts().len(), 1, "one is texted");
    let lines = world.recorder.lines();
    for said in ["a request is sent", "a request is skipped", "a request failed"] {
        assert!(lines.iter().any(|line| line.message == said), "nobody's request leads to {said:?}");
    }
}

/// One person's life with the shop: chats and texts, an order, a text that fails, bad reviews and better ones, a STOP, and the
/// wish to be forgotten.
fn a_life(plan: Plan) -> World {
    let world = World::chatting(plan);
    let person = &PEOPLE[0];
    let whole = format!("{} {}, {}", person.first, person.last, person.typed);
    let minutes = |n: u64| Duration::from_secs(60 * n);
    world.knows(person.order);
    world.shopify_posts("order", &order(person));
    let chat = Incoming {
        phone: Some(person.typed.into()),
        name: Some(format!("{} {}", person.first, person.last)),
        ..Incoming::webchat(person.phone, "loc-1", &format!("it is {whole}"))
    };
    world.sends(vec![chat], minutes(5));
    world.sends(vec![Incoming::sms(person.phone, "loc-1", &format!("again {whole}"))], minutes(9));
    world.later(minutes(120), move |world| {
        let of = LinkOf { message: "m1".into(), invite: Some("i1".into()), phone: PEOPLE[0].phone.into() };
        world.says_of_text("filtered", Brief::Failed("carrier_filtered"), &of);
        for (event, stars) in [("worst", 1), ("better", 5)] {
            let changed_at = world.clock.now().minus(minutes(10 - u64::from(stars)));
            let (text, invite) = (format!("{stars} of {whole}"), Some("i1".into()));
            world.says_of_review(event, &Review { uid: "rev".into(), stars, text, changed_at, invite });
        }
    });
    world.stops(person.phone, minutes(200));
    world.later(DAY, |world| {
        let customer = json!({"id": 9_974_000_000_101_u64, "phone": PEOPLE[0].phone, "email": "quackenbush@example.test"});
        let demand = json!({"shop_id": 1, "shop_domain": shop::shop().as_str(), "customer": customer, "orders_to_redact": [PEOPLE[0].order]});
        world.shopify_posts("redact", &demand);
    });
    world.run_for(DAY * 2);
    let log = Log::new();
    log.takes(&world);
    assert_eq!(leaks(&log.written()), Vec::<String>::new());
    world
}

#[test]
fn nothing_of_a_person_is_written_in_a_whole_life() {
    let world = a_life(Plan::new());
    let lines = world.recorder.lines();
    for said in [
        "a request is sent",
        "a carrier did not deliver a message",
        "people were told",
        "somebody asked for no more messages",
        "a person's data was erased",
    ] {
        assert!(lines.iter().any(|line| line.message == said), "this life does not lead to {said:?}");
    }
    let steps = world.steps();
    // Every third, in every way: the whole of it would take minutes.
    for step in (0..steps).step_by(3) {
        for fault in Fault::ALL {
            a_life(Plan::from([(step, fault)]));
        }
    }
}

/// The branches that only trouble reaches write too.
#[test]
fn nothing_of_a_person_is_written_whatever_step_fails() {
    let steps = everybodys_orders(Plan::new()).steps();
    assert!(steps > 40, "{steps}");
    for step in 0..steps {
        for fault in Fault::ALL {
            everybodys_orders(Plan::from([(step, fault)]));
        }
    }
}
