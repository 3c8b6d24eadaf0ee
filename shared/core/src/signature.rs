//! Signatures of webhooks: made and checked over the raw bytes of a body, before anything reads them as JSON.
//!
//! Each provider signs in its own way, so each has its own pair of functions; nothing here guesses an encoding. What
//! they share: HMAC-SHA256, comparison in constant time, two live secrets so that a rotation loses nothing, and header
//! values as bytes, because a header may hold anything and a strange one is a bad signature, not a fault.
//!
//! Time comes in as milliseconds since the epoch. A message's age is looked at only after its signature held, so a
//! stranger learns nothing from the difference.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::ZeroizeOnDrop;

use crate::chatwoot;

/// Shopify: base64 of the digest of the body.
pub const SHOPIFY_SIGNATURE: &str = "x-shopify-hmac-sha256";
/// Podium as published: when it was signed, in milliseconds.
pub const PODIUM_TIMESTAMP: &str = "podium-timestamp";
/// Podium as published: hex digest of timestamp, dot and body.
pub const PODIUM_SIGNATURE: &str = "podium-signature";
/// Podium as in the brief: hex digest of the body, or `t=…,v1=…`.
pub const PODIUM_X_SIGNATURE: &str = "x-podium-signature";
/// Chatwoot: when it was signed, in seconds.
pub const CHATWOOT_TIMESTAMP: &str = "x-chatwoot-timestamp";
/// Chatwoot: `sha256=` and the hex digest of timestamp, dot and body.
pub const CHATWOOT_SIGNATURE: &str = "x-chatwoot-signature";

/// No signature header of any provider comes near this; what is longer is not looked at.
const MAX_HEADER_BYTES: usize = 512;
/// Digits of a timestamp: milliseconds have 13 until the year 2286, and 16 cannot overflow.
const MAX_TIMESTAMP_DIGITS: usize = 16;
/// A timestamp above this is in milliseconds: as seconds it would be the year 2286.
const LARGEST_TIMESTAMP_S: i64 = 10_000_000_000;
const DIGEST_BYTES: usize = 32;

type Digest = [u8; DIGEST_BYTES];

/// A signing secret or a token. Wiped from memory when dropped; `Debug` prints `Secret(***)`.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Secret(String);

/// A secret is missing. Starting without it would accept what anyone signs with an empty key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the secret {name} is empty")]
pub struct EmptySecret {
    /// Which one: the name of its setting.
    pub name: String,
}

impl Secret {
    /// Takes a secret as it is: nothing is trimmed, since a space may belong to it.
    ///
    /// # Errors
    /// [`EmptySecret`], which carries `name`, when there is nothing but white space.
    pub fn new(name: &str, value: impl Into<String>) -> Result<Self, EmptySecret> {
        // Wrapped first, so that the white space of a refused value is wiped like any other.
        let secret = Self(value.into());
        if secret.0.trim().is_empty() {
            return Err(EmptySecret { name: name.to_owned() });
        }
        Ok(secret)
    }

    /// The secret itself: for a key or an authorization header, never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn keyed(&self, message: &[&[u8]]) -> Hmac<Sha256> {
        #[expect(
            clippy::expect_used,
            reason = "HMAC is defined for keys of every length; the error belongs to other MACs"
        )]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes a key of any length");
        for part in message {
            mac.update(part);
        }
        mac
    }

    fn digest(&self, message: &[&[u8]]) -> Digest {
        self.keyed(message).finalize().into_bytes().into()
    }

    /// Compares in constant time.
    fn made(&self, digest: &Digest, message: &[&[u8]]) -> bool {
        self.keyed(message).verify_slice(digest).is_ok()
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever two secrets of one length differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A secret that counts right now.
#[derive(Clone, Debug)]
pub struct LiveSecret {
    /// The secret.
    pub secret: Secret,
    /// Whether it is about to be retired.
    pub matched: Matched,
    /// The account whose deliveries it signs; `None`: anybody's.
    pub account: Option<u64>,
}

/// The secrets that count right now, one at least. During a rotation deliveries arrive under two, in any order; and a
/// provider may have a secret for each of its webhooks.
#[derive(Clone, Debug)]
pub struct LiveSecrets {
    first: LiveSecret,
    rest: Vec<LiveSecret>,
}

impl LiveSecrets {
    /// The newest secret, and the one before it until it is retired.
    #[must_use]
    pub fn rotating(current: Secret, previous: Option<Secret>) -> Self {
        let live = |secret, matched| LiveSecret { secret, matched, account: None };
        let rest = previous.map(|secret| live(secret, Matched::Previous)).into_iter().collect();
        Self { first: live(current, Matched::Current), rest }
    }

    /// Several that count at once; `None` when there is none.
    #[must_use]
    pub fn several(secrets: Vec<LiveSecret>) -> Option<Self> {
        let mut secrets = secrets.into_iter();
        Some(Self { first: secrets.next()?, rest: secrets.collect() })
    }

    /// The one to sign with.
    #[must_use]
    pub const fn newest(&self) -> &Secret {
        &self.first.secret
    }

    /// The one that is about to be retired.
    #[must_use]
    pub fn previous(&self) -> Option<&Secret> {
        self.rest.iter().find(|live| live.matched == Matched::Previous).map(|live| &live.secret)
    }

    fn who_made(&self, digest: &Digest, message: &[&[u8]]) -> impl Iterator<Item = &LiveSecret> {
        std::iter::once(&self.first).chain(&self.rest).filter(|live| live.secret.made(digest, message))
    }

    fn which_made(&self, digest: &Digest, message: &[&[u8]]) -> Option<Matched> {
        self.who_made(digest, message).next().map(|live| live.matched)
    }
}

/// Which of the live secrets made a signature. Count the previous one: while it still occurs it cannot be retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matched {
    /// The newest.
    Current,
    /// The one before it.
    Previous,
}

/// How old a signed message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// Inside the replay window.
    Fresh,
    /// Outside of it, before or after, and [`StalePolicy::Accept`] let it through.
    Stale,
    /// The scheme does not sign a time. Only the inbox's dedup protects against a replay.
    Undated,
}

/// What to do with a signed message from outside the replay window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StalePolicy {
    /// Let it through marked [`Freshness::Stale`]. For a provider that retries for hours and may not sign anew.
    Accept,
    /// Refuse it with [`SignatureError::Stale`].
    Reject,
}

/// How far a signed time may be from now, in either direction: clocks are also ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplayWindow {
    /// The tolerance in seconds, inclusive.
    pub window_s: u32,
    /// What happens outside of it.
    pub stale: StalePolicy,
}

impl ReplayWindow {
    fn judge(self, signed_ms: i64, now_ms: i64) -> Result<Freshness, SignatureError> {
        let apart_ms = now_ms.abs_diff(signed_ms);
        if apart_ms <= u64::from(self.window_s) * 1000 {
            return Ok(Freshness::Fresh);
        }
        match self.stale {
            StalePolicy::Accept => Ok(Freshness::Stale),
            StalePolicy::Reject => Err(SignatureError::Stale),
        }
    }
}

/// A message whose signature held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verified {
    /// Under which secret.
    pub matched: Matched,
    /// Whether its time is near.
    pub freshness: Freshness,
}

/// Why a message is not accepted as signed. The answer to all of them is 401 and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum SignatureError {
    /// The header is missing or empty.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header does not have the form its scheme prescribes.
    #[error("a signature header is malformed")]
    BadFormat,
    /// No live secret makes this signature for this body.
    #[error("the signature does not match")]
    Mismatch,
    /// Rightly signed, but too long ago or too far ahead.
    #[error("the signature is outside the replay window")]
    Stale,
}

impl SignatureError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "ERR_WHK_001",
            Self::Mismatch => "ERR_WHK_002",
            Self::Stale => "ERR_WHK_003",
            Self::BadFormat => "ERR_WHK_012",
        }
    }

    /// The stable name of the error, for metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "missing_signature_header",
            Self::Mismatch => "signature_mismatch",
            Self::Stale => "replay_window_exceeded",
            Self::BadFormat => "signature_format_invalid",
        }
    }

    /// Of several schemes' failures the one that got furthest says most about what is wrong.
    const fn distance(self) -> u8 {
        match self {
            Self::MissingHeader(_) => 0,
            Self::BadFormat => 1,
            Self::Mismatch => 2,
            Self::Stale => 3,
        }
    }
}

/// Seals something of our own with the newest secret, for [`is_sealed`].
pub(crate) fn seal(secrets: &LiveSecrets, message: &[&[u8]]) -> [u8; DIGEST_BYTES] {
    secrets.newest().digest(message)
}

/// Whether a live secret sealed this.
pub(crate) fn is_sealed(secrets: &LiveSecrets, seal: &[u8], message: &[&[u8]]) -> bool {
    Digest::try_from(seal).is_ok_and(|digest| secrets.which_made(&digest, message).is_some())
}

/// Header names (lower case) and values that a signed request carries.
pub type SignedHeaders = Vec<(&'static str, String)>;

/// Checks Shopify's signature: base64 of the 32-byte digest of the body.
///
/// # Errors
/// Any [`SignatureError`] but `Stale`: Shopify signs no time.
pub fn verify_shopify(
    secrets: &LiveSecrets,
    signature: Option<&[u8]>,
    body: &[u8],
) -> Result<Verified, SignatureError> {
    let signature = present(signature, SHOPIFY_SIGNATURE)?;
    let bytes = BASE64.decode(signature).map_err(|_| SignatureError::BadFormat)?;
    let digest = Digest::try_from(bytes).map_err(|_| SignatureError::BadFormat)?;
    let matched = secrets.which_made(&digest, &[body]).ok_or(SignatureError::Mismatch)?;
    Ok(Verified { matched, freshness: Freshness::Undated })
}

/// Signs a body as Shopify does.
#[must_use]
pub fn sign_shopify(secret: &Secret, body: &[u8]) -> SignedHeaders {
    vec![(SHOPIFY_SIGNATURE, BASE64.encode(secret.digest(&[body])))]
}

/// The ways Podium is said to sign. Which of them count is a setting: the briefs and the published API differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PodiumScheme {
    /// `podium-timestamp` and `podium-signature`, as in Podium's documentation.
    Published,
    /// `x-podium-signature` over the body alone, as in the brief.
    BriefBody,
    /// `x-podium-signature` of the form `t=<seconds>,v1=<hex>`.
    BriefTV1,
}

impl PodiumScheme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Published, Self::BriefBody, Self::BriefTV1];

    /// The name in settings: `published`, `brief_body`, `brief_t_v1`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::BriefBody => "brief_body",
            Self::BriefTV1 => "brief_t_v1",
        }
    }

    /// The scheme of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == name)
    }
}

/// The values of the headers Podium's schemes read; `None` for one that did not come.
#[derive(Clone, Copy, Debug, Default)]
pub struct PodiumHeaders<'a> {
    /// [`PODIUM_TIMESTAMP`].
    pub timestamp: Option<&'a [u8]>,
    /// [`PODIUM_SIGNATURE`].
    pub signature: Option<&'a [u8]>,
    /// [`PODIUM_X_SIGNATURE`].
    pub x_signature: Option<&'a [u8]>,
}

/// A message from Podium whose signature held, and by which scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PodiumVerified {
    /// The first of the configured schemes that held.
    pub scheme: PodiumScheme,
    /// Secret and age.
    pub verified: Verified,
}

/// Checks Podium's signature by each of `schemes` until one holds.
///
/// # Errors
/// Of the schemes' failures the one that got furthest; [`SignatureError::MissingHeader`] when none is configured.
pub fn verify_podium(
    secrets: &LiveSecrets,
    schemes: &[PodiumScheme],
    window: ReplayWindow,
    headers: PodiumHeaders<'_>,
    body: &[u8],
    now_ms: i64,
) -> Result<PodiumVerified, SignatureError> {
    let mut furthest: Option<SignatureError> = None;
    for &scheme in schemes {
        let outcome = match scheme {
            PodiumScheme::Published => podium_published(secrets, window, headers, body, now_ms),
            PodiumScheme::BriefBody => podium_brief_body(secrets, headers, body),
            PodiumScheme::BriefTV1 => podium_brief_t_v1(secrets, window, headers, body, now_ms),
        };
        match outcome {
            Ok(verified) => return Ok(PodiumVerified { scheme, verified }),
            Err(error) => {
                furthest = furthest.filter(|known| known.distance() >= error.distance()).or(Some(error));
            }
        }
    }
    Err(furthest.unwrap_or(SignatureError::MissingHeader(PODIUM_SIGNATURE)))
}

fn podium_published(
    secrets: &LiveSecrets,
    window: ReplayWindow,
    headers: PodiumHeaders<'_>,
    body: &[u8],
    now_ms: i64,
) -> Result<Verified, SignatureError> {
    let signature = present(headers.signature, PODIUM_SIGNATURE)?;
    let timestamp = present(headers.timestamp, PODIUM_TIMESTAMP)?;
    let digest = hex_digest(without_sha256(signature).unwrap_or(signature))?;
    let signed_ms = either_unit_ms(number(timestamp)?);
    let message = [timestamp, b".", body];
    dated(secrets, window, &digest, &message, signed_ms, now_ms)
}

fn podium_brief_body(
    secrets: &LiveSecrets,
    headers: PodiumHeaders<'_>,
    body: &[u8],
) -> Result<Verified, SignatureError> {
    let signature = present(headers.x_signature, PODIUM_X_SIGNATURE)?;
    let digest = hex_digest(without_sha256(signature).unwrap_or(signature))?;
    // The dated schemes sign `<digits>.<body>`. Without this, whoever recorded one such delivery could send that text
    // as a body with the signature it came with, and have it accepted here, at any later time.
    if starts_like_a_timestamp(body) {
        return Err(SignatureError::Mismatch);
    }
    let matched = secrets.which_made(&digest, &[body]).ok_or(SignatureError::Mismatch)?;
    Ok(Verified { matched, freshness: Freshness::Undated })
}

fn podium_brief_t_v1(
    secrets: &LiveSecrets,
    window: ReplayWindow,
    headers: PodiumHeaders<'_>,
    body: &[u8],
    now_ms: i64,
) -> Result<Verified, SignatureError> {
    let header = present(headers.x_signature, PODIUM_X_SIGNATURE)?;
    let (mut timestamp, mut signature) = (None, None);
    for part in header.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
        let seat = match part {
            [b't', b'=', ..] => &mut timestamp,
            [b'v', b'1', b'=', ..] => &mut signature,
            _ => continue,
        };
        let value = part.splitn(2, |&b| b == b'=').nth(1);
        // Said twice, it is not clear which one was signed.
        if std::mem::replace(seat, value).is_some() {
            return Err(SignatureError::BadFormat);
        }
    }
    let (Some(timestamp), Some(signature)) = (timestamp, signature) else {
        return Err(SignatureError::BadFormat);
    };
    let digest = hex_digest(signature)?;
    let signed_ms = either_unit_ms(number(timestamp)?);
    let message = [timestamp, b".", body];
    dated(secrets, window, &digest, &message, signed_ms, now_ms)
}

/// Signs a body as Podium does under `scheme`, at `now_ms`.
#[must_use]
pub fn sign_podium(secret: &Secret, scheme: PodiumScheme, body: &[u8], now_ms: i64) -> SignedHeaders {
    match scheme {
        PodiumScheme::Published => {
            let timestamp = now_ms.max(0).to_string();
            let signature = hex(&secret.digest(&[timestamp.as_bytes(), b".", body]));
            vec![(PODIUM_TIMESTAMP, timestamp), (PODIUM_SIGNATURE, signature)]
        }
        PodiumScheme::BriefBody => vec![(PODIUM_X_SIGNATURE, hex(&secret.digest(&[body])))],
        PodiumScheme::BriefTV1 => {
            let timestamp = (now_ms.max(0) / 1000).to_string();
            let signature = hex(&secret.digest(&[timestamp.as_bytes(), b".", body]));
            vec![(PODIUM_X_SIGNATURE, format!("t={timestamp},v1={signature}"))]
        }
    }
}

/// Checks Chatwoot's signature: `sha256=` and the hex digest of timestamp (seconds), dot and body. A secret that belongs to
/// an account signs that account's deliveries only.
///
/// # Errors
/// Any [`SignatureError`].
pub fn verify_chatwoot(
    secrets: &LiveSecrets,
    window: ReplayWindow,
    timestamp: Option<&[u8]>,
    signature: Option<&[u8]>,
    body: &[u8],
    now_ms: i64,
) -> Result<Verified, SignatureError> {
    let signature = present(signature, CHATWOOT_SIGNATURE)?;
    let timestamp = present(timestamp, CHATWOOT_TIMESTAMP)?;
    let digest = hex_digest(without_sha256(signature).ok_or(SignatureError::BadFormat)?)?;
    let signed_ms = number(timestamp)?.saturating_mul(1000);
    let message = [timestamp, b".", body];
    // Read only after a secret made the signature: until then the body is anybody's.
    let is_theirs = |account: u64| chatwoot::account_of(body) == Some(account);
    let made = secrets.who_made(&digest, &message).find(|live| live.account.is_none_or(is_theirs));
    let matched = made.ok_or(SignatureError::Mismatch)?.matched;
    let freshness = window.judge(signed_ms, now_ms)?;
    Ok(Verified { matched, freshness })
}

/// Signs a body as Chatwoot does, at `now_ms`.
#[must_use]
pub fn sign_chatwoot(secret: &Secret, body: &[u8], now_ms: i64) -> SignedHeaders {
    let timestamp = (now_ms.max(0) / 1000).to_string();
    let signature = hex(&secret.digest(&[timestamp.as_bytes(), b".", body]));
    vec![(CHATWOOT_TIMESTAMP, timestamp), (CHATWOOT_SIGNATURE, format!("sha256={signature}"))]
}

/// The signature first, then the age.
fn dated(
    secrets: &LiveSecrets,
    window: ReplayWindow,
    digest: &Digest,
    message: &[&[u8]],
    signed_ms: i64,
    now_ms: i64,
) -> Result<Verified, SignatureError> {
    let matched = secrets.which_made(digest, message).ok_or(SignatureError::Mismatch)?;
    let freshness = window.judge(signed_ms, now_ms)?;
    Ok(Verified { matched, freshness })
}

fn present<'a>(value: Option<&'a [u8]>, name: &'static str) -> Result<&'a [u8], SignatureError> {
    match value {
        None | Some([]) => Err(SignatureError::MissingHeader(name)),
        Some(value) if value.len() > MAX_HEADER_BYTES => Err(SignatureError::BadFormat),
        Some(value) => Ok(value),
    }
}

fn without_sha256(signature: &[u8]) -> Option<&[u8]> {
    signature.strip_prefix(b"sha256=")
}

/// A timestamp of plain ASCII digits: no sign, no exponent, no space.
fn number(text: &[u8]) -> Result<i64, SignatureError> {
    let plain = (1..=MAX_TIMESTAMP_DIGITS).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    if !plain {
        return Err(SignatureError::BadFormat);
    }
    let fold = |sum: i64, digit: &u8| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    Ok(text.iter().fold(0, fold))
}

/// Podium's documentation shows milliseconds and the brief seconds; the size tells which it is.
const fn either_unit_ms(timestamp: i64) -> i64 {
    if timestamp > LARGEST_TIMESTAMP_S { timestamp } else { timestamp.saturating_mul(1000) }
}

fn starts_like_a_timestamp(body: &[u8]) -> bool {
    let digits = body.iter().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && body.get(digits) == Some(&b'.')
}

fn hex(digest: &Digest) -> String {
    let mut text = String::with_capacity(2 * DIGEST_BYTES);
    for byte in digest {
        text.extend([byte >> 4, byte & 15].map(|nibble| char::from_digit(nibble.into(), 16).unwrap_or('0')));
    }
    text
}

fn hex_digest(text: &[u8]) -> Result<Digest, SignatureError> {
    if text.len() != 2 * DIGEST_BYTES {
        return Err(SignatureError::BadFormat);
    }
    let nibble = |b: u8| char::from(b).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let mut digest = [0; DIGEST_BYTES];
    for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
        *byte = match pair {
            [high, low] => nibble(*high).zip(nibble(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        }
        .ok_or(SignatureError::BadFormat)?;
    }
    Ok(digest)
}

#[cfg(test)]
mod tests;
