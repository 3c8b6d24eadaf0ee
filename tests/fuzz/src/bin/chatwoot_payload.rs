//! `chatwoot_payload` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz_targets::prepare("chatwoot_payload"), |data: &[u8]| fuzz_targets::run("chatwoot_payload", data));
