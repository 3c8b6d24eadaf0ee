//! What was sent a moment ago. Widgets send things twice: a button is clicked twice, a newer client repeats what failed.
//! Neither names its requests, so a request is known by whose it is and what it says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{OwnerToken, short_hash},
    time::UnixMillis,
};

/// Answers of one chat that are remembered; of more, the newest.
const ANSWERS_MAX: usize = 5;
/// Requests in work that are remembered. Nobody's browser has so many; somebody's program may.
const IN_WORK_MAX: usize = 100;
/// A longer answer is not kept for a repetition: a row has its limits.
const ANSWER_BYTES_MAX: usize = 30_000;

/// The requests of a chat that are in work or were answered a moment ago, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sends(Vec<Sent>);

/// A request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    /// The hash of its words.
    prompt: String,
    /// Who works on it.
    owner: String,
    /// Until when, at most, in milliseconds since the epoch; once answered, until when the answer is given again.
    until_ms: i64,
    /// The answer.
    answer: Option<String>,
}

impl std::fmt::Debug for Sent {
    /// Without the answer.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sent({}, answered: {})", self.prompt, self.answer.is_some())
    }
}

/// What is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// Nobody works on it.
    New,
    /// Somebody does.
    InWork,
    /// It was answered just now.
    Answered(&'a str),
}

impl Sends {
    /// What is known at `now` of a request with these words.
    #[must_use]
    pub fn of(&self, prompt: &str, now: UnixMillis) -> Known<'_> {
        let hash = short_hash(prompt);
        match self.0.iter().rev().find(|sent| sent.prompt == hash && sent.until_ms > now.get()) {
            None => Known::New,
            Some(Sent { answer: Some(answer), .. }) => Known::Answered(answer),
            Some(Sent { answer: None, .. }) => Known::InWork,
        }
    }

    /// Somebody works on it, until `until` at most.
    pub fn begin(&mut self, prompt: &str, owner: &OwnerToken, now: UnixMillis, until: UnixMillis) {
        let hash = short_hash(prompt);
        self.0.retain(|sent| sent.prompt != hash && sent.until_ms > now.get());
        self.forget_beyond(IN_WORK_MAX - 1, |sent| sent.answer.is_none());
        self.0.push(Sent { prompt: hash, owner: owner.as_str().to_owned(), until_ms: until.get(), answer: None });
    }

    /// Whoever works on it lives, and may be silent until `until`.
    pub fn alive(&mut self, prompt: &str, until: UnixMillis) {
        let hash = short_hash(prompt);
        for sent in self.0.iter_mut().filter(|sent| sent.prompt == hash && sent.answer.is_none()) {
            sent.until_ms = until.get();
        }
    }

    /// Whether it is still this one's work.
    #[must_use]
    pub fn is_of(&self, prompt: &str, owner: &OwnerToken) -> bool {
        let hash = short_hash(prompt);
        self.0.iter().any(|sent| sent.prompt == hash && sent.owner == owner.as_str() && sent.answer.is_none())
    }

    /// It is answered, and a repetition gets the same for a while.
    pub fn answered(&mut self, prompt: &str, answer: &str, now: UnixMillis, again_for: Duration) {
        let hash = short_hash(prompt);
        if answer.len() > ANSWER_BYTES_MAX {
            self.0.retain(|sent| sent.prompt != hash);
        }
        for sent in self.0.iter_mut().filter(|sent| sent.prompt == hash) {
            sent.until_ms = now.plus(again_for).get();
            sent.answer = Some(answer.to_owned());
        }
        // What is in work is not forgotten for what is done: it would be done twice.
        self.forget_beyond(ANSWERS_MAX, |sent| sent.answer.is_some());
    }

    /// Of one kind only the newest stay.
    fn forget_beyond(&mut self, most: usize, is_one: impl Fn(&Sent) -> bool) {
        let mut surplus = self.0.iter().filter(|sent| is_one(sent)).count().saturating_sub(most);
        self.0.retain(|sent| {
            let goes = surplus > 0 && is_one(sent);
            surplus -= usize::from(goes);
            !goes
        });
    }

    /// It came to nothing; whoever sends it again begins anew.
    pub fn dropped(&mut self, prompt: &str) {
        let hash = short_hash(prompt);
        self.0.retain(|sent| sent.prompt != hash);
    }

    /// Whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_000_000);

    fn after(seconds: u64) -> UnixMillis {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn owner(name: &str) -> OwnerToken {
        OwnerToken::try_from(name).unwrap()
    }

    #[test]
    fn a_request_is_in_work_then_answered_then_forgotten() {
        let mut sends = Sends::default();
        assert_eq!(sends.of("yes", NOW), Known::New);
        sends.begin("yes", &owner("a"), NOW, after(27));
        assert_eq!((sends.of("yes", after(26)), sends.of("no", NOW)), (Known::InWork, Known::New));
        assert!(sends.is_of("yes", &owner("a")) && !sends.is_of("yes", &owner("b")));
        sends.answered("yes", "{}", after(5), Duration::from_secs(2));
        assert_eq!(sends.of("yes", after(6)), Known::Answered("{}"));
        // A genuine second "yes".
        assert_eq!(sends.of("yes", after(7)), Known::New);
    }

    #[test]
    fn work_that_nobody_finished_is_anybodys() {
        let mut sends = Sends::default();
        sends.begin("yes", &owner("a"), NOW, after(27));
        assert_eq!(sends.of("yes", after(27)), Known::New);
        sends.begin("yes", &owner("b"), after(27), after(54));
        assert!(!sends.is_of("yes", &owner("a")));
        sends.alive("yes", after(99));
        assert_eq!(sends.of("yes", after(98)), Known::InWork);
        sends.dropped("yes");
        assert!(sends.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut sends = Sends::default();
        for n in 0..50 {
            sends.begin(&format!("prompt {n}"), &owner("a"), NOW, after(27));
            sends.answered(&format!("prompt {n}"), &"x".repeat(ANSWER_BYTES_MAX), NOW, Duration::from_secs(2));
        }
        assert!(serde_json::to_string(&sends).unwrap().len() < 180_000);
        sends.begin("long", &owner("a"), NOW, after(27));
        sends.answered("long", &"x".repeat(ANSWER_BYTES_MAX + 1), NOW, Duration::from_secs(2));
        assert_eq!(sends.of("long", NOW), Known::New);
        for n in 0..2 * IN_WORK_MAX {
            sends.begin(&format!("question {n}"), &owner("a"), NOW, after(27));
        }
        assert_eq!(sends.0.len(), IN_WORK_MAX + ANSWERS_MAX);
        assert_eq!(sends.of(&format!("question {IN_WORK_MAX}"), NOW), Known::InWork);
        assert_eq!(sends.of("question 0", NOW), Known::New);
        assert!(serde_json::to_string(&sends).unwrap().len() < 180_000);
    }

    #[test]
    fn what_is_in_work_is_not_forgotten_for_what_is_done() {
        let mut sends = Sends::default();
        for n in 0..20 {
            sends.begin(&format!("question {n}"), &owner("a"), NOW, after(27));
        }
        for n in 0..19 {
            sends.answered(&format!("question {n}"), "{}", NOW, Duration::from_secs(2));
        }
        assert_eq!(sends.of("question 19", NOW), Known::InWork);
        assert_eq!(sends.of("question 18", NOW), Known::Answered("{}"));
        assert_eq!(sends.of("question 0", NOW), Known::New);
    }
}
