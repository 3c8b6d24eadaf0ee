//! Wires the function that takes in what Shopify demands about personal data. It takes any other of Shopify's webhooks just as well.

use std::process::ExitCode;

use frontdesk_aws::{door, start};
use frontdesk_core::config;

fn main() -> ExitCode {
    start::main("shopify-privacy", async |process| {
        let config = process.settings(config::shopify_endpoint)?;
        door::serve(process, config.into()).await
    })
}
