//! Voice messages, written down.

use std::time::Duration;

use frontdesk_core::{
    agent::{Listener, ModelFailure, Sound},
    config::SpeechConfig,
    signature::Secret,
    time::Clock,
};
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use crate::{
    CredentialVault, Http, SetupError,
    model::{Service, transient},
};

/// A server that speaks OpenAI's `/v1/audio/transcriptions`.
#[derive(Debug)]
pub struct Speech<V, C> {
    service: Service<V, C>,
    model: String,
    timeout: Duration,
}

impl<V: CredentialVault, C: Clock> Speech<V, C> {
    /// Takes URL, model and timeout from the settings. The vault holds the key, or `{"api_key"}`.
    ///
    /// # Errors
    /// [`SetupError`] when the URL cannot be used.
    pub fn new(http: Http, config: &SpeechConfig, vault: V, clock: C) -> Result<Self, SetupError> {
        let service = Service::new(http, "SPEECH_URL", &config.url, "/v1/audio/transcriptions", vault, clock)?;
        Ok(Self { service, model: config.model.clone(), timeout: config.timeout })
    }
}

impl<V: CredentialVault, C: Clock> Listener for Speech<V, C> {
    async fn transcribe(&self, sound: &Sound<'_>) -> Result<String, ModelFailure> {
        let (boundary, body) = form(&self.model, sound);
        let kind = format!("multipart/form-data; boundary={boundary}");
        let make = |client: &reqwest::Client, url, key: &Secret| {
            client.post(url).bearer_auth(key.expose()).header(CONTENT_TYPE, &kind).body(body.clone())
        };
        let answer = self.service.call(self.timeout, make).await?;
        let text = answer.get("text").and_then(Value::as_str).ok_or_else(|| transient("an answer without a text"))?;
        Ok(text.trim().to_owned())
    }
}

/// The two fields as `multipart/form-data`. Written here: reqwest's own would add a crate with the names of all file
/// types and a generator of random numbers.
fn form(model: &str, sound: &Sound<'_>) -> (String, Vec<u8>) {
    let boundary = boundary(sound.bytes);
    let model: String = model.chars().filter(|c| !c.is_control()).collect();
    let kind: String = sound.mime.chars().filter(|c| c.is_ascii_alphanumeric() || "/.+-".contains(*c)).collect();
    let kind = if kind.contains('/') { kind.as_str() } else { "application/octet-stream" };
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"voice.{}\"\r\n\
         content-type: {kind}\r\n\r\n",
        ending(sound.mime, sound.name)
    );
    let end = format!("\r\n--{boundary}--\r\n");
    let body = [head.as_bytes(), sound.bytes, end.as_bytes()].concat();
    (boundary, body)
}

/// Something that does not stand in the file.
fn boundary(bytes: &[u8]) -> String {
    let stands = |boundary: &String| bytes.windows(boundary.len()).any(|window| window == boundary.as_bytes());
    (0_u64..).map(|n| format!("frontdesk-{n:020}")).find(|boundary| !stands(boundary)).unwrap_or_default()
}

/// The ending by which the server tells the format. The type knows better than the name: WhatsApp's voice messages are
/// Opus in Ogg whatever they are called. Of the name nothing else is used, which somebody may have chosen.
fn ending<'a>(mime: &str, name: &'a str) -> &'a str {
    match mime {
        "audio/ogg" | "audio/opus" | "application/ogg" => "ogg",
        "audio/mpeg" | "audio/mp3" | "audio/x-mp3" | "audio/mpga" => "mp3",
        "audio/mp4" | "audio/m4a" | "audio/x-m4a" => "m4a",
        "audio/webm" | "video/webm" => "webm",
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
        "audio/flac" | "audio/x-flac" => "flac",
        "audio/aac" | "audio/x-aac" => "aac",
        "audio/amr" | "audio/amr-wb" => "amr",
        "video/mp4" => "mp4",
        _ => {
            let own = name.rsplit_once('.').map(|(_, ending)| ending);
            own.filter(|e| (1..=5).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric())).unwrap_or("bin")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_fits_the_type() {
        for (mime, name, expected) in [
            ("audio/ogg", "voice.mp3", "ogg"),
            ("audio/opus", "voice.mp3", "ogg"),
            ("audio/mpeg", "x", "mp3"),
            ("audio/x-m4a", "x", "m4a"),
            ("audio/webm", "x.weba", "webm"),
            ("audio/odd", "jo smith.caf", "caf"),
            ("audio/odd", "x.\"\r\nevil", "bin"),
            ("audio/odd", "nothing", "bin"),
        ] {
            assert_eq!(ending(mime, name), expected, "{mime} {name}");
        }
    }

    #[test]
    fn no_file_can_end_the_form() {
        let hostile = b"a\r\n--frontdesk-00000000000000000000--\r\nfrontdesk-00000000000000000001".as_slice();
        let sound = Sound { bytes: hostile, mime: "audio/ogg\r\nx: y", name: "v.ogg" };
        let (boundary, body) = form("m\r\n--", &sound);
        assert_eq!(boundary, "frontdesk-00000000000000000002");
        let text = String::from_utf8(body).unwrap();
        assert_eq!(text.matches(&boundary).count(), 3);
        assert!(text.contains("content-type: audio/oggxy\r\n\r\na\r\n"), "{text}");
        assert!(text.contains("\r\n\r\nm--\r\n"), "{text}");
    }
}
