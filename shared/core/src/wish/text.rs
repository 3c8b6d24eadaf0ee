//! A message's text in the one form in which words are compared.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{CodePointMapData, props::GeneralCategory};

/// Whether accents count. They do for the few languages in which they part two everyday words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accents {
    /// `arrêt` is `arret`.
    Drop,
    /// `dừng` (stop) is not `đúng` (yes, right).
    Keep,
}

/// A stretch of words between two marks such as a full stop, or two line ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clause {
    /// In normal form, never empty.
    pub(super) text: String,
    /// Whether it begins a sentence. A blank line parts sentences; a line's end does not, people break lines anywhere.
    pub(super) begins_sentence: bool,
}

/// Compatibility forms become plain letters, case and accents go, apostrophes and invisible characters go, all that is
/// neither letter nor digit becomes one space, and a letter typed three times or more is typed once (`stoppp`).
pub(super) fn normalise(text: &str, accents: Accents) -> String {
    let category = CodePointMapData::<GeneralCategory>::new();
    // Before the decomposition, which takes a spacing accent (people type ´ for ') for a space and a mark.
    let chars = text.chars().filter(|c| !is_apostrophe(*c));
    let folded = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(chars).flat_map(fold);
    let kept = folded.filter_map(|c| {
        let category = category.get(c);
        let mark = matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark);
        // The voicing marks of kana make another letter; they are no accents.
        let dropped_mark = mark && accents == Accents::Drop && !matches!(c, '\u{3099}' | '\u{309a}');
        if dropped_mark || category == GeneralCategory::Format || is_invisible(c) || is_apostrophe(c) {
            return None;
        }
        // A vowel sign that takes room is a part of its word, as in Hindi.
        let word = mark || category == GeneralCategory::SpacingMark || c.is_alphanumeric();
        Some(if word { c } else { ' ' })
    });
    squeeze(ComposingNormalizerBorrowed::new_nfc().normalize_iter(kept))
}

/// Lower case, and the few letters that fold to others or carry an accent that no decomposition takes off.
fn fold(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(|c| {
        let (first, second) = match c {
            'ß' => ('s', Some('s')),
            'æ' => ('a', Some('e')),
            'œ' => ('o', Some('e')),
            'ς' => ('σ', None),
            'ı' => ('i', None),
            'ł' => ('l', None),
            'ø' => ('o', None),
            'đ' => ('d', None),
            other => (other, None),
        };
        std::iter::once(first).chain(second)
    })
}

/// One space between words and none around them; three or more of the same letter become one.
fn squeeze(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    let mut run: Option<(char, usize)> = None;
    let write = |out: &mut String, run: Option<(char, usize)>| {
        if let Some((c, times)) = run {
            let times = if c == ' ' || (times > 2 && c.is_alphabetic()) { 1 } else { times };
            out.extend(std::iter::repeat_n(c, times));
        }
    };
    for c in chars {
        match &mut run {
            Some((same, times)) if *same == c => *times += 1,
            _ => {
                write(&mut out, run);
                run = (c != ' ' || !out.is_empty()).then_some((c, 1));
            }
        }
    }
    write(&mut out, run.filter(|(c, _)| *c != ' '));
    out
}

const fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '´' | '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{2035}' | '\u{02b9}' | '\u{02bb}'
            ..='\u{02bf}' | '\u{02c8}' | '\u{055a}' | '\u{05f3}' | '\u{a78b}' | '\u{a78c}' | '\u{ff07}' | '\u{ff40}'
    )
}

/// Letters by their category that show nothing: the Hangul fillers.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

/// The text's clauses, in order.
pub(super) fn clauses(text: &str) -> Vec<Clause> {
    let mut out = Vec::new();
    let mut begins_sentence = true;
    let mut start = 0;
    let mut push = |part: Option<&str>, ends_sentence: bool| {
        let text = part.map(|part| normalise(part, Accents::Drop)).unwrap_or_default();
        if !text.is_empty() {
            out.push(Clause { text, begins_sentence });
            begins_sentence = false;
        }
        begins_sentence |= ends_sentence;
    };
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let spaced = chars.peek().is_none_or(|(_, next)| next.is_whitespace());
        let ends_sentence = match c {
            '!' | '?' | ';' | '。' | '！' | '？' | '；' | '．' | '…' | '؟' | '—' => true,
            // Without a space after it, it may be within a word: `opt-out`, `s.t.o.p`, `10:30`.
            '.' | ',' | ':' | '-' | '–' | '、' | '，' => spaced,
            _ => false,
        };
        if ends_sentence || c == '\n' {
            let part = text.get(start..at);
            let blank_line = c == '\n' && part.is_some_and(|part| part.trim().is_empty());
            push(part, ends_sentence || blank_line);
            start = at + c.len_utf8();
        }
    }
    push(text.get(start..), true);
    out
}

/// What the person typed above what their program put below: without the reply's history and the device's line.
///
/// The history holds our own "Reply STOP to opt out", which is not their wish.
pub(super) fn without_footer(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    let mut in_history = false;
    let is_quoted = |line: &str| line.trim_start().starts_with('>');
    // With quote marks the history is marked line by line, and what stands below it is the person's own again.
    let marked = text.lines().any(is_quoted);
    while let Some(line) = lines.next() {
        if is_quoted(line) {
            in_history = false;
            continue;
        }
        let next = lines.peek().copied().unwrap_or_default();
        if begins_history(line, next) {
            if marked {
                in_history = true;
            } else if !out.trim().is_empty() {
                break;
            }
        }
        if !in_history && !is_device_line(line) {
            out.push_str(line);
            out.push('\n');
        }
    }
    // All of it looked like a footer: then it is the message.
    if out.trim().is_empty() { text.to_owned() } else { out }
}

/// "On Mon, 3 Mar 2025, Shop wrote:" and its like; mail programs break it over two lines.
fn begins_history(line: &str, next: &str) -> bool {
    let line = line.trim();
    if line == "--" || line.starts_with("-----") || line.starts_with("_____") {
        return true;
    }
    let opens = ["On ", "Le ", "Am ", "El ", "Il ", "Em ", "Op ", "Den ", "From: "].iter().any(|o| line.starts_with(o));
    let closes = |line: &str| {
        line.ends_with(':')
            && ["wrote", "écrit", "schrieb", "escribió", "scritto", "escreveu", "schreef", "skrev"]
                .iter()
                .any(|w| line.contains(w))
    };
    opens && (closes(line) || closes(next.trim()) || line.starts_with("From: ") && line.contains('@'))
}

/// The line that a phone or a mail program signs with.
fn is_device_line(line: &str) -> bool {
    const LINES: [&str; 13] = [
        "sent from my ",
        "sent from outlook",
        "sent from yahoo",
        "sent from gmail",
        "sent from proton",
        "sent via ",
        "get outlook for ",
        "enviado desde mi ",
        "enviado do meu ",
        "envoye de mon ",
        "von meinem ",
        "inviato da ",
        "verstuurd vanaf mijn ",
    ];
    // A signature is short; a longer line that begins so is a sentence.
    const WORDS_MAX: usize = 7;
    // Normal form costs more than the whole scan; only a short line is worth it.
    if line.len() > 120 {
        return false;
    }
    let line = normalise(line, Accents::Drop);
    line.split(' ').count() <= WORDS_MAX && LINES.iter().any(|l| line.starts_with(l))
}

/// The text without longer passages in quotation marks, if there is one: they are somebody else's words, mostly ours.
pub(super) fn without_quotations(text: &str) -> Option<String> {
    // "STOP" and "stop texting me" in quotation marks are still the person's own.
    const WORDS_MIN: usize = 5;
    let mut out = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some((at, open)) = rest.char_indices().find(|(_, c)| matches!(c, '"' | '“' | '”' | '„' | '«')) {
        let (before, from_open) = rest.split_at(at);
        let inside = from_open.get(open.len_utf8()..).unwrap_or_default();
        let close = inside.char_indices().find(|(_, c)| matches!(c, '"' | '“' | '”' | '»'));
        let Some((end, close)) = close else { break };
        let (quoted, after) = inside.split_at(end);
        let after = after.get(close.len_utf8()..).unwrap_or_default();
        out.push_str(before);
        out.push(' ');
        if quoted.split_whitespace().nth(WORDS_MIN - 1).is_some() {
            found = true;
        } else {
            out.push_str(quoted);
            out.push(' ');
        }
        rest = after;
    }
    out.push_str(rest);
    found.then_some(out)
}
