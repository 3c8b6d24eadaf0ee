//! How a command fails: with sentences and an exit code, or quietly when nobody listens any more.

use std::io::{self, Write as _};
use std::process::ExitCode;

/// Why a command did not get to answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Usage, settings or files. The sentence says what to change.
    Config(String),
    /// A table or a provider did not answer, so there is no answer either. One sentence for each.
    Unreachable(Vec<String>),
    /// A part of it is done and stays done; the sentence says what is left. The same command again goes on.
    Partly(String),
    /// Standard output does not take what is written.
    Output(io::Error),
}

impl Failure {
    /// Says it on standard error; the exit code of the tool.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Config(sentence) => complain(sentence),
            Self::Partly(sentence) => {
                complain(sentence);
                return ExitCode::from(3);
            }
            Self::Unreachable(sentences) => sentences.iter().for_each(|sentence| complain(sentence)),
            // `frontdesk … | head` has seen enough. That is no error.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Self::Output(error) => complain(&format!("cannot write to standard output: {error}")),
        }
        ExitCode::from(2)
    }
}

impl From<io::Error> for Failure {
    /// Errors of reading are turned into [`Failure::Config`] where they happen, since only there the file is known.
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// One line on standard error. A closed standard error is no reason to fail as well.
pub(crate) fn complain(sentence: &str) {
    writeln!(io::stderr(), "frontdesk: {sentence}").ok();
}
