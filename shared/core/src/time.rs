//! Points in time. Nothing in this crate reads a clock: time comes in through [`Clock`], so that every race and
//! every five-day wait can be played back in a test.

use std::time::Duration;

/// Milliseconds since the Unix epoch, UTC.
///
/// DynamoDB's TTL wants seconds; [`UnixMillis::as_secs_ceil`] is the only way to them, so the two cannot be mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// Wraps a number of milliseconds since the epoch.
    #[must_use]
    pub const fn new(ms: i64) -> Self {
        Self(ms)
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded up, so that nothing expires early.
    #[must_use]
    pub const fn as_secs_ceil(self) -> i64 {
        self.0.saturating_add(999).div_euclid(1000)
    }

    /// This moment and `span` later; saturates.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// This moment and `span` earlier; saturates.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Where "now" comes from.
pub trait Clock {
    /// The present moment.
    fn now(&self) -> UnixMillis;
}

/// A day, the unit of most of the rules.
pub const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_up_so_that_nothing_expires_early() {
        assert_eq!(UnixMillis::new(1_001).as_secs_ceil(), 2);
        assert_eq!(UnixMillis::new(1_000).as_secs_ceil(), 1);
        assert_eq!(UnixMillis::new(i64::MAX).as_secs_ceil(), i64::MAX / 1000);
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(UnixMillis::new(i64::MAX).plus(DAY), UnixMillis::new(i64::MAX));
        assert_eq!(UnixMillis::new(5).since(UnixMillis::new(9)), Duration::ZERO);
    }
}
