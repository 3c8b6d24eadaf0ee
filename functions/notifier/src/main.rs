//! Wires the function that tells people what they have to know.

use std::process::ExitCode;

use frontdesk_aws::{
    dynamo::DynamoStore,
    lambda,
    sqs::SqsNotices,
    start::{self, Aws, Timing},
};
use frontdesk_core::config;
use frontdesk_wiring::Wiring;
use notifier::Notifier;

fn main() -> ExitCode {
    start::main("notifier", async |process| {
        let config = process.settings(config::notifier)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let store = DynamoStore::new(aws.dynamodb(), config.tables.clone(), process.ids.clone());
        let queue = SqsNotices::new(aws.sqs(), config.queue_url.clone());
        let channels = Wiring::new(&config.http, &aws, &store, &process)?.channels(&config);
        process.opened([("dynamodb", store.open().await)]);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = Notifier { store, queue, channels, clock, ids, telemetry, rules: config.rules };
        lambda::run(&env, async |batch| function.handle(batch).await).await
    })
}
