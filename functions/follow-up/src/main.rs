//! Wires the function that asks the providers what nobody told us: without one's credentials the other all the same.

use std::process::ExitCode;

use follow_up::{FollowUp, TaskRules};
use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda::{self, Invocation},
    sqs::SqsEvents,
    start::{self, Aws, Timing},
};
use frontdesk_wiring::Wiring;

fn main() -> ExitCode {
    start::main("follow-up", async |process| {
        let config = process.settings(frontdesk_core::config::follow_up)?;
        let (aws, rules) = (Aws::from_env(&process.env, &Timing::default())?, TaskRules::from(&config));
        let pepper = door::pepper(&aws, config.pepper_secret);
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone()).with_pepper(pepper);
        let shopify_events = SqsEvents::new(aws.sqs(), config.shopify_queue_url);
        let podium_events = SqsEvents::in_lines(aws.sqs(), config.podium_queue_url, process.ids.clone());
        let wiring = Wiring::new(&config.http, &aws, &store, &process)?;
        let podium = wiring.podium_beside_other_work(&config.podium);
        let shopify = wiring.shopify_beside_other_work(&config.shop, &config.shopify);
        let (podium, shopify, table) = tokio::join!(podium, shopify, store.open());
        process.opened([("dynamodb", table)]);
        let (podium, shopify) = (podium?, shopify?);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = FollowUp { store, shopify_events, podium_events, podium, shopify, clock, ids, telemetry, rules };
        lambda::run(&env, async |i: Invocation<_>| function.handle(&i.event).await).await
    })
}
