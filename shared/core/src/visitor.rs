//! What a visitor types into the shop's own webchat form, checked before anything is sent: each field for itself while they
//! type, all of them when they send.

mod draft;
mod files;
mod hours;

use serde_json::{Map, Value, json};

use crate::{
    directory::{KnownLocation, LocationBook},
    phone::{self, Normalized, PhoneReject, Region, SmsCapability},
    web::{self, Reply, WebCode},
    webchat::WebchatCode,
};

pub use draft::{Draft, Given, NAME_CHARS_MAX, TEXT_CHARS_MAX};
pub use files::{BadType, FileRules, MIMES, NamedFile, types};
pub use hours::OpeningHours;

/// A stable code, whichever family it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The briefs'.
    Webchat(WebchatCode),
    /// Ours.
    Web(WebCode),
}

impl Code {
    /// The code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webchat(code) => code.as_str(),
            Self::Web(code) => code.as_str(),
        }
    }

    /// The code's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webchat(code) => code.name(),
            Self::Web(code) => code.name(),
        }
    }
}

/// Something that is wrong with what somebody typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub code: Code,
    /// Where.
    pub field: &'static str,
    /// A sentence for the person. Of what they typed it repeats the name of a file at most.
    pub sentence: String,
    /// The status of an answer that has this problem alone.
    pub status: u16,
}

impl Problem {
    fn new(code: WebchatCode, field: &'static str, sentence: impl Into<String>) -> Self {
        Self { code: Code::Webchat(code), field, sentence: sentence.into(), status: 400 }
    }

    /// One of ours.
    #[must_use]
    pub fn web(code: WebCode, field: &'static str, sentence: impl Into<String>) -> Self {
        Self { code: Code::Web(code), field, sentence: sentence.into(), status: code.status() }
    }

    fn parts(&self) -> Map<String, Value> {
        let parts = [
            ("code", self.code.as_str()),
            ("name", self.code.name()),
            ("field", self.field),
            ("error", self.sentence.as_str()),
        ];
        parts.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect()
    }
}

/// The answer that tells a page what is wrong: the first problem in its own words, and all of them in a list.
#[must_use]
pub fn refusal(problems: &[Problem]) -> Reply {
    let all: Vec<Value> = problems.iter().map(|problem| Value::Object(problem.parts())).collect();
    // Sizes alone are told as such; beside anything else the page has more to mend.
    let status = problems.iter().map(|problem| problem.status).min().unwrap_or(400);
    let mut body = problems.first().map(Problem::parts).unwrap_or_default();
    body.insert("ok".to_owned(), json!(false));
    body.insert("problems".to_owned(), all.into());
    Reply::json(status, body.into())
}

/// What turned out to be right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The location.
    pub location: Option<KnownLocation>,
    /// The phone.
    pub phone: Option<Normalized>,
    /// The files.
    pub files: Option<Vec<NamedFile>>,
}

/// Checks what is given. `whole`: everything that a message needs has to be.
///
/// The order is that of the briefs: location, phone, attachments.
///
/// # Errors
/// All problems at once, in that order; one at least.
pub fn check(draft: &Draft, whole: bool, book: &LocationBook, files: &FileRules) -> Result<Checked, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut keep = |problem: Problem| problems.push(problem);
    let location = location(&draft.location, whole, book).unwrap_or_else(|problem| {
        keep(problem);
        None
    });
    let country = draft.region().or_else(|| location.as_ref().and_then(|l| l.country));
    let phone = phone(&draft.phone, whole, country).unwrap_or_else(|problem| {
        keep(problem);
        None
    });
    let files = match &draft.attachments {
        None => None,
        Some(named) => match files.check(named) {
            Ok(()) => Some(named.clone()),
            Err(found) => {
                found.into_iter().for_each(&mut keep);
                None
            }
        },
    };
    draft.words(whole).into_iter().for_each(&mut keep);
    if problems.is_empty() { Ok(Checked { location, phone, files }) } else { Err(problems) }
}

/// Required, known, never guessed.
fn location(given: &Given, needed: bool, book: &LocationBook) -> Result<Option<KnownLocation>, Problem> {
    let missing = || {
        let sentence = "Please choose a store.";
        Problem::new(WebchatCode::MissingLocation, "location_uid", sentence)
    };
    match given {
        Given::Absent if needed => Err(missing()),
        Given::Absent => Ok(None),
        Given::Empty => Err(missing()),
        Given::Unusable => Err(unknown_location()),
        Given::Text(uid) => {
            let known = book.locations.iter().find(|location| location.uid.as_str() == uid);
            known.cloned().map(Some).ok_or_else(unknown_location)
        }
    }
}

fn unknown_location() -> Problem {
    let sentence = "We do not know this store. Please choose one from the list.";
    Problem::new(WebchatCode::UnknownLocation, "location_uid", sentence)
}

/// With the country that is known; without one only a number that names its own.
fn phone(given: &Given, needed: bool, country: Option<Region>) -> Result<Option<Normalized>, Problem> {
    let problem = |sentence: &str| Problem::new(WebchatCode::InvalidPhone, "phone", sentence);
    let text = match given {
        Given::Absent if !needed => return Ok(None),
        Given::Absent | Given::Empty => return Err(problem("Please enter your phone number.")),
        Given::Unusable => return Err(problem("This is not a phone number.")),
        Given::Text(text) => text,
    };
    phone::normalize(text, country.as_ref().map(Region::as_str)).map(Some).map_err(|why| problem(sentence(why)))
}

const fn sentence(why: PhoneReject) -> &'static str {
    match why {
        PhoneReject::NoRegion => {
            "Please begin the number with + and the country code, for example +61 412 345 678, or choose a store first."
        }
        PhoneReject::UnknownCallingCode => "No country has this country code. Please check the digits after the +.",
        PhoneReject::TooShort => "This number is too short. Please check it.",
        PhoneReject::TooLong => "This number is too long. Please check it.",
        PhoneReject::InvalidNumber => "There can be no such number. Please check that no digit is missing.",
        PhoneReject::NotANumber | PhoneReject::LibraryFault => "This is not a phone number.",
    }
}

/// A phone as a page shows it back.
#[must_use]
pub fn phone_json(phone: &Normalized) -> Value {
    json!({
        "e164": phone.e164.expose(),
        "country": phone.region.as_str(),
        "type": phone.number_type.as_str().to_ascii_lowercase(),
        "can_text": phone.sms() == SmsCapability::Send,
    })
}

/// A location as a page shows it.
#[must_use]
pub fn location_json(location: &KnownLocation) -> Value {
    json!({
        "uid": location.uid.as_str(),
        "name": location.name,
        "country": location.country.as_ref().map(Region::as_str),
    })
}

/// Whether a text has more characters than `max`, as people count them. Cheap for what is far too long.
fn is_longer(text: &str, max: usize) -> bool {
    text.chars().nth(max).is_some() && web::length(text) > max
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ids::LocationUid, time::UnixMillis};

    fn book() -> LocationBook {
        let location = |uid: &str, name: &str, country: Option<&str>| KnownLocation {
            uid: LocationUid::try_from(uid).unwrap(),
            name: name.into(),
            country: country.map(|c| Region::try_from(c).unwrap()),
        };
        LocationBook {
            fetched_at: UnixMillis::new(0),
            locations: vec![
                location("syd", "Sydney", Some("AU")),
                location("sfo", "San Francisco", Some("US")),
                location("sea", "At sea", None),
            ],
        }
    }

    fn rules() -> FileRules {
        FileRules {
            bytes_max: 26_214_400,
            in_sum: false,
            count_max: 3,
            mimes: types("image/png,application/pdf").unwrap(),
        }
    }

    fn run(body: &Value, whole: bool) -> Result<Checked, Vec<Problem>> {
        check(&Draft::read(body), whole, &book(), &rules())
    }

    fn codes(body: &Value, whole: bool) -> Vec<&'static str> {
        run(body, whole).unwrap_err().iter().map(|p| p.code.as_str()).collect()
    }

    #[test]
    fn a_local_number_is_read_with_the_country_or_the_stores() {
        for (body, e164) in [
            (json!({"phone": "0412 345 678", "country": "AU"}), "+61412345678"),
            (json!({"phone": "0412 345 678", "country": "au"}), "+61412345678"),
            (json!({"phone": "0412 345 678", "location_uid": "syd"}), "+61412345678"),
            (json!({"phone": "(415) 555-2671", "location_uid": "sfo"}), "+14155552671"),
            (json!({"phone": "(415) 555-2671", "location_uid": "syd", "country": "US"}), "+14155552671"),
            (json!({"phone": "+61 412 345 678"}), "+61412345678"),
            (json!({"phone": "+61 412 345 678", "location_uid": "sfo"}), "+61412345678"),
        ] {
            let checked = run(&body, false).unwrap();
            assert_eq!(checked.phone.unwrap().e164.expose(), e164, "{body}");
        }
    }

    #[test]
    fn without_a_country_the_person_is_asked_for_the_plus() {
        for body in [
            json!({"phone": "0412 345 678"}),
            json!({"phone": "0412 345 678", "country": "XX"}),
            json!({"phone": "0412 345 678", "location_uid": "sea"}),
        ] {
            let problems = run(&body, false).unwrap_err();
            assert_eq!((problems.len(), problems[0].code.as_str()), (1, "ERR_WEBCHAT_001"), "{body}");
            assert!(problems[0].sentence.contains("begin the number with +"), "{body}");
        }
    }

    #[test]
    fn only_what_is_given_is_checked_until_it_is_sent() {
        assert_eq!(run(&json!({}), false), Ok(Checked::default()));
        assert_eq!(codes(&json!({}), true), ["ERR_WEBCHAT_002", "ERR_WEBCHAT_001", "ERR_WEB_010"]);
        for nothing in [json!(null), json!(""), json!("  ")] {
            assert_eq!(codes(&json!({"location_uid": nothing}), false), ["ERR_WEBCHAT_002"]);
            assert_eq!(codes(&json!({"phone": nothing}), false), ["ERR_WEBCHAT_001"]);
        }
        for wrong in [json!("mel"), json!(5), json!(["syd"]), json!({"uid": "syd"})] {
            assert_eq!(codes(&json!({"location_uid": wrong}), false), ["ERR_WEBCHAT_003"]);
        }
    }

    #[test]
    fn files_are_judged_before_they_are_sent() {
        let file = |size: Value, kind: &str| json!({"attachments": [{"name": "a", "size": size, "type": kind}]});
        assert_eq!(run(&file(json!(26_214_400), "image/png"), false).unwrap().files.unwrap().len(), 1);
        let too_large = run(&file(json!(26_214_401), "image/png"), false).unwrap_err();
        assert_eq!((too_large[0].code.as_str(), refusal(&too_large).status), ("ERR_WEBCHAT_005", 413));
        for (size, kind) in [
            (json!(0), "image/png"),
            (json!(-1), "image/png"),
            (json!(1.5), "image/png"),
            (json!("9"), "image/png"),
            (json!(null), "image/png"),
        ] {
            let problems = run(&file(size, kind), false).unwrap_err();
            assert_eq!((problems[0].code.as_str(), refusal(&problems).status), ("ERR_WEBCHAT_005", 400));
        }
        assert_eq!(codes(&file(json!(5), "text/html"), false), ["ERR_WEBCHAT_015"]);
        assert_eq!(codes(&json!({"attachments": "x"}), false), ["ERR_WEBCHAT_005", "ERR_WEBCHAT_015"]);
        let many = vec![json!({"name": "a", "size": 1, "type": "image/png"}); 4];
        assert_eq!(codes(&json!({"attachments": many}), false), ["ERR_WEBCHAT_005"]);
        let both = json!({"phone": "12", "country": "AU", "attachments": [{"name": "a", "size": 99_999_999, "type": "image/png"}]});
        assert_eq!(refusal(&run(&both, false).unwrap_err()).status, 400);
    }

    #[test]
    fn a_refusal_says_the_first_problem_and_all_of_them() {
        let reply = refusal(&run(&json!({}), true).unwrap_err());
        let body = reply.body.unwrap();
        assert_eq!(
            (reply.status, body["ok"].clone(), body["code"].clone()),
            (400, json!(false), json!("ERR_WEBCHAT_002"))
        );
        assert_eq!(body["problems"].as_array().unwrap().len(), 3);
        assert!(body["error"].as_str().unwrap().ends_with('.'));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_right_or_explained(
            phone in any::<String>(), country in any::<Option<String>>(), uid in any::<Option<String>>(),
            text in any::<String>(), size in any::<f64>(), whole in any::<bool>(),
        ) {
            let body = json!({"phone": phone, "country": country, "location_uid": uid, "text": text, "email": text, "name": phone,
                "attachments": [{"name": text, "size": size, "type": phone}, size, {"size": phone}]});
            if let Err(problems) = run(&body, whole) {
                prop_assert!(!problems.is_empty());
                let status = refusal(&problems).status;
                prop_assert!(status == 400 || status == 413);
            }
        }
    }
}
