//! `normalize` against the corpora in `tests/data/phone`: every row, number, kind, region and reason.

use std::path::PathBuf;

use frontdesk_core::phone::{PhoneReject, normalize};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Deserialize)]
struct Typed {
    input: String,
    default_region: String,
    #[serde(rename = "expected_e164_or_empty")]
    e164: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Stored {
    e164: String,
    #[serde(rename = "type")]
    kind: String,
    region: String,
}

fn rows<Row: DeserializeOwned>(file: &str) -> csv::Result<Vec<Row>> {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/phone");
    csv::Reader::from_path(data.join(file))?.deserialize().collect()
}

/// libphonenumber's name for the refusal; `LibraryFault` has none, so a row that causes it never matches.
fn libphonenumber_name(reject: PhoneReject) -> &'static str {
    match reject {
        PhoneReject::TooLong => "REJECT:TOO_LONG",
        PhoneReject::NoRegion | PhoneReject::UnknownCallingCode => "REJECT:INVALID_COUNTRY_CODE",
        PhoneReject::NotANumber => "REJECT:NOT_A_NUMBER",
        PhoneReject::TooShort => "REJECT:TOO_SHORT_NSN",
        PhoneReject::InvalidNumber => "REJECT:INVALID_NUMBER",
        PhoneReject::LibraryFault => "",
    }
}

/// The rows on which we differ from libphonenumber.
fn differences(rows: &[Typed]) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rows {
        let (e164, kind) = match normalize(&row.input, Some(&row.default_region)) {
            Ok(number) => (number.e164.expose().to_owned(), number.number_type.as_str()),
            Err(reject) => (String::new(), libphonenumber_name(reject)),
        };
        if e164 != row.e164 || kind != row.kind {
            wrong.push(format!("{row:?} became {e164} {kind}"));
        }
    }
    wrong
}

#[test]
fn every_generated_phone_row_agrees_with_libphonenumber() {
    let rows: Vec<Typed> = rows("dev.csv").unwrap();
    assert_eq!(rows.len(), 5_000);
    assert_eq!(differences(&rows), Vec::<String>::new());
}

#[test]
fn every_handwritten_phone_row_agrees_with_libphonenumber() {
    let rows: Vec<Typed> = rows("edge.csv").unwrap();
    assert_eq!(rows.len(), 68);
    assert_eq!(differences(&rows), Vec::<String>::new());
}

/// Each number of the corpus, read back from its E.164 form, has the kind and region libphonenumber gives it.
#[test]
fn every_stored_phone_number_has_its_kind_and_region() {
    let rows: Vec<Stored> = rows("carrier_tz_dev.csv").unwrap();
    assert_eq!(rows.len(), 2_598);
    for row in rows {
        let number = normalize(&row.e164, None).unwrap();
        assert_eq!(number.e164.expose(), row.e164);
        assert_eq!(number.number_type.as_str(), row.kind, "{}", row.e164);
        assert_eq!(number.region.as_str(), row.region, "{}", row.e164);
        assert_eq!(number.e164.calling_code(), Some(number.calling_code), "{}", row.e164);
    }
}
