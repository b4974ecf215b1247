//! What is read from files: manifests and settings, for the command line and for `serve` alike.

// Files are read and written here.
#![allow(clippy::disallowed_methods)]

mod documents;
mod error;
mod foreign;
mod input;
pub mod manifests;
mod pieces;
pub mod render;
pub mod replace;
pub mod revision;
pub mod settings;
mod surroundings;
pub mod unsaved;
mod walk;
#[cfg(feature = "serve")]
pub mod watch;

pub use error::Error;
pub use walk::{files, is_manifest};
