//! Fuzzing without seeing: the samples, mutated at random. Finds less than libFuzzer does, but needs nothing but Rust.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use crate::{Target, seeds};

/// How a round ended.
#[derive(Debug)]
pub enum Outcome {
    /// Every promise was kept by so many inputs.
    Held(u64),
    /// This input broke one.
    Broken(Vec<u8>),
}

/// Gives a target its seeds and then mutations of them for as long as `span`. The same `seed` gives the same inputs.
#[must_use]
pub fn fuzz(target: &Target, span: Duration, seed: u64) -> Outcome {
    let corpus = seeds(target);
    let mut chance = Chance(seed);
    #[expect(clippy::disallowed_methods, reason = "how long it runs is the one thing here that a clock decides")]
    let begun = Instant::now();
    let mut inputs = 0;
    for seed in &corpus {
        if !holds(target, seed) {
            return Outcome::Broken(seed.clone());
        }
        inputs += 1;
    }
    while begun.elapsed() < span {
        for _ in 0..64 {
            let input = mutated(&corpus, target, &mut chance);
            if !holds(target, &input) {
                return Outcome::Broken(input);
            }
            inputs += 1;
        }
    }
    Outcome::Held(inputs)
}

/// Gives a target the input in a file.
///
/// # Errors
/// When the file cannot be read.
pub fn replay(target: &Target, file: &Path) -> std::io::Result<bool> {
    Ok(holds(target, &fs::read(file)?))
}

fn holds(target: &Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

fn mutated(corpus: &[Vec<u8>], target: &Target, chance: &mut Chance) -> Vec<u8> {
    let mut input = corpus[chance.below(corpus.len())].clone();
    for _ in 0..=chance.below(6) {
        mutate(&mut input, corpus, target, chance);
    }
    input.truncate(target.bytes_max);
    input
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], target: &Target, chance: &mut Chance) {
    let from = chance.below(input.len() + 1);
    let to = from + chance.below((input.len() - from).min(40) + 1);
    match chance.below(8) {
        0 => input.truncate(from),
        1 => drop(input.drain(from..to)),
        2 => {
            let part = input[from..to].to_vec();
            input.splice(from..from, part);
        }
        3 => input.iter_mut().skip(from).take(1).for_each(|byte| *byte ^= 1 << chance.below(8)),
        4 => input.iter_mut().skip(from).take(1).for_each(|byte| *byte = u8::try_from(chance.below(256)).unwrap_or(0)),
        5 if !target.words.is_empty() => {
            let word = target.words[chance.below(target.words.len())];
            input.splice(from..to, word.bytes());
        }
        6 => {
            let other = &corpus[chance.below(corpus.len())];
            let cut = chance.below(other.len() + 1);
            input.truncate(from);
            input.extend(&other[cut..]);
        }
        _ => {
            let digits = ["0", "-1", "1e400", "9223372036854775808", "00", "null", "{}", "[]", "\"\""];
            input.splice(from..to, digits[chance.below(digits.len())].bytes());
        }
    }
}

/// SplitMix64: enough chance for this, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let wide = u128::from(z ^ (z >> 31)) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}
