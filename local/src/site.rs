//! The shop's page, as a small web server would serve it: files of fixed types, and headers that keep the page to itself.
//!
//! It also answers `/config.js`, by which the page learns where the front desk is. Nothing is cached, so that a change is
//! seen at once.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::net::ToSocketAddrs;

use crate::server::Server;

/// Tells the page where the front desk is.
const CONFIG: &str = "/config.js";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// What is served, by the ending of its name; no other file is.
const TYPES: [(&str, &str); 8] = [
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", JAVASCRIPT),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("txt", "text/plain; charset=utf-8"),
    ("webp", "image/webp"),
];

/// What a [`Site`] serves, and to whom its page may talk.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// The folder with the files.
    pub root: PathBuf,
    /// Address of the front desk, `http://127.0.0.1:8787`.
    pub api: String,
    /// Where the page may put its uploads to, besides.
    pub upload_hosts: Vec<String>,
    /// Where pictures may come from by plain http. By https they may come from anywhere: they are the catalogue's.
    pub image_hosts: Vec<String>,
}

/// A running web server. Dropping it stops it.
#[derive(Debug)]
pub struct Site {
    server: Server,
}

impl Site {
    /// Listens on `addr`; port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be bound, the folder has no page, or an address is not one of the web.
    pub async fn start(addr: impl ToSocketAddrs, config: SiteConfig) -> io::Result<Self> {
        let pages = Arc::new(Pages::new(&config)?);
        let server = Server::start(addr, Router::new().fallback(answer).with_state(pages)).await?;
        Ok(Self { server })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Under which name a browser should open it. Bound to `127.0.0.1` it is `localhost`, because the same page under the
    /// number is another origin, which the front desk does not know.
    #[must_use]
    pub fn base_url(&self) -> String {
        if self.addr().ip().is_loopback() {
            return format!("http://localhost:{}", self.addr().port());
        }
        format!("http://{}", self.addr())
    }

    /// Lets requests in flight finish, then stops.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

struct Pages {
    /// Without links in it, so that what lies inside can be told.
    root: PathBuf,
    config_js: String,
    policy: HeaderValue,
}

impl Pages {
    fn new(config: &SiteConfig) -> io::Result<Self> {
        let root = config.root.canonicalize()?;
        if !root.join("index.html").is_file() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("no index.html in {}", root.display())));
        }
        let api = config.api.trim_end_matches('/');
        let said = json!({ "api": api });
        Ok(Self { root, config_js: format!("window.FRONTDESK={said};\n"), policy: policy(config, api)? })
    }

    /// The file that a path names, and its type.
    fn file(&self, path: &str) -> Option<(PathBuf, &'static str)> {
        let path = if path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
        let mut file = self.root.clone();
        for name in path.strip_prefix('/')?.split('/') {
            // Names as ours are: no escapes, nothing hidden, and so no way up.
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            if name.is_empty() || name.starts_with('.') || !plain {
                return None;
            }
            file.push(name);
        }
        let ending = Path::new(&path).extension()?.to_str()?;
        let (_, content_type) = TYPES.into_iter().find(|(known, _)| *known == ending)?;
        // A link may lead out of the folder.
        let file = file.canonicalize().ok().filter(|file| file.starts_with(&self.root))?;
        Some((file, content_type))
    }

    fn answer(&self, method: &Method, path: &str) -> Response {
        if ![Method::GET, Method::HEAD].contains(method) {
            return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
        }
        let found = match path {
            CONFIG => Some((self.config_js.clone().into_bytes(), JAVASCRIPT)),
            // The files are small, and nobody else waits meanwhile.
            _ => self.file(path).and_then(|(file, content_type)| Some((std::fs::read(file).ok()?, content_type))),
        };
        let Some((content, content_type)) = found else {
            return (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response();
        };
        ([(header::CONTENT_TYPE, content_type)], Body::from(content)).into_response()
    }
}

async fn answer(State(pages): State<Arc<Pages>>, method: Method, uri: Uri) -> Response {
    let mut response = pages.answer(&method, uri.path());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, pages.policy.clone());
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// The page runs its own scripts, talks to the front desk and to where its uploads go, and to nobody else.
fn policy(config: &SiteConfig, api: &str) -> io::Result<HeaderValue> {
    let origins = |urls: &[String]| -> io::Result<String> {
        urls.iter().map(|url| origin(url).map(|origin| format!(" {origin}"))).collect()
    };
    let (api, uploads, images) = (origin(api)?, origins(&config.upload_hosts)?, origins(&config.image_hosts)?);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:{images}; \
         connect-src {api}{uploads}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// `https://shop.example:8443` of `https://shop.example:8443/path`.
fn origin(url: &str) -> io::Result<String> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, format!("{url:?} is not of the form http://host:port"));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong());
    };
    // Within a policy these would end one directive and begin another.
    if authority.as_str().contains(['@', ';', ',', '\'', '*']) {
        return Err(wrong());
    }
    Ok(format!("{scheme}://{authority}"))
}
