//! Answers by keyword: a shop's own words for its own questions. Needs no network, and says nothing that nobody wrote.

use std::fmt;

use serde::Deserialize;
use thiserror::Error;

use crate::outbound::{ARTICLES_SHOWN_MAX, Article, Choice, OPTIONS_MAX, reads_as_wish};

/// Longest answer in characters.
const ANSWER_CHARS_MAX: usize = 1_000;
/// Longest title and longest value of an option, in characters.
const OPTION_CHARS_MAX: usize = 150;
/// Longest search in characters.
const SEARCH_CHARS_MAX: usize = 200;

/// Which words get which answer, in the order of the setting.
///
/// A rule has `words` and is of one kind: an `answer`; an `answer` with `options` to choose from; `products`, which are
/// searched for with the rule's words, or (`true`) with the customer's; `articles`, by their ids; the contact `form`; or a
/// `handoff` to a person. The last four may have an `answer` too, which is said with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeywordAnswers(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    words: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Answer(String),
    Options { prompt: String, options: Vec<Choice> },
    Products { intro: Option<String>, search: Option<String> },
    Articles { intro: Option<String>, ids: Vec<String> },
    Form(Option<String>),
    HandOff(Option<String>),
}

/// A rule as it is written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    words: Vec<String>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    options: Option<Vec<WrittenOption>>,
    #[serde(default)]
    products: Option<Search>,
    #[serde(default)]
    articles: Option<Vec<String>>,
    #[serde(default)]
    form: Option<bool>,
    #[serde(default)]
    handoff: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOption {
    title: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Search {
    Theirs(bool),
    Ours(String),
}

/// What a rule does.
#[derive(Clone, PartialEq, Eq)]
pub enum Reaction<'a> {
    /// Words.
    Answer(&'a str),
    /// A question.
    Options {
        /// The question.
        prompt: &'a str,
        /// Two at least.
        options: &'a [Choice],
    },
    /// Products.
    Products {
        /// The sentence above them.
        intro: Option<&'a str>,
        /// What to search for; never empty.
        search: String,
    },
    /// Help articles.
    Articles {
        /// The sentence above them.
        intro: Option<&'a str>,
        /// Which; one at least. Whether there are such articles is not known here.
        ids: &'a [String],
    },
    /// The contact form, with the sentence above it.
    Form(Option<&'a str>),
    /// A person goes on.
    HandOff(Option<&'a str>),
}

impl fmt::Debug for Reaction<'_> {
    /// Without the words: of a search they are the customer's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer(_) => "Answer",
            Self::Options { .. } => "Options",
            Self::Products { .. } => "Products",
            Self::Articles { .. } => "Articles",
            Self::Form(_) => "Form",
            Self::HandOff(_) => "HandOff",
        })
    }
}

/// Why a list of answers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadAnswers {
    /// Not the expected JSON.
    #[error(
        "is not a JSON list of answers ({0}); e.g. [{{\"words\":[\"open\",\"hours\"],\"answer\":\"We are open 9 to 5.\"}}]"
    )]
    Json(String),
    /// A rule without words.
    #[error("has an answer without words")]
    NoWords,
    /// A rule without an answer, or with one that is too long.
    #[error("has an answer that is empty or longer than {ANSWER_CHARS_MAX} characters")]
    BadAnswer,
    /// A rule that wants to be more than one thing.
    #[error("has a rule with more than one of options, products, articles, form and handoff")]
    TwoKinds,
    /// Options that are no choice.
    #[error(
        "has options that are fewer than 2 or more than {OPTIONS_MAX}, the same twice, or empty or longer than \
         {OPTION_CHARS_MAX} characters"
    )]
    BadOptions,
    /// An option that opts out, or in again.
    #[error(
        "has an option \"{0}\" whose title or value, sent back as a message, would be read as a wish about being texted, as \
         Stop or Cancel alone are; say more, e.g. \"Cancel my order\" and \"cancel_order\""
    )]
    OptionIsWish(String),
    /// A search for nothing.
    #[error("has products that are neither true nor words of up to {SEARCH_CHARS_MAX} characters to search for")]
    BadSearch,
    /// No articles, or too many, or one twice.
    #[error("has articles that are not 1 to {ARTICLES_SHOWN_MAX} different ids")]
    BadArticles,
}

impl KeywordAnswers {
    /// Reads the setting.
    ///
    /// # Errors
    /// [`BadAnswers`] says what is wrong.
    pub fn parse(json: &str) -> Result<Self, BadAnswers> {
        let written: Vec<Written> = serde_json::from_str(json).map_err(|e| BadAnswers::Json(e.to_string()))?;
        written.into_iter().map(rule).collect::<Result<_, _>>().map(Self)
    }

    /// The answer of the first rule one of whose words stands in the text; "open" does not stand in "reopened". For channels
    /// that have nothing but words: a rule that does more than answer says nothing here.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&str> {
        match self.reaction(text)? {
            Reaction::Answer(answer) => Some(answer),
            Reaction::Options { .. }
            | Reaction::Products { .. }
            | Reaction::Articles { .. }
            | Reaction::Form(_)
            | Reaction::HandOff(_) => None,
        }
    }

    /// The first article that a rule names and that is not one of these.
    #[must_use]
    pub fn unknown_article(&self, known: &[Article]) -> Option<&str> {
        let named = self.0.iter().flat_map(|rule| match &rule.kind {
            Kind::Articles { intro: _, ids } => ids.as_slice(),
            Kind::Answer(_) | Kind::Options { .. } | Kind::Products { .. } | Kind::Form(_) | Kind::HandOff(_) => &[],
        });
        named.map(String::as_str).find(|id| known.iter().all(|article| article.id != *id))
    }

    /// What the first rule does one of whose words stands in the text.
    #[must_use]
    pub fn reaction(&self, text: &str) -> Option<Reaction<'_>> {
        let said = format!(" {} ", normal(text));
        let (rule, word) = self.0.iter().find_map(|rule| {
            let word = rule.words.iter().find(|word| said.contains(&format!(" {word} ")))?;
            Some((rule, word))
        })?;
        Some(match &rule.kind {
            Kind::Answer(answer) => Reaction::Answer(answer),
            Kind::Options { prompt, options } => Reaction::Options { prompt, options },
            Kind::Products { intro, search } => {
                let search = search.clone().unwrap_or_else(|| their_search(&said, word));
                Reaction::Products { intro: intro.as_deref(), search }
            }
            Kind::Articles { intro, ids } => Reaction::Articles { intro: intro.as_deref(), ids },
            Kind::Form(answer) => Reaction::Form(answer.as_deref()),
            Kind::HandOff(answer) => Reaction::HandOff(answer.as_deref()),
        })
    }
}

fn rule(written: Written) -> Result<Rule, BadAnswers> {
    let words: Vec<String> = written.words.iter().map(|w| normal(w)).filter(|w| !w.is_empty()).collect();
    if words.is_empty() {
        return Err(BadAnswers::NoWords);
    }
    let answer = written.answer.map(|answer| match answer.trim().chars().count() {
        1..=ANSWER_CHARS_MAX => Ok(answer),
        _ => Err(BadAnswers::BadAnswer),
    });
    let answer = answer.transpose()?;
    // What is said not to be is not there.
    let search = written.products.filter(|search| !matches!(search, Search::Theirs(false)));
    let (has_form, hands_over) = (written.form == Some(true), written.handoff == Some(true));
    let kinds = [written.options.is_some(), search.is_some(), written.articles.is_some(), has_form, hands_over];
    if kinds.into_iter().filter(|is| *is).count() > 1 {
        return Err(BadAnswers::TwoKinds);
    }
    let kind = if let Some(options) = written.options {
        Kind::Options { prompt: answer.ok_or(BadAnswers::BadAnswer)?, options: choices(options)? }
    } else if let Some(search) = search {
        Kind::Products { intro: answer, search: search_words(search)? }
    } else if let Some(ids) = written.articles {
        Kind::Articles { intro: answer, ids: article_ids(&ids)? }
    } else if has_form {
        Kind::Form(answer)
    } else if hands_over {
        Kind::HandOff(answer)
    } else {
        Kind::Answer(answer.ok_or(BadAnswers::BadAnswer)?)
    };
    Ok(Rule { words, kind })
}

fn article_ids(written: &[String]) -> Result<Vec<String>, BadAnswers> {
    let ids: Vec<String> = written.iter().map(|id| id.trim().to_owned()).collect();
    let once =
        ids.iter().enumerate().all(|(at, id)| !id.is_empty() && ids.iter().skip(at + 1).all(|other| other != id));
    if once && (1..=ARTICLES_SHOWN_MAX).contains(&ids.len()) { Ok(ids) } else { Err(BadAnswers::BadArticles) }
}

fn choices(written: Vec<WrittenOption>) -> Result<Vec<Choice>, BadAnswers> {
    let mut choices: Vec<Choice> = Vec::new();
    for option in written {
        let choice = Choice { title: option.title.trim().to_owned(), value: option.value.trim().to_owned() };
        let fits = |text: &str| (1..=OPTION_CHARS_MAX).contains(&text.chars().count());
        let again = choices.iter().any(|c| c.title == choice.title || c.value == choice.value);
        if again || !fits(&choice.title) || !fits(&choice.value) {
            return Err(BadAnswers::BadOptions);
        }
        if reads_as_wish(&choice) {
            return Err(BadAnswers::OptionIsWish(choice.title));
        }
        choices.push(choice);
    }
    if (2..=OPTIONS_MAX).contains(&choices.len()) { Ok(choices) } else { Err(BadAnswers::BadOptions) }
}

fn search_words(search: Search) -> Result<Option<String>, BadAnswers> {
    match search {
        Search::Theirs(_) => Ok(None),
        Search::Ours(words) => match words.trim().chars().count() {
            1..=SEARCH_CHARS_MAX => Ok(Some(words.trim().to_owned())),
            _ => Err(BadAnswers::BadSearch),
        },
    }
}

/// What the customer said without the word that the rule fits; with it where nothing else was said.
fn their_search(said: &str, word: &str) -> String {
    let others = normal(&said.replacen(&format!(" {word} "), " ", 1));
    let search = if others.is_empty() { word } else { &others };
    search.chars().take(SEARCH_CHARS_MAX).collect::<String>().trim().to_owned()
}

/// Words in lower case with one space between; what is neither letter nor digit parts them.
fn normal(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_whose_word_stands_in_the_text_answers() {
        let answers = KeywordAnswers::parse(
            r#"[{"words":["Opening Hours","open"],"answer":"9 to 5"},{"words":["stock"],"answer":"Ask us"}]"#,
        )
        .unwrap();
        assert_eq!(answers.find("When are you OPEN?"), Some("9 to 5"));
        assert_eq!(answers.find("your opening hours, please"), Some("9 to 5"));
        assert_eq!(answers.find("I reopened it. In stock?"), Some("Ask us"));
        assert_eq!(answers.find("hello"), None);
        assert_eq!(answers.find(""), None);
    }

    #[test]
    fn each_kind_of_rule_does_its_own() {
        let answers = KeywordAnswers::parse(
            r#"[{"words":["help"],"answer":"What about?","options":[{"title":"Lamps","value":"lamps"},{"title":"A person","value":"ask_human"}]},
                {"words":["find","search for"],"products":true,"answer":"Here:"},
                {"words":["lamps"],"products":"brass lamp"},
                {"words":["ask_human","person"],"handoff":true,"answer":"One moment."},
                {"words":["complaint"],"handoff":true},
                {"words":["returns"],"articles":[" returns ","refunds"],"answer":"Read on:"},
                {"words":["sizes"],"articles":["sizes"]},
                {"words":["write"],"form":true,"answer":"Write to us:"},
                {"words":["address"],"form":true},
                {"words":["e-mail"],"answer":"hello@shop.example","products":false,"form":false,"handoff":false}]"#,
        )
        .unwrap();
        let search = |text: &str| match answers.reaction(text) {
            Some(Reaction::Products { intro, search }) => (intro, search),
            other => panic!("{other:?}"),
        };
        let Some(Reaction::Options { prompt, options }) = answers.reaction("Help!") else { panic!() };
        assert_eq!((prompt, options.len()), ("What about?", 2));
        assert_eq!(search("Find: blue LAMPS, please"), (Some("Here:"), "blue lamps please".to_owned()));
        assert_eq!(search("search for vases"), (Some("Here:"), "vases".to_owned()));
        assert_eq!(search("find"), (Some("Here:"), "find".to_owned()));
        assert_eq!(search("any lamps?"), (None, "brass lamp".to_owned()));
        assert_eq!(search("Lamps (lamps)"), (None, "brass lamp".to_owned()));
        assert_eq!(answers.reaction("A human (ask_human)"), Some(Reaction::HandOff(Some("One moment."))));
        assert_eq!(answers.reaction("a complaint"), Some(Reaction::HandOff(None)));
        let (two, one) = (["returns".to_owned(), "refunds".to_owned()], ["sizes".to_owned()]);
        let read_on = Reaction::Articles { intro: Some("Read on:"), ids: &two };
        assert_eq!(answers.reaction("About returns"), Some(read_on));
        assert_eq!(answers.reaction("sizes?"), Some(Reaction::Articles { intro: None, ids: &one }));
        assert_eq!(answers.reaction("May I write?"), Some(Reaction::Form(Some("Write to us:"))));
        assert_eq!(answers.reaction("my address"), Some(Reaction::Form(None)));
        assert_eq!(answers.find("your e-mail?"), Some("hello@shop.example"));
        for text in ["help", "lamps", "person", "returns", "sizes", "write", "address"] {
            assert_eq!(answers.find(text), None, "{text}");
        }
        let long = format!("find {}", "x".repeat(9_000));
        assert_eq!(search(&long).1.len(), SEARCH_CHARS_MAX);
        assert_eq!(format!("{:?}", answers.reaction("find my secret")), "Some(Products)");
    }

    #[test]
    fn an_article_that_is_not_known_is_named() {
        let answers = KeywordAnswers::parse(
            r#"[{"words":["a"],"answer":"x"},{"words":["b"],"articles":["one","two"]},{"words":["c"],"articles":["three"]}]"#,
        )
        .unwrap();
        let known = |ids: &[&str]| {
            let article = |id: &&str| Article {
                id: (*id).to_owned(),
                title: "A".into(),
                description: "a".into(),
                link: "https://shop.example/a".into(),
            };
            let known: Vec<Article> = ids.iter().map(article).collect();
            answers.unknown_article(&known).map(ToOwned::to_owned)
        };
        assert_eq!(known(&["three", "two", "one", "four"]), None);
        assert_eq!(known(&["one", "three"]).as_deref(), Some("two"));
        assert_eq!(known(&["one", "two"]).as_deref(), Some("three"));
        assert_eq!(known(&[]).as_deref(), Some("one"));
        assert_eq!(KeywordAnswers::default().unknown_article(&[]), None);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let bad = |json: &str| KeywordAnswers::parse(json).unwrap_err();
        assert!(matches!(bad("{}"), BadAnswers::Json(_)));
        assert!(matches!(bad(r#"[{"words":["a"],"anwser":"x"}]"#), BadAnswers::Json(_)));
        assert!(matches!(bad(r#"[{"words":["a"],"products":4}]"#), BadAnswers::Json(_)));
        for words in ["\" \"", "\"?\"", ""] {
            assert_eq!(bad(&format!(r#"[{{"words":[{words}],"answer":"x"}}]"#)), BadAnswers::NoWords);
        }
        let rule = |rest: &str| bad(&format!(r#"[{{"words":["a"]{rest}}}]"#));
        assert_eq!(rule(r#","answer":" ""#), BadAnswers::BadAnswer);
        assert_eq!(rule(""), BadAnswers::BadAnswer);
        assert_eq!(rule(r#","products":false"#), BadAnswers::BadAnswer);
        assert_eq!(rule(r#","products":true,"answer":"""#), BadAnswers::BadAnswer);
        let two = r#"[{"title":"a","value":"b"},{"title":"c","value":"d"}]"#;
        assert_eq!(rule(&format!(r#","options":{two}"#)), BadAnswers::BadAnswer);
        assert_eq!(rule(&format!(r#","answer":"x","options":{two},"handoff":true"#)), BadAnswers::TwoKinds);
        assert_eq!(rule(r#","form":false"#), BadAnswers::BadAnswer);
        assert_eq!(rule(r#","form":true,"answer":" ""#), BadAnswers::BadAnswer);
        for two in [
            r#","products":true,"handoff":true"#,
            r#","products":"lamp","articles":["a"]"#,
            r#","articles":["a"],"form":true"#,
            r#","articles":[],"handoff":true"#,
            r#","form":true,"handoff":true"#,
        ] {
            assert_eq!(rule(two), BadAnswers::TwoKinds, "{two}");
        }
        let eleven: Vec<String> = (0..11).map(|n| format!("\"{n}\"")).collect();
        for ids in ["", "\"\"", "\" \"", "\"a\",\"a \"", &eleven.join(",")] {
            assert_eq!(rule(&format!(r#","articles":[{ids}]"#)), BadAnswers::BadArticles, "{ids}");
        }
        assert!(matches!(rule(r#","articles":"a""#), BadAnswers::Json(_)));
        assert!(matches!(rule(r#","form":"yes""#), BadAnswers::Json(_)));
        for options in [
            "[]",
            r#"[{"title":"a","value":"b"}]"#,
            r#"[{"title":"a","value":"b"},{"title":"a","value":"c"}]"#,
            r#"[{"title":"a","value":"b"},{"title":" ","value":"c"}]"#,
        ] {
            assert_eq!(rule(&format!(r#","answer":"x","options":{options}"#)), BadAnswers::BadOptions, "{options}");
        }
        for (title, value) in [("Cancel", "b"), ("Never mind", "stop"), ("Start", "b")] {
            let options = format!(r#"[{{"title":"c","value":"d"}},{{"title":"{title}","value":"{value}"}}]"#);
            let refused = rule(&format!(r#","answer":"x","options":{options}"#));
            assert_eq!(refused, BadAnswers::OptionIsWish(title.into()));
            assert!(refused.to_string().contains(&format!("\"{title}\"")), "{refused}");
        }
        let fine = r#"[{"words":["a"],"answer":"x","options":[{"title":"Help","value":"help"},{"title":"Cancel my order","value":"cancel_order"}]}]"#;
        assert!(KeywordAnswers::parse(fine).is_ok());
        assert_eq!(rule(r#","products":" ""#), BadAnswers::BadSearch);
    }
}
