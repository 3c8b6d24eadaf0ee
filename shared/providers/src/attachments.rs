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
    hosts::HostList,
    http::{Head, Lost, Notice, head_of},
};

const SETTING: &str = "WEBCHAT_ATTACHMENT_HOSTS";
const REDIRECTS_MAX: u32 = 3;

/// The hosts that may be asked. None, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachmentHosts(HostList);

impl AttachmentHosts {
    /// Reads a list of hosts, separated by commas: `files.example.com`; `*.example.com` for all that end so, but not
    /// `example.com` itself; `http://127.0.0.1:8788` or `http://localhost:8788` for this machine.
    ///
    /// # Errors
    /// [`SetupError`] that names the entry that is none.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        HostList::parse(SETTING, text).map(Self)
    }

    fn allow(&self, url: &Url) -> bool {
        self.0.allow(url)
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
