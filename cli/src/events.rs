//! `frontdesk events`: what came in, what became of it, and once more.

pub(crate) mod find;
mod list;
pub(crate) mod redrive;
pub(crate) mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{failure::Failure, reach::Reach};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List events, the newest first.
    #[command(after_help = list::EXAMPLES)]
    List(list::Args),
    /// Show an event whole: its row, its body, and what came of it.
    #[command(after_help = show::EXAMPLES)]
    Show(show::Args),
    /// Set named events going again.
    #[command(after_help = redrive::REPLAY_EXAMPLES)]
    Replay(redrive::Replay),
    /// Set all events going again that answer to a description, the parked ones if nothing else is said.
    #[command(after_help = redrive::EXAMPLES)]
    Redrive(redrive::Redrive),
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(args) => list::run(reach, &args),
        Command::Show(args) => show::run(reach, &args),
        Command::Replay(args) => redrive::replay(reach, args),
        Command::Redrive(args) => redrive::redrive(reach, args),
    }
}
