//! What the functions cost, as ratios to one that does nothing: `make bench`.
//!
//! Absolute times say more about a machine than about a program, so every function is measured in turn with a function
//! that does nothing, built by the same profile, in the same minutes. Each life of a function is a real process that
//! speaks to a stand-in for Lambda's runtime API and, over TLS 1.3, to stand-ins for DynamoDB, SQS and Secrets Manager.
//! Budgets and what they led to stand in `docs/adr/0003-cold-start-and-release-profile.md`.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a stopwatch reads the real clock; JSON is only ever indexed by name, where what is missing is null"
)]

mod cloud;
mod function;
mod http;
mod report;
mod samples;
mod subject;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread::available_parallelism,
};

use clap::Parser;

use crate::{
    cloud::{Cloud, Counts},
    function::Function,
    report::Measured,
    samples::Samples,
    subject::{Subject, subjects},
};

/// Counts what a process executes, whatever else the machine does.
const VALGRIND: [&str; 4] = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];

/// Measures cold start, warm cost, memory and size of the functions that stand beside this program. Needs Linux.
#[derive(Parser)]
struct Args {
    /// How often each function is started for each number; medians count.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Events over which the warm cost is taken.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    events: u32,
    /// Only this function.
    #[arg(long)]
    only: Option<String>,
    /// Succeed although a budget is exceeded.
    #[arg(long)]
    report_only: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match bench(&args) {
        Ok(over) if over == 0 || args.report_only => ExitCode::SUCCESS,
        Ok(over) => {
            eprintln!("bench: {over} over budget");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}

/// Measures and prints; returns how many budgets are exceeded.
fn bench(args: &Args) -> Result<usize, Box<dyn Error>> {
    let bin = env::current_exe()?.parent().ok_or("this program stands nowhere")?.to_owned();
    let dir = bin.join("bench");
    fs::create_dir_all(&dir)?;
    let samples = Samples::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))?;
    let cloud = Cloud::start(&samples, &dir)?;
    let mut environment = cloud.environment();
    environment.extend(samples.settings.iter().cloned());
    let run = Run { cloud, environment, log: dir.join("function.log"), events: args.events };
    let mut subjects = subjects(&samples, &bin);
    let wanted = |name| args.only.as_deref().is_none_or(|only| name == only || name == "do-nothing");
    subjects.retain(|subject| wanted(subject.name));

    let mut all: Vec<(Subject, Measured)> = subjects.into_iter().map(|s| (s, Measured::default())).collect();
    for (subject, measured) in &mut all {
        measured.binary_mb.push(megabytes(fs::metadata(&subject.binary)?.len()));
        // The first start reads the binary from disk; every later one finds it in memory.
        run.start(subject)?;
    }
    for round in 1..=args.rounds {
        eprint!("\rround {round} of {} ", args.rounds);
        // Nobody is always the first after the others' longer lives.
        all.rotate_left(1);
        for (subject, measured) in &mut all {
            measured.start_ms.push(run.start(subject)?);
        }
        for (subject, measured) in &mut all {
            run.live(subject, measured)?;
        }
    }
    eprintln!();
    let turned = usize::from(args.rounds) % all.len();
    all.rotate_right(turned);
    if Command::new(VALGRIND[0]).arg("--version").output().is_ok() {
        for (subject, measured) in &mut all {
            run.count(subject, measured).unwrap_or_else(|error| println!("Instructions are not counted: {error}"));
        }
    } else {
        println!("There is no valgrind here, so instructions are not counted.");
    }
    let load: f64 = fs::read_to_string("/proc/loadavg")?.split_whitespace().next().unwrap_or_default().parse()?;
    println!("Medians of {} lives each, at a load of {load}.", args.rounds);
    let busy = load > f64::from(u16::try_from(available_parallelism()?.get())?);
    let (nothing, ours) = all.split_first().ok_or("nothing was measured")?;
    Ok(ours.iter().map(|(subject, measured)| report::print(subject, &nothing.1, measured, busy)).sum())
}

struct Run {
    cloud: Cloud,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    events: u32,
}

impl Run {
    /// Milliseconds from the start of the process to its first answer, without those in which others kept it waiting.
    fn start(&self, subject: &Subject) -> Result<f64, Box<dyn Error>> {
        let function = Function::start(subject, &[], &self.environment, &self.log)?;
        let answered = function.handle(&function.ready()?)?;
        Ok(answered.saturating_sub(function.kept_waiting()?).as_secs_f64() * 1e3)
    }

    /// A longer life: what the start, the first event and a later one cost.
    fn live(&self, subject: &Subject, measured: &mut Measured) -> Result<(), Box<dyn Error>> {
        let function = Function::start(subject, &[], &self.environment, &self.log)?;
        let mut next = function.ready()?;
        let ready = function.cpu_at_rest()?;
        function.handle(&next)?;
        next = function.ready()?;
        let begun = function.cpu_at_rest()?;
        self.cloud.take_counts();
        for _ in 0..self.events {
            function.handle(&next)?;
            next = function.ready()?;
        }
        let done = function.cpu_at_rest()?;
        check(subject, self.events, &self.cloud.take_counts())?;
        measured.init_cpu_ms.push(ready.as_secs_f64() * 1e3);
        measured.first_event_ms.push((begun - ready).as_secs_f64() * 1e3);
        measured.warm_ms.push((done - begun).as_secs_f64() * 1e3 / f64::from(self.events));
        measured.memory_mb.push(megabytes(function.peak_memory()?));
        Ok(())
    }

    fn count(&self, subject: &Subject, measured: &mut Measured) -> Result<(), Box<dyn Error>> {
        let (init, both) = (self.instructions(subject, 0)?, self.instructions(subject, 1)?);
        measured.init_instructions_m.push(init);
        measured.first_instructions_m.push(both - init);
        measured.instructions_m.push(both);
        Ok(())
    }

    /// Millions of instructions in a life with so many events.
    fn instructions(&self, subject: &Subject, events: u32) -> Result<f64, Box<dyn Error>> {
        let function = Function::start(subject, &VALGRIND, &self.environment, &self.log)?;
        let mut next = function.ready()?;
        for _ in 0..events {
            function.handle(&next)?;
            next = function.ready()?;
        }
        let printed = function.end()?;
        let counted = printed.lines().find_map(|line| line.split_once("refs:"));
        let (_, counted) = counted.ok_or_else(|| format!("valgrind counted nothing:\n{printed}"))?;
        Ok(counted.trim().replace(',', "").parse::<f64>()? / 1e6)
    }
}

/// Every call is paid for: an event takes those that it is known to take, and no others.
fn check(subject: &Subject, events: u32, made: &Counts) -> Result<(), String> {
    let known: Counts = subject.calls.iter().map(|&(call, n)| (call.to_owned(), n * u64::from(events))).collect();
    if known == *made {
        return Ok(());
    }
    Err(format!("{} made other calls for {events} events than it should: {made:?}, not {known:?}", subject.name))
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
