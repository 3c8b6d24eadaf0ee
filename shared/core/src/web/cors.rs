//! Which websites may ask, and the headers that tell their visitors' browsers so.
//!
//! Origins are compared as a browser writes them, whole and exactly: no patterns, no suffixes, never `*`. A page of another
//! origin is refused before anything is done, and not only by its browser: some requests are sent without a preflight.

use thiserror::Error;

use super::Reply;

/// Both spellings: the widget's published version sends the first, the newer one the second.
const ALLOWED_HEADERS: &str = "Content-Type, X-CSRFToken, X-CSRF-Token";
/// Seconds for which a browser remembers a preflight's answer.
const MAX_AGE_S: &str = "600";

/// The websites whose pages may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

/// Why a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "\"{0}\" is not an origin as browsers write it: https://www.example.com, in lower case, with a port only if it is not \
     the usual one, without a path, and without blanks"
)]
pub struct BadOrigin(String);

/// Whose page asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No browser's page, or one of this very host: it names no origin.
    Unnamed,
    /// One that may.
    Allowed(String),
    /// One that may not.
    Foreign,
}

impl Origins {
    /// Reads origins, separated by commas; none is an answer too.
    ///
    /// # Errors
    /// [`BadOrigin`] says which one can never match.
    pub fn parse(text: &str) -> Result<Self, BadOrigin> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // No blanks: the bucket of uploads is given the same text, and is as strict.
        text.split(',').map(origin).collect::<Result<_, _>>().map(Self)
    }

    /// Whose page asks, by its `Origin` header.
    #[must_use]
    pub fn judge(&self, origin: Option<&str>) -> Caller {
        match origin {
            None => Caller::Unnamed,
            Some(origin) if self.0.iter().any(|allowed| allowed == origin) => Caller::Allowed(origin.to_owned()),
            Some(_) => Caller::Foreign,
        }
    }
}

fn origin(text: &str) -> Result<String, BadOrigin> {
    let bad = || BadOrigin(text.chars().take(100).collect());
    let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (rest, None),
    };
    let usual = match scheme {
        "https" => "443",
        "http" => "80",
        _ => return Err(bad()),
    };
    let host_is_good = !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-[]:".contains(&b))
        && (host.starts_with('[') || !host.contains(':'));
    let port_is_good =
        port.is_none_or(|port| port != usual && !port.starts_with('0') && port.parse::<u16>().is_ok_and(|p| p > 0));
    if host_is_good && port_is_good { Ok(text.to_owned()) } else { Err(bad()) }
}

impl Caller {
    /// The answer with the headers that its browser has to see: on errors too, else a page is told of a broken network.
    #[must_use]
    pub fn dress(&self, reply: Reply) -> Reply {
        // Whatever was answered depended on the origin, also when there was none: a cache must not give it to another.
        let reply = reply.with("vary", "Origin");
        match self {
            Self::Allowed(origin) => reply
                .with("access-control-allow-origin", origin.clone())
                .with("access-control-expose-headers", "Retry-After"),
            Self::Unnamed | Self::Foreign => reply,
        }
    }

    /// The answer to a preflight, before [`Caller::dress`]. `methods`: what the address takes, such as `POST, OPTIONS`.
    #[must_use]
    pub fn preflight(&self, methods: &'static str) -> Reply {
        match self {
            Self::Allowed(_) => Reply::empty(204)
                .with("access-control-allow-methods", methods)
                .with("access-control-allow-headers", ALLOWED_HEADERS)
                .with("access-control-max-age", MAX_AGE_S),
            Self::Unnamed => Reply::empty(204).with("allow", methods),
            Self::Foreign => Reply::empty(403),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "https://www.shop.example";

    fn origins() -> Origins {
        Origins::parse("https://www.shop.example,http://localhost:8790").unwrap()
    }

    #[test]
    fn only_the_very_origin_is_allowed() {
        let origins = origins();
        assert_eq!(origins.judge(Some(SHOP)), Caller::Allowed(SHOP.into()));
        assert_eq!(origins.judge(Some("http://localhost:8790")), Caller::Allowed("http://localhost:8790".into()));
        assert_eq!(origins.judge(None), Caller::Unnamed);
        for foreign in [
            "https://shop.example",
            "https://www.shop.example.evil.example",
            "https://www.shop.example/",
            "http://www.shop.example",
            "https://www.shop.example:8443",
            "https://WWW.shop.example",
            "http://127.0.0.1:8790",
            "null",
            "*",
            "",
        ] {
            assert_eq!(origins.judge(Some(foreign)), Caller::Foreign, "{foreign}");
        }
        assert_eq!(Origins::default().judge(Some(SHOP)), Caller::Foreign);
    }

    #[test]
    fn what_no_browser_writes_is_refused_as_a_setting() {
        for bad in [
            "*",
            "www.shop.example",
            "https://www.shop.example/",
            "https://",
            "https://*.shop.example",
            "https://Shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://shop.example:0",
            "https://shop.example:port",
            "https://user@shop.example",
            "ftp://shop.example",
            "null",
            "https://shop.example, https://www.shop.example",
            "https://shop.example,",
        ] {
            assert!(Origins::parse(bad).is_err(), "{bad}");
        }
        for good in ["", "https://shop.example", "https://shop.example:8443", "http://[::1]:8790", "http://[::1]"] {
            assert!(Origins::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn every_answer_varies_by_origin_and_only_an_allowed_one_is_named() {
        let dressed = |caller: Caller| caller.dress(Reply::empty(400));
        for caller in [Caller::Unnamed, Caller::Foreign, Caller::Allowed(SHOP.into())] {
            assert_eq!(dressed(caller).header("vary"), Some("Origin"));
        }
        assert_eq!(dressed(Caller::Allowed(SHOP.into())).header("access-control-allow-origin"), Some(SHOP));
        assert_eq!(dressed(Caller::Foreign).header("access-control-allow-origin"), None);
        assert_eq!(dressed(Caller::Unnamed).header("access-control-allow-origin"), None);
    }

    #[test]
    fn a_preflight_allows_both_spellings_of_the_token() {
        let reply = Caller::Allowed(SHOP.into()).preflight("POST, OPTIONS");
        assert_eq!(reply.status, 204);
        let headers = reply.header("access-control-allow-headers").unwrap();
        assert!(
            headers.contains("X-CSRFToken") && headers.contains("X-CSRF-Token") && headers.contains("Content-Type")
        );
        assert_eq!(reply.header("access-control-allow-methods"), Some("POST, OPTIONS"));
        let foreign = Caller::Foreign.preflight("POST, OPTIONS");
        assert_eq!((foreign.status, foreign.header("access-control-allow-methods")), (403, None));
    }
}
