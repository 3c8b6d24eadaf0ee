//! Wires the function behind the website's chat.

use std::process::ExitCode;

use chat::Chat;
use frontdesk_assistant::Minds;
use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda::{self, Invocation},
    process::TimerPause,
    start::{self, Aws, Timing},
};
use frontdesk_core::config;

fn main() -> ExitCode {
    start::main("chat", async |process| {
        let config = process.settings(config::website_chat)?;
        let aws = Aws::from_env(&process.env, &Timing::default())?;
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone());
        let minds = Minds::open(&config.agent, config.catalogue.as_ref(), &config.http, &aws, process.clock)?;
        let secrets = door::web_secrets(&aws, &config.web, &process);
        let (secrets, table) = tokio::join!(secrets, store.open());
        process.opened([("dynamodb", table)]);
        let (secrets, guard, rules, pause) = (secrets?, config.web.guard, config.rules, TimerPause);
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = Chat { store, minds, secrets, pause, clock, ids, telemetry, guard, rules };
        lambda::run(&env, async |i: Invocation<_>| lambda::always(function.handle(i.event).await)).await
    })
}
