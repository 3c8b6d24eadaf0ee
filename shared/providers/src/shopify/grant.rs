//! Shopify's tokens: the permanent one of an old custom app, or 24-hour ones by client credentials.

use std::time::Duration;

use frontdesk_core::{
    config::ShopifyApiConfig,
    token::{Grant, GrantError, Granted},
};

use crate::{
    BaseUrl, Http, SetupError,
    http::Notice,
    token::{CredentialVault, Credentials, ask},
};

/// How long a permanent token is used before the vault is asked again. A withdrawn one is noticed sooner, by its 401.
const PERMANENT_FOR: Duration = Duration::from_secs(3600);

/// Gets access tokens for the Admin API. The vault holds `{"access_token"}` or `{"client_id", "client_secret"}`; if it
/// holds both, the permanent token counts.
#[derive(Debug)]
pub struct ShopifyGrant<V> {
    http: Http,
    base: BaseUrl,
    vault: V,
}

impl<V: CredentialVault> ShopifyGrant<V> {
    /// Takes the base URL from the settings.
    ///
    /// # Errors
    /// [`SetupError`] when the URL cannot be used.
    pub fn new(http: Http, config: &ShopifyApiConfig, vault: V) -> Result<Self, SetupError> {
        Ok(Self { http, base: BaseUrl::parse("SHOPIFY_API_URL", &config.url)?, vault })
    }
}

impl<V: CredentialVault> Grant for ShopifyGrant<V> {
    async fn grant(&self) -> Result<Granted, GrantError> {
        let stored = Credentials::read(&self.vault).await?;
        if let Some(secret) = stored.optional("access_token") {
            return Ok(Granted { secret, expires_in: PERMANENT_FOR });
        }
        let (client_id, client_secret) = (stored.field("client_id")?, stored.field("client_secret")?);
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id.expose()),
            ("client_secret", client_secret.expose()),
        ];
        let url = self.base.at("/admin/oauth/access_token");
        let reply = ask(self.http.client(Notice::Nobody).post(url).form(&fields)).await?;
        Ok(Granted { secret: reply.access, expires_in: reply.life })
    }
}
