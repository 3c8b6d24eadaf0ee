//! What a visitor's widget sends: a prompt, and a session id that anybody may have made up.

use serde_json::Value;
use thiserror::Error;

use crate::web::{self, is_invisible};

/// The session id that the published widget sends when its page sets none: the same for every visitor.
const EVERYBODYS: &str = "sample_session";
/// Longest session id, in characters; a UUID has 36.
const SESSION_CHARS_MAX: usize = 200;

/// A visitor's session, as their page names it. It proves nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// The id.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionId {
    /// Without the id: whoever has it could read on in the chat.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionId(***)")
    }
}

/// A request to the chat.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// The words, trimmed; never empty.
    pub prompt: String,
    /// Whose chat it is; `None`: nobody's, so nothing of it is remembered.
    pub session: Option<SessionId>,
}

impl std::fmt::Debug for Said {
    /// Without the words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Said({} characters, session: {})", self.prompt.chars().count(), self.session.is_some())
    }
}

/// Why a request is none, in the brief's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadRequest {
    /// No prompt, or one of blanks, or none that is text.
    #[error("Invalid prompt")]
    Prompt,
    /// More characters than are read.
    #[error("Prompt too long")]
    TooLong,
    /// A session id that is no text, too long, or holds what cannot be typed.
    #[error("Invalid session_id")]
    Session,
}

impl Said {
    /// Reads a request. `chars_max`: the longest prompt, in characters as people count them.
    ///
    /// # Errors
    /// [`BadRequest`]; of several the first in the brief's order.
    pub fn read(body: &Value, chars_max: usize) -> Result<Self, BadRequest> {
        let prompt = body.get("prompt").and_then(Value::as_str).map(str::trim).unwrap_or_default();
        // What nobody can see is no question.
        if !prompt.chars().any(|c| !c.is_control() && !c.is_whitespace() && !is_invisible(c)) {
            return Err(BadRequest::Prompt);
        }
        let session = match body.get("session_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => session(id)?,
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(BadRequest::Session);
            }
        };
        if web::length(prompt) > chars_max {
            return Err(BadRequest::TooLong);
        }
        Ok(Self { prompt: prompt.to_owned(), session })
    }
}

fn session(id: &str) -> Result<Option<SessionId>, BadRequest> {
    if id.chars().count() > SESSION_CHARS_MAX || id.chars().any(char::is_control) {
        return Err(BadRequest::Session);
    }
    let id = id.trim();
    Ok((!id.is_empty() && id != EVERYBODYS).then(|| SessionId(id.to_owned())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<Said, BadRequest> {
        Said::read(body, 1_000)
    }

    #[test]
    fn the_briefs_errors_come_in_the_briefs_order() {
        for body in
            [json!({}), json!([]), json!("x"), json!(null), json!({"prompt": 5}), json!({"prompt": " \n\u{200b}"})]
        {
            assert_eq!(read(&body), Err(BadRequest::Prompt), "{body}");
        }
        for session in [json!(5), json!(true), json!([]), json!({}), json!("a\u{0}b"), json!("x".repeat(201))] {
            assert_eq!(read(&json!({"prompt": "hi", "session_id": session})), Err(BadRequest::Session), "{session}");
        }
        let long = "x".repeat(1_001);
        assert_eq!(read(&json!({"prompt": long, "session_id": 5})), Err(BadRequest::Session));
        assert_eq!(read(&json!({"prompt": long, "session_id": "s"})), Err(BadRequest::TooLong));
        assert_eq!(BadRequest::TooLong.to_string(), "Prompt too long");
    }

    #[test]
    fn a_thousand_characters_are_a_thousand_that_people_see() {
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}";
        assert!(read(&json!({"prompt": family.repeat(1_000)})).is_ok());
        assert_eq!(read(&json!({"prompt": family.repeat(1_001)})), Err(BadRequest::TooLong));
        assert!(read(&json!({"prompt": format!("  {}  ", "e\u{301}".repeat(1_000))})).is_ok());
    }

    #[test]
    fn nobodys_sessions_are_none() {
        for nobody in [json!(null), json!(""), json!("  "), json!("sample_session")] {
            assert_eq!(read(&json!({"prompt": "hi", "session_id": nobody})).unwrap().session, None);
        }
        assert_eq!(read(&json!({"prompt": "hi"})).unwrap().session, None);
        let said = read(&json!({"prompt": " hi ", "session_id": "user-session-123"})).unwrap();
        assert_eq!((said.prompt.as_str(), said.session.unwrap().expose()), ("hi", "user-session-123"));
    }

    proptest! {
        #[test]
        fn every_text_is_read_or_refused(prompt in any::<String>(), session in any::<Option<String>>()) {
            let _ = read(&json!({"prompt": prompt, "session_id": session}));
        }
    }
}
