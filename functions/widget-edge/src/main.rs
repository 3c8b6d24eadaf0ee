//! Wires the function behind the shop's own webchat form.

use std::process::ExitCode;

use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda::{self, Invocation},
    sqs::SqsEvents,
    start::{self, Aws, Timing},
};
use frontdesk_core::config;
use widget_edge::WidgetEdge;

fn main() -> ExitCode {
    start::main("widget-edge", async |process| {
        let config = process.settings(config::widget_edge)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let pepper = door::pepper(&aws, config.pepper_secret);
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone()).with_pepper(pepper);
        let queue = SqsEvents::in_lines(aws.sqs(), config.queue_url, process.ids.clone());
        let uploads = aws.uploads(config.bucket.as_deref());
        let secrets = door::web_secrets(&aws, &config.web, &process);
        let (secrets, table, events) = tokio::join!(secrets, store.open(), queue.open());
        process.opened([("dynamodb", table), ("sqs", events)]);
        let (secrets, guard, rules) = (secrets?, config.web.guard, config.rules);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = WidgetEdge { store, queue, uploads, secrets, clock, ids, telemetry, guard, rules };
        lambda::run(&env, async |i: Invocation<_>| lambda::always(function.handle(i.event).await)).await
    })
}
