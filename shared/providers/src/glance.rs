//! A look at an address, for whoever wants to know whether it answers, what its clock says, and what it lets a page do.

use frontdesk_core::doctor::Looked;
use reqwest::{Method, header};

use crate::{
    Http,
    http::{Notice, address, begin, read},
};

/// No report is longer.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// What an address answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The status.
    pub status: u16,
    /// Its clock.
    pub date: Option<String>,
    /// Which page's origin may read the answer.
    pub allowed_origin: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Http {
    /// Asks an address for what anybody may see there.
    pub async fn glance(&self, url: &str) -> Looked<Glance> {
        self.look(Method::GET, url, &[]).await
    }

    /// Asks as a browser does before a page of `origin` posts to an address.
    pub async fn ask_as_page(&self, url: &str, origin: &str) -> Looked<Glance> {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ];
        self.look(Method::OPTIONS, url, &headers).await
    }

    async fn look(&self, method: Method, url: &str, headers: &[(&str, &str)]) -> Looked<Glance> {
        let url = match address("the address", url) {
            Ok(url) => url,
            Err(error) => return Looked::Unknown(error.to_string()),
        };
        let mut request = self.client(Notice::Nobody).request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, mut response) = match begin(request).await {
            Ok(begun) => begun,
            Err(lost) => return Looked::Unknown(lost.detail()),
        };
        let text = |name| head.text(name).map(str::to_owned);
        let (date, allowed_origin) = (text(header::DATE), text(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        match read(&mut response, BODY_BYTES_MAX).await {
            Ok(body) => Looked::Seen(Glance { status: head.status, date, allowed_origin, body }),
            Err(unread) => Looked::Unknown(unread.why().to_owned()),
        }
    }
}
