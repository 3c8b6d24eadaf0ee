//! Kinds of numbers, and which of them can be texted.

use std::fmt;

use rlibphonenumber::PhoneNumberType;

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
    /// None of these. [`normalize`](super::normalize) never returns it, because such a number is not valid; rows of
    /// other origin may.
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
