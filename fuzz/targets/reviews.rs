//! Review bytes: the answer is well formed, or the bytes are refused.
#![no_main]

#[path = "../../tests/fuzzed/properties.rs"]
#[allow(dead_code)]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::reviews(bytes));
