//! All integration tests in one binary: one link, one run.

mod fixture;
mod rules;
mod tidy;
