//! How a function that takes in webhooks is put together. Those of one provider and those of another differ in their
//! settings and in nothing else.

use std::time::Duration;

use frontdesk_core::{
    config::{ChatwootEndpointConfig, PodiumEndpointConfig, ShopifyEndpointConfig, TableNames, WebConfig},
    flow::ingest::{ChatwootEndpoint, Endpoint, IngestRules, PodiumEndpoint, ShopifyEndpoint},
    telemetry::Telemetry,
};

use crate::{
    dynamo::DynamoStore,
    lambda::{Invocation, always, run, webhook::Webhook},
    process::{RandomIds, SystemClock},
    secrets::{SecretVault, WebhookSecrets},
    sqs::{DoorQueue, SqsEvents},
    start::{Aws, Process, StartError, Timing},
};

/// What tells one such function from another.
#[derive(Clone, Debug)]
pub struct Door<E> {
    /// Whose webhooks.
    pub endpoint: E,
    /// Its tables.
    pub tables: TableNames,
    /// The workers' queues.
    pub queues: DoorQueues,
    /// Where the pepper of erased opt-outs is kept.
    pub pepper_secret: String,
    /// The setting that names the signing secret, and the name.
    pub secret: (&'static str, String),
    /// How long a read secret is good for.
    pub secret_ttl: Duration,
    /// Limits.
    pub rules: IngestRules,
}

/// Where an endpoint's hints go.
#[derive(Clone, Debug)]
pub enum DoorQueues {
    /// Shopify's.
    Shopify {
        /// The worker's queue.
        url: String,
        /// The queue of what customers ask about their data.
        privacy_url: String,
    },
    /// Podium's, which keeps its conversations' order.
    Podium {
        /// The worker's queue.
        url: String,
    },
    /// Chatwoot's, which keeps its conversations' order.
    Chatwoot {
        /// The worker's queue.
        url: String,
    },
}

impl DoorQueues {
    fn open(self, aws: &Aws, ids: &RandomIds) -> DoorQueue {
        match self {
            Self::Shopify { url, privacy_url } => DoorQueue::Shopify {
                shopify: SqsEvents::new(aws.sqs(), url),
                privacy: SqsEvents::new(aws.sqs(), privacy_url),
            },
            Self::Podium { url } => DoorQueue::Podium(SqsEvents::in_lines(aws.sqs(), url, ids.clone())),
            Self::Chatwoot { url } => DoorQueue::Chatwoot(SqsEvents::in_lines(aws.sqs(), url, ids.clone())),
        }
    }
}

impl From<ShopifyEndpointConfig> for Door<ShopifyEndpoint> {
    fn from(config: ShopifyEndpointConfig) -> Self {
        let ShopifyEndpointConfig {
            tables,
            queue_url,
            privacy_queue_url,
            pepper_secret,
            webhook_secret,
            secret_ttl,
            shop,
            rules,
        } = config;
        let secret = ("SHOPIFY_WEBHOOK_SECRET_ARN", webhook_secret);
        let queues = DoorQueues::Shopify { url: queue_url, privacy_url: privacy_queue_url };
        Self { endpoint: ShopifyEndpoint { shop }, tables, queues, pepper_secret, secret, secret_ttl, rules }
    }
}

impl From<PodiumEndpointConfig> for Door<PodiumEndpoint> {
    fn from(config: PodiumEndpointConfig) -> Self {
        let PodiumEndpointConfig { tables, pepper_secret, queue_url, webhook_secret, secret_ttl, endpoint, rules } =
            config;
        let secret = ("PODIUM_WEBHOOK_SECRET_ARN", webhook_secret);
        let queues = DoorQueues::Podium { url: queue_url };
        Self { endpoint, tables, queues, pepper_secret, secret, secret_ttl, rules }
    }
}

impl From<ChatwootEndpointConfig> for Door<ChatwootEndpoint> {
    fn from(config: ChatwootEndpointConfig) -> Self {
        let ChatwootEndpointConfig { tables, pepper_secret, queue_url, webhook_secret, secret_ttl, endpoint, rules } =
            config;
        let secret = ("CHATWOOT_WEBHOOK_SECRET_ARN", webhook_secret);
        let queues = DoorQueues::Chatwoot { url: queue_url };
        Self { endpoint, tables, queues, pepper_secret, secret, secret_ttl, rules }
    }
}

/// A function that takes in webhooks, as it is deployed.
pub type DoorFunction<E, T> =
    Webhook<E, DynamoStore, DoorQueue, WebhookSecrets<SystemClock, T>, SystemClock, RandomIds, T>;

/// Opens what stands behind the door, all at once.
///
/// # Errors
/// When there is no usable secret.
pub async fn open<E: Endpoint, T: Telemetry + Clone>(
    aws: &Aws,
    process: &Process<T>,
    door: Door<E>,
) -> Result<DoorFunction<E, T>, StartError> {
    let Door { endpoint, tables, queues, pepper_secret, secret: (setting, secret), secret_ttl, rules } = door;
    let store = DynamoStore::new(aws.dynamodb(), tables, process.ids.clone());
    let store = store.with_pepper(pepper(aws, pepper_secret));
    let queue = queues.open(aws, &process.ids);
    let vault = SecretVault::new(aws.secrets(), setting, secret);
    let secrets = WebhookSecrets::open(vault, secret_ttl, process.clock, process.telemetry.clone());
    let (secrets, table, events) = tokio::join!(secrets, store.open(), queue.open());
    process.opened([("dynamodb", table), ("sqs", events)]);
    let (clock, ids, telemetry) = (process.clock, process.ids.clone(), process.telemetry.clone());
    Ok(Webhook { endpoint, store, queue, secrets: secrets?, clock, ids, telemetry, rules })
}

/// Opens the door and takes in webhooks for as long as the process lives.
///
/// # Errors
/// When there is no usable secret, or the runtime ends.
pub async fn serve<E: Endpoint>(process: Process, door: Door<E>) -> Result<(), StartError> {
    let aws = Aws::from_env(&process.env, &Timing::default())?;
    let function = open(&aws, &process, door).await?;
    run(&process.env, async |i: Invocation<_>| always(function.handle(i.event).await)).await
}

/// The secret of [`DynamoStore::with_pepper`].
#[must_use]
pub fn pepper(aws: &Aws, secret: String) -> SecretVault {
    SecretVault::new(aws.secrets(), "FRONTDESK_PEPPER_SECRET_ARN", secret)
}

/// The secret that seals what travels through browsers.
///
/// # Errors
/// When it cannot be used.
pub async fn web_secrets<T: Telemetry + Clone>(
    aws: &Aws,
    config: &WebConfig,
    process: &Process<T>,
) -> Result<WebhookSecrets<SystemClock, T>, StartError> {
    let vault = SecretVault::new(aws.secrets(), "WEB_SECRET_ARN", config.secret.clone());
    Ok(WebhookSecrets::open(vault, config.secret_ttl, process.clock, process.telemetry.clone()).await?)
}
