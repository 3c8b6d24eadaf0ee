//! The assistant says what it is.

use super::{Abilities, Outbound, render};

/// Puts a disclosure before the first words that the customer reads, and tells whether it could. To be done before
/// [`render`], so that the channel's limits hold for both together.
///
/// - Words, an error's and a hand-off's too: it becomes their first paragraph.
/// - Products, articles and a form: it becomes the first paragraph of the sentence about them, which is shown before them.
/// - Options: it is said before them, because their question is short on some channels.
/// - A hand-off without words: the shop's own sentence comes there, so nothing is placed. Whoever knows the sentence sets it
///   first, or puts the disclosure before it.
/// - What says nothing on any channel is passed over; nor is anything placed when nothing is said, or nothing disclosed.
#[must_use]
pub fn disclosed(disclosure: &str, mut outbound: Vec<Outbound>) -> (Vec<Outbound>, bool) {
    let disclosure = disclosure.trim();
    let is_silent = |said: &Outbound| render(said, Abilities::WORDS).is_empty();
    // Where there is a form, it is shown without a word too.
    let speaks = |said: &Outbound| matches!(said, Outbound::HandOff { .. } | Outbound::Form { .. }) || !is_silent(said);
    let first = outbound.iter().position(speaks);
    let Some(at) = first.filter(|_| !is_silent(&Outbound::Text(disclosure.to_owned()))) else {
        return (outbound, false);
    };
    match outbound.get_mut(at) {
        Some(Outbound::HandOff { text: Some(text), .. }) if !text.trim().is_empty() => prefix(disclosure, text),
        None | Some(Outbound::HandOff { .. }) => return (outbound, false),
        Some(Outbound::Text(text) | Outbound::Error { text, .. }) => prefix(disclosure, text),
        Some(Outbound::ProductCards { intro, .. } | Outbound::Articles { intro, .. } | Outbound::Form { intro }) => {
            prefix(disclosure, intro);
        }
        Some(Outbound::QuickReplies { .. }) => {
            outbound.insert(at, Outbound::Text(disclosure.to_owned()));
        }
    }
    (outbound, true)
}

fn prefix(disclosure: &str, text: &mut String) {
    *text = format!("{disclosure}\n\n{}", text.trim_start()).trim_end().to_owned();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::{Article, Choice};

    const WE_ARE: &str = "I am a bot.";

    fn hand_off(text: Option<&str>) -> Outbound {
        Outbound::HandOff { text: text.map(Into::into), summary: "s".into() }
    }

    fn text(text: &str) -> Outbound {
        Outbound::Text(text.into())
    }

    fn ask() -> Outbound {
        let options = ["a", "b"].map(|o| Choice { title: o.into(), value: o.into() }).to_vec();
        Outbound::QuickReplies { prompt: "Which?".into(), options }
    }

    #[test]
    fn it_comes_before_the_first_words() {
        let error = |text: &str| Outbound::Error { text: text.into(), retryable: false };
        let cards = |intro: &str| Outbound::ProductCards { intro: intro.into(), products: Vec::new() };
        let articles = |intro: &str| {
            let article = Article {
                id: "a".into(),
                title: "Returns".into(),
                description: "How to.".into(),
                link: "https://shop.example/returns".into(),
            };
            Outbound::Articles { intro: intro.into(), articles: vec![article] }
        };
        let form = |intro: &str| Outbound::Form { intro: intro.into() };
        for (said, expected) in [
            (vec![articles("Read:"), ask()], vec![articles("I am a bot.\n\nRead:"), ask()]),
            (vec![articles(" ")], vec![articles(WE_ARE)]),
            (vec![form("Write to us:")], vec![form("I am a bot.\n\nWrite to us:")]),
            (vec![text(""), form("")], vec![text(""), form(WE_ARE)]),
            (vec![text("Hi."), ask()], vec![text("I am a bot.\n\nHi."), ask()]),
            (vec![error("Sorry.")], vec![error("I am a bot.\n\nSorry.")]),
            (vec![hand_off(Some("Wait."))], vec![hand_off(Some("I am a bot.\n\nWait."))]),
            (vec![ask()], vec![text(WE_ARE), ask()]),
            (vec![cards("Look:"), ask()], vec![cards("I am a bot.\n\nLook:"), ask()]),
            (vec![text(" "), text("Hi.")], vec![text(" "), text("I am a bot.\n\nHi.")]),
        ] {
            assert_eq!(disclosed(WE_ARE, said), (expected, true));
        }
    }

    #[test]
    fn it_is_not_said_for_itself() {
        for said in [vec![], vec![text(" ")], vec![hand_off(None), text("Hi.")], vec![hand_off(Some(" \n"))]] {
            assert_eq!(disclosed(WE_ARE, said.clone()), (said, false));
        }
        for nothing in ["", " \u{200b} "] {
            assert_eq!(disclosed(nothing, vec![text("Hi.")]), (vec![text("Hi.")], false));
        }
    }
}
