//! `body_codec` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz_targets::prepare("body_codec"), |data: &[u8]| fuzz_targets::run("body_codec", data));
