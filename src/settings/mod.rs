//! The settings: profile, actions by rule, exempt users, and what is true of the whole cluster.

#![warn(missing_docs)]

mod file;
mod values;

pub use file::{Error, parse};
pub use values::{ExemptByFieldManager, Profile, RuleAction, Settings};
