//! A person sets ended events going again.
//!
//! One conditional write puts an ended row back among those that wait, over the very end that the person saw; then its key
//! is queued. Whoever dies between the two leaves a row that waits like any other, and the sweeper queues it. Each row
//! counts how often this was done: status and count together name one end for ever, so of two people, or of a command and
//! its repetition, only one sets it going.
//!
//! What an event did stays done, because effects are named after what it says. A row that is [set going
//! anew](Reopening::anew) carries the number of that time, and what the machine answers to its message is named after
//! that too: it alone is sent again.

use crate::{
    ids::{GroupId, RunId},
    inbox::{InboxKey, InboxStatus, RejectReason},
    queue::Wake,
    store::StoreError,
    time::UnixMillis,
};

/// Who decided something by hand, and why; kept with what was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Their name, as they gave it.
    pub by: String,
    /// Their reason.
    pub reason: String,
    /// When.
    pub at: UnixMillis,
}

/// An event's row as somebody saw it who thinks of setting it going again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its key.
    pub key: InboxKey,
    /// Where it stands.
    pub status: InboxStatus,
    /// How it ended.
    pub outcome: Option<String>,
    /// When it arrived.
    pub received_at: UnixMillis,
    /// When it may be forgotten; a parked one never.
    pub expires_at: Option<UnixMillis>,
    /// The line it belongs to.
    pub group: Option<GroupId>,
    /// How often it was set going again.
    pub replays: u32,
    /// By which run last.
    pub run: Option<RunId>,
}

/// Why an event cannot be set going again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unfit {
    /// It has not ended.
    UnderWay,
    /// It is a second body under a known id, and nobody knows which of the two is right.
    Mismatch,
    /// It is about another shop.
    OtherShop,
    /// What it said is not kept: it was erased, or was too large.
    Wordless,
    /// This run has set it going before.
    InThisRun,
    /// Somebody changed it since it was seen.
    Changed,
    /// It is not there any more.
    Gone,
}

impl Unfit {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::UnderWay, Self::Mismatch, Self::OtherShop, Self::Wordless, Self::InThisRun, Self::Changed, Self::Gone];

    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnderWay => "under_way",
            Self::Mismatch => "mismatch",
            Self::OtherShop => "other_shop",
            Self::Wordless => "wordless",
            Self::InThisRun => "in_this_run",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }

    /// A sentence for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnderWay => "it has not ended: a worker or the sweeper sees to it",
            Self::Mismatch => "it is a second body under a known id; compare the two, and trust neither unseen",
            Self::OtherShop => "it is about a shop that is not served here",
            Self::Wordless => "what it said is not kept: it was erased, or was too large",
            Self::InThisRun => "this run has set it going before",
            Self::Changed => "it changed since it was looked at; look again",
            Self::Gone => "it is not there any more",
        }
    }
}

impl Seen {
    /// What speaks against setting it going in a run, as far as can be seen from here. Whether its words are kept is known
    /// where they lie.
    #[must_use]
    pub fn unfit(&self, run: &RunId) -> Option<Unfit> {
        if self.run.as_ref() == Some(run) {
            return Some(Unfit::InThisRun);
        }
        let ended_as = |reason: RejectReason| self.outcome.as_deref() == Some(reason.describe().as_str());
        match self.status {
            InboxStatus::Waiting | InboxStatus::Claimed => Some(Unfit::UnderWay),
            InboxStatus::Mismatch => Some(Unfit::Mismatch),
            InboxStatus::Rejected if ended_as(RejectReason::OtherShop) => Some(Unfit::OtherShop),
            InboxStatus::Rejected if ended_as(RejectReason::Erased) => Some(Unfit::Wordless),
            InboxStatus::Rejected if self.outcome.as_deref().is_some_and(|o| o.starts_with("too_large")) => {
                Some(Unfit::Wordless)
            }
            InboxStatus::Done | InboxStatus::Rejected | InboxStatus::Parked => None,
        }
    }

    /// The end that it had, for the record.
    #[must_use]
    pub fn ended(&self) -> String {
        format!("{}: {}", self.status.as_str(), self.outcome.as_deref().unwrap_or_default())
    }
}

/// The wish to set an event going again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reopening {
    /// The row as it was seen.
    pub seen: Seen,
    /// The run that it belongs to: one run sets a row going once, however often it is repeated.
    pub run: RunId,
    /// Who wants it, and why.
    pub decided: Decided,
    /// When the row may be forgotten then.
    pub expires_at: UnixMillis,
    /// The machine's answer to it is made once more, although one is on record.
    pub anew: bool,
}

/// What became of [`Redrives::reopen`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reopened {
    /// It waits; this is to be queued.
    Waiting(Wake),
    /// Nothing was changed.
    Unfit(Unfit),
}

/// Setting ended events going again: the operator's part of the inbox, which no function has.
pub trait Redrives {
    /// Puts an ended row back among those that wait, if it still has the end that was seen and its words. Its attempts
    /// count from nothing, its former holder's late writes meet no holder, and who wanted it stays on the row.
    ///
    /// One write. A repetition whose first answer was lost is recognised.
    async fn reopen(&self, what: &Reopening) -> Result<Reopened, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::EventId, inbox::Source};

    fn seen(status: InboxStatus, outcome: &str) -> Seen {
        Seen {
            key: InboxKey { source: Source::Podium, event: EventId::try_from("e1").unwrap() },
            status,
            outcome: Some(outcome.to_owned()),
            received_at: UnixMillis::new(1),
            expires_at: None,
            group: None,
            replays: 0,
            run: None,
        }
    }

    #[test]
    fn what_has_ended_with_its_words_is_fit_and_nothing_else() {
        let run = RunId::try_from("r1").unwrap();
        let unfit = |status, outcome: &str| seen(status, outcome).unfit(&run);
        for status in [InboxStatus::Done, InboxStatus::Rejected, InboxStatus::Parked] {
            assert_eq!(unfit(status, "too_many_attempts: failed 8 times"), None);
        }
        assert_eq!(unfit(InboxStatus::Waiting, ""), Some(Unfit::UnderWay));
        assert_eq!(unfit(InboxStatus::Claimed, ""), Some(Unfit::UnderWay));
        assert_eq!(unfit(InboxStatus::Mismatch, ""), Some(Unfit::Mismatch));
        let rejected = |reason: RejectReason| unfit(InboxStatus::Rejected, &reason.describe());
        assert_eq!(rejected(RejectReason::OtherShop), Some(Unfit::OtherShop));
        assert_eq!(rejected(RejectReason::Erased), Some(Unfit::Wordless));
        assert_eq!(rejected(RejectReason::TooLarge { bytes: 9 }), Some(Unfit::Wordless));
        assert_eq!(rejected(RejectReason::UnknownLocation), None);
    }

    #[test]
    fn a_run_sees_what_it_has_done() {
        let run = RunId::try_from("r1").unwrap();
        let again = Seen { run: Some(run.clone()), ..seen(InboxStatus::Parked, "x") };
        assert_eq!(again.unfit(&run), Some(Unfit::InThisRun));
        assert_eq!(again.unfit(&RunId::try_from("r2").unwrap()), None);
    }

    #[test]
    fn every_reason_has_its_own_word() {
        let words: std::collections::BTreeSet<_> = Unfit::ALL.iter().map(|u| (u.as_str(), u.sentence())).collect();
        assert_eq!(words.len(), Unfit::ALL.len());
    }
}
