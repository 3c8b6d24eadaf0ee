//! `phone` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz_targets::prepare("phone"), |data: &[u8]| fuzz_targets::run("phone", data));
