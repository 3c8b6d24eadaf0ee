//! The front door and the provider stand-ins of the local stack; never deployed.

use std::io::Write;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match frontdesk_local::run(std::env::args_os()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics when nobody listens any more.
            let _ = writeln!(std::io::stderr(), "frontdesk-local: {error}");
            ExitCode::FAILURE
        }
    }
}
