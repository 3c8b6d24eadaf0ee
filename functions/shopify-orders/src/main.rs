//! Wires the function that takes in Shopify's webhooks.

use std::{convert::Infallible, process::ExitCode};

use frontdesk_aws::{
    dynamo::DynamoStore,
    lambda::{self, Invocation},
    secrets::{SecretVault, WebhookSecrets},
    sqs::SqsEvents,
    start::{self, Aws, Timing},
};
use frontdesk_core::{config, flow::ingest::ShopifyEndpoint};
use shopify_orders::ShopifyOrders;

fn main() -> ExitCode {
    start::main("shopify-orders", async |process| {
        let config = process.settings(config::shopify_orders)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone());
        let queue = SqsEvents::new(aws.sqs(), config.queue_url);
        let vault = SecretVault::new(aws.secrets(), "SHOPIFY_WEBHOOK_SECRET_ARN", config.webhook_secret);
        let secrets = WebhookSecrets::open(vault, config.secret_ttl, process.clock, process.telemetry.clone());
        let (secrets, table, events) = tokio::join!(secrets, store.open(), queue.open());
        process.opened([("dynamodb", table), ("sqs", events)]);
        let (endpoint, rules, secrets) = (ShopifyEndpoint { shop: config.shop }, config.rules, secrets?);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = ShopifyOrders { endpoint, store, queue, secrets, clock, ids, telemetry, rules };
        lambda::run(&env, async |i: Invocation<_>| Ok::<_, Infallible>(function.handle(i.event).await)).await
    })
}
