//! All integration tests in one binary: one link, one run.

// A test that finds what it did not expect ends there.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods
)]

mod fixture;
mod kept;
mod mutation_properties;
mod mutations;
mod properties;
mod random_objects;
mod recorded;
mod replay;
mod rules;
mod tidy;
mod worlds;
