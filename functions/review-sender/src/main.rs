//! Wires the function that sends review requests.

use std::process::ExitCode;

use frontdesk_aws::{
    dynamo::DynamoStore,
    lambda,
    start::{self, Aws, Timing},
};
use frontdesk_core::{config, phone};
use review_sender::{Providers, ReviewSender};

fn main() -> ExitCode {
    start::main("review-sender", async |process| {
        let config = process.settings(config::review_sender)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let store = DynamoStore::new(aws.dynamodb(), config.tables.clone(), process.ids.clone());
        let (providers, table) = tokio::join!(Providers::open(&config, &aws, &store, &process), store.open());
        process.opened([("dynamodb", table)]);
        let Providers { orders, reviews } = providers?;
        phone::warm_up();
        let (policy, rules) = (config.policy, config.rules);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = ReviewSender { store, orders, reviews, clock, ids, telemetry, policy, rules };
        lambda::run(&env, async |batch| function.handle(batch).await).await
    })
}
