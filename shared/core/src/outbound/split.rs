//! Texts that are longer than a post may be.

use super::render::{cut_at_word, fitted, neutralise};

/// Most posts of one text: whoever is sent more reads none of them.
const TEXTS_MAX: usize = 6;
/// Where a text is parted at best, the first that there is.
const ENDS: [fn(&str, &str) -> bool; 3] =
    [|before, _| before.ends_with("\n\n"), |before, _| before.ends_with('\n'), ends_sentence];

/// Neutral text in parts of so many characters, each of them neutral. What six parts do not hold is left out, and the last
/// one ends with `…` then.
pub(super) fn split(text: &str, max: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let left = TEXTS_MAX.saturating_sub(parts.len() + 1);
        if rest.chars().count() <= max || left == 0 {
            parts.push(fitted(rest, max, cut_at_word));
            break;
        }
        let widest = head(rest, max, left);
        // A part of an address may look like another link, and taking that apart may make it a little longer.
        let fits = neutralise(widest).chars().count() <= max;
        let head = if fits { widest } else { head(rest, max.saturating_sub(16), left) };
        parts.push(fitted(head, max, cut_at_word).trim().to_owned());
        rest = rest.get(head.len()..).unwrap_or_default().trim_start();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What goes into the next part: so many characters at most, one at least.
fn head(rest: &str, max: usize, left: usize) -> &str {
    let borders: Vec<usize> = rest.char_indices().map(|(at, _)| at).skip(1).take(max).collect();
    // Half a part at least, and more where the rest would not fit into the parts that are left.
    let half = max / 2;
    let least = rest.chars().count().saturating_sub(left * max / 10 * 9).clamp(half, max);
    let last = |least: usize, ends: &dyn Fn(&str, &str) -> bool| {
        let mut borders = borders.iter().skip(least.saturating_sub(1)).rev();
        borders.find(|at| rest.split_at_checked(**at).is_some_and(|(before, after)| ends(before, after)))
    };
    let nice = ENDS.iter().find_map(|ends| last(least, ends));
    let word = || last(half, &|_, after| begins_blank(after));
    let at = nice.or_else(word).or(borders.last()).copied().unwrap_or(rest.len());
    rest.get(..at).unwrap_or(rest)
}

fn ends_sentence(before: &str, after: &str) -> bool {
    // "2. " begins an item of a list.
    let full_stop = before.strip_suffix('.').is_some_and(|said| !said.ends_with(|c: char| c.is_ascii_digit()));
    before.ends_with(['。', '！', '？']) || ((full_stop || before.ends_with(['!', '?', '…'])) && begins_blank(after))
}

fn begins_blank(text: &str) -> bool {
    text.starts_with(char::is_whitespace)
}

/// Parts, each with what stands before it where another does, in as few texts as hold them. No part may be longer.
pub(super) fn packed(parts: Vec<(&str, String)>, max: usize) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for (before, part) in parts {
        match texts.last_mut() {
            Some(text) if text.chars().count() + before.len() + part.chars().count() <= max => {
                text.push_str(before);
                text.push_str(&part);
            }
            _ => texts.push(part),
        }
    }
    texts
}
