//! Clocks: signatures hold a time, and AWS refuses a request whose time is off.

use std::time::Duration;

use super::{Finding, Group, Looked, span};
use crate::time::UnixMillis;

/// Further apart than this somebody should see to it.
pub const WARN: Duration = Duration::from_secs(60);
/// Signature windows are five minutes at AWS, Chatwoot and in the briefs: this near to them requests are refused.
pub const FAIL: Duration = Duration::from_secs(240);

/// What a server's `Date` said, and when it was asked by our clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose clock.
    pub whose: String,
    /// Its time, in whole seconds.
    pub theirs: Looked<UnixMillis>,
    /// Ours, half-way between question and answer.
    pub ours: UnixMillis,
}

/// A `Date` header.
#[must_use]
pub fn date(text: &str) -> Option<UnixMillis> {
    let at = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(at.as_millis()).ok().map(UnixMillis::new)
}

/// Judges one reading.
#[must_use]
pub fn judge(reading: &Reading) -> Finding {
    let no_date = || Finding::not_looked_at(Group::Clock, &*reading.whose, "its answers carry no date");
    let theirs = match reading.theirs.or_finding(Group::Clock, &reading.whose, no_date) {
        Ok(theirs) => *theirs,
        Err(finding) => return finding,
    };
    // A date has whole seconds, cut off: half of one is the middle.
    let theirs = theirs.plus(Duration::from_millis(500));
    let (apart, which) = match reading.ours > theirs {
        true => (reading.ours.since(theirs), "ahead of"),
        false => (theirs.since(reading.ours), "behind"),
    };
    let what = format!("this machine's clock is {} {which} that of {}", span(apart), reading.whose);
    let remedy = "Set this machine's clock (NTP). The functions have AWS's clock: if that is what differs from a provider's, tell the provider.";
    if apart >= FAIL {
        Finding::fail(Group::Clock, "clock_skewed", &*reading.whose, what, remedy).by("timedatectl status")
    } else if apart >= WARN {
        Finding::warn(Group::Clock, "clock_drifting", &*reading.whose, what, remedy).by("timedatectl status")
    } else {
        Finding::ok(Group::Clock, &*reading.whose, format!("{} apart", span(apart)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_minute_is_a_warning_and_four_are_wrong() {
        let ours = UnixMillis::new(1_795_217_760_500);
        let judged = |seconds: i64| {
            let theirs = Looked::Seen(UnixMillis::new(1_795_217_760_000 + seconds * 1_000));
            judge(&Reading { whose: "aws".into(), theirs, ours })
        };
        for (apart, level) in
            [(0, Level::Ok), (59, Level::Ok), (60, Level::Warn), (239, Level::Warn), (240, Level::Fail)]
        {
            assert_eq!(judged(apart).level, level, "{apart}");
            assert_eq!(judged(-apart).level, level, "-{apart}");
        }
        assert!(judged(600).what.contains("behind") && judged(-600).what.contains("10 min ahead of"));
        let lost = Reading { whose: "podium".into(), theirs: Looked::Unknown("no answer".into()), ours };
        assert_eq!(judge(&lost).level, Level::Unknown);
        assert_eq!(judge(&Reading { theirs: Looked::Absent, ..lost }).level, Level::NotLookedAt);
    }
}
