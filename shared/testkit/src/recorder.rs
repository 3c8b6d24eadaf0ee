//! Telemetry that remembers.

use std::sync::Mutex;

use frontdesk_core::telemetry::{Gauge, Line, Metric, Telemetry};

/// Keeps everything that was counted and written.
#[derive(Debug, Default)]
pub struct Recorder {
    counts: Mutex<Vec<(Metric, Option<&'static str>)>>,
    measured: Mutex<Vec<(Gauge, u64)>>,
    lines: Mutex<Vec<Line>>,
}

impl Recorder {
    /// How often a metric was counted.
    #[must_use]
    pub fn count_of(&self, metric: Metric) -> usize {
        self.counts.lock().unwrap().iter().filter(|(m, _)| *m == metric).count()
    }

    /// How often a metric was counted with this word.
    #[must_use]
    pub fn count_of_kind(&self, metric: Metric, kind: &str) -> usize {
        self.counts.lock().unwrap().iter().filter(|(m, k)| *m == metric && *k == Some(kind)).count()
    }

    /// What was measured, one after the other.
    #[must_use]
    pub fn measured(&self, gauge: Gauge) -> Vec<u64> {
        self.measured.lock().unwrap().iter().filter(|(g, _)| *g == gauge).map(|(_, value)| *value).collect()
    }

    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap().clone()
    }
}

impl Telemetry for Recorder {
    fn count(&self, metric: Metric, kind: Option<&'static str>) {
        self.counts.lock().unwrap().push((metric, kind));
    }

    fn measure(&self, gauge: Gauge, value: u64) {
        self.measured.lock().unwrap().push((gauge, value));
    }

    fn line(&self, line: Line) {
        self.lines.lock().unwrap().push(line);
    }
}
