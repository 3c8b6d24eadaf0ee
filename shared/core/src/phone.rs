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
use std::panic::{AssertUnwindSafe, catch_unwind};

use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, PhoneNumberType};
use thiserror::Error;

/// libphonenumber looks at no more than this; a longer text is refused unread, which also bounds the time spent.
const MAX_CODE_POINTS: usize = 250;
/// The longest calling code (3) and the longest national number libphonenumber parses (17).
///
/// ITU-T E.164 stops at 15 digits, but real plans do not: a valid German fixed line can have 17. No mobile number is
/// longer than 15, so nothing that can be texted is affected; the others must still be readable once stored.
const MAX_DIGITS: usize = 20;
const MIN_DIGITS: usize = 2;
/// How many of the last digits [`E164Phone`] shows when it is printed.
const SHOWN_TAIL: usize = 3;
/// Digits that must stay hidden before any of the last ones is shown.
const HIDDEN_AT_LEAST: usize = 4;

/// A phone number in E.164 form: `+`, then digits, the first not 0.
///
/// `Debug` and `Display` print it masked (`+61*****678`), so that a log line or an error cannot leak it by accident;
/// [`E164Phone::expose`] is the one way to the digits, and easy to search for. `serde` is not derived for the same
/// reason: use [`exposed`] where a row or a request really has to hold the number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164Phone(String);

/// The text is not an E.164 number. It does not repeat the text, which may be somebody's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an E.164 phone number (a plus sign and 2 to 20 digits, the first not 0)")]
pub struct NotE164;

impl E164Phone {
    /// Reads a number that we stored in E.164 form ourselves.
    ///
    /// This looks at the shape only and is cheap. Text from outside goes through [`normalize`].
    ///
    /// # Errors
    /// [`NotE164`] when the text has another shape.
    pub fn parse_e164(stored: &str) -> Result<Self, NotE164> {
        let digits = stored.strip_prefix('+').ok_or(NotE164)?;
        let shaped = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if shaped { Ok(Self(stored.to_owned())) } else { Err(NotE164) }
    }

    /// The whole number, with its plus sign: for keys, for the provider that sends to it, never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The country calling code, read off the first digits; `None` when no plan starts with these digits.
    #[must_use]
    pub fn calling_code(&self) -> Option<CallingCode> {
        let code = self.digits().get(..calling_code_len(self.digits()))?;
        code.parse().ok().map(CallingCode)
    }

    /// The digits after the calling code, leading zeros kept (`0212345678` for a number in Milan).
    #[must_use]
    pub fn expose_national(&self) -> &str {
        self.digits().get(calling_code_len(self.digits())..).unwrap_or_default()
    }

    fn digits(&self) -> &str {
        self.0.get(1..).unwrap_or_default()
    }
}

impl TryFrom<&str> for E164Phone {
    type Error = NotE164;

    fn try_from(stored: &str) -> Result<Self, NotE164> {
        Self::parse_e164(stored)
    }
}

impl fmt::Display for E164Phone {
    /// Writes the number masked: calling code, five stars whatever the length, last three digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        let code = calling_code_len(digits);
        // Where plans are short (St Helena has five digits) the usual ends would be nearly all of the number.
        let spare = digits.len().saturating_sub(code + HIDDEN_AT_LEAST);
        let head = if digits.len() >= code + HIDDEN_AT_LEAST { digits.get(..code) } else { None };
        let tail = if spare >= SHOWN_TAIL { digits.get(digits.len() - SHOWN_TAIL..) } else { None };
        let (head, tail) = (head.unwrap_or_default(), tail.unwrap_or_default());
        write!(f, "+{head}*****{tail}")
    }
}

impl fmt::Debug for E164Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E164Phone({self})")
    }
}

/// Reading and writing an [`E164Phone`] in the clear, for `#[serde(with = "frontdesk_core::phone::exposed")]`.
///
/// Naming this module is the decision to hold a whole number in that place.
pub mod exposed {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::E164Phone;

    /// Writes the whole number.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(phone: &E164Phone, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(phone.expose())
    }

    /// Reads a number in E.164 form.
    ///
    /// # Errors
    /// When the text is missing or not E.164; the message does not repeat it.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<E164Phone, D::Error> {
        let text = String::deserialize(from)?;
        E164Phone::parse_e164(&text).map_err(de::Error::custom)
    }
}

/// A country calling code, such as 61.
///
/// Two numbers belong to the same country for our purposes when these are equal: +44 7911 123456 is in Guernsey by
/// region, and as local to a British store as any other +44 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallingCode(u16);

impl CallingCode {
    /// The code's number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The calling code of a region; `None` for a region without a numbering plan.
    #[must_use]
    pub fn of_region(region: Region) -> Option<Self> {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region.in_library()?)?;
        u16::try_from(code).ok().map(Self)
    }
}

impl fmt::Display for CallingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Whether two numbers have the same country calling code.
#[must_use]
pub fn same_country(a: &E164Phone, b: &E164Phone) -> bool {
    a.calling_code().is_some_and(|code| b.calling_code() == Some(code))
}

/// How many digits of a number are its calling code. No code is the beginning of another, so the first two decide.
fn calling_code_len(digits: &str) -> usize {
    match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    }
}

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

    /// The country, if it is one.
    #[must_use]
    pub const fn country(&self) -> Option<Region> {
        match self {
            Self::Country(region) => Some(*region),
            Self::NonGeographic => None,
        }
    }
}

impl fmt::Display for NumberRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of number it is, by libphonenumber's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberType {
    /// A mobile.
    Mobile,
    /// A plan that does not tell the two apart; every number of the US and Canada that is not a special one.
    FixedLineOrMobile,
    /// A landline.
    FixedLine,
    /// Free for the caller.
    TollFree,
    /// Dear for the caller.
    PremiumRate,
    /// The cost is shared.
    SharedCost,
    /// Voice over IP.
    Voip,
    /// Follows a person from line to line.
    PersonalNumber,
    /// A pager.
    Pager,
    /// One number for a company's many offices.
    Uan,
    /// A voicemail box.
    Voicemail,
    /// None of these. [`normalize`] never returns it, because such a number is not valid; rows of other origin may.
    Unknown,
}

impl NumberType {
    /// libphonenumber's name, such as `FIXED_LINE_OR_MOBILE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "MOBILE",
            Self::FixedLineOrMobile => "FIXED_LINE_OR_MOBILE",
            Self::FixedLine => "FIXED_LINE",
            Self::TollFree => "TOLL_FREE",
            Self::PremiumRate => "PREMIUM_RATE",
            Self::SharedCost => "SHARED_COST",
            Self::Voip => "VOIP",
            Self::PersonalNumber => "PERSONAL_NUMBER",
            Self::Pager => "PAGER",
            Self::Uan => "UAN",
            Self::Voicemail => "VOICEMAIL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether a number of this kind can be sent a text.
    ///
    /// Validity alone is no answer: `13 11 14`, 1300, 1800 and 1900 numbers are valid in Australia.
    #[must_use]
    pub const fn sms(self) -> SmsCapability {
        match self {
            Self::Mobile | Self::FixedLineOrMobile => SmsCapability::Send,
            Self::PersonalNumber | Self::Pager | Self::Voip | Self::Unknown => SmsCapability::AskForAnother,
            Self::FixedLine | Self::TollFree | Self::PremiumRate | Self::SharedCost | Self::Uan | Self::Voicemail => {
                SmsCapability::Never
            }
        }
    }
}

impl fmt::Display for NumberType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<PhoneNumberType> for NumberType {
    fn from(kind: PhoneNumberType) -> Self {
        match kind {
            PhoneNumberType::Mobile => Self::Mobile,
            PhoneNumberType::FixedLineOrMobile => Self::FixedLineOrMobile,
            PhoneNumberType::FixedLine => Self::FixedLine,
            PhoneNumberType::TollFree => Self::TollFree,
            PhoneNumberType::PremiumRate => Self::PremiumRate,
            PhoneNumberType::SharedCost => Self::SharedCost,
            PhoneNumberType::VoIP => Self::Voip,
            PhoneNumberType::PersonalNumber => Self::PersonalNumber,
            PhoneNumberType::Pager => Self::Pager,
            PhoneNumberType::UAN => Self::Uan,
            PhoneNumberType::VoiceMail => Self::Voicemail,
            PhoneNumberType::Unknown => Self::Unknown,
        }
    }
}

/// What to do with a number when a text is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmsCapability {
    /// A text can be sent.
    Send,
    /// It might arrive, or not, or at another person's: ask for another number first.
    AskForAnother,
    /// A text never arrives.
    Never,
}

impl SmsCapability {
    /// A stable name: `send`, `ask_for_another`, `never`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::AskForAnother => "ask_for_another",
            Self::Never => "never",
        }
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
    let region = default_region.and_then(|text| Region::try_from(text).ok()?.in_library());
    // The second net. The guards above keep the one known panic of the library from happening, because the message of
    // a panic quotes the text it was working on. Should there be another, one odd number must not take down the batch
    // it came in. The library keeps no state between calls that a panic could leave half-written.
    catch_unwind(AssertUnwindSafe(|| look_up(raw, region))).unwrap_or(Err(PhoneReject::LibraryFault))
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

fn look_up(raw: &str, region: Option<rlibphonenumber::Region>) -> Result<Normalized, PhoneReject> {
    let number =
        PHONE_NUMBER_UTIL.parse(readable(raw), region).map_err(|error| classify(&error, raw, region.is_some()))?;
    if !number.is_valid() {
        return Err(PhoneReject::InvalidNumber);
    }
    describe(&number).ok_or(PhoneReject::InvalidNumber)
}

/// The library misses the full-width tilde among the characters that may separate digits.
fn readable(raw: &str) -> Cow<'_, str> {
    if raw.contains('\u{FF5E}') { Cow::Owned(raw.replace('\u{FF5E}', "~")) } else { Cow::Borrowed(raw) }
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
        calling_code: CallingCode(u16::try_from(number.country_code).ok()?),
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
    let first = raw.chars().find(|c| matches!(c, '+' | '\u{FF0B}') || c.is_numeric());
    matches!(first, Some('+' | '\u{FF0B}')) || raw.contains(";phone-context=+")
}

#[cfg(test)]
mod tests;
