use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const NOW_MS: i64 = 1_770_080_409_123;
const FIVE_MINUTES: ReplayWindow = ReplayWindow { window_s: 300, stale: StalePolicy::Reject };
const LENIENT: ReplayWindow = ReplayWindow { window_s: 300, stale: StalePolicy::Accept };

fn secret(text: &str) -> Secret {
    Secret::new("TEST_SECRET", text).unwrap()
}

fn only(text: &str) -> LiveSecrets {
    LiveSecrets::rotating(secret(text), None)
}

fn event(path: &str) -> Vec<u8> {
    let events = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events");
    std::fs::read(events.join(path)).unwrap()
}

fn vectors(provider: &str) -> Value {
    serde_json::from_slice(&event(&format!("{provider}/signature_vectors.json"))).unwrap()
}

fn value_of(headers: &SignedHeaders, name: &str) -> Option<String> {
    headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone())
}

/// Podium's headers out of name and value pairs.
struct Podium(SignedHeaders);

impl Podium {
    fn verify(
        &self,
        secrets: &LiveSecrets,
        schemes: &[PodiumScheme],
        window: ReplayWindow,
        body: &[u8],
        now_ms: i64,
    ) -> Result<PodiumVerified, SignatureError> {
        let find = |name: &str| {
            let found = self.0.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| value.as_bytes())
        };
        let headers = PodiumHeaders {
            timestamp: find(PODIUM_TIMESTAMP),
            signature: find(PODIUM_SIGNATURE),
            x_signature: find(PODIUM_X_SIGNATURE),
        };
        verify_podium(secrets, schemes, window, headers, body, now_ms)
    }
}

#[test]
fn every_shopify_vector_holds_and_is_signed_alike() {
    let vectors = vectors("shopify");
    let secrets = only(vectors["secret"].as_str().unwrap());
    let files = vectors["files"].as_object().unwrap();
    assert!(files.len() >= 15);
    for (file, vector) in files {
        let body = event(&format!("shopify/{file}"));
        let signature = vector["hmac_sha256_base64"].as_str().unwrap();
        let verified = verify_shopify(&secrets, Some(signature.as_bytes()), &body);
        let expected = Verified { matched: Matched::Current, freshness: Freshness::Undated };
        assert_eq!(verified, Ok(expected), "{file}");
        let signed = sign_shopify(secrets.newest(), &body);
        assert_eq!(signed, [(SHOPIFY_SIGNATURE, signature.to_owned())], "{file}");
    }
}

#[test]
fn every_podium_vector_holds_and_is_signed_alike() {
    let vectors = vectors("podium");
    let secrets = only(vectors["secret"].as_str().unwrap());
    let list = vectors["vectors"].as_array().unwrap();
    assert!(list.len() >= 30);
    let mut seen = Vec::new();
    for vector in list {
        let (file, headers) = (vector["file"].as_str().unwrap(), vector["headers"].as_object().unwrap());
        let scheme = PodiumScheme::from_name(vector["scheme"].as_str().unwrap()).unwrap();
        seen.push(scheme);
        let body = event(&format!("podium/{file}"));
        let known = [PODIUM_TIMESTAMP, PODIUM_SIGNATURE, PODIUM_X_SIGNATURE];
        let recorded: SignedHeaders = headers
            .iter()
            .map(|(name, value)| {
                let name = known.into_iter().find(|k| k.eq_ignore_ascii_case(name)).unwrap();
                (name, value.as_str().unwrap().to_owned())
            })
            .collect();
        let signed_ms = signed_ms(&recorded);
        // Alone, and among all.
        for schemes in [&[scheme][..], &PodiumScheme::ALL] {
            let got = Podium(recorded.clone()).verify(&secrets, schemes, FIVE_MINUTES, &body, signed_ms);
            let got = got.unwrap_or_else(|error| panic!("{file} by {scheme:?}: {error}"));
            assert_eq!((got.scheme, got.verified.matched), (scheme, Matched::Current));
        }
        let mut signed = sign_podium(secrets.newest(), scheme, &body, signed_ms);
        let mut recorded = recorded;
        signed.sort();
        recorded.sort();
        assert_eq!(signed, recorded, "{file}");
    }
    for scheme in PodiumScheme::ALL {
        assert!(seen.contains(&scheme), "no vector for {scheme:?}");
    }
}

fn signed_ms(headers: &SignedHeaders) -> i64 {
    if let Some(ms) = value_of(headers, PODIUM_TIMESTAMP) {
        return ms.parse().unwrap();
    }
    let header = value_of(headers, PODIUM_X_SIGNATURE).unwrap();
    let seconds = header.strip_prefix("t=").and_then(|rest| rest.split(',').next());
    seconds.map_or(NOW_MS, |s| s.parse::<i64>().unwrap() * 1000)
}

#[test]
fn every_chatwoot_vector_holds_and_is_signed_alike() {
    let vectors = vectors("chatwoot");
    let list = vectors["vectors"].as_array().unwrap();
    assert!(!list.is_empty());
    for vector in list {
        let secrets = only(vector["secret"].as_str().unwrap());
        let body = event(&format!("chatwoot/{}", vector["body_file"].as_str().unwrap()));
        assert_eq!(vector["body_bytes"], body.len());
        let timestamp = vector["headers"][CHATWOOT_TIMESTAMP].as_str().unwrap();
        let signature = vector["headers"][CHATWOOT_SIGNATURE].as_str().unwrap();
        let signed_ms = timestamp.parse::<i64>().unwrap() * 1000;
        let verified = verify_chatwoot(
            &secrets,
            FIVE_MINUTES,
            Some(timestamp.as_bytes()),
            Some(signature.as_bytes()),
            &body,
            signed_ms + 300_000,
        );
        assert_eq!(verified.unwrap().freshness, Freshness::Fresh);
        let expected = [(CHATWOOT_TIMESTAMP, timestamp.to_owned()), (CHATWOOT_SIGNATURE, signature.to_owned())];
        assert_eq!(sign_chatwoot(secrets.newest(), &body, signed_ms), expected);
    }
}

/// The same JSON with other white space is another message.
#[test]
fn a_respaced_body_is_refused() {
    let body = event("shopify/orders-fulfilled-au.json");
    let respaced = serde_json::to_vec(&serde_json::from_slice::<Value>(&body).unwrap()).unwrap();
    assert_ne!(body, respaced);
    let secrets = only("key");
    let shopify = value_of(&sign_shopify(secrets.newest(), &body), SHOPIFY_SIGNATURE);
    let shopify = shopify.as_deref().map(str::as_bytes);
    assert_eq!(verify_shopify(&secrets, shopify, &respaced), Err(SignatureError::Mismatch));
    for scheme in PodiumScheme::ALL {
        let podium = Podium(sign_podium(secrets.newest(), scheme, &body, NOW_MS));
        let got = podium.verify(&secrets, &[scheme], FIVE_MINUTES, &respaced, NOW_MS);
        assert_eq!(got, Err(SignatureError::Mismatch));
    }
}

/// Wire bytes hold `\/` and `\u0026`: reading and writing them again would break the signature.
#[test]
fn wire_bytes_are_verified_as_they_came() {
    let body = event("shopify/raw/orders-fulfilled-au-wire.bin");
    let again = serde_json::to_vec(&serde_json::from_slice::<Value>(&body).unwrap()).unwrap();
    let secrets = only("key");
    let signature = value_of(&sign_shopify(secrets.newest(), &body), SHOPIFY_SIGNATURE).unwrap();
    assert!(verify_shopify(&secrets, Some(signature.as_bytes()), &body).is_ok());
    assert!(verify_shopify(&secrets, Some(signature.as_bytes()), &again).is_err());
}

#[test]
fn the_previous_secret_counts_and_says_so() {
    let rotating = LiveSecrets::rotating(secret("new"), Some(secret("old")));
    let signed_with = |key: &str| value_of(&sign_shopify(&secret(key), b"{}"), SHOPIFY_SIGNATURE).unwrap();
    let verify = |key: &str| verify_shopify(&rotating, Some(signed_with(key).as_bytes()), b"{}").map(|v| v.matched);
    assert_eq!(verify("new"), Ok(Matched::Current));
    assert_eq!(verify("old"), Ok(Matched::Previous));
    assert_eq!(verify("older"), Err(SignatureError::Mismatch));
}

#[test]
fn a_missing_or_empty_header_is_named() {
    let secrets = only("key");
    for nothing in [None, Some(&b""[..])] {
        let missing = verify_shopify(&secrets, nothing, b"{}").unwrap_err();
        assert_eq!(missing, SignatureError::MissingHeader(SHOPIFY_SIGNATURE));
        assert_eq!(missing.to_string(), "the header x-shopify-hmac-sha256 is missing");
        let missing = verify_chatwoot(&secrets, LENIENT, nothing, Some(b"x"), b"{}", NOW_MS);
        assert_eq!(missing, Err(SignatureError::MissingHeader(CHATWOOT_TIMESTAMP)));
        let headers = PodiumHeaders { timestamp: nothing, signature: Some(b"x"), x_signature: nothing };
        let missing = verify_podium(&secrets, &[PodiumScheme::Published], LENIENT, headers, b"{}", NOW_MS);
        assert_eq!(missing, Err(SignatureError::MissingHeader(PODIUM_TIMESTAMP)));
    }
    let none = verify_podium(&secrets, &[], LENIENT, PodiumHeaders::default(), b"{}", NOW_MS);
    assert_eq!(none, Err(SignatureError::MissingHeader(PODIUM_SIGNATURE)));
}

#[test]
fn shopify_wants_base64_of_exactly_32_bytes() {
    let secrets = only("key");
    let good = value_of(&sign_shopify(secrets.newest(), b"{}"), SHOPIFY_SIGNATURE).unwrap();
    let short = BASE64.encode([7; 31]);
    let long = BASE64.encode([7; 33]);
    let in_hex = hex(&secrets.newest().digest(&[b"{}"]));
    let url_safe = "-_".repeat(22);
    let unpadded = good.trim_end_matches('=');
    let spaced = format!(" {good}");
    let endless = "A".repeat(100_000);
    for bad in [&short, &long, &in_hex, &url_safe, unpadded, &spaced, &endless, "=", "é"] {
        let got = verify_shopify(&secrets, Some(bad.as_bytes()), b"{}");
        assert_eq!(got, Err(SignatureError::BadFormat), "{}", &bad[..bad.len().min(60)]);
    }
}

#[test]
fn headers_that_are_not_ascii_are_refused_without_a_fault() {
    let secrets = only("key");
    let latin1: &[u8] = &[0xe9; 64];
    let cut_utf8: &[u8] = b"sha256=\xf0\x9f\x98";
    for odd in [latin1, cut_utf8, "６".repeat(22).as_bytes(), "é".repeat(32).as_bytes()] {
        assert_eq!(verify_shopify(&secrets, Some(odd), b"{}"), Err(SignatureError::BadFormat));
        let chatwoot = verify_chatwoot(&secrets, LENIENT, Some(odd), Some(odd), b"{}", NOW_MS);
        assert_eq!(chatwoot, Err(SignatureError::BadFormat));
        let headers = PodiumHeaders { timestamp: Some(odd), signature: Some(odd), x_signature: Some(odd) };
        let podium = verify_podium(&secrets, &PodiumScheme::ALL, LENIENT, headers, b"{}", NOW_MS);
        assert_eq!(podium, Err(SignatureError::BadFormat));
    }
}

#[test]
fn a_podium_scheme_counts_only_when_it_is_configured() {
    let secrets = only("key");
    let body = br#"{"data":{}}"#;
    for signed_by in PodiumScheme::ALL {
        let podium = Podium(sign_podium(secrets.newest(), signed_by, body, NOW_MS));
        for configured in PodiumScheme::ALL {
            let got = podium.verify(&secrets, &[configured], FIVE_MINUTES, body, NOW_MS);
            assert_eq!(got.is_ok(), signed_by == configured, "{signed_by:?} under {configured:?}");
        }
    }
}

#[test]
fn podium_signatures_may_carry_a_prefix_and_capitals() {
    let secrets = only("key");
    let signed = sign_podium(secrets.newest(), PodiumScheme::Published, b"{}", NOW_MS);
    let hex = value_of(&signed, PODIUM_SIGNATURE).unwrap();
    for form in [format!("sha256={hex}"), hex.to_uppercase(), hex] {
        let podium = Podium(vec![(PODIUM_TIMESTAMP, NOW_MS.to_string()), (PODIUM_SIGNATURE, form)]);
        assert!(podium.verify(&secrets, &PodiumScheme::ALL, FIVE_MINUTES, b"{}", NOW_MS).is_ok());
    }
}

/// Chatwoot always writes the prefix; without it the header is something else's.
#[test]
fn chatwoot_signatures_must_carry_the_prefix() {
    let secrets = only("key");
    let signed = sign_chatwoot(secrets.newest(), b"{}", NOW_MS);
    let timestamp = value_of(&signed, CHATWOOT_TIMESTAMP).unwrap();
    let bare = value_of(&signed, CHATWOOT_SIGNATURE).unwrap().replace("sha256=", "");
    let got = verify_chatwoot(&secrets, LENIENT, Some(timestamp.as_bytes()), Some(bare.as_bytes()), b"{}", NOW_MS);
    assert_eq!(got, Err(SignatureError::BadFormat));
}

/// A recorded dated delivery must not come back, forever, as a body of the undated scheme.
#[test]
fn a_dated_delivery_cannot_be_replayed_as_an_undated_body() {
    let secrets = only("key");
    let body = br#"{"data":{}}"#;
    let recorded = sign_podium(secrets.newest(), PodiumScheme::Published, body, NOW_MS);
    let signature = value_of(&recorded, PODIUM_SIGNATURE).unwrap();
    let forged_body = [NOW_MS.to_string().as_bytes(), b".", body].concat();
    let forged = Podium(vec![(PODIUM_X_SIGNATURE, signature)]);
    let a_year_on = NOW_MS + 31_536_000_000;
    let got = forged.verify(&secrets, &PodiumScheme::ALL, FIVE_MINUTES, &forged_body, a_year_on);
    assert_eq!(got, Err(SignatureError::Mismatch));
}

#[test]
fn the_replay_window_has_two_sides_and_includes_its_ends() {
    let secrets = only("key");
    let dated = [PodiumScheme::Published, PodiumScheme::BriefTV1];
    for scheme in dated {
        // Whole seconds, since one of the schemes cannot say less.
        let signed_ms = NOW_MS / 1000 * 1000;
        let podium = Podium(sign_podium(secrets.newest(), scheme, b"{}", signed_ms));
        let at = |window, now_ms| {
            let got = podium.verify(&secrets, &[scheme], window, b"{}", now_ms);
            got.map(|v| v.verified.freshness)
        };
        for side in [-1, 1] {
            assert_eq!(at(FIVE_MINUTES, signed_ms + side * 300_000), Ok(Freshness::Fresh));
            assert_eq!(at(FIVE_MINUTES, signed_ms + side * 300_001), Err(SignatureError::Stale));
            assert_eq!(at(LENIENT, signed_ms + side * 300_001), Ok(Freshness::Stale));
        }
        for end in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(at(FIVE_MINUTES, end), Err(SignatureError::Stale));
        }
    }
}

/// What is wrongly signed is a mismatch, however old: a stranger must not learn that the time was the problem.
#[test]
fn age_is_judged_after_the_signature() {
    let podium = Podium(sign_podium(&secret("theirs"), PodiumScheme::Published, b"{}", 0));
    let got = podium.verify(&only("ours"), &PodiumScheme::ALL, FIVE_MINUTES, b"{}", NOW_MS);
    assert_eq!(got, Err(SignatureError::Mismatch));
}

#[test]
fn timestamps_are_digits_and_nothing_else() {
    let secrets = only("key");
    let endless = "9".repeat(400);
    for odd in ["-1", "+1", "1e99", "NaN", "0x10", "1.5", " 1", "1 ", "١٢٣", "17700804091230000", &endless] {
        let digest = hex(&secrets.newest().digest(&[odd.as_bytes(), b".", b"{}"]));
        let published = Podium(vec![(PODIUM_TIMESTAMP, odd.to_owned()), (PODIUM_SIGNATURE, digest.clone())]);
        let got = published.verify(&secrets, &PodiumScheme::ALL, LENIENT, b"{}", NOW_MS);
        assert_eq!(got, Err(SignatureError::BadFormat), "{odd:?}");
        let t_v1 = Podium(vec![(PODIUM_X_SIGNATURE, format!("t={odd},v1={digest}"))]);
        // A space around a part is no part of it, so `1 ` reads as 1, which is not what was signed.
        let got = t_v1.verify(&secrets, &PodiumScheme::ALL, LENIENT, b"{}", NOW_MS);
        assert!(got.is_err(), "{odd:?}: {got:?}");
        let prefixed = format!("sha256={digest}");
        let got = verify_chatwoot(&secrets, LENIENT, Some(odd.as_bytes()), Some(prefixed.as_bytes()), b"{}", NOW_MS);
        assert_eq!(got, Err(SignatureError::BadFormat), "{odd:?}");
    }
}

#[test]
fn seconds_and_milliseconds_are_told_apart_by_size() {
    assert_eq!(either_unit_ms(10_000_000_000), 10_000_000_000_000);
    assert_eq!(either_unit_ms(10_000_000_001), 10_000_000_001);
    assert_eq!(either_unit_ms(1_770_080_409), 1_770_080_409_000);
    let secrets = only("key");
    for timestamp in ["1770080409", "1770080409123"] {
        let digest = hex(&secrets.newest().digest(&[timestamp.as_bytes(), b".", b"{}"]));
        let podium = Podium(vec![(PODIUM_TIMESTAMP, timestamp.to_owned()), (PODIUM_SIGNATURE, digest)]);
        let got = podium.verify(&secrets, &[PodiumScheme::Published], FIVE_MINUTES, b"{}", NOW_MS);
        assert_eq!(got.map(|v| v.verified.freshness), Ok(Freshness::Fresh));
    }
}

#[test]
fn the_parts_of_a_t_v1_header_may_come_in_any_order_but_only_once() {
    let secrets = only("key");
    let t = NOW_MS / 1000;
    let digest = hex(&secrets.newest().digest(&[t.to_string().as_bytes(), b".", b"{}"]));
    let verify = |header: String| {
        let podium = Podium(vec![(PODIUM_X_SIGNATURE, header)]);
        podium.verify(&secrets, &[PodiumScheme::BriefTV1], FIVE_MINUTES, b"{}", NOW_MS).map(|_| ())
    };
    for good in [format!("t={t},v1={digest}"), format!("v1={digest},t={t}"), format!("t={t}, v0=ignored, v1={digest}")]
    {
        assert_eq!(verify(good), Ok(()));
    }
    for bad in [
        format!("t={t}"),
        format!("v1={digest}"),
        format!("t={t},t={t},v1={digest}"),
        format!("t={t},v1={digest},v1={digest}"),
        format!("t={t};v1={digest}"),
        "t=,v1=".to_owned(),
        ",".to_owned(),
    ] {
        assert_eq!(verify(bad.clone()), Err(SignatureError::BadFormat), "{bad}");
    }
}

#[test]
fn a_secret_of_nothing_cannot_be_made() {
    for nothing in ["", " ", "\n", " \t\r\n", "\u{a0}"] {
        let refused = Secret::new("SHOPIFY_WEBHOOK_SECRET", nothing).unwrap_err();
        assert_eq!(refused.to_string(), "the secret SHOPIFY_WEBHOOK_SECRET is empty");
    }
    assert_eq!(secret(" padded ").expose(), " padded ");
}

#[test]
fn a_secret_is_never_printed() {
    let rotating = LiveSecrets::rotating(secret("hunter2"), Some(secret("hunter1")));
    let printed = format!("{rotating:?}");
    assert!(!printed.contains("hunter"), "{printed}");
    assert!(printed.contains("Secret(***)"), "{printed}");
    assert_eq!(secret("a"), secret("a"));
    assert_ne!(secret("a"), secret("b"));
    assert_ne!(secret("a"), secret("aa"));
}

#[test]
fn codes_are_stable() {
    for (error, code, reason) in [
        (SignatureError::MissingHeader("x"), "ERR_WHK_001", "missing_signature_header"),
        (SignatureError::Mismatch, "ERR_WHK_002", "signature_mismatch"),
        (SignatureError::Stale, "ERR_WHK_003", "replay_window_exceeded"),
        (SignatureError::BadFormat, "ERR_WHK_012", "signature_format_invalid"),
    ] {
        assert_eq!((error.code(), error.reason()), (code, reason));
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

/// Bytes, and such text as headers do hold.
fn header() -> impl Strategy<Value = Option<Vec<u8>>> {
    let text = prop_oneof![
        2 => bytes(),
        1 => "[0-9]{0,20}".prop_map(String::into_bytes),
        1 => "(sha256=)?[0-9a-fA-F]{62,66}".prop_map(String::into_bytes),
        1 => "t=[0-9e.+-]{0,20},v1=[0-9a-f]{63,65}".prop_map(String::into_bytes),
        1 => "[A-Za-z0-9+/]{43}=".prop_map(String::into_bytes),
    ];
    prop::option::of(text)
}

proptest! {
    /// One flipped bit anywhere in the body, the key or the signature, and nothing verifies.
    #[test]
    fn any_changed_byte_breaks_every_signature(
        body in prop::collection::vec(any::<u8>(), 1..200),
        key in "[!-~]{1,80}",
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let secrets = only(&key);
        let mut other = body.clone();
        other[at.index(body.len())] ^= flip;

        let shopify = value_of(&sign_shopify(secrets.newest(), &body), SHOPIFY_SIGNATURE).unwrap();
        prop_assert!(verify_shopify(&secrets, Some(shopify.as_bytes()), &body).is_ok());
        prop_assert_eq!(
            verify_shopify(&secrets, Some(shopify.as_bytes()), &other),
            Err(SignatureError::Mismatch)
        );
        let mut forged = shopify.into_bytes();
        let place = at.index(forged.len());
        forged[place] ^= flip;
        prop_assert!(verify_shopify(&secrets, Some(&forged), &body).is_err());

        let chatwoot = sign_chatwoot(secrets.newest(), &body, NOW_MS);
        let timestamp = value_of(&chatwoot, CHATWOOT_TIMESTAMP).unwrap();
        let signature = value_of(&chatwoot, CHATWOOT_SIGNATURE).unwrap();
        let check = |body: &[u8]| verify_chatwoot(
            &secrets, FIVE_MINUTES, Some(timestamp.as_bytes()), Some(signature.as_bytes()), body, NOW_MS,
        );
        prop_assert!(check(&body).is_ok());
        prop_assert_eq!(check(&other), Err(SignatureError::Mismatch));

        for scheme in PodiumScheme::ALL {
            let podium = Podium(sign_podium(secrets.newest(), scheme, &body, NOW_MS));
            let check = |body: &[u8]| podium.verify(&secrets, &PodiumScheme::ALL, FIVE_MINUTES, body, NOW_MS);
            let undated_digits = scheme == PodiumScheme::BriefBody && starts_like_a_timestamp(&body);
            prop_assert_eq!(check(&body).is_ok(), !undated_digits);
            prop_assert_eq!(check(&other), Err(SignatureError::Mismatch));
        }
    }

    /// The timestamp is signed: another one, still in the window, does not verify.
    #[test]
    fn a_changed_timestamp_breaks_the_signature(body in bytes(), later_ms in 1..300_000_i64) {
        let secrets = only("key");
        let mut headers = sign_podium(secrets.newest(), PodiumScheme::Published, &body, NOW_MS);
        headers[0].1 = (NOW_MS + later_ms).to_string();
        let got = Podium(headers).verify(&secrets, &[PodiumScheme::Published], FIVE_MINUTES, &body, NOW_MS);
        prop_assert_eq!(got, Err(SignatureError::Mismatch));
    }

    /// Whatever the headers hold: an error, no panic, and never a pass.
    #[test]
    fn no_header_panics_or_passes(
        timestamp in header(), signature in header(), x_signature in header(), body in bytes(), now_ms in any::<i64>(),
    ) {
        let secrets = LiveSecrets::rotating(secret("one"), Some(secret("two")));
        let headers = PodiumHeaders {
            timestamp: timestamp.as_deref(),
            signature: signature.as_deref(),
            x_signature: x_signature.as_deref(),
        };
        prop_assert!(verify_podium(&secrets, &PodiumScheme::ALL, LENIENT, headers, &body, now_ms).is_err());
        prop_assert!(verify_shopify(&secrets, signature.as_deref(), &body).is_err());
        prop_assert!(verify_chatwoot(
            &secrets, LENIENT, timestamp.as_deref(), signature.as_deref(), &body, now_ms,
        ).is_err());
    }

    /// The hex form reads back, in either case.
    #[test]
    fn hex_reads_back(digest in any::<[u8; 32]>()) {
        prop_assert_eq!(hex_digest(hex(&digest).as_bytes()), Ok(digest));
        prop_assert_eq!(hex_digest(hex(&digest).to_uppercase().as_bytes()), Ok(digest));
    }
}
