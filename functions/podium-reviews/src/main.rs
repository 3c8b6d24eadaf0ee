//! Wires the function that takes in Podium's webhooks of reviews. It takes any other of Podium's events just as well.

use std::process::ExitCode;

use frontdesk_aws::{door, start};
use frontdesk_core::config;

fn main() -> ExitCode {
    start::main("podium-reviews", async |process| {
        let config = process.settings(config::podium_endpoint)?;
        door::serve(process, config.into()).await
    })
}
