//! What happens, step by step, over ports. Every step that leaves the process is one port call, so that a test can fail,
//! lose or kill each of them (`tests/`, the crash simulation).

pub mod batch;
pub mod ingest;
pub mod locations;
pub mod mirror;
pub mod podium_worker;
pub mod promote;
pub mod say;
pub mod send;
pub mod sessions;
pub mod shopify_worker;
pub mod sweep;
pub mod worker;

use std::time::Duration;

use crate::{
    contact::Objection,
    ids::Ids,
    phone::E164Phone,
    provider::{Limits, NotDone},
    store::{Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, UnixMillis},
    webchat::WebchatCode,
};

/// A new lease of the given length, starting now.
fn lease(clock: &impl Clock, ids: &impl Ids, length: Duration) -> Lease {
    let now = clock.now();
    Lease { owner: ids.owner(), now, until: now.plus(length) }
}

/// Leaves a provider alone that asked for it, for everybody.
async fn respect(
    store: &impl Limits,
    telemetry: &impl Telemetry,
    now: UnixMillis,
    why: &NotDone,
) -> Result<(), StoreError> {
    if let NotDone::Throttled { provider, wait } = why {
        store.pause(*provider, now.plus(*wait)).await?;
        telemetry.count(Metric::ProviderPaused, Some(provider.as_str()));
    }
    Ok(())
}

/// Counts a condition under its code.
fn count(telemetry: &impl Telemetry, code: WebchatCode) {
    telemetry.count(Metric::WebchatCode, Some(code.as_str()));
}

/// The audit line of a message that was not sent.
fn report_blocked(telemetry: &impl Telemetry, phone: &E164Phone, what: &'static str, objection: &Objection) {
    let line = Line::info("a message was not sent").word("message", what).phone(phone);
    telemetry.line(match objection {
        Objection::OptedOut(flag) => {
            count(telemetry, WebchatCode::OptOutBlocked);
            line.code(WebchatCode::OptOutBlocked.as_str()).word("reason", flag.as_str())
        }
        Objection::NotTextable(why) => line.word("reason", why.as_str()),
        Objection::CoolingDown { .. } => line.word("reason", "cooldown"),
    });
}

/// One row that cannot be read must not keep a timer from the others; a table that does not answer ends its run.
fn unreadable(telemetry: &impl Telemetry, error: &StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::Unavailable { .. } => Err(error.clone()),
        StoreError::Corrupt { .. } => {
            telemetry.count(Metric::RowUnreadable, None);
            telemetry.line(Line::error("a row cannot be read and is passed over").detail(error));
            Ok(())
        }
    }
}

/// Says that nothing is sent because the opt-outs cannot be read.
fn report_unreadable(telemetry: &impl Telemetry, error: &StoreError) {
    let code = WebchatCode::OptOutStoreUnreachable;
    count(telemetry, code);
    telemetry.line(Line::error("opt-outs cannot be read; nothing is sent").code(code.as_str()).detail(error));
}
