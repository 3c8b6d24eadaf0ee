//! What happens, step by step, over ports. Every step that leaves the process is one port call, so that a test can fail,
//! lose or kill each of them (`tests/`, the crash simulation).

pub mod batch;
pub mod ingest;
pub mod promote;
pub mod send;
pub mod shopify_worker;
pub mod sweep;

use std::time::Duration;

use crate::{ids::Ids, store::Lease, time::Clock};

/// A new lease of the given length, starting now.
fn lease(clock: &impl Clock, ids: &impl Ids, length: Duration) -> Lease {
    let now = clock.now();
    Lease { owner: ids.owner(), now, until: now.plus(length) }
}
