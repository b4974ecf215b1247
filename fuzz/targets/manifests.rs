//! Manifests: any text is judged or refused, and each finding has its line.
#![no_main]

#[path = "../../tests/fuzzed/properties.rs"]
#[allow(dead_code)]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::manifests(bytes));
