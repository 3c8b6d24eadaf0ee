//! What a customer's message wishes about being texted: the one reading for every channel.
//!
//! The law counts any reasonable means (47 CFR 64.1200(a)(10); Spam Act 2003, Australia), not one spelling of one word; and
//! a text to somebody who said stop is the fault that costs most. So a whole message is looked up among many words in many
//! languages, longer text is searched for sentences that can hardly mean anything else, and what is short and angry but not
//! clear is [`Wish::Unsure`], which is safe either way: nothing automatic is sent, and a person reads it.
//!
//! In the other direction nothing is guessed: START counts only as a whole message, and YES never, because without the
//! question before it nobody knows what it agrees to.
//!
//! No model, no state, no clock: the same text is the same wish for ever, so the text's hash is proof enough.

mod patterns;
#[cfg(test)]
mod tests;
mod text;
mod words;

use patterns::{About, At, Found, ends, found_at, longest, places};
use text::{Accents, Clause, clauses, normalise, without_footer, without_quotations};

/// What a message wishes about being texted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// No more messages. Recorded before anything else happens to the message.
    Stop,
    /// Messages again. Re-opens a keyword opt-out of the very number that sent it, and no other kind.
    Start,
    /// Who are you? Changes nothing.
    Help,
    /// Perhaps no more messages. Nothing automatic is sent, and a person is told.
    Unsure,
    /// Nothing about being texted.
    None,
}

/// Further words that mean stop when they are the whole message, from a setting. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraWords(Vec<String>);

/// More than anybody needs, and few enough to compare one by one.
const EXTRA_WORDS_MAX: usize = 100;
/// A keyword is a word or a few; a longer entry is a mistake in the setting, such as a missing comma.
const EXTRA_WORD_CHARS_MAX: usize = 40;

impl ExtraWords {
    /// Reads a comma separated list; a blank one is none. Case, accents and punctuation do not matter.
    ///
    /// # Errors
    ///
    /// A sentence that names the entry which is empty, holds no letter or digit, is too long, or asks for texts or help
    /// elsewhere: as a stop word it would leave no way back in, or none to us.
    pub fn parse(setting: &str) -> Result<Self, String> {
        let mut words: Vec<String> = Vec::new();
        if setting.trim().is_empty() {
            return Ok(Self(words));
        }
        for (at, entry) in setting.split(',').map(str::trim).enumerate() {
            let number = at + 1;
            if number > EXTRA_WORDS_MAX {
                return Err(format!("there are more than {EXTRA_WORDS_MAX} stop words"));
            }
            if entry.is_empty() {
                return Err(format!("stop word {number} is empty"));
            }
            if entry.chars().count() > EXTRA_WORD_CHARS_MAX {
                let start: String = entry.chars().take(EXTRA_WORD_CHARS_MAX).collect();
                return Err(format!(
                    "stop word {number} (\"{start}...\") is longer than {EXTRA_WORD_CHARS_MAX} characters"
                ));
            }
            let word = normalise(entry, Accents::Drop);
            if word.is_empty() {
                return Err(format!("stop word {number} (\"{entry}\") has no letter or digit"));
            }
            if words::START.contains(&word.as_str()) {
                return Err(format!("stop word {number} (\"{entry}\") is the word that asks for messages again"));
            }
            if words::HELP.contains(&word.as_str()) {
                return Err(format!("stop word {number} (\"{entry}\") is the word that asks for help"));
            }
            if !words.contains(&word) {
                words.push(word);
            }
        }
        Ok(Self(words))
    }

    fn contains(&self, word: &str) -> bool {
        self.0.iter().any(|w| w == word)
    }
}

/// A longer text message does not exist (carriers join up to ten parts, 1,600 characters), and nobody hides a wish behind a
/// page of chat; but anybody may send a megabyte, and this bounds what reading it costs.
const CHARS_MAX: usize = 2_000;

/// Reads a message's wish.
///
/// The device's signature and the history of a reply are not the person's words and are left out; so are longer passages
/// in quotation marks, unless they might be a wish after all. Only the first 2,000 characters are read.
#[must_use]
pub fn read(text: &str, extra: &ExtraWords) -> Wish {
    let text = text.trim_start();
    let text = text.char_indices().nth(CHARS_MAX).and_then(|(end, _)| text.get(..end)).unwrap_or(text);
    let text = without_footer(text);
    let Some(unquoted) = without_quotations(&text) else { return read_own_words(&text, extra) };
    if is_reaction(&unquoted) {
        return Wish::None;
    }
    match (read_own_words(&unquoted, extra), read_own_words(&text, extra)) {
        // Perhaps ours, perhaps their own in quotation marks; a person can tell.
        (Wish::None, Wish::Stop | Wish::Unsure) => Wish::Unsure,
        (Wish::None, _) => Wish::None,
        (own, _) => own,
    }
}

/// A phone's reaction arrives as a text that quotes ours, and with it our own "Reply STOP to opt out": `Liked "Hi Ann ‥"`.
/// A thumb down is a sentiment, and sentiment decides nothing.
fn is_reaction(unquoted: &str) -> bool {
    const REACTIONS: &[&str] = &[
        "liked",
        "loved",
        "disliked",
        "laughed at",
        "emphasized",
        "emphasised",
        "questioned",
        "reacted to",
        "reacted with to",
        "to",
        "removed a like from",
        "removed a heart from",
        "removed a dislike from",
        "removed a laugh from",
        "removed an exclamation from",
        "removed a question mark from",
        "removed from",
        "a aime",
        "a adore",
        "me gusta",
        "le gusto",
        "le ha gustado",
        "le encanto",
        "gefallt",
        "hat gefallen",
        "mag",
    ];
    REACTIONS.contains(&normalise(unquoted, Accents::Drop).as_str())
}

/// A message without footer and quotations, tier by tier, the surest first.
fn read_own_words(text: &str, extra: &ExtraWords) -> Wish {
    let clauses = clauses(text);
    let words: Vec<&str> = clauses.iter().flat_map(|c| c.text.split(' ')).collect();
    if words.is_empty() {
        // A sign that says it without a word.
        let signs = text.contains(['\u{1f6d1}', '\u{26d4}', '\u{1f6ab}', '\u{1f515}', '\u{1f595}']);
        return if signs { Wish::Unsure } else { Wish::None };
    }
    let about = About::of(&words);
    whole(text, &words, extra)
        .or_else(|| phrase_by_phrase(&words))
        .or_else(|| anywhere(&clauses, &words, &about))
        .or_else(|| sentence(&clauses, &words, &about))
        .or_else(|| leaning(&words, &about))
        .unwrap_or(Wish::None)
}

/// The whole message is one known word or phrase, also with its letters apart: "S T O P", "s.t.o.p".
fn whole(text: &str, words: &[&str], extra: &ExtraWords) -> Option<Wish> {
    // Longer than any phrase; joining a page of words would only cost.
    const WORDS_MAX: usize = 24;
    if words.len() > WORDS_MAX {
        return None;
    }
    let message = words.join(" ");
    let is = |list: &[&str], message: &str| list.contains(&message);
    let stops = |message: &str| is(words::WORDS, message) || is(words::COMMANDS, message) || extra.contains(message);
    let accented = normalise(text, Accents::Keep);
    let spelled = words.len() > 2 && words.iter().all(|w| w.chars().nth(1).is_none());
    if is(words::START, &message) {
        Some(Wish::Start)
    } else if is(words::HELP, &message) {
        Some(Wish::Help)
    } else if stops(&message) || (spelled && stops(&words.concat())) || is(words::ACCENTED, &accented) {
        Some(Wish::Stop)
    } else if is(words::UNACCENTED, &accented) {
        Some(Wish::Unsure)
    } else {
        None
    }
}

/// The message is nothing but known phrases: "STOP STOP", "hi, stop pls", "stop - wrong person".
fn phrase_by_phrase(words: &[&str]) -> Option<Wish> {
    // People who say it twice and politely need fewer.
    const WORDS_MAX: usize = 24;
    if words.len() > WORDS_MAX {
        return None;
    }
    let (mut command, mut word, mut unsure, mut emphasis) = (false, false, false, false);
    let mut rest = words;
    while !rest.is_empty() {
        let mut options = [
            (words::COMMANDS, &mut command),
            (words::WORDS, &mut word),
            (words::UNSURE, &mut unsure),
            (words::COURTESY, &mut false),
            (words::EMPHASIS, &mut emphasis),
        ];
        let found = options.iter_mut().filter_map(|(list, seen)| Some((longest(rest, list)?, seen)));
        let (after, seen) = found.min_by_key(|(after, _)| after.len())?;
        **seen = true;
        rest = after;
    }
    // "ok cancel" may answer a question about an order; "cancel please" repeats the law's own word.
    if command || (word && !emphasis) {
        Some(Wish::Stop)
    } else if word || unsure {
        Some(Wish::Unsure)
    } else {
        None
    }
}

/// A sentence of the third rule somewhere in the text.
fn anywhere(clauses: &[Clause], words: &[&str], about: &About) -> Option<Wish> {
    // Where the sentence of each word begins.
    let mut sentence = 0;
    let mut begins = Vec::with_capacity(words.len());
    for clause in clauses {
        if clause.begins_sentence {
            sentence = begins.len();
        }
        begins.extend(clause.text.split(' ').map(|_| sentence));
    }
    let found = places(words).zip(begins).filter_map(|((before, rest), begin)| {
        found_at(At { before: before.get(begin..).unwrap_or_default(), rest, all: about })
    });
    match found.max()? {
        Found::Clear => Some(Wish::Stop),
        Found::Hedged => Some(Wish::Unsure),
    }
}

/// Follows "stop" in everyday sentences: "stop by", "stop in", "stop at".
const CONTINUES: &[&str] = &[
    "by", "in", "at", "over", "off", "for", "on", "to", "into", "using", "and", "before", "after", "until", "near",
    "outside", "along", "with", "the", "when", "from", "of",
];

/// One sentence, or one line, is a bare command among others: "STOP. Who is this?", "STOP\nJohn".
fn sentence(clauses: &[Clause], words: &[&str], about: &About) -> Option<Wish> {
    // In a longer text a bare "Stop." is likelier to be a part of a story.
    const WORDS_MAX: usize = 30;
    if words.len() > WORDS_MAX {
        return None;
    }
    let next = clauses.iter().skip(1).map(Some).chain([None]);
    let bare = clauses.iter().zip(next).any(|(clause, next)| {
        let all: Vec<&str> = clause.text.split(' ').collect();
        // People break lines anywhere: "stop\nby at five".
        let goes_on = next
            .is_some_and(|n| !n.begins_sentence && n.text.split(' ').next().is_some_and(|w| CONTINUES.contains(&w)));
        is_command(&all) && !goes_on
    });
    if bare {
        return Some(if about.other_matters { Wish::Unsure } else { Wish::Stop });
    }
    // "Cancel." over a name or a line of thanks; "Cancel\nmy order" is one sentence.
    const SIGNED_WORDS_MAX: usize = 6;
    let (first, rest) = clauses.split_first()?;
    let signed = words::WORDS.contains(&first.text.as_str())
        && rest.first().is_some_and(|next| next.begins_sentence)
        && words.len() <= SIGNED_WORDS_MAX
        && !about.other_matters;
    signed.then_some(Wish::Unsure)
}

/// Commands with courtesy or emphasis around them, and nothing else.
fn is_command(words: &[&str]) -> bool {
    let mut rest = words;
    let mut command = false;
    while !rest.is_empty() {
        let found = [(words::COMMANDS, true), (words::COURTESY, false), (words::EMPHASIS, false)]
            .into_iter()
            .filter_map(|(list, is)| Some((longest(rest, list)?, is)))
            .min_by_key(|(after, _)| after.len());
        let Some((after, is)) = found else { return false };
        command |= is;
        rest = after;
    }
    command
}

/// Short and against messages, without a word about anything else.
fn leaning(words: &[&str], about: &About) -> Option<Wish> {
    // A shout at the start of a longer text, "STOP I never ‥", still says what it is about.
    const SHOUT_WORDS_MAX: usize = 30;
    // Eight, because "why do you keep sending me these texts" is one.
    const SHORT_WORDS_MAX: usize = 8;
    const PERSONS: &[&str] = &[
        "i", "im", "ive", "id", "you", "youre", "u", "ur", "your", "who", "whos", "what", "whats", "why", "how",
        "this", "my", "wrong", "not", "we", "or", "it", "its",
    ];
    if about.other_matters || words.len() > SHOUT_WORDS_MAX {
        return None;
    }
    let shout = longest(words, &["stop", "please stop", "stop stop"]).and_then(|rest| rest.first());
    let shouts = shout.is_some_and(|next| PERSONS.contains(next));
    let short = words.len() <= SHORT_WORDS_MAX;
    let leans = places(words).any(|(before, rest)| {
        bare_stop(before, rest)
            || longest(rest, &["keep", "keeps", "kept", "keep on", "still"]).and_then(|rest| rest.first()).is_some_and(
                |verb| {
                    [
                        "texting",
                        "messaging",
                        "contacting",
                        "sending",
                        "spamming",
                        "sms",
                        "bothering",
                        "harassing",
                        "bugging",
                    ]
                    .contains(verb)
                },
            )
    });
    (shouts || (short && leans)).then_some(Wish::Unsure)
}

/// A "stop" that nothing explains: no "bus" before it, no "by" after it, and no "can't".
fn bare_stop(before: &[&str], rest: &[&str]) -> bool {
    const HARMLESS: &[&str] = &[
        "a", "the", "bus", "tram", "train", "one", "next", "last", "first", "full", "truck", "pit", "non", "door",
        "rest", "short", "quick", "dont", "cant", "cannot", "couldnt", "wont", "never", "not", "didnt", "doesnt",
        "wouldnt", "which", "your", "my", "our", "to", "ill", "i", "we", "they", "ever", "well", "and",
    ];
    const FOLLOWS: &[&str] = &[
        "it",
        "this",
        "that",
        "now",
        "please",
        "pls",
        "already",
        "all",
        "everything",
        "them",
        "these",
        "those",
        "who",
        "why",
        "what",
        "i",
        "you",
        "or",
        "wrong",
        "thanks",
        "ok",
        "start",
        "unstop",
    ];
    let Some(after) = longest(rest, &["stop", "stopp", "unstopp"]) else { return false };
    // "I told you to stop" and "how do I stop this" are about us, "I had to stop" and "where do I stop" are not.
    let about_us = ends(before, &["you to", "u to", "this to", "how do i", "how can i", "how to"]);
    let before_fine = about_us || before.last().is_none_or(|w| !HARMLESS.contains(w));
    before_fine && !ends(before, &["do you", "does it"]) && after.first().is_none_or(|w| FOLLOWS.contains(w))
}
