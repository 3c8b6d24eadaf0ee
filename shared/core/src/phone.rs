//! Phone numbers: what a person typed becomes one E.164 number or a reason why not, and is never printed whole.
//!
//! The work is done by `rlibphonenumber`, a port of Google's libphonenumber, behind a few guards for the places where
//! it differs from the original or panics. ADR 0002 (`docs/adr/0002-phone-numbers-with-rlibphonenumber.md`) has the
//! measurements, and why the better-known `phonenumber` crate is not used: it turns some foreign numbers into other
//! people's numbers.
//!
//! A number that libphonenumber refuses is refused here too. Guessing what was meant would text a stranger; asking
//! again costs one question.

use std::borrow::Cow;
use std::fmt;
use std::panic::catch_unwind;

use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat};
use thiserror::Error;

pub use self::e164::{CallingCode, E164Phone, NotE164};
pub use self::kind::{NumberType, SmsCapability};

mod e164;
mod kind;
#[cfg(test)]
mod tests;

/// libphonenumber looks at no more than this; a longer text is refused unread, which also bounds the time spent.
const MAX_CODE_POINTS: usize = 250;

/// A region: two ASCII capitals, such as `AU`. Whether there is a numbering plan for it is another question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 2]);

/// The text is not two ASCII capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a region (two capital letters, such as AU)")]
pub struct NotARegion;

impl Region {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Two ASCII capitals are valid UTF-8; the constructor admits nothing else.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether libphonenumber has a numbering plan for this region, so that it can serve as a default.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.in_library().is_some()
    }

    fn in_library(self) -> Option<rlibphonenumber::Region> {
        let region = rlibphonenumber::Region::from_code(self.as_str()).ok()?;
        PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| region)
    }
}

impl TryFrom<&str> for Region {
    type Error = NotARegion;

    fn try_from(text: &str) -> Result<Self, NotARegion> {
        match text.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Ok(Self([*a, *b])),
            _ => Err(NotARegion),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

/// Where a number belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberRegion {
    /// A country or territory.
    Country(Region),
    /// A plan of no country, such as +800 (international freephone); libphonenumber calls it `001`.
    NonGeographic,
}

impl NumberRegion {
    /// libphonenumber's name for it: two letters, or `001`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Country(region) => region.as_str(),
            Self::NonGeographic => "001",
        }
    }
}

impl fmt::Display for NumberRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A valid number and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalized {
    /// The number, without any extension that was typed after it.
    pub e164: E164Phone,
    /// Its kind.
    pub number_type: NumberType,
    /// The region it belongs to, which need not be the default region it was read with.
    pub region: NumberRegion,
    /// Its country calling code.
    pub calling_code: CallingCode,
}

impl Normalized {
    /// The number without its calling code, leading zeros kept.
    #[must_use]
    pub fn expose_national(&self) -> &str {
        self.e164.expose_national()
    }

    /// Whether it can be sent a text.
    #[must_use]
    pub const fn sms(&self) -> SmsCapability {
        self.number_type.sms()
    }
}

/// Why a text is not a usable phone number. The messages can be shown to a person; none repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum PhoneReject {
    /// More than 250 characters, or more digits than any number has.
    #[error("this is too long for a phone number")]
    TooLong,
    /// Written the national way, and no usable region says of which nation.
    #[error("the country is missing: write the number with a plus sign and the country code")]
    NoRegion,
    /// Starts with a plus sign and a calling code that no country has.
    #[error("no country has this calling code")]
    UnknownCallingCode,
    /// Not the shape of a phone number at all.
    #[error("this is not a phone number")]
    NotANumber,
    /// Too few digits.
    #[error("this is too short for a phone number")]
    TooShort,
    /// Shaped like a number, but no such number can exist in its numbering plan.
    #[error("no such phone number can exist; digits may be missing, or too many")]
    InvalidNumber,
    /// The library panicked. The text is refused; what it was is worth a bug report.
    #[error("this phone number could not be read")]
    LibraryFault,
}

impl PhoneReject {
    /// A stable name for rows and reports.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NoRegion => "no_region",
            Self::UnknownCallingCode => "unknown_calling_code",
            Self::NotANumber => "not_a_number",
            Self::TooShort => "too_short",
            Self::InvalidNumber => "invalid_number",
            Self::LibraryFault => "library_fault",
        }
    }
}

/// Turns what a person typed into a valid E.164 number.
///
/// `default_region` is the region of the store or of the address the number came with, never one for the whole
/// installation. Anything but two ASCII capitals that libphonenumber knows counts as no region, and without a region
/// only numbers that carry their country code are accepted.
///
/// # Guarantees
/// Never panics, for any text. Agrees with Google's libphonenumber on what is valid, on the number, on its kind and on
/// its region; the corpus in `tests/data/phone` is the proof.
///
/// # Errors
/// The reason why the text is not a usable number.
pub fn normalize(raw: &str, default_region: Option<&str>) -> Result<Normalized, PhoneReject> {
    // `nth` stops counting at the limit, so a text of megabytes costs no more than one of 251 characters.
    if raw.chars().nth(MAX_CODE_POINTS).is_some() {
        return Err(PhoneReject::TooLong);
    }
    if tel_follows_context(raw) {
        return Err(PhoneReject::NotANumber);
    }
    // The second net. The guards keep the one known panic of the library from happening, because the message of a panic
    // quotes the text it was working on. Should there be another, one odd number must not take down the batch it came
    // in. The library keeps no state between calls that a panic could leave half-written.
    catch_unwind(|| look_up(raw, default_region)).unwrap_or(Err(PhoneReject::LibraryFault))
}

/// Does the one-time work (4 ms: metadata, patterns) before the first event waits for it.
pub fn warm_up() {
    // Both are fictitious numbers. What they normalise to does not matter.
    let _ = normalize("0491 570 006", Some("AU"));
    let _ = normalize("(415) 555-0132", Some("US"));
}

/// In RFC 3966 `tel:` comes first and `;phone-context=` later. The library slices from the end of the one to the start
/// of the other and panics when they come in the wrong order.
fn tel_follows_context(raw: &str) -> bool {
    match (raw.find("tel:"), raw.find(";phone-context=")) {
        (Some(tel), Some(context)) => tel > context,
        (None, _) | (_, None) => false,
    }
}

/// The first of several numbers, as in `… x302/x2303`: libphonenumber drops what follows the first such mark.
///
/// The library we use looks for the last mark instead, and takes what stands between the last line end and that mark,
/// so that it can read another number than the original does. This cuts the text behind the first mark, where both
/// see the same; with a line end before the mark the original refuses.
fn first_number(raw: &str) -> Result<&str, PhoneReject> {
    // With a context the number is taken from between the prefix and the context, and no mark is looked for.
    if raw.contains(";phone-context=") {
        return Ok(raw);
    }
    let Some(start) = raw.find(starts_a_number) else { return Ok(raw) };
    let Some(end) = raw.get(start..).and_then(end_of_mark).map(|end| start + end) else { return Ok(raw) };
    match raw.get(start..end) {
        Some(first) if !first.contains('\n') => Ok(raw.get(..end).unwrap_or(raw)),
        Some(_) | None => Err(PhoneReject::NotANumber),
    }
}

/// Where the first `/x`, `\ x` or the like ends.
fn end_of_mark(text: &str) -> Option<usize> {
    text.match_indices(['/', '\\']).find_map(|(at, slash)| {
        let after = text.get(at + slash.len()..)?;
        let mark = after.trim_start_matches(' ').strip_prefix('x')?;
        Some(text.len() - mark.len())
    })
}

/// A plus sign or a digit of any script.
fn starts_a_number(c: char) -> bool {
    let digit_of_a_script = || !PHONE_NUMBER_UTIL.normalize_digits_only(c.encode_utf8(&mut [0; 4])).is_empty();
    is_plus(c) || c.is_ascii_digit() || (!c.is_ascii() && digit_of_a_script())
}

fn is_plus(c: char) -> bool {
    matches!(c, '+' | '\u{FF0B}')
}

fn look_up(raw: &str, default_region: Option<&str>) -> Result<Normalized, PhoneReject> {
    let region = default_region.and_then(|text| Region::try_from(text).ok()?.in_library());
    let text = with_plain_tildes(first_number(raw)?);
    let number = PHONE_NUMBER_UTIL.parse(text, region).map_err(|error| classify(&error, raw, region.is_some()))?;
    if !number.is_valid() {
        return Err(PhoneReject::InvalidNumber);
    }
    describe(&number).ok_or(PhoneReject::InvalidNumber)
}

/// The library misses the full-width tilde among the characters that may separate digits.
fn with_plain_tildes(text: &str) -> Cow<'_, str> {
    if text.contains('\u{FF5E}') { Cow::Owned(text.replace('\u{FF5E}', "~")) } else { Cow::Borrowed(text) }
}

fn describe(number: &PhoneNumber) -> Option<Normalized> {
    let region = number.get_region_code()?;
    let region = if region == rlibphonenumber::Region::World {
        NumberRegion::NonGeographic
    } else {
        NumberRegion::Country(Region::try_from(region.as_region_str().as_str()).ok()?)
    };
    Some(Normalized {
        e164: E164Phone::parse_e164(&number.format_as(PhoneNumberFormat::E164)).ok()?,
        number_type: number.get_type().into(),
        region,
        calling_code: CallingCode::from_library(number.country_code)?,
    })
}

fn classify(error: &ParseError, raw: &str, has_region: bool) -> PhoneReject {
    match error {
        // The library has one error for "which country?" and "no such country"; people need to be told which.
        ParseError::InvalidCountryCode if has_region || names_its_country(raw) => PhoneReject::UnknownCallingCode,
        ParseError::InvalidCountryCode => PhoneReject::NoRegion,
        ParseError::NotANumber(_) => PhoneReject::NotANumber,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneReject::TooShort,
        ParseError::TooLongNsn => PhoneReject::TooLong,
    }
}

/// Whether the number proper begins with a plus sign, or its RFC 3966 context does.
fn names_its_country(raw: &str) -> bool {
    raw.chars().find(|&c| starts_a_number(c)).is_some_and(is_plus) || raw.contains(";phone-context=+")
}
