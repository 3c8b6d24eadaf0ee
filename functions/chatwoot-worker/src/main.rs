//! Wires the function that works on Chatwoot's events.

use std::process::ExitCode;

use chatwoot_worker::Worker;
use frontdesk_assistant::AssistantDesk;
use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda,
    process::TimerPause,
    sqs::SqsNotices,
    start::{self, Aws, Timing},
};
use frontdesk_core::config;

fn main() -> ExitCode {
    start::main("chatwoot-worker", async |process| {
        let config = process.settings(config::chatwoot_worker)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let pepper = door::pepper(&aws, config.pepper_secret.clone());
        let store = DynamoStore::new(aws.dynamodb(), config.tables.clone(), process.ids.clone()).with_pepper(pepper);
        let notices = SqsNotices::new(aws.sqs(), config.notices_queue_url.clone());
        let desk = AssistantDesk::open(&config, &aws, process.clock, &process.telemetry);
        let (desk, table) = tokio::join!(desk, store.open());
        process.opened([("dynamodb", table)]);
        let (desk, assistant, rules, pause) = (desk?, config.assistant, config.rules, TimerPause);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = Worker { store, desk, notices, pause, clock, ids, telemetry, assistant, rules };
        lambda::run(&env, async |batch| function.handle(batch).await).await
    })
}
