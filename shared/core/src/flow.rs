//! What happens, step by step, over ports. Every step that leaves the process is one port call, so that a test can fail,
//! lose or kill each of them (`tests/`, the crash simulation).

pub mod answer;
pub mod batch;
pub mod chatwoot_worker;
pub mod contact_form;
pub mod delivery;
pub mod forget;
pub mod health;
mod import;
pub mod ingest;
pub mod listen;
pub mod locations;
pub mod mirror;
pub mod notify;
pub mod operate;
pub mod podium_worker;
pub mod post;
pub mod privacy;
pub mod promote;
pub mod reconcile;
pub mod reviews;
pub mod say;
pub mod send;
pub mod sessions;
pub mod shopify_worker;
pub mod sweep;
pub mod unresolved;
pub mod web;
pub mod widget_chat;
pub mod widget_edge;
pub mod worker;

use std::time::Duration;

use crate::{
    chat_code::ChatCode,
    contact::{Contacts, NotTextable, Objection, OptOutChange, OptOutFlag, OptOutSource},
    ids::Ids,
    notice::{Notice, NoticeKey, NoticeQueue, Notices},
    phone::E164Phone,
    provider::{Limits, NotDone, Provider, Refusal},
    queue::DelaySeconds,
    review_code::ReviewCode,
    store::{Lease, StoreError},
    telemetry::{Line, Metric, Telemetry},
    time::{Clock, DAY, UnixMillis},
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

/// Why a provider is not to be called now, if it asked to be left alone.
async fn paused(store: &impl Limits, clock: &impl Clock, provider: Provider) -> Result<Option<NotDone>, StoreError> {
    let now = clock.now();
    let until = store.paused_until(provider, now).await?;
    Ok(until.map(|until| NotDone::Throttled { provider, wait: until.since(now) }))
}

/// Writes down what a refusal says about the person. Before the end of the send, so that a crash in between repeats the
/// refusal and not the mistake.
async fn learn(store: &impl Contacts, phone: &E164Phone, refusal: Refusal, now: UnixMillis) -> Result<(), StoreError> {
    match refusal {
        Refusal::InvalidPhone => store.mark_not_textable(phone, NotTextable::InvalidPhone, now).await,
        Refusal::OptedOut => store.record_opt_out(&opted_out_at_podium(phone, now)).await.map(|_| ()),
        Refusal::CooldownViolation | Refusal::Other { .. } => Ok(()),
    }
}

/// That Podium says of somebody that they want no messages.
fn opted_out_at_podium(phone: &E164Phone, now: UnixMillis) -> OptOutChange {
    OptOutChange::on_record(phone.clone(), OptOutFlag::Keyword, OptOutSource::Podium, now, now)
}

/// Counts a condition under its code, and says it.
fn report(telemetry: &impl Telemetry, code: WebchatCode, line: Line) {
    telemetry.count(Metric::WebchatCode, Some(code.as_str()));
    telemetry.line(line.code(code.as_str()));
}

/// The same, of the chats.
fn report_chat(telemetry: &impl Telemetry, code: ChatCode, line: Line) {
    telemetry.count(Metric::ChatCode, Some(code.as_str()));
    telemetry.line(line.code(code.as_str()));
}

/// The same, of the review flow.
fn report_review(telemetry: &impl Telemetry, code: ReviewCode, line: Line) {
    telemetry.count(Metric::ReviewCode, Some(code.as_str()));
    telemetry.line(line.code(code.as_str()));
}

/// Writes down what people have to be told; the notifier's timer finds it within a minute.
async fn open_notice(store: &impl Notices, telemetry: &impl Telemetry, notice: &Notice) -> Result<(), StoreError> {
    if store.open_notice(notice).await? {
        telemetry.count(Metric::NoticeOpened, Some(notice.kind.as_str()));
        telemetry.line(
            Line::info("people have something to be told")
                .word("notice", notice.kind.as_str())
                .id("notice.key", notice.key.as_str()),
        );
    }
    Ok(())
}

/// Wakes the notifier. If the queue does not take it, the timer finds the notice; says whether it was taken.
async fn wake(queue: &impl NoticeQueue, telemetry: &impl Telemetry, key: &NoticeKey, delay: DelaySeconds) -> bool {
    let Err(error) = queue.enqueue_notice(key, delay).await else { return true };
    telemetry.count(Metric::QueueSendFailed, None);
    let line = Line::warn("a notice is not queued; the timer will");
    telemetry.line(line.id("notice.key", key.as_str()).detail(&error));
    false
}

/// The name of a day, for what people are told once a day.
fn day_name(now: UnixMillis) -> String {
    format!("day-{}", now.since(UnixMillis::new(0)).as_secs() / DAY.as_secs())
}

/// The audit line of a message that was not sent.
fn report_blocked(telemetry: &impl Telemetry, phone: &E164Phone, what: &'static str, objection: &Objection) {
    let line = Line::info("a message was not sent").word("message", what).phone(phone);
    match objection {
        Objection::OptedOut(flag) => {
            report(telemetry, WebchatCode::OptOutBlocked, line.word("reason", flag.as_str()));
        }
        Objection::NotTextable(why) => telemetry.line(line.word("reason", why.as_str())),
        Objection::CoolingDown { .. } => telemetry.line(line.word("reason", "cooldown")),
    }
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
    let line = Line::error("opt-outs cannot be read; nothing is sent").detail(error);
    report(telemetry, WebchatCode::OptOutStoreUnreachable, line);
}
