//! What is read from files: manifests and settings, for the command line and for `serve` alike.

// Files are read here.
#![allow(clippy::disallowed_methods)]

pub mod manifests;
pub mod settings;
#[cfg(feature = "serve")]
pub mod watch;
