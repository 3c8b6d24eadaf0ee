//! `frontdesk`, the operator's tool.
//!
//! Results go to standard output and explanations to standard error. It exits with 0 when all is well, 1 when the
//! answer is no (the text is no phone number, two records differ), 2 when the question was wrong (usage, settings,
//! files) or whoever knows the answer did not give it, and 3 when a part of a long work is done.

use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory as _, Parser, Subcommand};

use crate::reach::Reach;

mod completions;
mod cooldown;
mod dlq;
mod doctor;
mod events;
mod failure;
mod installation;
mod locations;
#[cfg(test)]
mod manual;
mod optout;
mod outbox;
mod people;
mod phone;
mod reach;
mod reconcile;
mod requests;
mod reviews;
mod secrets;
mod sessions;
mod show;
mod sign;
mod story;

/// The operator's tool of Frontdesk: what became of an event, a person or an order, and how to put it right.
#[derive(Parser)]
#[command(name = "frontdesk", version, color = ColorChoice::Never)]
#[command(
    after_help = "Exit codes: 0 done, 1 the answer is no, 2 usage or configuration, or no answer, 3 partly done."
)]
struct Cli {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Find out whether the installation can work, and what to do if not.
    Doctor(doctor::Args),
    /// Events: what came in, what became of it, and once more.
    #[command(subcommand)]
    Events(events::Command),
    /// Messages that a queue gave up on.
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// Sends: what nobody can say of, and what a person says who looked.
    #[command(subcommand)]
    Outbox(outbox::Command),
    /// Review requests.
    #[command(subcommand)]
    Requests(requests::Command),
    /// Reviews, and who was told of bad ones.
    #[command(subcommand)]
    Reviews(reviews::Command),
    /// Chats that are open, and what the clock does about them.
    #[command(subcommand)]
    Sessions(sessions::Command),
    /// Cooldowns: when somebody was last asked for a review.
    #[command(subcommand)]
    Cooldown(cooldown::Command),
    /// Opt-outs: what is recorded here, and what Podium knows of it.
    #[command(subcommand)]
    Optout(optout::Command),
    /// Show everything that is kept of a person or an order, as one document.
    #[command(after_help = story::export::EXAMPLES)]
    Export(story::export::Export),
    /// Erase a person from everything that is kept; who wants no messages stays known by a keyed hash.
    #[command(after_help = story::erase::EXAMPLES)]
    Erase(story::erase::Erase),
    /// Phone numbers: one, or a whole contact list.
    #[command(subcommand)]
    Phone(phone::Command),
    /// Compare a provider's lists with what came by webhook, and take in what is missing.
    Reconcile(reconcile::Args),
    /// The shop's locations, as Podium lists them.
    #[command(subcommand)]
    Locations(locations::Command),
    /// Secrets: whether they are filled in and taken, and putting in new ones.
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Sign a file as a provider would, now, to send it to a webhook endpoint by hand.
    Sign(sign::Args),
    /// Print what completes this tool's commands in a shell.
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let Cli { reach, command } = Cli::parse();
    let outcome = match command {
        Command::Doctor(args) => doctor::run(&reach, &args),
        Command::Events(command) => events::run(&reach, command),
        Command::Dlq(command) => dlq::run(&reach, command),
        Command::Outbox(command) => outbox::run(&reach, command),
        Command::Requests(command) => requests::run(&reach, command),
        Command::Reviews(command) => reviews::run(&reach, command),
        Command::Sessions(command) => sessions::run(&reach, command),
        Command::Cooldown(command) => cooldown::run(&reach, command),
        Command::Optout(command) => optout::run(&reach, command),
        Command::Export(args) => story::export::run(&reach, &args),
        Command::Erase(args) => story::erase::run(&reach, &args),
        Command::Phone(command) => phone::run(&reach, command),
        Command::Reconcile(args) => reconcile::run(&reach, &args, now_ms()),
        Command::Locations(command) => locations::run(&reach, &command),
        Command::Secrets(command) => secrets::run(&reach, command),
        Command::Sign(args) => sign::run(&reach, &args, now_ms(), setting),
        Command::Completions(args) => completions::run(&args, Cli::command()),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}

#[expect(clippy::disallowed_methods, reason = "the one look at the clock; all below take the time as a value")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A variable of the tool's own; those of an installation are read by [`installation`].
#[expect(clippy::disallowed_methods, reason = "the one look at the tool's own variables")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
