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
    /// Where it goes, with its query.
    pub path: String,
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

/// What the service answered to a call that reached it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Of the call.
    pub number: usize,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
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
    /// It reaches the service with this body instead of its own, and is answered.
    PassAs(Vec<u8>),
    /// The wire answers: a status and a JSON body.
    Answer(u16, Value),
    /// The wire answers: a status, headers and a text.
    Say(u16, Vec<(&'static str, String)>, String),
}

/// A wire; it is cut when this is dropped.
#[derive(Debug)]
pub struct Wire {
    /// Where it begins.
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
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
        let (calls, answers) = (Arc::default(), Arc::default());
        let log = Log { calls: Arc::clone(&calls), answers: Arc::clone(&answers) };
        let fate = Arc::new(fate);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, fate) = (log.clone(), Arc::clone(&fate));
                // An error is a connection that ended; there is nobody to tell.
                tokio::spawn(async move { carry(stream, upstream, &log, fate.as_ref()).await });
            }
        });
        Self { url, calls, answers, accepting }
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

    /// What the service answered so far; the wire's own answers are not among it.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.answers.lock().unwrap().clone()
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        self.calls.lock().unwrap().clear();
        self.answers.lock().unwrap().clear();
    }
}

/// What a wire writes down.
#[derive(Clone)]
struct Log {
    calls: Arc<Mutex<Vec<Call>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

/// Carries the calls of one connection, one after the other.
async fn carry(
    mut client: TcpStream,
    upstream: Option<SocketAddr>,
    log: &Log,
    fate: &(impl Fn(&Call) -> Fate + Sync),
) -> io::Result<()> {
    loop {
        let (head, body) = read_message(&mut client).await?;
        let call = {
            let mut log = log.calls.lock().unwrap();
            let mut words = head.split(' ').map(str::to_owned);
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let target = header(&head, "x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            let call = Call { number: log.len(), method, path, operation, body };
            log.push(call.clone());
            call
        };
        let answer = match fate(&call) {
            Fate::LoseCall => return Ok(()),
            Fate::Answer(status, body) => {
                said(status, &[("content-type", "application/json".into())], &body.to_string())
            }
            Fate::Say(status, headers, body) => said(status, &headers, &body),
            fate @ (Fate::Pass | Fate::LoseAnswer | Fate::PassAs(_)) => {
                let Some(upstream) = upstream else { return Ok(()) };
                let (answer, body) = if let Fate::PassAs(body) = &fate {
                    ask(upstream, &with_length(&head, body.len()), body).await?
                } else {
                    ask(upstream, &head, &call.body).await?
                };
                let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
                let bytes = [answer.as_bytes(), &body].concat();
                log.answers.lock().unwrap().push(Answer { number: call.number, status, body });
                if fate == Fate::LoseAnswer {
                    return Ok(());
                }
                bytes
            }
        };
        client.write_all(&answer).await?;
    }
}

fn said(status: u16, headers: &[(&'static str, String)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn ask(upstream: SocketAddr, head: &str, body: &[u8]) -> io::Result<(String, Vec<u8>)> {
    let mut service = TcpStream::connect(upstream).await?;
    service.write_all(head.as_bytes()).await?;
    service.write_all(body).await?;
    read_message(&mut service).await
}

/// The same head for a body of another length.
fn with_length(head: &str, length: usize) -> String {
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let line = |line: &str| match name(line).as_str() {
        "content-length" => format!("content-length: {length}"),
        _ => line.to_owned(),
    };
    head.split("\r\n").map(line).collect::<Vec<_>>().join("\r\n")
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
