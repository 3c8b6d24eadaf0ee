//! Settings of `health`: what it looks at. They come from the template's own resources, many in one variable, since one
//! variable for each would leave no room in Lambda's 4 KB.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Env, Loaded, Problems,
    reader::{Reader, read},
};
use crate::flow::health::{Made, Part, What};

/// A word that is shown is no longer than this.
const WORD_CHARS_MAX: usize = 40;

/// Settings of `health`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthConfig {
    /// What is looked at, in the order in which it is shown.
    pub parts: Vec<Part>,
    /// How long what was seen is told again.
    pub fresh: Duration,
}

/// Reads the settings of `health`.
///
/// # Errors
/// All problems at once.
pub fn health(env: &impl Env) -> Result<Loaded<HealthConfig>, Problems> {
    let mut r = Reader::new(env);
    let config = read!(HealthConfig { parts: parts(&mut r), fresh: r.seconds("HEALTH_CACHE_SECONDS", 1..=3_600) });
    r.finish(config)
}

fn parts(r: &mut Reader<'_>) -> Option<Vec<Part>> {
    let queues_at = r.required("HEALTH_QUEUES_URL");
    let url = |name: &str| format!("{}{name}", queues_at.as_deref().unwrap_or_default());
    let lists = [
        list(r, "HEALTH_TABLES", &[], |name, _| What::Table(name.to_owned())),
        list(r, "HEALTH_QUEUES", &[], |name, _| What::Queue(url(name))),
        list(r, "HEALTH_DEAD_LETTERS", &[], |name, _| What::DeadLetters(url(name))),
        list(r, "HEALTH_SECRETS", &MARKS, |id, made| What::Secret { id: id.to_owned(), made }),
    ];
    let lists: Option<Vec<Vec<Part>>> = lists.into_iter().collect();
    queues_at.as_ref().and(lists).map(|lists| lists.concat())
}

/// What a mark after a word says of a secret.
const MARKS: [(char, Made); 2] = [('*', Made::ToFill), ('?', Made::Optional)];

/// `inbox=frontdesk-InboxTable-1ABC,…`. Nothing between two commas is something that is not set up.
fn list(
    r: &mut Reader<'_>,
    setting: &'static str,
    marks: &[(char, Made)],
    what: impl Fn(&str, Made) -> What,
) -> Option<Vec<Part>> {
    r.parsed(setting, |text| {
        let mut words = BTreeSet::new();
        let mut parts = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let pair = entry.split_once('=').map(|(word, place)| (word.trim(), place.trim()));
            let (word, place) = pair
                .filter(|(_, place)| !place.is_empty())
                .ok_or_else(|| format!("holds {entry:?}, which is not a word, = and a name"))?;
            let marked = marks.iter().find_map(|(mark, made)| word.strip_suffix(*mark).zip(Some(*made)));
            let (word, made) = marked.unwrap_or((word, Made::Whole));
            if !is_word(word) {
                return Err(format!("calls something {word:?}; small letters, digits and hyphens make a word"));
            }
            if !words.insert(word) {
                return Err(format!("lists {word} twice"));
            }
            parts.push(Part { name: word.to_owned(), what: what(place, made) });
        }
        if parts.is_empty() { Err("lists nothing".into()) } else { Ok(parts) }
    })
}

/// Whether it may be shown to anybody: no ARN, address or number of an account looks like this by accident.
fn is_word(word: &str) -> bool {
    (1..=WORD_CHARS_MAX).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
