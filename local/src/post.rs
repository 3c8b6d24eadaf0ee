//! One `POST` over one connection, as a provider that calls us makes it.

use std::error::Error;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Where to post to: plain HTTP, since everything is on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
    path: String,
}

impl Target {
    /// Reads `http://host:port/path`.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{url:?} is not a URL: {error}"))?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("http"));
        let host = host.ok_or_else(|| format!("{url:?} is not of the form http://host:port/path"))?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(80),
            path: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        })
    }

    /// Posts JSON, and returns the status; or says what became of the connection.
    pub(crate) async fn post(
        &self,
        headers: impl IntoIterator<Item = (&String, &String)>,
        body: String,
        timeout: Duration,
    ) -> Result<u16, String> {
        let mut request = Request::post(&self.path)
            .header(header::HOST, format!("{}:{}", self.host, self.port))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| error.to_string())?;
        match tokio::time::timeout(timeout, self.call(request)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("timeout".to_owned()),
        }
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Result<u16, Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends when the sender is dropped; its error, if any, is the sender's error too.
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?.status().as_u16())
    }
}
