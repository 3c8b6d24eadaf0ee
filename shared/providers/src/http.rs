//! The one way out of the house: a client for all providers, and what it means when a call does not come back.

use std::{error::Error as _, net::IpAddr, sync::Arc, time::Duration};

use frontdesk_core::{
    config::HttpConfig, gate::PERMIT_LIFE, provider::NotDone, provider::Provider, retry::RetryAfter, time::UnixMillis,
};
use reqwest::{
    Client, ClientBuilder, RequestBuilder, Response, Url,
    header::{self, HeaderMap, HeaderName},
};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::SetupError;

/// A longer answer is not read to its end; no answer that these clients ask for comes near it.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How long a connection waits for its next call. A Lambda that was frozen wakes up with connections that the other side
/// has closed meanwhile; this is short enough that most of them are dropped unused.
const IDLE: Duration = Duration::from_secs(5);

/// A provider that says "wait 0 s" is still left alone for a moment, or the queue would turn like a mill.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

const CONNECT_TIMEOUT: &str = "FRONTDESK_CONNECT_TIMEOUT_MS";

/// Speaks HTTPS for all providers. Cheap to clone; the clones share their connections.
///
/// TLS is rustls with ring and Mozilla's roots compiled in: the system's store would cost a millisecond at every start.
/// Proxies from the environment are not used, because nothing but the settings may decide where credentials go, and
/// redirects are not followed for the same reason.
#[derive(Clone, Debug)]
pub struct Http {
    pooled: Client,
    unpooled: Client,
    connect_timeout: Duration,
    timeout: Duration,
    retry_after: RetryAfter,
}

/// Whether somebody would notice if a call were made twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Reading, and what only we see.
    Nobody,
    /// A text on somebody's phone.
    Customer,
}

impl Http {
    /// Builds the client.
    ///
    /// # Errors
    /// [`SetupError`] when the connect timeout is not shorter than the whole call's (a call that dies while connecting
    /// certainly did not happen, and must not be mistaken for one that died later), or eats up a permit's life.
    pub fn new(config: &HttpConfig) -> Result<Self, SetupError> {
        if config.connect_timeout >= config.timeout {
            return Err(SetupError::new(CONNECT_TIMEOUT, "must be shorter than FRONTDESK_CALL_TIMEOUT_MS"));
        }
        if config.connect_timeout > PERMIT_LIFE / 2 {
            let most = (PERMIT_LIFE / 2).as_millis();
            return Err(SetupError::new(
                CONNECT_TIMEOUT,
                format!("must not exceed {most}, half the life of a permit to send"),
            ));
        }
        let tls = tls()?;
        Ok(Self {
            pooled: build(builder(config, tls.clone()).pool_idle_timeout(IDLE))?,
            unpooled: build(builder(config, tls).pool_max_idle_per_host(0))?,
            connect_timeout: config.connect_timeout,
            timeout: config.timeout,
            retry_after: config.retry_after,
        })
    }

    /// The client for a call.
    ///
    /// What a customer would notice never goes over a connection that was used before: if the other side had closed it,
    /// the call would end with nobody knowing whether it happened. A new one costs a resumed handshake.
    pub(crate) fn client(&self, notice: Notice) -> &Client {
        match notice {
            Notice::Nobody => &self.pooled,
            Notice::Customer => &self.unpooled,
        }
    }

    /// The longest that a whole call may take.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The latest moment at which the first byte of a call made at `now` can leave.
    pub(crate) fn leaves_by(&self, now: UnixMillis) -> UnixMillis {
        now.plus(self.connect_timeout)
    }

    /// How long somebody who asks to be left alone is left alone; `value` is the header's.
    pub(crate) fn wait(&self, value: Option<&str>, now: UnixMillis) -> Duration {
        self.bounded(self.retry_after.read(value, now))
    }

    /// What a provider that asks to be left alone gets.
    pub(crate) fn throttled(&self, provider: Provider, wait: Option<&str>, now: UnixMillis) -> NotDone {
        NotDone::Throttled { provider, wait: self.wait(wait, now) }
    }

    /// The same, for a provider that says in another way how long.
    pub(crate) fn throttled_for(&self, provider: Provider, wait: Option<Duration>) -> NotDone {
        NotDone::Throttled { provider, wait: self.bounded(wait.unwrap_or(self.retry_after.default)) }
    }

    fn bounded(&self, wait: Duration) -> Duration {
        wait.max(SHORTEST_WAIT).min(self.retry_after.cap.max(SHORTEST_WAIT))
    }
}

fn builder(config: &HttpConfig, tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(config.connect_timeout)
        .timeout(config.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")))
}

fn build(builder: ClientBuilder) -> Result<Client, SetupError> {
    builder
        .build()
        .map_err(|error| SetupError::new("the HTTP client", format!("cannot be built: {}", innermost(&error))))
}

fn tls() -> Result<ClientConfig, SetupError> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::new("TLS", format!("cannot be set up: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Where a provider lives: HTTPS, or plain HTTP on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a URL with an optional path. `setting` is named in the error.
    ///
    /// # Errors
    /// [`SetupError`] for anything that would send credentials in the clear or that a path cannot be appended to.
    pub fn parse(setting: &'static str, text: &str) -> Result<Self, SetupError> {
        let url = address(setting, text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(SetupError::new(setting, "must end with its path: no '?' and no '#'"));
        }
        Ok(Self(url))
    }

    /// The URL itself.
    pub(crate) fn itself(&self) -> Url {
        self.0.clone()
    }

    /// The URL of `path`, which begins with a slash and holds nothing that needs encoding.
    pub(crate) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }
}

/// Reads a whole URL: HTTPS, or plain HTTP on this machine.
pub(crate) fn address(setting: &'static str, text: &str) -> Result<Url, SetupError> {
    let problem = |text: &str| SetupError::new(setting, text);
    let url = Url::parse(text.trim()).map_err(|error| problem(&format!("is not a URL: {error}")))?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" if !host.is_empty() => {}
        "http" if is_loopback(host) => {}
        "http" => return Err(problem("must begin with https:// (plain http only for this machine itself)")),
        _ => return Err(problem("must begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("must not hold a user name or password"));
    }
    Ok(url)
}

/// A text from outside as one segment of a path; `None` when it would be no segment of its own, but a way to leave.
pub(crate) fn segment(text: &str) -> Option<String> {
    (!matches!(text, "" | "." | "..")).then(|| escaped(text))
}

/// Escapes all but what never means anything in a path; a plus sign too, which some servers read as a space.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A call whose answer did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// No byte of it left: it certainly did not happen.
    BeforeSending(String),
    /// It may or may not have happened.
    AfterSending(String),
}

impl Lost {
    pub(crate) fn detail(self) -> String {
        match self {
            Self::BeforeSending(detail) | Self::AfterSending(detail) => detail,
        }
    }

    /// The client's own text is not used: it holds the URL, and the URL may hold a phone number.
    fn of(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            Self::BeforeSending("the request could not be built".into())
        } else if error.is_connect() {
            Self::BeforeSending(format!("no connection: {}", innermost(error)))
        } else if error.is_timeout() {
            Self::AfterSending("no answer in time".into())
        } else {
            Self::AfterSending("the connection was lost before the answer".into())
        }
    }
}

/// The root cause of a failed connection ("Connection refused", "invalid peer certificate"): no URL, no header.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    if error.source().is_none() {
        return "no cause given".into();
    }
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().chars().take(120).collect()
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) content_type: Option<String>,
    /// Or why it could not be read whole.
    body: Result<Vec<u8>, &'static str>,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it came whole, and there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.as_ref().is_ok_and(Vec::is_empty)
    }

    /// The body as JSON, or why there is none.
    pub(crate) fn json(&self) -> Result<Value, &'static str> {
        let body = self.body.as_ref().map_err(|why| *why)?;
        serde_json::from_slice(body).map_err(|_| "the answer is not JSON")
    }

    /// The body as text, or why there is none.
    pub(crate) fn text(&self) -> Result<&str, &'static str> {
        let body = self.body.as_ref().map_err(|why| *why)?;
        std::str::from_utf8(body).map_err(|_| "the answer is not text")
    }
}

/// The beginning of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: HeaderMap,
}

impl Head {
    /// A header that is there and is text.
    pub(crate) fn text(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Makes a call and reads no body, however long it is.
pub(crate) async fn head_of(request: RequestBuilder) -> Result<Head, Lost> {
    begin(request).await.map(|(head, _)| head)
}

/// Makes a call whose body is read later, or not at all.
pub(crate) async fn begin(request: RequestBuilder) -> Result<(Head, Response), Lost> {
    let mut response = request.send().await.map_err(|error| Lost::of(&error))?;
    Ok((Head { status: response.status().as_u16(), headers: std::mem::take(response.headers_mut()) }, response))
}

/// Makes a call.
pub(crate) async fn exchange(request: RequestBuilder) -> Result<Answer, Lost> {
    let (head, mut response) = begin(request).await?;
    let text = |name| head.text(name).map(str::to_owned);
    let (retry_after, content_type) = (text(header::RETRY_AFTER), text(header::CONTENT_TYPE));
    let body = read(&mut response, MAX_ANSWER_BYTES).await.map_err(Unread::why);
    Ok(Answer { status: head.status, retry_after, content_type, body })
}

/// Why a body could not be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge,
    Late,
    Cut,
}

impl Unread {
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::TooLarge => "the answer is too large",
            Self::Late => "the answer did not end in time",
            Self::Cut => "the answer was cut short",
        }
    }
}

/// Reads a body of at most `limit` bytes. What its host says of its length is not believed.
pub(crate) async fn read(response: &mut Response, limit: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > limit => return Err(Unread::TooLarge),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(Unread::Late),
            Err(_) => return Err(Unread::Cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_over_https_or_stay_on_this_machine() {
        for good in [
            "https://api.podium.com",
            "https://api.podium.com/",
            "http://127.0.0.1:8788/podium",
            "http://localhost:8788/shopify/",
            "http://[::1]:8788",
            "http://127.9.9.9",
        ] {
            assert!(BaseUrl::parse("X", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.podium.com",
            "http://api.podium.com",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "https://user:hunter2@api.podium.com",
            "https://api.podium.com/?a=hunter2",
            "https://api.podium.com/#a",
        ] {
            let error = BaseUrl::parse("PODIUM_API_URL", bad).unwrap_err().to_string();
            assert!(error.starts_with("PODIUM_API_URL ") && !error.contains("hunter2"), "{bad}: {error}");
        }
    }

    #[test]
    fn paths_are_appended_to_the_bases_own() {
        let at = |base: &str, path: &str| BaseUrl::parse("X", base).unwrap().at(path).to_string();
        assert_eq!(at("https://api.podium.com", "/v4/messages"), "https://api.podium.com/v4/messages");
        assert_eq!(
            at("http://127.0.0.1:8788/podium/", "/v4/contacts/%2B61"),
            "http://127.0.0.1:8788/podium/v4/contacts/%2B61"
        );
    }

    #[test]
    fn a_segment_stays_where_it_is_put() {
        let path = |text: &str| {
            let base = BaseUrl::parse("X", "https://api.podium.com").unwrap();
            segment(text).map(|segment| base.at(&format!("/v4/contacts/{segment}")).path().to_owned())
        };
        for (text, expected) in [
            ("+61491570156", "/v4/contacts/%2B61491570156"),
            ("a.b+c@example.com", "/v4/contacts/a.b%2Bc%40example.com"),
            ("../../oauth/token?x", "/v4/contacts/..%2F..%2Foauth%2Ftoken%3Fx"),
            ("%2e%2e", "/v4/contacts/%252e%252e"),
            ("ü\\", "/v4/contacts/%C3%BC%5C"),
            ("...", "/v4/contacts/..."),
        ] {
            assert_eq!(path(text).as_deref(), Some(expected), "{text}");
        }
        for none in ["", ".", ".."] {
            assert_eq!(path(none), None, "{none}");
        }
    }

    #[test]
    fn a_connect_timeout_that_could_be_mistaken_for_a_late_one_is_refused() {
        let config = |connect, total| HttpConfig {
            connect_timeout: Duration::from_millis(connect),
            timeout: Duration::from_millis(total),
            retry_after: RetryAfter { default: Duration::from_secs(60), cap: Duration::from_secs(120) },
        };
        assert!(Http::new(&config(3_000, 10_000)).is_ok());
        assert!(Http::new(&config(10_000, 10_000)).is_err());
        assert!(Http::new(&config(30_001, 60_000)).is_err());
    }
}
