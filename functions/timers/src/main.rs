//! Wires the function that the schedules call.

use std::process::ExitCode;

use frontdesk_aws::{
    dynamo::DynamoStore,
    lambda::{self, Invocation},
    sqs::{RoutedEvents, SqsEvents, SqsSends},
    start::{self, Aws, Timing},
};
use frontdesk_wiring::Wiring;
use timers::{TaskRules, Timers};

fn main() -> ExitCode {
    start::main("timers", async |process| {
        let config = process.settings(frontdesk_core::config::timers)?;
        let (aws, rules) = (Aws::from_env(&process.env, &Timing::default())?, TaskRules::from(&config));
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone());
        let (shopify, sends) = (SqsEvents::new(aws.sqs(), config.shopify_queue_url), config.reviews_queue_url);
        let podium = SqsEvents::in_lines(aws.sqs(), config.podium_queue_url, process.ids.clone());
        let (events, sends) = (RoutedEvents { shopify, podium }, SqsSends::new(aws.sqs(), sends));
        let wiring = Wiring::new(&config.http, &aws, &store, &process)?;
        // Without Podium's credentials what is due is handed over all the same.
        let podium = wiring.podium_beside_other_work(&config.podium, &rules.mirror.tag);
        let (podium, table, queue) = tokio::join!(podium, store.open(), sends.open());
        process.opened([("dynamodb", table), ("sqs", queue)]);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = Timers { store, events, sends, podium: podium?, clock, ids, telemetry, rules };
        lambda::run(&env, async |i: Invocation<_>| function.handle(&i.event).await).await
    })
}
