//! How answers look to people: colours, tables, progress; and how times and numbers are read from a command line.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use frontdesk_core::{
    phone::{E164Phone, normalize},
    time::UnixMillis,
};

use crate::failure::Failure;
use crate::phone::{mention_unknown, refusal};

/// How often somebody who cannot see a line change is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// How often a line changes.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// Colours, where they may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    pub(crate) const fn new(on: bool) -> Self {
        Self { on }
    }

    pub(crate) fn good(self, text: impl fmt::Display) -> String {
        self.code("32", text)
    }

    pub(crate) fn warn(self, text: impl fmt::Display) -> String {
        self.code("33", text)
    }

    pub(crate) fn bad(self, text: impl fmt::Display) -> String {
        self.code("31", text)
    }

    pub(crate) fn bold(self, text: impl fmt::Display) -> String {
        self.code("1", text)
    }

    pub(crate) fn dim(self, text: impl fmt::Display) -> String {
        self.code("2", text)
    }

    fn code(self, code: &str, text: impl fmt::Display) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}

/// A table for people. Columns are as wide as their widest cell; colours do not count.
#[derive(Debug)]
pub(crate) struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    pub(crate) fn new<const N: usize>(heads: [&str; N]) -> Self {
        Self { rows: vec![heads.map(str::to_owned).to_vec()] }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) -> &mut Self {
        self.rows.push(cells.into());
        self
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|at| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or_default())
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, wide) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', wide.saturating_sub(width(cell)) + 2));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// How many characters of a cell are seen.
fn width(cell: &str) -> usize {
    let mut seen = 0;
    let mut in_code = false;
    for c in cell.chars() {
        match (in_code, c) {
            (false, '\u{1b}') => in_code = true,
            (true, 'm') => in_code = false,
            (true, _) => {}
            (false, _) => seen += 1,
        }
    }
    seen
}

/// How far a long work is, on standard error: one line that changes on a terminal, a line every few seconds elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    total: Option<u64>,
    done: u64,
    terminal: bool,
    told: Instant,
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "how often a line is drawn decides nothing")]
    pub(crate) fn start(what: impl Into<String>, total: Option<u64>) -> Self {
        Self { what: what.into(), total, done: 0, terminal: io::stderr().is_terminal(), told: Instant::now() }
    }

    /// So many more are done.
    #[expect(clippy::disallowed_methods, reason = "how often a line is drawn decides nothing")]
    pub(crate) fn step(&mut self, more: u64) {
        self.done += more;
        let every = if self.terminal { DRAWN_EVERY } else { TOLD_EVERY };
        if self.told.elapsed() >= every {
            self.told = Instant::now();
            self.tell();
        }
    }

    /// Nothing more comes. What was a changing line goes.
    pub(crate) fn finish(self) {
        if self.terminal {
            write!(io::stderr(), "\r\u{1b}[K").ok();
        }
    }

    fn tell(&self) {
        let of = self.total.map(|total| format!(" of {total}")).unwrap_or_default();
        let (before, after) = if self.terminal { ("\r\u{1b}[K", "") } else { ("", "\n") };
        write!(io::stderr(), "{before}{}: {}{of}{after}", self.what, self.done).ok();
        io::stderr().flush().ok();
    }
}

/// A moment for people and programs; nothing where it is none.
pub(crate) fn iso(at: UnixMillis) -> Option<String> {
    jiff::Timestamp::from_millisecond(at.get()).ok().map(|at| at.to_string())
}

/// `--since`: a span back from now, or a time; `back_max`: nothing is older.
pub(crate) fn when(text: &str, now: UnixMillis, back_max: Duration) -> Result<UnixMillis, Failure> {
    let wrong = |what: &str| Failure::Config(format!("--since {text:?} {what}"));
    let since = match span(text) {
        Some(span) => now.minus(span),
        None => {
            let time: jiff::Timestamp = text
                .parse()
                .map_err(|_| wrong("is neither a span like 30m, 24h or 3d nor a time like 2026-11-18T00:00:00Z"))?;
            UnixMillis::new(time.as_millisecond())
        }
    };
    if since >= now {
        return Err(wrong("is not in the past"));
    }
    if now.since(since) > back_max {
        return Err(wrong(&format!("is more than {} days ago", back_max.as_secs() / 86_400)));
    }
    Ok(since)
}

fn span(text: &str) -> Option<Duration> {
    let seconds = [('m', 60), ('h', 3_600), ('d', 86_400)];
    let (number, unit) = seconds.into_iter().find_map(|(letter, s)| Some((text.strip_suffix(letter)?, s)))?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // One that is too large is told of as one that is too long ago: a thousand years.
    Some(Duration::from_secs(number.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(unit).min(1_000 * 31_557_600)))
}

/// `--phone`, read with `--default-country`.
pub(crate) fn phone(text: &str, country: Option<&str>) -> Result<E164Phone, Failure> {
    mention_unknown(country);
    let number = normalize(text, country).map_err(|reject| Failure::Config(refusal(reject, country)))?;
    Ok(number.e164)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_795_132_800_000);

    #[test]
    fn since_is_a_span_or_a_time_in_the_past() {
        let hours = |h: u64| NOW.minus(Duration::from_secs(h * 3_600));
        let read = |text: &str| when(text, NOW, Duration::from_secs(400 * 86_400)).map_err(|_| ());
        assert_eq!(read("24h"), Ok(hours(24)));
        assert_eq!(read("120m"), Ok(hours(2)));
        assert_eq!(read("3d"), Ok(hours(72)));
        assert_eq!(read("400d"), Ok(hours(9_600)));
        assert_eq!(read("2026-11-19T00:00:00Z"), Ok(hours(24)));
        assert_eq!(read("2026-11-19T11:00:00+11:00"), Ok(hours(24)));
        for wrong in [
            "",
            "h",
            "24",
            "-3h",
            "+3h",
            "1.5h",
            "24 h",
            "0h",
            "401d",
            "99999999999999999999d",
            "2026-11-21T00:00:00Z",
            "yesterday",
            "é",
        ] {
            assert_eq!(read(wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn columns_line_up_whatever_is_coloured() {
        let paint = Paint::new(true);
        let mut grid = Grid::new(["KEY", "STATUS", "WHY"]);
        grid.row(["a".into(), paint.bad("parked"), "x".into()]);
        grid.row(["long-key".into(), "ok".into(), String::new()]);
        let lines: Vec<String> = grid.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "KEY       STATUS  WHY");
        assert_eq!(lines[1], "a         \u{1b}[31mparked\u{1b}[0m  x");
        assert_eq!(lines[2], "long-key  ok");
    }
}
