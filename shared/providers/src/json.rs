//! Small readings of JSON that more than one client needs.

use frontdesk_core::{ids::ProviderId, time::UnixMillis};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

/// An id that a provider gave: text, or a number.
pub(crate) fn id(value: Option<&Value>) -> Option<ProviderId> {
    match value? {
        Value::String(text) => ProviderId::try_from(text.as_str()).ok(),
        Value::Number(number) => ProviderId::try_from(number.to_string().as_str()).ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A time in ISO 8601; one without an offset is UTC, as both providers have it.
pub(crate) fn time(value: Option<&Value>) -> Option<UnixMillis> {
    let text = value?.as_str()?;
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    Some(UnixMillis::new(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_with_and_without_an_offset() {
        let expected = Some(UnixMillis::new(1_772_000_000_000));
        for text in
            ["2026-02-25T06:13:20Z", "2026-02-25T06:13:20.000000Z", "2026-02-25T17:13:20+11:00", "2026-02-25T06:13:20"]
        {
            assert_eq!(time(Some(&json!(text))), expected, "{text}");
        }
        for bad in [json!("yesterday"), json!(1_772_000_000), json!(null)] {
            assert_eq!(time(Some(&bad)), None);
        }
    }
}
