//! A batch of queue messages, each on its own: one bad record fails alone, and a panic in it is caught.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};

/// One message of a batch. The body stays text until its own turn, so that an unreadable one cannot fail the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The queue's id of it, which reports a failure.
    pub id: String,
    /// What it carries: a key.
    pub body: String,
    /// The line in which a queue that keeps an order delivers it.
    pub group: Option<String>,
}

/// Runs `handle` on each message that carries a key and returns the ids of those that failed and must come again.
///
/// A message without a readable key is noted and dropped: coming again would not make it readable. Messages whose turn
/// does not come before `stop_at` fail unharmed, and so do those behind a failed one in the same line, which must not
/// overtake it.
pub async fn run<K, F, E>(
    messages: &[Message],
    stop_at: UnixMillis,
    clock: &impl Clock,
    telemetry: &impl Telemetry,
    read_key: impl Fn(&str) -> Option<K>,
    handle: impl Fn(K) -> F,
) -> Vec<String>
where
    F: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let mut failed = Vec::new();
    let mut blocked: Vec<&str> = Vec::new();
    for message in messages {
        if message.group.as_deref().is_some_and(|group| blocked.contains(&group)) {
            failed.push(message.id.clone());
            continue;
        }
        let before = failed.len();
        let Some(key) = read_key(&message.body) else {
            telemetry.line(Line::error("a queue message carries no key and is dropped").id("message.id", &message.id));
            continue;
        };
        if clock.now() >= stop_at {
            failed.push(message.id.clone());
            blocked.extend(message.group.as_deref());
            continue;
        }
        match caught(|| handle(key)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                telemetry.line(Line::warn("a record will be tried again").id("message.id", &message.id).detail(&error));
                failed.push(message.id.clone());
            }
            Err(Panicked) => {
                telemetry.count(Metric::RecordPanicked, None);
                telemetry.line(Line::error("a record made its handler panic").id("message.id", &message.id));
                failed.push(message.id.clone());
            }
        }
        if failed.len() > before {
            blocked.extend(message.group.as_deref());
        }
    }
    failed
}

struct Panicked;

/// Runs a future to its end or to its panic. The state behind it is the database's, not this process's, so nothing
/// half-changed is looked at afterwards.
async fn caught<F: Future>(make: impl FnOnce() -> F) -> Result<F::Output, Panicked> {
    let future = catch_unwind(AssertUnwindSafe(make)).map_err(|_| Panicked)?;
    Caught(Box::pin(future)).await
}

struct Caught<F>(Pin<Box<F>>);

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = self.0.as_mut();
        match catch_unwind(AssertUnwindSafe(|| inner.poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}
