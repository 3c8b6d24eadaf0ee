//! Lines for the person at the terminal. A terminal that has gone away is no reason to stop, which is what `println!`
//! would make of it.

use std::fmt::Display;
use std::io::Write;

/// A line on standard output.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line on standard error.
pub(crate) fn warn(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
