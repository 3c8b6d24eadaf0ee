//! The gateway in front of the functions.
//!
//! The emulator of the local stack deploys the template's functions but serves none of its HTTP API routes, so this does,
//! and behaves as API Gateway does where a function could tell: payload format 2.0, the 10 MB and 6 MB limits, 30 seconds,
//! and the gateway's own short error bodies.

mod event;
mod lambda;
mod reply;
mod routes;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{Method, StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::net::ToSocketAddrs;

pub use self::routes::{Route, RouteTable};

use self::lambda::{Invocation, InvokeError, LambdaEndpoint};
use self::reply::gateway_error;
use crate::clock;
use crate::say::{say, warn};
use crate::server::{Peer, Server};

/// What the gateway accepts.
const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;
/// What a synchronous invocation accepts, counted on the payload: base64 makes bodies a third larger.
const PAYLOAD_MAX_BYTES: usize = 6 * 1024 * 1024;
/// How much of an oversized upload is read and thrown away, so that the client gets to read its 413.
const DRAIN_MAX_BYTES: usize = 64 * 1024 * 1024;

/// The gateway's own health, which no route can hide.
const HEALTH: &str = "/_local/health";

/// How a [`FrontDoor`] reaches the functions.
#[derive(Clone, Debug)]
pub struct FrontDoorConfig {
    /// Which function answers which method and path.
    pub routes: RouteTable,
    /// Base URL of the Lambda API, `http://127.0.0.1:4566`.
    pub lambda_endpoint: String,
    /// Region the functions were deployed in. The emulator reads it from the request's credential scope.
    pub region: String,
    /// Access key the functions were deployed with: twelve digits name an account of their own in the emulator.
    pub access_key: String,
    /// How long a function may take. API Gateway gives up after 30 s.
    pub integration_timeout: Duration,
    /// Prints a line for every request.
    pub verbose: bool,
}

impl FrontDoorConfig {
    /// The settings the local stack uses: `us-east-1`, access key `test`, 30 s.
    #[must_use]
    pub fn new(routes: RouteTable, lambda_endpoint: impl Into<String>) -> Self {
        Self {
            routes,
            lambda_endpoint: lambda_endpoint.into(),
            region: "us-east-1".to_owned(),
            access_key: "test".to_owned(),
            integration_timeout: Duration::from_secs(30),
            verbose: false,
        }
    }
}

/// A running gateway. Dropping it stops it.
#[derive(Debug)]
pub struct FrontDoor {
    server: Server,
}

impl FrontDoor {
    /// Listens on `addr`; port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be bound, or `lambda_endpoint` is not an `http://` URL.
    pub async fn start(addr: impl ToSocketAddrs, config: FrontDoorConfig) -> io::Result<Self> {
        let lambda = LambdaEndpoint::parse(&config.lambda_endpoint, &config.region, &config.access_key)
            .map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
        let gateway = Arc::new(Gateway { lambda, config, requests: AtomicU64::new(0) });
        let server = Server::start(addr, Router::new().fallback(answer).with_state(gateway)).await?;
        Ok(Self { server })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:8787`
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Lets requests in flight finish, then stops.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

struct Gateway {
    config: FrontDoorConfig,
    lambda: LambdaEndpoint,
    requests: AtomicU64,
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Response {
    let started_ms = clock::now_ms();
    let line = format!("{} {}", request.method(), request.uri().path());
    let response = gateway.answer(peer, started_ms, request).await;
    if gateway.config.verbose {
        let took_ms = clock::now_ms().saturating_sub(started_ms);
        say(format_args!("{line} -> {} in {took_ms} ms", response.status().as_u16()));
    }
    response
}

impl Gateway {
    async fn answer(&self, peer: SocketAddr, now_ms: i64, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if (&parts.method, parts.uri.path()) == (&Method::GET, HEALTH) {
            return "ok\n".into_response();
        }
        let Some(matched) = self.config.routes.find(parts.method.as_str(), parts.uri.path()) else {
            return self.own_page(&parts);
        };
        let body = match collect(body).await {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let serial = self.requests.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("local{now_ms:x}-{serial:x}=");
        let payload = event::payload(&event::Arrival {
            parts: &parts,
            body: &body,
            matched: &matched,
            peer,
            now_ms,
            request_id: &request_id,
        })
        .to_string();
        if payload.len() > PAYLOAD_MAX_BYTES {
            return gateway_error(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let invoking = self.lambda.invoke(&matched.route.function, payload);
        let outcome = match tokio::time::timeout(self.config.integration_timeout, invoking).await {
            Ok(outcome) => outcome,
            Err(_) => return gateway_error(StatusCode::SERVICE_UNAVAILABLE),
        };
        let mut response = self.translate(&matched.route.function, outcome);
        if let Ok(id) = request_id.parse() {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    fn translate(&self, function: &str, outcome: Result<Invocation, InvokeError>) -> Response {
        match outcome {
            Ok(Invocation::Returned(payload)) => reply::from_payload(&payload).unwrap_or_else(|problem| {
                warn(format_args!("{function} returned something API Gateway would refuse: {problem}"));
                gateway_error(StatusCode::INTERNAL_SERVER_ERROR)
            }),
            Ok(Invocation::Failed(payload)) => {
                warn(format_args!("{function} failed: {}", String::from_utf8_lossy(&payload)));
                gateway_error(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Ok(Invocation::Refused(StatusCode::TOO_MANY_REQUESTS, _)) => gateway_error(StatusCode::SERVICE_UNAVAILABLE),
            Ok(Invocation::Refused(StatusCode::PAYLOAD_TOO_LARGE, _)) => gateway_error(StatusCode::PAYLOAD_TOO_LARGE),
            Ok(Invocation::Refused(status, payload)) => {
                warn(format_args!("{function} could not be invoked: {status} {}", String::from_utf8_lossy(&payload)));
                gateway_error(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Err(error) => {
                warn(format_args!("{function} could not be reached at {}: {error}", self.config.lambda_endpoint));
                gateway_error(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// What the gateway answers where no route fits.
    fn own_page(&self, parts: &Parts) -> Response {
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/") => self.config.routes.to_string().into_response(),
            _ => gateway_error(StatusCode::NOT_FOUND),
        }
    }
}

/// Reads a body up to the gateway's limit. What is too large is still read, within reason: a client that is cut off in the
/// middle of its upload sees a broken connection instead of the 413.
async fn collect(mut body: Body) -> Result<Bytes, Response> {
    let mut kept = Vec::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(gateway_error(StatusCode::BAD_REQUEST));
        };
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= BODY_MAX_BYTES {
            kept.extend_from_slice(&data);
        } else if seen > DRAIN_MAX_BYTES {
            break;
        }
    }
    if seen > BODY_MAX_BYTES {
        return Err(gateway_error(StatusCode::PAYLOAD_TOO_LARGE));
    }
    Ok(Bytes::from(kept))
}
