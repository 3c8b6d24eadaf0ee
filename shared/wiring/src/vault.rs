//! Credentials of providers in Secrets Manager.

use frontdesk_aws::{
    secrets::{SecretError, SecretVault},
    start::Aws,
};
use frontdesk_core::{
    signature::Secret,
    telemetry::{Line, Telemetry},
};
use frontdesk_providers::{CredentialVault, VaultError};

/// One provider's credentials.
#[derive(Clone, Debug)]
pub struct Vault(SecretVault);

impl Vault {
    /// Opens Podium's. Credentials that nobody has filled in stop the start.
    ///
    /// # Errors
    /// When only a person can help.
    pub async fn podium(secret: SecretVault, telemetry: &impl Telemetry) -> Result<Self, SecretError> {
        let form = ["client_id", "client_secret", "refresh_token"];
        secret.check(&[&form], "client_id, client_secret and refresh_token", telemetry).await?;
        Ok(Self(secret))
    }

    /// Opens Podium's for a function that has other work too: credentials that cannot be used are told of and stop nothing but
    /// what needs them. They are read at each use, so whoever fills them in need not start anything again.
    pub async fn podium_at_use(secret: SecretVault, telemetry: &impl Telemetry) -> Self {
        if let Err(error) = Self::podium(secret.clone(), telemetry).await {
            telemetry
                .line(Line::error("Podium's credentials cannot be used; whatever needs Podium waits").detail(&error));
        }
        Self(secret)
    }

    /// Opens Chatwoot's tokens. A token that nobody has filled in stops the start.
    ///
    /// # Errors
    /// When only a person can help.
    pub async fn chatwoot(aws: &Aws, secret: String, telemetry: &impl Telemetry) -> Result<Self, SecretError> {
        let secret = SecretVault::new(aws.secrets(), "CHATWOOT_API_SECRET_ARN", secret);
        secret.check(&[&["api_token"]], "api_token, and user_token if it is not to be left out", telemetry).await?;
        Ok(Self(secret))
    }

    /// A key that is read when it is needed first. `setting` names it.
    #[must_use]
    pub fn key(aws: &Aws, setting: &'static str, secret: String) -> Self {
        Self(SecretVault::new(aws.secrets(), setting, secret))
    }

    /// The same for Shopify, which has two forms of them.
    ///
    /// # Errors
    /// When only a person can help.
    pub async fn shopify(secret: SecretVault, telemetry: &impl Telemetry) -> Result<Self, SecretError> {
        let forms: [&[&str]; 2] = [&["access_token"], &["client_id", "client_secret"]];
        secret.check(&forms, "access_token, or client_id and client_secret", telemetry).await?;
        Ok(Self(secret))
    }

    /// Opens Shopify's for a function that has other work too, as [`Vault::podium_at_use`].
    pub async fn shopify_at_use(secret: SecretVault, telemetry: &impl Telemetry) -> Self {
        if let Err(error) = Self::shopify(secret.clone(), telemetry).await {
            telemetry
                .line(Line::error("Shopify's credentials cannot be used; whatever needs Shopify waits").detail(&error));
        }
        Self(secret)
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
