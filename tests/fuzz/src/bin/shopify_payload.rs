//! `shopify_payload` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz_targets::prepare("shopify_payload"), |data: &[u8]| fuzz_targets::run("shopify_payload", data));
