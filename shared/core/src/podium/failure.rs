//! Why Podium says that something did not arrive: free text from outside, read into a closed list.

use super::fields::TEXT_CHARS_MAX;
use crate::outbox::FailureKind;

/// Of what counts in a reason so many characters are looked at.
const LETTERS_MAX: usize = 200;
/// And so many words of it.
const WORDS_MAX: usize = 60;

/// Whether a provider's reason for a failure means that the person opted out there. Free text from outside, so the
/// usual wordings are looked for: `recipient_optout`, `stop_keyword`, `contact_opted_out`, "unsubscribed recipient".
#[must_use]
pub fn refused_for_opt_out(reason: &str) -> bool {
    says_opted_out(&letters(reason))
}

/// What a provider's reason for a failure says about the person and the number. What is not certain is
/// [`FailureKind::Other`], which says nothing about either: a number must not be given up on a guess.
#[must_use]
pub fn failure_kind(reason: Option<&str>) -> FailureKind {
    let reason = reason.unwrap_or_default();
    let plain = letters(reason);
    if says_opted_out(&plain) {
        FailureKind::OptedOut
    } else if says_landline(&plain) {
        FailureKind::Landline
    } else if says_invalid(&plain) {
        FailureKind::InvalidPhone
    } else if says_carrier(&plain, &words(reason)) {
        FailureKind::CarrierFiltered
    } else {
        FailureKind::Other
    }
}

/// The letters and digits alone: "opted out", `opted_out` and `optedOut` are one.
fn letters(reason: &str) -> String {
    let kept = reason.chars().take(TEXT_CHARS_MAX).filter(char::is_ascii_alphanumeric).take(LETTERS_MAX);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// The words. A code counts as a word of its own only: its digits may stand within somebody's number.
fn words(reason: &str) -> Vec<String> {
    let start: String = reason.chars().take(TEXT_CHARS_MAX).collect::<String>().to_ascii_lowercase();
    let words = start.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    words.take(WORDS_MAX).map(str::to_owned).collect()
}

fn says_opted_out(plain: &str) -> bool {
    ["optout", "optedout", "stopkeyword", "unsubscribed", "repliedstop"].iter().any(|w| plain.contains(w))
}

fn says_landline(plain: &str) -> bool {
    // "Landline or unreachable carrier" is one reason at some carriers, and says neither for certain.
    ["landline", "fixedline"].iter().any(|w| plain.contains(w)) && !plain.contains("lineorunreachable")
}

fn says_invalid(plain: &str) -> bool {
    // The number that it was sent from is the shop's.
    let ours = ["fromnumber", "fromphone", "sendernumber", "senderphone", "senderid", "sendingnumber"];
    let said = [
        "invalidphone",
        "invalidnumber",
        "invalidtonumber",
        "invalidmobile",
        "invalidmsisdn",
        "invalidrecipientphone",
        "invalidrecipientnumber",
        "invaliddestinationnumber",
        "notavalidphone",
        "notavalidnumber",
        "notavalidmobile",
        "numberinvalid",
        "numberisinvalid",
        "numberisnotvalid",
        "phoneisinvalid",
        "phoneisnotvalid",
        "numberdoesnotexist",
        "nosuchnumber",
        "unallocatednumber",
        "unassignednumber",
    ];
    said.iter().any(|w| plain.contains(w)) && !ours.iter().any(|w| plain.contains(w))
}

fn says_carrier(plain: &str, words: &[String]) -> bool {
    let starts = |starts: &[&str]| words.iter().any(|word| starts.iter().any(|s| word.starts_with(s)));
    let is = |codes: &[&str]| words.iter().any(|word| codes.contains(&word.as_str()));
    plain.contains("10dlc")
        || plain.contains("carrierfilter")
        || plain.contains("carrierreject")
        || is(&["p0005", "30007"])
        || starts(&["spam", "filtered", "filtering"])
        || (starts(&["carrier"]) && starts(&["reject", "block", "filter", "violation"]))
}
