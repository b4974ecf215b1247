//! How findings are written: for people, for programs.

mod entry;
mod findings;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
mod line;
mod place;
pub mod sarif;
pub mod statistics;

pub use entry::{Entry, NO_RULES, entries, retain};
pub use findings::{Duplicates, Report, Reported, repeated_keys};
#[cfg(feature = "terminal")]
pub use place::uri;
