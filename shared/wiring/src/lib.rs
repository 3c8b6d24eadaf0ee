//! Providers' clients put together with AWS, for every function and tool that calls one: credentials in Secrets Manager, and access
//! tokens in DynamoDB, where all functions share them.

mod channels;
mod trial;
mod vault;

use frontdesk_aws::{
    dynamo::DynamoStore,
    process::{RandomIds, SystemClock, TimerPause},
    secrets::SecretVault,
    start::{Aws, Process, StartError},
    telemetry::StdoutTelemetry,
};
use frontdesk_core::{
    config::{ChatwootApiConfig, HttpConfig, NotifierConfig, PodiumConfig, ShopifyApiConfig},
    ids::ShopDomain,
    provider::Provider,
    telemetry::Telemetry,
    token::TokenKeeper,
};
use frontdesk_providers::{AttachmentHosts, Chatwoot, Http, Podium, PodiumGrant, SetupError, Shopify, ShopifyGrant};

pub use channels::NoticeChannels;
pub use trial::Trial;
pub use vault::Vault;

/// Shared tokens that `G` grants.
pub type Tokens<G, T = StdoutTelemetry> = TokenKeeper<DynamoStore, G, SystemClock, RandomIds, T, TimerPause>;
/// Podium with its shared tokens.
pub type PodiumClient<T = StdoutTelemetry> = Podium<Tokens<PodiumGrant<Vault>, T>, SystemClock>;
/// Shopify with its shared tokens.
pub type ShopifyClient<T = StdoutTelemetry> = Shopify<Tokens<ShopifyGrant<Vault>, T>, SystemClock>;

/// Chatwoot.
pub type ChatwootClient = Chatwoot<Vault, SystemClock>;

/// What the clients stand on. `T`: where they report to.
#[derive(Debug)]
pub struct Wiring<'a, T = StdoutTelemetry> {
    http: Http,
    aws: &'a Aws,
    store: &'a DynamoStore,
    process: &'a Process<T>,
}

impl<'a, T: Telemetry + Clone> Wiring<'a, T> {
    /// Makes the HTTP clients.
    ///
    /// # Errors
    /// When the system has no usable TLS.
    pub fn new(
        http: &HttpConfig,
        aws: &'a Aws,
        store: &'a DynamoStore,
        process: &'a Process<T>,
    ) -> Result<Self, StartError> {
        Ok(Self { http: Http::new(http).map_err(unusable)?, aws, store, process })
    }

    /// Makes Podium's client and looks whether its credentials were filled in.
    ///
    /// # Errors
    /// When a setting or the secret cannot be used.
    pub async fn podium(&self, config: &PodiumConfig) -> Result<PodiumClient<T>, StartError> {
        let vault = Vault::podium(self.podium_secret(config), &self.process.telemetry).await?;
        self.podium_with(config, vault)
    }

    /// The same, and these hosts may be asked how large an attachment is.
    ///
    /// # Errors
    /// When a setting or the secret cannot be used.
    pub async fn podium_with_attachments(
        &self,
        config: &PodiumConfig,
        hosts: &str,
    ) -> Result<PodiumClient<T>, StartError> {
        let hosts = AttachmentHosts::parse(hosts).map_err(unusable)?;
        Ok(self.podium(config).await?.with_attachments(hosts))
    }

    /// The same, and opt-outs are marked with the tag of this label where that is the way.
    ///
    /// # Errors
    /// When a setting or the secret cannot be used.
    pub async fn podium_with_tag(&self, config: &PodiumConfig, label: &str) -> Result<PodiumClient<T>, StartError> {
        self.podium(config).await?.with_opt_out_tag(label).map_err(unusable)
    }

    /// The same for a function that has other work too: it starts although the secret cannot be used (yet). What needs Podium
    /// fails until it can.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub async fn podium_beside_other_work(&self, config: &PodiumConfig) -> Result<PodiumClient<T>, StartError> {
        let vault = Vault::podium_at_use(self.podium_secret(config), &self.process.telemetry).await;
        self.podium_with(config, vault)
    }

    /// The same, and opt-outs are marked as by [`Wiring::podium_with_tag`].
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub async fn podium_with_tag_beside_other_work(
        &self,
        config: &PodiumConfig,
        label: &str,
    ) -> Result<PodiumClient<T>, StartError> {
        self.podium_beside_other_work(config).await?.with_opt_out_tag(label).map_err(unusable)
    }

    /// The same for Shopify.
    ///
    /// # Errors
    /// When a setting or the secret cannot be used.
    pub async fn shopify(&self, shop: &ShopDomain, config: &ShopifyApiConfig) -> Result<ShopifyClient<T>, StartError> {
        let vault = Vault::shopify(self.shopify_secret(config), &self.process.telemetry).await?;
        self.shopify_with(shop, config, vault)
    }

    /// The same for a function that has other work too, as [`Wiring::podium_beside_other_work`].
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub async fn shopify_beside_other_work(
        &self,
        shop: &ShopDomain,
        config: &ShopifyApiConfig,
    ) -> Result<ShopifyClient<T>, StartError> {
        let vault = Vault::shopify_at_use(self.shopify_secret(config), &self.process.telemetry).await;
        self.shopify_with(shop, config, vault)
    }

    /// The way out, for whoever asks something else than an API.
    #[must_use]
    pub const fn http(&self) -> &Http {
        &self.http
    }

    /// Makes Chatwoot's client and looks whether its tokens were filled in.
    ///
    /// # Errors
    /// When a setting or the secret cannot be used.
    pub async fn chatwoot(&self, config: &ChatwootApiConfig) -> Result<ChatwootClient, StartError> {
        let tokens = Vault::chatwoot(self.aws, config.secret.clone(), &self.process.telemetry).await?;
        Chatwoot::new(self.http.clone(), config, tokens, self.process.clock).map_err(unusable)
    }

    /// Chatwoot's client with tokens that are tried before they count.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn try_chatwoot(&self, config: &ChatwootApiConfig, tried: SecretVault) -> Result<ChatwootClient, StartError> {
        Chatwoot::new(self.http.clone(), config, Vault::tried(tried), self.process.clock).map_err(unusable)
    }

    /// Podium's client with credentials that are tried before they count. Its access token is shared with nobody; a refresh
    /// token that Podium rotates is written back to where the credentials came from.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn try_podium(
        &self,
        config: &PodiumConfig,
        tried: SecretVault,
    ) -> Result<Podium<Trial<PodiumGrant<Vault>>, SystemClock>, StartError> {
        let grant = PodiumGrant::new(self.http.clone(), config, Vault::tried(tried)).map_err(unusable)?;
        let tokens = Trial::of(Provider::Podium, grant, self.process.clock);
        Podium::new(self.http.clone(), config, tokens, self.process.clock).map_err(unusable)
    }

    /// The same for Shopify.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn try_shopify(
        &self,
        shop: &ShopDomain,
        config: &ShopifyApiConfig,
        tried: SecretVault,
    ) -> Result<Shopify<Trial<ShopifyGrant<Vault>>, SystemClock>, StartError> {
        let grant = ShopifyGrant::new(self.http.clone(), config, Vault::tried(tried)).map_err(unusable)?;
        let tokens = Trial::of(Provider::Shopify, grant, self.process.clock);
        Shopify::new(self.http.clone(), shop.clone(), config, tokens, self.process.clock).map_err(unusable)
    }

    fn shopify_secret(&self, config: &ShopifyApiConfig) -> SecretVault {
        SecretVault::new(self.aws.secrets(), "SHOPIFY_ADMIN_SECRET_ARN", config.secret.clone())
    }

    fn shopify_with(
        &self,
        shop: &ShopDomain,
        config: &ShopifyApiConfig,
        vault: Vault,
    ) -> Result<ShopifyClient<T>, StartError> {
        let grant = ShopifyGrant::new(self.http.clone(), config, vault).map_err(unusable)?;
        let tokens = self.shared(Provider::Shopify, grant);
        Shopify::new(self.http.clone(), shop.clone(), config, tokens, self.process.clock).map_err(unusable)
    }

    /// Makes the channels over which the shop's people are told. Nothing is read before a notice needs it.
    #[must_use]
    pub fn channels(&self, config: &NotifierConfig) -> NoticeChannels {
        NoticeChannels::new(self.http.clone(), self.aws, self.process.clock, config)
    }

    fn podium_secret(&self, config: &PodiumConfig) -> SecretVault {
        SecretVault::new(self.aws.secrets(), "PODIUM_OAUTH_SECRET_ARN", config.secret.clone())
    }

    fn podium_with(&self, config: &PodiumConfig, vault: Vault) -> Result<PodiumClient<T>, StartError> {
        let grant = PodiumGrant::new(self.http.clone(), config, vault).map_err(unusable)?;
        let tokens = self.shared(Provider::Podium, grant);
        Podium::new(self.http.clone(), config, tokens, self.process.clock).map_err(unusable)
    }

    fn shared<G>(&self, provider: Provider, grant: G) -> Tokens<G, T> {
        TokenKeeper {
            provider,
            store: self.store.clone(),
            grant,
            clock: self.process.clock,
            ids: self.process.ids.clone(),
            telemetry: self.process.telemetry.clone(),
            pause: TimerPause,
        }
    }
}

fn unusable(error: SetupError) -> StartError {
    StartError::Other(Box::new(error))
}
