//! The command line: one file for each command. Offline commands need no async code.

// The command line is where files are read and written.
#![allow(clippy::disallowed_methods)]

mod arguments;
mod baseline;
#[cfg(feature = "serve")]
mod certs;
mod check;
mod error;
mod explain;
mod fix;
mod inputs;
#[cfg(feature = "serve")]
mod live_report;
#[cfg(feature = "serve")]
mod live_tree;
mod markdown;
mod pager;
mod progress;
mod report;
mod review;
mod selection;
mod shell;
mod simulate;
mod stored;
mod suggest;
mod terminal;
mod tree;
mod tree_options;
mod unknown;

pub use arguments::Arguments;
pub use check::check;
