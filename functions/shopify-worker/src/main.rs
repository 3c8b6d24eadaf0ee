//! Wires the function that works on Shopify's events.

use std::process::ExitCode;

use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda,
    start::{self, Aws, Timing},
};
use frontdesk_core::{config, phone};
use shopify_worker::Worker;

fn main() -> ExitCode {
    start::main("shopify-worker", async |process| {
        let config = process.settings(config::shopify_worker)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let pepper = door::pepper(&aws, config.pepper_secret);
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone()).with_pepper(pepper);
        process.opened([("dynamodb", store.open().await)]);
        phone::warm_up();
        let (policy, shop, rules) = (config.policy, config.shop, config.rules);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = Worker { store, clock, ids, telemetry, policy, shop, rules };
        lambda::run(&env, async |batch| function.handle(batch).await).await
    })
}
