//! The real binary, as a person or a script runs it.

#![expect(clippy::unwrap_used, reason = "helpers of tests; a fault in them is a failure")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

mod optout;
mod phone;
mod reconcile;
mod sign;

/// What a run left behind.
struct Run {
    code: i32,
    stdout: Vec<u8>,
    stderr: String,
}

impl Run {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs the tool at the project's root, without the settings and secrets of whoever runs the tests.
fn frontdesk(args: &[&str], env: &[(&str, &str)], stdin: &[u8]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.args(args).env_clear().envs(env.iter().copied()).current_dir(root());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The tool writes while it reads: feeding and draining in turn would block both sides once a pipe is full.
    let mut feed = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    let feeding = std::thread::spawn(move || feed.write_all(&stdin).ok());
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn help_shows_examples_and_no_colour() {
    for args in [
        &["--help"][..],
        &["phone", "normalize", "--help"],
        &["sign", "--help"],
        &["optout", "audit", "--help"],
        &["reconcile", "--help"],
    ] {
        let run = frontdesk(args, &[("CLICOLOR_FORCE", "1")], b"");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(!run.text().contains('\u{1b}'), "{}", run.text());
        assert!(args.len() == 1 || run.text().contains("Examples:"), "{}", run.text());
        assert!(run.text().lines().all(|line| line.chars().count() <= 125), "{}", run.text());
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &[][..],
        &["phone"],
        &["phone", "normalize"],
        &["phone", "normalize", "--phone", "1", "--csv"],
        &["phone", "normalize", "--csv", "--default-country", "AU"],
        &["sign"],
        &["optout"],
        &["optout", "audit"],
        &["optout", "audit", "--phone", "+61491570156", "--output", "csv"],
        &["sign", "--provider", "stripe", "--body", "-"],
        &["reconcile"],
        &["reconcile", "chatwoot"],
        &["reconcile", "podium", "--output", "csv"],
        &["reconcile", "podium", "shopify"],
        &["frobnicate"],
    ] {
        let run = frontdesk(args, &[], b"");
        assert_eq!(run.code, 2, "{args:?}");
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
}
