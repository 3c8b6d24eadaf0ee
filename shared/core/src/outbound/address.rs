//! Addresses that people may be led to.

use super::neutral;

/// Longest link; a cut one would lead nowhere.
const URL_CHARS_MAX: usize = 1_500;

/// An absolute http(s) address in which nothing can be hidden; `None` for any other.
pub(crate) fn web_address(url: &str) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://")?;
    let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let odd = |c: char| c.is_control() || c.is_whitespace() || "<>\"\\`".contains(c) || neutral::is_invisible(c);
    if !web || host.is_empty() || url.chars().any(odd) || url.chars().count() > URL_CHARS_MAX {
        return None;
    }
    // Braces would be parted, brackets would end the link of a card or a line.
    let safe = url.chars().fold(String::new(), |mut safe, c| {
        match c {
            '{' => safe.push_str("%7B"),
            '}' => safe.push_str("%7D"),
            '(' => safe.push_str("%28"),
            ')' => safe.push_str("%29"),
            '[' => safe.push_str("%5B"),
            ']' => safe.push_str("%5D"),
            other => safe.push(other),
        }
        safe
    });
    Some(safe)
}
