//! `frontdesk secrets`: whether they are filled in and taken, and putting in new ones.
//!
//! No value is ever printed. New credentials of a provider's API are tried there before they count; a new signing secret counts
//! beside the old one until somebody has changed it at the provider.

pub(crate) mod rotate;

use std::process::ExitCode;

use clap::Subcommand;

use crate::doctor;
use crate::failure::Failure;
use crate::installation;
use crate::reach::Reach;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Look whether each secret is filled in and has its form, and whether the providers take what is in them.
    #[command(after_help = CHECK)]
    Check(Check),
    /// Put a new value into a secret.
    #[command(after_help = rotate::EXAMPLES)]
    Rotate(rotate::Args),
}

const CHECK: &str = r#"Examples:
  frontdesk --profile shop secrets check
  frontdesk secrets check --output human --all

Of each secret that a setting names: whether it is there, filled in, of the form that its reader wants, how old, and
whether a rotation was begun and not ended. Then Podium, Shopify and Chatwoot are asked whether they take the
credentials. Access tokens are refreshed only if they are due. Values are read and never shown.

Exit codes: 0 all can be used (there may be warnings), 1 something is wrong, 2 usage or configuration, or nothing
wrong was seen and somebody did not answer."#;

#[derive(clap::Args)]
pub(crate) struct Check {
    /// Show what is well, too (JSON always has it)
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(reach: &Reach, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Check(Check { all }) => {
            installation::run(reach, async |shop| doctor::tell(reach, doctor::gather::secret_findings(shop).await, all))
        }
        Command::Rotate(args) => {
            installation::run(reach, async |shop| rotate::Rotation::of(reach, &shop, &args)?.run().await)
        }
    }
}
