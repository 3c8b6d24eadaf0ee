//! Requests and answers of an HTTP API (payload format 2.0, which function URLs speak too).

use std::collections::BTreeMap;

use aws_smithy_types::base64;
use frontdesk_core::{
    directory::Locations,
    flow::ingest::{Answer, Endpoint, Ingest, Request, SecretSource},
    ids::Ids,
    inbox::Inbox,
    queue::EventQueue,
    telemetry::Telemetry,
    time::Clock,
};
use serde::{Deserialize, Serialize};

/// A request as the gateway hands it over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpEvent {
    /// Repeated headers are joined by commas.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    /// The body, in base64 if the gateway did not take it for text.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether it is.
    #[serde(default)]
    pub is_base64_encoded: bool,
}

/// An answer as the gateway wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpAnswer {
    /// The status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, String>,
    /// The body.
    pub body: &'static str,
    /// Never.
    pub is_base64_encoded: bool,
}

/// Takes in one webhook.
pub async fn ingest<E, S, Q, V, C, I, T>(ingest: &Ingest<'_, E, S, Q, V, C, I, T>, event: HttpEvent) -> HttpAnswer
where
    E: Endpoint,
    S: Inbox + Locations,
    Q: EventQueue,
    V: SecretSource,
    C: Clock,
    I: Ids,
    T: Telemetry,
{
    let HttpEvent { headers, body, is_base64_encoded } = event;
    let headers: Vec<(String, String)> =
        headers.unwrap_or_default().into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let body = bytes(body.unwrap_or_default(), is_base64_encoded);
    answer(ingest.handle(&Request { headers: &headers, body: &body }).await)
}

/// The body as it was sent. A gateway that encodes wrongly is not to be expected; what it sent then is nobody's signed
/// message, and is refused as such.
fn bytes(body: String, encoded: bool) -> Vec<u8> {
    if encoded { base64::decode(&body).unwrap_or_else(|_| body.into_bytes()) } else { body.into_bytes() }
}

fn answer(answer: Answer) -> HttpAnswer {
    let mut headers = BTreeMap::from([("content-type", "text/plain; charset=utf-8".to_owned())]);
    if let Some(seconds) = answer.retry_after_s() {
        headers.insert("retry-after", seconds.to_string());
    }
    HttpAnswer { status_code: answer.status(), headers, body: answer.text(), is_base64_encoded: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> HttpEvent {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_body_comes_back_as_the_bytes_that_were_sent() {
        let event =
            read(r#"{"version":"2.0","body":"/wD+","isBase64Encoded":true,"requestContext":{"http":{"method":7}}}"#);
        assert_eq!(bytes(event.body.unwrap(), event.is_base64_encoded), [0xff, 0x00, 0xfe]);
        assert_eq!(bytes("{ \"a\": \"ü\" }".into(), false), "{ \"a\": \"ü\" }".as_bytes());
        assert_eq!(bytes("not base64!".into(), true), b"not base64!");
    }

    #[test]
    fn nothing_of_an_event_is_required() {
        for json in ["{}", r#"{"headers":null,"body":null}"#, r#"{"headers":{"x-signature":"ä\u0000"}}"#] {
            read(json);
        }
    }

    #[test]
    fn an_answer_that_asks_for_a_repetition_says_when() {
        assert_eq!(
            serde_json::to_string(&answer(Answer::NotStored)).unwrap(),
            r#"{"statusCode":503,"headers":{"content-type":"text/plain; charset=utf-8","retry-after":"5"},"body":"not stored, try again","isBase64Encoded":false}"#
        );
        assert!(!answer(Answer::Duplicate).headers.contains_key("retry-after"));
    }
}
