//! Reads settings and collects what is wrong with them.

use std::{fmt, ops::RangeInclusive, time::Duration};

use super::table::{SETTINGS, Setting};

/// How the names of settings begin.
pub const FAMILIES: [&str; 17] = [
    "FRONTDESK_",
    "REVIEW_",
    "SHOPIFY_",
    "PODIUM_",
    "WEBCHAT_",
    "OPTOUT_",
    "AGENT_",
    "NOTIFY_",
    "RECONCILE_",
    "CHATWOOT_",
    "SPEECH_",
    "WOOCOMMERCE_",
    "WEB_",
    "CHAT_",
    "CONTACT_",
    "FORM_",
    "HEALTH_",
];

/// Where settings come from.
pub trait Env {
    /// The value of a variable, if it is set.
    fn get(&self, name: &str) -> Option<String>;

    /// The names of all variables that are set.
    fn names(&self) -> Vec<String>;
}

/// One thing that is wrong with one setting. Never holds a secret: secrets are not settings, only their places are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub name: &'static str,
    /// What is wrong and what would be right.
    pub what: String,
}

/// Everything that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} setting(s) are wrong (docs/CONFIGURATION.md describes each):", self.0.len())?;
        self.0.iter().try_for_each(|p| write!(f, "\n  {} {}", p.name, p.what))
    }
}

impl std::error::Error for Problems {}

/// Settings that can be used, and names that look like settings but are none.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The settings.
    pub config: T,
    /// Variables that nothing reads, most likely misspelt.
    pub unknown: Vec<String>,
}

/// Reads all fields before it gives up on any, so that every problem is found in one go.
macro_rules! read {
    ($kind:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let read = ($(($value),)*);
        let ($($field,)*) = read;
        (move || Some($kind { $($field: $field?),* }))()
    }};
}
pub(super) use read;

pub(super) struct Reader<'e> {
    env: &'e dyn Env,
    problems: Vec<Problem>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(env: &'e impl Env) -> Self {
        Self { env, problems: Vec::new() }
    }

    pub(super) fn problem(&mut self, name: &'static str, what: String) {
        let problem = Problem { name, what };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The value, or the documented default. A value of white space counts as none: templates pass empty parameters on.
    fn value(&mut self, name: &'static str) -> Option<String> {
        let set = self.env.get(name).filter(|v| !v.trim().is_empty());
        set.map(|v| v.trim().to_owned()).or_else(|| setting(name).and_then(|s| s.default).map(str::to_owned))
    }

    pub(super) fn required(&mut self, name: &'static str) -> Option<String> {
        let value = self.value(name);
        if value.is_none() {
            let meaning = setting(name).map_or("", |s| s.meaning);
            self.problem(name, format!("is not set: {meaning}"));
        }
        value
    }

    pub(super) fn parsed<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.required(name)?;
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(what) => {
                self.problem(name, what);
                None
            }
        }
    }

    /// `Some(None)`: not set, which is fine. `None`: set, but wrong.
    #[expect(clippy::option_option, reason = "the outer level is 'could be read', the inner one 'is set'")]
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.value(name) {
            None => Some(None),
            Some(_) => self.parsed(name, parse).map(Some),
        }
    }

    pub(super) fn number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.parsed(name, |text| {
            let expected = || format!("is {text:?}, not a whole number from {} to {}", range.start(), range.end());
            text.parse().ok().filter(|n| range.contains(n)).ok_or_else(expected)
        })
    }

    pub(super) fn seconds(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.number(name, range).map(Duration::from_secs)
    }

    pub(super) fn millis(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.number(name, range).map(Duration::from_millis)
    }

    pub(super) fn hours(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.number(name, range).map(|n| Duration::from_secs(n * 3_600))
    }

    pub(super) fn days(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<Duration> {
        self.number(name, range).map(|n| Duration::from_secs(n * 86_400))
    }

    pub(super) fn bytes(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<usize> {
        self.number(name, range).and_then(|n| usize::try_from(n).ok())
    }

    pub(super) fn count(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u32> {
        self.number(name, range).and_then(|n| u32::try_from(n).ok())
    }

    pub(super) fn switch(&mut self, name: &'static str) -> Option<bool> {
        self.word(name, &[("true", true), ("false", false)])
    }

    pub(super) fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.parsed(name, |text| {
            let known: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
            let found = words.iter().find(|(w, _)| w.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
            found.ok_or_else(|| format!("is {text:?}, not one of {}", known.join(", ")))
        })
    }

    pub(super) fn finish<T>(self, config: Option<T>) -> Result<Loaded<T>, Problems> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(Loaded { config, unknown: unknown(self.env) }),
            _ => Err(Problems(self.problems)),
        }
    }
}

fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|s| s.name == name)
}

/// Names in our families that nothing reads.
fn unknown(env: &dyn Env) -> Vec<String> {
    let ours = |n: &String| FAMILIES.iter().any(|family| n.starts_with(family));
    let mut names: Vec<String> = env.names().into_iter().filter(|n| ours(n) && setting(n).is_none()).collect();
    names.sort();
    names
}
