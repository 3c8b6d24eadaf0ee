//! The program itself: what it says, how it stops, what it keeps.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::wire::{LOCATION, PHONE, call, message};

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk-local"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until a line that starts with `word`, and takes the address out of it.
    async fn address_after(&mut self, word: &str) -> SocketAddr {
        loop {
            let line = self.lines.next_line().await.unwrap().unwrap_or_else(|| panic!("no line {word}"));
            if let Some(rest) = line.strip_prefix(word) {
                let url = rest.split_whitespace().next().unwrap();
                return url.strip_prefix("http://").unwrap().parse().unwrap();
            }
        }
    }

    async fn ready(&mut self) {
        while self.lines.next_line().await.unwrap().unwrap() != "ready; Ctrl-C stops" {}
    }

    fn id(&self) -> String {
        self.child.id().unwrap().to_string()
    }
}

fn scratch(name: &str) -> String {
    format!("{}/program-{}-{name}", env!("CARGO_TARGET_TMPDIR"), std::process::id())
}

#[tokio::test]
async fn both_parts_serve_until_sigterm_and_the_ledger_survives_sigkill() {
    let (ledger, routes) = (scratch("ledger.jsonl"), scratch("routes.json"));
    let _ = std::fs::remove_file(&ledger);
    std::fs::write(&routes, r#"[{"method":"POST","path":"/x","function":"f"}]"#).unwrap();
    let arguments = [
        "serve",
        "--front-door",
        "127.0.0.1:0",
        "--routes",
        &routes,
        "--lambda-endpoint",
        "http://127.0.0.1:9",
        "--stand-ins",
        "127.0.0.1:0",
        "--ledger",
        &ledger,
    ];
    let mut program = Program::start(&arguments);
    let stand_ins = program.address_after("stand-ins ").await;
    let front_door = program.address_after("front door ").await;
    program.ready().await;
    assert_eq!(call(front_door, "GET", "/_local/health", &[], "").await.status, 200);
    call(stand_ins, "PUT", "/_control/podium", &[], r#"{"access_tokens":["t"]}"#).await;
    let sent = message(PHONE, "hello").to_string();
    assert!(sent.contains(LOCATION));
    let headers = [("authorization", "Bearer t"), ("content-type", "application/json")];
    assert_eq!(call(stand_ins, "POST", "/podium/v4/messages", &headers, &sent).await.status, 200);
    program.child.kill().await.unwrap();

    let mut program = Program::start(&arguments);
    let stand_ins = program.address_after("stand-ins ").await;
    program.ready().await;
    let kept = call(stand_ins, "GET", "/_control/ledger", &[], "").await.json();
    assert_eq!(kept["count"], 1);
    // `kill` of the shell, because the standard library knows no signal but the last one.
    assert!(Command::new("kill").args(["-TERM", &program.id()]).status().await.unwrap().success());
    assert!(program.child.wait().await.unwrap().success());
    for file in [ledger, routes] {
        let _ = std::fs::remove_file(file);
    }
}

#[tokio::test]
async fn mistakes_are_told_in_one_line_and_not_by_a_panic() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, expected) in [
        (vec!["serve"], "nothing to serve"),
        (vec!["serve", "--front-door", "127.0.0.1:0"], "--routes"),
        (vec!["serve", "--stand-ins", "nowhere"], "stand-ins on nowhere"),
        (vec!["serve", "--site", "127.0.0.1:0"], "--site-root"),
        (vec!["serve", "--upload-host", "http://127.0.0.1:9"], "--site"),
        (
            vec!["serve", "--site", "127.0.0.1:0", "--site-root", "/nonexistent", "--api", "http://127.0.0.1:9"],
            "site on 127.0.0.1:0",
        ),
        (vec!["serve", "--stand-ins", "127.0.0.1:0", "--ledger", "/nonexistent/x"], "stand-ins on"),
        (
            vec![
                "serve",
                "--front-door",
                &taken,
                "--routes",
                "/nonexistent",
                "--lambda-endpoint",
                "http://127.0.0.1:9",
            ],
            "routes /nonexistent",
        ),
        (vec!["--wrong"], "--wrong"),
    ] {
        let output = Program::start(&arguments).child.wait_with_output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains(expected) && !said.contains("panicked"), "{arguments:?}: {said}");
    }
    let help = Program::start(&["serve", "--help"]).child.wait_with_output().await.unwrap();
    assert!(help.status.success());
}
