//! The adapters of SQS and Secrets Manager, the start, and what one webhook costs, over small servers that count.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "test code: a panic is a failed test"
)]

mod billing;
mod clock;
mod functions;
mod health;
mod people;
mod queues;
mod secrets;
mod start;
mod topic;
mod uploads;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use frontdesk_core::{
    telemetry::{Gauge, Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
};
use frontdesk_testkit::recorder::Recorder;

/// A clock that several owners share.
#[derive(Clone, Debug)]
struct SharedClock(Arc<AtomicI64>);

impl SharedClock {
    fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for SharedClock {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.0.load(Ordering::SeqCst))
    }
}

/// Reports that several owners share.
#[derive(Clone, Debug, Default)]
struct Reports(Arc<Recorder>);

impl Telemetry for Reports {
    fn count(&self, metric: Metric, kind: Option<&'static str>) {
        self.0.count(metric, kind);
    }

    fn measure(&self, gauge: Gauge, value: u64) {
        self.0.measure(gauge, value);
    }

    fn line(&self, line: Line) {
        self.0.line(line);
    }
}
