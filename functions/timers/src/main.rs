//! Wires the function that the schedules call.

use std::process::ExitCode;

use frontdesk_aws::{
    dynamo::DynamoStore,
    lambda::{self, Invocation},
    sqs::{SqsEvents, SqsSends},
    start::{self, Aws, Timing},
};
use frontdesk_core::config;
use timers::Timers;

fn main() -> ExitCode {
    start::main("timers", async |process| {
        let config = process.settings(config::timers)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone());
        let (sqs, events_url, sends_url) = (aws.sqs(), config.shopify_queue_url, config.reviews_queue_url);
        let (events, sends) = (SqsEvents::new(sqs.clone(), events_url), SqsSends::new(sqs, sends_url));
        let (table, queue) = tokio::join!(store.open(), events.open());
        process.opened([("dynamodb", table), ("sqs", queue)]);
        let (env, clock, telemetry) = (process.env, process.clock, process.telemetry);
        let (sweep_after, requeue_after) = (config.sweep_after, config.requeue_after);
        let function = Timers { store, events, sends, clock, telemetry, sweep_after, requeue_after };
        lambda::run(&env, async |i: Invocation<_>| function.handle(&i.event).await).await
    })
}
