//! Lists of the hosts that may be asked for what somebody from outside names.

use reqwest::Url;

use crate::{SetupError, http::is_loopback};

/// Hosts that may be asked. None, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostList(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// This host, by HTTPS on its usual port.
    Host(String),
    /// The hosts whose names end with this, which begins with a dot.
    Below(String),
    /// A port of this machine, by plain HTTP.
    Local { host: String, port: u16 },
}

impl HostList {
    /// Reads a list of hosts, separated by commas: `files.example.com`; `*.example.com` for all that end so, but not
    /// `example.com` itself; `http://127.0.0.1:8788` or `http://localhost:8788` for this machine.
    pub(crate) fn parse(setting: &'static str, text: &str) -> Result<Self, SetupError> {
        let entries = text.split(',').map(str::trim).map(|entry| {
            let read = Entry::read(&entry.to_ascii_lowercase());
            read.ok_or_else(|| {
                let shown: String = entry.chars().take(80).collect();
                let problem = format!("names {shown:?}, which is no host like files.example.com or *.example.com");
                SetupError::new(setting, problem)
            })
        });
        entries.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn allow(&self, url: &Url) -> bool {
        let Some(host) = url.host_str().filter(|_| is_plain(url)) else { return false };
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
}

/// Without a user's name and password, which would be sent along.
pub(crate) fn is_plain(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_are_asked() {
        let hosts = "files.example.com, *.podium.com,http://127.0.0.1:8788, 203.0.113.9, HTTP://localhost:8789/";
        let hosts = HostList::parse("X_HOSTS", hosts).unwrap();
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
        assert!(!HostList::default().allow(&Url::parse("https://files.example.com").unwrap()));
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
            let error = HostList::parse("X_HOSTS", bad).unwrap_err();
            assert_eq!(error.setting, "X_HOSTS", "{bad}");
        }
    }
}
