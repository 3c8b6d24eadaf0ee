//! A bucket of S3 for what customers send along, by presigned addresses.
//!
//! The files never pass through a function: a browser puts each by an address that is signed for one key, one length and
//! one type, and S3 refuses the signature if anything else comes. We ourselves only ask what lies there. That nothing does
//! S3 tells only those who may list the bucket; all others hear 403, and that stays an error here.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningParams, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, SharedHttpConnector},
        identity::Identity,
    },
    http::{Request, Response},
};
use aws_smithy_types::body::SdkBody;
use frontdesk_core::{
    provider::{NotDone, Provider},
    time::{Clock, UnixMillis},
    upload::{UploadKey, UploadOffer, UploadedFile, Uploads},
};

use crate::{failure, process::SystemClock, start::Timing};

/// How long a browser has to begin putting a file.
const OFFERED_FOR: Duration = Duration::from_secs(15 * 60);
/// How long a file can be loaded by one address.
const LINKED_FOR: Duration = Duration::from_secs(5 * 60);
/// How long our own question is good: longer than all its attempts, and than the clocks may differ.
const ASKED_FOR: Duration = Duration::from_secs(60);
/// Characters kept of a file's name.
const NAME_CHARS_MAX: usize = 150;

/// How S3 is reached, by whom.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    /// Where it answers instead of on AWS.
    pub(crate) endpoint: Option<String>,
    pub(crate) region: String,
    pub(crate) credentials: Credentials,
    pub(crate) connector: SharedHttpConnector,
    pub(crate) timing: Timing,
}

/// A bucket, or none.
#[derive(Clone, Debug)]
pub struct S3Uploads<C = SystemClock> {
    /// The address before the key; `None` without a bucket.
    base: Option<String>,
    region: String,
    identity: Identity,
    connector: SharedHttpConnector,
    timing: Timing,
    /// For our own questions; what is given to others is dated by who asks for it.
    clock: C,
}

/// What an address is for.
struct Deed<'a> {
    method: &'static str,
    key: &'a UploadKey,
    /// Headers that have to be sent exactly so.
    headers: &'a [(&'a str, &'a str)],
    /// What S3 is asked to do besides; names are plain, values are not.
    query: Option<(&'static str, &'a str)>,
    now: UnixMillis,
    valid_for: Duration,
}

/// Why S3 did not say what lies there.
enum Trouble {
    /// It may at the next attempt.
    Again(String),
    /// It will not.
    Final(String),
}

impl<C> S3Uploads<C> {
    /// The bucket of this name.
    #[must_use]
    pub(crate) fn new(storage: Storage, bucket: Option<&str>, clock: C) -> Self {
        let Storage { endpoint, region, credentials, connector, timing } = storage;
        let base = bucket.map(|bucket| match &endpoint {
            // Elsewhere no host is named after the bucket.
            Some(endpoint) => format!("{}/{bucket}/", endpoint.trim_end_matches('/')),
            None => format!("https://{bucket}.s3.{region}.amazonaws.com/"),
        });
        Self { base, region, identity: credentials.into(), connector, timing, clock }
    }

    /// A presigned address.
    fn address(&self, deed: &Deed<'_>) -> Result<String, NotDone> {
        let base = self.base.as_ref().ok_or_else(|| unavailable("no bucket is set up"))?;
        let mut url = format!("{base}{}", encoded(deed.key.as_str(), true));
        let mut separator = '?';
        let mut add = |url: &mut String, name: &str, value: &str| {
            // Writing into a text cannot fail.
            let _ = write!(url, "{separator}{name}={}", encoded(value, false));
            separator = '&';
        };
        if let Some((name, value)) = deed.query {
            add(&mut url, name, value);
        }
        let unsigned = |_| unavailable("the address could not be signed");
        let mut settings = SigningSettings::default();
        // S3 takes a key as it is, encoded once.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(deed.valid_for);
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_millis(deed.now.get().try_into().unwrap_or_default()))
            .settings(settings)
            .build()
            .map_err(|_| unavailable("the address could not be signed"))?;
        let params = SigningParams::from(params);
        let headers = deed.headers.iter().copied();
        let request = SignableRequest::new(deed.method, url.as_str(), headers, SignableBody::UnsignedPayload);
        let (signature, _) = sign(request.map_err(unsigned)?, &params).map_err(unsigned)?.into_parts();
        for (name, value) in signature.params() {
            add(&mut url, name, value);
        }
        Ok(url)
    }

    async fn head(&self, url: &str) -> Result<Option<UploadedFile>, Trouble> {
        let unusable = |_| Trouble::Final("the request could not be built".to_owned());
        let mut request = Request::new(SdkBody::empty());
        request.set_method("HEAD").map_err(unusable)?;
        request.set_uri(url).map_err(unusable)?;
        match tokio::time::timeout(self.timing.attempt, self.connector.call(request)).await {
            Err(_) => Err(Trouble::Again("no answer in time".to_owned())),
            Ok(Err(error)) => Err(Trouble::Again(failure::chain(&error))),
            Ok(Ok(answer)) => read(&answer),
        }
    }
}

impl<C: Clock> Uploads for S3Uploads<C> {
    fn is_open(&self) -> bool {
        self.base.is_some()
    }

    async fn offer(&self, key: &UploadKey, bytes: u64, mime: &str, now: UnixMillis) -> Result<UploadOffer, NotDone> {
        let length = bytes.to_string();
        let headers = [("content-length", length.as_str()), ("content-type", mime)];
        let url =
            self.address(&Deed { method: "PUT", key, headers: &headers, query: None, now, valid_for: OFFERED_FOR });
        // The signature is dated in whole seconds.
        let signed_at = UnixMillis::new(now.get().div_euclid(1000).saturating_mul(1000));
        Ok(UploadOffer {
            url: url?,
            headers: vec![("content-type".to_owned(), mime.to_owned())],
            expires_at: signed_at.plus(OFFERED_FOR),
        })
    }

    async fn look(&self, key: &UploadKey) -> Result<Option<UploadedFile>, NotDone> {
        let now = self.clock.now();
        let url = self.address(&Deed { method: "HEAD", key, headers: &[], query: None, now, valid_for: ASKED_FOR })?;
        let asked = async {
            let mut tried = 1;
            loop {
                match self.head(&url).await {
                    Ok(found) => return Ok(found),
                    Err(Trouble::Again(_)) if tried < self.timing.attempts => {
                        tokio::time::sleep(self.timing.backoff).await;
                        tried += 1;
                    }
                    Err(Trouble::Again(detail) | Trouble::Final(detail)) => return Err(unavailable(&detail)),
                }
            }
        };
        tokio::time::timeout(self.timing.call, asked).await.unwrap_or_else(|_| Err(unavailable("no answer in time")))
    }

    async fn link(&self, key: &UploadKey, file_name: &str, now: UnixMillis) -> Result<String, NotDone> {
        let disposition = attachment(file_name);
        let query = Some(("response-content-disposition", disposition.as_str()));
        self.address(&Deed { method: "GET", key, headers: &[], query, now, valid_for: LINKED_FOR })
    }
}

/// What S3 says of a file.
fn read(answer: &Response) -> Result<Option<UploadedFile>, Trouble> {
    let status = answer.status().as_u16();
    match status {
        200 => {
            let length = answer.headers().get("content-length").and_then(|length| length.parse().ok());
            let bytes = length.ok_or_else(|| Trouble::Final("an answer without a length".to_owned()))?;
            Ok(Some(UploadedFile { bytes, mime: answer.headers().get("content-type").map(str::to_owned) }))
        }
        404 => Ok(None),
        429 | 500.. => Err(Trouble::Again(format!("status {status}"))),
        _ => Err(Trouble::Final(format!("status {status}"))),
    }
}

fn unavailable(detail: &str) -> NotDone {
    NotDone::unavailable(Provider::Uploads, detail)
}

/// Has a browser save what it loads, under this name (RFC 6266): once as every program reads it, once as it is.
fn attachment(file_name: &str) -> String {
    let shown = |c: char| if c.is_control() || matches!(c, '/' | '\\') { '_' } else { c };
    let name: String = file_name.trim().chars().map(shown).take(NAME_CHARS_MAX).collect();
    let name = if name.is_empty() { "file" } else { &name };
    let plain = |c: char| if (c.is_ascii_graphic() && !matches!(c, '"' | '%')) || c == ' ' { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", encoded(name, false))
}

/// A text in percent codes, as signatures want it: all but letters, digits and `-._~`. A path keeps its slashes.
fn encoded(text: &str, path: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') || (path && c == '/') {
            encoded.push(c);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector;

    /// Of AWS's documentation.
    const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    /// 2013-05-24T00:00:00Z
    const THEN: UnixMillis = UnixMillis::new(1_369_353_600_000);

    fn storage(endpoint: Option<&str>, token: Option<&str>) -> Storage {
        let timing = Timing::default();
        Storage {
            endpoint: endpoint.map(str::to_owned),
            region: "us-east-1".into(),
            credentials: Credentials::new(KEY_ID, SECRET, token.map(str::to_owned), None, "test"),
            connector: connector::connector(None, &timing).unwrap(),
            timing,
        }
    }

    fn bucket(token: Option<&str>) -> S3Uploads {
        S3Uploads::new(storage(None, token), Some("examplebucket"), SystemClock)
    }

    fn key(text: &str) -> UploadKey {
        UploadKey::from_stored(text)
    }

    /// The parameters of an address, as they stand in it.
    fn parameter<'u>(url: &'u str, name: &str) -> Option<&'u str> {
        let (_, query) = url.split_once('?').unwrap();
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The example of "Authenticating Requests: Using Query Parameters" in the API reference of S3.
    #[test]
    fn awss_own_example_has_awss_own_signature() {
        let base = Some("https://examplebucket.s3.amazonaws.com/".to_owned());
        let bucket = S3Uploads { base, ..bucket(None) };
        let valid_for = Duration::from_secs(86_400);
        let deed = Deed { method: "GET", key: &key("test.txt"), headers: &[], query: None, now: THEN, valid_for };
        let url = bucket.address(&deed).unwrap();
        assert_eq!(
            parameter(&url, "X-Amz-Signature"),
            Some("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
            "{url}"
        );
        assert!(url.starts_with("https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&"));
        assert_eq!(
            parameter(&url, "X-Amz-Credential"),
            Some("AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request")
        );
    }

    #[tokio::test]
    async fn an_offer_binds_length_and_type_for_a_quarter_of_an_hour() {
        let offer = async |bytes: u64, mime: &str| {
            bucket(Some("a/token+1")).offer(&key("uploads/1"), bytes, mime, THEN.plus(Duration::from_millis(999))).await
        };
        let png = offer(7, "image/png").await.unwrap();
        assert!(png.url.starts_with("https://examplebucket.s3.us-east-1.amazonaws.com/uploads/1?"), "{}", png.url);
        assert_eq!(parameter(&png.url, "X-Amz-SignedHeaders"), Some("content-length%3Bcontent-type%3Bhost"));
        assert_eq!(parameter(&png.url, "X-Amz-Expires"), Some("900"));
        assert_eq!(parameter(&png.url, "X-Amz-Date"), Some("20130524T000000Z"));
        assert_eq!(parameter(&png.url, "X-Amz-Security-Token"), Some("a%2Ftoken%2B1"));
        assert_eq!(png.headers, [("content-type".to_owned(), "image/png".to_owned())]);
        assert_eq!(png.expires_at, THEN.plus(OFFERED_FOR));
        let signature = |offer: &UploadOffer| parameter(&offer.url, "X-Amz-Signature").unwrap().to_owned();
        for other in [offer(8, "image/png").await.unwrap(), offer(7, "image/gif").await.unwrap()] {
            assert_ne!(signature(&other), signature(&png));
        }
        let unsigned = offer(7, "image/png\r\nx: y").await.unwrap_err();
        assert_eq!(unsigned, unavailable("the address could not be signed"));
    }

    #[tokio::test]
    async fn a_link_has_the_file_saved_under_its_name() {
        let link = bucket(None).link(&key("uploads/a b\u{fc}"), "Caf\u{e9} \"1\".png", THEN).await.unwrap();
        assert!(link.starts_with("https://examplebucket.s3.us-east-1.amazonaws.com/uploads/a%20b%C3%BC?"), "{link}");
        assert_eq!(
            parameter(&link, "response-content-disposition"),
            Some(
                "attachment%3B%20filename%3D%22Caf_%20_1_.png%22%3B%20filename%2A%3DUTF-8%27%27Caf%25C3%25A9%2520%25221%2522.png"
            )
        );
        assert_eq!(parameter(&link, "X-Amz-Expires"), Some("300"));
        assert_eq!(parameter(&link, "X-Amz-SignedHeaders"), Some("host"));
        assert_eq!(parameter(&link, "X-Amz-Security-Token"), None);
    }

    #[test]
    fn a_name_is_one_header_and_no_path() {
        for (name, expected) in [
            ("a.png", "attachment; filename=\"a.png\"; filename*=UTF-8''a.png"),
            ("../a\\b\r\n\"c%.png", "attachment; filename=\".._a_b___c_.png\"; filename*=UTF-8''.._a_b__%22c%25.png"),
            (" ", "attachment; filename=\"file\"; filename*=UTF-8''file"),
            ("", "attachment; filename=\"file\"; filename*=UTF-8''file"),
        ] {
            assert_eq!(attachment(name), expected, "{name:?}");
        }
        assert!(attachment(&"\u{1f600}".repeat(500)).len() < 2_500);
    }

    #[tokio::test]
    async fn elsewhere_the_bucket_is_in_the_path() {
        let elsewhere = S3Uploads::new(storage(Some("http://127.0.0.1:4566/"), None), Some("b"), SystemClock);
        let link = elsewhere.link(&key("uploads/1"), "a", THEN).await.unwrap();
        assert!(link.starts_with("http://127.0.0.1:4566/b/uploads/1?"), "{link}");
        assert!(elsewhere.is_open());
    }

    #[tokio::test]
    async fn without_a_bucket_nothing_is_offered() {
        let none = S3Uploads::new(storage(None, None), None, SystemClock);
        assert!(!none.is_open());
        let (key, expected) = (key("uploads/1"), unavailable("no bucket is set up"));
        assert_eq!(none.offer(&key, 1, "image/png", THEN).await, Err(expected.clone()));
        assert_eq!(none.look(&key).await, Err(expected.clone()));
        assert_eq!(none.link(&key, "a", THEN).await, Err(expected));
    }

    #[test]
    fn no_secret_is_in_any_debug_output() {
        let shown = format!("{:?} {:?}", bucket(Some("the-token")), storage(None, Some("the-token")));
        assert!(!shown.contains(SECRET) && !shown.contains("the-token"), "{shown}");
    }
}
