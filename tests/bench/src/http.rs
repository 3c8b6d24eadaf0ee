//! As much of HTTP/1.1 as the functions' clients speak.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Of `X-Amz-Target`, which names the operation of AWS's JSON protocols.
    pub(crate) target: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Besides the length.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: vec![("content-type", "application/json".to_owned())], body: body.into() }
    }
}

/// Answers every connection to a free port of this machine, each on a thread of its own. A request that `handle` has no
/// answer to stays unanswered.
pub(crate) fn serve<H>(tls: Option<Arc<ServerConfig>>, handle: H) -> io::Result<u16>
where
    H: Fn(Request) -> Option<Answer> + Clone + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (tls, handle) = (tls.clone(), handle.clone());
            // A connection ends when its function is killed, which is how every trial ends.
            thread::spawn(move || connection(stream, tls, &handle));
        }
    });
    Ok(port)
}

fn connection(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    handle: &impl Fn(Request) -> Option<Answer>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => exchange(stream, handle),
        Some(config) => {
            let session = ServerConnection::new(config).map_err(io::Error::other)?;
            exchange(StreamOwned::new(session, stream), handle)
        }
    }
}

fn exchange(stream: impl Read + Write, handle: &impl Fn(Request) -> Option<Answer>) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(64 * 1024, stream);
    while let Some(request) = read(&mut stream)? {
        match handle(request) {
            Some(answer) => write(stream.get_mut(), &answer)?,
            // Held open until the other side goes.
            None => return stream.read(&mut [0]).map(|_| ()),
        }
    }
    Ok(())
}

fn read(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut target, mut length) = (None, 0);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().map_err(io::Error::other)?,
            "transfer-encoding" => return Err(io::Error::other("a body of unknown length")),
            "x-amz-target" => target = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(Request { method, path, target, body }))
}

fn write(stream: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} -\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&answer.body);
    stream.write_all(&bytes)?;
    stream.flush()
}
