//! Batches of SQS messages, answered message by message.

use std::{fmt::Display, future::Future, time::Duration};

use frontdesk_core::{
    flow::batch::{self, Message},
    telemetry::Telemetry,
    time::{Clock, UnixMillis},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Invocation;

/// A batch. Bodies stay text, so that one that cannot be read fails alone.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct QueueEvent {
    /// The messages.
    #[serde(default, rename = "Records")]
    pub records: Vec<Record>,
}

/// A message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// SQS's id of it.
    #[serde(default)]
    pub message_id: Option<String>,
    /// What it carries.
    #[serde(default)]
    pub body: Option<String>,
    /// What SQS says about it.
    #[serde(default)]
    pub attributes: Option<Attributes>,
}

/// What SQS says about a message.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Attributes {
    /// The line in which a queue that keeps an order delivers it.
    #[serde(default, rename = "MessageGroupId")]
    pub group: Option<String>,
}

/// The messages that must come again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueAnswer {
    /// Each by its id.
    pub batch_item_failures: Vec<Failure>,
}

/// A message that must come again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// SQS's id of it.
    pub item_identifier: String,
}

/// A message without an id failed. It cannot be named, and SQS would take an empty name for the failure of all, so the
/// whole batch comes again; what was done already is found done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a message without an id failed; the whole batch has to come again")]
pub struct Unnamed;

/// A deadline before this is a span: cargo-lambda's emulator gives the time left.
const EARLIEST: UnixMillis = UnixMillis::new(100_000_000_000);

/// Runs `handle` on each message whose body `read_key` can read. No message is begun later than `margin` before the end,
/// or than half of the time, whichever is later: a short time limit must not mean that nothing is ever begun.
///
/// # Errors
/// [`Unnamed`].
pub async fn work<K, F, E>(
    invocation: Invocation<QueueEvent>,
    margin: Duration,
    clock: &impl Clock,
    telemetry: &impl Telemetry,
    read_key: impl Fn(&str) -> Option<K>,
    handle: impl Fn(K) -> F,
) -> Result<QueueAnswer, Unnamed>
where
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let Invocation { event, deadline } = invocation;
    let stop_at = stop_at(deadline, margin, clock.now());
    let records = event.records.into_iter();
    let messages: Vec<Message> = records
        .map(|record| Message {
            id: record.message_id.unwrap_or_default(),
            body: record.body.unwrap_or_default(),
            group: record.attributes.and_then(|attributes| attributes.group),
        })
        .collect();
    let failed = batch::run(&messages, stop_at, clock, telemetry, read_key, handle).await;
    if failed.iter().any(String::is_empty) {
        return Err(Unnamed);
    }
    let batch_item_failures = failed.into_iter().map(|item_identifier| Failure { item_identifier }).collect();
    Ok(QueueAnswer { batch_item_failures })
}

fn stop_at(deadline: UnixMillis, margin: Duration, now: UnixMillis) -> UnixMillis {
    let left = if deadline < EARLIEST { deadline.since(UnixMillis::new(0)) } else { deadline.since(now) };
    now.plus(left.saturating_sub(margin).max(left / 2))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use frontdesk_core::{
        store::StoreError,
        telemetry::{Gauge, Line, Metric},
    };

    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_772_000_000_000);

    struct Still;

    impl Clock for Still {
        fn now(&self) -> UnixMillis {
            NOW
        }
    }

    struct Silent;

    impl Telemetry for Silent {
        fn count(&self, _: Metric, _: Option<&'static str>) {}

        fn measure(&self, _: Gauge, _: u64) {}

        fn line(&self, _: Line) {}
    }

    fn run(json: &str, deadline: UnixMillis) -> (Result<QueueAnswer, Unnamed>, Vec<String>) {
        let seen = RefCell::new(Vec::new());
        let handle = |key: String| {
            seen.borrow_mut().push(key.clone());
            async move {
                assert_ne!(key, "panic");
                let failed = StoreError::Unavailable { table: "inbox", detail: "test".into() };
                if key == "fail" { Err(failed) } else { Ok(()) }
            }
        };
        let key = |body: &str| (!body.is_empty() && !body.starts_with('?')).then(|| body.to_owned());
        let event = serde_json::from_str(json).unwrap();
        let invocation = Invocation { event, deadline };
        let work = work(invocation, Duration::from_secs(5), &Still, &Silent, key, handle);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(work);
        (answer, seen.into_inner())
    }

    const BATCH: &str = r#"{"Records":[
        {"messageId":"m1","body":"good"},{"messageId":"m2","body":"fail"},{"messageId":"m3","body":"?unreadable"},
        {"messageId":"m4","body":"panic"},{"messageId":"m5"},{"messageId":"m6","body":"good","attributes":{"n":1}}]}"#;

    #[test]
    fn each_message_fails_alone_and_is_named() {
        let (answer, seen) = run(BATCH, NOW.plus(Duration::from_secs(30)));
        assert_eq!(
            serde_json::to_string(&answer.unwrap()).unwrap(),
            r#"{"batchItemFailures":[{"itemIdentifier":"m2"},{"itemIdentifier":"m4"}]}"#
        );
        assert_eq!(seen, ["good", "fail", "panic", "good"]);
    }

    #[test]
    fn a_nameless_failure_brings_the_whole_batch_back() {
        let nameless = r#"{"Records":[{"messageId":"m1","body":"good"},{"body":"fail"}]}"#;
        assert_eq!(run(nameless, NOW.plus(Duration::from_secs(30))).0, Err(Unnamed));
        let good = r#"{"Records":[{"body":"good"},{"messageId":"","body":"good"}]}"#;
        assert_eq!(run(good, NOW.plus(Duration::from_secs(30))).0, Ok(QueueAnswer::default()));
        assert_eq!(run(r#"{"Records":[]}"#, NOW).0, Ok(QueueAnswer::default()));
    }

    #[test]
    fn what_stands_behind_a_failure_in_its_line_comes_again_with_it() {
        let in_lines = r#"{"Records":[
            {"messageId":"m1","body":"fail","attributes":{"MessageGroupId":"a"}},
            {"messageId":"m2","body":"behind","attributes":{"MessageGroupId":"a"}},
            {"messageId":"m3","body":"other","attributes":{"MessageGroupId":"b","SequenceNumber":"1"}},
            {"messageId":"m4","body":"none","attributes":null}]}"#;
        let (answer, seen) = run(in_lines, NOW.plus(Duration::from_secs(30)));
        let failed: Vec<String> =
            answer.unwrap().batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        assert_eq!(failed, ["m1", "m2"]);
        assert_eq!(seen, ["fail", "other", "none"]);
    }

    #[test]
    fn nothing_is_begun_when_the_time_is_over() {
        let (answer, seen) = run(BATCH, NOW);
        // The two without a readable key are dropped at any time.
        assert_eq!(answer.unwrap().batch_item_failures.len(), 4);
        assert!(seen.is_empty());
    }

    #[test]
    fn the_margin_never_takes_more_than_half_and_a_span_is_understood() {
        let seconds = Duration::from_secs;
        assert_eq!(stop_at(NOW.plus(seconds(30)), seconds(5), NOW), NOW.plus(seconds(25)));
        assert_eq!(stop_at(NOW.plus(seconds(5)), seconds(15), NOW), NOW.plus(Duration::from_millis(2_500)));
        assert_eq!(stop_at(UnixMillis::new(30_000), seconds(5), NOW), NOW.plus(seconds(25)));
        assert_eq!(stop_at(NOW.minus(seconds(1)), seconds(5), NOW), NOW);
    }
}
