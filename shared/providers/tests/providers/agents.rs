//! The models: what they are asked, what their answers are taken for, and what their failures mean.

use std::time::Duration;

use frontdesk_core::{
    agent::{
        Agent, Extras, KeywordAgent, ModelFailure, Picture, SEARCH_TOOL, SEARCH_TOOL_MEANING, Talk, Thought, ToolCall,
        Turn, answer_schema, search_schema,
    },
    config::ModelConfig,
    outbound::Article,
};
use frontdesk_providers::{Anthropic, AnyAgent, Compatible, NoOther, OpenAi};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Server},
    world::{TestClock, TestVault, assert_discreet, http},
};

type Any = AnyAgent<TestVault, TestClock>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    OpenAi,
    Compatible,
    Anthropic,
}
use Kind::{Anthropic as Claude, Compatible as Compat, OpenAi as Gpt};

const ALL: [Kind; 3] = [Gpt, Compat, Claude];

fn vault(key: &str) -> TestVault {
    TestVault::holding(&json!({ "api_key": key }))
}

fn config(url: &str) -> ModelConfig {
    ModelConfig { url: url.into(), model: "m-1".into(), secret: "arn".into(), effort: None, sees: true }
}

fn built(kind: Kind, config: &ModelConfig, vault: TestVault) -> Any {
    let clock = TestClock::new();
    match kind {
        Gpt => AnyAgent::OpenAi(OpenAi::new(http(), config, vault, clock).unwrap()),
        Compat => AnyAgent::Compatible(Compatible::new(http(), config, vault, clock).unwrap()),
        Claude => AnyAgent::Anthropic(Anthropic::new(http(), config, vault, clock).unwrap()),
    }
}

fn agent(kind: Kind, url: &str) -> Any {
    built(kind, &config(url), vault("sk-hush"))
}

fn customer(text: &str) -> Turn {
    Turn::Customer { text: text.into(), pictures: Vec::new() }
}

static NONE: Extras = Extras { articles: Vec::new(), form: false };

fn talk(turns: &[Turn], may_search: bool) -> Talk<'_> {
    let timeout = Duration::from_secs(20);
    Talk { system: "Be kind.", turns, may_search, extras: &NONE, timeout, tokens_max: 2_000 }
}

/// An answer of some kind's that says this.
fn saying(kind: Kind, text: &str) -> Value {
    match kind {
        Gpt => json!({ "status": "completed", "output": [
            { "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA" },
            { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": text }] },
        ] }),
        Compat => {
            json!({ "choices": [{ "finish_reason": "stop", "message": { "role": "assistant", "content": text } }] })
        }
        Claude => json!({ "stop_reason": "end_turn", "content": [
            { "type": "thinking", "thinking": "hm", "signature": "sig" },
            { "type": "text", "text": text },
        ] }),
    }
}

async fn think(kind: Kind, answer: &Value) -> Result<Thought, ModelFailure> {
    let server = Server::always(Reply::json(200, answer)).await;
    agent(kind, &server.url()).think(&talk(&[customer("hello")], true)).await
}

#[tokio::test]
async fn an_answer_is_found_behind_the_thoughts() {
    for kind in ALL {
        assert_eq!(think(kind, &saying(kind, "{\"a\":1}")).await, Ok(Thought::Said("{\"a\":1}".into())), "{kind:?}");
        for nothing in ["", " \n"] {
            assert_eq!(think(kind, &saying(kind, nothing)).await, Ok(Thought::Empty), "{kind:?}");
        }
    }
    let text = |text: &str| json!({ "type": "output_text", "text": text });
    let two = json!({ "status": "completed", "output": [
        { "type": "message", "content": [text("I shall look.")] },
        { "type": "message", "content": [text("{\"a\""), text(":1}")] },
    ] });
    assert_eq!(think(Gpt, &two).await, Ok(Thought::Said("{\"a\":1}".into())));
    let only_thoughts = [
        (Gpt, json!({ "status": "completed", "output": [{ "type": "reasoning" }] })),
        (Gpt, json!({ "status": "completed" })),
        (Compat, json!({ "choices": [{ "finish_reason": "stop", "message": { "content": null } }] })),
        (Claude, json!({ "stop_reason": "end_turn", "content": [{ "type": "thinking", "thinking": "x" }] })),
        (Claude, json!({ "stop_reason": "end_turn", "content": [] })),
    ];
    for (kind, answer) in only_thoughts {
        assert_eq!(think(kind, &answer).await, Ok(Thought::Empty), "{answer}");
    }
    let parts = json!({ "choices": [{ "finish_reason": "stop", "message": { "content": [{ "type": "text", "text": "{}" }] } }] });
    assert_eq!(think(Compat, &parts).await, Ok(Thought::Said("{}".into())));
}

#[tokio::test]
async fn refusals_and_unfinished_answers_are_known_for_what_they_are() {
    let unfinished =
        |reason: &str| json!({ "status": "incomplete", "incomplete_details": { "reason": reason }, "output": [] });
    let choice = |reason: &str, message: Value| json!({ "choices": [{ "finish_reason": reason, "message": message }] });
    let stopped = |reason: &str| json!({ "stop_reason": reason, "content": [{ "type": "text", "text": "{" }] });
    let refusal = json!({ "status": "completed", "output": [
        { "type": "message", "content": [{ "type": "refusal", "refusal": "No." }] },
    ] });
    for (kind, answer, expected) in [
        (Gpt, refusal, Thought::Refused),
        (Gpt, unfinished("content_filter"), Thought::Refused),
        (Gpt, unfinished("max_output_tokens"), Thought::CutOff),
        (Compat, choice("stop", json!({ "content": null, "refusal": "No." })), Thought::Refused),
        (Compat, choice("content_filter", json!({ "content": "x" })), Thought::Refused),
        (Compat, choice("length", json!({ "content": "{" })), Thought::CutOff),
        (Claude, stopped("refusal"), Thought::Refused),
        (Claude, stopped("max_tokens"), Thought::CutOff),
        (Claude, stopped("model_context_window_exceeded"), Thought::CutOff),
    ] {
        assert_eq!(think(kind, &answer).await, Ok(expected), "{answer}");
    }
    for (kind, answer) in [
        (Gpt, json!({ "status": "in_progress" })),
        (Gpt, json!({})),
        (Gpt, json!({ "status": "failed", "error": { "code": "server_error", "message": "hush" } })),
        (Compat, json!({ "choices": [] })),
        (Compat, json!({ "error": { "code": 502, "message": "hush" } })),
        (Claude, json!({ "content": [] })),
        (Claude, json!([])),
    ] {
        let failure = think(kind, &answer).await.unwrap_err();
        assert_discreet(&failure);
        assert!(matches!(failure, ModelFailure::Transient { .. }), "{answer}: {failure}");
    }
    let limited = json!({ "status": "failed", "error": { "code": "rate_limit_exceeded" } });
    assert_eq!(think(Gpt, &limited).await, Err(ModelFailure::Throttled { wait: None }));
    let broke = json!({ "status": "failed", "error": { "code": "insufficient_quota" } });
    assert!(matches!(think(Gpt, &broke).await, Err(ModelFailure::MoneyGone { .. })));
}

#[tokio::test]
async fn openai_is_asked_to_keep_nothing() {
    let server = Server::always(Reply::json(200, &saying(Gpt, "{}"))).await;
    let effort = ModelConfig { effort: Some("low".into()), ..config(&server.url()) };
    built(Gpt, &effort, vault("sk-hush")).think(&talk(&[customer("hi")], true)).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v1/responses"));
    assert_eq!(seen.header("authorization"), Some("Bearer sk-hush"));
    let expected = json!({
        "model": "m-1",
        "instructions": "Be kind.",
        "input": [{ "role": "user", "content": [{ "type": "input_text", "text": "hi" }] }],
        "max_output_tokens": 2000,
        "store": false,
        "include": ["reasoning.encrypted_content"],
        "reasoning": { "effort": "low" },
        "text": { "format": { "type": "json_schema", "name": "answer", "strict": true, "schema": answer_schema(&NONE) } },
        "tools": [{
            "type": "function", "name": SEARCH_TOOL, "description": SEARCH_TOOL_MEANING,
            "parameters": search_schema(), "strict": true,
        }],
    });
    assert_eq!(seen.json(), expected);
}

#[tokio::test]
async fn a_compatible_server_is_asked_in_the_older_words() {
    let server = Server::always(Reply::json(200, &saying(Compat, "{}"))).await;
    agent(Compat, &server.url()).think(&talk(&[customer("hi")], true)).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/v1/chat/completions");
    let expected = json!({
        "model": "m-1",
        "messages": [{ "role": "system", "content": "Be kind." }, { "role": "user", "content": "hi" }],
        "max_tokens": 2000,
        "response_format": {
            "type": "json_schema",
            "json_schema": { "name": "answer", "strict": true, "schema": answer_schema(&NONE) },
        },
        "tools": [{ "type": "function", "function": {
            "name": SEARCH_TOOL, "description": SEARCH_TOOL_MEANING, "parameters": search_schema(), "strict": true,
        } }],
    });
    assert_eq!(seen.json(), expected);
    // Some vendors' base URLs end with the version.
    agent(Compat, &format!("{}/openai/v1/", server.url())).think(&talk(&[customer("hi")], true)).await.unwrap();
    assert_eq!(server.targets()[1], "/openai/v1/chat/completions");
}

#[tokio::test]
async fn anthropic_is_asked_for_a_form_and_never_made_to_use_a_tool() {
    let server = Server::always(Reply::json(200, &saying(Claude, "{}"))).await;
    let effort = ModelConfig { effort: Some("low".into()), ..config(&server.url()) };
    built(Claude, &effort, vault("sk-hush")).think(&talk(&[customer("hi")], true)).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/v1/messages");
    assert_eq!(seen.header("x-api-key"), Some("sk-hush"));
    assert_eq!((seen.header("anthropic-version"), seen.header("authorization")), (Some("2023-06-01"), None));
    let expected = json!({
        "model": "m-1",
        "max_tokens": 2000,
        "system": "Be kind.",
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }],
        "output_config": { "format": { "type": "json_schema", "schema": answer_schema(&NONE) }, "effort": "low" },
        "tools": [{ "name": SEARCH_TOOL, "description": SEARCH_TOOL_MEANING, "input_schema": search_schema() }],
    });
    assert_eq!(seen.json(), expected);
}

/// Where a form of answers is asked for, it has what this conversation may show, and no more.
#[tokio::test]
async fn the_form_of_an_answer_has_the_extras() {
    let returns = Article {
        id: "returns".into(),
        title: "Returns".into(),
        description: "How to.".into(),
        link: "https://shop.example/returns".into(),
    };
    let extras = Extras { articles: vec![returns], form: true };
    for (kind, place) in [
        (Gpt, "/text/format/schema"),
        (Compat, "/response_format/json_schema/schema"),
        (Claude, "/output_config/format/schema"),
    ] {
        let server = Server::always(Reply::json(200, &saying(kind, "{}"))).await;
        let (agent, turns) = (agent(kind, &server.url()), [customer("hi")]);
        agent.think(&Talk { extras: &extras, ..talk(&turns, true) }).await.unwrap();
        agent.think(&talk(&turns, true)).await.unwrap();
        let schema = |at: usize| server.seen()[at].json().pointer(place).unwrap().clone();
        let has = |at: usize| ["article_ids", "form"].map(|name| schema(at)["properties"].get(name).is_some());
        assert_eq!((schema(0), has(0), has(1)), (answer_schema(&extras), [true; 2], [false; 2]), "{kind:?}");
    }
}

/// A tool's round trip: what the model said goes back word for word, with what was found.
#[tokio::test]
async fn what_a_model_said_before_a_search_goes_back_word_for_word() {
    let arguments = json!({ "text": "lamp" });
    let call = |id: &str| ToolCall { id: id.into(), tool: SEARCH_TOOL.into(), arguments: arguments.clone() };
    let items = json!([
        { "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA" },
        { "type": "function_call", "id": "fc_1", "call_id": "c1", "name": SEARCH_TOOL, "arguments": "{\"text\":\"lamp\"}" },
        { "type": "function_call", "id": "fc_2", "call_id": "c2", "name": SEARCH_TOOL, "arguments": "{" },
    ]);
    let function = |arguments: &str| json!({ "name": SEARCH_TOOL, "arguments": arguments });
    let message = json!({ "role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
        { "id": "c1", "type": "function", "function": function("{\"text\":\"lamp\"}") },
        { "id": "c2", "type": "function", "function": function("{") },
    ] });
    let blocks = json!([
        { "type": "thinking", "thinking": "hm", "signature": "sig" },
        { "type": "redacted_thinking", "data": "x" },
        { "type": "text", "text": "One moment." },
        { "type": "tool_use", "id": "c1", "name": SEARCH_TOOL, "input": { "text": "lamp" } },
        { "type": "tool_use", "id": "c2", "name": SEARCH_TOOL, "input": "{" },
    ]);
    for (kind, answer) in [
        (Gpt, json!({ "status": "completed", "output": items })),
        (Compat, json!({ "choices": [{ "finish_reason": "tool_calls", "message": message }] })),
        (Claude, json!({ "stop_reason": "tool_use", "content": blocks })),
    ] {
        let server = Server::script([Reply::json(200, &answer), Reply::json(200, &saying(kind, "{}"))]).await;
        let agent = agent(kind, &server.url());
        let asked = [customer("a lamp?")];
        let Thought::Calls { calls, raw } = agent.think(&talk(&asked, true)).await.unwrap() else { panic!("{kind:?}") };
        let second = ToolCall { arguments: json!("{"), ..call("c2") };
        assert_eq!(calls, [call("c1"), second], "{kind:?}");
        let found = |call: &str| Turn::Found { call: call.into(), content: "[]".into() };
        let turns = [customer("a lamp?"), Turn::Calls { calls, raw }, found("c1"), found("c2")];
        agent.think(&talk(&turns, false)).await.unwrap();
        let body = server.seen()[1].json();
        match kind {
            Gpt => {
                assert_eq!(body["input"].as_array().unwrap()[1..4], items.as_array().unwrap()[..]);
                let output = json!({ "type": "function_call_output", "call_id": "c1", "output": "[]" });
                assert_eq!((&body["input"][4], &body["tool_choice"]), (&output, &json!("none")));
            }
            Compat => {
                let mut told = message.clone();
                told.as_object_mut().unwrap().remove("content");
                assert_eq!(body["messages"][2], told);
                assert_eq!(body["messages"][3], json!({ "role": "tool", "tool_call_id": "c1", "content": "[]" }));
                assert_eq!((body["messages"].as_array().unwrap().len(), &body["tool_choice"]), (5, &json!("none")));
            }
            Claude => {
                assert_eq!(body["messages"][1], json!({ "role": "assistant", "content": blocks }));
                let result = |id: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": "[]" });
                assert_eq!(body["messages"][2], json!({ "role": "user", "content": [result("c1"), result("c2")] }));
                assert_eq!(body["tool_choice"], json!({ "type": "none" }));
            }
        }
        assert!(body["tools"].is_array(), "{kind:?}: a tool that was used stays named");
    }
}

/// The words of another provider, or of none, are no use: the calls are told anew.
#[tokio::test]
async fn calls_without_words_of_their_own_are_told_anew() {
    let calls = vec![ToolCall { id: "c1".into(), tool: SEARCH_TOOL.into(), arguments: json!({ "text": "x" }) }];
    let turns = [
        customer("a lamp?"),
        Turn::Calls { calls, raw: Value::Null },
        Turn::Found { call: "c1".into(), content: "[]".into() },
    ];
    for kind in ALL {
        let server = Server::always(Reply::json(200, &saying(kind, "{}"))).await;
        agent(kind, &server.url()).think(&talk(&turns, false)).await.unwrap();
        let body = server.seen()[0].json();
        let (told, expected) = match kind {
            Gpt => (
                &body["input"][1],
                json!({ "type": "function_call", "call_id": "c1", "name": SEARCH_TOOL, "arguments": "{\"text\":\"x\"}" }),
            ),
            Compat => (
                &body["messages"][2]["tool_calls"][0],
                json!({ "id": "c1", "type": "function", "function": { "name": SEARCH_TOOL, "arguments": "{\"text\":\"x\"}" } }),
            ),
            Claude => (
                &body["messages"][1]["content"][0],
                json!({ "type": "tool_use", "id": "c1", "name": SEARCH_TOOL, "input": { "text": "x" } }),
            ),
        };
        assert_eq!(*told, expected, "{kind:?}");
    }
    // A server that gives calls no ids gets the ones that they were given here.
    let nameless = json!({ "choices": [{ "finish_reason": "stop", "message": { "tool_calls": [
        { "function": { "name": SEARCH_TOOL, "arguments": { "text": "x" } } },
    ] } }] });
    let Thought::Calls { calls, raw } = think(Compat, &nameless).await.unwrap() else { panic!() };
    assert_eq!((calls[0].id.as_str(), &calls[0].arguments, raw), ("call_0", &json!({ "text": "x" }), Value::Null));
}

/// The sides take turns where a provider wants them to, and the customer begins.
#[tokio::test]
async fn pictures_and_turns() {
    let picture = Picture { mime: "image/png".into(), bytes: vec![1, 2, 3] };
    let turns = [
        Turn::Us("Welcome".into()),
        customer("hi"),
        Turn::Customer { text: "this one".into(), pictures: vec![picture] },
        Turn::Customer { text: String::new(), pictures: Vec::new() },
    ];
    let bodies = |sees: bool| {
        let turns = turns.clone();
        async move {
            let mut bodies = Vec::new();
            for kind in ALL {
                let server = Server::always(Reply::json(200, &saying(kind, "{}"))).await;
                let config = ModelConfig { sees, ..config(&server.url()) };
                let agent = built(kind, &config, vault("sk-hush"));
                assert_eq!(agent.sees(), sees);
                agent.think(&talk(&turns, false)).await.unwrap();
                bodies.push(server.seen()[0].json());
            }
            bodies
        }
    };
    let seeing = bodies(true).await;
    let url = "data:image/png;base64,AQID";
    assert_eq!(
        seeing[0]["input"],
        json!([
            { "role": "assistant", "content": "Welcome" },
            { "role": "user", "content": [{ "type": "input_text", "text": "hi" }] },
            { "role": "user", "content": [
                { "type": "input_image", "image_url": url },
                { "type": "input_text", "text": "this one" },
            ] },
        ])
    );
    assert_eq!(
        seeing[1]["messages"],
        json!([
            { "role": "system", "content": "Be kind." },
            { "role": "user", "content": "(What was said before is not shown.)" },
            { "role": "assistant", "content": "Welcome" },
            { "role": "user", "content": [
                { "type": "text", "text": "hi" },
                { "type": "image_url", "image_url": { "url": url } },
                { "type": "text", "text": "this one" },
            ] },
        ])
    );
    assert_eq!(
        seeing[2]["messages"],
        json!([
            { "role": "user", "content": [{ "type": "text", "text": "(What was said before is not shown.)" }] },
            { "role": "assistant", "content": [{ "type": "text", "text": "Welcome" }] },
            { "role": "user", "content": [
                { "type": "text", "text": "hi" },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AQID" } },
                { "type": "text", "text": "this one" },
            ] },
        ])
    );
    assert!(seeing.iter().all(|body| body.get("tools").is_none() && body.get("tool_choice").is_none()));
    let blind = bodies(false).await;
    assert!(blind.iter().all(|body| !body.to_string().contains("AQID")));
    assert_eq!(blind[1]["messages"][3]["content"], "hi\n\nthis one");
}

async fn failure(kind: Kind, status: u16, headers: &'static str, body: &str) -> ModelFailure {
    let server = Server::always(Reply::Status(status, headers, body.to_owned())).await;
    let failure = agent(kind, &server.url()).think(&talk(&[customer("hello")], true)).await.unwrap_err();
    assert_discreet(&failure);
    assert_eq!(server.seen().len(), 1, "{kind:?} {status}");
    failure
}

#[tokio::test]
async fn without_money_nothing_is_tried_again() {
    let openai =
        |code: &str| json!({ "error": { "message": "hush", "type": "insufficient_quota", "code": code } }).to_string();
    for code in [
        "credit_balance_exhausted",
        "insufficient_quota",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    ] {
        for kind in [Gpt, Compat] {
            let expected = ModelFailure::MoneyGone { detail: code.into() };
            assert_eq!(failure(kind, 429, "retry-after: 1\r\n", &openai(code)).await, expected);
        }
    }
    let by_type = json!({ "error": { "type": "insufficient_quota", "code": null } }).to_string();
    let listed = json!([{ "error": { "code": "insufficient_quota" } }]).to_string();
    let limit =
        json!({ "error": { "type": "rate_limit_error", "details": { "error_code": "enforced_spend_limit_reached" } } });
    let words = json!({ "error": { "type": "invalid_request_error", "message": "Your credit balance is too low to access the API." } });
    for (kind, status, body) in [
        (Gpt, 429, by_type),
        (Compat, 403, listed),
        (Compat, 402, String::new()),
        (Claude, 402, json!({ "error": { "type": "billing_error", "message": "hush" } }).to_string()),
        (Claude, 429, limit.to_string()),
        (Claude, 400, words.to_string()),
    ] {
        let failure = failure(kind, status, "", &body).await;
        assert!(matches!(failure, ModelFailure::MoneyGone { .. }), "{kind:?} {status} {body}: {failure}");
    }
}

#[tokio::test]
async fn every_status_means_one_thing_for_all_of_them() {
    for kind in ALL {
        for (status, headers, wait) in
            [(429, "", None), (429, "retry-after: 7\r\n", Some(7)), (429, "retry-after: 9999\r\n", Some(120))]
        {
            let body = r#"{"error":{"type":"rate_limit_error","code":"rate_limit_exceeded","message":"hush"}}"#;
            let expected = ModelFailure::Throttled { wait: wait.map(Duration::from_secs) };
            assert_eq!(failure(kind, status, headers, body).await, expected);
        }
        for status in [408, 500, 502, 503, 504, 529] {
            let failed = failure(kind, status, "", "<html>hush").await;
            assert_eq!(failed, ModelFailure::Transient { detail: format!("status {status}") }, "{kind:?}");
        }
        for (status, code) in
            [(401, "invalid_api_key"), (403, "permission_error"), (404, "model_not_found"), (400, "model_not_found")]
        {
            let body = json!({ "error": { "code": code, "message": "+61491570156" } }).to_string();
            let failed = failure(kind, status, "", &body).await;
            assert_eq!(failed, ModelFailure::Misconfigured { detail: format!("status {status} {code}") }, "{kind:?}");
        }
        assert!(matches!(failure(kind, 308, "location: /x\r\n", "").await, ModelFailure::Misconfigured { .. }));
        for status in [400, 409, 413, 415, 422] {
            let body = json!({ "error": { "type": "Hush +61491570156", "message": "hush" } }).to_string();
            let failed = failure(kind, status, "", &body).await;
            assert_eq!(failed, ModelFailure::Refused { detail: format!("status {status}") }, "{kind:?}");
        }
        let failed = failure(kind, 200, "", "<html>").await;
        assert_eq!(failed, ModelFailure::Transient { detail: "status 200, but the answer is not JSON".into() });
    }
}

#[tokio::test]
async fn a_connection_that_breaks_or_stalls_may_work_in_a_moment() {
    let gone = Server::always(Reply::Close).await.stop().await;
    for kind in ALL {
        for reply in [
            Reply::Close,
            Reply::Stall(vec![]),
            Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
        ] {
            let server = Server::always(reply).await;
            let turns = [customer("hello")];
            let talk = Talk { timeout: Duration::from_millis(300), ..talk(&turns, true) };
            for url in [server.url(), gone.clone()] {
                let failed = agent(kind, &url).think(&talk).await.unwrap_err();
                assert!(matches!(failed, ModelFailure::Transient { .. }), "{kind:?}: {failed}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_read_once_and_again_when_it_is_refused() {
    for kind in ALL {
        let answer = saying(kind, "{}");
        let server = Server::start(move |seen| {
            let key = seen.header("x-api-key").or_else(|| seen.header("authorization")).unwrap();
            if key.contains("new") { Reply::json(200, &answer) } else { Reply::Status(401, "", String::new()) }
        })
        .await;
        let vault = vault("sk-hush");
        let agent = built(kind, &config(&server.url()), vault.clone());
        let turns = [customer("hello")];
        let refused = agent.think(&talk(&turns, true)).await.unwrap_err();
        assert_eq!(refused, ModelFailure::Misconfigured { detail: "status 401".into() });
        assert_eq!(server.seen().len(), 1, "the same key is not tried twice");
        // The key itself is as good as a document with one.
        *vault.document.lock().unwrap() = " sk-new\n".into();
        agent.think(&talk(&turns, true)).await.unwrap();
        *vault.document.lock().unwrap() = String::new();
        agent.think(&talk(&turns, true)).await.unwrap();
        assert_eq!(server.seen().len(), 4);
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_asked() {
    let server = Server::always(Reply::Close).await;
    for kind in ALL {
        let turns = [customer("hello")];
        let unread = built(kind, &config(&server.url()), TestVault::default()).think(&talk(&turns, true)).await;
        assert!(matches!(unread, Err(ModelFailure::Transient { .. })), "{unread:?}");
        let wrong = built(kind, &config(&server.url()), TestVault::holding(&json!({ "key": "sk-hush" })));
        let wrong = wrong.think(&talk(&turns, true)).await.unwrap_err();
        assert_discreet(&wrong);
        assert!(matches!(wrong, ModelFailure::Misconfigured { .. }), "{wrong}");
    }
    assert_eq!(server.connections(), 0);
}

/// Models that do not think refuse to be asked for their thoughts.
#[tokio::test]
async fn a_model_without_thoughts_is_not_asked_for_them_again() {
    let server = Server::start(|seen| {
        if seen.json().get("include").is_some() {
            let message = "Encrypted content is not supported with this model.";
            Reply::json(
                400,
                &json!({ "error": { "message": message, "type": "invalid_request_error", "param": "include" } }),
            )
        } else {
            Reply::json(200, &saying(Gpt, "{}"))
        }
    })
    .await;
    let agent = agent(Gpt, &server.url());
    for _ in 0..2 {
        agent.think(&talk(&[customer("hello")], true)).await.unwrap();
    }
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn the_shops_own_words_need_no_network() {
    let agent: AnyAgent<TestVault, TestClock, NoOther> = AnyAgent::Keyword(KeywordAgent::default());
    assert!(!agent.sees());
    assert!(agent.think(&talk(&[customer("hello")], true)).await.is_ok());
}

#[test]
fn an_address_in_the_clear_is_refused() {
    let config = config("http://api.example.com");
    assert_eq!(OpenAi::new(http(), &config, vault("x"), TestClock::new()).unwrap_err().setting, "AGENT_URL");
}

/// The functions' runtime moves them.
#[test]
fn thinking_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    for kind in ALL {
        movable(agent(kind, "http://127.0.0.1:1").think(&talk(&[], true)));
    }
}
