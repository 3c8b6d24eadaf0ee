//! `website` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz_targets::prepare("website"), |data: &[u8]| fuzz_targets::run("website", data));
