//! Answers by keyword: a shop's own words for its own questions. Needs no network, and says nothing that nobody wrote.

use serde::Deserialize;
use thiserror::Error;

/// Longest answer in characters.
const ANSWER_CHARS_MAX: usize = 1_000;

/// Which words get which answer, in the order of the setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeywordAnswers(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    words: Vec<String>,
    answer: String,
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
}

impl KeywordAnswers {
    /// Reads the setting.
    ///
    /// # Errors
    /// [`BadAnswers`] says what is wrong.
    pub fn parse(json: &str) -> Result<Self, BadAnswers> {
        let mut rules: Vec<Rule> = serde_json::from_str(json).map_err(|e| BadAnswers::Json(e.to_string()))?;
        for rule in &mut rules {
            rule.words = rule.words.iter().map(|w| w.trim().to_lowercase()).filter(|w| !w.is_empty()).collect();
            if rule.words.is_empty() {
                return Err(BadAnswers::NoWords);
            }
            let length = rule.answer.trim().chars().count();
            if length == 0 || length > ANSWER_CHARS_MAX {
                return Err(BadAnswers::BadAnswer);
            }
        }
        Ok(Self(rules))
    }

    /// The answer of the first rule one of whose words stands in the text; "open" does not stand in "reopened".
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&str> {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .filter(|w| !w.is_empty())
            .map(str::to_lowercase)
            .collect();
        let said = format!(" {} ", words.join(" "));
        let stands = |word: &String| said.contains(&format!(" {word} "));
        self.0.iter().find(|rule| rule.words.iter().any(stands)).map(|rule| rule.answer.as_str())
    }
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
    fn what_cannot_be_used_says_why() {
        assert!(matches!(KeywordAnswers::parse("{}"), Err(BadAnswers::Json(_))));
        assert_eq!(KeywordAnswers::parse(r#"[{"words":[" "],"answer":"x"}]"#), Err(BadAnswers::NoWords));
        assert_eq!(KeywordAnswers::parse(r#"[{"words":["a"],"answer":" "}]"#), Err(BadAnswers::BadAnswer));
    }
}
