//! The contact: one row per phone, with every opt-out and the cooldown on it.
//!
//! Both live on one row so that one conditional update is the whole gate: there is no moment between "may we?" and
//! "then we do" in which somebody else could act.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    ids::{EffectKey, LocationUid, ProviderId, Shard},
    phone::E164Phone,
    review::Platform,
    store::StoreError,
    time::UnixMillis,
};

/// The ways in which a person can have opted out. Any one of them stops every message (brief, section 6).
///
/// They are kept apart because they end differently: START re-opens a keyword opt-out and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptOutFlag {
    /// STOP or its like, in any channel; also what Podium tracks on its side.
    Keyword,
    /// Unsubscribed from marketing texts.
    MarketingSms,
    /// Does not want to be asked for reviews.
    ReviewRequest,
    /// Wants nothing at all; also every opt-out recorded by hand.
    Global,
}

impl OptOutFlag {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Keyword, Self::MarketingSms, Self::ReviewRequest, Self::Global];

    /// The brief's name of the flag.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "podium_keyword_optout",
            Self::MarketingSms => "marketing_sms_opt_out",
            Self::ReviewRequest => "review_request_opt_out",
            Self::Global => "global_unsubscribe",
        }
    }
}

/// Which way a flag is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// No more messages.
    Out,
    /// Messages are welcome again.
    In,
}

impl Direction {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }

    /// Reads [`Direction::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Out, Self::In].into_iter().find(|d| d.as_str() == text)
    }
}

/// Where the knowledge of an opt-out comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptOutSource {
    /// A text message.
    Sms,
    /// A website's chat, run by Podium.
    Webchat,
    /// Our own chat widget or form.
    Widget,
    /// A Chatwoot conversation.
    Chatwoot,
    /// An e-mail or a social network, through Podium.
    Email,
    /// Podium's own record, or its refusal to send.
    Podium,
    /// Shopify's record of consent.
    Shopify,
    /// A person at the shop.
    Manual,
    /// A program through the library.
    Api,
}

impl OptOutSource {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Sms,
        Self::Webchat,
        Self::Widget,
        Self::Chatwoot,
        Self::Email,
        Self::Podium,
        Self::Shopify,
        Self::Manual,
        Self::Api,
    ];

    /// Whose opt-outs a wish from here may take back.
    ///
    /// START re-opens what the same person closed by a keyword, and nothing that the shop, Shopify or a program
    /// recorded. A text proves its number; what somebody types into a web page proves none, so it does not take back
    /// what a text said. Podium's record follows the texts that it carried and knows nothing of our own channels.
    #[must_use]
    pub const fn may_reopen(self) -> &'static [Self] {
        match self {
            Self::Sms => &[Self::Sms, Self::Webchat, Self::Widget, Self::Chatwoot, Self::Email, Self::Podium],
            Self::Webchat | Self::Widget | Self::Chatwoot => &[Self::Webchat, Self::Widget, Self::Chatwoot],
            Self::Email => &[Self::Email],
            Self::Podium => &[Self::Sms, Self::Podium],
            Self::Shopify => &[Self::Shopify],
            Self::Manual | Self::Api => &Self::ALL,
        }
    }

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Webchat => "webchat",
            Self::Widget => "widget",
            Self::Chatwoot => "chatwoot",
            Self::Email => "email",
            Self::Podium => "podium",
            Self::Shopify => "shopify",
            Self::Manual => "manual",
            Self::Api => "api",
        }
    }

    /// Reads [`OptOutSource::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// Who wrote a wish down by hand, and why.
#[derive(Clone, PartialEq, Eq)]
pub struct ByHand {
    /// Who did, as they are known where they work.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
}

impl std::fmt::Debug for ByHand {
    /// Without the words, which may say more about somebody than a log should.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ByHand({:?})", self.by)
    }
}

/// What is kept as proof of a change. The message's text is kept as a hash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where it comes from.
    pub source: OptOutSource,
    /// The message that said it, if one did.
    pub message_id: Option<String>,
    /// SHA-256 of the message's text, in hex.
    pub text_sha256: Option<String>,
    /// When we wrote it down.
    pub recorded_at: UnixMillis,
    /// Who did, where a person did.
    pub by_hand: Option<ByHand>,
}

/// A change of one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutChange {
    /// Whose.
    pub phone: E164Phone,
    /// Which flag.
    pub flag: OptOutFlag,
    /// Which way.
    pub direction: Direction,
    /// When the person said so. The newest change wins whatever the order of arrival; on a tie, out wins.
    pub at: UnixMillis,
    /// The proof.
    pub evidence: Evidence,
}

impl OptOutChange {
    /// That somebody wants no more messages, as a record shows; no message of theirs says so.
    #[must_use]
    pub fn on_record(
        phone: E164Phone,
        flag: OptOutFlag,
        source: OptOutSource,
        at: UnixMillis,
        recorded_at: UnixMillis,
    ) -> Self {
        let evidence = Evidence { source, message_id: None, text_sha256: None, recorded_at, by_hand: None };
        Self { phone, flag, direction: Direction::Out, at, evidence }
    }

    /// What a person at the shop writes down, now.
    #[must_use]
    pub fn by_hand(
        phone: E164Phone,
        (flag, direction): (OptOutFlag, Direction),
        at: UnixMillis,
        recorded_at: UnixMillis,
        by_hand: ByHand,
    ) -> Self {
        let (message_id, text_sha256) = (None, None);
        let evidence =
            Evidence { source: OptOutSource::Manual, message_id, text_sha256, recorded_at, by_hand: Some(by_hand) };
        Self { phone, flag, direction, at, evidence }
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// What it says holds now.
    Applied,
    /// A newer change (or an equally old opt-out, or one that this source may not take back) holds.
    Superseded,
}

/// The state of one flag: everything that was said about it, and what follows from that.
///
/// Of each source the newest "out" and the newest "in" are kept. The flag is out while any "out" stands that no later
/// "in" of somebody who may take it back has ended. Both are maxima, so the order in which changes arrive, and how often,
/// makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutRecord {
    /// Which way it points.
    pub direction: Direction,
    /// Since when: the newest of what makes it point there.
    pub at: UnixMillis,
    /// The proof of the change that turned it there.
    pub evidence: Evidence,
    /// When each source last said each of the two.
    pub said: BTreeMap<(OptOutSource, Direction), UnixMillis>,
}

/// What a change makes of a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The flag after it.
    pub record: OptOutRecord,
    /// It points the other way now: who else keeps such a record has to be told.
    pub flipped: bool,
    /// There is something to write down.
    pub changed: bool,
}

impl OptOutRecord {
    /// What a change says, by itself.
    #[must_use]
    pub fn of(change: &OptOutChange) -> Self {
        let said = BTreeMap::from([((change.evidence.source, change.direction), change.at)]);
        Self { direction: change.direction, at: change.at, evidence: change.evidence.clone(), said }
    }

    /// The flag after a change. The newest change wins whatever the order of arrival, out wins a tie, and nobody takes back
    /// what they may not; an echo of a known opt-out does not replace its proof.
    ///
    /// `mirrored_out` ([`Contact::mirrored_out`]): what Podium says then is what it was told, by us. Counted as its own word,
    /// it would outlive the wish that it is an echo of.
    #[must_use]
    pub fn merged(known: Option<&Self>, change: &OptOutChange, mirrored_out: bool) -> Merged {
        if mirrored_out && change.direction == Direction::Out && change.evidence.source == OptOutSource::Podium {
            let record = known.cloned().unwrap_or_else(|| Self::of(change));
            return Merged { record, flipped: false, changed: false };
        }
        let Some(known) = known else {
            return Merged { record: Self::of(change), flipped: change.direction == Direction::Out, changed: true };
        };
        let mut said = known.said.clone();
        let newest = said.entry((change.evidence.source, change.direction)).or_insert(change.at);
        *newest = (*newest).max(change.at);
        let (direction, at) = standing(&said);
        let flipped = direction != known.direction;
        let changed = said != known.said;
        // What turned it is the proof of it; so is what a person put on top of that, with a name and a reason.
        let confirmed = changed && direction == change.direction && change.evidence.by_hand.is_some();
        let evidence = if flipped || confirmed { change.evidence.clone() } else { known.evidence.clone() };
        Merged { record: Self { direction, at, evidence, said }, flipped, changed }
    }
}

/// Which way a flag points after all that was said, and since when.
fn standing(said: &BTreeMap<(OptOutSource, Direction), UnixMillis>) -> (Direction, UnixMillis) {
    let all = |wanted: Direction| said.iter().filter(move |((_, d), _)| *d == wanted).map(|((s, _), at)| (*s, *at));
    let ended = |(out, at): &(OptOutSource, UnixMillis)| {
        all(Direction::In).any(|(back, later)| later > *at && back.may_reopen().contains(out))
    };
    let newest_out = all(Direction::Out).filter(|out| !ended(out)).map(|(_, at)| at).max();
    let newest_in = || all(Direction::In).map(|(_, at)| at).max().unwrap_or(UnixMillis::new(0));
    newest_out.map_or_else(|| (Direction::In, newest_in()), |at| (Direction::Out, at))
}

impl Merged {
    /// Whether the change's own wish is what holds now.
    #[must_use]
    pub fn outcome(&self, change: &OptOutChange) -> ChangeOutcome {
        if self.record.direction == change.direction { ChangeOutcome::Applied } else { ChangeOutcome::Superseded }
    }
}

/// The last review request and who caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// When it was reserved.
    pub at: UnixMillis,
    /// The send that holds it; only this one may free it.
    pub holder: EffectKey,
}

/// Why a number cannot get texts, learned from a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTextable {
    /// The provider calls the number invalid.
    InvalidPhone,
    /// A landline.
    Landline,
}

impl NotTextable {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidPhone => "invalid_phone",
            Self::Landline => "landline",
        }
    }

    /// Reads [`NotTextable::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::InvalidPhone, Self::Landline].into_iter().find(|n| n.as_str() == text)
    }
}

/// A contact as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The number that names the row.
    pub phone: E164Phone,
    /// The flags that were ever set, by [`OptOutFlag::ALL`]'s order.
    pub opt_outs: Vec<(OptOutFlag, OptOutRecord)>,
    /// The last review request.
    pub cooldown: Option<Cooldown>,
    /// Set when a provider said that the number cannot get texts.
    pub not_textable: Option<NotTextable>,
    /// Since when texts to this number are filtered by a carrier; a person has to look.
    pub flagged_at: Option<UnixMillis>,
    /// Where this person prefers to review.
    pub preferred_platform: Option<Platform>,
    /// Whether a Facebook account is known.
    pub has_facebook: bool,
    /// Podium's contact of this number, once it is known to exist.
    pub podium: Option<PodiumLink>,
    /// Whether Podium has still to be told of the newest change of an opt-out.
    pub mirror: MirrorState,
    /// Whether Podium may have heard from us that this person opted out, and not since that they are back. Set before the
    /// telling: its answer may be lost. As long as it holds, Podium's "out" is our own echo.
    pub mirrored_out: bool,
}

/// That Podium has a contact of this number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodiumLink {
    /// Its uid. The published upsert answers without one; a later webhook brings it.
    pub uid: Option<ProviderId>,
}

/// Whether Podium's record of an opt-out agrees with ours, as far as we told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorState {
    /// There never was anything to tell.
    Nothing,
    /// To be told, at this time or later.
    Due {
        /// When it is tried next.
        at: UnixMillis,
        /// How often it was tried in vain.
        attempts: u32,
    },
    /// Told, and what.
    Told {
        /// That the person opted out; else that they are back.
        out: bool,
    },
    /// Podium has no contact of this number, so there was nobody to tell about.
    NoContact,
}

impl Contact {
    /// A contact of whom nothing is known.
    #[must_use]
    pub const fn unknown(phone: E164Phone) -> Self {
        Self {
            phone,
            opt_outs: Vec::new(),
            cooldown: None,
            not_textable: None,
            flagged_at: None,
            preferred_platform: None,
            has_facebook: false,
            podium: None,
            mirror: MirrorState::Nothing,
            mirrored_out: false,
        }
    }

    /// What Podium's record of this person should say. An opt-out from review requests alone is nobody's wish to hear
    /// nothing at all, and is not told as one.
    #[must_use]
    pub fn opted_out_for_podium(&self) -> bool {
        let told = |f: OptOutFlag| match f {
            OptOutFlag::Keyword | OptOutFlag::MarketingSms | OptOutFlag::Global => true,
            OptOutFlag::ReviewRequest => false,
        };
        self.opt_outs.iter().any(|(f, r)| r.direction == Direction::Out && told(*f))
    }

    /// Why nothing may be sent at all; `None` when it may. What a conversation's answers have to pass.
    #[must_use]
    pub fn closed_to_messages(&self) -> Option<Objection> {
        self.opted_out().map(Objection::OptedOut).or_else(|| self.not_textable.map(Objection::NotTextable))
    }

    /// The first flag that forbids messages.
    #[must_use]
    pub fn opted_out(&self) -> Option<OptOutFlag> {
        self.opt_outs.iter().find(|(_, r)| r.direction == Direction::Out).map(|(f, _)| *f)
    }

    /// Why `intent` may not have the cooldown at `now`; `None` when it may. The order of the reasons is fixed:
    /// the gate must name the opt-out even when a cooldown would do.
    #[must_use]
    pub fn objection(&self, hold: &Hold) -> Option<Objection> {
        let cooling = || {
            let held = self.cooldown.as_ref().filter(|c| c.holder != hold.intent)?;
            (held.at > hold.now.minus(hold.window)).then(|| Objection::CoolingDown { until: held.at.plus(hold.window) })
        };
        self.closed_to_messages().or_else(cooling)
    }
}

/// The wish to reserve the cooldown of a contact for one send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Whose cooldown.
    pub phone: E164Phone,
    /// The send. A send that holds it already gets it again: a crash after the reservation must not cost the customer
    /// thirty days.
    pub intent: EffectKey,
    /// The present moment.
    pub now: UnixMillis,
    /// How long after one request the next may follow.
    pub window: Duration,
}

/// Why the gate stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The person opted out.
    OptedOut(OptOutFlag),
    /// The number cannot get texts.
    NotTextable(NotTextable),
    /// Another request was made too recently.
    CoolingDown {
        /// When the next may follow.
        until: UnixMillis,
    },
}

/// What became of [`Contacts::hold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldOutcome {
    /// Reserved; nobody objected at that very moment.
    Held,
    /// Not reserved, and why.
    Refused(Objection),
}

/// The contacts table.
///
/// Of somebody whose data was erased no row is left, but under a keyed hash of the number it is kept that they had opted
/// out, and when they were last asked. Every operation on a number without a row honours that: it reads, refuses and
/// merges as if the erased flags and the erased cooldown still stood there.
pub trait Contacts {
    /// Reads a contact, strongly consistent.
    async fn contact(&self, phone: &E164Phone) -> Result<Option<Contact>, StoreError>;

    /// Writes one change of a flag, by the rules of [`OptOutRecord::merged`]. A flag that is flipped is due to be mirrored;
    /// one that is not stays as it was told.
    async fn record_opt_out(&self, change: &OptOutChange) -> Result<ChangeOutcome, StoreError>;

    /// The gate's one conditional update: succeeds only if no flag is out, the number can be texted, and the cooldown
    /// is free, over, or this intent's own.
    async fn hold(&self, hold: &Hold) -> Result<HoldOutcome, StoreError>;

    /// Frees the cooldown if, and only if, `intent` holds it. Says whether it did.
    async fn release_hold(&self, phone: &E164Phone, intent: &EffectKey) -> Result<bool, StoreError>;

    /// Notes that the number cannot get texts.
    async fn mark_not_textable(&self, phone: &E164Phone, why: NotTextable, now: UnixMillis) -> Result<(), StoreError>;

    /// Notes that texts to this number are filtered on their way, for a person to look at; the first time stays.
    async fn flag_for_review(&self, phone: &E164Phone, now: UnixMillis) -> Result<(), StoreError>;

    /// Notes that somebody wrote to us: makes the contact's row if there is none, keeps the first name that was given,
    /// adds the location. Returns the contact as it is now.
    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError>;

    /// Notes Podium's contact of this number. A uid that is known already is replaced; `None` replaces nothing. A contact
    /// whose opt-out found nobody to be told about, or is about to, is due to be mirrored anew.
    async fn link_podium(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<(), StoreError>;

    /// Forgets Podium's contact, if it is this one. Opt-outs stay.
    async fn unlink_podium(&self, phone: &E164Phone, uid: &ProviderId) -> Result<(), StoreError>;

    /// Contacts of one partition whose opt-out is due to be told to Podium before `before`, oldest first.
    async fn mirrors_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<MirrorDue>, StoreError>;

    /// Notes that Podium is about to be told that this person opted out.
    async fn note_telling(&self, phone: &E164Phone) -> Result<(), StoreError>;

    /// Erases a contact: its row goes, its opt-outs and the time of its cooldown stay under a keyed hash, in one
    /// transaction. Repeated, it changes nothing.
    async fn erase_contact(&self, phone: &E164Phone) -> Result<(), StoreError>;

    /// Settles a mirror, unless the contact changed since `due` was read: then the newer change is due by itself.
    async fn settle_mirror(&self, due: &MirrorDue, outcome: &MirrorOutcome) -> Result<(), StoreError>;
}

/// What an operator does about the record that Podium keeps of a contact.
pub trait Mirrors {
    /// Makes it due to be told now what Podium's record should say, whatever was told before. `false`: there is no contact
    /// row, so nobody is told of anything.
    async fn tell_anew(&self, phone: &E164Phone, now: UnixMillis) -> Result<bool, StoreError>;
}

/// Somebody who wrote to us.
#[derive(Clone, PartialEq, Eq)]
pub struct Meeting {
    /// Who.
    pub phone: E164Phone,
    /// The first name, if it came along.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// Which location was written to.
    pub location: LocationUid,
    /// When.
    pub now: UnixMillis,
}

impl std::fmt::Debug for Meeting {
    /// Without the name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Meeting({} at {})", self.phone, self.location)
    }
}

/// A contact that Podium has to be told about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorDue {
    /// Who.
    pub phone: E164Phone,
    /// Names the change that made it due.
    pub mark: String,
    /// When it became due, or was to be tried again.
    pub at: UnixMillis,
    /// How often it was tried in vain.
    pub attempts: u32,
}

/// How an attempt to tell Podium ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorOutcome {
    /// Podium knows.
    Told {
        /// That the person opted out; else that they are back.
        out: bool,
    },
    /// Podium has no such contact.
    NoContact,
    /// It failed; to be tried again.
    Later {
        /// When.
        at: UnixMillis,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "this is test code: a panic is a failed test")]

    use super::*;

    const T: UnixMillis = UnixMillis::new(1_795_132_800_000);

    fn change(direction: Direction, source: OptOutSource, minute: u64) -> OptOutChange {
        let at = T.plus(Duration::from_secs(60 * minute));
        let evidence = Evidence {
            source,
            message_id: Some(format!("m{minute}")),
            text_sha256: None,
            recorded_at: at,
            by_hand: None,
        };
        let phone = E164Phone::parse_e164("+61491570156").unwrap();
        OptOutChange { phone, flag: OptOutFlag::Keyword, direction, at, evidence }
    }

    /// Plays changes in the order of their arrival.
    fn after(changes: &[OptOutChange]) -> OptOutRecord {
        let merge =
            |known: Option<OptOutRecord>, change| Some(OptOutRecord::merged(known.as_ref(), change, false).record);
        changes.iter().fold(None, merge).unwrap()
    }

    fn points(changes: &[OptOutChange]) -> Direction {
        after(changes).direction
    }

    use Direction::{In, Out};
    use OptOutSource::{Api, Chatwoot, Email, Manual, Podium, Shopify, Sms, Webchat, Widget};

    /// Whoever asks why somebody is not written to is told who wrote it down, although it was known before.
    #[test]
    fn what_a_person_confirms_by_hand_is_the_better_proof() {
        let by_hand = |direction, minute: u64| {
            let hand = ByHand { by: "kim".into(), reason: "by letter".into() };
            let at = T.plus(Duration::from_secs(60 * minute));
            let phone = E164Phone::parse_e164("+61491570156").unwrap();
            OptOutChange::by_hand(phone, (OptOutFlag::Keyword, direction), at, at, hand)
        };
        let by = |changes: &[OptOutChange]| after(changes).evidence.by_hand.map(|hand| hand.by);
        assert_eq!(by(&[change(Out, Sms, 1), by_hand(Out, 2)]).as_deref(), Some("kim"));
        assert_eq!(by(&[by_hand(Out, 1), change(Out, Sms, 2)]).as_deref(), Some("kim"), "an echo replaces no proof");
        assert_eq!(by(&[change(Out, Sms, 2), by_hand(In, 1)]), None, "what does not hold proves nothing");
    }

    /// Every sequence of four changes by four kinds of source, in every order of arrival.
    #[test]
    fn the_order_of_arrival_makes_no_difference() {
        let kinds: Vec<(Direction, OptOutSource)> =
            [Sms, Webchat, Podium, Manual].into_iter().flat_map(|s| [(Out, s), (In, s)]).collect();
        let orders: Vec<Vec<usize>> = (0..24)
            .map(|n| {
                let (mut rest, mut left) = (vec![0, 1, 2, 3], n);
                (1..=4).rev().map(|size| (rest.remove(left % size), left /= size).0).collect()
            })
            .collect();
        for n in 0..kinds.len().pow(4) {
            let said: Vec<OptOutChange> = (0..4_u32)
                .map(|place| {
                    let (direction, source) = kinds[n / kinds.len().pow(place) % kinds.len()];
                    change(direction, source, u64::from(place))
                })
                .collect();
            let expected = after(&said);
            for order in &orders {
                let arrived: Vec<OptOutChange> = order.iter().map(|i| said[*i].clone()).collect();
                let found = after(&arrived);
                assert_eq!(
                    (found.direction, found.at, found.said),
                    (expected.direction, expected.at, expected.said.clone())
                );
            }
        }
    }

    #[test]
    fn out_wins_a_tie() {
        assert_eq!(points(&[change(Out, Sms, 1), change(In, Sms, 1)]), Out);
        assert_eq!(points(&[change(In, Sms, 1), change(Out, Sms, 1)]), Out);
    }

    #[test]
    fn only_who_may_overrule_each_source_re_opens() {
        for out in OptOutSource::ALL {
            for back in OptOutSource::ALL {
                let expected = if back.may_reopen().contains(&out) { In } else { Out };
                assert_eq!(points(&[change(Out, out, 1), change(In, back, 2)]), expected, "{out:?} then {back:?}");
                // The wish arrives first, and is no wish against what it may not overrule.
                assert_eq!(points(&[change(In, back, 2), change(Out, out, 1)]), expected, "{back:?} before {out:?}");
            }
        }
        assert_eq!(points(&[change(Out, Webchat, 1), change(Out, Manual, 2), change(In, Sms, 3)]), Out);
        assert!(!Webchat.may_reopen().contains(&Sms), "what is typed into a page proves no number");
        for machine in [Shopify, Manual, Api] {
            assert!(![Sms, Webchat, Widget, Chatwoot, Email, Podium].iter().any(|s| s.may_reopen().contains(&machine)));
        }
    }

    #[test]
    fn an_echo_replaces_no_proof_and_flips_nothing() {
        let first = after(&[change(Out, Chatwoot, 1)]);
        let echo = change(Out, Podium, 5);
        let own = OptOutRecord::merged(Some(&first), &echo, true);
        assert_eq!((own.flipped, own.changed, own.outcome(&echo)), (false, false, ChangeOutcome::Applied));
        // Without our telling it is Podium's own word.
        let echoed = OptOutRecord::merged(Some(&first), &echo, false);
        assert_eq!((&echoed.record.evidence, echoed.flipped, echoed.changed), (&first.evidence, false, true));
        let again = OptOutRecord::merged(Some(&echoed.record), &echo, false);
        assert_eq!((again.flipped, again.changed, again.outcome(&echo)), (false, false, ChangeOutcome::Applied));
        let back = change(In, Podium, 9);
        let refused = OptOutRecord::merged(Some(&echoed.record), &back, false);
        assert_eq!((refused.flipped, refused.outcome(&back)), (false, ChangeOutcome::Superseded));
    }

    #[test]
    fn a_wish_for_messages_of_somebody_unknown_is_no_news_for_podium() {
        let merged = OptOutRecord::merged(None, &change(In, Webchat, 1), false);
        assert!(!merged.flipped && merged.changed);
        let mut contact = Contact::unknown(E164Phone::parse_e164("+61491570156").unwrap());
        contact.opt_outs.push((OptOutFlag::ReviewRequest, OptOutRecord::of(&change(Out, Manual, 1))));
        assert!(contact.opted_out().is_some() && !contact.opted_out_for_podium());
    }
}
