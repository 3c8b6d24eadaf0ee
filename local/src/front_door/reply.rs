//! A function's answer as HTTP.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Headers that belong to the connection; the gateway sets them itself.
const CONNECTION_HEADERS: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE];

/// `{"message": "Not Found"}`: the whole of what the gateway says about its own errors.
pub(super) fn gateway_error(status: StatusCode) -> Response {
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        other => other.canonical_reason().unwrap_or("Error"),
    };
    finish(status, Body::from(json!({ "message": message }).to_string()), Some("application/json"))
}

/// Translates a payload format 2.0 answer. Anything without a `statusCode` is itself the body of a 200, as on AWS.
pub(super) fn from_payload(payload: &[u8]) -> Result<Response, String> {
    let value: Value = serde_json::from_slice(payload).map_err(|error| format!("not JSON: {error}"))?;
    if let Some(fields) = value.as_object().filter(|fields| fields.contains_key("statusCode")) {
        return from_fields(fields);
    }
    Ok(finish(StatusCode::OK, Body::from(plain(&value)), Some("application/json")))
}

fn from_fields(fields: &Map<String, Value>) -> Result<Response, String> {
    let status = fields.get("statusCode").map(plain).unwrap_or_default();
    let status: StatusCode = status.parse().map_err(|_| format!("statusCode {status}"))?;
    let mut response = finish(status, body(fields)?, None);
    if let Some(Value::Object(headers)) = fields.get("headers") {
        for (name, value) in headers {
            let name: HeaderName = name.parse().map_err(|_| format!("header name {name:?}"))?;
            if !CONNECTION_HEADERS.contains(&name) {
                response.headers_mut().insert(name, header_value(&plain(value))?);
            }
        }
    }
    if let Some(Value::Array(cookies)) = fields.get("cookies") {
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, header_value(&plain(cookie))?);
        }
    }
    if !response.headers().contains_key(header::CONTENT_TYPE) {
        let default = HeaderValue::from_static("text/plain;charset=UTF-8");
        response.headers_mut().insert(header::CONTENT_TYPE, default);
    }
    Ok(response)
}

fn body(fields: &Map<String, Value>) -> Result<Body, String> {
    let text = match fields.get("body") {
        None | Some(Value::Null) => return Ok(Body::empty()),
        Some(value) => plain(value),
    };
    if fields.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|error| format!("body is not base64: {error}"))?;
        return Ok(Body::from(bytes));
    }
    Ok(Body::from(text))
}

/// A string as it is, anything else as its JSON: functions write status codes and header values both ways.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| "a header value with a line break in it".to_owned())
}

fn finish(status: StatusCode, body: Body, content_type: Option<&'static str>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}
