//! Phone numbers: a region, a line end, and what somebody typed.
//!
//! Promises: no panic, not even a caught one; what comes out is valid, comes out again when it goes in again, whatever
//! the region, and is never printed whole.

use frontdesk_core::phone::{E164Phone, Normalized, PhoneReject, normalize};

use crate::{Samples, Target};

pub(crate) const TARGET: Target = Target {
    name: "phone",
    bytes_max: 300,
    words: &[
        "+",
        "00",
        "0011",
        "tel:",
        ";phone-context=",
        ";isub=",
        ";ext=",
        "ext.",
        " x",
        "/x",
        "\\ x",
        "~",
        "AU\n",
        "US\n",
        "GB\n",
        "IT\n",
        "MX\n",
        "AR\n",
        "BR\n",
        "CI\n",
        "SM\n",
        "＋",
        "～",
        "\u{2060}",
        "٠",
        "０",
        "(0)",
        "1800FLOWERS",
    ],
    seeds,
    run,
};

fn seeds(_: &Samples) -> Vec<Vec<u8>> {
    let typed = [
        "AU\n0491 570 156",
        "AU\n+61 491 570 006",
        "AU\n(02) 9374 4000",
        "AU\n13 11 14",
        "US\n(512) 555-0143",
        "US\n1-800-FLOWERS ext. 5",
        "US\n555-555-SHIP",
        "GB\n+44 7911 123456",
        "IT\n02 1234 5678",
        "AR\n011 15-3456-7890",
        "MX\n+52 1 55 1234 5678",
        "BR\n(11) 96123-4567",
        "CI\n01 23 45 67 89",
        "\n+800 1234 5678",
        "\ntel:+61-491-570-156;ext=5",
        "AU\ntel:0491570156;phone-context=+61",
        "NZ\n0;phone-context=+1;tel:",
        "AU\n0491 570 156 x302/x2303",
        "ZZ\n0491 570 156",
        "EG\n٠١٠١٢٣٤٥٦٧٨",
        "JP\n０９０－１２３４－５６７８",
        "AU\n0491～570～156",
    ];
    typed.iter().map(|t| t.as_bytes().to_vec()).collect()
}

fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (region, raw) = text.split_once('\n').map_or((None, &*text), |(region, raw)| (Some(region), raw));
    match normalize(raw, region) {
        Ok(number) => sound(&number, region),
        Err(reject) => {
            assert_ne!(reject, PhoneReject::LibraryFault, "the library panicked behind our guards");
            assert!(!reject.reason().is_empty());
        }
    }
}

fn sound(number: &Normalized, region: Option<&str>) {
    let whole = number.e164.expose();
    assert_eq!(E164Phone::parse_e164(whole).as_ref(), Ok(&number.e164));
    assert_eq!(normalize(whole, None).as_ref(), Ok(number), "another number comes out the second time");
    assert_eq!(normalize(whole, region).as_ref(), Ok(number), "the region changes a whole number");
    assert_eq!(number.e164.calling_code(), Some(number.calling_code));
    assert!(whole.ends_with(number.expose_national()));
    let shown = format!("{number:?} {}", number.e164);
    assert!(!shown.contains(number.expose_national()), "a number is printed whole");
    assert!(
        number.expose_national().len() < 7 || !shown.contains(&whole[whole.len() - 5..]),
        "most of a number is printed"
    );
}
