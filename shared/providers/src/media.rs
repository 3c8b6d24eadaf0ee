//! Loads what customers sent, from hosts that are allowed.
//!
//! The address comes from outside, and Chatwoot's own ones lead to wherever the shop keeps its files. So every hop's host
//! has to be Chatwoot's or on the shop's list, redirects are followed by hand, and no token goes along anywhere:
//! Chatwoot's addresses carry their own signature.

use std::time::Duration;

use frontdesk_core::{
    chatwoot::{Attachment, LoadFailure, Loaded, Media},
    config::ChatwootApiConfig,
    time::Clock,
};
use reqwest::{Url, header};

use crate::{
    BaseUrl, Http, SetupError, chatwoot,
    hosts::{HostList, is_plain},
    http::{Notice, Unread, begin, read},
};

const HOSTS: &str = "CHATWOOT_MEDIA_HOSTS";
const REDIRECTS_MAX: u32 = 5;

/// The hosts that customers' files may be loaded from.
#[derive(Debug)]
pub struct MediaHosts<C> {
    http: Http,
    base: BaseUrl,
    hosts: HostList,
    timeout: Duration,
    clock: C,
}

impl<C: Clock> MediaHosts<C> {
    /// Chatwoot's own host and the list's, which has the form of [`AttachmentHosts`](crate::AttachmentHosts) and may be
    /// empty. `timeout`: for a whole file, redirects included.
    ///
    /// # Errors
    /// [`SetupError`] when the URL or the list cannot be used.
    pub fn new(http: Http, config: &ChatwootApiConfig, timeout: Duration, clock: C) -> Result<Self, SetupError> {
        let base = BaseUrl::parse(chatwoot::URL, &config.url)?;
        let hosts = match config.media_hosts.trim() {
            "" => HostList::default(),
            list => HostList::parse(HOSTS, list)?,
        };
        Ok(Self { http, base, hosts, timeout, clock })
    }

    fn allow(&self, url: &Url) -> bool {
        self.hosts.allow(url) || is_plain(url) && url.origin() == self.base.itself().origin()
    }
}

impl<C: Clock> Media for MediaHosts<C> {
    async fn load(&self, url: &str, limit: usize) -> Result<Loaded, LoadFailure> {
        let mended = mend(&self.base, url).or_else(|| Url::parse(url).ok());
        let mut url = mended.filter(|url| self.allow(url)).ok_or_else(|| refused("its host is not on the list"))?;
        let deadline = self.clock.now().plus(self.timeout);
        for _ in 0..=REDIRECTS_MAX {
            let left = deadline.since(self.clock.now());
            if left.is_zero() {
                return Err(transient("no answer in time"));
            }
            let request = self.http.client(Notice::Nobody).get(url.clone()).timeout(left);
            let request = request.header(header::ACCEPT_ENCODING, "identity");
            let (head, mut response) = begin(request).await.map_err(|lost| transient(lost.detail()))?;
            match head.status {
                200 => {
                    let claimed = head.text(header::CONTENT_LENGTH).and_then(|text| text.trim().parse::<u64>().ok());
                    if claimed.is_some_and(|bytes| usize::try_from(bytes).map_or(true, |bytes| bytes > limit)) {
                        return Err(LoadFailure::TooLarge { limit });
                    }
                    let encoding = head.text(header::CONTENT_ENCODING).unwrap_or("identity");
                    if !encoding.trim().eq_ignore_ascii_case("identity") {
                        return Err(refused("it comes compressed"));
                    }
                    let bytes = read(&mut response, limit).await.map_err(|unread| match unread {
                        Unread::TooLarge => LoadFailure::TooLarge { limit },
                        Unread::Late | Unread::Cut => transient(unread.why()),
                    })?;
                    return Ok(Loaded { bytes, mime: head.text(header::CONTENT_TYPE).and_then(mime) });
                }
                301 | 302 | 303 | 307 | 308 => {
                    let place = head.text(header::LOCATION).and_then(|place| url.join(place).ok());
                    let place = place.filter(|place| self.allow(place));
                    url = place.ok_or_else(|| refused("it lies on a host that is not on the list"))?;
                }
                404 => return Err(LoadFailure::NotThere),
                status @ (408 | 425 | 429 | 500..=599) => return Err(transient(format!("status {status}"))),
                status => return Err(refused(format!("status {status}"))),
            }
        }
        Err(refused("too many redirects"))
    }
}

/// The type without its parameters.
fn mime(text: &str) -> Option<String> {
    let bare = text.split(';').next()?.trim().to_ascii_lowercase();
    bare.contains('/').then_some(bare)
}

/// An address of Chatwoot's that names its host wrongly, as it does when its own setting lacks the scheme or the host
/// (`http://https/rails/…`, `http:///rails/…`, `/rails/…`), as it should be. `None` for any other.
pub(crate) fn mend(base: &BaseUrl, url: &str) -> Option<Url> {
    let url = url.trim();
    let lower = url.to_ascii_lowercase();
    let rest = ["http://", "https://"].iter().find_map(|scheme| lower.strip_prefix(scheme)).unwrap_or(&lower);
    let path = ["https://", "https:/", "http:/", "https", "http", ""]
        .iter()
        .filter_map(|host| rest.strip_prefix(host))
        .find(|path| path.starts_with("/rails/active_storage/"))?;
    let path = url.get(url.len().checked_sub(path.len())?..)?;
    let whole = Url::parse(&format!("https://x.invalid{path}")).ok()?;
    // The path was checked before its dots were resolved.
    whole.path().starts_with("/rails/active_storage/").then(|| {
        let mut mended = base.at("");
        mended.set_path(&format!("{}{}", mended.path().trim_end_matches('/'), whole.path()));
        mended.set_query(whole.query());
        mended
    })
}

/// An attachment whose address is as it should be.
pub(crate) fn mended(base: &BaseUrl, attachment: Attachment) -> Attachment {
    let url = attachment.url.map(|url| mend(base, &url).map_or(url, String::from));
    Attachment { url, ..attachment }
}

fn transient(detail: impl Into<String>) -> LoadFailure {
    LoadFailure::Transient { detail: detail.into() }
}

fn refused(detail: impl Into<String>) -> LoadFailure {
    LoadFailure::Refused { detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_whose_host_is_wrong_is_rebuilt() {
        let base = BaseUrl::parse("X", "https://chat.example").unwrap();
        let mended = |url: &str| mend(&base, url).map(String::from);
        let file = "/rails/active_storage/blobs/redirect/AbC--1/Voice%20note.ogg?disposition=inline";
        let expected = format!("https://chat.example{file}");
        for wrong in ["http://https", "https://http", "http://", "https://https://", ""] {
            assert_eq!(mended(&format!("{wrong}{file}")), Some(expected.clone()), "{wrong}");
        }
        for other in [
            "https://chat.example/rails/active_storage/x",
            "https://evil.example/rails/active_storage/x",
            "http://https/etc/passwd",
            "http://https/rails/active_storage/../../api/v1/accounts",
            "https://https.example/rails/active_storage/x",
            "",
        ] {
            assert_eq!(mended(other), None, "{other}");
        }
        let below = BaseUrl::parse("X", "https://chat.example/desk/").unwrap();
        let whole = mend(&below, "http://https/rails/active_storage/x").map(String::from);
        assert_eq!(whole.as_deref(), Some("https://chat.example/desk/rails/active_storage/x"));
    }

    #[test]
    fn a_type_stands_alone() {
        assert_eq!(mime("Audio/OGG; codecs=opus").as_deref(), Some("audio/ogg"));
        assert_eq!((mime(""), mime("binary")), (None, None));
    }
}
