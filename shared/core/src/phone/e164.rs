//! Numbers as they are stored.

use std::fmt;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use thiserror::Error;

use super::Region;

/// The longest calling code (3) and the longest national number libphonenumber parses (17).
///
/// ITU-T E.164 stops at 15 digits, but real plans do not: a valid German fixed line can have 17. No mobile number is
/// longer than 15, so nothing that can be texted is affected; the others must still be readable once stored.
const MAX_DIGITS: usize = 20;
const MIN_DIGITS: usize = 2;
/// How many of the last digits [`E164Phone`] shows when it is printed.
const SHOWN_TAIL: usize = 3;
/// How many digits an audit line shows.
const LAST4: usize = 4;
/// Digits that must stay hidden before any of the last ones is shown.
const HIDDEN_AT_LEAST: usize = 4;

/// A phone number in E.164 form: `+`, then digits, the first not 0.
///
/// `Debug` and `Display` print it masked (`+61*****678`), so that a log line or an error cannot leak it by accident;
/// [`E164Phone::expose`] is the one way to the digits, and easy to search for. `serde` is not derived for the same
/// reason.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164Phone(String);

/// The text is not an E.164 number. It does not repeat the text, which may be somebody's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an E.164 phone number (a plus sign and 2 to 20 digits, the first not 0)")]
pub struct NotE164;

impl E164Phone {
    /// Reads a number that we stored in E.164 form ourselves.
    ///
    /// This looks at the shape only and is cheap. Text from outside goes through [`normalize`](super::normalize).
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

    /// The last four digits, for audit lines; fewer where the whole number is so short that four would be most of it.
    #[must_use]
    pub fn last4(&self) -> &str {
        let digits = self.digits();
        let shown = if digits.len() >= 2 * LAST4 { LAST4 } else { digits.len() / 3 };
        digits.get(digits.len() - shown..).unwrap_or_default()
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
        Self::from_library(PHONE_NUMBER_UTIL.get_country_code_for_region(region.in_library()?)?)
    }

    pub(super) fn from_library(code: i32) -> Option<Self> {
        u16::try_from(code).ok().map(Self)
    }
}

impl fmt::Display for CallingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
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
