//! Credentials that are read when they are first needed, and again when the provider refuses them.

use std::sync::{Mutex, PoisonError};

use frontdesk_core::signature::Secret;
use serde_json::Value;

use crate::token::CredentialVault;

/// Why there are no credentials. Never holds what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// They cannot be read now.
    Unread(String),
    /// What is stored is not what is needed.
    Wrong(&'static str),
}

impl NoKey {
    pub(crate) fn detail(self) -> String {
        match self {
            Self::Unread(detail) => detail,
            Self::Wrong(problem) => format!("the stored credentials {problem}"),
        }
    }
}

/// What a document holds, once somebody has read it.
#[derive(Debug)]
pub(crate) struct Kept<V, T> {
    vault: V,
    read: fn(&Secret) -> Result<T, &'static str>,
    known: Mutex<Option<T>>,
}

impl<V: CredentialVault, T: Clone + PartialEq> Kept<V, T> {
    pub(crate) const fn new(vault: V, read: fn(&Secret) -> Result<T, &'static str>) -> Self {
        Self { vault, read, known: Mutex::new(None) }
    }

    pub(crate) async fn get(&self) -> Result<T, NoKey> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(known);
        }
        self.again().await
    }

    /// What is stored instead of something that was refused; `None` when that is what is stored.
    pub(crate) async fn instead_of(&self, refused: &T) -> Result<Option<T>, NoKey> {
        let fresh = self.again().await?;
        Ok(Some(fresh).filter(|fresh| fresh != refused))
    }

    async fn again(&self) -> Result<T, NoKey> {
        let document = self.vault.read().await.map_err(|error| NoKey::Unread(error.to_string()))?;
        let fresh = (self.read)(&document).map_err(NoKey::Wrong)?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }
}

/// A field of a JSON document, if it is there and not blank.
pub(crate) fn field(document: &Value, name: &'static str) -> Option<Secret> {
    Secret::new(name, document.get(name)?.as_str()?.trim()).ok()
}

/// A key of a model's: the document itself, or its `api_key`.
pub(crate) fn api_key(document: &Secret) -> Result<Secret, &'static str> {
    let text = document.expose().trim();
    match serde_json::from_str::<Value>(text) {
        Ok(fields @ Value::Object(_)) => field(&fields, "api_key").ok_or("have no api_key"),
        _ => Secret::new("api_key", text).map_err(|_| "are empty"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_text_or_a_field_of_it() {
        let key = |text: &str| api_key(&Secret::new("x", text).unwrap()).map(|key| key.expose().to_owned());
        assert_eq!(key(" sk-1\n"), Ok("sk-1".into()));
        assert_eq!(key(r#"{"api_key": " sk-2 ", "other": 1}"#), Ok("sk-2".into()));
        assert_eq!(key("12345"), Ok("12345".into()));
        for wrong in ["{}", r#"{"api_key":""}"#, r#"{"api_key":7}"#] {
            assert_eq!(key(wrong), Err("have no api_key"), "{wrong}");
        }
    }
}
