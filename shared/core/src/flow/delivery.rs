//! What became of what a provider took, and what follows from it.
//!
//! Two things have to meet: our own row, which says what an id stands for, and the provider's news of that id. They meet
//! in the row of the id ([`Outbox::track`]): whichever is written second sees the other. A process that dies in between is
//! made good by the [timer](super::unresolved), which looks at every send that nobody has said anything about for a day.

use std::time::Duration;

use crate::{
    contact::{Contacts, NotTextable},
    ids::{EffectKey, ProviderId},
    notice::{Content, Notice, NoticeKind, Notices},
    outbox::{DeliveryNews, Fact, FailureKind, Invite, Outbox, OutboxState},
    phone::E164Phone,
    review_code::ReviewCode,
    store::StoreError,
    telemetry::{Line, Metric, Telemetry},
    time::UnixMillis,
};

use super::{day_name, open_notice, opted_out_at_podium, report_review};

/// How long news of an id that is none of ours (yet) are kept: longer than the timer waits before it looks.
const NEWS_KEPT: Duration = Duration::from_secs(3 * 86_400);
/// The uid of a link that is not a person's own but a location's.
pub const LOCATION_LINK: &str = "location-link";

/// Our side: a provider took a send, under these ids. Repeated, it changes nothing.
pub(super) async fn sent(
    store: &(impl Contacts + Outbox + Notices),
    telemetry: &impl Telemetry,
    effect: &EffectKey,
    (message, invite): (&ProviderId, Option<&Invite>),
    (now, expires_at): (UnixMillis, UnixMillis),
) -> Result<(), StoreError> {
    let link = invite.map(|i| &i.uid).filter(|uid| uid.as_str() != LOCATION_LINK && *uid != message);
    for id in [Some(message), link].into_iter().flatten() {
        let tracked = store.track(id, &Fact::Ours(effect.clone()), expires_at).await?;
        if let Some(news) = tracked.news {
            apply(store, telemetry, effect, (news, news), (now, now)).await?;
        }
    }
    Ok(())
}

/// Their side: a provider says what became of what has one of these ids. Returns what it was, if it was ours.
pub(super) async fn learned(
    store: &(impl Contacts + Outbox + Notices),
    telemetry: &impl Telemetry,
    ids: &[ProviderId],
    news: DeliveryNews,
    (now, at): (UnixMillis, UnixMillis),
) -> Result<Option<EffectKey>, StoreError> {
    let mut ours = None;
    for id in ids {
        let tracked = store.track(id, &Fact::News(news), now.plus(NEWS_KEPT)).await?;
        if let Some(effect) = tracked.effect {
            // What was only shown to the shop's people went to nobody: nothing is learned of it about its person.
            if effect.imported().is_none() {
                apply(store, telemetry, &effect, (tracked.news.unwrap_or(news), news), (now, at)).await?;
            }
            ours = Some(effect);
        }
    }
    Ok(ours)
}

/// What news of a send mean: `weightiest` for the send, `said` for the person, who may be a landline and have opted out.
/// `at` is when it happened, as far as that is known.
///
/// What a failure says about the person comes first, because the send's own row remembers that it is done: a crash in
/// between repeats it, which changes nothing.
pub(super) async fn apply(
    store: &(impl Contacts + Outbox + Notices),
    telemetry: &impl Telemetry,
    effect: &EffectKey,
    (weightiest, said): (DeliveryNews, DeliveryNews),
    (now, at): (UnixMillis, UnixMillis),
) -> Result<(), StoreError> {
    let failure = |news: DeliveryNews| match news {
        DeliveryNews::Failed(kind) => Some(kind),
        DeliveryNews::Sent | DeliveryNews::Delivered => None,
    };
    let mut kinds: Vec<FailureKind> = [weightiest, said].into_iter().filter_map(failure).collect();
    kinds.dedup();
    // What arrived did arrive, whatever is said later.
    if !kinds.is_empty() && weightiest != DeliveryNews::Delivered {
        let Some(row) = store.send_row(effect).await? else { return Ok(()) };
        for kind in kinds {
            let open = match &row.state {
                OutboxState::Accepted { .. } => true,
                // The same again is noted already; what failed may fail for another reason, too.
                OutboxState::Undelivered { kind: known, .. } => *known != kind,
                OutboxState::Delivered { .. }
                | OutboxState::Pending { .. }
                | OutboxState::Sending(_)
                | OutboxState::Failed { .. }
                | OutboxState::Unknown => false,
            };
            if let Some(phone) = row.phone.as_ref().filter(|_| open) {
                note_failure(store, telemetry, effect, (phone, kind), (now, at)).await?;
            }
        }
    }
    let Some(resolved) = store.resolve(effect, weightiest, now).await? else { return Ok(()) };
    if resolved.changed {
        telemetry.count(Metric::DeliveryLearned, Some(weightiest.as_str()));
        telemetry.line(
            Line::info("a provider said what became of a message")
                .id("effect.key", effect.as_str())
                .word("delivery", weightiest.as_str()),
        );
    }
    Ok(())
}

async fn note_failure(
    store: &(impl Contacts + Notices),
    telemetry: &impl Telemetry,
    effect: &EffectKey,
    (phone, kind): (&E164Phone, FailureKind),
    (now, at): (UnixMillis, UnixMillis),
) -> Result<(), StoreError> {
    let line = |text| Line::warn(text).id("effect.key", effect.as_str()).word("reason", kind.as_str()).phone(phone);
    match kind {
        FailureKind::OptedOut => {
            store.record_opt_out(&opted_out_at_podium(phone, at.min(now))).await?;
            report_review(telemetry, ReviewCode::FailedOptOut, line("a message was refused: the person opted out"));
        }
        FailureKind::Landline | FailureKind::InvalidPhone => {
            let landline = kind == FailureKind::Landline;
            let why = if landline { NotTextable::Landline } else { NotTextable::InvalidPhone };
            store.mark_not_textable(phone, why, now).await?;
            report_review(telemetry, ReviewCode::NotSmsCapable, line("a message did not arrive: no number for texts"));
        }
        FailureKind::CarrierFiltered => {
            store.flag_for_review(phone, now).await?;
            report_review(telemetry, ReviewCode::FailedAtCarrier, line("a carrier did not deliver a message"));
            open_notice(store, telemetry, &filtered(effect, phone, now)).await?;
        }
        FailureKind::Other => telemetry.line(line("a message did not arrive")),
    }
    Ok(())
}

/// One a day: a sender that is not registered has every text of the day filtered, and people need to hear that once.
fn filtered(effect: &EffectKey, phone: &E164Phone, now: UnixMillis) -> Notice {
    let content = Content {
        headline: "A carrier filtered a text to a customer".into(),
        facts: vec![("Message".into(), effect.as_str().into()), ("Phone".into(), format!("ends in {}", phone.last4()))],
        quote: None,
        link: None,
        action: "Look whether the number is right and the sender is registered (10DLC). This is the first of the day; \
                     the others are flagged on their contacts and counted. The customer may be asked again: the \
                     cooldown was freed."
            .into(),
    };
    Notice {
        about: vec![effect.as_str().to_owned()],
        ..Notice::new(NoticeKind::CarrierFiltered, &day_name(now), content, now)
    }
}
