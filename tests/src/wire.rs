//! A wire between a client and a service that does to each call what a test says: passes it on, loses it, loses its
//! answer, or answers itself. It speaks as much HTTP/1.1 as AWS clients do, and writes down every call.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A call that came along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// How many came before it.
    pub number: usize,
    /// `GET` or `POST`.
    pub method: String,
    /// The operation, from `x-amz-target`; empty when there is none.
    pub operation: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It reaches the service and is answered.
    Pass,
    /// It reaches the service, and its answer is lost.
    LoseAnswer,
    /// It is lost before it reaches the service.
    LoseCall,
    /// The wire answers: a status and a JSON body.
    Answer(u16, Value),
}

/// A wire; it is cut when this is dropped.
#[derive(Debug)]
pub struct Wire {
    /// Where it begins.
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Wire {
    /// Lays a wire to the service at `upstream`.
    pub async fn to(upstream: &str, fate: impl Fn(&Call) -> Fate + Send + Sync + 'static) -> Self {
        let upstream = upstream.trim_start_matches("http://").parse().unwrap();
        Self::start(Some(upstream), fate).await
    }

    /// Lays a wire that ends nowhere: what passes is lost.
    pub async fn nowhere(fate: impl Fn(&Call) -> Fate + Send + Sync + 'static) -> Self {
        Self::start(None, fate).await
    }

    async fn start(upstream: Option<SocketAddr>, fate: impl Fn(&Call) -> Fate + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (log, fate) = (Arc::clone(&calls), Arc::new(fate));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, fate) = (Arc::clone(&log), Arc::clone(&fate));
                // An error is a connection that ended; there is nobody to tell.
                tokio::spawn(async move { carry(stream, upstream, &log, fate.as_ref()).await });
            }
        });
        Self { url, calls, accepting }
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The operations so far, in order; an empty name is a call that asked for none.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().map(|call| call.operation.clone()).collect()
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        self.calls.lock().unwrap().clear();
    }
}

/// Carries the calls of one connection, one after the other.
async fn carry(
    mut client: TcpStream,
    upstream: Option<SocketAddr>,
    log: &Mutex<Vec<Call>>,
    fate: &(impl Fn(&Call) -> Fate + Sync),
) -> io::Result<()> {
    loop {
        let (head, body) = read_message(&mut client).await?;
        let call = {
            let mut log = log.lock().unwrap();
            let method = head.split(' ').next().unwrap_or_default().to_owned();
            let target = header(&head, "x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            let call = Call { number: log.len(), method, operation, body };
            log.push(call.clone());
            call
        };
        let answer = match fate(&call) {
            Fate::LoseCall => return Ok(()),
            Fate::Answer(status, body) => {
                let body = body.to_string();
                let length = body.len();
                format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
                )
                .into_bytes()
            }
            fate @ (Fate::Pass | Fate::LoseAnswer) => {
                let Some(upstream) = upstream else { return Ok(()) };
                let answer = ask(upstream, &head, &call.body).await?;
                if fate == Fate::LoseAnswer {
                    return Ok(());
                }
                answer
            }
        };
        client.write_all(&answer).await?;
    }
}

async fn ask(upstream: SocketAddr, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut service = TcpStream::connect(upstream).await?;
    service.write_all(head.as_bytes()).await?;
    service.write_all(body).await?;
    let (head, body) = read_message(&mut service).await?;
    Ok([head.as_bytes(), &body].concat())
}

/// A request or an answer: everything up to the empty line, that included, and the body.
async fn read_message(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    let length = header(&head, "content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((head, body))
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}
