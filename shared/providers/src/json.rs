//! Small readings of JSON that more than one client needs.

use frontdesk_core::{ids::ProviderId, phone::E164Phone, time::UnixMillis};
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

/// A phone number with its country code, whatever stands between the digits. One without a plus sign could be anybody's.
pub(crate) fn phone(value: &Value) -> Option<E164Phone> {
    let digits = value.as_str()?.trim().strip_prefix('+')?;
    let between = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '(' | ')' | '/');
    let digits: String = digits.chars().filter(|c| !between(*c)).collect();
    E164Phone::parse_e164(&format!("+{digits}")).ok()
}

/// What is in an array; nothing when it is none.
pub(crate) fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
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

/// A time as both providers write and read it: ISO 8601, UTC. What no calendar holds is the beginning of time.
pub(crate) fn iso(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at.get()).unwrap_or_default().to_string()
}

/// The second that a moment is in. Both providers' filters are documented with whole seconds only.
pub(crate) fn whole_second(at: UnixMillis) -> UnixMillis {
    UnixMillis::new(at.get().div_euclid(1000).saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_compared_by_their_digits() {
        let ours = E164Phone::parse_e164("+61491570156").ok();
        for same in ["+61491570156", " +61 491 570 156", "+61-491-570-156", "+61 (491) 570.156"] {
            assert_eq!(phone(&json!(same)), ours, "{same}");
        }
        for other in ["+61491570157", "0491570156", "61491570156", "", "+", "+61491570156 x5", "+61491+570156"] {
            assert_ne!(phone(&json!(other)), ours, "{other}");
        }
        assert_eq!(phone(&json!(61_491_570_156_i64)), None);
    }

    #[test]
    fn a_time_is_read_as_it_is_written() {
        for (at, text) in [(1_772_000_000_000, "2026-02-25T06:13:20Z"), (1_772_000_000_070, "2026-02-25T06:13:20.07Z")]
        {
            assert_eq!(iso(UnixMillis::new(at)), text);
            assert_eq!(time(Some(&json!(text))), Some(UnixMillis::new(at)));
        }
        assert_eq!(iso(UnixMillis::new(i64::MAX)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_second_begins_before_its_parts() {
        for (at, second) in [(1_999, 1_000), (2_000, 2_000), (-1, -1_000)] {
            assert_eq!(whole_second(UnixMillis::new(at)), UnixMillis::new(second));
        }
    }

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
