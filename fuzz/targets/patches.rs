//! Patches: what is applied is what was judged, and a second time there is nothing to do.
#![no_main]

#[path = "../../tests/fuzzed/properties.rs"]
#[allow(dead_code)]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::patches(bytes));
