//! Whether an installation can work: facts that somebody gathered are turned into findings, each with what is wrong, with which
//! value, what to do, and the command.
//!
//! Everything here is pure. Whoever gathers says of each thing that it was seen, that it is not there, or that it could not be
//! looked at and why; so "could not ask" can never become "all is well".

pub mod clock;
pub mod configuration;
pub mod functions;
pub mod needs;
pub mod providers;
pub mod secrets;
pub mod storage;
pub mod work;

use std::{fmt, time::Duration};

use serde::Serialize;

/// What a finding is about. In the order in which they are shown: what stands first is most often the reason for what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The functions' variables.
    Configuration,
    /// The functions themselves, and what hands work to them.
    Functions,
    /// What the functions' roles allow.
    Permissions,
    /// Tables.
    Tables,
    /// Workers' queues, and dead letters.
    Queues,
    /// What the clock starts.
    Schedules,
    /// Secrets.
    Secrets,
    /// Podium.
    Podium,
    /// Shopify.
    Shopify,
    /// Chatwoot.
    Chatwoot,
    /// Clocks.
    Clock,
    /// What waits for somebody.
    Work,
    /// The addresses that webhooks and pages call.
    FrontDoor,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Configuration,
        Self::Functions,
        Self::Permissions,
        Self::Tables,
        Self::Queues,
        Self::Schedules,
        Self::Secrets,
        Self::Podium,
        Self::Shopify,
        Self::Chatwoot,
        Self::Clock,
        Self::Work,
        Self::FrontDoor,
    ];

    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Functions => "functions",
            Self::Permissions => "permissions",
            Self::Tables => "tables",
            Self::Queues => "queues",
            Self::Schedules => "schedules",
            Self::Secrets => "secrets",
            Self::Podium => "podium",
            Self::Shopify => "shopify",
            Self::Chatwoot => "chatwoot",
            Self::Clock => "clock",
            Self::Work => "work",
            Self::FrontDoor => "front_door",
        }
    }
}

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Not looked at, because there is nothing to look at or nobody who may: neither well nor wrong.
    NotLookedAt,
    /// It works, and a person should see to it some day.
    Warn,
    /// It could not be looked at now: whoever knows did not answer.
    Unknown,
    /// Something does not work, or waits for a person.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub group: Group,
    /// How it stands.
    pub level: Level,
    /// The name of the check, which does not change: `queue_missing`. `ok` where nothing is wrong.
    pub check: &'static str,
    /// Which table, queue, function, webhook.
    pub subject: String,
    /// What is wrong, with which value; masked where it is a person's or a secret.
    pub what: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// The command that does it, or shows more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Finding {
    /// Nothing is wrong with it.
    #[must_use]
    pub fn ok(group: Group, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(group, Level::Ok, "ok", subject, what, "")
    }

    /// Something does not work.
    #[must_use]
    pub fn fail(
        group: Group,
        check: &'static str,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(group, Level::Fail, check, subject, what, remedy)
    }

    /// Something should be seen to.
    #[must_use]
    pub fn warn(
        group: Group,
        check: &'static str,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(group, Level::Warn, check, subject, what, remedy)
    }

    /// Whoever knows did not answer.
    #[must_use]
    pub fn unknown(group: Group, subject: impl Into<String>, why: &str, remedy: impl Into<String>) -> Self {
        Self::new(group, Level::Unknown, "unknown", subject, format!("could not be looked at: {why}"), remedy)
    }

    /// There is nothing to look at, or nobody who may.
    #[must_use]
    pub fn not_looked_at(group: Group, subject: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(group, Level::NotLookedAt, "not_looked_at", subject, why, "")
    }

    /// With the command that puts it right, or shows more.
    #[must_use]
    pub fn by(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }

    fn new(
        group: Group,
        level: Level,
        check: &'static str,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (subject, what, remedy) = (subject.into(), what.into(), remedy.into());
        Self { group, level, check, subject, what, remedy, command: None }
    }
}

/// What a look at something brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked<T> {
    /// It is there.
    Seen(T),
    /// It certainly is not.
    Absent,
    /// Nobody answered, or with something else than an answer; why.
    Unknown(String),
    /// Whoever asked may not look; what was missing.
    Forbidden(String),
}

impl<T> Looked<T> {
    /// The same about something else.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Looked<U> {
        match self {
            Self::Seen(seen) => Looked::Seen(with(seen)),
            Self::Absent => Looked::Absent,
            Self::Unknown(why) => Looked::Unknown(why),
            Self::Forbidden(why) => Looked::Forbidden(why),
        }
    }

    /// What a look at what was seen brings.
    pub fn and_then<U>(self, with: impl FnOnce(T) -> Looked<U>) -> Looked<U> {
        match self {
            Self::Seen(seen) => with(seen),
            Self::Absent => Looked::Absent,
            Self::Unknown(why) => Looked::Unknown(why),
            Self::Forbidden(why) => Looked::Forbidden(why),
        }
    }

    /// What was seen.
    #[must_use]
    pub const fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(seen) => Some(seen),
            Self::Absent | Self::Unknown(_) | Self::Forbidden(_) => None,
        }
    }

    /// The finding for whatever is not "seen"; `absent` says what it means that it is not there.
    ///
    /// # Errors
    /// That finding.
    pub fn or_finding(&self, group: Group, subject: &str, absent: impl FnOnce() -> Finding) -> Result<&T, Finding> {
        match self {
            Self::Seen(seen) => Ok(seen),
            Self::Absent => Err(absent()),
            Self::Unknown(why) => Err(Finding::unknown(group, subject, why, "Say the same command again.")),
            Self::Forbidden(why) => {
                let remedy = "Use credentials that may read it, then say the same command again.";
                Err(Finding::unknown(group, subject, why, remedy))
            }
        }
    }
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The findings, those that belong together side by side.
    pub findings: Vec<Finding>,
}

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is wrong.
    Well,
    /// Something is.
    Wrong,
    /// Nothing wrong was seen, and not all was seen.
    Unsure,
}

impl Diagnosis {
    /// Puts findings in order: by group, what is worst first.
    #[must_use]
    pub fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| (a.group, b.level, &a.subject).cmp(&(b.group, a.level, &b.subject)));
        findings.dedup();
        Self { findings }
    }

    /// Something that is wrong is certain, whatever else could not be seen.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.count(Level::Fail) > 0 {
            Verdict::Wrong
        } else if self.count(Level::Unknown) > 0 {
            Verdict::Unsure
        } else {
            Verdict::Well
        }
    }

    /// How many findings are of a level.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// The findings about something.
    pub fn about(&self, group: Group) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.group == group)
    }
}

/// A stretch of time as people say it: `40 s`, `7 min`, `3 h`, `12 d`.
#[must_use]
pub fn span(time: Duration) -> impl fmt::Display {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_seen_is_never_well() {
        let ok = || Finding::ok(Group::Tables, "inbox", "there");
        let diagnosis = |more: Finding| Diagnosis::of(vec![ok(), more]).verdict();
        assert_eq!(Diagnosis::of(vec![ok()]).verdict(), Verdict::Well);
        let looked = Looked::<()>::Unknown("no answer".into());
        let found = looked.or_finding(Group::Queues, "podium", ok).unwrap_err();
        assert_eq!((found.level, diagnosis(found)), (Level::Unknown, Verdict::Unsure));
        let looked = Looked::<()>::Forbidden("sqs:GetQueueAttributes is not allowed".into());
        let found = looked.or_finding(Group::Queues, "podium", ok).unwrap_err();
        assert!(found.what.contains("sqs:GetQueueAttributes"));
        assert_eq!(diagnosis(found), Verdict::Unsure);
        assert_eq!(diagnosis(Finding::fail(Group::Queues, "x", "y", "", "")), Verdict::Wrong);
        assert_eq!(diagnosis(Finding::warn(Group::Queues, "x", "y", "", "")), Verdict::Well);
        assert_eq!(diagnosis(Finding::not_looked_at(Group::Queues, "x", "y")), Verdict::Well);
    }

    #[test]
    fn the_worst_of_a_group_stands_first() {
        let at = |group, level: fn(Group) -> Finding| level(group);
        let fail = |group| Finding::fail(group, "x", "b", "", "");
        let ok = |group| Finding::ok(group, "a", "");
        let order = Diagnosis::of(vec![at(Group::Work, ok), at(Group::Tables, ok), at(Group::Tables, fail)]);
        let order: Vec<_> = order.findings.iter().map(|finding| (finding.group, finding.level)).collect();
        assert_eq!(order, [(Group::Tables, Level::Fail), (Group::Tables, Level::Ok), (Group::Work, Level::Ok)]);
    }

    #[test]
    fn spans_are_said_in_their_largest_unit() {
        let said = |seconds| span(Duration::from_secs(seconds)).to_string();
        assert_eq!(
            [said(0), said(119), said(120), said(7_200), said(172_800)],
            ["0 s", "119 s", "2 min", "2 h", "2 d"]
        );
    }
}
