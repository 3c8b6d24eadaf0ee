//! Texts made fit to be shown. Pure.
//!
//! What a customer wrote is data about a person, and may be meant to do harm: it must neither show a number that was typed
//! in passing to a whole channel, nor call people, nor lead them anywhere.

use frontdesk_core::notice::Notice;

/// From so many digits on it may be somebody's number.
const PHONE_DIGITS_MIN: usize = 7;
/// More than this between two digits, and they belong to two numbers.
const BETWEEN_DIGITS_MAX: usize = 6;
/// Joins two characters without being seen. What stands on both sides of it is no word, no address and no call.
const WORD_JOINER: char = '\u{2060}';

/// A text of several lines, without what cannot be seen and what turns the direction of what follows.
pub(super) fn tidy(text: &str) -> String {
    let shown = text.chars().filter_map(|c| match c {
        '\n' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\t' => Some(' '),
        _ if c.is_control() || is_invisible(c) => None,
        _ => Some(c),
    });
    shown.collect::<String>().trim().to_owned()
}

/// The same on one line.
pub(super) fn one_line(text: &str) -> String {
    tidy(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a notice quotes, if it quotes anything: as it was written if that is to be answered, else without numbers and addresses.
pub(super) fn quoted(notice: &Notice) -> Option<String> {
    let quote = notice.content.quote.as_deref()?;
    let quote = if notice.kind.is_a_letter() { tidy(quote) } else { of_customer(quote) };
    (!quote.is_empty()).then_some(quote)
}

/// A customer's words, with phone numbers and e-mail addresses masked.
fn of_customer(text: &str) -> String {
    without_numbers(&without_addresses(&tidy(text)))
}

/// A customer's words for a place that would make calls and links of them.
pub(super) fn defused(text: &str) -> String {
    let mut defused = String::with_capacity(text.len());
    let mut before = ' ';
    let mut following = text.chars().skip(1);
    for c in text.chars() {
        let after = following.next().unwrap_or(' ');
        defused.push(c);
        let splits = match c {
            '@' | '\u{FF20}' | '<' => true,
            ':' => after == '/',
            '.' => before.is_alphanumeric() && after.is_alphabetic(),
            _ => false,
        };
        if splits {
            defused.push(WORD_JOINER);
        }
        before = c;
    }
    defused
}

/// Slack's escapes, cut to `max`.
pub(super) fn escaped(text: &str, max: usize) -> String {
    fit(text, max, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
}

/// A text cut to `max`.
pub(super) fn cut(text: &str, max: usize) -> String {
    fit(text, max, |_| None)
}

/// At most `max` units of UTF-16, which are never fewer than the characters; who counts in either way finds no more.
/// What `written` gives stands for its character, and is kept or left out whole.
fn fit(text: &str, max: usize, written: impl Fn(char) -> Option<&'static str>) -> String {
    let (mut fitted, mut length) = (String::new(), 0);
    // Where it would be cut if something more came: there is room for the dots.
    let mut end = 0;
    for c in text.chars() {
        let escape = written(c);
        length += escape.map_or_else(|| c.len_utf16(), str::len);
        if length > max {
            fitted.truncate(end);
            fitted.push('…');
            return fitted;
        }
        match escape {
            Some(escape) => fitted.push_str(escape),
            None => fitted.push(c),
        }
        if length < max {
            end = fitted.len();
        }
    }
    fitted
}

/// Characters that show nothing, or only change how others are shown. The joiners that emoji and Persian are made of
/// stay.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

fn without_addresses(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(['@', '\u{FF20}']) {
        let head = before.trim_end_matches(|c: char| c.is_alphanumeric() || "._%+-'".contains(c));
        let tail = after.trim_start_matches(|c: char| c.is_alphanumeric() || ".-".contains(c));
        let domain = after.strip_suffix(tail).unwrap_or_default();
        let dot_within = domain.trim_matches(['.', '-']).contains('.');
        if head.len() < before.len() && dot_within {
            // The end of a sentence is none of the address.
            let stop = domain.ends_with('.');
            masked.push_str(head);
            masked.push_str(if stop { "***@***." } else { "***@***" });
            rest = tail;
        } else {
            masked.push_str(before);
            masked.push('@');
            rest = after;
        }
    }
    masked.push_str(rest);
    masked
}

fn without_numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut run = Run::default();
    for c in text.chars() {
        if c.is_numeric() {
            run.digit(c);
        } else if !run.whole.is_empty() && is_between_digits(c) && run.gap.chars().count() < BETWEEN_DIGITS_MAX {
            run.gap.push(c);
        } else {
            run.end(&mut masked);
            if matches!(c, '+' | '(' | '\u{FF0B}') {
                // It may be a number's first.
                run.whole.push(c);
            } else {
                masked.push(c);
            }
        }
    }
    run.end(&mut masked);
    masked
}

/// What people write between the digits of one number, keycap emoji included.
fn is_between_digits(c: char) -> bool {
    c.is_whitespace()
        || "-‐‑‒–—―−.·•()[]/\\+_~*|".contains(c)
        || matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE0F}' | '\u{20E3}' | '\u{FF0D}' | '\u{FF0E}')
}

/// Digits, and what stands between them.
#[derive(Default)]
struct Run {
    /// Up to the last digit.
    whole: String,
    /// Since the last digit.
    gap: String,
    digits: Vec<char>,
}

impl Run {
    fn digit(&mut self, c: char) {
        self.whole.push_str(&self.gap);
        self.gap.clear();
        self.whole.push(c);
        self.digits.push(c);
    }

    fn end(&mut self, masked: &mut String) {
        match self.digits.len().checked_sub(4) {
            Some(hidden) if self.digits.len() >= PHONE_DIGITS_MIN => {
                masked.push_str("***");
                masked.extend(self.digits.iter().skip(hidden));
            }
            Some(_) | None => masked.push_str(&self.whole),
        }
        masked.push_str(&self.gap);
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_every_spelling_keep_four_digits() {
        for (text, expected) in [
            ("+61491570156", "***0156"),
            ("call +61 491 570 156 now", "call ***0156 now"),
            ("0491-570-156.", "***0156."),
            ("(02) 9999 0156", "***0156"),
            ("04 91 57 01 56", "***0156"),
            ("0 4 9 1 5 7 0 1 5 6", "***0156"),
            ("0491\u{a0}570\u{2009}156", "***0156"),
            ("0491\n570\n156", "***0156"),
            ("0491\u{200b}570\u{feff}156", "***0156"),
            ("+1 (512) 555-0143", "***0143"),
            ("０４９１ ５７０ １５６", "***０１５６"),
            ("٠٤٩١٥٧٠١٥٦", "***٠١٥٦"),
            ("0\u{fe0f}\u{20e3}4\u{fe0f}\u{20e3}9157\u{2013}0156", "***0156"),
            ("0491570156 or 0491570157", "***0156 or ***0157"),
            ("0491570156/0491570157", "***0157"),
            ("order 123456", "order 123456"),
            ("2 of 3 (5 stars), +1", "2 of 3 (5 stars), +1"),
            ("12 ....... 3456789", "12 ....... ***6789"),
            ("+", "+"),
            ("()", "()"),
        ] {
            assert_eq!(of_customer(text), expected, "{text}");
        }
    }

    #[test]
    fn addresses_are_hidden_whole() {
        for (text, expected) in [
            ("write to Jo.Bell+x@mail.example.com.", "write to ***@***."),
            ("<jo@example.com>", "<***@***>"),
            ("jo@example.com,ann@example.org", "***@***,***@***"),
            ("jürgen@münchen.example", "***@***"),
            ("jo\u{ff20}example.com", "***@***"),
            ("0491570156@example.com", "***@***"),
            ("@here me@home a@b@c", "@here me@home a@b@c"),
            ("@example.com", "@example.com"),
            ("a@.b", "a@.b"),
        ] {
            assert_eq!(of_customer(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_seen_is_not_there() {
        assert_eq!(tidy(" a\u{202e}b\u{0}c\r\nd\u{feff}\u{2028}e\tf\u{e0041} "), "abc\nd\ne f");
        assert_eq!(tidy("👩\u{200d}🚀 ❤\u{fe0f}"), "👩\u{200d}🚀 ❤\u{fe0f}");
        assert_eq!(tidy("שלום עולם"), "שלום עולם");
        assert_eq!(one_line(" a \n\n b\tc "), "a b c");
    }

    #[test]
    fn nothing_calls_and_nothing_leads_away() {
        for (text, expected) in [
            ("<!channel> @here", "<\u{2060}!channel> @\u{2060}here"),
            ("see https://evil.example/x", "see https:\u{2060}//evil.\u{2060}example/x"),
            ("www.evil.example", "www.\u{2060}evil.\u{2060}example"),
            ("Bad. Very bad... 1.5 stars", "Bad. Very bad... 1.5 stars"),
            ("", ""),
        ] {
            assert_eq!(defused(text), expected, "{text}");
        }
    }

    #[test]
    fn a_cut_goes_through_no_character_and_no_escape() {
        for (text, max, expected) in [
            ("abcd", 4, "abcd"),
            ("abcde", 4, "abc…"),
            ("a&b", 7, "a&amp;b"),
            ("a&bc", 7, "a&amp;…"),
            ("a&&", 7, "a&amp;…"),
            ("ab&", 6, "ab…"),
            ("a&", 5, "a…"),
            ("😀😀😀", 6, "😀😀😀"),
            ("😀😀😀", 5, "😀😀…"),
            ("😀😀😀", 4, "😀…"),
            ("", 4, ""),
        ] {
            let fitted = escaped(text, max);
            assert_eq!(fitted, expected, "{text} {max}");
            assert!(fitted.encode_utf16().count() <= max, "{text} {max}");
        }
    }
}
