//! Wires the function of every minute's schedules.

use std::process::ExitCode;

use frontdesk_aws::{
    door,
    dynamo::DynamoStore,
    lambda::{self, Invocation},
    sqs::{RoutedEvents, SqsEvents, SqsNotices, SqsSends},
    start::{self, Aws, Timing},
};
use frontdesk_wiring::Wiring;
use timers::{TaskRules, Timers};

fn main() -> ExitCode {
    start::main("timers", async |process| {
        let config = process.settings(frontdesk_core::config::timers)?;
        let (aws, rules) = (Aws::from_env(&process.env, &Timing::default())?, TaskRules::from(&config));
        let pepper = door::pepper(&aws, config.pepper_secret);
        let store = DynamoStore::new(aws.dynamodb(), config.tables, process.ids.clone()).with_pepper(pepper);
        let queue = |url| SqsEvents::new(aws.sqs(), url);
        let (shopify, privacy) = (queue(config.shopify_queue_url), queue(config.privacy_queue_url));
        let in_lines = |url| SqsEvents::in_lines(aws.sqs(), url, process.ids.clone());
        let (podium, chatwoot) = (in_lines(config.podium_queue_url), in_lines(config.chatwoot_queue_url));
        let events = RoutedEvents { shopify, podium, privacy, chatwoot };
        let sends = SqsSends::new(aws.sqs(), config.reviews_queue_url);
        let notices = SqsNotices::new(aws.sqs(), config.notices_queue_url);
        let wiring = Wiring::new(&config.http, &aws, &store, &process)?;
        // Without Podium's credentials what is due is handed over all the same.
        let podium = wiring.podium_with_tag_beside_other_work(&config.podium, &rules.mirror.tag);
        let (podium, table, queue) = tokio::join!(podium, store.open(), sends.open());
        process.opened([("dynamodb", table), ("sqs", queue)]);
        let podium = podium?;
        let (env, clock, ids, telemetry) = (process.env, process.clock, process.ids, process.telemetry);
        let function = Timers { store, events, sends, notices, podium, clock, ids, telemetry, rules };
        lambda::run(&env, async |i: Invocation<_>| function.handle(&i.event).await).await
    })
}
