//! Looking into JSON whose shape nobody guarantees. A field of the wrong type counts as missing.

use serde_json::Value;

/// Above this a number of seconds would be the year 2286, so it is one of milliseconds.
const LARGEST_SECONDS: i64 = 10_000_000_000;
const LARGEST_MILLIS: i64 = 10_000_000_000_000;
/// Start of 2015. What is older is somebody's zero, and worse than no time at all.
const EARLIEST_MS: i64 = 1_420_070_400_000;

/// What stands at the first of several paths (dots between names) that leads anywhere but to null.
pub(super) fn at<'a>(value: &'a Value, paths: &[&str]) -> Option<&'a Value> {
    paths.iter().find_map(|path| {
        let end = path.split('.').try_fold(value, |value, name| value.get(name))?;
        (!end.is_null()).then_some(end)
    })
}

/// A text at the first path that has one; a number counts as its digits.
pub(super) fn text(value: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| as_text(at(value, &[path])?))
}

/// A text that is not blank. It is cut where it is used.
pub(super) fn as_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(text).filter(|t| !t.trim().is_empty())
}

/// An id at the first path that has one.
pub(super) fn id(value: &Value, paths: &[&str]) -> Option<u64> {
    paths.iter().find_map(|path| as_id(at(value, &[path])?))
}

/// A whole number above zero, bare or in quotes.
pub(super) fn as_id(value: &Value) -> Option<u64> {
    let digits = as_text(value)?;
    let digits = digits.trim();
    // `parse` would take a plus sign.
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|id| plain && *id > 0)
}

/// A moment in milliseconds: ISO 8601 with an offset, or a number of seconds or milliseconds, bare or in quotes.
pub(super) fn moment(value: &Value, paths: &[&str]) -> Option<i64> {
    paths.iter().find_map(|path| {
        let text = as_text(at(value, &[path])?)?;
        let text = text.trim();
        let millis = match text.split('.').next().unwrap_or_default().parse::<i64>() {
            Ok(number) if (1..=LARGEST_SECONDS).contains(&number) => number.saturating_mul(1_000),
            Ok(number) if (1..=LARGEST_MILLIS).contains(&number) => number,
            Ok(_) => return None,
            Err(_) => text.parse::<jiff::Timestamp>().ok()?.as_millisecond(),
        };
        (millis >= EARLIEST_MS).then_some(millis)
    })
}

/// Whether something means yes. `"True"` and `1` do: a flag that is written oddly must not count as unset.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "" | "null" | "none" => None,
            "false" | "0" | "no" | "n" | "f" | "off" => Some(false),
            _ => Some(true),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
