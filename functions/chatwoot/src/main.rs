//! Wires the function that takes in Chatwoot's webhooks: of an account, of an API inbox, or of a bot.

use std::process::ExitCode;

use frontdesk_aws::{door, start};
use frontdesk_core::config;

fn main() -> ExitCode {
    start::main("chatwoot", async |process| {
        let config = process.settings(config::chatwoot_endpoint)?;
        door::serve(process, config.into()).await
    })
}
