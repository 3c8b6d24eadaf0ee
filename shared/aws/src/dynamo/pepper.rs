//! The pepper: the key of the hashes under which it is kept that an erased person had opted out.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use frontdesk_core::{phone::E164Phone, signature::Secret, store::StoreError};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Table;
use crate::secrets::SecretVault;

/// The pepper, fetched when it is first needed and kept for as long as the process lives: it is never changed, since every
/// hash made with it would be worth nothing.
#[derive(Clone, Debug)]
pub struct Pepper {
    vault: Option<SecretVault>,
    known: Arc<OnceLock<Secret>>,
}

impl From<SecretVault> for Pepper {
    fn from(vault: SecretVault) -> Self {
        Self { vault: Some(vault), known: Arc::default() }
    }
}

impl From<Secret> for Pepper {
    /// One that is known already.
    fn from(secret: Secret) -> Self {
        Self { vault: None, known: Arc::new(OnceLock::from(secret)) }
    }
}

impl Pepper {
    /// The hash of a number.
    pub(super) async fn hash(&self, phone: &E164Phone) -> Result<String, StoreError> {
        let secret = match self.known.get() {
            Some(known) => known.clone(),
            None => self.fetch().await?,
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_err(missing)?;
        mac.update(phone.expose().as_bytes());
        Ok(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    async fn fetch(&self) -> Result<Secret, StoreError> {
        let vault = self.vault.as_ref().ok_or_else(|| missing("there is none"))?;
        let read = vault.read().await.map_err(missing)?;
        let secret = Secret::new("FRONTDESK_PEPPER_SECRET_ARN", read).map_err(missing)?;
        // Two that fetch it at once fetched the same.
        Ok(self.known.get_or_init(|| secret).clone())
    }
}

/// Without the pepper nobody can tell whether a number's owner had opted out, so it counts as a table that does not answer.
pub(super) fn missing(why: impl fmt::Display) -> StoreError {
    Table::Contacts.unavailable(format!("the pepper of erased opt-outs cannot be used: {why}"))
}
