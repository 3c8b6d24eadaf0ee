//! Takes what could be more than words out of a text.
//!
//! Each step looks at what it has written so far, not at what it was given: taking something out may bring two harmless
//! halves together.

/// Schemes that make a link without `//`.
const SCHEMES: [&str; 14] = [
    "javascript",
    "vbscript",
    "livescript",
    "data",
    "file",
    "blob",
    "filesystem",
    "mailto",
    "tel",
    "sms",
    "callto",
    "ftp",
    "intent",
    "view-source",
];

pub(super) fn neutralise(text: &str) -> String {
    part_braces(&web_links_only(&visible(text)))
}

/// Whether a character takes no room and may stand between two others unseen. The joiners of emoji and of scripts that need
/// them are not among these.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Invisible where they stand, and meant to.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Without control and invisible characters; line ends are `\n`.
pub(crate) fn visible(text: &str) -> String {
    let lines = text.replace("\r\n", "\n");
    let shown = lines.chars().filter_map(|c| match c {
        '\n' => Some('\n'),
        '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
        '\t' => Some(' '),
        c if c.is_control() || is_invisible(c) => None,
        c => Some(c),
    });
    shown.collect()
}

/// Whether a target is a web page.
fn is_web(target: &str) -> bool {
    let target = target.trim_start().trim_start_matches('<');
    ["http://", "https://"].iter().any(|start| {
        target.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
            && target.get(start.len()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric()))
    })
}

/// Links that do not lead to a web page become their words.
fn web_links_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '(' if out.ends_with(']') && !is_web(rest) => match target_end(rest) {
                Some(after) => {
                    unwrap_words(&mut out);
                    rest = after;
                }
                // Not a link as it stands; nothing that follows may make it one.
                None => out.push_str(" ("),
            },
            // `[name]: target` defines a link for `[words][name]`.
            ':' if out.ends_with(']') && !is_web(rest) => out.push_str(" :"),
            ':' => {
                let slashes = rest.starts_with("//");
                if let Some(start) = foreign_scheme(&out, slashes, rest) {
                    out.truncate(start);
                    rest = if slashes { rest.trim_start_matches('/') } else { rest };
                } else {
                    out.push(':');
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// What follows the closing bracket of a link's target.
fn target_end(rest: &str) -> Option<&str> {
    let mut depth = 0_usize;
    // Targets are short and in one line; a title may follow them.
    for (at, c) in rest.char_indices().take(2_000) {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return rest.get(at + 1..),
            ')' => depth -= 1,
            '\n' if rest.get(at + 1..).is_some_and(|next| next.starts_with('\n')) => return None,
            _ => {}
        }
    }
    None
}

/// `[words]` at the end becomes `words`, and so does `![words]`.
fn unwrap_words(out: &mut String) {
    out.pop();
    let mut depth = 0_usize;
    let opening = out.char_indices().rev().find_map(|(at, c)| match c {
        ']' => {
            depth += 1;
            None
        }
        '[' if depth == 0 => Some(at),
        '[' => {
            depth -= 1;
            None
        }
        _ => None,
    });
    // Without an opening bracket it was no link; the closing one may still be an outer link's.
    let Some(at) = opening else {
        out.push_str("] ");
        return;
    };
    out.remove(at);
    if out.get(..at).is_some_and(|before| before.ends_with('!')) {
        out.remove(at - 1);
    }
}

/// Where a scheme begins at the end of `out` that leads elsewhere than to a web page, if what follows makes it a link.
fn foreign_scheme(out: &str, slashes: bool, rest: &str) -> Option<usize> {
    // Within the address of a web page it is a part of that.
    let within = out.rfind(delimits);
    if is_web(within.and_then(|at| out.get(at..)).map_or(out, |t| t.trim_start_matches(delimits))) {
        return None;
    }
    let run = out.rfind(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
    let start = run.map_or(0, |at| at + out.get(at..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8));
    // A full stop ends a sentence rather than belongs to a scheme.
    let start = out.get(start..)?.rfind('.').map_or(start, |at| start + at + 1);
    let scheme = out.get(start..)?;
    let follows = rest.starts_with(|c: char| !c.is_whitespace());
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let in_angles = out.get(..start).is_some_and(|before| before.ends_with('<'));
    let known = SCHEMES.iter().any(|s| scheme.eq_ignore_ascii_case(s));
    let links = !scheme.is_empty() && follows && !web && (known || slashes || in_angles);
    links.then_some(start)
}

/// What an address does not go beyond. (Braces are parted by a space afterwards.)
fn delimits(c: char) -> bool {
    c.is_whitespace() || "<>()[]{}\"'".contains(c)
}

/// `{{`, `{%`, `}}` and `%}` get a space between, whatever invisible stands there.
fn part_braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = None;
    for c in text.chars() {
        if matches!((last, c), (Some('{'), '{' | '%') | (Some('}' | '%'), '}')) {
            out.push(' ');
        }
        if !is_joiner(c) {
            last = Some(c);
        }
        out.push(c);
    }
    out
}
