//! Edits: they change the value at the path, and nothing else.
#![no_main]

#[path = "../../tests/fuzzed/properties.rs"]
#[allow(dead_code)]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::edits(bytes));
