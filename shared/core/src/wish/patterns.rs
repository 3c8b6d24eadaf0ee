//! Wishes inside longer text. On words and not with expressions: compiling those would cost every cold start.

use super::words::{ANYWHERE, DETERMINERS, MESSAGES, OTHER_MATTERS};

/// How a wish that was found is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    /// The words are there, and so is a reason to doubt: "I never opted out", "don't text me before nine".
    Hedged,
    /// A reasonable person reads it as stop.
    Clear,
}

/// The words around one place of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'m> {
    /// Of the same sentence, before it: a "not" in another sentence does not reach here.
    pub(super) before: &'m [&'m str],
    /// From here to the message's end.
    pub(super) rest: &'m [&'m str],
    /// The whole message.
    pub(super) all: &'m About,
}

/// What a message speaks of, whatever it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    /// It names an order, a product or joy.
    pub(super) other_matters: bool,
    /// It names a text message.
    pub(super) messages: bool,
    /// It wants texts again, or says that the stop was a mistake.
    pub(super) again: bool,
    /// It asks to be texted.
    pub(super) text_me: bool,
}

impl About {
    /// Reads all words once.
    pub(super) fn of(words: &[&str]) -> Self {
        let has = |list: &[&str]| words.iter().any(|w| list.contains(w));
        let says = |phrases: &[&str]| places(words).any(|(_, rest)| longest(rest, phrases).is_some());
        Self {
            other_matters: has(OTHER_MATTERS),
            messages: has(MESSAGES),
            again: says(&[
                "by mistake",
                "by accident",
                "accidentally",
                "mistakenly",
                "resubscribe",
                "opt back in",
                "opt in",
                "opt me back",
                "opting back",
                "subscribe again",
                "sign me back",
            ]),
            text_me: places(words).any(|(before, rest)| {
                longest(rest, &["text me", "message me", "sms me", "text instead", "sms instead", "message instead"])
                    .is_some()
                    && !NEGATIONS.iter().chain(&["stop", "ever", "keep"]).any(|n| before.last() == Some(n))
            }),
        }
    }

    /// Whether a stop in it is likely to be about something else than messages.
    const fn elsewhere(self) -> bool {
        self.other_matters && !self.messages
    }
}

/// Every place of the words: what is before it and what from it on.
pub(super) fn places<'a, 't>(words: &'a [&'t str]) -> impl Iterator<Item = (&'a [&'t str], &'a [&'t str])> {
    (0..words.len()).filter_map(|at| words.split_at_checked(at))
}

/// What follows the phrase, if the words begin with it.
fn after<'a, 't>(words: &'a [&'t str], phrase: &str) -> Option<&'a [&'t str]> {
    phrase.split(' ').try_fold(words, |words, word| {
        let (first, rest) = words.split_first()?;
        (*first == word).then_some(rest)
    })
}

/// What follows the longest of the phrases that the words begin with.
pub(super) fn longest<'a, 't>(words: &'a [&'t str], phrases: &[&str]) -> Option<&'a [&'t str]> {
    phrases.iter().filter_map(|phrase| after(words, phrase)).min_by_key(|rest| rest.len())
}

/// Without up to six leading words of the list. The bound keeps the time linear, and the gap small.
fn skip<'a, 't>(words: &'a [&'t str], list: &[&str]) -> &'a [&'t str] {
    let leading = words.iter().take(6).take_while(|w| list.contains(w)).count();
    words.get(leading..).unwrap_or_default()
}

fn begins(words: &[&str], list: &[&str]) -> bool {
    words.first().is_some_and(|w| list.contains(w))
}

/// Whether the words end with one of the phrases.
pub(super) fn ends(words: &[&str], phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| {
        let from = words.len().checked_sub(phrase.split(' ').count());
        from.and_then(|from| words.get(from..)).and_then(|tail| after(tail, phrase)).is_some()
    })
}

const NEGATIONS: &[&str] = &[
    "dont", "not", "never", "didnt", "wont", "doesnt", "havent", "hasnt", "wouldnt", "shouldnt", "without", "arent",
    "isnt",
];
const UNABLE: &[&str] = &["cant", "cannot", "couldnt"];
/// May stand between a negation and what it negates.
const BRIDGE: &[&str] = &[
    "want", "wanted", "wish", "to", "ever", "you", "please", "be", "even", "mean", "meant", "ask", "asked", "trying",
    "try", "like", "going", "yet", "actually", "need", "have", "me", "just", "it",
];

/// Whether the words before say no to what comes: "please don't ‥", "I never meant to ‥".
fn negated(before: &[&str]) -> bool {
    let bridge = before.iter().rev().take(4).take_while(|w| BRIDGE.contains(w)).count();
    let up_to = before.get(..before.len().saturating_sub(bridge)).unwrap_or_default();
    up_to.last().is_some_and(|w| NEGATIONS.contains(w))
}

const fn found(doubt: bool) -> Option<Found> {
    Some(if doubt { Found::Hedged } else { Found::Clear })
}

/// The clearest wish that begins at this place.
pub(super) fn found_at(at: At<'_>) -> Option<Found> {
    [
        doing(at),
        cancelling(at),
        imperative(at),
        list(at),
        unsubscribe(at),
        opt_out(at),
        no_more(at),
        not_wanted(at),
        anywhere(at),
    ]
    .into_iter()
    .flatten()
    .max()
}

const PESTERING: &[&str] =
    &["calling me", "bothering me", "harassing me", "bugging me", "pestering me", "annoying me", "text messaging"];

/// "stop texting", "quit spamming", "stop these messages".
fn doing(at: At<'_>) -> Option<Found> {
    let rest = longest(at.rest, &["stop", "stopp", "quit"])?;
    let rest = skip(rest, &["all", "with", "the", "your", "fucking", "bloody", "damn"]);
    let sending = begins(rest, &["sending"]);
    let texting =
        begins(rest, &["texting", "txting", "messaging", "msging", "contacting", "spamming", "sms", "smsing"])
            || longest(rest, PESTERING).is_some()
            || begins(
                skip(rest, DETERMINERS),
                &["texts", "messages", "sms", "spam", "msgs", "txts", "notifications", "text", "message"],
            );
    if begins(rest, &["send"]) {
        return imperative_send(at, rest);
    }
    if !texting && !sending {
        return None;
    }
    let negation = negated(at.before) || ends(at.before, UNABLE);
    // "why won't you stop texting me" pleads; "you didn't stop texting me" tells.
    let plea = ends(at.before, &["wont you", "cant you", "dont you", "wouldnt you", "couldnt you", "will you not"]);
    let told =
        ends(at.before, &["did you", "did they", "have you", "has he", "has she", "did u", "had you", "if i", "i"])
            && !ends(at.before, &["how do i", "how can i"]);
    found((negation && !plea) || told || (sending && at.all.elsewhere()))
}

/// "cancel these texts". With the plural only: one message may be something else that is cancelled.
fn cancelling(at: At<'_>) -> Option<Found> {
    let rest = longest(at.rest, &["cancel", "end", "turn off"])?;
    let rest = skip(rest, &["all", "the", "these", "those", "your", "my", "text", "sms", "marketing", "any", "more"]);
    if !begins(rest, &["texts", "messages", "txts", "msgs", "smses"]) {
        return None;
    }
    found(negated(at.before) || told_of_others(at.before))
}

/// "don't ever text me", "do not contact this number", "never call again", "don't send me any more texts".
fn imperative(at: At<'_>) -> Option<Found> {
    let rest = longest(at.rest, &["dont", "don t", "do not", "never", "stop", "not to", "to not", "donot"])?;
    // "stop texting me" is the rule above.
    let stop = begins(at.rest, &["stop"]);
    let asked = begins(at.rest, &["not", "to"]);
    let rest = skip(rest, &["ever", "you", "keep", "please", "try", "to"]);
    if begins(rest, &["send", "sending"]) {
        return imperative_send(at, rest);
    }
    let call = begins(rest, &["call", "contact", "calling", "contacting"]);
    let verbs =
        ["text", "message", "contact", "sms", "call", "txt", "msg", "texting", "messaging", "contacting", "calling"];
    let (_, rest) = rest.split_first().filter(|(verb, _)| verbs.contains(verb) && !(stop && verb.ends_with("ing")))?;
    let me = longest(
        rest,
        &[
            "me",
            "us",
            "this number",
            "again",
            "my number",
            "my phone",
            "this phone",
            "anymore",
            "my cell",
            "my mobile",
            "any more",
        ],
    )?;
    let doubt = (stop && negated(at.before))
        || (!stop && !asked && told_of_others(at.before))
        || only_sometimes(me)
        || (call && (at.all.elsewhere() || at.all.text_me));
    found(doubt)
}

/// From "send" on: a message must follow at once. "Don't send it by courier" has another object.
fn imperative_send(at: At<'_>, send: &[&str]) -> Option<Found> {
    let object = skip(send.get(1..).unwrap_or_default(), DETERMINERS);
    // The last determiner may be the noun: "don't send me text".
    let noun = begins(object, MESSAGES) || (object.is_empty() && ends(at.rest, &["text", "sms"]));
    if !noun {
        return None;
    }
    found(told_of_others(at.before) || negated(at.before) || only_sometimes(object.get(1..).unwrap_or_default()))
}

/// "you never text me" complains of too few; "if you don't text me ‥" threatens.
fn told_of_others(before: &[&str]) -> bool {
    const OTHERS: &[&str] = &[
        "you", "they", "he", "she", "it", "i", "we", "people", "who", "u", "couriers", "drivers", "why", "ya", "ill",
        "id",
    ];
    ends(before, OTHERS)
}

/// A limit, not an end: "don't text me before nine".
fn only_sometimes(rest: &[&str]) -> bool {
    let rest = skip(rest, &["again", "ever", "anymore", "please", "me", "here"]);
    begins(
        rest,
        &["until", "till", "unless", "before", "except", "when", "while", "during", "if", "after", "only", "about"],
    )
}

/// "remove me from", "take this number off".
fn list(at: At<'_>) -> Option<Found> {
    let (verb, rest) = at.rest.split_first().filter(|(verb, _)| ["remove", "take", "delete", "get"].contains(verb))?;
    let whom = [
        "me",
        "us",
        "my number",
        "this number",
        "my phone number",
        "my phone",
        "my name",
        "my details",
        "my cell",
        "my info",
    ];
    let rest = longest(rest, &whom)?;
    let (link, rest) = rest.split_first().filter(|(link, _)| ["off", "from", "out"].contains(link))?;
    let lists = [
        "list",
        "lists",
        "database",
        "system",
        "contacts",
        "mailing",
        "distribution",
        "group",
        "records",
        "texts",
        "messages",
        "sms",
        "text",
        "marketing",
    ];
    let named = rest.iter().take(5).any(|w| lists.contains(w));
    // "how long does it take me from the station": these two verbs have everyday uses.
    if (*verb == "take" && *link != "off" || *verb == "get") && !named {
        return None;
    }
    found(negated(at.before) || (at.all.elsewhere() && !named))
}

/// "unsubscribe", however misspelt.
fn unsubscribe(at: At<'_>) -> Option<Found> {
    const SPELLINGS: &[&str] = &[
        "unsubscribe",
        "unsubcribe",
        "unsuscribe",
        "unsubscibe",
        "unsubscrib",
        "unsubsribe",
        "unsubscirbe",
        "unsusbcribe",
        "desubscribe",
    ];
    let (word, _) = at.rest.split_first()?;
    if SPELLINGS.contains(word) {
        return found(negated(at.before) || at.all.again);
    }
    if !["unsubscribed", "unsubscribing"].contains(word) {
        return None;
    }
    // "I want to be unsubscribed" and "I already unsubscribed" ask; "why have I been unsubscribed" wonders.
    let asks = ends(at.before, &["be", "get", "me", "us", "get me", "i", "already", "have", "ive", "am", "im"]);
    found(!asks || negated(at.before) || at.all.again || at.before.contains(&"why"))
}

/// "opt out", "opting out", "opted out".
fn opt_out(at: At<'_>) -> Option<Found> {
    let phrases = [
        "opt out",
        "opted out",
        "opting out",
        "optout",
        "optedout",
        "opt me out",
        "opt us out",
        "opt my number out",
        "opt this number out",
    ];
    longest(at.rest, &phrases)?;
    // "Can I opt out of the insurance": shops offer that at the checkout.
    found(negated(at.before) || at.all.again || at.all.elsewhere())
}

/// "no more texts".
fn no_more(at: At<'_>) -> Option<Found> {
    let rest = longest(at.rest, &["no more", "no further"])?;
    if !begins(
        skip(rest, &["of", "these", "your", "fucking", "bloody", "marketing", "promotional", "review"]),
        &["text", "texts", "txts", "message", "messages", "msgs", "sms"],
    ) {
        return None;
    }
    // "There were no more messages from you" tells.
    let told = [
        "there",
        "got",
        "get",
        "gotten",
        "getting",
        "received",
        "receive",
        "receiving",
        "had",
        "have",
        "are",
        "were",
        "was",
        "is",
        "heard",
        "saw",
        "see",
        "with",
        "been",
        "ive",
    ];
    found(
        ends(at.before, &told)
            && !ends(at.before, &["want to get", "want to receive", "wish to receive", "like to receive"]),
    )
}

/// "I don't want your texts", "no longer wish to receive messages", "don't want to be contacted".
fn not_wanted(at: At<'_>) -> Option<Found> {
    let rest = longest(at.rest, &["dont", "don t", "do not", "no longer", "never", "didnt", "did not"])?;
    let (_, rest) = rest
        .split_first()
        .filter(|(verb, _)| ["want", "wish", "like", "need", "want to", "consent", "agree"].contains(verb))?;
    let rest = skip(
        rest,
        &["to", "receive", "get", "be", "have", "see", "receiving", "getting", "you", "anymore", "for", "even"],
    );
    let rest = if longest(rest, &["hear from you", "hear from u"]).is_some() { return found(false) } else { rest };
    let acts = ["texted", "messaged", "contacted", "spammed", "texting", "messaging", "contacting"];
    let noun = begins(skip(rest, DETERMINERS), MESSAGES) || begins(rest, &acts) || begins(rest, MESSAGES);
    if !noun {
        return None;
    }
    found(ends(at.before, &["you", "they", "he", "she", "we", "why", "who", "people"]))
}

/// Sentences that need no more rules.
fn anywhere(at: At<'_>) -> Option<Found> {
    longest(at.rest, ANYWHERE)?;
    found(negated(at.before) || at.all.elsewhere())
}
