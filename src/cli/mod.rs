//! The command line: one file for each command. Offline commands need no async code. The image holds what a
//! cluster and pipelines call, without the feature `terminal`.

// The command line is where files are read and written.
#![allow(clippy::disallowed_methods)]

mod arguments;
mod baseline;
#[cfg(feature = "serve")]
mod certs;
mod check;
#[cfg(all(feature = "serve", feature = "terminal"))]
mod doctor;
mod error;
#[cfg(feature = "terminal")]
mod explain;
#[cfg(feature = "terminal")]
mod fix;
mod inputs;
#[cfg(feature = "serve")]
mod live_report;
#[cfg(all(feature = "serve", feature = "terminal"))]
mod live_tree;
#[cfg(feature = "terminal")]
mod lsp;
#[cfg(feature = "terminal")]
mod markdown;
#[cfg(feature = "terminal")]
mod pager;
mod progress;
mod report;
mod review;
mod selection;
#[cfg(feature = "terminal")]
mod shell;
#[cfg(feature = "terminal")]
mod simulate;
mod stored;
#[cfg(feature = "terminal")]
mod suggest;
mod terminal;
#[cfg(feature = "terminal")]
mod tree;
#[cfg(feature = "terminal")]
mod tree_options;
mod unknown;

pub use arguments::Arguments;
pub use check::check;
