//! What was offered is understood when it is typed back.

use super::{
    Choice,
    render::{TITLE_CUTS, cut},
};
use crate::wish::{self, ExtraWords, Wish};

/// Numbers as words, from one on.
const SPELLED: [&str; 10] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
/// A longer message is no choice but words.
const REPLY_CHARS_MAX: usize = 600;

/// The option that a customer means who typed its number, its title or its value.
///
/// Numbers: `2`, `2.`, `#2`, `(2)`, `option 2`, `two`, each as the whole message. Titles and values: in any case, whatever
/// stands around them, whole or as a channel cut them, or a whole line of the list that was shown. What fits two different
/// options is none of them: better one question more than the wrong answer.
#[must_use]
pub fn chosen<'a>(offered: &'a [Choice], text: &str) -> Option<&'a Choice> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > REPLY_CHARS_MAX {
        return None;
    }
    // `C++` and `C#` differ only in what the looser comparison does not see.
    let mut meant: Vec<&Choice> = named(offered, text, lower);
    if meant.is_empty() {
        meant = named(offered, text, folded);
    }
    meant.extend(number(text).and_then(|n| offered.get(n.checked_sub(1)?)));
    let (first, others) = meant.split_first()?;
    others.iter().all(|other| other == first).then_some(*first)
}

/// Whether an option would be read as a wish about being texted when it comes back.
///
/// Most channels send a tapped option back as a message of its title or its value, and nothing tells it from a typed one: a
/// button `Cancel` would opt the customer out. Asking for help is no harm.
#[must_use]
pub fn reads_as_wish(choice: &Choice) -> bool {
    let none = ExtraWords::default();
    let harmless = |text: &str| matches!(wish::read(text, &none), Wish::None | Wish::Help);
    !(harmless(&choice.title) && harmless(&choice.value) && cuts(&choice.title).all(|cut| harmless(&cut)))
}

/// The options one of whose forms is what was typed, compared as `form` makes them.
fn named<'a>(offered: &'a [Choice], text: &str, form: impl Fn(&str) -> String) -> Vec<&'a Choice> {
    let typed = form(text);
    let fits = |(at, choice): &(usize, &Choice)| {
        !typed.is_empty() && forms(at + 1, choice).iter().any(|shown| form(shown) == typed)
    };
    offered.iter().enumerate().filter(fits).map(|(_, choice)| choice).collect()
}

/// What an option may come back as.
fn forms(number: usize, choice: &Choice) -> Vec<String> {
    let Choice { title, value } = choice;
    let mut forms = vec![
        title.clone(),
        value.clone(),
        format!("{number}. {title}"),
        format!("{title} [{value}]"),
        format!("{title} ({value})"),
        format!("{number}. {title} [{value}]"),
    ];
    forms.extend(cuts(title));
    forms
}

/// A title as channels cut it, with a mark at the end and without.
fn cuts(title: &str) -> impl Iterator<Item = String> {
    let longer = TITLE_CUTS.into_iter().filter(|length| title.chars().count() > *length);
    longer.flat_map(|length| [cut(title, length), title.chars().take(length).collect()])
}

fn lower(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Letters and digits in lower case, with one space between words.
fn folded(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The number that the whole message is.
fn number(text: &str) -> Option<usize> {
    // A minus is no ornament, and neither is anything else that is not written around a number of a list.
    let bare = text.trim_matches(|c: char| c.is_whitespace() || "#.,:;!()[]*'\"".contains(c)).to_lowercase();
    if let Some(at) = SPELLED.iter().position(|word| *word == bare) {
        return Some(at + 1);
    }
    let digits = ["option", "number"].iter().find_map(|word| bare.strip_prefix(word)).unwrap_or(&bare);
    let digits = digits.trim_start_matches(|c: char| c.is_whitespace() || c == '#');
    let plain = !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offered(titles: &[(&str, &str)]) -> Vec<Choice> {
        titles.iter().map(|(t, v)| Choice { title: (*t).to_owned(), value: (*v).to_owned() }).collect()
    }

    #[test]
    fn numbers_titles_and_values_are_understood() {
        let offered = offered(&[("Yes, show more", "show_more"), ("No thanks", "no_thanks"), ("A person", "human")]);
        for (typed, value) in [
            ("2", "no_thanks"),
            (" 2. ", "no_thanks"),
            ("#2", "no_thanks"),
            ("2)", "no_thanks"),
            ("(2)", "no_thanks"),
            ("Option 2", "no_thanks"),
            ("option #2.", "no_thanks"),
            ("number 3", "human"),
            ("TWO", "no_thanks"),
            ("three!", "human"),
            ("no thanks", "no_thanks"),
            ("No thanks.", "no_thanks"),
            ("\"NO   THANKS\"!", "no_thanks"),
            ("yes show more", "show_more"),
            ("show_more", "show_more"),
            ("SHOW_MORE", "show_more"),
            ("human", "human"),
            ("1. Yes, show more [show_more]", "show_more"),
            ("1. Yes, show more", "show_more"),
            ("Yes, show more (show_more)", "show_more"),
        ] {
            assert_eq!(chosen(&offered, typed).map(|c| c.value.as_str()), Some(value), "{typed}");
        }
        for typed in [
            "",
            " ",
            "0",
            "4",
            "-2",
            "2 1",
            "22",
            "no 2",
            "yes",
            "no",
            "show",
            "a",
            "two of them",
            "2nd",
            "1. A person",
            "²",
        ] {
            assert_eq!(chosen(&offered, typed), None, "{typed}");
        }
        assert_eq!(chosen(&[], "1"), None);
    }

    #[test]
    fn what_fits_two_options_is_neither() {
        let swapped = offered(&[("2", "two"), ("1", "one")]);
        assert_eq!(chosen(&swapped, "2"), None);
        let crossed = offered(&[("Yes", "no"), ("No", "yes")]);
        assert_eq!(chosen(&crossed, "yes"), None);
        let languages = offered(&[("C++", "cpp"), ("C#", "csharp")]);
        assert_eq!(chosen(&languages, "c#").unwrap().value, "csharp");
        assert_eq!(chosen(&languages, "c"), None);
        let same = offered(&[("Yes", "yes"), ("Yes", "yes")]);
        assert_eq!(chosen(&same, "yes").unwrap().value, "yes");
        let faces = offered(&[("👍", "good"), ("👎", "bad")]);
        assert_eq!(chosen(&faces, "👎").unwrap().value, "bad");
    }

    #[test]
    fn a_title_may_come_back_as_a_channel_cut_it() {
        let long = "The one with the brass shade and the long blue cable, please";
        let offered = offered(&[(long, "brass"), ("The other one of them all", "other")]);
        // As buttons and rows have it, with a mark at the end or without.
        for typed in
            ["The one with the bra", "The one with the br…", "The one with the brass s", "The one with the brass…"]
        {
            assert_eq!(chosen(&offered, typed).map(|c| c.value.as_str()), Some("brass"), "{typed}");
        }
        assert_eq!(chosen(&offered, "The one with"), None);
        assert_eq!(chosen(&offered, "The o"), None);
    }

    #[test]
    fn an_option_that_would_opt_out_is_known() {
        let option = |title: &str, value: &str| Choice { title: title.to_owned(), value: value.to_owned() };
        for (title, value) in [
            ("Cancel", "cancel_order"),
            ("Never mind", "stop"),
            ("STOP!", "a"),
            ("Unsubscribe", "a"),
            ("No more", "a"),
            ("Start", "a"),
            ("Leave", "a"),
            ("Back", "exit"),
            // What a list on WhatsApp makes of it.
            ("Please stop the texts about lamps", "a"),
        ] {
            assert!(reads_as_wish(&option(title, value)), "{title} {value}");
        }
        for (title, value) in [
            ("Help", "help"),
            ("Cancel my order", "cancel_order"),
            ("Yes, show more", "show_more"),
            ("No thanks", "no_thanks"),
            ("No", "no"),
            ("A person", "human"),
            ("Opening hours", "hours"),
            ("", "\u{1f44d}"),
        ] {
            assert!(!reads_as_wish(&option(title, value)), "{title} {value}");
        }
    }

    proptest! {
        #[test]
        fn no_reply_panics(typed in ".{0,40}", title in ".{0,70}", value in ".{0,20}") {
            let offered = [Choice { title: title.clone(), value }];
            let _ = (chosen(&offered, &typed), reads_as_wish(&offered[0]));
            if !title.trim().is_empty() {
                prop_assert!(chosen(&offered, &title).is_some());
            }
        }
    }
}
