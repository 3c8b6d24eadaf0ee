//! How a function that takes in webhooks is put together. The three of Podium and the one of Shopify differ in their
//! settings and in nothing else.

use std::{convert::Infallible, time::Duration};

use frontdesk_core::{
    config::{PodiumEndpointConfig, ShopifyOrdersConfig, TableNames},
    flow::ingest::{Endpoint, IngestRules, PodiumEndpoint, ShopifyEndpoint},
    inbox::Source,
};

use crate::{
    dynamo::DynamoStore,
    lambda::{Invocation, run, webhook::Webhook},
    secrets::{SecretVault, WebhookSecrets},
    sqs::SqsEvents,
    start::{Aws, Process, StartError, Timing},
};

/// What tells one such function from another.
#[derive(Clone, Debug)]
pub struct Door<E> {
    /// Whose webhooks.
    pub endpoint: E,
    /// Its tables.
    pub tables: TableNames,
    /// The worker's queue.
    pub queue_url: String,
    /// The setting that names the signing secret, and the name.
    pub secret: (&'static str, String),
    /// How long a read secret is good for.
    pub secret_ttl: Duration,
    /// Limits.
    pub rules: IngestRules,
}

impl From<ShopifyOrdersConfig> for Door<ShopifyEndpoint> {
    fn from(config: ShopifyOrdersConfig) -> Self {
        let ShopifyOrdersConfig { tables, queue_url, webhook_secret, secret_ttl, shop, rules } = config;
        let secret = ("SHOPIFY_WEBHOOK_SECRET_ARN", webhook_secret);
        Self { endpoint: ShopifyEndpoint { shop }, tables, queue_url, secret, secret_ttl, rules }
    }
}

impl From<PodiumEndpointConfig> for Door<PodiumEndpoint> {
    fn from(config: PodiumEndpointConfig) -> Self {
        let PodiumEndpointConfig { tables, queue_url, webhook_secret, secret_ttl, endpoint, rules } = config;
        let secret = ("PODIUM_WEBHOOK_SECRET_ARN", webhook_secret);
        Self { endpoint, tables, queue_url, secret, secret_ttl, rules }
    }
}

/// Opens what stands behind the door, all at once, and takes in webhooks for as long as the process lives.
///
/// # Errors
/// When there is no usable secret, or the runtime ends.
pub async fn serve<E: Endpoint>(process: Process, door: Door<E>) -> Result<(), StartError> {
    let Door { endpoint, tables, queue_url, secret: (setting, secret), secret_ttl, rules } = door;
    let aws = Aws::from_env(&process.env, &Timing::default())?;
    let store = DynamoStore::new(aws.dynamodb(), tables, process.ids.clone());
    let queue = match E::SOURCE {
        Source::Shopify => SqsEvents::new(aws.sqs(), queue_url),
        Source::Podium => SqsEvents::in_lines(aws.sqs(), queue_url, process.ids.clone()),
    };
    let vault = SecretVault::new(aws.secrets(), setting, secret);
    let secrets = WebhookSecrets::open(vault, secret_ttl, process.clock, process.telemetry.clone());
    let (secrets, table, events) = tokio::join!(secrets, store.open(), queue.open());
    process.opened([("dynamodb", table), ("sqs", events)]);
    let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
    let function = Webhook { endpoint, store, queue, secrets: secrets?, clock, ids, telemetry, rules };
    run(&env, async |i: Invocation<_>| Ok::<_, Infallible>(function.handle(i.event).await)).await
}
