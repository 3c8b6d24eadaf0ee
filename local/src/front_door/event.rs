//! A request as an HTTP API hands it to a function: payload format 2.0.
//!
//! Faithful in what a verifier of signatures could trip over: header names in lower case, repeated headers joined by
//! commas, cookies moved into their own list, and a body in base64 unless its content type is one of the few that the
//! gateway takes for text.

use std::net::SocketAddr;

use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::routes::Matched;
use crate::clock;

/// Asks for base64 whatever the body is, so that a test can send any body both ways.
const FORCE_BASE64: &str = "x-local-force-base64";

/// All that is known about a request when it arrives.
pub(super) struct Arrival<'a> {
    pub(super) parts: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) matched: &'a Matched<'a>,
    pub(super) peer: SocketAddr,
    pub(super) now_ms: i64,
    pub(super) request_id: &'a str,
}

/// Builds the payload. Fields that API Gateway leaves out when they are empty are left out here too.
pub(super) fn payload(arrival: &Arrival<'_>) -> Value {
    let parts = arrival.parts;
    let path = parts.uri.path();
    let route_key = arrival.matched.route.key();
    let host = text_of(parts.headers.get(header::HOST));
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers(arrival),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next().unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": arrival.peer.ip().to_string(),
                "userAgent": text_of(parts.headers.get(header::USER_AGENT)),
            },
            "requestId": arrival.request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": clock::common_log(arrival.now_ms),
            "timeEpoch": arrival.now_ms,
        },
        "isBase64Encoded": false,
    });
    if let Some(fields) = event.as_object_mut() {
        fields.extend(optional_fields(arrival));
    }
    event
}

fn optional_fields(arrival: &Arrival<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let cookies = cookies(&arrival.parts.headers);
    if !cookies.is_empty() {
        fields.insert("cookies".to_owned(), json!(cookies));
    }
    let query = query_parameters(arrival.parts);
    if !query.is_empty() {
        fields.insert("queryStringParameters".to_owned(), Value::Object(query));
    }
    if !arrival.matched.parameters.is_empty() {
        fields.insert("pathParameters".to_owned(), json!(arrival.matched.parameters));
    }
    if !arrival.body.is_empty() {
        let (body, base64) = match text_body(&arrival.parts.headers, arrival.body) {
            Some(text) => (text.to_owned(), false),
            None => (STANDARD.encode(arrival.body), true),
        };
        fields.insert("body".to_owned(), Value::String(body));
        fields.insert("isBase64Encoded".to_owned(), Value::Bool(base64));
    }
    fields
}

/// The request's headers, joined, plus the ones that the gateway adds.
fn headers(arrival: &Arrival<'_>) -> Map<String, Value> {
    let given = &arrival.parts.headers;
    let mut joined = Map::new();
    // hyper keeps header names in lower case.
    for name in given.keys() {
        if name != header::COOKIE && name != header::CONNECTION && name != header::TRANSFER_ENCODING {
            let values: Vec<String> = given.get_all(name).iter().map(|value| text_of(Some(value))).collect();
            joined.insert(name.as_str().to_owned(), Value::String(values.join(",")));
        }
    }
    let peer = arrival.peer.ip().to_string();
    let forwarded = joined.get("x-forwarded-for").and_then(Value::as_str);
    let own = [
        ("content-length", arrival.body.len().to_string()),
        ("x-forwarded-for", forwarded.map_or_else(|| peer.clone(), |earlier| format!("{earlier}, {peer}"))),
        ("x-forwarded-port", "443".to_owned()),
        ("x-forwarded-proto", "https".to_owned()),
    ];
    for (name, value) in own {
        joined.insert(name.to_owned(), Value::String(value));
    }
    joined
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| text_of(Some(value)).split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

/// Decoded, and repeated names joined by commas.
fn query_parameters(parts: &Parts) -> Map<String, Value> {
    let mut joined: Map<String, Value> = Map::new();
    let pairs =
        Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
    for (name, value) in pairs {
        match joined.get_mut(&name) {
            Some(Value::String(earlier)) => {
                earlier.push(',');
                earlier.push_str(&value);
            }
            _ => {
                joined.insert(name, Value::String(value));
            }
        }
    }
    joined
}

/// The body as text, if the gateway would take it for text. A form is not, and neither is a body without a content type.
fn text_body<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<&'a str> {
    if headers.contains_key(FORCE_BASE64) || headers.contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    let full = text_of(headers.get(header::CONTENT_TYPE)).to_ascii_lowercase();
    let media = full.split(';').next().unwrap_or_default().trim();
    let textual = media.starts_with("text/")
        || matches!(media, "application/json" | "application/xml" | "application/javascript");
    textual.then(|| std::str::from_utf8(body).ok()).flatten()
}

/// A header as text. Bytes that are not UTF-8 are read as Latin-1, so that nothing is lost and the payload stays JSON.
fn text_of(value: Option<&HeaderValue>) -> String {
    let bytes = value.map_or(&[][..], HeaderValue::as_bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
