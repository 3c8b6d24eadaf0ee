//! Shopify and Podium, each with tokens that all senders share.

use frontdesk_aws::{
    dynamo::DynamoStore,
    process::{RandomIds, SystemClock, TimerPause},
    secrets::SecretVault,
    start::{Aws, Process, StartError},
    telemetry::StdoutTelemetry,
};
use frontdesk_core::{config::ReviewSenderConfig, provider::Provider, token::TokenKeeper};
use frontdesk_providers::{Http, Podium, PodiumGrant, SetupError, Shopify, ShopifyGrant};

use crate::Vault;

/// Shared tokens that `G` grants.
type Tokens<G> = TokenKeeper<DynamoStore, G, SystemClock, RandomIds, StdoutTelemetry, TimerPause>;

/// Whom the sender calls.
#[derive(Debug)]
pub struct Providers {
    /// Shopify.
    pub orders: Shopify<Tokens<ShopifyGrant<Vault>>, SystemClock>,
    /// Podium.
    pub reviews: Podium<Tokens<PodiumGrant<Vault>>, SystemClock>,
}

impl Providers {
    /// Makes the clients and looks whether their credentials were filled in.
    ///
    /// # Errors
    /// When a setting or a secret cannot be used.
    pub async fn open(
        config: &ReviewSenderConfig,
        aws: &Aws,
        store: &DynamoStore,
        process: &Process,
    ) -> Result<Self, StartError> {
        let client = aws.secrets();
        let shopify = SecretVault::new(client.clone(), "SHOPIFY_ADMIN_SECRET_ARN", config.shopify.secret.clone());
        let podium = SecretVault::new(client, "PODIUM_OAUTH_SECRET_ARN", config.podium.secret.clone());
        let telemetry = &process.telemetry;
        let (shopify, podium) = tokio::join!(Vault::shopify(shopify, telemetry), Vault::podium(podium, telemetry));
        let http = Http::new(&config.http).map_err(unusable)?;
        let grant = ShopifyGrant::new(http.clone(), &config.shopify, shopify?).map_err(unusable)?;
        let tokens = shared(Provider::Shopify, grant, store, process);
        let orders = Shopify::new(http.clone(), config.shop.clone(), &config.shopify, tokens, process.clock);
        let grant = PodiumGrant::new(http.clone(), &config.podium, podium?).map_err(unusable)?;
        let tokens = shared(Provider::Podium, grant, store, process);
        let reviews = Podium::new(http, &config.podium, tokens, process.clock);
        Ok(Self { orders: orders.map_err(unusable)?, reviews: reviews.map_err(unusable)? })
    }
}

fn shared<G>(provider: Provider, grant: G, store: &DynamoStore, process: &Process) -> Tokens<G> {
    TokenKeeper {
        provider,
        store: store.clone(),
        grant,
        clock: process.clock,
        ids: process.ids.clone(),
        telemetry: process.telemetry.clone(),
        pause: TimerPause,
    }
}

fn unusable(error: SetupError) -> StartError {
    StartError::Other(Box::new(error))
}
