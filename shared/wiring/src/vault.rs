//! Credentials of providers in Secrets Manager.

use frontdesk_aws::{
    secrets::{Form, SecretError, SecretVault},
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
        secret.check(Form::PODIUM, telemetry).await?;
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
        secret.check(Form::CHATWOOT, telemetry).await?;
        Ok(Self(secret))
    }

    /// Credentials that are tried before they count.
    #[must_use]
    pub const fn tried(secret: SecretVault) -> Self {
        Self(secret)
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
        secret.check(Form::SHOPIFY, telemetry).await?;
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
