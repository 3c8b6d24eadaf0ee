//! The request of a page, read field by field: what is of the wrong type is a problem of that field and of no other.

use serde_json::Value;

use super::{
    Problem,
    files::{NamedFile, named},
    is_longer,
};
use crate::{contact_form::is_email, phone::Region, web::WebCode};

/// Longest message, in characters as people count them.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Longest name.
pub const NAME_CHARS_MAX: usize = 80;
/// Longest id of a message.
const ID_CHARS_MAX: usize = 100;
/// Longest text of any other field.
const FIELD_CHARS_MAX: usize = 300;

/// A field.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Given {
    /// Not there: nothing is asked about it.
    #[default]
    Absent,
    /// There, and empty.
    Empty,
    /// There, and no text.
    Unusable,
    /// There.
    Text(String),
}

impl std::fmt::Debug for Given {
    /// Without the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Empty => "Empty",
            Self::Unusable => "Unusable",
            Self::Text(_) => "Text(***)",
        })
    }
}

impl Given {
    fn read(body: &Value, name: &str) -> Self {
        match body.get(name) {
            None => Self::Absent,
            Some(Value::Null) => Self::Empty,
            Some(Value::String(text)) if text.trim().is_empty() => Self::Empty,
            Some(Value::String(text)) => Self::Text(text.trim().to_owned()),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Self::Unusable,
        }
    }

    /// The text, if there is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Empty | Self::Unusable => None,
        }
    }
}

/// What a page sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The location's uid.
    pub location: Given,
    /// The phone, as it was typed.
    pub phone: Given,
    /// The phone's country, two letters.
    pub country: Given,
    /// The words.
    pub text: Given,
    /// An e-mail address, if they want an answer there.
    pub email: Given,
    /// First name.
    pub first_name: Given,
    /// Last name.
    pub last_name: Given,
    /// The whole name, from a page with one field for it.
    pub name: Given,
    /// The page's own id of the message: sent again, it is the same message.
    pub message_id: Given,
    /// The files that are to be attached.
    pub attachments: Option<Vec<NamedFile>>,
    /// Tickets of files that are there already.
    pub uploads: Vec<String>,
}

impl Draft {
    /// Reads a request of any shape.
    #[must_use]
    pub fn read(body: &Value) -> Self {
        let given = |name: &str| Given::read(body, name);
        Self {
            location: given("location_uid"),
            phone: given("phone"),
            country: given("country"),
            text: given("text"),
            email: given("email"),
            first_name: given("first_name"),
            last_name: given("last_name"),
            name: given("name"),
            message_id: given("message_id"),
            attachments: named(body.get("attachments")),
            uploads: Vec::new(),
        }
    }

    /// The same with `attachments` as a list of tickets.
    #[must_use]
    pub fn read_message(body: &Value) -> Self {
        let listed = body.get("attachments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        // What is no ticket is refused like a forged one.
        let uploads = listed.iter().map(|ticket| ticket.as_str().unwrap_or_default().to_owned()).collect();
        Self { attachments: None, uploads, ..Self::read(body) }
    }

    /// The country, if it is one.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        let code = self.country.text()?.to_ascii_uppercase();
        Region::try_from(code.as_str()).ok().filter(|region| region.is_known())
    }

    /// First and last name; one field's name is parted at its first space.
    #[must_use]
    pub fn names(&self) -> (Option<String>, Option<String>) {
        let tidy = |name: &str| {
            let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
            Some(name.trim().to_owned()).filter(|name| !name.is_empty())
        };
        let own = |given: &Given| given.text().and_then(tidy);
        match (own(&self.first_name), own(&self.last_name), own(&self.name)) {
            (None, None, Some(whole)) => match whole.split_once(' ') {
                Some((first, last)) => (tidy(first), tidy(last)),
                None => (Some(whole), None),
            },
            (first, last, _) => (first, last),
        }
    }

    /// What is wrong with the words. `whole`: there have to be some, or a file.
    pub(super) fn words(&self, whole: bool) -> Vec<Problem> {
        let problem = |field, sentence: String| Problem::web(WebCode::FieldInvalid, field, sentence);
        let mut problems = Vec::new();
        match &self.text {
            Given::Text(text) if is_longer(text, TEXT_CHARS_MAX) => {
                let sentence = format!("This message is too long. Please keep it under {TEXT_CHARS_MAX} characters.");
                problems.push(problem("text", sentence));
            }
            Given::Unusable => problems.push(problem("text", "This is not a text.".into())),
            Given::Absent | Given::Empty if whole && self.uploads.is_empty() => {
                problems.push(problem("text", "Please write a message.".into()));
            }
            Given::Absent | Given::Empty | Given::Text(_) => {}
        }
        match &self.email {
            Given::Text(email) if is_email(email) => {}
            Given::Text(_) | Given::Unusable => {
                problems.push(problem("email", "This is not an e-mail address.".into()));
            }
            Given::Absent | Given::Empty => {}
        }
        let others = [
            (&self.first_name, "first_name", FIELD_CHARS_MAX),
            (&self.last_name, "last_name", FIELD_CHARS_MAX),
            (&self.name, "name", FIELD_CHARS_MAX),
            (&self.message_id, "message_id", ID_CHARS_MAX),
        ];
        for (given, field, most) in others {
            match given {
                Given::Text(text) if text.chars().count() > most => {
                    problems.push(problem(field, "This is too long.".into()));
                }
                Given::Unusable => problems.push(problem(field, "This is not a text.".into())),
                Given::Absent | Given::Empty | Given::Text(_) => {}
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_name_is_parted_at_its_first_space() {
        let names = |body: &Value| Draft::read(body).names();
        let some = |a: &str, b: &str| (Some(a.to_owned()), Some(b.to_owned()));
        assert_eq!(names(&json!({"name": "Ana Maria de Souza"})), some("Ana", "Maria de Souza"));
        assert_eq!(names(&json!({"name": "Cher"})), (Some("Cher".into()), None));
        assert_eq!(names(&json!({"first_name": "A", "last_name": "B", "name": "C D"})), some("A", "B"));
        assert_eq!(names(&json!({"name": " \u{7} "})), (None, None));
        assert_eq!(names(&json!({})), (None, None));
    }

    #[test]
    fn what_was_typed_is_in_no_debug_output() {
        let body = json!({"phone": "0412345678", "text": "secret", "name": "Ana", "attachments": [{"name": "me.png", "size": 1, "type": "image/png"}]});
        let shown = format!("{:?}", Draft::read(&body));
        for word in ["0412345678", "secret", "Ana", "me.png"] {
            assert!(!shown.contains(word), "{shown}");
        }
    }

    #[test]
    fn words_are_bounded_as_people_count_them() {
        let wrong = |body: &Value| Draft::read(body).words(true).iter().map(|p| p.field).collect::<Vec<_>>();
        assert!(wrong(&json!({"text": "e\u{301}".repeat(TEXT_CHARS_MAX)})).is_empty());
        assert_eq!(wrong(&json!({"text": "x".repeat(TEXT_CHARS_MAX + 1)})), ["text"]);
        assert_eq!(
            wrong(&json!({"text": 5, "email": "nobody", "message_id": [], "name": "x".repeat(301)})),
            ["text", "email", "name", "message_id"]
        );
        assert_eq!(wrong(&json!({"text": " "})), ["text"]);
        assert!(Draft::read_message(&json!({"attachments": ["t"]})).words(true).is_empty());
    }
}
