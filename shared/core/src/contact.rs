//! The contact: one row per phone, with every opt-out and the cooldown on it.
//!
//! Both live on one row so that one conditional update is the whole gate: there is no moment between "may we?" and
//! "then we do" in which somebody else could act.

use std::time::Duration;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// No more messages.
    Out,
    /// Messages are welcome again.
    In,
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

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// What it says holds now.
    Applied,
    /// A newer change (or an equally old opt-out, or one that this source may not take back) holds.
    Superseded,
}

/// The state of one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutRecord {
    /// Which way it points.
    pub direction: Direction,
    /// When it was last said.
    pub at: UnixMillis,
    /// The proof of the first time that it was said.
    pub evidence: Evidence,
    /// All who said "out" since it last was "in"; a wish for messages has to be one that may overrule each of them.
    pub sources: Vec<OptOutSource>,
}

/// What a change makes of a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It points the other way now: who else keeps such a record has to be told.
    Flipped(OptOutRecord),
    /// It points the same way, said again, or later, or by somebody else.
    Kept(OptOutRecord),
    /// Nothing is changed: the same is known already.
    Known,
    /// Nothing is changed: a newer change holds, or one that this source may not take back.
    Superseded,
}

impl OptOutRecord {
    /// What a change says, by itself.
    #[must_use]
    pub fn of(change: &OptOutChange) -> Self {
        let (direction, at, evidence) = (change.direction, change.at, change.evidence.clone());
        Self { direction, at, sources: vec![evidence.source], evidence }
    }

    /// The flag after a change. The newest change wins whatever the order of arrival, and out wins a tie; an echo of a known
    /// opt-out does not replace its proof.
    #[must_use]
    pub fn merged(known: Option<&Self>, change: &OptOutChange) -> Merged {
        let source = change.evidence.source;
        let new = || Self::of(change);
        match (change.direction, known.map(|k| (k.direction, k))) {
            (Direction::Out, None) => Merged::Flipped(new()),
            (Direction::Out, Some((Direction::In, known))) => {
                let overruled = known.evidence.source.may_reopen().contains(&source);
                if known.at <= change.at || !overruled { Merged::Flipped(new()) } else { Merged::Superseded }
            }
            (Direction::Out, Some((Direction::Out, known))) => {
                let mut kept = Self { at: known.at.max(change.at), ..known.clone() };
                if !kept.sources.contains(&source) {
                    kept.sources.push(source);
                    kept.sources.sort_unstable();
                }
                if kept == *known { Merged::Known } else { Merged::Kept(kept) }
            }
            (Direction::In, None) => Merged::Kept(new()),
            (Direction::In, Some((Direction::In, known))) => {
                if known.at < change.at {
                    Merged::Kept(new())
                } else {
                    Merged::Superseded
                }
            }
            (Direction::In, Some((Direction::Out, known))) => {
                let overrules = known.sources.iter().all(|s| source.may_reopen().contains(s));
                if known.at < change.at && overrules { Merged::Flipped(new()) } else { Merged::Superseded }
            }
        }
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
    /// Where this person prefers to review.
    pub preferred_platform: Option<Platform>,
    /// Whether a Facebook account is known.
    pub has_facebook: bool,
    /// Podium's contact of this number, once it is known to exist.
    pub podium: Option<PodiumLink>,
    /// Whether Podium has still to be told of the newest change of an opt-out.
    pub mirror: MirrorState,
    /// Whether the last thing that we told Podium was that this person opted out.
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

    /// Notes that somebody wrote to us: makes the contact's row if there is none, keeps the first name that was given,
    /// adds the location. Returns the contact as it is now.
    async fn meet(&self, meeting: &Meeting) -> Result<Contact, StoreError>;

    /// Notes Podium's contact of this number. A uid that is known already is replaced; `None` replaces nothing. A contact
    /// whose opt-out found nobody to be told about is due to be mirrored again.
    async fn link_podium(&self, phone: &E164Phone, link: &PodiumLink, now: UnixMillis) -> Result<(), StoreError>;

    /// Forgets Podium's contact, if it is this one. Opt-outs stay.
    async fn unlink_podium(&self, phone: &E164Phone, uid: &ProviderId) -> Result<(), StoreError>;

    /// Contacts of one partition whose opt-out is due to be told to Podium before `before`, oldest first.
    async fn mirrors_due(&self, shard: Shard, before: UnixMillis, limit: u16) -> Result<Vec<MirrorDue>, StoreError>;

    /// Settles a mirror, unless the contact changed since `due` was read: then the newer change is due by itself.
    async fn settle_mirror(&self, due: &MirrorDue, outcome: &MirrorOutcome) -> Result<(), StoreError>;
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
    #![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code: a panic is a failed test")]

    use super::*;

    const T: UnixMillis = UnixMillis::new(1_795_132_800_000);

    fn change(direction: Direction, source: OptOutSource, minute: u64) -> OptOutChange {
        let at = T.plus(Duration::from_secs(60 * minute));
        let evidence = Evidence { source, message_id: Some(format!("m{minute}")), text_sha256: None, recorded_at: at };
        let phone = E164Phone::parse_e164("+61491570156").unwrap();
        OptOutChange { phone, flag: OptOutFlag::Keyword, direction, at, evidence }
    }

    /// Plays changes in the order of their arrival.
    fn after(changes: &[OptOutChange]) -> Option<OptOutRecord> {
        changes.iter().fold(None, |known, change| match OptOutRecord::merged(known.as_ref(), change) {
            Merged::Flipped(record) | Merged::Kept(record) => Some(record),
            Merged::Known | Merged::Superseded => known,
        })
    }

    fn points(changes: &[OptOutChange]) -> Direction {
        after(changes).unwrap().direction
    }

    use Direction::{In, Out};
    use OptOutSource::{Api, Chatwoot, Email, Manual, Podium, Shopify, Sms, Webchat, Widget};

    #[test]
    fn whatever_the_order_of_arrival_the_same_holds_at_the_end() {
        let said = [
            change(Out, Sms, 1),
            change(In, Sms, 2),
            change(Out, Webchat, 3),
            change(In, Webchat, 4),
            change(Out, Podium, 4),
        ];
        for n in 0..120_usize {
            // All permutations, by the factorial number system.
            let (mut rest, mut left, mut order) = (said.to_vec(), n, Vec::new());
            for size in (1..=5).rev() {
                order.push(rest.remove(left % size));
                left /= size;
            }
            assert_eq!(points(&order), Out, "out wins the tie at minute 4: {order:?}");
        }
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
        let first = after(&[change(Out, Chatwoot, 1)]).unwrap();
        let Merged::Kept(echoed) = OptOutRecord::merged(Some(&first), &change(Out, Podium, 5)) else { panic!() };
        assert_eq!(echoed.evidence, first.evidence);
        assert_eq!(echoed.sources, [Chatwoot, Podium]);
        assert_eq!(OptOutRecord::merged(Some(&echoed), &change(Out, Podium, 5)), Merged::Known);
        assert_eq!(OptOutRecord::merged(Some(&echoed), &change(In, Podium, 9)), Merged::Superseded);
    }

    #[test]
    fn a_wish_for_messages_of_somebody_unknown_is_no_news_for_podium() {
        assert!(matches!(OptOutRecord::merged(None, &change(In, Webchat, 1)), Merged::Kept(_)));
        let mut contact = Contact::unknown(E164Phone::parse_e164("+61491570156").unwrap());
        contact.opt_outs.push((OptOutFlag::ReviewRequest, OptOutRecord::of(&change(Out, Manual, 1))));
        assert!(contact.opted_out().is_some() && !contact.opted_out_for_podium());
    }
}
