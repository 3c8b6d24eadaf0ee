//! How large an attachment is, asked of the host that it lies on.
//!
//! The URL comes from outside, so this is the one place where somebody else could choose whom we call. Therefore only hosts
//! of a list are asked, redirects are followed by hand and against the same list, and nothing of ours goes along.

use frontdesk_core::{
    provider::{Measured, NotDone, Provider},
    time::Clock,
};
use reqwest::{Method, Url, header};

use crate::{
    Http, SetupError,
    http::{Head, Lost, Notice, head_of, is_loopback},
};

const SETTING: &str = "WEBCHAT_ATTACHMENT_HOSTS";
const REDIRECTS_MAX: u32 = 3;

/// The hosts that may be asked. None, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachmentHosts(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// This host, by HTTPS on its usual port.
    Host(String),
    /// The hosts whose names end with this, which begins with a dot.
    Below(String),
    /// A port of this machine, by plain HTTP.
    Local { host: String, port: u16 },
}

impl AttachmentHosts {
    /// Reads a list of hosts, separated by commas: `files.example.com`; `*.example.com` for all that end so, but not
    /// `example.com` itself; `http://127.0.0.1:8788` or `http://localhost:8788` for this machine.
    ///
    /// # Errors
    /// [`SetupError`] that names the entry that is none.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        let entries = text.split(',').map(str::trim).map(|entry| {
            let read = Entry::read(&entry.to_ascii_lowercase());
            read.ok_or_else(|| {
                let shown: String = entry.chars().take(80).collect();
                let problem = format!("names {shown:?}, which is no host like files.example.com or *.example.com");
                SetupError::new(SETTING, problem)
            })
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    fn allow(&self, url: &Url) -> bool {
        let plain = url.username().is_empty() && url.password().is_none();
        let Some(host) = url.host_str().filter(|_| plain) else { return false };
        self.0.iter().any(|entry| match (url.scheme(), entry) {
            ("https", Entry::Host(name)) => url.port().is_none() && host == name,
            // An IP address has no subdomains.
            ("https", Entry::Below(end)) => {
                url.port().is_none() && url.domain().is_some() && host.len() > end.len() && host.ends_with(end)
            }
            ("http", Entry::Local { host: name, port }) => host == name && url.port_or_known_default() == Some(*port),
            _ => false,
        })
    }

    /// Asks for the size, in no more time than one call to a provider may take.
    pub(crate) async fn measure(&self, http: &Http, clock: &impl Clock, url: &str) -> Result<Measured, NotDone> {
        let Some(mut url) = Url::parse(url).ok().filter(|url| self.allow(url)) else { return Ok(Measured::Unknown) };
        let deadline = clock.now().plus(http.timeout());
        let (mut method, mut redirects) = (Method::HEAD, 0);
        loop {
            let left = deadline.since(clock.now());
            if left.is_zero() {
                return Err(unavailable("no answer in time"));
            }
            let mut request = http.client(Notice::Nobody).request(method.clone(), url.clone()).timeout(left);
            // Compressed, it would have another size.
            request = request.header(header::ACCEPT_ENCODING, "identity");
            if method == Method::GET {
                request = request.header(header::RANGE, "bytes=0-0");
            }
            let head = head_of(request).await.map_err(|lost: Lost| unavailable(&lost.detail()))?;
            match Meaning::of(&method, &head) {
                Meaning::Size(bytes) => return Ok(Measured::Bytes(bytes)),
                Meaning::AskForIt => method = Method::GET,
                Meaning::Elsewhere => {
                    redirects += 1;
                    let place = head.text(header::LOCATION).and_then(|place| url.join(place).ok());
                    match place.filter(|place| redirects <= REDIRECTS_MAX && self.allow(place)) {
                        Some(place) => url = place,
                        None => return Ok(Measured::Unknown),
                    }
                }
                Meaning::Nothing => return Ok(Measured::Unknown),
                Meaning::NotNow => return Err(unavailable(&format!("status {}", head.status))),
            }
        }
    }
}

impl Entry {
    fn read(text: &str) -> Option<Self> {
        if text.starts_with("http://") {
            let url = Url::parse(text).ok()?;
            let host = url.host_str().filter(|host| is_loopback(host))?;
            let alone = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            let local = Self::Local { host: host.to_owned(), port: url.port_or_known_default()? };
            return (alone && url.username().is_empty() && url.password().is_none()).then_some(local);
        }
        match text.strip_prefix("*.") {
            Some(name) => host(name).and_then(|url| Some(Self::Below(format!(".{}", url.domain()?)))),
            None => host(text).and_then(|url| Some(Self::Host(url.host_str()?.to_owned()))),
        }
    }
}

/// A host's name or address, and nothing else. Whatever a URL would turn into another spelling is not one: a list has to
/// mean what it says.
fn host(text: &str) -> Option<Url> {
    let whole = format!("https://{text}/");
    let url = Url::parse(&whole).ok().filter(|url| url.as_str() == whole && url.host_str() == Some(text))?;
    let name = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    let dotted = text.contains('.') && text.split('.').all(|label| !label.is_empty());
    // An address of the newer kind stands in brackets, and only an address does.
    (name && dotted || text.starts_with('[')).then_some(url)
}

/// What an answer says about the size.
enum Meaning {
    Size(u64),
    /// The host does not tell before it is asked for the file.
    AskForIt,
    Elsewhere,
    /// There is no such file, or it is not ours to see, or its size is not told.
    Nothing,
    NotNow,
}

impl Meaning {
    fn of(method: &Method, head: &Head) -> Self {
        let only_head = *method == Method::HEAD;
        match head.status {
            200..=299 => match size(head) {
                // Some hosts say so of every file as long as they are not asked for it.
                Some(0) | None if only_head => Self::AskForIt,
                Some(bytes) => Self::Size(bytes),
                None => Self::Nothing,
            },
            301 | 302 | 303 | 307 | 308 => Self::Elsewhere,
            403 | 405 | 501 if only_head => Self::AskForIt,
            // An empty file has no first byte.
            416 => range_total(head).map_or(Self::Nothing, Self::Size),
            408 | 429 | 500..=599 => Self::NotNow,
            _ => Self::Nothing,
        }
    }
}

/// The whole file's size.
fn size(head: &Head) -> Option<u64> {
    let encoding = head.text(header::CONTENT_ENCODING).unwrap_or("identity");
    if !encoding.trim().eq_ignore_ascii_case("identity") {
        return None;
    }
    match head.status {
        200 => number(head.text(header::CONTENT_LENGTH)?),
        206 => range_total(head),
        _ => None,
    }
}

/// The last number of `bytes 0-0/1234`.
fn range_total(head: &Head) -> Option<u64> {
    let (unit, range) = head.text(header::CONTENT_RANGE)?.trim().split_once(' ')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    number(range.rsplit_once('/')?.1)
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Not "throttled", whatever the host says: that would keep us away from Podium, which has no part in it.
fn unavailable(detail: &str) -> NotDone {
    NotDone::unavailable(Provider::Podium, format!("the host of an attachment: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_are_asked() {
        let hosts = "files.example.com, *.podium.com,http://127.0.0.1:8788, 203.0.113.9, HTTP://localhost:8789/";
        let hosts = AttachmentHosts::parse(hosts).unwrap();
        let allowed = |url: &str| Url::parse(url).is_ok_and(|url| hosts.allow(&url));
        for good in [
            "https://files.example.com/a?b#c",
            "https://FILES.example.com:443/a",
            "https://a.podium.com/x",
            "https://a.b.podium.com/x",
            "https://203.0.113.9/x",
            "http://127.0.0.1:8788/attachments/x",
            "http://2130706433:8788/x",
            "http://localhost:8789/x",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in [
            "http://files.example.com/a",
            "https://files.example.com:8443/a",
            "https://x.files.example.com/a",
            "https://example.com/a",
            "https://podium.com/x",
            "https://evilpodium.com/x",
            "https://podium.com.evil.example/x",
            "https://a.podium.com.:443/x",
            "https://.podium.com/x",
            "https://user@a.podium.com/x",
            "https://:pw@a.podium.com/x",
            "https://a.podium.com@evil.example/x",
            "https://203.0.113.10/x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/x",
            "https://127.0.0.1:8788/x",
            "http://127.0.0.1:8789/x",
            "http://127.0.0.1/x",
            "http://localhost:8788/x",
            "http://a.podium.com/x",
            "ftp://a.podium.com/x",
            "file:///etc/passwd",
            "data:,x",
            "a.podium.com",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
        assert!(!AttachmentHosts::default().allow(&Url::parse("https://files.example.com").unwrap()));
    }

    #[test]
    fn what_is_no_host_is_refused_at_the_start() {
        for bad in [
            "",
            "files.example.com,",
            "*",
            "*.",
            "*.com",
            "*.*.example.com",
            "a.*.example.com",
            "example",
            ".example.com",
            "example.com.",
            "https://example.com",
            "http://example.com",
            "http://10.0.0.1:80",
            "http://127.0.0.1:8788/path",
            "http://user@127.0.0.1:8788",
            "example.com/path",
            "example.com:443",
            "example.com?x",
            "user@example.com",
            "exa mple.com",
            "127.1",
            "*.203.0.113.9",
            "münchen.example",
        ] {
            let error = AttachmentHosts::parse(bad).unwrap_err();
            assert_eq!(error.setting, "WEBCHAT_ATTACHMENT_HOSTS", "{bad}");
        }
    }
}
