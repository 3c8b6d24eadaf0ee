//! `frontdesk phone normalize`.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use csv::ByteRecord;
use serde_json::{Value, json};

use crate::{Run, frontdesk, root};

fn one(args: &[&str]) -> Run {
    frontdesk(&[&["phone", "normalize"], args].concat(), &[], b"")
}

#[test]
fn one_number_is_printed_bare() {
    for (phone, country, expected) in [
        ("0412 345 678", "AU", "+61412345678\n"),
        ("(415) 555-1234", "US", "+14155551234\n"),
        ("+61 412 345 678", "AU", "+61412345678\n"),
        ("-0412 345 678", "AU", "+61412345678\n"),
    ] {
        let run = one(&["--phone", phone, "--default-country", country]);
        assert_eq!((run.code, run.text(), run.stderr.as_str()), (0, expected, ""));
    }
    assert_eq!(one(&["--phone", "+61 412 345 678"]).text(), "+61412345678\n");
}

#[test]
fn one_refused_number_is_exit_code_1_and_a_sentence() {
    for (args, word) in [
        (&["--phone", "0412 345 678"][..], "--default-country"),
        (&["--phone", "0412 345 678", "--default-country", "au"], "\"au\" is not known"),
        (&["--phone", "1802204309", "--default-country", "AU"], "no such phone number"),
        (&["--phone", "", "--default-country", "AU"], "not a phone number"),
        (&["--phone", "+999 123 4567"], "calling code"),
        (&["--phone", &"1".repeat(10_000)], "too long"),
    ] {
        let run = one(args);
        assert_eq!((run.code, run.text()), (1, ""), "{args:?}");
        assert!(run.stderr.contains("ERR_WEBCHAT_001"), "{}", run.stderr);
        assert!(run.stderr.contains(word), "{}", run.stderr);
    }
}

#[test]
fn json_tells_all_that_is_known() {
    let run = one(&["--phone", "02 1234 5678", "--default-country", "IT", "--output", "json"]);
    let expected = json!({
        "input": "02 1234 5678", "e164": "+390212345678", "country": "IT", "country_code": 39,
        "national_number": "0212345678", "is_valid": true, "number_type": "FIXED_LINE", "sms": "never", "carrier": null,
        "time_zones": ["Europe/Rome"], "reason": null,
    });
    assert_eq!((run.code, serde_json::from_slice::<Value>(&run.stdout).unwrap()), (0, expected));

    let run = one(&["--phone", "0412 345 678", "--output", "json"]);
    let expected = json!({
        "input": "0412 345 678", "e164": null, "country": null, "country_code": null, "national_number": null,
        "is_valid": false, "number_type": null, "sms": null, "carrier": null, "time_zones": null,
        "reason": "no_region",
    });
    assert_eq!((run.code, serde_json::from_slice::<Value>(&run.stdout).unwrap()), (1, expected));
    assert!(run.stderr.contains("ERR_WEBCHAT_001"), "{}", run.stderr);
}

#[test]
fn a_mobile_tells_the_carrier_that_it_was_first_given_to() {
    let run = one(&["--phone", "+966 57 958 7692", "--output", "json"]);
    let told = serde_json::from_slice::<Value>(&run.stdout).unwrap();
    assert_eq!((&told["carrier"], &told["time_zones"]), (&json!("STC"), &json!(["Asia/Riyadh"])));
}

fn rows(csv: &[u8]) -> Vec<ByteRecord> {
    csv::Reader::from_reader(csv).byte_records().collect::<Result<_, _>>().unwrap()
}

/// Every row of a corpus: same order, same input, and number and kind as libphonenumber has them.
fn corpus_agrees(file: &str, count: usize) {
    let corpus = std::fs::read(root().join("tests/data/phone").join(file)).unwrap();
    let run = frontdesk(&["phone", "normalize", "--csv"], &[], &corpus);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.starts_with(b"input,default_region,e164,type,region,reason\n"));
    let (expected, got) = (rows(&corpus), rows(&run.stdout));
    assert_eq!((expected.len(), got.len()), (count, count));
    let stored = regions();
    for (expected, got) in expected.iter().zip(&got) {
        let kind = if expected[2].is_empty() { &b""[..] } else { &expected[3] };
        assert_eq!([&got[0], &got[1], &got[2], &got[3]], [&expected[0], &expected[1], &expected[2], kind]);
        assert_eq!(expected[2].is_empty(), !got[5].is_empty(), "a reason, or none: {got:?}");
        assert_eq!(expected[2].is_empty(), got[4].is_empty(), "a region, or none: {got:?}");
        if let Some(region) = stored.get(&got[2]) {
            assert_eq!(&got[4], region, "{got:?}");
        }
    }
}

/// Which region libphonenumber gives to each number of `dev.csv`.
fn regions() -> HashMap<Vec<u8>, Vec<u8>> {
    let csv = std::fs::read(root().join("tests/data/phone/carrier_tz_dev.csv")).unwrap();
    rows(&csv).iter().map(|row| (row[0].to_vec(), row[2].to_vec())).collect()
}

#[test]
fn csv_of_the_generated_corpus_agrees() {
    corpus_agrees("dev.csv", 5_000);
}

#[test]
fn csv_of_the_handwritten_corpus_agrees() {
    corpus_agrees("edge.csv", 68);
}

#[test]
fn csv_without_its_columns_is_exit_code_2() {
    for input in ["", "\n", "phone,country\n0412345678,AU\n", "input\n0412345678\n"] {
        let run = frontdesk(&["phone", "normalize", "--csv"], &[], input.as_bytes());
        assert_eq!((run.code, run.text()), (2, ""), "{input:?}");
        assert!(run.stderr.contains("columns input and default_region"), "{}", run.stderr);
    }
}

#[test]
fn csv_without_rows_is_a_header() {
    let run = frontdesk(&["phone", "normalize", "--csv"], &[], b"default_region,input\n");
    assert_eq!((run.code, run.text()), (0, "input,default_region,e164,type,region,reason\n"));
}

/// A reader such as `head` that has seen enough ends the tool without a word.
#[test]
fn a_broken_pipe_is_quiet() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_frontdesk"))
        .args(["phone", "normalize", "--csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut feed = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || {
        feed.write_all(b"input,default_region\n").ok();
        // Enough to fill every buffer; writing stops when the tool has gone.
        while feed.write_all(&b"0412 345 678,AU\n".repeat(1_000)).is_ok() {}
    });
    let status = child.wait().unwrap();
    feeding.join().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}
