//! The gateway, with a Lambda API that returns what the test tells it to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use frontdesk_local::{FrontDoor, FrontDoorConfig, RouteTable};
use serde_json::{Value, json};

use crate::wire::{Reply, bytes, call, reply};

/// What a function answers: status of the API, whether the function failed, payload, and how long it takes.
struct Outcome {
    status: u16,
    failed: bool,
    payload: String,
    delay: Duration,
}

fn returns(payload: &Value) -> Outcome {
    Outcome { status: 200, failed: false, payload: payload.to_string(), delay: Duration::ZERO }
}

#[derive(Default)]
struct Functions {
    outcomes: Mutex<VecDeque<Outcome>>,
    invoked: Mutex<Vec<(String, Value)>>,
}

async fn invoke(State(functions): State<Arc<Functions>>, OriginalUri(uri): OriginalUri, body: Bytes) -> Response {
    let event = serde_json::from_slice(&body).unwrap();
    functions.invoked.lock().unwrap().push((uri.path().to_owned(), event));
    let outcome =
        functions.outcomes.lock().unwrap().pop_front().unwrap_or_else(|| returns(&json!({ "statusCode": 200 })));
    tokio::time::sleep(outcome.delay).await;
    let mut response = Response::new(Body::from(outcome.payload));
    *response.status_mut() = StatusCode::from_u16(outcome.status).unwrap();
    if outcome.failed {
        response.headers_mut().insert("x-amz-function-error", "Unhandled".parse().unwrap());
    }
    response
}

struct Gateway {
    door: FrontDoor,
    functions: Arc<Functions>,
}

impl Gateway {
    async fn start() -> Self {
        Self::with_timeout(Duration::from_secs(30)).await
    }

    async fn with_timeout(integration_timeout: Duration) -> Self {
        let functions = Arc::new(Functions::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let lambda = listener.local_addr().unwrap();
        let limit = axum::extract::DefaultBodyLimit::disable();
        let router = Router::new().fallback(invoke).layer(limit).with_state(Arc::clone(&functions));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let routes = r#"[
            {"method": "POST", "path": "/shopify/orders-fulfilled", "function": "shopify-orders"},
            {"method": "GET", "path": "/items/{id}", "function": "items"}
        ]"#;
        let config = FrontDoorConfig {
            integration_timeout,
            ..FrontDoorConfig::new(RouteTable::from_json(routes).unwrap(), format!("http://{lambda}"))
        };
        Self { door: FrontDoor::start("127.0.0.1:0", config).await.unwrap(), functions }
    }

    fn addr(&self) -> SocketAddr {
        self.door.addr()
    }

    async fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        reply(&bytes(self.addr(), "POST", "/shopify/orders-fulfilled", headers, body).await)
    }

    /// Posts JSON and answers it like this.
    async fn answering(&self, outcome: Outcome) -> Reply {
        self.functions.outcomes.lock().unwrap().push_back(outcome);
        self.post(&[("content-type", "application/json")], b"{}").await
    }

    fn last_event(&self) -> Value {
        self.functions.invoked.lock().unwrap().last().unwrap().1.clone()
    }
}

#[tokio::test]
async fn the_payload_is_the_gateways_format_2() {
    let gateway = Gateway::start().await;
    let headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-Shopify-Hmac-Sha256", "abc="),
        ("X-Twice", "one"),
        ("X-Twice", "two"),
        ("Cookie", "a=1; b=2"),
        ("X-Forwarded-For", "203.0.113.7"),
        ("User-Agent", "probe/1"),
        ("X-Accent", "caf\u{e9}"),
    ];
    let path = "/shopify/orders-fulfilled?a=1&a=2&b=x%20y";
    let reply = call(gateway.addr(), "POST", path, &headers, "{ \"id\":1 }").await;
    assert_eq!(reply.status, 200);
    let (invoked, event) = gateway.functions.invoked.lock().unwrap().pop().unwrap();
    assert_eq!(invoked, "/2015-03-31/functions/shopify-orders/invocations");
    let context = &event["requestContext"];
    let (time, epoch, id) = (&context["time"], &context["timeEpoch"], &context["requestId"]);
    assert!(epoch.as_i64().unwrap() > 1_700_000_000_000 && time.as_str().unwrap().ends_with(" +0000"));
    let expected = json!({
        "version": "2.0",
        "routeKey": "POST /shopify/orders-fulfilled",
        "rawPath": "/shopify/orders-fulfilled",
        "rawQueryString": "a=1&a=2&b=x%20y",
        "queryStringParameters": { "a": "1,2", "b": "x y" },
        "cookies": ["a=1", "b=2"],
        "headers": {
            "content-type": "application/json; charset=utf-8",
            "content-length": "10",
            "host": "local.test",
            "user-agent": "probe/1",
            "x-accent": "caf\u{e9}",
            "x-forwarded-for": "203.0.113.7, 127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-shopify-hmac-sha256": "abc=",
            "x-twice": "one,two",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "local.test",
            "domainPrefix": "local",
            "http": {
                "method": "POST",
                "path": "/shopify/orders-fulfilled",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "probe/1",
            },
            "requestId": id,
            "routeKey": "POST /shopify/orders-fulfilled",
            "stage": "$default",
            "time": time,
            "timeEpoch": epoch,
        },
        "body": "{ \"id\":1 }",
        "isBase64Encoded": false,
    });
    assert_eq!(event, expected);
    assert_eq!(reply.header("apigw-requestid"), id.as_str());
}

#[tokio::test]
async fn path_parameters_are_there_and_empty_things_are_not() {
    let gateway = Gateway::start().await;
    call(gateway.addr(), "GET", "/items/7", &[], "").await;
    let event = gateway.last_event();
    assert_eq!(event["pathParameters"], json!({ "id": "7" }));
    for absent in ["body", "cookies", "queryStringParameters"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn a_body_is_base64_unless_it_is_plainly_text() {
    let gateway = Gateway::start().await;
    let binary = b"\xff\xfe\x00";
    for (headers, body, base64, expected) in [
        (&[("content-type", "application/json")][..], &b"{\"a\":1}"[..], false, "{\"a\":1}"),
        (&[("content-type", "TEXT/plain; charset=utf-8")], b"hi", false, "hi"),
        (&[("content-type", "application/json")], binary, true, "//4A"),
        (&[("content-type", "application/octet-stream")], b"hi", true, "aGk="),
        (&[("content-type", "application/x-www-form-urlencoded")], b"hi", true, "aGk="),
        (&[], b"hi", true, "aGk="),
        (&[("content-type", "application/json"), ("x-local-force-base64", "1")], b"hi", true, "aGk="),
        (&[("content-type", "application/json"), ("content-encoding", "gzip")], b"hi", true, "aGk="),
    ] {
        assert_eq!(gateway.post(headers, body).await.status, 200);
        let event = gateway.last_event();
        assert_eq!((&event["isBase64Encoded"], &event["body"]), (&json!(base64), &json!(expected)), "{headers:?}");
    }
    // A header that is not UTF-8 still makes a payload: a signature header may hold anything.
    let raw = b"POST /shopify/orders-fulfilled HTTP/1.1\r\nhost: l\r\nx-sig: \xe9\r\nconnection: close\r\n\r\n";
    let mut stream = tokio::net::TcpStream::connect(gateway.addr()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, raw).await.unwrap();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await.unwrap();
    assert_eq!(gateway.last_event()["headers"]["x-sig"], "\u{e9}");
}

#[tokio::test]
async fn a_functions_answer_becomes_http() {
    let gateway = Gateway::start().await;
    let answer = json!({
        "statusCode": 201, "headers": { "X-One": "1", "Content-Type": "text/html", "X-Number": 5 },
        "cookies": ["a=1; Path=/", "b=2"], "body": "<p>", "isBase64Encoded": false,
    });
    let full = gateway.answering(returns(&answer)).await;
    assert_eq!((full.status, full.body.as_str()), (201, "<p>"));
    assert_eq!((full.header("x-one"), full.header("x-number")), (Some("1"), Some("5")));
    assert_eq!(full.header("content-type"), Some("text/html"));
    let cookies: Vec<_> =
        full.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2"]);

    let decoded =
        gateway.answering(returns(&json!({ "statusCode": 200, "body": "aGk=", "isBase64Encoded": true }))).await;
    assert_eq!(decoded.body, "hi");
    assert_eq!(decoded.header("content-type"), Some("text/plain;charset=UTF-8"));
    let object = gateway.answering(returns(&json!({ "ok": true }))).await;
    assert_eq!((object.status, object.body.as_str()), (200, "{\"ok\":true}"));
    assert_eq!(object.header("content-type"), Some("application/json"));
    let string = gateway.answering(returns(&json!("Hello from Lambda!"))).await;
    assert_eq!(string.body, "Hello from Lambda!");
}

#[tokio::test]
async fn what_goes_wrong_looks_as_it_does_at_the_gateway() {
    let gateway = Gateway::start().await;
    let error = json!({ "message": "Internal Server Error" });
    let crashed = Outcome { failed: true, ..returns(&json!({ "errorType": "Unhandled" })) };
    let throttled = Outcome { status: 429, ..returns(&json!({})) };
    let absent = Outcome { status: 404, ..returns(&json!({})) };
    let garbage = Outcome { payload: "<html>".to_owned(), ..returns(&json!({})) };
    let unavailable = json!({ "message": "Service Unavailable" });
    for (name, outcome, status, body) in [
        ("crashed", crashed, 500, &error),
        ("throttled", throttled, 503, &unavailable),
        ("absent", absent, 500, &error),
        ("garbage", garbage, 500, &error),
        ("bad status", returns(&json!({ "statusCode": "x" })), 500, &error),
        ("bad header", returns(&json!({ "statusCode": 200, "headers": { "a": "b\nc" } })), 500, &error),
        ("bad base64", returns(&json!({ "statusCode": 200, "body": "%", "isBase64Encoded": true })), 500, &error),
    ] {
        let reply = gateway.answering(outcome).await;
        assert_eq!((reply.status, &reply.json()), (status, body), "{name}");
    }
    for (method, path) in [("GET", "/shopify/orders-fulfilled"), ("POST", "/nowhere"), ("POST", "/")] {
        let missing = call(gateway.addr(), method, path, &[], "").await;
        assert_eq!((missing.status, missing.json()), (404, json!({ "message": "Not Found" })), "{method} {path}");
    }
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_a_503() {
    let gateway = Gateway::with_timeout(Duration::from_millis(100)).await;
    let slow = Outcome { delay: Duration::from_secs(20), ..returns(&json!({})) };
    let reply = gateway.answering(slow).await;
    assert_eq!((reply.status, reply.json()), (503, json!({ "message": "Service Unavailable" })));
}

#[tokio::test]
async fn bodies_that_are_too_large_are_413_before_any_function_runs() {
    let gateway = Gateway::start().await;
    let headers = [("content-type", "text/plain")];
    let over_the_gateway = vec![b'a'; 10 * 1024 * 1024 + 1];
    let refused = gateway.post(&headers, &over_the_gateway).await;
    assert_eq!((refused.status, refused.json()), (413, json!({ "message": "Request Entity Too Large" })));
    let over_the_function = vec![b'a'; 5 * 1024 * 1024];
    let as_base64 = gateway.post(&[], &over_the_function).await;
    assert_eq!(as_base64.status, 413, "base64 counts expanded");
    assert!(gateway.functions.invoked.lock().unwrap().is_empty());
    assert_eq!(gateway.post(&headers, &over_the_function).await.status, 200);
}

#[tokio::test]
async fn a_lambda_api_that_is_not_there_is_an_error_and_not_a_hang() {
    let routes = RouteTable::from_json(r#"[{"method":"ANY","path":"/{proxy+}","function":"f"}]"#).unwrap();
    let door =
        FrontDoor::start("127.0.0.1:0", FrontDoorConfig::new(routes.clone(), "http://127.0.0.1:9")).await.unwrap();
    assert_eq!(call(door.addr(), "GET", "/x", &[], "").await.status, 500);
    door.stop().await;
    for url in ["https://127.0.0.1:9", "nowhere", ""] {
        assert!(FrontDoor::start("127.0.0.1:0", FrontDoorConfig::new(routes.clone(), url)).await.is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_person_is_told_the_routes() {
    let gateway = Gateway::start().await;
    let page = call(gateway.addr(), "GET", "/", &[], "").await;
    assert!(
        page.body.contains("/shopify/orders-fulfilled") && page.body.contains("-> shopify-orders"),
        "{}",
        page.body
    );
    assert_eq!(call(gateway.addr(), "GET", "/_local/health", &[], "").await.body, "ok\n");
}
