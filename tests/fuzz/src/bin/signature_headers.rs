//! `signature_headers` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz_targets::prepare("signature_headers"), |data: &[u8]| fuzz_targets::run("signature_headers", data));
