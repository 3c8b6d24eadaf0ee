//! `frontdesk phone`: one number, or a contact list as CSV.

mod origin;

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

use clap::{ArgGroup, Subcommand};
use csv::ByteRecord;
use frontdesk_core::phone::{Normalized, PhoneReject, Region, normalize};
use serde_json::json;

use crate::failure::{Failure, complain};
use crate::reach::{Output, Reach};

/// The published code for a phone number that cannot be used.
const NOT_USABLE: &str = "ERR_WEBCHAT_001";
/// A reason of the tool's own: the core reads text, and this is none.
const NOT_UTF8: &str = "not_utf8";
const COLUMNS_OUT: [&str; 6] = ["input", "default_region", "e164", "type", "region", "reason"];
const BUFFER_BYTES: usize = 64 * 1024;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Bring phone numbers into E.164 form, as Google's libphonenumber reads them.
    #[command(after_help = EXAMPLES, group = ArgGroup::new("source").required(true))]
    Normalize(Normalize),
}

const EXAMPLES: &str = r#"Examples:
  frontdesk phone normalize --phone "0412 345 678" --default-country AU
  frontdesk phone normalize --phone "+1 415 555 0132" --output json
  frontdesk phone normalize --csv < contacts.csv > cleaned.csv

The CSV needs a header with the columns input and default_region, in any order; other columns are
ignored. One row comes out for each row that goes in, with the columns input, default_region, e164,
type, region and reason. Of the last four, reason is filled in when the row holds no usable number,
and the other three when it does. Blank lines are no rows.

JSON has country, country_code, national_number, is_valid, number_type, sms, carrier, time_zones and reason. The
carrier is the one that the number was first given to, and the zones are those of its prefix: numbers are ported,
and people move. Some countries' plans tell neither.

A region is two capital letters, such as AU. Without one a number must carry its country code.

Exit codes: 0 done (with --csv also when rows were refused), 1 not a usable phone number,
2 usage or configuration."#;

#[derive(clap::Args)]
pub(crate) struct Normalize {
    /// The number as it was typed
    #[arg(long, group = "source", allow_hyphen_values = true, value_name = "TEXT")]
    phone: Option<String>,
    /// Read CSV on standard input and write CSV on standard output
    #[arg(long, group = "source", conflicts_with_all = ["default_country"])]
    csv: bool,
    /// The store's country, or the address's: for numbers without a country code
    #[arg(long, value_name = "REGION")]
    default_country: Option<String>,
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    let Command::Normalize(args) = command;
    match args.phone {
        // A script that asks for a number wants the number; all about it comes to whoever says so.
        Some(phone) => {
            let output = reach.asked_output().unwrap_or(Output::Human);
            normalize_one(&phone, args.default_country.as_deref(), output)
        }
        None if reach.asked_output() == Some(Output::Json) => {
            Err(Failure::Config("--csv writes CSV, not JSON".to_owned()))
        }
        None => {
            let input = BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock());
            let output = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
            normalize_csv(input, output)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn normalize_one(raw: &str, country: Option<&str>, output: Output) -> Result<ExitCode, Failure> {
    let outcome = normalize(raw, country);
    let mut stdout = io::stdout().lock();
    match (output, &outcome) {
        (Output::Human, Ok(number)) => writeln!(stdout, "{}", number.e164.expose())?,
        (Output::Human, Err(_)) => {}
        (Output::Json, outcome) => writeln!(stdout, "{}", as_json(raw, outcome))?,
    }
    stdout.flush()?;
    mention_unknown(country);
    match outcome {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(reject) => {
            complain(&refusal(reject, country));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Says that a country is none, since the number is then read as if none had been named.
pub(crate) fn mention_unknown(country: Option<&str>) {
    let is_region = |text: &str| Region::try_from(text).is_ok_and(Region::is_known);
    if let Some(unknown) = country.filter(|text| !is_region(text)) {
        complain(&format!(
            "the country {unknown:?} is not known and was left out of account (it takes two capital letters, such as AU)"
        ));
    }
}

/// Why a number cannot be used.
pub(crate) fn refusal(reject: PhoneReject, country: Option<&str>) -> String {
    format!("{NOT_USABLE}: {reject}{}", advice(reject, country))
}

/// What else could be done about it, here where there is a command line to do it with.
fn advice(reject: PhoneReject, country: Option<&str>) -> &'static str {
    match reject {
        PhoneReject::NoRegion if country.is_none() => ", or name its country with --default-country",
        PhoneReject::InvalidNumber if country.is_some() => ", or it belongs to another country",
        PhoneReject::NoRegion
        | PhoneReject::InvalidNumber
        | PhoneReject::TooLong
        | PhoneReject::UnknownCallingCode
        | PhoneReject::NotANumber
        | PhoneReject::TooShort
        | PhoneReject::LibraryFault => "",
    }
}

fn as_json(raw: &str, outcome: &Result<Normalized, PhoneReject>) -> serde_json::Value {
    let number = outcome.as_ref().ok();
    json!({
        "input": raw,
        "e164": number.map(|n| n.e164.expose()),
        "country": number.map(|n| n.region.as_str()),
        "country_code": number.map(|n| n.calling_code.get()),
        "national_number": number.map(Normalized::expose_national),
        "is_valid": number.is_some(),
        "number_type": number.map(|n| n.number_type.as_str()),
        "sms": number.map(|n| n.sms().as_str()),
        "carrier": number.and_then(origin::original_carrier),
        "time_zones": number.map(origin::time_zones),
        "reason": outcome.as_ref().err().map(|reject| reject.reason()),
    })
}

/// Where the columns are that the tool reads.
struct Columns {
    input: usize,
    default_region: usize,
}

impl Columns {
    fn find(header: &ByteRecord) -> Result<Self, Failure> {
        Ok(Self { input: Self::one(header, "input")?, default_region: Self::one(header, "default_region")? })
    }

    fn one(header: &ByteRecord, name: &str) -> Result<usize, Failure> {
        let mut places = header.iter().enumerate().filter(|(_, cell)| cell.trim_ascii() == name.as_bytes());
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Ok(place),
            (None, _) => Err(Failure::Config(format!(
                "the CSV on standard input has no column named {name}; its first line must name the columns input and default_region"
            ))),
            (Some(_), Some(_)) => {
                Err(Failure::Config(format!("the CSV on standard input has two columns named {name}")))
            }
        }
    }
}

/// Copies `input` to `output` row by row, each with what its number is or why it is none.
///
/// Cells are bytes from end to end: inputs hold NUL, line ends and broken UTF-8, and come out as they went in. Records
/// are reused, so memory does not grow with the number of rows.
fn normalize_csv(input: impl Read, output: impl Write) -> Result<(), Failure> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    let mut writer = csv::Writer::from_writer(output);
    let mut row = ByteRecord::new();
    read_row(&mut reader, &mut row)?;
    let columns = Columns::find(&row)?;
    writer.write_record(COLUMNS_OUT).map_err(not_written)?;
    while read_row(&mut reader, &mut row)? {
        let cell = |place: usize| row.get(place).unwrap_or_default();
        let (raw, region) = (cell(columns.input), cell(columns.default_region));
        let outcome = normalize_bytes(raw, region);
        let number = outcome.as_ref().ok();
        writer
            .write_record([
                raw,
                region,
                number.map_or("", |n| n.e164.expose()).as_bytes(),
                number.map_or("", |n| n.number_type.as_str()).as_bytes(),
                number.map_or("", |n| n.region.as_str()).as_bytes(),
                outcome.as_ref().err().copied().unwrap_or_default().as_bytes(),
            ])
            .map_err(not_written)?;
    }
    writer.flush()?;
    Ok(())
}

fn normalize_bytes(raw: &[u8], region: &[u8]) -> Result<Normalized, &'static str> {
    // A list in another encoding is refused, not repaired: what a broken byte stood for can only be guessed.
    let raw = std::str::from_utf8(raw).map_err(|_| NOT_UTF8)?;
    normalize(raw, std::str::from_utf8(region).ok()).map_err(PhoneReject::reason)
}

fn read_row(reader: &mut csv::Reader<impl Read>, row: &mut ByteRecord) -> Result<bool, Failure> {
    reader
        .read_byte_record(row)
        .map_err(|error| Failure::Config(format!("cannot read the CSV on standard input: {error}")))
}

fn not_written(error: csv::Error) -> Failure {
    // csv's own conversion to an I/O error would hide that the pipe is broken.
    let text = error.to_string();
    let csv::ErrorKind::Io(error) = error.into_kind() else {
        return Failure::Output(io::Error::other(text));
    };
    Failure::Output(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(input: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut output = Vec::new();
        normalize_csv(input, &mut output).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&output[..]);
        reader.byte_records().map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect()).collect()
    }

    #[test]
    fn columns_are_found_wherever_they_are() {
        let rows = cleaned(b"\xef\xbb\xbfname,default_region , input\nAnn,AU,0412 345 678\n");
        assert_eq!(rows[1], [&b"0412 345 678"[..], b"AU", b"+61412345678", b"MOBILE", b"AU", b""]);
    }

    #[test]
    fn a_header_alone_gives_a_header() {
        assert_eq!(cleaned(b"input,default_region").len(), 1);
        assert_eq!(cleaned(b"input,default_region\r\n\r\n").len(), 1);
    }

    #[test]
    fn a_missing_or_doubled_column_is_named() {
        for (header, word) in [
            ("", "no column named input"),
            ("input", "no column named default_region"),
            ("default_region,phone", "no column named input"),
            ("input,input,default_region", "two columns named input"),
        ] {
            let refused = normalize_csv(header.as_bytes(), io::sink()).unwrap_err();
            assert!(matches!(&refused, Failure::Config(sentence) if sentence.contains(word)), "{refused:?}");
        }
    }

    /// Whatever a cell holds it comes out as it went in, and stays one row.
    #[test]
    fn odd_cells_come_out_as_they_went_in() {
        let mut input = csv::Writer::from_writer(Vec::new());
        input.write_record(["input", "default_region"]).unwrap();
        let long = vec![b'1'; 10_240];
        let cells: Vec<Vec<u8>> = (0..=255_u8)
            .map(|byte| vec![byte])
            .chain((0..=255_u8).map(|byte| vec![b'0', byte, b'4']))
            .chain([b"".to_vec(), b"\"\"".to_vec(), b"a\r\nb\r\n".to_vec(), b"\"".to_vec(), b",,\",\n".to_vec(), long])
            .collect();
        for cell in &cells {
            input.write_record([&cell[..], b"A\"\n"]).unwrap();
        }
        let rows = cleaned(&input.into_inner().unwrap());
        assert_eq!(rows.len(), 1 + cells.len());
        for (row, cell) in rows[1..].iter().zip(&cells) {
            assert_eq!(row.len(), 6);
            assert_eq!((&row[0], &row[1][..]), (cell, &b"A\"\n"[..]));
            assert!(row[2].is_empty() != row[5].is_empty(), "{row:?}");
        }
    }

    #[test]
    fn short_and_long_rows_are_still_rows() {
        let rows = cleaned(b"input,default_region\n0412345678\n\"\"\n0412345678,AU,more,cells\n");
        assert_eq!(rows[1][5], b"no_region");
        assert_eq!(rows[2][5], b"not_a_number");
        assert_eq!(rows[3][2], b"+61412345678");
        assert_eq!(rows.len(), 4);
    }

    #[test]
    fn another_encoding_is_named_as_the_reason() {
        let rows = cleaned(b"input,default_region\n0412\xa0345\xa0678,AU\n0412345678,\xa0\n");
        assert_eq!((&rows[1][2][..], &rows[1][5][..]), (&b""[..], &b"not_utf8"[..]));
        assert_eq!(rows[2][5], b"no_region");
    }
}
