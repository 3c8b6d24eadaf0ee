//! Telemetry that remembers.

use std::sync::Mutex;

use frontdesk_core::telemetry::{Line, Metric, Telemetry};

/// Keeps everything that was counted and written.
#[derive(Debug, Default)]
pub struct Recorder {
    counts: Mutex<Vec<(Metric, Option<&'static str>)>>,
    lines: Mutex<Vec<Line>>,
}

impl Recorder {
    /// How often a metric was counted.
    #[must_use]
    pub fn count_of(&self, metric: Metric) -> usize {
        self.counts.lock().unwrap().iter().filter(|(m, _)| *m == metric).count()
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

    fn line(&self, line: Line) {
        self.lines.lock().unwrap().push(line);
    }
}
