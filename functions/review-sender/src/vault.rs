//! Credentials of providers in Secrets Manager.

use frontdesk_aws::secrets::{SecretError, SecretVault};
use frontdesk_core::{signature::Secret, telemetry::Telemetry};
use frontdesk_providers::{CredentialVault, VaultError};

/// One provider's credentials.
#[derive(Clone, Debug)]
pub struct Vault(SecretVault);

impl Vault {
    /// Opens the vault. Credentials that nobody has filled in stop the start.
    ///
    /// # Errors
    /// When only a person can help.
    pub async fn open(secret: SecretVault, telemetry: &impl Telemetry) -> Result<Self, SecretError> {
        secret.check(telemetry).await?;
        Ok(Self(secret))
    }
}

impl CredentialVault for Vault {
    async fn read(&self) -> Result<Secret, VaultError> {
        let document = self.0.read().await.map_err(|error| failed("read", &error))?;
        Secret::new("credentials", document).map_err(|empty| VaultError { attempt: "read", detail: empty.to_string() })
    }

    async fn write(&self, document: &str) -> Result<(), VaultError> {
        self.0.write(document).await.map_err(|error| failed("written", &error))
    }
}

fn failed(attempt: &'static str, error: &SecretError) -> VaultError {
    VaultError { attempt, detail: error.to_string() }
}
