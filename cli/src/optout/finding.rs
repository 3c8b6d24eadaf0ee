//! What two records of one person say, and why they differ.

use frontdesk_core::{
    contact::{Contact, Direction, MirrorState, OptOutFlag, OptOutRecord},
    phone::E164Phone,
    provider::{ListedContact, OptOutMirror},
    time::UnixMillis,
};
use serde_json::{Value, json};

use crate::people::masked;

/// The outcome of an audit.
#[derive(Debug)]
pub(super) struct Finding {
    phone: E164Phone,
    ours: Option<Contact>,
    theirs: Option<ListedContact>,
    how: Option<OptOutMirror>,
    mirror: Mirror,
    consistent: bool,
    /// One sentence.
    pub(super) why: String,
}

/// How far Podium was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mirror {
    state: &'static str,
    due: Option<(UnixMillis, u32)>,
}

impl Mirror {
    fn of(state: MirrorState, how: Option<OptOutMirror>) -> Self {
        match state {
            MirrorState::Nothing => Self { state: "nothing", due: None },
            // It stays due for the day when there is a way.
            MirrorState::Due { at, attempts } => {
                Self { state: if how.is_some() { "due" } else { "off" }, due: Some((at, attempts)) }
            }
            MirrorState::Told { .. } => Self { state: "told", due: None },
            MirrorState::NoContact => Self { state: "no_contact", due: None },
        }
    }
}

impl Finding {
    pub(super) fn of(
        phone: E164Phone,
        ours: Option<Contact>,
        theirs: Option<ListedContact>,
        how: Option<OptOutMirror>,
    ) -> Self {
        let state = ours.as_ref().map_or(MirrorState::Nothing, |contact| contact.mirror);
        let out = ours.as_ref().is_some_and(|contact| contact.opted_out().is_some());
        let to_tell = ours.as_ref().is_some_and(Contact::opted_out_for_podium);
        let (consistent, why) = match (out, theirs.as_ref().map(|contact| contact.opted_out)) {
            (_, None) => (true, "Podium has no contact of this number".to_owned()),
            (true, Some(true)) => (true, "both say that this person wants no messages".to_owned()),
            (false, Some(false)) => (true, "neither says that this person wants no messages".to_owned()),
            (true, Some(false)) if !to_tell => {
                (true, "an opt-out from review requests only is not told to Podium".to_owned())
            }
            (true, Some(false)) => (false, format!("Podium does not know of the opt-out: {}", untold(state, how))),
            (false, Some(true)) => {
                let here = match ours.as_ref().and_then(newest) {
                    Some(_) => format!("it was taken back here, and {}", untold(state, how)),
                    None => "nothing of it is recorded here; if it holds, record it by hand (docs/RUNBOOK.md)".into(),
                };
                (false, format!("Podium says that this person wants no messages: {here}"))
            }
        };
        Self { phone, ours, theirs, how, mirror: Mirror::of(state, how), consistent, why }
    }

    pub(super) const fn consistent(&self) -> bool {
        self.consistent
    }

    pub(super) const fn phone(&self) -> &E164Phone {
        &self.phone
    }

    /// Our record.
    pub(super) const fn ours(&self) -> Option<&Contact> {
        self.ours.as_ref()
    }

    /// Podium's.
    pub(super) const fn theirs(&self) -> Option<&ListedContact> {
        self.theirs.as_ref()
    }

    /// How Podium is told of opt-outs.
    pub(super) const fn how(&self) -> Option<OptOutMirror> {
        self.how
    }

    /// How far Podium was told.
    pub(super) fn mirror_json(&self) -> Value {
        json!({
            "state": self.mirror.state,
            "due_at": self.mirror.due.map(|(at, _)| seconds(at)),
            "attempts": self.mirror.due.map(|(_, attempts)| attempts),
        })
    }

    pub(super) fn json(&self) -> Value {
        let absent = || json!({ "present": false });
        let ours = self.ours.as_ref().map_or_else(absent, |contact| {
            let shown = newest(contact);
            let record = shown.map(|(_, record)| record);
            json!({
                "opted_out": contact.opted_out().is_some(),
                "flag": shown.map(|(flag, _)| flag.as_str()),
                "source": record.map(|record| record.evidence.source.as_str()),
                "at": record.map(|record| seconds(record.at)),
                "recorded_at": record.map(|record| seconds(record.evidence.recorded_at)),
                "recorded_at_iso": record.map(|record| iso(record.evidence.recorded_at)),
            })
        });
        let theirs = self
            .theirs
            .as_ref()
            .map_or_else(absent, |contact| json!({ "uid": contact.uid.as_str(), "opted_out": contact.opted_out }));
        json!({
            "phone": self.phone.expose(),
            "optout_store": ours,
            "podium_contact": theirs,
            "mirror": self.mirror_json(),
            "consistent": self.consistent,
            "why": self.why,
        })
    }

    pub(super) fn table(&self) -> String {
        let word = |out| if out { "opted out" } else { "not opted out" };
        let ours = self.ours.as_ref().map_or("not known".to_owned(), |contact| {
            let of = newest(contact).map(|(flag, record)| {
                let direction = if record.direction == Direction::Out { "out" } else { "back in" };
                let (source, at) = (record.evidence.source.as_str(), iso(record.evidence.recorded_at));
                format!(" ({}: {direction} by {source}, recorded {at})", flag.as_str())
            });
            word(contact.opted_out().is_some()).to_owned() + &of.unwrap_or_default()
        });
        let theirs = self.theirs.as_ref().map_or("not known".to_owned(), |contact| {
            format!("{} (contact {})", word(contact.opted_out), contact.uid.as_str())
        });
        let due = self.mirror.due.map(|(at, attempts)| format!(" (due {}, vain attempts: {attempts})", iso(at)));
        let mirror = format!("{}{}", self.mirror.state, due.unwrap_or_default());
        let consistent = if self.consistent { "yes" } else { "NO" };
        format!(
            "phone       {}\nhere        {ours}\nPodium      {theirs}\nmirror      {mirror}\nconsistent  {consistent}: {}\n",
            masked(&self.phone),
            self.why
        )
    }
}

/// The flag that decides, or, where none is out, the one that was taken back last.
fn newest(contact: &Contact) -> Option<&(OptOutFlag, OptOutRecord)> {
    let deciding = contact.opted_out();
    contact
        .opt_outs
        .iter()
        .find(|(flag, _)| Some(*flag) == deciding)
        .or_else(|| contact.opt_outs.iter().max_by_key(|(_, record)| record.at))
}

/// Why Podium says something else than what it would say if it had been told.
fn untold(state: MirrorState, how: Option<OptOutMirror>) -> String {
    match (state, how) {
        (MirrorState::Due { .. }, None) => "it is not told, since OPTOUT_MIRROR is none".to_owned(),
        (MirrorState::Due { at, attempts: 0 }, Some(_)) => format!("it is to be told at {}", iso(at)),
        (MirrorState::Due { at, attempts }, Some(_)) => {
            format!("it was told in vain, attempt {attempts}, and will be told again at {}", iso(at))
        }
        (MirrorState::Told { .. }, Some(OptOutMirror::CampaignOptOut)) => {
            "it was told by OPTOUT_MIRROR=campaign_opt_out, which changes its campaigns and not this record".to_owned()
        }
        (MirrorState::Told { .. }, _) => "it was told, and its record was changed since".to_owned(),
        (MirrorState::NoContact, _) => {
            "it had no contact when it was to be told; it is told when its contact is next heard of".to_owned()
        }
        (MirrorState::Nothing, _) => "it is not noted that it has to be told".to_owned(),
    }
}

/// As the briefs count, in whole seconds.
const fn seconds(at: UnixMillis) -> i64 {
    at.get().div_euclid(1_000)
}

fn iso(at: UnixMillis) -> String {
    jiff::Timestamp::from_second(seconds(at)).map(|at| at.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use frontdesk_core::{
        contact::{Evidence, OptOutChange, OptOutSource},
        ids::ProviderId,
    };

    use super::*;

    const AT: UnixMillis = UnixMillis::new(1_746_000_000_999);
    const WAYS: [Option<OptOutMirror>; 4] =
        [None, Some(OptOutMirror::Tag), Some(OptOutMirror::CampaignOptOut), Some(OptOutMirror::BriefPatch)];

    fn phone() -> E164Phone {
        E164Phone::parse_e164("+61491570156").unwrap()
    }

    fn contact(flags: &[(OptOutFlag, Direction, i64)], mirror: MirrorState) -> Contact {
        let evidence = Evidence {
            source: OptOutSource::Webchat,
            message_id: None,
            text_sha256: None,
            recorded_at: AT,
            by_hand: None,
        };
        let record = |flag, direction, at| {
            let (at, evidence) = (UnixMillis::new(at), evidence.clone());
            OptOutRecord::of(&OptOutChange { phone: phone(), flag, direction, at, evidence })
        };
        let opt_outs = flags.iter().map(|(flag, direction, at)| (*flag, record(*flag, *direction, *at))).collect();
        Contact { opt_outs, mirror, ..Contact::unknown(phone()) }
    }

    fn out(mirror: MirrorState) -> Contact {
        contact(&[(OptOutFlag::Keyword, Direction::Out, 1)], mirror)
    }

    fn listed(opted_out: bool) -> ListedContact {
        ListedContact { uid: ProviderId::try_from("c-1").unwrap(), name: None, phones: vec![phone()], opted_out }
    }

    fn found(ours: Option<Contact>, theirs: Option<ListedContact>, how: Option<OptOutMirror>) -> Finding {
        Finding::of(phone(), ours, theirs, how)
    }

    const TOLD: MirrorState = MirrorState::Told { out: true };
    const STATES: [MirrorState; 4] =
        [MirrorState::Nothing, MirrorState::Due { at: AT, attempts: 3 }, TOLD, MirrorState::NoContact];

    /// What was told, and how, explains a difference and never hides one.
    #[test]
    fn an_opt_out_that_podium_does_not_show_is_drift_whatever_the_mirror_says() {
        for how in WAYS {
            for state in STATES {
                let finding = found(Some(out(state)), Some(listed(false)), how);
                assert!(!finding.consistent(), "{finding:?}");
                let back = contact(&[(OptOutFlag::Keyword, Direction::In, 1)], state);
                assert!(!found(Some(back), Some(listed(true)), how).consistent(), "{state:?}");
                assert!(found(Some(out(state)), Some(listed(true)), how).consistent());
                assert!(found(Some(out(state)), None, how).consistent());
            }
            assert!(!found(None, Some(listed(true)), how).consistent());
            assert!(found(None, Some(listed(false)), how).consistent());
            assert!(found(None, None, how).consistent());
        }
    }

    /// Podium is told of it as of nothing, and of something else it may know more than that.
    #[test]
    fn an_opt_out_from_review_requests_agrees_with_either() {
        let ours = contact(&[(OptOutFlag::ReviewRequest, Direction::Out, 1)], TOLD);
        for theirs in [true, false] {
            assert!(found(Some(ours.clone()), Some(listed(theirs)), None).consistent(), "{theirs}");
        }
        let both = [OptOutFlag::ReviewRequest, OptOutFlag::Global].map(|flag| (flag, Direction::Out, 1));
        assert!(!found(Some(contact(&both, TOLD)), Some(listed(false)), None).consistent());
    }

    #[test]
    fn the_reason_says_how_far_podium_was_told() {
        let due = MirrorState::Due { at: AT, attempts: 3 };
        for (state, how, words) in [
            (due, None, "OPTOUT_MIRROR is none"),
            (due, Some(OptOutMirror::Tag), "attempt 3, and will be told again at 2025-04-30T08:00:00Z"),
            (MirrorState::Due { at: AT, attempts: 0 }, Some(OptOutMirror::Tag), "to be told at 2025-04-30T08:00:00Z"),
            (TOLD, Some(OptOutMirror::Tag), "changed since"),
            (TOLD, Some(OptOutMirror::CampaignOptOut), "campaign_opt_out"),
            (MirrorState::NoContact, Some(OptOutMirror::Tag), "no contact"),
        ] {
            let finding = found(Some(out(state)), Some(listed(false)), how);
            assert!(finding.why.contains(words), "{}", finding.why);
        }
        assert_eq!(Mirror::of(due, None), Mirror { state: "off", due: Some((AT, 3)) });
        assert_eq!(Mirror::of(TOLD, None).state, "told");
    }

    #[test]
    fn the_flag_that_decides_is_shown_and_else_the_last_that_was_taken_back() {
        let mixed = contact(&[(OptOutFlag::Keyword, Direction::In, 9), (OptOutFlag::Global, Direction::Out, 1)], TOLD);
        assert_eq!(found(Some(mixed), None, None).json()["optout_store"]["flag"], "global_unsubscribe");
        let back = contact(&[(OptOutFlag::Keyword, Direction::In, 9), (OptOutFlag::Global, Direction::In, 1)], TOLD);
        let json = found(Some(back), None, None).json();
        assert_eq!(json["optout_store"]["flag"], "podium_keyword_optout");
        assert_eq!(json["optout_store"]["opted_out"], false);
    }

    #[test]
    fn the_table_hides_the_number() {
        let table = found(Some(out(TOLD)), Some(listed(true)), None).table();
        assert!(table.starts_with("phone       +*******0156\n"), "{table}");
        assert!(!table.contains("9157"), "{table}");
    }
}
