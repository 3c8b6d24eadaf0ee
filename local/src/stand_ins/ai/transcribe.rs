//! OpenAI's transcriptions.

use std::time::Duration;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Ask, Trouble, openai};
use crate::clock;
use crate::stand_ins::multipart;

/// Bytes that a file may have.
const FILE_MAX_BYTES: usize = 25 * 1024 * 1024;

/// `POST /v1/audio/transcriptions`
pub(super) async fn transcribe(ask: Ask) -> Response {
    match heard(&ask).await {
        Ok(answer) => Json(answer).into_response(),
        Err(trouble) => openai::refused(&trouble),
    }
}

async fn heard(ask: &Ask) -> Result<Value, Trouble> {
    ask.is_good(ask.bearer())?;
    if ask.bytes.len() > FILE_MAX_BYTES + 4096 {
        return Err(Trouble::TooLarge);
    }
    let declared = ask.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let parts = multipart::read(declared, &ask.bytes);
    let parts = parts.ok_or_else(|| Trouble::bad("Could not parse multipart form", "body"))?;
    let field = |name: &str| parts.iter().find(|part| part.name == name);
    let model = ask.model(field("model").map(multipart::Part::text).as_deref())?;
    let file = field("file").filter(|part| part.file_name.is_some());
    let file = file.ok_or_else(|| Trouble::bad("Missing required parameter: 'file'.", "file"))?;
    let name = file.file_name.clone().unwrap_or_default();
    let (known, step) = {
        let mut state = ask.app.lock();
        let settings = &mut state.ai.settings;
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
        let known = settings.transcription_formats.contains(&ending);
        let step = settings.transcription_script.pop_front().or_else(|| settings.transcripts.get(&name).cloned());
        state.ai.note(json!({
            "at_ms": clock::now_ms(),
            "request_id": ask.request_id,
            "api": "transcriptions",
            "model": model,
            "file_name": name,
            "content_type": file.content_type,
            "bytes": file.bytes.len(),
        }));
        (known, step.unwrap_or_default())
    };
    if file.bytes.len() > FILE_MAX_BYTES {
        return Err(Trouble::TooLarge);
    }
    if !known {
        return Err(Trouble::bad(format!("Invalid file format. Unsupported file: {name}"), "file"));
    }
    if file.bytes.is_empty() {
        return Err(Trouble::bad("Audio file might be corrupted or unsupported", "file"));
    }
    let format = field("response_format").map(multipart::Part::text).unwrap_or_default();
    if !["", "json"].contains(&format.as_str()) {
        return Err(Trouble::bad(format!("Invalid value: '{format}'."), "response_format"));
    }
    if step.slow_ms > 0 {
        tokio::time::sleep(Duration::from_millis(step.slow_ms)).await;
    }
    if let Some(trouble) = step.trouble() {
        return Err(trouble);
    }
    let text = step.raw_text.unwrap_or_else(|| format!("transcript of {name}"));
    Ok(json!({ "text": text, "languages": [], "usage": { "type": "duration", "seconds": 4 } }))
}
