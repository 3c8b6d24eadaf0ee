//! Wires the function that works on Podium's events.

use std::process::ExitCode;

use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda,
    sqs::SqsNotices,
    start::{self, Aws, Timing},
};
use frontdesk_core::{config, phone};
use frontdesk_wiring::Wiring;
use podium_worker::Worker;

fn main() -> ExitCode {
    start::main("podium-worker", async |process| {
        let config = process.settings(config::podium_worker)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let pepper = door::pepper(&aws, config.pepper_secret);
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone()).with_pepper(pepper);
        let notices = SqsNotices::new(aws.sqs(), config.notices_queue_url);
        let wiring = Wiring::new(&config.http, &aws, &store, &process)?;
        let podium = wiring.podium_with_attachments(&config.podium, &config.attachment_hosts);
        let (podium, table) = tokio::join!(podium, store.open());
        process.opened([("dynamodb", table)]);
        phone::warm_up();
        let (podium, chat, reviews, rules) = (podium?, config.chat, config.reviews, config.rules);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = Worker { store, podium, notices, clock, ids, telemetry, chat, reviews, rules };
        lambda::run(&env, async |batch| function.handle(batch).await).await
    })
}
