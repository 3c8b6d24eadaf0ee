//! What an event says about opt-outs. Read before anything about the event is judged, so that no other fault of it can
//! lose a STOP.

use super::{
    Channel, ContactChange, ContactEvent, LocationClaim, Message, PodiumEvent, Snapshot, What, refused_for_opt_out,
};
use crate::{
    contact::{Direction, Evidence, OptOutChange, OptOutFlag, OptOutSource},
    directory::LocationBook,
    outbox::{DeliveryNews, FailureKind},
    phone::{self, E164Phone, Region},
    time::UnixMillis,
    wish::{self, ExtraWords, Wish},
};

/// An event's news of opt-outs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptOutNews {
    /// None.
    Nothing,
    /// These changes.
    Changes(Vec<OptOutChange>),
    /// Somebody wants no more messages, and the number is written the national way; the locations say of which nation.
    NeedsLocations,
    /// Somebody wants no more messages, and the event does not say the number at all.
    WithoutPhone,
}

impl OptOutNews {
    /// Reads an event's news. `book` is wanted only after [`OptOutNews::NeedsLocations`].
    #[must_use]
    pub fn of(event: &PodiumEvent, extra: &ExtraWords, book: Option<&LocationBook>, received_at: UnixMillis) -> Self {
        let at = event.happened_at(received_at);
        match &event.what {
            What::Received(message) => match wish::read(message.text.as_deref().unwrap_or_default(), extra) {
                Wish::Stop => stop(message, book, at, received_at),
                // Anybody can type anybody's number into a form.
                Wish::Start if message.from_widget => Self::Nothing,
                Wish::Start => start(message, book, at, received_at),
                Wish::Help | Wish::Unsure | Wish::None => Self::Nothing,
            },
            What::Failed { message, reason } if reason.as_deref().is_some_and(refused_for_opt_out) => {
                refused(message.phone.as_deref(), message.uid.as_ref().map(|u| u.as_str()), at, received_at)
            }
            What::Invitation { invitation, phone, news: DeliveryNews::Failed(_), reason }
                if reason.as_deref().is_some_and(refused_for_opt_out) =>
            {
                refused(phone.as_deref(), invitation.as_ref().map(|i| i.as_str()), at, received_at)
            }
            What::InviteLink(link) if link.news == Some(DeliveryNews::Failed(FailureKind::OptedOut)) => {
                refused(link.phone.as_deref(), link.uid.as_ref().map(|u| u.as_str()), at, received_at)
            }
            What::Contact(contact) => {
                let changes = of_contact(contact, received_at);
                if changes.is_empty() { Self::Nothing } else { Self::Changes(changes) }
            }
            What::Sent(_)
            | What::Failed { .. }
            | What::Review(_)
            | What::ReviewResponse { .. }
            | What::InviteLink(_)
            | What::Invitation { .. }
            | What::Other => Self::Nothing,
        }
    }
}

fn stop(message: &Message, book: Option<&LocationBook>, at: UnixMillis, received_at: UnixMillis) -> OptOutNews {
    let Some(raw) = message.phone.as_deref() else { return OptOutNews::WithoutPhone };
    if let Some(phone) = plain(message, raw) {
        return OptOutNews::Changes(vec![stop_of(phone, message, at, received_at)]);
    }
    let Some(book) = book else { return OptOutNews::NeedsLocations };
    // Of which country the number is may be unclear. To be silent towards one stranger more costs nothing; to miss the
    // one who asked for silence does.
    let phones = candidates(message, raw, book);
    if phones.is_empty() {
        return OptOutNews::WithoutPhone;
    }
    OptOutNews::Changes(phones.into_iter().map(|phone| stop_of(phone, message, at, received_at)).collect())
}

/// Only for a number that is beyond doubt: a wish to be written to is not guessed at.
fn start(message: &Message, book: Option<&LocationBook>, at: UnixMillis, received_at: UnixMillis) -> OptOutNews {
    // A START by e-mail proves no number.
    let raw = message.phone.as_deref().filter(|_| message.channel != Channel::Other);
    let Some(raw) = raw else { return OptOutNews::Nothing };
    if let Some(phone) = plain(message, raw) {
        return OptOutNews::Changes(vec![keyword(phone, Direction::In, message, at, received_at)]);
    }
    let Some(book) = book else { return OptOutNews::NeedsLocations };
    match candidates(message, raw, book).as_slice() {
        [phone] => OptOutNews::Changes(vec![keyword(phone.clone(), Direction::In, message, at, received_at)]),
        _ => OptOutNews::Nothing,
    }
}

/// The number without asking where the location is. A number that has the form of one counts even if no numbering plan
/// knows it (yet): nobody is harmed by not being written to.
fn plain(message: &Message, raw: &str) -> Option<E164Phone> {
    if let Ok(phone) = message.customer(None) {
        return Some(phone);
    }
    let bare: String = raw.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    E164Phone::parse_e164(&bare).ok().filter(|p| p.expose().len() > 7)
}

fn candidates(message: &Message, raw: &str, book: &LocationBook) -> Vec<E164Phone> {
    let named = match &message.location {
        LocationClaim::Named(uid) => book.get(uid).and_then(|l| l.country),
        LocationClaim::Missing | LocationClaim::Unreadable => None,
    };
    let regions: Vec<Region> = named.map_or_else(|| book.countries(), |r| vec![r]);
    let mut phones: Vec<E164Phone> =
        regions.iter().filter_map(|r| Some(phone::normalize(raw, Some(r.as_str())).ok()?.e164)).collect();
    phones.sort_unstable();
    phones.dedup();
    phones
}

/// That the person of this number said STOP by this message.
pub(crate) fn stop_of(phone: E164Phone, message: &Message, at: UnixMillis, received_at: UnixMillis) -> OptOutChange {
    keyword(phone, Direction::Out, message, at, received_at)
}

fn keyword(
    phone: E164Phone,
    direction: Direction,
    message: &Message,
    at: UnixMillis,
    received_at: UnixMillis,
) -> OptOutChange {
    let text_sha256 = message.text_sha256();
    let message_id = message.uid.as_ref().map(|u| u.as_str().to_owned());
    let evidence =
        Evidence { source: message.source(), message_id, text_sha256, recorded_at: received_at, by_hand: None };
    OptOutChange { phone, flag: OptOutFlag::Keyword, direction, at, evidence }
}

fn refused(phone: Option<&str>, id: Option<&str>, at: UnixMillis, received_at: UnixMillis) -> OptOutNews {
    let Some(phone) = phone.and_then(|p| E164Phone::parse_e164(p.trim()).ok()) else {
        return OptOutNews::WithoutPhone;
    };
    OptOutNews::Changes(vec![by_podium(phone, OptOutFlag::Keyword, Direction::Out, at, id, received_at)])
}

fn by_podium(
    phone: E164Phone,
    flag: OptOutFlag,
    direction: Direction,
    at: UnixMillis,
    id: Option<&str>,
    recorded_at: UnixMillis,
) -> OptOutChange {
    let evidence = Evidence {
        source: OptOutSource::Podium,
        message_id: id.map(str::to_owned),
        text_sha256: None,
        recorded_at,
        by_hand: None,
    };
    OptOutChange { phone, flag, direction, at: at.min(recorded_at), evidence }
}

/// What a contact's new state says, compared with the one before. "Out" counts whenever it is shown; "in" only as a
/// change from out, since a contact that never opted in or out looks the same as one that is in.
fn of_contact(event: &ContactEvent, now: UnixMillis) -> Vec<OptOutChange> {
    let Some(after) = &event.after else { return Vec::new() };
    let unknown = Snapshot::default();
    // A merge's "before" is another contact: only what it says against messages goes over to the winner.
    let (before, loser) = match (event.change, &event.before) {
        (ContactChange::Merged, Some(loser)) => (&unknown, Some(loser)),
        (_, Some(before)) => (before, None),
        (_, None) => (&unknown, None),
    };
    let uid = after.uid.as_ref().map(|u| u.as_str());
    let changed_at = after.updated_at.unwrap_or(now);
    let make = |phone: &E164Phone, flag, direction, at| by_podium(phone.clone(), flag, direction, at, uid, now);
    let mut changes = Vec::new();
    for (phone, at) in &after.opted_out {
        changes.push(make(phone, OptOutFlag::Keyword, Direction::Out, *at));
    }
    for (phone, _) in &before.opted_out {
        // A channel that is not shown says nothing.
        if after.not_opted_out.contains(phone) {
            changes.push(make(phone, OptOutFlag::Keyword, Direction::In, changed_at));
        }
    }
    for (phone, listed) in &after.marketing {
        let Some((_, earlier)) = before.marketing.iter().find(|(p, _)| p == phone) else { continue };
        if earlier.iter().any(|uid| !listed.contains(uid)) {
            changes.push(make(phone, OptOutFlag::MarketingSms, Direction::Out, changed_at));
        } else if listed.len() > earlier.len() && after.locations.iter().all(|uid| listed.contains(uid)) {
            // Back everywhere. Of one more location it cannot be told whether another is still left out.
            changes.push(make(phone, OptOutFlag::MarketingSms, Direction::In, changed_at));
        }
    }
    for (flag, out) in &after.flags {
        let was = before.flags.iter().find(|(f, _)| f == flag).map(|(_, out)| *out);
        let direction = match (out, was) {
            (true, _) => Direction::Out,
            (false, Some(true)) => Direction::In,
            (false, Some(false) | None) => continue,
        };
        // What a channel says of its own number is the better witness.
        let said = |phone: &E164Phone| changes.iter().any(|c: &OptOutChange| c.phone == *phone && c.flag == *flag);
        let phones: Vec<&E164Phone> = after.phones.iter().filter(|p| !said(p)).collect();
        changes.extend(phones.into_iter().map(|phone| make(phone, *flag, direction, changed_at)).collect::<Vec<_>>());
    }
    if let Some(loser) = loser {
        let out: Vec<OptOutFlag> = loser
            .flags
            .iter()
            .filter(|(_, out)| *out)
            .map(|(flag, _)| *flag)
            .chain((!loser.opted_out.is_empty()).then_some(OptOutFlag::Keyword))
            .collect();
        for phone in after.phones.iter().chain(&loser.phones) {
            for flag in &out {
                if !changes.iter().any(|c| c.phone == *phone && c.flag == *flag && c.direction == Direction::Out) {
                    changes.push(make(phone, *flag, Direction::Out, changed_at));
                }
            }
        }
    }
    one_each(changes)
}

/// One change for each number and flag, because a transaction may touch a row once: out before in, then the newest.
fn one_each(mut changes: Vec<OptOutChange>) -> Vec<OptOutChange> {
    changes.sort_by_key(|c| (c.phone.clone(), c.flag, c.direction == Direction::In, std::cmp::Reverse(c.at)));
    changes.dedup_by(|later, first| later.phone == first.phone && later.flag == first.flag);
    changes
}
