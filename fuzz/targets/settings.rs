//! Settings files: any text is read or refused at a position.
#![no_main]

#[path = "../../tests/fuzzed/properties.rs"]
#[allow(dead_code)]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::settings(bytes));
