//! A batch of queue messages: one message a line, its body arbitrary.
//!
//! Promises: every message is handled alone, whatever its neighbours hold or do; exactly those that failed, panicked or
//! came too late are reported, in order and by their own ids; a key that can be read is written back to the same key.

use std::cell::{Cell, RefCell};

use frontdesk_core::{
    flow::batch::{self, Message},
    ids::{OrderKey, Shard},
    inbox::InboxKey,
    store::StoreError,
    time::{Clock, UnixMillis},
};
use frontdesk_testkit::recorder::Recorder;

use crate::{Samples, Target, expecting_panics, ready};

pub(crate) const TARGET: Target = Target {
    name: "sqs_envelope",
    bytes_max: 2048,
    words: &[
        "shopify#",
        "podium#",
        "#",
        "~",
        "sha256-",
        "harbour-lane-demo.myshopify.com#",
        "18446744073709551615",
        "+7",
        "\n",
        "\u{feff}",
        "\0",
    ],
    seeds,
    run,
};

fn seeds(_: &Samples) -> Vec<Vec<u8>> {
    let batches = [
        "shopify#00000000-0000-4000-8000-000000000000\nshopify#00000000-0000-4000-8000-000000000001",
        "harbour-lane-demo.myshopify.com#7024000000101\nharbour-lane-demo.myshopify.com#820982911946154508",
        "podium#published-1\n\n#\nshopify#\nshopify\nshopify#a#b\nchatwoot#1",
        "{\"Records\":[{\"messageId\":\"m\",\"body\":\"shopify#1\"}]}",
        "shopify#sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nshop#-1\nshop#1.0\nshop#18446744073709551616",
    ];
    batches.iter().map(|b| b.as_bytes().to_vec()).collect()
}

/// Moves on by a second with every look.
struct Ticking(Cell<i64>);

impl Clock for Ticking {
    fn now(&self) -> UnixMillis {
        self.0.set(self.0.get() + 1_000);
        UnixMillis::new(self.0.get())
    }
}

fn run(data: &[u8]) {
    let messages: Vec<Message> = data
        .split(|&b| b == b'\n')
        .take(24)
        .enumerate()
        .map(|(n, body)| Message { id: format!("m{n}"), body: String::from_utf8_lossy(body).into_owned(), group: None })
        .collect();
    batch_of(&messages, |body| InboxKey::parse(body).map(|key| key.to_key()));
    batch_of(&messages, |body| OrderKey::parse(body).map(|key| key.to_key()));
    for body in messages.iter().map(|m| m.body.as_str()) {
        if let Some(key) = InboxKey::parse(body) {
            assert_eq!(key.to_key(), body, "an event's key does not survive the queue");
            assert!(Shard::all().any(|shard| shard == key.shard()));
        }
        if let Some(key) = OrderKey::parse(body) {
            assert_eq!(OrderKey::parse(&key.to_key()), Some(key), "a request's key does not survive the queue");
        }
    }
}

/// What a handler does with a key, which is up to the key.
fn fate(key: &str) -> usize {
    key.bytes().map(usize::from).sum::<usize>() % 5
}

fn batch_of(messages: &[Message], read: impl Fn(&str) -> Option<String>) {
    let telemetry = Recorder::default();
    let clock = Ticking(Cell::new(0));
    let stop_at = UnixMillis::new(16_000);
    let handled = RefCell::new(Vec::new());
    let handle = |key: String| {
        handled.borrow_mut().push(key.clone());
        assert_ne!(fate(&key), 0, "before its future is made");
        async move {
            match fate(&key) {
                1 => Err(StoreError::Unavailable { table: "inbox", detail: "no answer".into() }),
                2 => panic!("in its future"),
                3 => {
                    std::future::ready(()).await;
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    };
    let failed = expecting_panics(|| ready(batch::run(messages, stop_at, &clock, &telemetry, &read, handle)));

    let keyed: Vec<(&Message, String)> = messages.iter().filter_map(|m| Some((m, read(&m.body)?))).collect();
    // Every look at the clock is a second: the sixteenth is the first that comes too late.
    let (in_time, late) = keyed.split_at(keyed.len().min(15));
    let expected: Vec<&str> =
        in_time.iter().filter(|(_, key)| fate(key) <= 2).chain(late).map(|(message, _)| message.id.as_str()).collect();
    assert_eq!(failed, expected, "other messages are reported than failed");
    assert_eq!(*handled.borrow(), in_time.iter().map(|(_, key)| key.clone()).collect::<Vec<_>>());
}
