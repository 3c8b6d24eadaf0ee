//! Where the installation is, and how answers are shown: options that every command takes.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::ValueEnum;
use serde_json::Value;

use crate::{failure::Failure, show::Paint};

/// Options of every command.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Reach {
    /// The profile of the AWS account [default: AWS_PROFILE, or the credentials in the environment]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The region [default: AWS_REGION, or the profile's]
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Where AWS answers instead, such as the local stack [default: AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// The name of the deployed stack [default: FRONTDESK_STACK, or frontdesk]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// For programs or for people [default: FRONTDESK_OUTPUT, or human on a terminal, json elsewhere]
    #[arg(long, global = true, value_enum, value_name = "json|human", hide_possible_values = true)]
    output: Option<Output>,
    /// Whether colours are used
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    color: Color,
}

/// For whom something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Json,
    Human,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Reach {
    /// For whom answers are printed.
    pub(crate) fn output(&self) -> Output {
        self.asked_output().unwrap_or_else(|| if io::stdout().is_terminal() { Output::Human } else { Output::Json })
    }

    /// The same, if somebody said so.
    pub(crate) fn asked_output(&self) -> Option<Output> {
        let named = || crate::setting("FRONTDESK_OUTPUT").and_then(|name| Output::from_str(&name, true).ok());
        self.output.or_else(named)
    }

    /// The colours for an answer.
    pub(crate) fn paint(&self) -> Paint {
        let plain = crate::setting("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint::new(match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !plain && io::stdout().is_terminal(),
        })
    }

    /// Prints an answer: the document for programs, the text for people.
    pub(crate) fn show(&self, document: &Value, human: impl FnOnce(&Paint) -> String) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match self.output() {
            Output::Json => writeln!(stdout, "{document:#}")?,
            Output::Human => {
                let text = human(&self.paint());
                write!(stdout, "{text}")?;
                if !text.ends_with('\n') {
                    writeln!(stdout)?;
                }
            }
        }
        Ok(stdout.flush()?)
    }

    /// Whether a plan may be carried out. It is shown on standard error; on a terminal the person is asked, elsewhere `--yes`
    /// has to have been given.
    pub(crate) fn confirm(&self, plan: &str, yes: bool) -> Result<bool, Failure> {
        let mut stderr = io::stderr();
        writeln!(stderr, "{plan}")?;
        if yes {
            return Ok(true);
        }
        if !(io::stdin().is_terminal() && stderr.is_terminal()) {
            return Err(Failure::Config("nothing was changed: say --yes to carry this out".to_owned()));
        }
        write!(stderr, "Carry this out? [y/N] ")?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        let agreed = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
        if !agreed {
            writeln!(stderr, "Nothing was changed.")?;
        }
        Ok(agreed)
    }
}
