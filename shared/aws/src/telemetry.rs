//! Lines and counts on standard output, which Lambda hands to CloudWatch.
//!
//! A line is one JSON object. A count is one too, in CloudWatch's embedded metric format: CloudWatch makes a metric of it
//! without a call from us.

use std::{
    io::{self, Stdout, Write},
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_types::date_time::{DateTime, Format};
use frontdesk_core::{
    config::Env,
    telemetry::{Gauge, Level, Line, Metric, Telemetry, Value},
    time::Clock,
};
use serde_json::{Map, Value as Json, json};

use crate::process::SystemClock;

/// Where our metrics stand in CloudWatch.
pub const NAMESPACE: &str = "Frontdesk";

/// Writes to `W`, one JSON object a line. Clones write to the same.
#[derive(Debug)]
pub struct JsonTelemetry<C, W>(Arc<Inner<C, W>>);

#[derive(Debug)]
struct Inner<C, W> {
    function: String,
    least: Level,
    clock: C,
    out: Mutex<W>,
}

impl<C, W> Clone for JsonTelemetry<C, W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What the functions use.
pub type StdoutTelemetry = JsonTelemetry<SystemClock, Stdout>;

impl StdoutTelemetry {
    /// Named after the deployed function, so that two installations in one account are told apart. The level is the
    /// one that Lambda is set to; counts are written at any level.
    #[must_use]
    pub fn new(env: &impl Env) -> Self {
        let function = env.get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned());
        let least = env.get("AWS_LAMBDA_LOG_LEVEL").map_or(Level::Info, |level| least(&level));
        Self::to(function, least, SystemClock, io::stdout())
    }
}

fn least(word: &str) -> Level {
    match word.to_ascii_uppercase().as_str() {
        "WARN" => Level::Warn,
        "ERROR" | "FATAL" => Level::Error,
        _ => Level::Info,
    }
}

const fn name_of(level: Level) -> &'static str {
    match level {
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    }
}

const fn rank(level: Level) -> u8 {
    match level {
        Level::Info => 0,
        Level::Warn => 1,
        Level::Error => 2,
    }
}

impl<C: Clock, W: Write> JsonTelemetry<C, W> {
    /// Writes lines from `least` up to `out`.
    pub fn to(function: String, least: Level, clock: C, out: W) -> Self {
        Self(Arc::new(Inner { function, least, clock, out: Mutex::new(out) }))
    }

    /// One metric in CloudWatch's embedded format, by function and, if it has a word, by that too.
    fn metric(&self, name: &'static str, unit: &'static str, value: u64, kind: Option<&'static str>) {
        let dimensions =
            if kind.is_some() { json!([["function"], ["function", "kind"]]) } else { json!([["function"]]) };
        let mut object = Map::new();
        object.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": self.0.clock.now().get(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": dimensions,
                    "Metrics": [{"Name": name, "Unit": unit}],
                }],
            }),
        );
        object.insert("function".to_owned(), json!(self.0.function));
        if let Some(kind) = kind {
            object.insert("kind".to_owned(), json!(kind));
        }
        object.insert(name.to_owned(), json!(value));
        self.write(object);
    }

    fn write(&self, object: Map<String, Json>) {
        let mut text = Json::Object(object).to_string();
        text.push('\n');
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nobody to tell that nobody listens.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl<C: Clock, W: Write> Telemetry for JsonTelemetry<C, W> {
    fn count(&self, metric: Metric, kind: Option<&'static str>) {
        self.metric(metric.as_str(), "Count", 1, kind);
    }

    fn measure(&self, gauge: Gauge, value: u64) {
        self.metric(gauge.as_str(), gauge.unit(), value, None);
    }

    fn line(&self, line: Line) {
        if rank(line.level) < rank(self.0.least) {
            return;
        }
        let mut object = Map::new();
        for (name, value) in line.fields {
            let value = match value {
                Value::Word(word) => json!(word),
                Value::Number(number) => json!(number),
                Value::Id(text) | Value::Detail(text) => json!(text),
            };
            object.insert(name.to_owned(), value);
        }
        if let Some(code) = line.code {
            object.insert("code".to_owned(), json!(code));
        }
        let timestamp = DateTime::from_millis(self.0.clock.now().get()).fmt(Format::DateTime).unwrap_or_default();
        object.insert("timestamp".to_owned(), json!(timestamp));
        object.insert("level".to_owned(), json!(name_of(line.level)));
        object.insert("function".to_owned(), json!(self.0.function));
        object.insert("message".to_owned(), json!(line.message));
        self.write(object);
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::time::UnixMillis;

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> UnixMillis {
            UnixMillis::new(1_772_000_000_123)
        }
    }

    fn written(least: Level, report: impl FnOnce(&JsonTelemetry<Fixed, Vec<u8>>)) -> Vec<Json> {
        let telemetry = JsonTelemetry::to("stack-shopify-orders".into(), least, Fixed, Vec::new());
        report(&telemetry);
        let text = String::from_utf8(telemetry.0.out.lock().unwrap().clone()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_one_json_object_with_searchable_fields() {
        let line = Line::warn("a key is wrong").code("ERR_X").id("event.id", "shopify#\n1").number("attempt", 2);
        assert_eq!(
            written(Level::Info, |t| t.line(line.word("outcome", "accepted"))),
            [json!({
                "timestamp": "2026-02-25T06:13:20.123Z",
                "level": "WARN",
                "function": "stack-shopify-orders",
                "message": "a key is wrong",
                "code": "ERR_X",
                "event.id": "shopify#\n1",
                "attempt": 2,
                "outcome": "accepted",
            })]
        );
    }

    #[test]
    fn a_count_is_a_metric_by_function_and_by_kind_at_any_level() {
        let lines = written(Level::Error, |t| {
            t.count(Metric::EventAccepted, Some("shopify"));
            t.count(Metric::EventRequeued, None);
            t.line(Line::warn("not loud enough"));
        });
        let [with_kind, without] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(
            *with_kind,
            json!({
                "_aws": {
                    "Timestamp": 1_772_000_000_123_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Frontdesk",
                        "Dimensions": [["function"], ["function", "kind"]],
                        "Metrics": [{"Name": "EventAccepted", "Unit": "Count"}],
                    }],
                },
                "function": "stack-shopify-orders",
                "kind": "shopify",
                "EventAccepted": 1,
            })
        );
        assert_eq!(without["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["function"]]));
        assert!(without.get("kind").is_none());
    }

    #[test]
    fn what_is_measured_has_its_unit_and_value() {
        let lines = written(Level::Error, |t| t.measure(Gauge::OldestWaitingSeconds, 4_000));
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Metrics"], json!([{"Name": "OldestWaitingSeconds", "Unit": "Seconds"}]));
        assert_eq!(directive["Dimensions"], json!([["function"]]));
        assert_eq!(line["OldestWaitingSeconds"], 4_000);
    }
}
