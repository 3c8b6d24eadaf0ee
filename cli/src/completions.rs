//! `frontdesk completions`: what a shell completes the tool's commands and options by.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap_complete::Shell;

use crate::failure::Failure;

const EXAMPLES: &str = r#"Examples:
  frontdesk completions bash > ~/.local/share/bash-completion/completions/frontdesk
  frontdesk completions zsh > "${fpath[1]}/_frontdesk"
  frontdesk completions fish > ~/.config/fish/completions/frontdesk.fish

Exit codes: 0 printed, 2 usage."#;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<ExitCode, Failure> {
    // Whole in memory first: the generator would panic at a pipe that is shut.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "frontdesk", &mut script);
    let mut stdout = io::stdout().lock();
    stdout.write_all(&script)?;
    stdout.flush()?;
    Ok(ExitCode::SUCCESS)
}
