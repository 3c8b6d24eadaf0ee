//! A form: what it asks, as a widget shows it, and whether what came back is an answer to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// Fields of a form.
const FIELDS_MAX: usize = 20;
/// Characters of an id; of a title, a label and the like.
const ID_CHARS_MAX: usize = 40;
const WORDS_CHARS_MAX: usize = 300;
/// Characters of what is typed into a line, and into a box.
const LINE_CHARS_MAX: usize = 300;
const BOX_CHARS_MAX: usize = 5_000;
/// Longest e-mail address, and longest part of it before the `@` (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;
const EMAIL_LOCAL_BYTES_MAX: usize = 64;

/// A form, in the words of the widget's schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ContactForm {
    /// Its heading.
    pub title: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The button's words; the widget has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submit_label: Option<String>,
    /// What it asks; one at least.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in what is sent.
    pub id: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// What people read beside it.
    pub label: String,
    /// What stands in it while it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// Whether it must be filled in; a box must be ticked.
    #[serde(default)]
    pub required: bool,
    /// What can be chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<FieldOption>,
    /// A pattern for the browser; nothing here reads JavaScript's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Value>,
}

/// Kinds of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// A line.
    Text,
    /// An e-mail address.
    Email,
    /// A phone number, kept as it was typed.
    Tel,
    /// Several lines.
    Textarea,
    /// One of the options.
    Select,
    /// Ticked or not.
    Checkbox,
    /// One of the options.
    Radio,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldOption {
    /// What is sent.
    pub value: String,
    /// What people read.
    pub label: String,
}

/// Why a setting is no form.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadForm {
    /// Not the expected JSON.
    #[error(
        "is not a form in JSON ({0}); e.g. {{\"title\":\"Contact Us\",\"fields\":[{{\"id\":\"email\",\"type\":\"email\",\"label\":\"Email Address\",\"required\":true}}]}}"
    )]
    Json(String),
    /// Too few fields or too many.
    #[error("has {0} fields; 1 to {FIELDS_MAX} are possible")]
    Fields(usize),
    /// An id that is taken or not usable.
    #[error("has a field \"{0}\" whose id is there twice, or not 1 to {ID_CHARS_MAX} letters, digits, - and _")]
    Id(String),
    /// Words that are missing or too long.
    #[error("has a text that is empty or longer than {WORDS_CHARS_MAX} characters, in \"{0}\"")]
    Words(String),
    /// Nothing to choose from, or something where nothing is chosen.
    #[error(
        "has a field \"{0}\" with options where there must be none, or without any where they must be, or with one twice"
    )]
    Options(String),
    /// A field that nobody fills in could not be told from one that a person does.
    #[error("has a field \"{0}\", which is the one that only programs fill in (FORM_HONEYPOT)")]
    Honeypot(String),
}

/// Why what came back is no answer, in the brief's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadEntry {
    /// A field that must be filled in is not.
    #[error("{0} is required")]
    Required(String),
    /// No e-mail address.
    #[error("Invalid email format")]
    Email,
    /// More than is kept.
    #[error("{0} is too long")]
    TooLong(String),
    /// Nothing that this field can hold.
    #[error("{0} is invalid")]
    Invalid(String),
}

/// What somebody filled in.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// By field's id, in the form's order; what was left empty is absent.
    pub fields: Vec<(String, String)>,
    /// The first e-mail address among them, in lower case.
    pub email: Option<String>,
}

impl std::fmt::Debug for Entry {
    /// Without what was filled in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({} fields)", self.fields.len())
    }
}

impl ContactForm {
    /// Reads the setting. `honeypot`: the field that only programs fill in.
    ///
    /// # Errors
    /// [`BadForm`] says what is wrong.
    pub fn parse(json: &str, honeypot: &str) -> Result<Self, BadForm> {
        let form: Self = serde_json::from_str(json).map_err(|e| BadForm::Json(e.to_string()))?;
        if !(1..=FIELDS_MAX).contains(&form.fields.len()) {
            return Err(BadForm::Fields(form.fields.len()));
        }
        let fits = |text: &str| (1..=WORDS_CHARS_MAX).contains(&text.trim().chars().count());
        let own = [Some(&form.title), form.description.as_ref(), form.submit_label.as_ref()];
        if !own.into_iter().flatten().all(|text| fits(text)) {
            return Err(BadForm::Words("title, description or submitLabel".into()));
        }
        for (at, field) in form.fields.iter().enumerate() {
            field.check(honeypot)?;
            if form.fields.iter().take(at).any(|other| other.id == field.id) {
                return Err(BadForm::Id(field.id.clone()));
            }
        }
        Ok(form)
    }

    /// The form as a widget gets it, without the address that it is sent to.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The label of a field.
    #[must_use]
    pub fn label(&self, id: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.id == id).map(|field| field.label.as_str())
    }

    /// Checks what came back. What the form does not ask is passed over.
    ///
    /// # Errors
    /// [`BadEntry`]; what is missing before what is wrong, each in the form's order.
    pub fn read(&self, body: &Value) -> Result<Entry, BadEntry> {
        let mut filled: Vec<(&Field, String)> = Vec::new();
        let mut wrong = None;
        for field in &self.fields {
            match field.value(body.get(&field.id)) {
                Ok(Some(value)) => filled.push((field, value)),
                Ok(None) if field.required => return Err(BadEntry::Required(field.id.clone())),
                Ok(None) => {}
                Err(bad) => wrong = wrong.or(Some(bad)),
            }
        }
        if let Some(bad) = wrong {
            return Err(bad);
        }
        let email = filled.iter().find(|(field, _)| field.kind == FieldKind::Email);
        let email = email.map(|(_, address)| address.to_lowercase());
        Ok(Entry { fields: filled.into_iter().map(|(field, value)| (field.id.clone(), value)).collect(), email })
    }
}

impl Field {
    fn check(&self, honeypot: &str) -> Result<(), BadForm> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=ID_CHARS_MAX).contains(&self.id.len()) || !self.id.chars().all(plain) {
            return Err(BadForm::Id(self.id.clone()));
        }
        if self.id == honeypot {
            return Err(BadForm::Honeypot(self.id.clone()));
        }
        let fits = |text: &str| (1..=WORDS_CHARS_MAX).contains(&text.trim().chars().count());
        let texts = self.options.iter().flat_map(|option| [&option.value, &option.label]);
        if ![&self.label].into_iter().chain(&self.placeholder).chain(texts).all(|text| fits(text)) {
            return Err(BadForm::Words(self.id.clone()));
        }
        let twice = self
            .options
            .iter()
            .enumerate()
            .any(|(at, option)| self.options.iter().take(at).any(|other| other.value == option.value));
        if twice || self.options.is_empty() == self.kind.chooses() {
            return Err(BadForm::Options(self.id.clone()));
        }
        Ok(())
    }

    /// What was filled in; `None`: nothing.
    fn value(&self, given: Option<&Value>) -> Result<Option<String>, BadEntry> {
        let invalid = || BadEntry::Invalid(self.id.clone());
        let text = match (given, self.kind) {
            (None | Some(Value::Null | Value::Bool(false)), _) => return Ok(None),
            (Some(Value::Bool(true)), FieldKind::Checkbox) => return Ok(Some("yes".to_owned())),
            (Some(Value::String(text)), _) => text.clone(),
            (Some(Value::Number(number)), _) => number.to_string(),
            (Some(Value::Bool(true) | Value::Array(_) | Value::Object(_)), _) => return Err(invalid()),
        };
        let kept = |c: &char| !c.is_control() || (self.kind == FieldKind::Textarea && *c == '\n');
        let text: String = text.replace("\r\n", "\n").chars().filter(kept).collect();
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let chars_max = if self.kind == FieldKind::Textarea { BOX_CHARS_MAX } else { LINE_CHARS_MAX };
        if text.chars().count() > chars_max {
            return Err(BadEntry::TooLong(self.id.clone()));
        }
        match self.kind {
            FieldKind::Email if !is_email(text) => Err(BadEntry::Email),
            FieldKind::Select | FieldKind::Radio if self.options.iter().all(|option| option.value.trim() != text) => {
                Err(invalid())
            }
            FieldKind::Checkbox if !matches!(text, "yes" | "true" | "on") => Err(invalid()),
            FieldKind::Checkbox => Ok(Some("yes".to_owned())),
            FieldKind::Text
            | FieldKind::Email
            | FieldKind::Tel
            | FieldKind::Textarea
            | FieldKind::Select
            | FieldKind::Radio => Ok(Some(text.to_owned())),
        }
    }
}

impl FieldKind {
    const fn chooses(self) -> bool {
        match self {
            Self::Select | Self::Radio => true,
            Self::Text | Self::Email | Self::Tel | Self::Textarea | Self::Checkbox => false,
        }
    }
}

/// Whether a text has the form of an e-mail address: one `@`, no blanks, and a domain of two parts at least. Whether somebody
/// reads what is sent there, only a letter tells.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let parts = |text: &str| text.split('.').all(|part| !part.is_empty());
    text.len() <= EMAIL_BYTES_MAX
        && local.len() <= EMAIL_LOCAL_BYTES_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '"' | '\\'))
        && parts(local)
        && !domain.contains('@')
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && domain.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The brief's own form.
    const BRIEF: &str = r#"{"title":"Contact Us","description":"Fill out this form and we'll get back to you soon!",
        "fields":[{"id":"name","type":"text","label":"Your Name","required":true},
        {"id":"email","type":"email","label":"Email Address","required":true},
        {"id":"message","type":"textarea","label":"How can we help?","required":true}]}"#;

    fn brief() -> ContactForm {
        ContactForm::parse(BRIEF, "website").unwrap()
    }

    fn rich() -> ContactForm {
        let json = json!({"title": "T", "fields": [
            {"id": "topic", "type": "select", "label": "Topic", "options": [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]},
            {"id": "when", "type": "radio", "label": "When", "required": true, "options": [{"value": "am", "label": "Morning"}]},
            {"id": "ok", "type": "checkbox", "label": "Agreed", "required": true},
            {"id": "phone", "type": "tel", "label": "Phone"}]});
        ContactForm::parse(&json.to_string(), "website").unwrap()
    }

    #[test]
    fn a_filled_in_form_comes_back_in_its_order() {
        let body = json!({"message": " Hi\r\nthere ", "email": "Sam@Example.com", "name": "Sam", "other": "x"});
        let entry = brief().read(&body).unwrap();
        let fields: Vec<(&str, &str)> = entry.fields.iter().map(|(id, value)| (id.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("name", "Sam"), ("email", "Sam@Example.com"), ("message", "Hi\nthere")]);
        assert_eq!(entry.email.as_deref(), Some("sam@example.com"));
    }

    #[test]
    fn what_is_missing_is_said_in_the_briefs_words() {
        let full = json!({"name": "n", "email": "a@b.co", "message": "m"});
        for id in ["name", "email", "message"] {
            for nothing in [json!(null), json!(""), json!("  "), json!(false), json!("\u{0}")] {
                let mut body = full.clone();
                body[id] = nothing;
                assert_eq!(brief().read(&body).unwrap_err().to_string(), format!("{id} is required"));
            }
        }
        for body in [json!([]), json!(null), json!("x")] {
            assert_eq!(brief().read(&body), Err(BadEntry::Required("name".into())));
        }
        let both = json!({"name": "n", "email": "not"});
        assert_eq!(brief().read(&both), Err(BadEntry::Required("message".into())), "what is missing comes first");
    }

    #[test]
    fn addresses_have_the_form_of_one() {
        for good in ["a@b.co", "first.last+tag@sub.example.com", "\u{fc}@b\u{fc}cher.example", "o'brien@example.ie"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a b@c.co",
            "a@b..co",
            "a@.co",
            "a@b.co.",
            ".a@b.co",
            "a.@b.co",
            "a@@b.co",
            "a@b@c.co",
            "a@b.co,c@d.co",
            "<a@b.co>",
            "a@-b.co",
            "a@b_c.co",
            "a@b.co\n",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(!is_email(&format!("{}@b.co", "a".repeat(65))));
        let body = json!({"name": "n", "email": "not", "message": "m"});
        assert_eq!(brief().read(&body).unwrap_err().to_string(), "Invalid email format");
    }

    #[test]
    fn each_kind_holds_what_it_can_hold() {
        let read = |body: Value| rich().read(&body);
        let good = read(json!({"topic": "b", "when": "am", "ok": true, "phone": 412345678})).unwrap();
        assert_eq!(good.fields.iter().map(|(_, v)| v.as_str()).collect::<Vec<_>>(), ["b", "am", "yes", "412345678"]);
        let invalid = |id: &str| Err(BadEntry::Invalid(id.into()));
        assert_eq!(read(json!({"topic": "c", "when": "am", "ok": true})), invalid("topic"));
        assert_eq!(read(json!({"when": "pm", "ok": true})), invalid("when"));
        assert_eq!(read(json!({"when": "am", "ok": "maybe"})), invalid("ok"));
        assert_eq!(read(json!({"when": ["am"], "ok": true})), invalid("when"));
        assert_eq!(read(json!({"when": "am", "ok": false})), Err(BadEntry::Required("ok".into())));
        let long = json!({"when": "am", "ok": true, "phone": "1".repeat(301)});
        assert_eq!(read(long), Err(BadEntry::TooLong("phone".into())));
    }

    #[test]
    fn a_setting_that_is_no_form_is_refused() {
        let field = |field: Value| ContactForm::parse(&json!({"title": "T", "fields": [field]}).to_string(), "website");
        let options = json!([{"value": "a", "label": "A"}]);
        for bad in [
            json!({"id": "a b", "type": "text", "label": "L"}),
            json!({"id": "", "type": "text", "label": "L"}),
            json!({"id": "website", "type": "text", "label": "L"}),
            json!({"id": "a", "type": "text", "label": " "}),
            json!({"id": "a", "type": "date", "label": "L"}),
            json!({"id": "a", "type": "select", "label": "L"}),
            json!({"id": "a", "type": "text", "label": "L", "options": options}),
            json!({"id": "a", "type": "text", "label": "L", "requird": true}),
        ] {
            assert!(field(bad.clone()).is_err(), "{bad}");
        }
        assert!(field(json!({"id": "a", "type": "radio", "label": "L", "options": options})).is_ok());
        assert!(ContactForm::parse(r#"{"title":"T","fields":[]}"#, "website").is_err());
    }

    #[test]
    fn the_form_goes_out_in_the_widgets_words() {
        let json = rich().to_json();
        assert_eq!(json["fields"][0]["type"], "select");
        assert_eq!(json["fields"][2]["required"], true);
        assert!(json.get("description").is_none() && json["fields"][3].get("options").is_none());
    }

    proptest! {
        #[test]
        fn whatever_comes_back_is_an_entry_or_a_fault(text in any::<String>(), flag in any::<bool>(), number in any::<f64>()) {
            for value in [json!(text), json!(flag), json!(number), json!([text]), json!({"a": flag})] {
                for form in [brief(), rich()] {
                    let ids: Vec<String> = form.fields.iter().map(|f| f.id.clone()).collect();
                    let body: Value = ids.into_iter().map(|id| (id, value.clone())).collect::<serde_json::Map<_, _>>().into();
                    if let Ok(entry) = form.read(&body) {
                        prop_assert!(entry.fields.iter().all(|(_, v)| !v.trim().is_empty()));
                    }
                }
            }
        }
    }
}
