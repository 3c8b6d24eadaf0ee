//! `frontdesk`, the operator's tool.
//!
//! Results go to standard output and explanations to standard error. It exits with 0 when all is well, 1 when the
//! answer is no (the text is no phone number, two records differ), and 2 when the question was wrong (usage, settings,
//! files) or whoever knows the answer did not give it.

use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

mod failure;
mod installation;
mod optout;
mod phone;
mod reconcile;
mod sign;

/// The operator's tool of Frontdesk, the front desk of a shop: phone numbers, signed test requests, opt-outs, lists.
#[derive(Parser)]
#[command(name = "frontdesk", version, color = ColorChoice::Never)]
#[command(after_help = "Exit codes: 0 done, 1 the answer is no, 2 usage or configuration, or no answer.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Phone numbers: one, or a whole contact list.
    #[command(subcommand)]
    Phone(phone::Command),
    /// Sign a file as a provider would, now, to send it to a webhook endpoint by hand.
    Sign(sign::Args),
    /// Opt-outs: what is recorded here, and what Podium knows of it.
    #[command(subcommand)]
    Optout(optout::Command),
    /// Compare a provider's lists with what came by webhook, and take in what is missing.
    Reconcile(reconcile::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Phone(command) => phone::run(command),
        Command::Sign(args) => sign::run(&args, now_ms(), setting),
        Command::Optout(command) => optout::run(command),
        Command::Reconcile(args) => reconcile::run(&args, now_ms()),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}

#[expect(clippy::disallowed_methods, reason = "the one look at the clock; all below take the time as a value")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "`sign`'s one look at the environment; it has no settings but secrets")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
