//! Runs the targets without libFuzzer: `blind TARGET SECONDS ARTIFACTS` or `blind TARGET FILE`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fuzz_targets::{
    blind::{Outcome, fuzz, replay},
    report_panics, target,
};

fn main() -> ExitCode {
    report_panics();
    let line: Vec<String> = std::env::args().skip(1).collect();
    match line.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [name, seconds, artifacts] => seconds.parse().map_or_else(
            |_| usage(),
            |seconds| run(name, Duration::from_secs(seconds), &Path::new(artifacts).join(format!("{name}-broken"))),
        ),
        [name, file] => match replay(target(name), Path::new(file)) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{file}: {error}");
                usage()
            }
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("blind TARGET SECONDS ARTIFACTS | blind TARGET FILE");
    ExitCode::from(2)
}

fn run(name: &str, span: Duration, artifact: &PathBuf) -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "every run should try other inputs; the one that fails is kept")]
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    match fuzz(target(name), span, seed) {
        Outcome::Held(inputs) => {
            println!("{inputs} inputs");
            ExitCode::SUCCESS
        }
        Outcome::Broken(input) => {
            match std::fs::write(artifact, input) {
                Ok(()) => println!("kept {}", artifact.display()),
                Err(error) => eprintln!("{}: {error}", artifact.display()),
            }
            ExitCode::FAILURE
        }
    }
}
