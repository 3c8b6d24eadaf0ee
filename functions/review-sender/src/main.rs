//! Wires the function that sends review requests.

use std::process::ExitCode;

use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda,
    start::{self, Aws, Timing},
};
use frontdesk_core::{config, phone};
use frontdesk_wiring::Wiring;
use review_sender::ReviewSender;

fn main() -> ExitCode {
    start::main("review-sender", async |process| {
        let config = process.settings(config::review_sender)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let pepper = door::pepper(&aws, config.pepper_secret);
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone()).with_pepper(pepper);
        let wiring = Wiring::new(&config.http, &aws, &store, &process)?;
        let (orders, reviews) = (wiring.shopify(&config.shop, &config.shopify), wiring.podium(&config.podium));
        let (orders, reviews, table) = tokio::join!(orders, reviews, store.open());
        process.opened([("dynamodb", table)]);
        phone::warm_up();
        let (orders, reviews, policy, rules) = (orders?, reviews?, config.policy, config.rules);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = ReviewSender { store, orders, reviews, clock, ids, telemetry, policy, rules };
        lambda::run(&env, async |batch| function.handle(batch).await).await
    })
}
