//! When to try again. Pure: the same inputs give the same delay, and nothing sleeps.

use std::time::Duration;

use crate::time::UnixMillis;

/// Exponential backoff with a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Delay after the first attempt.
    pub base: Duration,
    /// Longest delay.
    pub cap: Duration,
}

impl Backoff {
    /// Delay after attempt number `attempt` (the first is 1). `seed` spreads rows that failed together over the upper
    /// half of the delay.
    #[must_use]
    pub fn after(&self, attempt: u32, seed: &str) -> Duration {
        let doubled =
            self.base.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1).min(20)).unwrap_or(u32::MAX));
        let full = doubled.min(self.cap);
        let half = full / 2;
        let spread = seed.bytes().fold(u64::from(attempt), |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b))) % 1000;
        half + half.mul_f64(f64::from(u32::try_from(spread).unwrap_or(0)) / 1000.0)
    }
}

/// What `Retry-After` means when it is missing or unreadable, and the most that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    /// Used when the header is absent or unreadable.
    pub default: Duration,
    /// Longer waits are cut to this.
    pub cap: Duration,
}

impl RetryAfter {
    /// Reads the header's value: seconds (whole or decimal) or an HTTP date.
    #[must_use]
    pub fn read(&self, value: Option<&str>, now: UnixMillis) -> Duration {
        value.map(str::trim).and_then(|v| seconds(v).or_else(|| date(v, now))).unwrap_or(self.default).min(self.cap)
    }
}

fn seconds(value: &str) -> Option<Duration> {
    if !value.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    value.parse::<f64>().ok().and_then(|s| Duration::try_from_secs_f64(s).ok())
}

fn date(value: &str, now: UnixMillis) -> Option<Duration> {
    let at = httpdate::parse_http_date(value).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UnixMillis::new(i64::try_from(at.as_millis()).ok()?).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: RetryAfter = RetryAfter { default: Duration::from_secs(60), cap: Duration::from_secs(120) };

    #[test]
    fn retry_after_in_every_form() {
        let now = UnixMillis::new(1_772_000_000_000);
        let cases = [
            (None, 60.0),
            (Some("7"), 7.0),
            (Some(" 2.5 "), 2.5),
            (Some("900"), 120.0),
            (Some("-5"), 60.0),
            (Some("soon"), 60.0),
            (Some(""), 60.0),
            (Some("1e9"), 60.0),
            (Some("99999999999999999999999999"), 60.0),
            (Some("Wed, 25 Feb 2026 06:14:00 GMT"), 40.0),
            (Some("Wed, 25 Feb 2015 06:14:00 GMT"), 0.0),
        ];
        for (value, seconds) in cases {
            assert!(
                (RULE.read(value, now).as_secs_f64() - seconds).abs() < 0.001,
                "{value:?} gave {:?}",
                RULE.read(value, now)
            );
        }
    }

    #[test]
    fn backoff_grows_stays_under_its_cap_and_never_is_zero() {
        let backoff = Backoff { base: Duration::from_secs(60), cap: Duration::from_secs(3600) };
        for attempt in 1..100 {
            let delay = backoff.after(attempt, "some#key");
            assert!(delay >= Duration::from_secs(30) && delay <= backoff.cap, "{attempt}: {delay:?}");
        }
        assert!(backoff.after(6, "k") > backoff.after(2, "k"));
    }
}
