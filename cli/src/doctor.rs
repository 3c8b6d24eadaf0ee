//! `frontdesk doctor`: whether an installation can work, and if not, what to do.
//!
//! What is gathered here is judged in the core (`frontdesk_core::doctor`). Nothing is changed but the shared access tokens, which
//! are refreshed when they are due, as any function does it.

mod cloud;
pub(crate) mod gather;

use std::fmt::Write as _;
use std::process::ExitCode;

use frontdesk_core::doctor::{Diagnosis, Finding, Group, Level, Verdict};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::installation::unusable;
use crate::reach::Reach;
use crate::show::Paint;

const EXAMPLES: &str = r#"Examples:
  frontdesk --profile shop doctor                     # an installation on AWS, by its stack's name
  frontdesk doctor                                    # the local stack, after eval "$(make -s env)"
  frontdesk doctor --only podium,shopify              # the providers only
  frontdesk doctor --url https://hooks.shop.example   # the front door has a name of its own
  frontdesk doctor --all --output human               # what is well, too

It looks at: the functions' variables (each by its function's own reader, and side by side), the functions and
what hands work to them, what their roles allow, tables, queues and dead letters, schedules, secrets, Podium's
and Shopify's APIs with the webhooks that they have for us, Chatwoot, clocks, what waits for a person, and the
front door with the website's origins.

Each finding says what is wrong, with which value, what to do, and with which command. Levels: fail (it does not
work, or a person has to act), warn (it works, and should be seen to), unknown (whoever knows did not answer),
not_looked_at (there is nothing to look at, or no way to look; never the same as ok).

Of AWS it needs read access: lambda:GetFunctionConfiguration, GetFunctionConcurrency, GetPolicy and
ListEventSourceMappings, dynamodb:Describe*, ListTables and Query, Scan and GetItem on the tables, sqs:GetQueueAttributes,
scheduler:GetSchedule, secretsmanager:DescribeSecret and GetSecretValue, iam:SimulatePrincipalPolicy. What it
may not do it says.

Exit codes: 0 nothing is wrong (there may be warnings), 1 something is wrong, 2 usage or configuration, or nothing
wrong was seen and something could not be looked at."#;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The front door's address, if it is not the one that the stack knows
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Only these groups of checks, separated by commas
    #[arg(long, value_name = "GROUP", value_delimiter = ',', value_parser = group)]
    only: Vec<Group>,
    /// Show what is well, too (JSON always has it)
    #[arg(long)]
    all: bool,
}

fn group(text: &str) -> Result<Group, String> {
    let known = || Group::ALL.map(Group::as_str).join(", ");
    let found = Group::ALL.into_iter().find(|group| group.as_str() == text.trim().replace('-', "_"));
    found.ok_or_else(|| format!("it must be one of {}", known()))
}

pub(crate) fn run(reach: &Reach, args: &Args) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unusable)?;
    let wanted = |group: Group| args.only.is_empty() || args.only.contains(&group);
    let findings = runtime.block_on(gather::findings(reach, args.url.as_deref(), &wanted))?;
    tell(reach, findings.into_iter().filter(|finding| wanted(finding.group)).collect(), args.all)
}

/// Shows what was found; the exit code that goes with it.
pub(crate) fn tell(reach: &Reach, findings: Vec<Finding>, all: bool) -> Result<ExitCode, Failure> {
    let diagnosis = Diagnosis::of(findings);
    reach.show(&document(&diagnosis), |paint| report(&diagnosis, all, *paint))?;
    Ok(match diagnosis.verdict() {
        Verdict::Well => ExitCode::SUCCESS,
        Verdict::Wrong => ExitCode::FAILURE,
        Verdict::Unsure => ExitCode::from(2),
    })
}

fn document(diagnosis: &Diagnosis) -> Value {
    let count = |level| diagnosis.count(level);
    json!({
        "verdict": diagnosis.verdict(),
        "fail": count(Level::Fail),
        "warn": count(Level::Warn),
        "unknown": count(Level::Unknown),
        "not_looked_at": count(Level::NotLookedAt),
        "ok": count(Level::Ok),
        "findings": diagnosis.findings,
    })
}

fn report(diagnosis: &Diagnosis, all: bool, paint: Paint) -> String {
    let mut out = String::new();
    for group in Group::ALL {
        let findings: Vec<&Finding> = diagnosis.about(group).collect();
        // What could not be looked at stands below; it does not make the rest worse.
        let looked_at = findings.iter().map(|finding| finding.level).filter(|level| *level != Level::NotLookedAt);
        let Some(worst) = looked_at.max().or(findings.first().map(|finding| finding.level)) else { continue };
        // Writing to a String cannot fail.
        writeln!(out, "{}  {}", mark(worst, paint), paint.bold(group.as_str())).ok();
        for finding in findings.iter().filter(|finding| all || finding.level != Level::Ok) {
            write_finding(&mut out, finding, paint);
        }
    }
    let said = |level: Level, word: &str| match diagnosis.count(level) {
        0 => None,
        count => Some(format!("{count} {word}")),
    };
    let counts = [said(Level::Fail, "wrong"), said(Level::Warn, "to be seen to"), said(Level::Unknown, "not answered")];
    let counts = counts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let ok = diagnosis.count(Level::Ok);
    let end = match diagnosis.verdict() {
        Verdict::Well if counts.is_empty() => paint.good(format!("Nothing is wrong ({ok} checks).")),
        Verdict::Well => paint.good(format!("Nothing is wrong ({ok} checks; {counts}).")),
        Verdict::Wrong => paint.bad(format!("Something is wrong: {counts}.")),
        Verdict::Unsure => paint.warn(format!("Nothing wrong was seen, but not all: {counts}.")),
    };
    writeln!(out, "\n{end}").ok();
    out
}

fn mark(level: Level, paint: Paint) -> String {
    match level {
        Level::Ok => paint.good("ok     "),
        Level::NotLookedAt => paint.dim("-      "),
        Level::Warn => paint.warn("warn   "),
        Level::Unknown => paint.warn("unknown"),
        Level::Fail => paint.bad("FAIL   "),
    }
}

fn write_finding(out: &mut String, finding: &Finding, paint: Paint) {
    let Finding { level, check, subject, what, remedy, command, .. } = finding;
    writeln!(out, "  {}  {subject}: {what} {}", mark(*level, paint), paint.dim(format!("[{check}]"))).ok();
    if !remedy.is_empty() {
        writeln!(out, "             {remedy}").ok();
    }
    if let Some(command) = command {
        writeln!(out, "             {}", paint.dim(format!("$ {command}"))).ok();
    }
}
