//! An HTTP/1.1 server whose answer may be no answer at all.
//!
//! `axum::serve` turns every handler's end into bytes. The stand-ins must also do what networks do: act and then lose the
//! reply. So the accept loop is ours: a response that carries [`HangUp`] makes the connection fail before its first byte,
//! and hyper closes the socket.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::say::warn;

/// How long open connections may finish after a stop was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// The other end of the connection, put into every request's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Marks a response that must never be written: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
struct HangUp;

/// A running listener. Dropping it stops it; [`Server::stop`] also waits for the connections to end.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Binds `addr` (port 0 picks a free one) and serves `router` on it.
    pub(crate) async fn start(addr: impl ToSocketAddrs, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, router, stopped));
        Ok(Self { addr, stop, accepting })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops accepting, lets requests in flight finish within [`GRACE`], and returns.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.accepting.await {
            warn(format_args!("the listener on {} ended badly: {error}", self.addr));
        }
    }
}

/// Answers nothing: the client sees its connection close.
pub(crate) fn hang_up() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(HangUp);
    response
}

/// Promises all of `body`, sends the first half, and closes. An empty body has no half, so nothing at all is sent.
pub(crate) fn cut_short(mut response: Response, body: &Bytes) -> Response {
    if body.is_empty() {
        return hang_up();
    }
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let half = body.slice(..body.len().div_ceil(2).min(body.len().saturating_sub(1)));
    *response.body_mut() = Body::new(CutShort { half: Some(half), flushed: false });
    response
}

async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, router.clone(), stopped.clone()));
                }
                // Out of file handles, most likely; they come back when connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, finished).await.is_err() {
        connections.shutdown().await;
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, mut stopped: watch::Receiver<bool>) {
    // Small answers must not wait for the client's delayed acknowledgement; if it cannot be set, they only come later.
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let answer = routes.call(request);
        async move {
            let response = match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            if response.extensions().get::<HangUp>().is_some() {
                return Err(Closed);
            }
            Ok(response)
        }
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // An error here is the client's connection ending, by its will or by a fault: there is nobody left to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Why a connection ended without an answer.
#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection closed on command")
    }
}

impl Error for Closed {}

/// Half a body, then an error. The pause between lets hyper flush, so that the client really sees the half.
struct CutShort {
    half: Option<Bytes>,
    flushed: bool,
}

impl axum::body::HttpBody for CutShort {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if self.flushed {
            return Poll::Ready(Some(Err(Closed)));
        }
        self.flushed = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
