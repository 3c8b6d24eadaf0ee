//! What reads bytes from outside, fed with bytes that nobody should send.
//!
//! A target is a function that takes bytes and panics when a promise is broken; what the promises are stands in it.
//! Two programs drive the targets: libFuzzer, which sees which code an input reaches and breeds from what is new, and
//! [`blind`], which only mutates the samples, for machines without a C++ compiler.

pub mod blind;
mod samples;
mod targets;

use std::{
    cell::Cell,
    fs,
    future::Future,
    panic,
    path::{Path, PathBuf},
    pin::pin,
    task::{Context, Poll, Waker},
};

pub use samples::Samples;

/// Something to fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also its program's and its corpus'.
    pub name: &'static str,
    /// Longer inputs are not tried.
    pub bytes_max: usize,
    /// Words that an input of this kind is made of.
    pub words: &'static [&'static str],
    /// Inputs to begin with, made from the sample events.
    pub seeds: fn(&Samples) -> Vec<Vec<u8>>,
    /// Takes one input; panics when a promise is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    targets::signature_headers::TARGET,
    targets::shopify_payload::TARGET,
    targets::podium_payload::TARGET,
    targets::chatwoot_payload::TARGET,
    targets::sqs_envelope::TARGET,
    targets::phone::TARGET,
    targets::body_codec::TARGET,
    targets::website::TARGET,
];

/// The target of a name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("there is no target {name}"))
}

/// Gives a target one input.
pub fn run(name: &str, data: &[u8]) {
    (target(name).run)(data);
}

/// Runs once before libFuzzer reads its command line: writes the seeds into the directory that the line names, and the
/// words into the file after `-dict=`. To replay one input the line names a file, and nothing is written. To `--longest`
/// it answers with the length of the longest input, and ends.
///
/// # Panics
/// When that cannot be written.
pub fn prepare(name: &str) {
    report_panics();
    let line: Vec<String> = std::env::args().skip(1).collect();
    let target = target(name);
    if line == ["--longest"] {
        println!("{}", target.bytes_max);
        std::process::exit(0);
    }
    if let Some(corpus) = line.iter().map(Path::new).find(|path| path.is_dir()) {
        for (number, seed) in seeds(target).iter().enumerate() {
            fs::write(corpus.join(format!("seed-{number:03}")), seed).unwrap();
        }
    }
    if let Some(dictionary) = line.iter().find_map(|word| word.strip_prefix("-dict=")) {
        // Every byte by its number: nothing needs another escape then.
        let entry = |word: &&str| format!("\"{}\"\n", word.bytes().map(|b| format!("\\x{b:02x}")).collect::<String>());
        fs::write(dictionary, target.words.iter().map(entry).collect::<String>()).unwrap();
    }
}

/// A target's seeds that are short enough.
#[must_use]
pub fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let mut seeds = (target.seeds)(&Samples::read(&events()));
    seeds.retain(|seed| seed.len() <= target.bytes_max);
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    seeds
}

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

thread_local! {
    static PANICS_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// libFuzzer's hook ends the process at every panic, also at those that the code under test catches as it should. This
/// one only tells of them; a panic that leaves the target still ends the process.
pub fn report_panics() {
    drop(panic::take_hook());
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !PANICS_EXPECTED.get() {
            usual(info);
        }
    }));
}

/// Runs something whose panics are part of the plan and not to be told.
fn expecting_panics<T>(work: impl FnOnce() -> T) -> T {
    PANICS_EXPECTED.set(true);
    let result = work();
    PANICS_EXPECTED.set(false);
    result
}

/// The end of a future that never has to wait for anybody.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..1_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("a flow waits although nothing makes it wait");
}
