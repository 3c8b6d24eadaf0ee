//! The one place that reads the time, and the two ways the providers write it.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Milliseconds since 1970. A provider's own clock is not ours to inject: the stand-ins use the machine's.
#[expect(clippy::disallowed_methods, reason = "a provider keeps its own time")]
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// `2026-02-03T01:16:09Z`, whole seconds, as both providers write it.
pub(crate) fn iso(at_ms: i64) -> String {
    Timestamp::from_second(at_ms.div_euclid(1000)).map_or_else(|_| String::new(), |at| at.to_string())
}

/// The inverse of [`iso`], for `createdAt[gte]` and its like.
pub(crate) fn parse_iso(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// `12/Mar/2026:19:03:58 +0000`, the gateway's log format.
pub(crate) fn common_log(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms)
        .map_or_else(|_| String::new(), |at| at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string())
}
