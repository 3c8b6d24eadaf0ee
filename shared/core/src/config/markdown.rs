//! The table of settings as a person reads it.

use std::fmt::Write;

use super::table::SETTINGS;

/// The table as Markdown, for `docs/CONFIGURATION.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::new();
    let mut section = |title: &str, wired: bool| {
        let _ = writeln!(
            out,
            "\n### {title}\n\n| variable | default | unit or form | meaning | read by |\n|---|---|---|---|---|"
        );
        for s in SETTINGS.iter().filter(|s| s.wired == wired) {
            let by: Vec<&str> = s.functions.iter().map(|f| f.as_str()).collect();
            let default = s.default.map_or_else(|| "–".to_owned(), |d| format!("`{d}`"));
            let _ = writeln!(out, "| `{}` | {default} | {} | {} | {} |", s.name, s.unit, s.meaning, by.join(", "));
        }
    };
    section("Yours to tune", false);
    section("Set by the template from its own resources", true);
    out
}
