//! Voice messages: the form in which they go out, and what comes back.

use std::time::Duration;

use frontdesk_core::{
    agent::{Listener, ModelFailure, Sound},
    config::SpeechConfig,
};
use frontdesk_providers::Speech;
use serde_json::json;

use crate::{
    server::{Reply, Server},
    world::{TestClock, TestVault, assert_discreet, http},
};

const SOUND: Sound<'static> = Sound { bytes: b"OggS\r\n--x", mime: "audio/ogg", name: "Jo Smith.mp3" };

fn speech(url: &str, timeout: Duration) -> Speech<TestVault, TestClock> {
    let config = SpeechConfig { url: url.into(), model: "m-1".into(), secret: "arn".into(), timeout };
    Speech::new(http(), &config, TestVault::holding(&json!({ "api_key": "sk-hush" })), TestClock::new()).unwrap()
}

async fn heard(reply: Reply) -> Result<String, ModelFailure> {
    let server = Server::always(reply).await;
    speech(&server.url(), Duration::from_secs(20)).transcribe(&SOUND).await
}

#[tokio::test]
async fn a_sound_goes_out_as_a_form_and_comes_back_as_words() {
    let server = Server::always(Reply::json(200, &json!({ "text": " Do you have lamps? ", "languages": [] }))).await;
    let words = speech(&server.url(), Duration::from_secs(20)).transcribe(&SOUND).await;
    assert_eq!(words.as_deref(), Ok("Do you have lamps?"));
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v1/audio/transcriptions"));
    assert_eq!(seen.header("authorization"), Some("Bearer sk-hush"));
    let kind = seen.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm-1\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"voice.ogg\"\r\n\
         content-type: audio/ogg\r\n\r\nOggS\r\n--x\r\n--{boundary}--\r\n"
    );
    assert_eq!(seen.body, expected);
}

#[tokio::test]
async fn silence_is_no_failure() {
    assert_eq!(heard(Reply::json(200, &json!({ "text": "" }))).await.as_deref(), Ok(""));
}

#[tokio::test]
async fn every_failure_means_something() {
    let said = |status, body: &str| Reply::Status(status, "", body.to_owned());
    let quota = r#"{"error":{"code":"insufficient_quota","message":"hush"}}"#;
    assert_eq!(heard(said(429, quota)).await, Err(ModelFailure::MoneyGone { detail: "insufficient_quota".into() }));
    assert_eq!(heard(said(429, "")).await, Err(ModelFailure::Throttled { wait: None }));
    for reply in [said(500, ""), said(503, ""), said(200, "{}"), said(200, "words"), Reply::Close] {
        let failure = heard(reply.clone()).await.unwrap_err();
        assert!(matches!(failure, ModelFailure::Transient { .. }), "{reply:?}: {failure}");
    }
    for status in [401, 403, 404] {
        assert!(matches!(heard(said(status, "")).await, Err(ModelFailure::Misconfigured { .. })), "{status}");
    }
    // A format that it does not take.
    for status in [400, 413, 415] {
        let failure = heard(said(status, r#"{"error":{"message":"hush +61491570156"}}"#)).await.unwrap_err();
        assert_discreet(&failure);
        assert_eq!(failure, ModelFailure::Refused { detail: format!("status {status}") });
    }
    let server = Server::always(Reply::Stall(vec![])).await;
    let failure = speech(&server.url(), Duration::from_millis(300)).transcribe(&SOUND).await.unwrap_err();
    assert_eq!(failure, ModelFailure::Transient { detail: "no answer in time".into() });
}

/// The functions' runtime moves them.
#[test]
fn listening_can_move_between_threads() {
    fn movable<F: Send>(_: F) {}
    movable(speech("http://127.0.0.1:1", Duration::from_secs(1)).transcribe(&SOUND));
}
