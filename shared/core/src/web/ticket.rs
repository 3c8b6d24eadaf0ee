//! Tickets: short texts that only we can make, for one purpose and a limited time. What travels through a browser and has
//! to be believed when it comes back is one: a CSRF token, the address of a form, a file that was announced.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use thiserror::Error;

use crate::{
    signature::{LiveSecrets, is_sealed, seal},
    time::UnixMillis,
};

/// No ticket of ours is longer; what is longer is not looked at.
const CHARS_MAX: usize = 4_096;

/// What a ticket is for. One for another purpose is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Shows that a page was able to read an answer of ours.
    Csrf,
    /// The address of a form.
    Form,
    /// A file that will be uploaded.
    Upload,
    /// A file that the shop's people may load.
    File,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Csrf => "csrf",
            Self::Form => "form",
            Self::Upload => "upload",
            Self::File => "file",
        }
    }
}

/// What a ticket says.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// When it stops counting.
    pub expires_at: UnixMillis,
    /// Tells it from every other one.
    pub nonce: String,
    /// What it carries. Whoever holds the ticket can read it.
    pub data: String,
}

impl std::fmt::Debug for Ticket {
    /// Without what it carries: it may open a file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket(until {})", self.expires_at.get())
    }
}

/// Why a text is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadTicket {
    /// Not made by us, or not for this.
    #[error("is not one of ours")]
    Forged,
    /// Too late.
    #[error("has expired")]
    Expired,
}

impl Ticket {
    /// Makes a ticket of URL-safe characters.
    #[must_use]
    pub fn issue(&self, secrets: &LiveSecrets, purpose: Purpose) -> String {
        let said = serde_json::json!([self.expires_at.get(), self.nonce, self.data]).to_string();
        let said = BASE64.encode(said);
        let seal = BASE64.encode(seal(secrets, &[purpose.as_str().as_bytes(), b".", said.as_bytes()]));
        format!("{said}.{seal}")
    }

    /// Reads a ticket.
    ///
    /// # Errors
    /// [`BadTicket`].
    pub fn read(text: &str, secrets: &LiveSecrets, purpose: Purpose, now: UnixMillis) -> Result<Self, BadTicket> {
        if text.len() > CHARS_MAX {
            return Err(BadTicket::Forged);
        }
        let (said, sealed) = text.split_once('.').ok_or(BadTicket::Forged)?;
        let sealed = BASE64.decode(sealed).map_err(|_| BadTicket::Forged)?;
        if !is_sealed(secrets, &sealed, &[purpose.as_str().as_bytes(), b".", said.as_bytes()]) {
            return Err(BadTicket::Forged);
        }
        let said = BASE64.decode(said).map_err(|_| BadTicket::Forged)?;
        let (expires_at, nonce, data): (i64, String, String) =
            serde_json::from_slice(&said).map_err(|_| BadTicket::Forged)?;
        let expires_at = UnixMillis::new(expires_at);
        if now >= expires_at {
            return Err(BadTicket::Expired);
        }
        Ok(Self { expires_at, nonce, data })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::signature::Secret;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn secret(text: &str) -> Secret {
        Secret::new("WEB_SECRET_ARN", text).unwrap()
    }

    fn secrets() -> LiveSecrets {
        LiveSecrets::rotating(secret("new"), Some(secret("old")))
    }

    fn ticket() -> Ticket {
        Ticket { expires_at: NOW.plus(Duration::from_secs(60)), nonce: "n1".into(), data: "widget#1\"\u{e9}".into() }
    }

    #[test]
    fn a_ticket_comes_back_as_it_was_made() {
        let made = ticket().issue(&secrets(), Purpose::Form);
        assert!(made.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{made}");
        assert_eq!(Ticket::read(&made, &secrets(), Purpose::Form, NOW), Ok(ticket()));
        let older = ticket().issue(&LiveSecrets::rotating(secret("old"), None), Purpose::Form);
        assert_eq!(Ticket::read(&older, &secrets(), Purpose::Form, NOW), Ok(ticket()));
    }

    #[test]
    fn another_purpose_secret_time_or_word_is_refused() {
        let made = ticket().issue(&secrets(), Purpose::Form);
        let read = |text: &str, purpose, now| Ticket::read(text, &secrets(), purpose, now);
        for purpose in [Purpose::Csrf, Purpose::Upload, Purpose::File] {
            assert_eq!(read(&made, purpose, NOW), Err(BadTicket::Forged));
        }
        assert_eq!(read(&made, Purpose::Form, ticket().expires_at), Err(BadTicket::Expired));
        let stranger = ticket().issue(&LiveSecrets::rotating(secret("mine"), None), Purpose::Form);
        assert_eq!(read(&stranger, Purpose::Form, NOW), Err(BadTicket::Forged));
        let (said, seal) = made.split_once('.').unwrap();
        let longer = Ticket { expires_at: NOW.plus(Duration::from_secs(999)), ..ticket() };
        let other = longer.issue(&LiveSecrets::rotating(secret("x"), None), Purpose::Form);
        let forged = format!("{}.{seal}", other.split_once('.').unwrap().0);
        for bad in
            ["", ".", said, &format!("{said}."), &format!(".{seal}"), &forged, &format!("{made}A"), &"a".repeat(5_000)]
        {
            assert_eq!(read(bad, Purpose::Form, NOW), Err(BadTicket::Forged), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_taken_for_a_ticket(text in "[A-Za-z0-9_.-]{0,120}") {
            prop_assert_eq!(Ticket::read(&text, &secrets(), Purpose::Csrf, NOW), Err(BadTicket::Forged));
        }
    }
}
