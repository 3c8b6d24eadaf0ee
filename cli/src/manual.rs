//! `docs/TOOL.md`, made of what the tool says of itself.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory as _, Parser as _};

use crate::Cli;

const HEADING: &str = "Options of every command";

/// What every page begins with.
const INTRODUCTION: &str = "\
# The tool

`frontdesk`, for whoever runs the front desk: what became of an event, a person or an order, and how to put it right. This page is what
its commands say of themselves (`frontdesk doctor --help` and so on), written down by a test.

It finds an installation by the AWS profile and the stack's name, and asks the deployed functions where their tables and queues are:

```sh
frontdesk --profile shop --region eu-central-1 doctor   # --stack unless the stack is called frontdesk
eval \"$(make -s env)\" && frontdesk doctor               # the local stack, while `make run` is up
```

Whatever changes something shows its plan first and asks; a script says `--yes`. `--dry-run` shows the plan and changes nothing. Results go to standard
output, for people on a terminal and as JSON elsewhere; everything else goes to standard error. People see the last four digits of a number,
JSON has the whole of it.

| exit code | meaning |
|---|---|
| 0 | done; yes; nothing is wrong |
| 1 | the answer is no: not found, different, in cooldown, something is wrong |
| 2 | usage, configuration, or somebody did not answer. No answer is never a \"no\" |
| 3 | a part of it is done and stays done; the same command again goes on |

A few commands keep the exit codes of the scripts whose place they take; their pages say so.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut cli = Cli::command();
    cli.build();
    let options = help(&mut cli);
    let every = options.split(&format!("{HEADING}:\n")).nth(1).unwrap_or_default();
    let every = every.split("\n\n").next().unwrap_or_default();
    // Writing to a String cannot fail.
    write!(page, "\n## {HEADING}\n\n```text\n{}\n```\n", every.trim_end()).ok();
    for command in cli.get_subcommands_mut() {
        describe(command, &mut page);
    }
    page
}

fn describe(command: &mut Command, page: &mut String) {
    if command.get_name() == "help" {
        return;
    }
    if command.has_subcommands() {
        for each in command.get_subcommands_mut() {
            describe(each, page);
        }
        return;
    }
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    let text = help(command);
    write!(page, "\n## {name}\n\n```text\n{}\n```\n", without_the_common(&text).trim()).ok();
}

fn help(command: &mut Command) -> String {
    command.render_help().to_string()
}

/// What stands on every page stands on this one once.
fn without_the_common(text: &str) -> String {
    let mut kept = Vec::new();
    let mut common = false;
    for line in text.lines() {
        common = line.starts_with(HEADING) || (common && (line.starts_with(' ') || line.is_empty()));
        if !common && !line.contains("-h, --help") {
            kept.push(line.trim_end());
        }
    }
    let mut text = kept.join("\n").replace("Options:\n\n", "");
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}

#[test]
fn the_page_says_what_the_tool_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/TOOL.md");
    let page = page();
    if crate::setting("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/TOOL.md is not what the tool says: UPDATE_DOCS=1 cargo test -p frontdesk-cli manual");
}

/// A command that a document or the tool itself tells somebody to say, and that there is not, is worse than none.
#[test]
fn every_command_in_the_documents_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    let mut looked_at = 0;
    for name in ["README.md", "docs/RUNBOOK.md", "docs/DEPLOY.md", "docs/TOOL.md", "docs/ERRORS.md", "docs/LIMITS.md"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        for said in commands(&text) {
            let words = words(&said);
            // Of "frontdesk … export" the rest is somewhere else.
            if words.iter().any(|word| word == "…" || word == "...") {
                continue;
            }
            looked_at += 1;
            if let Err(error) = Cli::try_parse_from(&words)
                && error.use_stderr()
                && error.kind() != clap::error::ErrorKind::MissingRequiredArgument
                && error.kind() != clap::error::ErrorKind::MissingSubcommand
                && error.kind() != clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            {
                found.push(format!("{name}: {said}: {}", error.kind()));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
    assert!(looked_at > 100, "{looked_at}");
}

/// Those in lines of their own and in running text.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.replace("\\\n", " ").lines() {
        let line = line.trim().replace("cargo run -p frontdesk-cli -- ", "frontdesk ");
        let after = line.split(" && ").last().unwrap_or_default();
        if after.starts_with("frontdesk ") && !line.contains('`') {
            found.push(after.to_owned());
        }
        found.extend(
            line.split('`').skip(1).step_by(2).filter(|said| said.starts_with("frontdesk ")).map(str::to_owned),
        );
    }
    found
}

/// As a shell would take it apart, as far as the documents need one; what stands for something is something.
fn words(said: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in said.chars().chain([' ']) {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, ' ') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    let end = words.iter().position(|word| ["#", "|", ">", "<", ")"].contains(&word.as_str()) || word.starts_with('>'));
    words.truncate(end.unwrap_or(words.len()));
    let stands_for = |word: String| match word.as_str() {
        "<phone>" => "+61491570156".to_owned(),
        "<order>" => "5512345678901".to_owned(),
        "<secret>" | "NAME" => "podium-oauth".to_owned(),
        _ => word,
    };
    words.into_iter().map(stands_for).collect()
}

#[test]
fn every_command_has_examples_exit_codes_and_lines_that_fit() {
    fn walk(command: &mut Command, found: &mut Vec<String>) {
        if command.has_subcommands() {
            command.get_subcommands_mut().filter(|each| each.get_name() != "help").for_each(|each| walk(each, found));
            return;
        }
        let (name, text) = (command.get_bin_name().unwrap_or_default().to_owned(), help(command));
        for word in ["Examples:", "Exit codes:"] {
            if !text.contains(word) {
                found.push(format!("{name} has no {word}"));
            }
        }
        for line in text.lines().filter(|line| line.chars().count() > 125) {
            found.push(format!("{name}: {line}"));
        }
    }
    let mut found = Vec::new();
    let mut cli = Cli::command();
    cli.build();
    walk(&mut cli, &mut found);
    assert_eq!(found, Vec::<String>::new());
}
