//! What Podium means by a 4xx. The briefs name the reason in `error`; the published API has `code`, a word or a number,
//! and says what is wrong with a value only in `message`.

use frontdesk_core::provider::Refusal;
use serde_json::Value;

use crate::http::Answer;

/// An error answer, as far as it decides anything.
pub(super) struct Problem {
    status: u16,
    code: String,
    message: String,
    /// An error of the API's own, and not a page that something in front of it answers with.
    is_own: bool,
}

impl Problem {
    pub(super) fn of(answer: &Answer) -> Self {
        // An error whose body cannot be read is still what its status says.
        let body = answer.json();
        let is_own = answer.is_empty() || body.as_ref().is_ok_and(Value::is_object);
        let body = body.unwrap_or_default();
        let words = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let code = match words("code") {
            code if code.is_empty() => words("error"),
            code => code,
        };
        Self { status: answer.status, code, message: words("message"), is_own }
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Whether it says that there is no such thing. A wrong base URL says that there is no such page: that must not look
    /// like a Podium without contacts.
    pub(super) fn is_absence(&self) -> bool {
        self.status == 404 && self.is_own && self.code != "route_not_found"
    }

    /// A limit that is told with another status than 429: it passes, so it must not end anything.
    pub(super) fn is_throttling(&self) -> bool {
        ["rate_limit", "rate_limited", "quota_exhausted"].contains(&self.code())
    }

    pub(super) fn refusal(&self) -> Refusal {
        match (self.code.as_str(), self.status) {
            ("invalid_phone" | "invalid_phone_format", _) => Refusal::InvalidPhone,
            ("cooldown_violation", _) => Refusal::CooldownViolation,
            ("contact_opted_out", _) | (_, 451) => Refusal::OptedOut,
            (_, 400 | 403 | 409 | 422) if self.says_opted_out() => Refusal::OptedOut,
            (_, 400 | 422) if self.says_invalid_phone() => Refusal::InvalidPhone,
            (_, status) => Refusal::Other { status },
        }
    }

    fn says_opted_out(&self) -> bool {
        ["opted out", "opted-out", "unsubscribed"].iter().any(|words| self.message.contains(words))
    }

    /// A number marked as unusable stays so, therefore a message that speaks of another number does not count.
    fn says_invalid_phone(&self) -> bool {
        let says = |words: &[&str]| words.iter().any(|word| self.message.contains(word));
        let about_the_number = says(&["phone", "channel.identifier", "channel identifier"]);
        let unusable = says(&["invalid", "not valid", "not a valid", "must be a valid", "landline"]);
        (about_the_number && unusable || says(&["landline"])) && !says(&["location", "sender", "organization"])
    }
}
