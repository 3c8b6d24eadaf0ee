//! The real binary, as a person or a script runs it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests; a fault in them is a failure")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

mod cloud;
mod cooldown;
mod dlq;
mod doctor;
mod events;
mod locations;
mod optout;
mod outbox;
mod people;
mod phone;
mod queues;
mod reconcile;
mod reviews;
mod secrets;
mod sessions;
mod shell;
mod shop;
mod sign;
mod story;
mod world;

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

#[expect(clippy::disallowed_methods, reason = "the tool looks at the machine's clock")]
fn now() -> frontdesk_core::time::UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    frontdesk_core::time::UnixMillis::new(since.as_millis().try_into().unwrap())
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
        &["cooldown", "check", "--help"],
        &["optout", "compliance", "--help"],
        &["optout", "record", "--help"],
        &["optout", "clear", "--help"],
        &["sessions", "scan", "--help"],
        &["reviews", "list", "--help"],
        &["reviews", "show", "--help"],
        &["reviews", "replay", "--help"],
        &["requests", "show", "--help"],
        &["export", "--help"],
        &["erase", "--help"],
        &["doctor", "--help"],
        &["secrets", "check", "--help"],
        &["secrets", "rotate", "--help"],
        &["locations", "refresh", "--help"],
        &["completions", "--help"],
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
        &["cooldown", "check"],
        &["cooldown", "check", "--phone", "+61491570156", "--cooldown-days", "-1"],
        &["optout", "record", "--phone", "+61491570156"],
        &["optout", "record", "--phone", "+61491570156", "--reason", "x", "--flag", "email"],
        &["optout", "clear", "--reason", "x"],
        &["sessions", "scan", "--run", "--location", "loc-1"],
        &["reviews", "list", "--class", "furious"],
        &["reviews", "show"],
        &["reviews", "replay"],
        &["reviews", "replay", "--event-file", "-", "--verify"],
        &["requests", "show"],
        &["export"],
        &["erase", "--phone", "+61491570156"],
        &["erase", "--reason", "x"],
        &["frobnicate"],
        &["doctor", "--only", "weather"],
        &["secrets"],
        &["secrets", "rotate"],
        &["secrets", "rotate", "nobody", "--generate"],
        &["secrets", "rotate", "web", "--generate", "--finish"],
        &["locations"],
        &["completions"],
    ] {
        let run = frontdesk(args, &[], b"");
        assert_eq!(run.code, 2, "{args:?}");
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
}
