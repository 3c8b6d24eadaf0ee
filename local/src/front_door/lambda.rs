//! The one call of the Lambda API that a gateway makes, over a connection of its own each time.

use std::error::Error;
use std::fmt;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// An answer larger than this is not one that Lambda would have let through (6 MB, plus room for its escapes).
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Where functions are invoked.
#[derive(Clone, Debug)]
pub(super) struct LambdaEndpoint {
    host: String,
    port: u16,
    base: String,
    authorization: String,
}

/// How an invocation ended.
#[derive(Debug)]
pub(super) enum Invocation {
    /// The function returned this payload.
    Returned(Bytes),
    /// The function crashed, timed out or returned an error (`X-Amz-Function-Error`).
    Failed(Bytes),
    /// The Lambda API itself said no: no such function, throttled, too large.
    Refused(StatusCode, Bytes),
}

/// The Lambda API could not be reached or understood.
#[derive(Debug)]
pub(super) struct InvokeError(Box<dyn Error + Send + Sync>);

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl LambdaEndpoint {
    /// The signature is not checked locally, but the credential's scope tells the emulator the account and the region.
    pub(super) fn parse(url: &str, region: &str, access_key: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{url:?} is not a URL: {error}"))?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("http"));
        let host = host.ok_or_else(|| format!("{url:?} is not of the form http://host:port"))?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(80),
            base: uri.path().trim_end_matches('/').to_owned(),
            authorization: format!(
                "AWS4-HMAC-SHA256 Credential={access_key}/20260101/{region}/lambda/aws4_request, \
                 SignedHeaders=host, Signature=0"
            ),
        })
    }

    /// Invokes `function` and waits for its answer.
    pub(super) async fn invoke(&self, function: &str, payload: String) -> Result<Invocation, InvokeError> {
        self.call(function, payload).await.map_err(InvokeError)
    }

    async fn call(&self, function: &str, payload: String) -> Result<Invocation, Box<dyn Error + Send + Sync>> {
        let request = Request::post(format!("{}/2015-03-31/functions/{function}/invocations", self.base))
            .header(header::HOST, format!("{}:{}", self.host, self.port))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-amz-invocation-type", "RequestResponse")
            .body(Full::new(Bytes::from(payload)))?;
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends when the sender is dropped; its error, if any, is the sender's error too.
        tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let status = response.status();
        let failed = response.headers().contains_key("x-amz-function-error");
        let answer = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect().await?.to_bytes();
        Ok(match (failed, status) {
            (true, _) => Invocation::Failed(answer),
            (false, StatusCode::OK) => Invocation::Returned(answer),
            (false, other) => Invocation::Refused(other, answer),
        })
    }
}
