//! Wires the function that takes in the website's forms.

use std::process::ExitCode;

use contact_form::ContactForm;
use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda::{self, Invocation},
    sqs::SqsNotices,
    start::{self, Aws, Timing},
};
use frontdesk_core::config;

fn main() -> ExitCode {
    start::main("contact-form", async |process| {
        let config = process.settings(config::contact_form)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone());
        let notices = SqsNotices::new(aws.sqs(), config.notices_queue_url);
        let (secrets, table) = tokio::join!(door::web_secrets(&aws, &config.web, &process), store.open());
        process.opened([("dynamodb", table)]);
        let (secrets, guard, rules) = (secrets?, config.web.guard, config.rules);
        let (env, clock, telemetry) = (process.env, process.clock, process.telemetry);
        let function = ContactForm { store, notices, secrets, clock, telemetry, guard, rules };
        lambda::run(&env, async |i: Invocation<_>| lambda::always(function.handle(i.event).await)).await
    })
}
