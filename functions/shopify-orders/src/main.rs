//! Wires the function that takes in Shopify's webhooks.

use std::process::ExitCode;

use frontdesk_aws::{door, start};
use frontdesk_core::config;

fn main() -> ExitCode {
    start::main("shopify-orders", async |process| {
        let config = process.settings(config::shopify_endpoint)?;
        door::serve(process, config.into()).await
    })
}
