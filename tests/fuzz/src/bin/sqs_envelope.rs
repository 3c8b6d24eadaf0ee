//! `sqs_envelope` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz_targets::prepare("sqs_envelope"), |data: &[u8]| fuzz_targets::run("sqs_envelope", data));
