//! All integration tests in one binary: one link, one run.

mod fixture;
mod properties;
mod recorded;
mod rules;
mod tidy;
