//! The self-test of an installation. It is a client of the API server.

#![allow(clippy::disallowed_methods)]

mod error;
mod run;

pub use run::{Options, self_test};
