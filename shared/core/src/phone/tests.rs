use proptest::prelude::*;

use super::*;

fn e164(raw: &str, region: &str) -> Result<String, PhoneReject> {
    normalize(raw, Some(region)).map(|n| n.e164.expose().to_owned())
}

fn phone(text: &str) -> E164Phone {
    E164Phone::parse_e164(text).unwrap()
}

#[test]
fn numbers_are_read_with_the_region_of_the_store() {
    assert_eq!(e164("0412 345 678", "AU").unwrap(), "+61412345678");
    assert_eq!(e164("(415) 555-1234", "US").unwrap(), "+14155551234");
    assert_eq!(e164("+86 138 0013 8000", "US").unwrap(), "+8613800138000");
    // The store's trunk prefix must not be taken off a foreign number: that texts somebody else.
    assert_eq!(e164("+49 1512 3456789", "US").unwrap(), "+4915123456789");
    assert_eq!(e164("1802204309", "AU"), Err(PhoneReject::InvalidNumber));
}

#[test]
fn without_a_usable_region_only_international_numbers_are_read() {
    for region in [None, Some(""), Some("au"), Some("AU "), Some("AUS"), Some("001"), Some("ZZ"), Some("UK")] {
        assert_eq!(normalize("0412 345 678", region), Err(PhoneReject::NoRegion), "{region:?}");
        assert!(normalize("+61 412 345 678", region).is_ok(), "{region:?}");
    }
    assert!(normalize("tel:0412345678;phone-context=+61", None).is_ok());
    assert_eq!(normalize("+999 412 345 678", None), Err(PhoneReject::UnknownCallingCode));
    assert_eq!(normalize("+999 412 345 678", Some("AU")), Err(PhoneReject::UnknownCallingCode));
}

#[test]
fn a_text_of_251_characters_is_refused_and_one_of_250_is_read() {
    let padded = |n: usize| format!("{}0412345678", " ".repeat(n - 10));
    assert!(normalize(&padded(250), Some("AU")).is_ok());
    assert_eq!(normalize(&padded(251), Some("AU")), Err(PhoneReject::TooLong));
    // The limit counts characters, not bytes.
    let wide = format!("{}0412345678", "\u{3000}".repeat(240));
    assert!(wide.len() > 700);
    assert!(normalize(&wide, Some("AU")).is_ok());
}

#[test]
fn a_tel_prefix_after_the_context_is_refused_before_it_can_panic() {
    for raw in ["0;phone-context=+1;tel:", ";phone-context=tel:", "0412345678;phone-context=+61;tel:0412345678"] {
        assert_eq!(normalize(raw, Some("AU")), Err(PhoneReject::NotANumber), "{raw}");
    }
}

#[test]
fn the_full_width_tilde_separates_digits() {
    assert_eq!(e164("(02)～93744000", "AU").unwrap(), "+61293744000");
}

#[test]
fn of_several_numbers_the_first_is_read_or_none() {
    for (raw, expected) in [
        ("0412345678/x12/x34", Ok("+61412345678")),
        ("\n0412345678 \\ x12\n", Ok("+61412345678")),
        ("0/x412345678/x1", Err(PhoneReject::NotANumber)),
        ("/x0412345678", Ok("+61412345678")),
        ("٦١\n١٨٠٢٢٥٢/x39", Err(PhoneReject::NotANumber)),
        ("0412345678/x1\n2", Ok("+61412345678")),
    ] {
        assert_eq!(e164(raw, "AU").as_deref(), expected.as_deref(), "{raw:?}");
    }
    let alone = |raw: &str| PHONE_NUMBER_UTIL.parse(raw, Some(rlibphonenumber::Region::AU)).unwrap().to_string();
    assert_eq!(alone("0/x412345678/x1"), "+61412345678", "once this fails the guard can go");
    assert_eq!(alone("٦١\n١٨٠٢٢٥٢/x39"), "+611802252", "once this fails the guard can go");
}

#[test]
fn an_extension_is_dropped() {
    assert_eq!(e164("0412 345 678 ext. 12345678", "AU").unwrap(), "+61412345678");
}

#[test]
fn the_national_number_keeps_its_leading_zero() {
    let milan = normalize("02 1234 5678", Some("IT")).unwrap();
    assert_eq!(milan.expose_national(), "0212345678");
    assert_eq!(milan.calling_code.get(), 39);
    assert_eq!(milan.region.as_str(), "IT");
}

#[test]
fn a_number_of_no_country_has_region_001() {
    let freephone = normalize("+800 1234 5678", None).unwrap();
    assert_eq!(freephone.region, NumberRegion::NonGeographic);
    assert_eq!(freephone.region.as_str(), "001");
}

#[test]
fn countries_are_compared_by_calling_code() {
    let guernsey = normalize("+44 7911 123456", None).unwrap();
    assert_eq!(guernsey.region.as_str(), "GG");
    assert_eq!(guernsey.e164.calling_code(), phone("+442071838750").calling_code());
    assert_ne!(guernsey.e164.calling_code(), phone("+61412345678").calling_code());
    assert_eq!(CallingCode::of_region(Region::try_from("GB").unwrap()), guernsey.e164.calling_code());
    assert_eq!(CallingCode::of_region(Region::try_from("ZZ").unwrap()), None);
}

#[test]
fn calling_codes_are_read_as_the_library_has_them() {
    let mut codes = 0;
    for code in PHONE_NUMBER_UTIL.get_supported_calling_codes() {
        let number = phone(&format!("+{code}123456"));
        assert_eq!(number.calling_code().map(|c| i32::from(c.get())), Some(code));
        assert_eq!(number.expose_national(), "123456");
        codes += 1;
    }
    assert!(codes > 200, "{codes}");
}

#[test]
fn only_stored_e164_is_read_as_stored() {
    for good in ["+61412345678", "+61", "+49866458442664856", "+12345678901234567890"] {
        assert_eq!(E164Phone::try_from(good).unwrap().expose(), good);
    }
    for bad in [
        "",
        "+",
        "+1",
        "61412345678",
        "+0412345678",
        "+61 412",
        "++61412345678",
        "+٠٤١٢",
        "+123456789012345678901",
        "+61412345678\n",
    ] {
        assert_eq!(E164Phone::try_from(bad), Err(NotE164), "{bad:?}");
    }
}

#[test]
fn a_printed_number_is_masked() {
    assert_eq!(phone("+61412345678").to_string(), "+61*****678");
    assert_eq!(format!("{:?}", phone("+14155550132")), "E164Phone(+1*****132)");
    // Too short to show both ends.
    assert_eq!(phone("+29022158").to_string(), "+290*****");
    assert_eq!(phone("+61").to_string(), "+*****");
    let normalized = format!("{:?}", normalize("0412 345 678", Some("AU")).unwrap());
    assert!(!normalized.contains("412345678"), "{normalized}");
}

#[test]
fn what_cannot_be_texted_is_told_from_what_can() {
    let sms = |raw: &str, region: &str| normalize(raw, Some(region)).unwrap().sms();
    assert_eq!(sms("0412 345 678", "AU"), SmsCapability::Send);
    assert_eq!(sms("(415) 555-0132", "US"), SmsCapability::Send);
    for special in ["13 11 14", "1300 713 485", "1800 123 456", "1900 654 321", "02 9374 4000"] {
        assert_eq!(sms(special, "AU"), SmsCapability::Never, "{special}");
    }
    assert_eq!(NumberType::Unknown.sms(), SmsCapability::AskForAnother);
    assert_eq!(SmsCapability::AskForAnother.as_str(), "ask_for_another");
}

#[test]
fn warming_up_is_harmless_twice() {
    warm_up();
    warm_up();
}

/// Text that gets past the first checks more often than random characters do.
fn phone_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[0-9]{1,6}",
        2 => prop::sample::select(vec![
            "+", "\u{FF0B}", "00", "011", "tel:", ";phone-context=", "/x", "\\ x", "\n", ";isub=", ";ext=", " ext. ", "x", "#", "(", ")",
            "[", "]", "-", "\u{2010}", ".", "/", "~", "\u{FF5E}", ",", ",,", ";", "*", "\0", "\r\n", "\u{202A}",
            "\u{66F}", "٤", "４", "०", "доб", "ｅｘｔ", "example.com", "FLOWERS", "&", "é", "\u{301}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn region() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        3 => prop::sample::select(vec!["AU", "US", "GB", "NZ", "DE", "IT", "BR", "MX", "AR", "IN", "IE", "RU", "SM"])
            .prop_map(|r| Some(r.to_owned())),
        1 => "[A-Z]{2}".prop_map(Some),
        1 => any::<Option<String>>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// No text panics, not even inside the net; what is accepted reads back as itself.
    #[test]
    fn no_text_panics_and_what_is_accepted_is_stable(raw in phone_like(), region in region()) {
        prop_assert_ne!(normalize(&raw, region.as_deref()), Err(PhoneReject::LibraryFault));
        if let Ok(first) = normalize(&raw, region.as_deref()) {
            let stored = E164Phone::parse_e164(first.e164.expose()).unwrap();
            prop_assert_eq!(&stored, &first.e164);
            prop_assert_eq!(stored.calling_code(), Some(first.calling_code));
            let second = normalize(first.e164.expose(), None);
            prop_assert_eq!(second, Ok(first));
        }
    }

    #[test]
    fn no_string_at_all_panics(raw in any::<String>(), region in any::<Option<String>>()) {
        prop_assert_ne!(normalize(&raw, region.as_deref()), Err(PhoneReject::LibraryFault));
    }

    #[test]
    fn a_masked_number_never_shows_the_whole(digits in "[1-9][0-9]{1,19}") {
        let number = phone(&format!("+{digits}"));
        let shown = number.to_string();
        prop_assert!(!shown.contains(&digits));
        let hidden = digits.len() - shown.bytes().filter(u8::is_ascii_digit).count();
        prop_assert!(hidden >= digits.len().min(4));
    }
}
