//! Signed deliveries, written as lines of headers, an empty line and the body; any byte may stand in any of them.
//!
//! Promises: what counts as signed carries exactly the digest that its scheme prescribes, computed here a second time;
//! one other byte in the body, and it does not count; and whoever cannot sign leaves no trace in any table (G7).

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use frontdesk_core::{
    flow::ingest::{Answer, Ingest, IngestRules, Request, SecretSource, ShopifyEndpoint},
    queue::{EventQueue, QueueError, Wake},
    shopify,
    signature::{
        CHATWOOT_SIGNATURE, CHATWOOT_TIMESTAMP, LiveSecrets, Matched, PODIUM_SIGNATURE, PODIUM_TIMESTAMP,
        PODIUM_X_SIGNATURE, PodiumHeaders, PodiumScheme, ReplayWindow, SHOPIFY_SIGNATURE, Secret, StalePolicy,
        verify_chatwoot, verify_podium, verify_shopify,
    },
    time::{DAY, UnixMillis},
};
use frontdesk_testkit::{
    clock::{CountingIds, ManualClock},
    model::ModelStore,
    recorder::Recorder,
    shop,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{Samples, Target, ready, samples::Signed};

pub(crate) const TARGET: Target = Target {
    name: "signature_headers",
    bytes_max: 6_000,
    words: &[
        "x-shopify-hmac-sha256: ",
        "podium-timestamp: ",
        "podium-signature: ",
        "x-podium-signature: ",
        "x-chatwoot-timestamp: ",
        "x-chatwoot-signature: ",
        "X-Shopify-Hmac-SHA256: ",
        "x-shopify-webhook-id: ",
        "x-shopify-shop-domain: ",
        "sha256=",
        "t=",
        ",v1=",
        "\n\n",
        "\n",
        "=",
        "1770080409123",
        "1780300006",
        "9223372036854775807",
        "-1",
        "\u{ff}",
    ],
    seeds,
    run,
};

/// The fictional secrets of the sample deliveries.
const SECRETS: [&str; 3] =
    ["example-client-secret-not-real", "whsec_example_podium_not_a_real_secret", "fictionalSecret24charsXYZ"];
const PODIUM_NOW_MS: i64 = 1_770_080_409_123;
const CHATWOOT_NOW_MS: i64 = 1_780_300_006_000;

fn seeds(samples: &Samples) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = samples
        .signed
        .iter()
        .map(|delivery| {
            let mut seed = Vec::new();
            for (name, value) in &delivery.headers {
                seed.extend(format!("{name}: {value}\n").bytes());
            }
            seed.push(b'\n');
            seed.extend(&delivery.body);
            seed
        })
        .collect();
    seeds.push(b"X-SHOPIFY-HMAC-SHA256: a\nx-shopify-hmac-sha256: b\nx-shopify-webhook-id: \xff\xfe\n\n{}".to_vec());
    seeds.push(b"x-podium-signature: t=1,t=2,v1=00\n\n1.{}".to_vec());
    seeds.extend(samples.signed.iter().filter_map(replayed_under_another_scheme));
    seeds
}

/// A dated delivery as whoever recorded it could send it again at any time: what was signed as the body, and the signature
/// in the header of the scheme that signs the body alone.
fn replayed_under_another_scheme(delivery: &Signed) -> Option<Vec<u8>> {
    let value = |name: &str| delivery.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value);
    let head = format!("{PODIUM_X_SIGNATURE}: {}\n\n{}.", value(PODIUM_SIGNATURE)?, value(PODIUM_TIMESTAMP)?);
    Some([head.as_bytes(), &delivery.body].concat())
}

/// Headers and body, as far as the input can be read so.
struct Delivery<'a> {
    headers: Vec<(&'a str, &'a [u8])>,
    body: &'a [u8],
}

impl<'a> Delivery<'a> {
    fn read(data: &'a [u8]) -> Self {
        let mut headers = Vec::new();
        let mut rest = data;
        while let Some(end) = rest.iter().position(|&b| b == b'\n') {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|&b| b == b':').unwrap_or(line.len());
            let name = std::str::from_utf8(&line[..colon]).unwrap_or_default();
            let value = line.get(colon + 1..).unwrap_or_default();
            headers.push((name, value.strip_prefix(b" ").unwrap_or(value)));
        }
        Self { headers, body: rest }
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        Request { headers: &self.headers, body: self.body }.header(name)
    }
}

fn secrets(current: usize) -> LiveSecrets {
    let secret = |n: usize| Secret::new("fuzz", SECRETS[n % SECRETS.len()]).unwrap();
    LiveSecrets::rotating(secret(current), Some(secret(current + 1)))
}

/// The digest once more, without the code under test.
fn digest(secrets: &LiveSecrets, matched: Matched, parts: &[&[u8]]) -> [u8; 32] {
    let secret = match matched {
        Matched::Current => secrets.newest(),
        Matched::Previous => secrets.previous().unwrap(),
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(header: Option<&[u8]>) -> String {
    String::from_utf8_lossy(header.unwrap()).into_owned()
}

fn lower(header: Option<&[u8]>) -> String {
    text(header).to_ascii_lowercase()
}

fn other(body: &[u8]) -> Vec<u8> {
    let mut other = body.to_vec();
    match other.first_mut() {
        Some(byte) => *byte ^= 1,
        None => other.push(b' '),
    }
    other
}

fn run(data: &[u8]) {
    let delivery = Delivery::read(data);
    shopify(&delivery);
    podium(&delivery);
    chatwoot(&delivery);
    ingest(&delivery);
}

fn shopify(delivery: &Delivery<'_>) {
    let secrets = secrets(0);
    let header = delivery.header(SHOPIFY_SIGNATURE);
    if let Ok(verified) = verify_shopify(&secrets, header, delivery.body) {
        assert_eq!(BASE64.decode(header.unwrap()).unwrap(), digest(&secrets, verified.matched, &[delivery.body]));
        assert!(verify_shopify(&secrets, header, &other(delivery.body)).is_err(), "another body counts as signed");
    }
}

fn podium(delivery: &Delivery<'_>) {
    let secrets = secrets(1);
    let headers = PodiumHeaders {
        timestamp: delivery.header(PODIUM_TIMESTAMP),
        signature: delivery.header(PODIUM_SIGNATURE),
        x_signature: delivery.header(PODIUM_X_SIGNATURE),
    };
    for stale in [StalePolicy::Accept, StalePolicy::Reject] {
        let window = ReplayWindow { window_s: 300, stale };
        let verify = |body: &[u8]| verify_podium(&secrets, &PodiumScheme::ALL, window, headers, body, PODIUM_NOW_MS);
        let Ok(verified) = verify(delivery.body) else { continue };
        let matched = verified.verified.matched;
        match verified.scheme {
            PodiumScheme::Published => {
                let expected = hex(digest(&secrets, matched, &[headers.timestamp.unwrap(), b".", delivery.body]));
                assert_eq!(lower(headers.signature).trim_start_matches("sha256="), expected);
            }
            PodiumScheme::BriefBody => {
                let digits = delivery.body.iter().take_while(|b| b.is_ascii_digit()).count();
                assert!(digits == 0 || delivery.body.get(digits) != Some(&b'.'), "a dated delivery counts undated");
                let expected = hex(digest(&secrets, matched, &[delivery.body]));
                assert_eq!(lower(headers.x_signature).trim_start_matches("sha256="), expected);
            }
            PodiumScheme::BriefTV1 => {
                let header = text(headers.x_signature);
                let value = |key: &str| {
                    header.split(',').find_map(|part| part.trim_ascii().strip_prefix(key)).unwrap().to_owned()
                };
                let expected = hex(digest(&secrets, matched, &[value("t=").as_bytes(), b".", delivery.body]));
                assert_eq!(value("v1=").to_ascii_lowercase(), expected);
            }
        }
        assert!(verify(&other(delivery.body)).is_err(), "another body counts as signed");
    }
}

fn chatwoot(delivery: &Delivery<'_>) {
    let secrets = secrets(2);
    let (timestamp, signature) = (delivery.header(CHATWOOT_TIMESTAMP), delivery.header(CHATWOOT_SIGNATURE));
    let window = ReplayWindow { window_s: 300, stale: StalePolicy::Accept };
    let verify = |body: &[u8]| verify_chatwoot(&secrets, window, timestamp, signature, body, CHATWOOT_NOW_MS);
    if let Ok(verified) = verify(delivery.body) {
        let expected = hex(digest(&secrets, verified.matched, &[timestamp.unwrap(), b".", delivery.body]));
        assert_eq!(lower(signature), format!("sha256={expected}"));
        assert!(verify(&other(delivery.body)).is_err(), "another body counts as signed");
    }
}

struct House;

impl SecretSource for House {
    async fn live(&self) -> LiveSecrets {
        secrets(0)
    }

    async fn look_again(&self) -> Option<LiveSecrets> {
        Some(secrets(0))
    }
}

impl EventQueue for House {
    async fn enqueue(&self, _: &[Wake]) -> Result<(), QueueError> {
        Ok(())
    }
}

/// The whole way in: headers of any form, body of any form.
fn ingest(delivery: &Delivery<'_>) {
    let (store, telemetry) = (ModelStore::default(), Recorder::default());
    let endpoint = ShopifyEndpoint { shop: shop::shop() };
    let ingest = Ingest {
        endpoint: &endpoint,
        store: &store,
        queue: &House,
        secrets: &House,
        clock: &ManualClock::at(UnixMillis::new(CHATWOOT_NOW_MS)),
        ids: &CountingIds::default(),
        telemetry: &telemetry,
        rules: IngestRules { body_bytes_max: 4_096, keep: DAY },
    };
    let request = Request { headers: &delivery.headers, body: delivery.body };
    let answer = ready(ingest.handle(&request));
    let (writes, rows) = store.look(|tables| (tables.writes, tables.inbox.len()));
    match answer {
        Answer::BadSignature(_) | Answer::TooLarge => assert_eq!((writes, rows), (0, 0), "{answer:?} wrote something"),
        Answer::Accepted | Answer::Rejected => {
            let news =
                shopify::parse(delivery.body).map(|event| shopify::opt_outs(&event, UnixMillis::new(CHATWOOT_NOW_MS)));
            let opt_outs = news.map_or(0, |changes| changes.len() as u64);
            // What another shop says is kept for people, and counts for nothing else.
            let expected = if answer == Answer::Accepted { 1 + opt_outs } else { 1 };
            assert_eq!((writes, rows), (expected, 1), "{answer:?} wrote otherwise than the event and its opt-outs");
        }
        Answer::Duplicate | Answer::Mismatch | Answer::NotStored | Answer::Ignored(_) => {
            panic!("{answer:?} by an empty store")
        }
    }
    assert_eq!(answer == Answer::TooLarge, delivery.body.len() > 4_096);
}
