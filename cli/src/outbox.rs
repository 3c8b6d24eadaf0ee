//! `frontdesk outbox`: sends that nobody can say of, and what a person says who looked.

mod list;
mod resolve;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{failure::Failure, reach::Reach};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List sends: those that nobody can say of, or those in one state.
    #[command(after_help = list::EXAMPLES)]
    List(list::Args),
    /// Say what became of a send that nobody can say of.
    #[command(after_help = resolve::EXAMPLES)]
    Resolve(resolve::Args),
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(args) => list::run(reach, &args),
        Command::Resolve(args) => resolve::run(reach, &args),
    }
}
