//! Looking into JSON whose shape nobody guarantees. A field of the wrong type counts as missing.

use serde_json::Value;

use crate::time::UnixMillis;

/// Longer texts are cut: nothing that is read from here on needs them whole.
pub(super) const TEXT_CHARS_MAX: usize = 10_000;

/// What stands at the first of several paths (dots between names) that leads anywhere but to null.
pub(super) fn at<'a>(value: &'a Value, paths: &[&str]) -> Option<&'a Value> {
    paths.iter().find_map(|path| {
        let end = path.split('.').try_fold(value, |value, name| value.get(name))?;
        (!end.is_null()).then_some(end)
    })
}

/// A text; a number counts as its digits, since some senders write ids and numbers bare.
pub(super) fn text(value: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| as_text(at(value, &[path])?))
}

pub(super) fn as_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.chars().take(TEXT_CHARS_MAX).collect(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(text).filter(|t| !t.trim().is_empty())
}

/// An identifier that its type accepts.
pub(super) fn id<T>(value: &Value, paths: &[&str]) -> Option<T>
where
    T: for<'a> TryFrom<&'a str>,
{
    paths.iter().find_map(|path| T::try_from(text(value, &[path])?.trim()).ok())
}

/// A list; anything else is an empty one.
pub(super) fn list<'a>(value: &'a Value, paths: &[&str]) -> &'a [Value] {
    at(value, paths).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A moment: ISO 8601 with an offset, or a number of seconds or milliseconds, bare or in quotes.
pub(super) fn moment(value: &Value, paths: &[&str]) -> Option<UnixMillis> {
    paths.iter().find_map(|path| as_moment(at(value, &[path])?))
}

fn as_moment(value: &Value) -> Option<UnixMillis> {
    let text = as_text(value)?;
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return from_number(number);
    }
    let moment = text.parse::<jiff::Timestamp>().ok().map(|t| UnixMillis::new(t.as_millisecond()))?;
    (moment >= EARLIEST).then_some(moment)
}

/// Above this a number of seconds would be the year 2286, so it is one of milliseconds.
const LARGEST_SECONDS: f64 = 10_000_000_000.0;
const LARGEST_MILLIS: f64 = 10_000_000_000_000.0;
/// Start of 2015. What is older is a date in another form, or somebody's zero, and as a time of an event worse than none:
/// everything known would count as newer.
const EARLIEST: UnixMillis = UnixMillis::new(1_420_070_400_000);

fn from_number(number: f64) -> Option<UnixMillis> {
    if !(1.0..=LARGEST_MILLIS).contains(&number) {
        return None;
    }
    let millis = if number > LARGEST_SECONDS { number } else { number * 1000.0 };
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked above")]
    let moment = UnixMillis::new(millis as i64);
    (moment >= EARLIEST).then_some(moment)
}

/// Whether something means yes. `"True"` and `1` do: a flag that is written oddly must not count as unset.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "" | "null" | "none" => None,
            "false" | "0" | "no" | "n" | "off" => Some(false),
            _ => Some(true),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
