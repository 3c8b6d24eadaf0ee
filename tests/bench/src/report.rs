//! The table.

use crate::subject::Subject;

/// All that was measured of a function, one number per life.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) start_ms: Vec<f64>,
    pub(crate) init_cpu_ms: Vec<f64>,
    pub(crate) first_event_ms: Vec<f64>,
    pub(crate) warm_ms: Vec<f64>,
    pub(crate) memory_mb: Vec<f64>,
    pub(crate) binary_mb: Vec<f64>,
    pub(crate) init_instructions_m: Vec<f64>,
    pub(crate) first_instructions_m: Vec<f64>,
    pub(crate) instructions_m: Vec<f64>,
}

/// What a number is held to.
#[derive(Clone, Copy)]
enum Limit {
    /// So many times what the function that does nothing takes.
    Times(f64),
    AtMost(f64),
    /// `Times`, but the machine is too busy to tell.
    Untold(f64),
    None,
}

/// A title, where its numbers are, and what they are held to.
type Row = (&'static str, fn(&Measured) -> &[f64], Limit);

/// Prints a function's table and returns how many budgets it exceeds. On a busy machine the clock decides nothing.
pub(crate) fn print(subject: &Subject, nothing: &Measured, ours: &Measured, busy: bool) -> usize {
    let budget = subject.budget;
    let start = if busy { Limit::Untold(budget.start) } else { Limit::Times(budget.start) };
    let rows: [Row; 9] = [
        ("start to first answer, ms", |m| &m.start_ms, start),
        ("init, CPU ms", |m| &m.init_cpu_ms, Limit::Times(budget.init)),
        ("first event after it, CPU ms", |m| &m.first_event_ms, Limit::AtMost(budget.first_event_ms)),
        ("warm event, CPU ms", |m| &m.warm_ms, Limit::Times(budget.warm)),
        ("peak memory, MB", |m| &m.memory_mb, Limit::AtMost(budget.memory_mb)),
        ("stripped binary, MB", |m| &m.binary_mb, Limit::AtMost(budget.binary_mb)),
        ("init, million instructions", |m| &m.init_instructions_m, Limit::None),
        ("first event, million instructions", |m| &m.first_instructions_m, Limit::None),
        ("both, million instructions", |m| &m.instructions_m, Limit::AtMost(budget.instructions_m)),
    ];
    println!("\n{:<36}{:>12}{:>10}{:>10}{:>10}", subject.name, "do-nothing", "ours", "ratio", "budget");
    let mut over = 0;
    for (what, read, limit) in rows {
        let (Some(nothing), Some(ours)) = (median(read(nothing)), median(read(ours))) else { continue };
        let ratio = ours / nothing;
        let (budget, kept) = match limit {
            Limit::Times(most) => (format!("{most:.1} x"), Some(ratio <= most)),
            Limit::AtMost(most) => (format!("{most:.1}"), Some(ours <= most)),
            Limit::Untold(most) => (format!("{most:.1} x"), None),
            Limit::None => (String::new(), None),
        };
        let verdict = match kept {
            Some(true) => "ok",
            Some(false) => "over",
            None if budget.is_empty() => "",
            None => "busy",
        };
        over += usize::from(kept == Some(false));
        println!("  {what:<34}{nothing:>12.2}{ours:>10.2}{ratio:>8.2} x{budget:>10}  {verdict}");
    }
    over
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some((low + high) / 2.0)
}
