//! `podium_payload` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz_targets::prepare("podium_payload"), |data: &[u8]| fuzz_targets::run("podium_payload", data));
