//! The self-test of an installation. It is a client of the API server.

#![allow(clippy::disallowed_methods)]

mod error;
mod run;

pub use error::Error;
pub use run::{Expected, Options, RULE, probe, self_test};
