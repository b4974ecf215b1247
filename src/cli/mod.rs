//! The command line: arguments, files, what people read. Offline commands need no async code.

pub mod manifests;
