//! What is measured, what it is given to do, and what it may cost.

use std::path::{Path, PathBuf};

use crate::samples::{Samples, queue_event};

/// A function, one event for it, and what must come of that.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) binary: PathBuf,
    pub(crate) event: Vec<u8>,
    /// Stands in every right answer.
    pub(crate) answer: &'static str,
    /// The calls that one event takes once the function is warm: these and no others.
    pub(crate) calls: &'static [(&'static str, u64)],
    pub(crate) budget: Budget,
}

/// What a function may cost. `start`, `init` and `warm` are multiples of what the function that does nothing takes in the
/// same run; the ADR says where each number comes from.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) start: f64,
    pub(crate) init: f64,
    pub(crate) first_event_ms: f64,
    pub(crate) warm: f64,
    pub(crate) memory_mb: f64,
    pub(crate) binary_mb: f64,
    /// From the start to the first answer.
    pub(crate) instructions_m: f64,
}

/// Somebody waits for its answer.
const ENDPOINT: Budget = Budget {
    start: 3.5,
    init: 3.8,
    first_event_ms: 1.0,
    warm: 9.0,
    memory_mb: 12.0,
    binary_mb: 7.5,
    instructions_m: 19.0,
};

/// Only a queue waits. Its start includes the phone table.
const WORKER: Budget = Budget {
    start: 5.2,
    init: 5.3,
    first_event_ms: 2.0,
    warm: 15.0,
    memory_mb: 20.0,
    binary_mb: 9.0,
    instructions_m: 25.0,
};

/// A worker whose event takes thirteen calls to tables and three to providers.
const SENDER: Budget =
    Budget { start: 8.0, init: 6.3, first_event_ms: 3.5, warm: 45.0, instructions_m: 36.0, ..WORKER };

const TIMERS: Budget = Budget { start: 3.0, init: 3.0, instructions_m: 11.0, ..ENDPOINT };

/// The function that does nothing, and after it ours. Their binaries stand in `bin`.
pub(crate) fn subjects(samples: &Samples, bin: &Path) -> Vec<Subject> {
    let subject = |name: &'static str, event: &[u8], answer, calls, budget| Subject {
        name,
        binary: bin.join(name),
        event: event.to_vec(),
        answer,
        calls,
        budget,
    };
    let batch_done = r#"{"batchItemFailures":[]}"#;
    vec![
        subject("do-nothing", &samples.webhook, "accepted", &[], ENDPOINT),
        subject("shopify-orders", &samples.webhook, "accepted", &[("PutItem", 1), ("SendMessage", 1)], ENDPOINT),
        subject(
            "shopify-worker",
            &queue_event(&samples.event_key),
            batch_done,
            &[("UpdateItem", 1), ("GetItem", 1), ("TransactWriteItems", 1)],
            WORKER,
        ),
        subject(
            "review-sender",
            &queue_event(&samples.request_key),
            batch_done,
            &[
                ("UpdateItem", 7),
                ("GetItem", 6),
                ("POST /admin/api/2026-10/graphql.json", 1),
                ("POST /v4/reviews/invites", 1),
                ("POST /v4/messages", 1),
            ],
            SENDER,
        ),
        subject("timers", br#"{"task":"sweep"}"#, r#"{"handled":0}"#, &[("Query", 4)], TIMERS),
    ]
}
