//! What Converse is asked, what its answers are taken for, and what its failures mean.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_bedrockruntime::{
    Client,
    config::{BehaviorVersion, Builder, Credentials, Region, SharedAsyncSleep},
};
use aws_smithy_async::rt::sleep::TokioSleep;
use frontdesk_bedrock::Bedrock;
use frontdesk_core::agent::{Agent, Extras, ModelFailure, Picture, Talk, Thought, ToolCall, Turn, answer_schema};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Answers everything alike, or never, and keeps what was asked.
async fn server(status: u16, headers: &'static str, body: Option<Value>) -> (String, Arc<Mutex<Vec<(String, Value)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let (head, sent) = loop {
                assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, sent)) = text.split_once("\r\n\r\n") else { continue };
                let lower = head.to_lowercase();
                let length = lower.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
                if sent.len() >= length.parse::<usize>().unwrap() {
                    break (head.to_owned(), sent.to_owned());
                }
            };
            let first = head.lines().next().unwrap().to_owned();
            kept.lock().unwrap().push((first, serde_json::from_str(&sent).unwrap()));
            let Some(body) = &body else {
                tokio::time::sleep(Duration::from_secs(60)).await;
                continue;
            };
            let body = body.to_string();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, seen)
}

fn bedrock(url: &str) -> Bedrock {
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-southeast-2"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .endpoint_url(url)
        .build();
    Bedrock::new(Client::from_conf(config), "au.example-model".into(), true)
}

fn customer(text: &str) -> Turn {
    Turn::Customer { text: text.into(), pictures: Vec::new() }
}

static NONE: Extras = Extras { articles: Vec::new(), form: false };

fn talk(turns: &[Turn], may_search: bool) -> Talk<'_> {
    let timeout = Duration::from_secs(20);
    Talk { system: "Be kind.", turns, may_search, extras: &NONE, timeout, tokens_max: 2_000 }
}

fn said(content: &Value, stop_reason: &str) -> Value {
    json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop_reason,
        "usage": { "inputTokens": 1, "outputTokens": 1, "totalTokens": 2 },
        "metrics": { "latencyMs": 1 },
    })
}

async fn think(content: &Value, stop_reason: &str) -> Thought {
    let (url, _) = server(200, "", Some(said(content, stop_reason))).await;
    bedrock(&url).think(&talk(&[customer("hello")], true)).await.unwrap()
}

#[tokio::test]
async fn a_conversation_as_converse_takes_it() {
    let (url, seen) = server(200, "", Some(said(&json!([{ "text": "{}" }]), "end_turn"))).await;
    let picture = Picture { mime: "image/png".into(), bytes: vec![1, 2, 3] };
    let heic = Picture { mime: "image/heic".into(), bytes: vec![1] };
    let call = ToolCall { id: "t1".into(), tool: "search_products".into(), arguments: json!({ "text": "lamp" }) };
    let raw = json!([
        { "thought": { "text": "hm", "signature": "sig" } },
        { "tool_use": { "id": "t1", "name": "search_products", "input": { "text": "lamp" } } },
    ]);
    let turns = [
        Turn::Us("Welcome".into()),
        customer("hi"),
        Turn::Customer { text: "this one".into(), pictures: vec![picture, heic] },
        Turn::Calls { calls: vec![call.clone()], raw },
        Turn::Found { call: "t1".into(), content: "[]".into() },
    ];
    bedrock(&url).think(&talk(&turns, false)).await.unwrap();
    let (first, body) = seen.lock().unwrap()[0].clone();
    assert_eq!(first, "POST /model/au.example-model/converse HTTP/1.1");
    assert_eq!(
        body["messages"],
        json!([
            { "role": "user", "content": [{ "text": "(What was said before is not shown.)" }] },
            { "role": "assistant", "content": [{ "text": "Welcome" }] },
            { "role": "user", "content": [
                { "text": "hi" },
                { "image": { "format": "png", "source": { "bytes": "AQID" } } },
                { "text": "this one" },
            ] },
            { "role": "assistant", "content": [
                { "reasoningContent": { "reasoningText": { "text": "hm", "signature": "sig" } } },
                { "toolUse": { "toolUseId": "t1", "name": "search_products", "input": { "text": "lamp" } } },
            ] },
            { "role": "user", "content": [{ "toolResult": { "toolUseId": "t1", "content": [{ "text": "[]" }] } }] },
        ])
    );
    assert_eq!(body["inferenceConfig"], json!({ "maxTokens": 2000 }));
    let told = body["system"][0]["text"].as_str().unwrap();
    assert!(told.starts_with("Be kind.\n\nYour answer is one JSON object"));
    assert!(told.ends_with(&answer_schema(&NONE).to_string()) && !told.contains("contact form"));
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "search_products");
    assert_eq!(body["toolConfig"].get("toolChoice"), None);
    bedrock(&url).think(&talk(&[customer("hi")], false)).await.unwrap();
    assert_eq!(seen.lock().unwrap()[1].1.get("toolConfig"), None);
    let extras = Extras { form: true, ..Extras::default() };
    bedrock(&url).think(&Talk { extras: &extras, ..talk(&[customer("hi")], false) }).await.unwrap();
    let told = seen.lock().unwrap()[2].1["system"][0]["text"].as_str().unwrap().to_owned();
    assert!(told.ends_with(&answer_schema(&extras).to_string()) && told.contains("contact form"));
}

#[tokio::test]
async fn an_answer_is_found_by_its_kind() {
    let thought = json!({ "reasoningContent": { "reasoningText": { "text": "hm", "signature": "sig" } } });
    for text in [r#"{"a":1}"#, "```json\n{\"a\":1}\n```", "```\n{\"a\":1}```", "  {\"a\":1}\n"] {
        let answer = think(&json!([thought, { "text": text }]), "end_turn").await;
        assert_eq!(answer, Thought::Said(r#"{"a":1}"#.into()), "{text}");
    }
    let calls = think(&json!([thought, { "text": "One moment" }, { "toolUse": { "toolUseId": "t1", "name": "search_products", "input": { "text": "lamp", "max": 5 } } }]),
        "tool_use",
    )
    .await;
    let Thought::Calls { calls, raw } = calls else { panic!("{calls:?}") };
    assert_eq!((calls[0].id.as_str(), calls[0].tool.as_str()), ("t1", "search_products"));
    assert_eq!(calls[0].arguments, json!({ "text": "lamp", "max": 5 }));
    assert_eq!(raw[0], json!({ "thought": { "text": "hm", "signature": "sig" } }));
    assert_eq!(raw.as_array().unwrap().len(), 3);
    assert_eq!(think(&json!([thought]), "end_turn").await, Thought::Empty);
    assert_eq!(think(&json!([{ "text": "{" }]), "max_tokens").await, Thought::CutOff);
    assert_eq!(think(&json!([{ "text": "{" }]), "malformed_tool_use").await, Thought::Empty);
    for reason in ["content_filtered", "guardrail_intervened", "refusal"] {
        assert_eq!(think(&json!([{ "text": "no" }]), reason).await, Thought::Refused, "{reason}");
    }
}

async fn failure(status: u16, code: &'static str, message: &str) -> ModelFailure {
    let header: &'static str = Box::leak(format!("x-amzn-errortype: {code}\r\n").into_boxed_str());
    let (url, seen) = server(status, header, Some(json!({ "message": message }))).await;
    let failed = bedrock(&url).think(&talk(&[customer("hello")], true)).await.unwrap_err();
    assert_eq!(seen.lock().unwrap().len(), 1, "{code} is tried once");
    assert!(!format!("{failed:?}").contains("private"), "{failed:?}");
    failed
}

#[tokio::test]
async fn every_refusal_means_something() {
    for (status, code) in [(429, "ThrottlingException"), (400, "ServiceQuotaExceededException")] {
        assert_eq!(failure(status, code, "private").await, ModelFailure::Throttled { wait: None }, "{code}");
    }
    for (status, code) in [
        (429, "ModelNotReadyException"),
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (503, "ServiceUnavailableException"),
        (500, "InternalServerException"),
    ] {
        assert!(matches!(failure(status, code, "private").await, ModelFailure::Transient { .. }), "{code}");
    }
    for (status, code, message) in [
        (403, "AccessDeniedException", "private"),
        (404, "ResourceNotFoundException", "private"),
        (403, "UnrecognizedClientException", "private"),
        (400, "ValidationException", "The provided model identifier is invalid: private"),
    ] {
        assert!(matches!(failure(status, code, message).await, ModelFailure::Misconfigured { .. }), "{code}");
    }
    assert!(matches!(failure(400, "ValidationException", "private").await, ModelFailure::Refused { .. }));
}

#[tokio::test]
async fn a_silent_service_takes_no_longer_than_a_step() {
    let (url, _) = server(200, "", None).await;
    let turns = [customer("hello")];
    let talk = Talk { timeout: Duration::from_millis(300), ..talk(&turns, true) };
    let failed = bedrock(&url).think(&talk).await.unwrap_err();
    assert_eq!(failed, ModelFailure::Transient { detail: "no answer in time".into() });
    let gone = ModelFailure::Transient { detail: "no connection, or no readable answer".into() };
    assert_eq!(bedrock("http://127.0.0.1:1").think(&talk).await.unwrap_err(), gone);
}

/// The functions' runtime moves them.
#[test]
fn thinking_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    movable(bedrock("http://127.0.0.1:1").think(&talk(&[], false)));
}
