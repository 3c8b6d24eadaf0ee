//! Whether this installation is ready: its tables, queues and secrets are looked at, all at once and each for a short
//! while, so that whatever hangs hides nothing else. The answer is kept for a while, so that asking often costs nothing.
//!
//! The answer goes to anybody. It holds words of ours, never a name, an address or an account of AWS's, and nothing that is
//! stored.

use std::{
    collections::BTreeSet,
    fmt,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, join_all, select};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    telemetry::{Line, Telemetry},
    time::{Clock, UnixMillis},
    token::Pause,
};

/// What does not answer within this counts as unreachable.
pub const WITHIN: Duration = Duration::from_secs(2);

/// Something that the installation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Our word for it, which is shown.
    pub name: String,
    /// What it is and where, which is not.
    pub what: What,
}

/// What a part is, and where it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A table, by its name.
    Table(String),
    /// A worker's queue, by its address.
    Queue(String),
    /// A queue of what failed too often, by its address. It should be empty.
    DeadLetters(String),
    /// A secret, by its name or ARN.
    Secret {
        /// Its name or ARN.
        id: String,
        /// How it was made.
        made: Made,
    },
}

/// How a secret was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// With its value.
    Whole,
    /// With a placeholder, which somebody has to replace.
    ToFill,
    /// With a placeholder too, for something that a shop need not use. The secrets whose words begin alike (up to the first
    /// hyphen) belong together: until one of them is filled in, nothing is said of those that are not.
    Optional,
}

/// What stands for a secret's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretValue {
    /// The one that it was made with.
    First,
    /// Another one than that.
    Changed,
}

/// Why a part cannot be reached: what one of our clients reported. For the log, never for the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable(pub String);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Looks at one part each. Reads nothing that is stored.
pub trait Probes {
    /// Whether a table is there and can be used.
    ///
    /// # Errors
    /// When it is not, or cannot be asked about.
    async fn table(&self, name: &str) -> Result<(), Unreachable>;

    /// About how many messages a queue holds, those that are being worked on and those that are delayed included.
    ///
    /// # Errors
    /// When it is not there, or cannot be asked about.
    async fn queue(&self, url: &str) -> Result<u64, Unreachable>;

    /// Whether a secret's value was changed since it was made; never the value.
    ///
    /// # Errors
    /// When there is no such secret, none with a value, or it cannot be asked about.
    async fn secret(&self, id: &str) -> Result<SecretValue, Unreachable>;
}

/// How things stand as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// It works, and a person should look at something.
    Attention,
    /// Something that is needed cannot be reached.
    Unavailable,
}

/// What kind of part was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A table.
    Table,
    /// A worker's queue.
    Queue,
    /// A queue of what failed too often.
    Dlq,
    /// A secret.
    Secret,
}

impl Kind {
    /// The word in answers and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Queue => "queue",
            Self::Dlq => "dlq",
            Self::Secret => "secret",
        }
    }
}

/// How a part was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Found {
    /// As it should be.
    Ok,
    /// A secret that nobody has filled in.
    Empty,
    /// Not there, or no answer in time.
    Unreachable,
    /// What failed too often waits for a person.
    Waiting {
        /// About how many messages.
        messages: u64,
    },
}

/// A part and how it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is.
    pub kind: Kind,
    /// Our word for it.
    pub name: String,
    /// How it was found.
    #[serde(flatten)]
    pub found: Found,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The whole.
    pub status: Verdict,
    /// When it was found out, ISO 8601 in UTC.
    pub timestamp: String,
    /// The parts; none when only life was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<Check>>,
}

impl Report {
    /// That this process lives, which is all that needs no look at anything.
    #[must_use]
    pub fn alive(now: UnixMillis) -> Self {
        Self { status: Verdict::Ok, timestamp: iso(now), checks: None }
    }

    fn of(checks: Vec<Check>, now: UnixMillis) -> Self {
        let status = checks.iter().map(|check| check.found.verdict()).max().unwrap_or(Verdict::Ok);
        Self { status, timestamp: iso(now), checks: Some(checks) }
    }

    /// The HTTP status that goes with it: a monitor need not read further.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self.status {
            Verdict::Ok | Verdict::Attention => 200,
            Verdict::Unavailable => 503,
        }
    }
}

impl Found {
    const fn verdict(self) -> Verdict {
        match self {
            Self::Ok => Verdict::Ok,
            Self::Empty | Self::Waiting { .. } => Verdict::Attention,
            Self::Unreachable => Verdict::Unavailable,
        }
    }
}

impl Part {
    const fn kind(&self) -> Kind {
        match self.what {
            What::Table(_) => Kind::Table,
            What::Queue(_) => Kind::Queue,
            What::DeadLetters(_) => Kind::Dlq,
            What::Secret { .. } => Kind::Secret,
        }
    }

    const fn is_secret(&self) -> bool {
        matches!(self.what, What::Secret { .. })
    }

    const fn is_optional(&self) -> bool {
        matches!(self.what, What::Secret { made: Made::Optional, .. })
    }

    /// What it belongs to: its word up to the first hyphen.
    fn group(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    fn found(&self, found: Found) -> Check {
        Check { kind: self.kind(), name: self.name.clone(), found }
    }
}

/// Looks after the parts of an installation, and remembers what it saw.
#[derive(Debug)]
pub struct Readiness<P, W, C, T> {
    /// The looks.
    pub probes: P,
    /// The limit of each look.
    pub pause: W,
    /// Time.
    pub clock: C,
    /// Reports.
    pub telemetry: T,
    /// The parts, in the order in which they are shown.
    pub parts: Vec<Part>,
    /// How long what was seen is told again.
    pub fresh: Duration,
    /// What was seen last.
    pub seen: Seen,
}

/// What was seen last, and when it was; nothing at first.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Option<(Report, UnixMillis)>>);

impl Seen {
    /// The last report, unless it is older than that, or comes out of the future of a clock that was put back.
    fn within(&self, fresh: Duration, now: UnixMillis) -> Option<Report> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (report, at) = last.as_ref()?;
        (*at <= now && now < at.plus(fresh)).then(|| report.clone())
    }

    fn keep(&self, report: &Report, at: UnixMillis) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((report.clone(), at));
    }
}

impl<P: Probes, W: Pause, C: Clock, T: Telemetry> Readiness<P, W, C, T> {
    /// That this process lives.
    #[must_use]
    pub fn alive(&self) -> Report {
        Report::alive(self.clock.now())
    }

    /// How all parts are: as they were a moment ago, or looked at anew.
    pub async fn report(&self) -> Report {
        if let Some(report) = self.seen.within(self.fresh, self.clock.now()) {
            return report;
        }
        let found = join_all(self.parts.iter().map(|part| self.look_at(part))).await;
        let found: Vec<(&Part, Found)> = self.parts.iter().zip(found).collect();
        let begun: BTreeSet<&str> = found
            .iter()
            .filter(|(part, found)| part.is_secret() && *found == Found::Ok)
            .map(|(p, _)| p.group())
            .collect();
        let counts = |(part, found): &&(&Part, Found)| {
            !part.is_optional() || *found != Found::Empty || begun.contains(part.group())
        };
        let checks = found.iter().filter(counts).map(|(part, found)| part.found(*found)).collect();
        let now = self.clock.now();
        let report = Report::of(checks, now);
        self.seen.keep(&report, now);
        report
    }

    async fn look_at(&self, part: &Part) -> Found {
        let looked = match select(pin!(self.ask(part)), pin!(self.pause.pause(WITHIN))).await {
            Either::Left((looked, _)) => looked,
            Either::Right(((), _)) => Err(Unreachable(format!("no answer within {} s", WITHIN.as_secs()))),
        };
        looked.unwrap_or_else(|error| {
            let line =
                Line::warn("a part of the installation cannot be reached").word("part.kind", part.kind().as_str());
            self.telemetry.line(line.id("part.name", &part.name).detail(&error));
            Found::Unreachable
        })
    }

    async fn ask(&self, part: &Part) -> Result<Found, Unreachable> {
        match &part.what {
            What::Table(name) => self.probes.table(name).await.map(|()| Found::Ok),
            // That work waits for a worker is the course of things.
            What::Queue(url) => self.probes.queue(url).await.map(|_| Found::Ok),
            What::DeadLetters(url) => self.probes.queue(url).await.map(|messages| match messages {
                0 => Found::Ok,
                messages => Found::Waiting { messages },
            }),
            What::Secret { id, made } => self.probes.secret(id).await.map(|value| match (made, value) {
                (Made::Whole, _) | (_, SecretValue::Changed) => Found::Ok,
                (Made::ToFill | Made::Optional, SecretValue::First) => Found::Empty,
            }),
        }
    }
}

/// `2026-11-20T23:36:00.000Z`
fn iso(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at.get()).map(|moment| format!("{moment:.3}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_795_217_760_000);

    fn check(kind: Kind, name: &str, found: Found) -> Check {
        Check { kind, name: name.into(), found }
    }

    #[test]
    fn what_is_told_has_one_form() {
        assert_eq!(
            serde_json::to_string(&Report::alive(NOW)).unwrap(),
            r#"{"status":"ok","timestamp":"2026-11-20T23:36:00.000Z"}"#
        );
        let checks = vec![
            check(Kind::Table, "inbox", Found::Ok),
            check(Kind::Queue, "chatwoot", Found::Unreachable),
            check(Kind::Dlq, "chatwoot-dlq", Found::Waiting { messages: 3 }),
            check(Kind::Secret, "podium-oauth", Found::Empty),
        ];
        assert_eq!(
            serde_json::to_string(&Report::of(checks, NOW)).unwrap(),
            concat!(
                r#"{"status":"unavailable","timestamp":"2026-11-20T23:36:00.000Z","checks":["#,
                r#"{"kind":"table","name":"inbox","status":"ok"},"#,
                r#"{"kind":"queue","name":"chatwoot","status":"unreachable"},"#,
                r#"{"kind":"dlq","name":"chatwoot-dlq","status":"waiting","messages":3},"#,
                r#"{"kind":"secret","name":"podium-oauth","status":"empty"}]}"#
            )
        );
    }

    #[test]
    fn a_moment_that_no_calendar_has_is_no_reason_to_fail() {
        assert_eq!(Report::alive(UnixMillis::new(i64::MAX)).timestamp, "");
    }

    fn any_found() -> impl Strategy<Value = Found> {
        prop_oneof![
            Just(Found::Ok),
            Just(Found::Empty),
            Just(Found::Unreachable),
            (1..u64::MAX).prop_map(|messages| Found::Waiting { messages }),
        ]
    }

    proptest! {
        /// 503 if anything cannot be reached and never else; all well only if everything is.
        #[test]
        fn the_worst_part_decides(found in proptest::collection::vec(any_found(), 0..40)) {
            let report = Report::of(found.iter().map(|found| check(Kind::Queue, "q", *found)).collect(), NOW);
            let lost = found.contains(&Found::Unreachable);
            prop_assert_eq!(report.http_status() == 503, lost);
            prop_assert_eq!(report.status == Verdict::Unavailable, lost);
            prop_assert_eq!(report.status == Verdict::Ok, found.iter().all(|found| *found == Found::Ok));
        }
    }
}
