//! Requests and answers of an HTTP API (payload format 2.0, which function URLs speak too).

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

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
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;

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
    /// The path.
    #[serde(default, deserialize_with = "if_usable")]
    pub raw_path: String,
    /// What stands behind the question mark.
    #[serde(default, deserialize_with = "if_usable")]
    pub raw_query_string: String,
    /// What the gateway itself says of the request.
    #[serde(default, deserialize_with = "if_usable")]
    pub request_context: RequestContext,
}

/// What the gateway says of a request. A webhook needs none of it, so nothing in here can stand in its way: what is not as
/// expected is as good as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RequestContext {
    /// Of the protocol.
    #[serde(default, deserialize_with = "if_usable")]
    pub http: RequestHttp,
    /// The name by which the gateway was reached: one of its own, whatever the request says.
    #[serde(default, rename = "domainName", deserialize_with = "if_usable")]
    pub domain_name: String,
    /// The stage; `$default` has no part in the address.
    #[serde(default, deserialize_with = "if_usable")]
    pub stage: String,
}

/// What the gateway says of a request's protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestHttp {
    /// The method.
    #[serde(default, deserialize_with = "if_usable")]
    pub method: String,
    /// The address of who called the gateway.
    #[serde(default, deserialize_with = "if_usable")]
    pub source_ip: String,
}

/// A value, or its default if it is of another form.
fn if_usable<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Value::deserialize(from).map(|value| serde_json::from_value(value).unwrap_or_default())
}

/// A request, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpParts {
    /// The method, in capitals; empty if the gateway does not say.
    pub method: String,
    /// The path, as the gateway gives it.
    pub path: String,
    /// The parameters of the query in their order, decoded.
    pub query: Vec<(String, String)>,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, as it was sent.
    pub body: Vec<u8>,
    /// The address of who called the gateway: not one that a header claims.
    pub client: Option<IpAddr>,
    /// Base of the address by which the gateway was reached.
    pub own_url: Option<String>,
}

impl std::fmt::Debug for HttpParts {
    /// Without what was sent; a path can hold a token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpParts({}, {} bytes)", self.method, self.body.len())
    }
}

/// Takes a request apart.
#[must_use]
pub fn parts(event: HttpEvent) -> HttpParts {
    let HttpEvent { headers, body, is_base64_encoded, raw_path, raw_query_string, request_context } = event;
    let RequestContext { http: RequestHttp { method, source_ip }, domain_name, stage } = request_context;
    let own_url = (!domain_name.is_empty()).then(|| match stage.as_str() {
        "" | "$default" => format!("https://{domain_name}"),
        stage => format!("https://{domain_name}/{stage}"),
    });
    let headers = headers.unwrap_or_default().into_iter();
    HttpParts {
        method: method.to_ascii_uppercase(),
        path: raw_path,
        query: query(&raw_query_string),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.into_bytes())).collect(),
        body: bytes(body.unwrap_or_default(), is_base64_encoded),
        client: source_ip.parse().ok(),
        own_url,
    }
}

/// The parameters of a query, as a browser's form writes them. One without a value has an empty one.
fn query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decoded(k), decoded(v))).collect()
}

/// A percent sign that begins no code stands for itself; what is no text then is replaced.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let byte = match (first, after.split_first_chunk()) {
            (b'+', _) => b' ',
            (b'%', Some((digits, behind))) => match code(*digits) {
                Some(byte) => {
                    rest = behind;
                    byte
                }
                None => b'%',
            },
            (other, _) => *other,
        };
        bytes.push(byte);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn code(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
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
    pub body: Cow<'static, str>,
    /// Never.
    pub is_base64_encoded: bool,
}

impl HttpAnswer {
    /// An answer. Of two headers with one name the last is sent: the gateway takes a name once.
    #[must_use]
    pub fn new(status: u16, headers: Vec<(&'static str, String)>, body: String) -> Self {
        let headers = headers.into_iter().collect();
        Self { status_code: status, headers, body: Cow::Owned(body), is_base64_encoded: false }
    }
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
    let HttpEvent { headers, body, is_base64_encoded, .. } = event;
    let headers: Vec<(String, String)> =
        headers.unwrap_or_default().into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let body = bytes(body.unwrap_or_default(), is_base64_encoded);
    answer::<E>(ingest.handle(&Request { headers: &headers, body: &body }).await)
}

/// The body as it was sent. A gateway that encodes wrongly is not to be expected; what it sent then is nobody's signed
/// message, and is refused as such.
fn bytes(body: String, encoded: bool) -> Vec<u8> {
    if encoded { base64::decode(&body).unwrap_or_else(|_| body.into_bytes()) } else { body.into_bytes() }
}

fn answer<E: Endpoint>(answer: Answer) -> HttpAnswer {
    let mut headers = BTreeMap::from([("content-type", "text/plain; charset=utf-8".to_owned())]);
    if let Some(seconds) = answer.retry_after_s() {
        headers.insert("retry-after", seconds.to_string());
    }
    HttpAnswer { status_code: answer.status::<E>(), headers, body: answer.text(), is_base64_encoded: false }
}

#[cfg(test)]
mod tests {
    use frontdesk_core::flow::ingest::{ChatwootEndpoint, ShopifyEndpoint};

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
    fn a_strange_context_is_none_and_breaks_nothing() {
        for context in [
            "null",
            "7",
            "[]",
            r#""x""#,
            "{}",
            r#"{"http":null}"#,
            r#"{"http":[{}]}"#,
            r#"{"http":{"method":7,"sourceIp":{"a":[]}}}"#,
            r#"{"http":{"method":null,"sourceIp":"nowhere"},"authorizer":{"jwt":{}}}"#,
        ] {
            let text =
                format!(r#"{{"requestContext":{context},"rawPath":{context},"rawQueryString":null,"body":"b"}}"#);
            let parts = parts(read(&text));
            assert_eq!((parts.method.as_str(), parts.client, parts.body.as_slice()), ("", None, &b"b"[..]), "{text}");
        }
    }

    #[test]
    fn a_request_is_taken_apart() {
        let event = read(
            r#"{"rawPath":"/webchat/check","rawQueryString":"a=1&b=x%20y+z&&c&d=%e2%82%ac%zz%4&a=%26%3D","body":"eyI","isBase64Encoded":false,
                "headers":{"Content-Type":"application/json","x-forwarded-for":"192.0.2.9"},
                "requestContext":{"http":{"method":"post","path":"/other","sourceIp":"2001:db8::1"}}}"#,
        );
        let parts = parts(event);
        assert_eq!((parts.method.as_str(), parts.path.as_str()), ("POST", "/webchat/check"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [pair("a", "1"), pair("b", "x y z"), pair("c", ""), pair("d", "\u{20ac}%zz%4"), pair("a", "&=")];
        assert_eq!(parts.query, expected);
        assert_eq!(parts.headers[0], ("content-type".to_owned(), b"application/json".to_vec()));
        assert_eq!(parts.client, "2001:db8::1".parse().ok(), "and not what a header says");
        assert_eq!(format!("{parts:?}"), "HttpParts(POST, 3 bytes)");
    }

    #[test]
    fn what_is_no_text_in_a_query_is_replaced_and_what_is_no_code_stays() {
        for (text, expected) in [
            ("%ff", "\u{fffd}"),
            ("%", "%"),
            ("%4", "%4"),
            ("%%41", "%A"),
            ("%+1", "% 1"),
            ("%-1", "%-1"),
            ("\u{e9}", "\u{e9}"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }

    #[test]
    fn an_answer_is_made_of_its_parts() {
        let answer = HttpAnswer::new(204, vec![("vary", "a".into()), ("vary", "Origin".into())], String::new());
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"statusCode":204,"headers":{"vary":"Origin"},"body":"","isBase64Encoded":false}"#
        );
    }

    #[test]
    fn an_answer_that_asks_for_a_repetition_says_when() {
        assert_eq!(
            serde_json::to_string(&answer::<ShopifyEndpoint>(Answer::NotStored)).unwrap(),
            r#"{"statusCode":503,"headers":{"content-type":"text/plain; charset=utf-8","retry-after":"5"},"body":"not stored, try again","isBase64Encoded":false}"#
        );
        // A bot's webhook of Chatwoot's is repeated after 429 and 500 only.
        assert_eq!(answer::<ChatwootEndpoint>(Answer::NotStored).status_code, 500);
        assert!(!answer::<ShopifyEndpoint>(Answer::Duplicate).headers.contains_key("retry-after"));
    }
}
