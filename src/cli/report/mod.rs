//! How findings are written: for people, for programs.

mod findings;
pub mod human;
pub mod json;

pub use findings::{Duplicates, Report, Reported};
