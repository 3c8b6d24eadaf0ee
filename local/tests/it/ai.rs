//! Models: the same thought in every vendor's form, and every vendor's no.

use serde_json::{Value, json};

use crate::wire::{Bench, Reply, call};

async fn ask(bench: &Bench, path: &str, body: &Value) -> Reply {
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Bearer sk-local"),
        ("x-api-key", "sk-local"),
        ("anthropic-version", "2023-06-01"),
    ];
    call(bench.addr(), "POST", &format!("/ai{path}"), &headers, &body.to_string()).await
}

/// The four ways, each with the customer's words in it, and where the answer is.
fn ways(words: &str) -> [(&'static str, Value, &'static str); 4] {
    let plain = json!([{ "role": "user", "content": words }]);
    [
        ("/v1/responses", json!({ "model": "gpt-6-luna", "store": false, "input": plain }), "/output/0/content/0/text"),
        ("/v1/chat/completions", json!({ "model": "local-model", "messages": plain }), "/choices/0/message/content"),
        (
            "/v1/messages",
            json!({ "model": "claude-haiku-5-5", "max_tokens": 2000, "messages": plain }),
            "/content/0/text",
        ),
        (
            "/model/au.anthropic.claude-haiku-5-5/converse",
            json!({ "messages": [{ "role": "user", "content": [{ "text": words }] }] }),
            "/output/message/content/0/text",
        ),
    ]
}

#[tokio::test]
async fn every_way_says_the_same() {
    let bench = Bench::start().await;
    for (path, body, place) in ways("A human, please") {
        let reply = ask(&bench, path, &body).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        let answer = reply.json();
        let said: Value = serde_json::from_str(answer.pointer(place).unwrap().as_str().unwrap()).unwrap();
        assert_eq!((&said["text"], &said["handoff"]), (&json!("You said: A human, please"), &json!(true)), "{path}");
    }
    assert_eq!(bench.stand_ins.ai_asked().len(), 4);
    assert_eq!(call(bench.addr(), "POST", "/ai/v1/responses", &[], "{}").await.status, 401);
}

#[tokio::test]
async fn a_search_comes_before_an_answer_about_products() {
    let bench = Bench::start().await;
    let schema = json!({ "type": "object", "properties": { "query": { "type": "string" } } });
    let tools = json!([{ "name": "search_products", "input_schema": schema }]);
    let mut body = json!({
        "model": "claude-sonnet-5-5", "max_tokens": 2000, "tools": tools,
        "messages": [{ "role": "user", "content": "A lamp?" }],
    });
    bench.stand_ins.set_ai(&json!({ "script": [{ "thinking": true }] })).unwrap();
    let wish = ask(&bench, "/v1/messages", &body).await.json();
    assert_eq!((&wish["stop_reason"], &wish["content"][0]["type"]), (&json!("tool_use"), &json!("thinking")));
    let result = json!({ "type": "tool_result", "tool_use_id": wish["content"][1]["id"], "content": "[{\"id\":101}]" });
    let more =
        [json!({ "role": "assistant", "content": wish["content"] }), json!({ "role": "user", "content": [result] })];
    body["messages"].as_array_mut().unwrap().extend(more);
    let answer = ask(&bench, "/v1/messages", &body).await.json();
    let said: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(said["product_ids"], json!(["101"]));
}

#[tokio::test]
async fn requests_are_held_to_the_vendors_rules() {
    let bench = Bench::start().await;
    let plain = json!([{ "role": "user", "content": "x" }]);
    let filled = json!([{ "role": "user", "content": "x" }, { "role": "assistant", "content": "{" }]);
    for (path, body, status, code) in [
        ("/v1/responses", json!({ "model": "gpt-3.5-turbo", "input": "x" }), 404, "model_not_found"),
        (
            "/v1/responses",
            json!({ "model": "gpt-6-luna", "input": "x", "temperature": 0 }),
            400,
            "unsupported_parameter",
        ),
        ("/v1/messages", json!({ "model": "claude-haiku-5-5", "messages": plain }), 400, "max_tokens: Field required"),
        (
            "/v1/messages",
            json!({ "model": "claude-opus-5-5", "max_tokens": 9, "messages": plain, "tool_choice": { "type": "any" } }),
            400,
            "forced tool use",
        ),
        ("/v1/messages", json!({ "model": "claude-opus-5-5", "max_tokens": 9, "messages": filled }), 400, "prefill"),
    ] {
        let refused = ask(&bench, path, &body).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.body);
        assert!(refused.body.contains(code), "{}", refused.body);
    }
    for (step, statuses) in [
        (json!({ "money_gone": true }), [429, 429, 402, 403]),
        (json!({ "spend_limit": true }), [429, 429, 429, 403]),
        (json!({ "overloaded": true }), [503, 503, 529, 503]),
        (json!({ "rate_limited": true, "retry_after": 3 }), [429, 429, 429, 429]),
    ] {
        bench.stand_ins.set_ai(&json!({ "default": step })).unwrap();
        for ((path, body, _), status) in ways("x").into_iter().zip(statuses) {
            assert_eq!(ask(&bench, path, &body).await.status, status, "{path} {step}");
        }
    }
}

#[tokio::test]
async fn sounds_are_written_down_by_their_name() {
    let bench = Bench::start().await;
    bench.stand_ins.set_ai(&json!({ "transcripts": { "b.ogg": { "text": "I want a lamp" } } })).unwrap();
    let send = async |name: &str| {
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\ngpt-transcribe\r\n--b\r\ncontent-disposition: \
             form-data; name=\"file\"; filename=\"{name}\"\r\n\r\nsound\r\n--b--\r\n"
        );
        let headers = [("content-type", "multipart/form-data; boundary=b"), ("authorization", "Bearer k")];
        call(bench.addr(), "POST", "/ai/v1/audio/transcriptions", &headers, &body).await
    };
    assert_eq!(send("a.mp3").await.json()["text"], "transcript of a.mp3");
    assert_eq!(send("b.ogg").await.json()["text"], "I want a lamp");
    assert_eq!(send("c.amr").await.status, 400);
    bench.stand_ins.set_ai(&json!({ "transcription_script": [{ "money_gone": true }] })).unwrap();
    assert_eq!(send("a.mp3").await.status, 429);
}
