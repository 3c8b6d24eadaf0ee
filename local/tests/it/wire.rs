//! One HTTP request over one TCP connection, and whatever came back.

use std::net::SocketAddr;
use std::time::Duration;

use frontdesk_local::StandIns;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A location that the stand-in knows from the start.
pub(crate) const LOCATION: &str = "34dc3207-f0e7-5b39-bf15-36b47e50111f";
/// A number reserved for fiction.
pub(crate) const PHONE: &str = "+61491570156";

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Sends a request and reads until the other side closes: every byte it sent, possibly none.
pub(crate) async fn bytes(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: local.test\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut received = Vec::new();
    // A reset is an end like any other here; what arrived before it counts.
    let reading = stream.read_to_end(&mut received);
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap();
    received
}

/// Reads an answer that must be whole.
pub(crate) fn reply(received: &[u8]) -> Reply {
    let text = String::from_utf8(received.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        })
        .collect();
    let reply = Reply { status, headers, body: body.to_owned() };
    if let Some(length) = reply.header("content-length") {
        assert_eq!(length, body.len().to_string(), "the answer is not whole");
    }
    reply
}

pub(crate) async fn call(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    reply(&bytes(addr, method, path, headers, body.as_bytes()).await)
}

/// Stand-ins of its own for a test, with tokens that are good.
pub(crate) struct Bench {
    pub(crate) stand_ins: StandIns,
    bearer: String,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::of(StandIns::start("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn of(stand_ins: StandIns) -> Self {
        let bearer = format!("Bearer {}", stand_ins.podium_token());
        Self { stand_ins, bearer }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.stand_ins.addr()
    }

    pub(crate) async fn podium_bytes(&self, method: &str, path: &str, body: &Value) -> Vec<u8> {
        let headers = [
            ("authorization", self.bearer.as_str()),
            ("content-type", "application/json"),
            ("podium-version", "2021.04.01"),
        ];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        bytes(self.addr(), method, &format!("/podium{path}"), &headers, body.as_bytes()).await
    }

    pub(crate) async fn podium(&self, method: &str, path: &str, body: &Value) -> Reply {
        reply(&self.podium_bytes(method, path, body).await)
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        call(self.addr(), method, &format!("/_control{path}"), &[], &body).await
    }

    /// Adds a fault rule over the wire, as the demo does.
    pub(crate) async fn fault(&self, rule: &Value) {
        let reply = self.control("POST", "/faults", rule).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
    }
}

/// A message in the published contract.
pub(crate) fn message(phone: &str, body: &str) -> Value {
    json!({ "body": body, "channel": { "type": "phone", "identifier": phone }, "locationUid": LOCATION })
}
