//! Wires the function that works on what Shopify demands about personal data.

use std::process::ExitCode;

use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda,
    start::{self, Aws, Timing},
};
use frontdesk_core::{config, phone};
use privacy_worker::Worker;

fn main() -> ExitCode {
    start::main("privacy-worker", async |process| {
        let config = process.settings(config::privacy_worker)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let pepper = door::pepper(&aws, config.pepper_secret);
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone()).with_pepper(pepper);
        process.opened([("dynamodb", store.open().await)]);
        phone::warm_up();
        let (shop, countries, rules) = (config.shop, config.countries, config.rules);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = Worker { store, clock, ids, telemetry, shop, countries, rules };
        lambda::run(&env, async |batch| function.handle(batch).await).await
    })
}
