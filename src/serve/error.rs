//! What keeps `serve` from starting, said to the person who started it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::files::manifests;

#[derive(Debug)]
pub enum Error {
    /// Neither manifests nor a live cluster, and why.
    NoCluster(String),
    /// Standard input as manifests: it cannot be read again.
    Stdin,
    /// The settings file.
    Settings(String),
    Manifests(manifests::Error),
    /// The certificate or its key.
    Certificate(String),
    /// An address that cannot be listened on.
    Listen {
        address: String,
        error: io::Error,
    },
    /// The folder of recordings.
    Record(PathBuf, io::Error),
    Runtime(io::Error),
    /// What the self-test saw instead of a refusal.
    SelfTest(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoCluster(why) => write!(
                f,
                "no cluster to judge by: {why}; pass `--kubeconfig FILE`, or `--manifests PATH` for none"
            ),
            Error::Stdin => f.write_str(
                "`--manifests -` cannot be read again when it changes: pass a file or a folder",
            ),
            Error::Settings(message) | Error::Certificate(message) | Error::SelfTest(message) => {
                f.write_str(message)
            }
            Error::Manifests(error) => error.fmt(f),
            Error::Listen { address, error } => {
                write!(f, "cannot listen on `{address}`: {error}")
            }
            Error::Record(folder, error) => {
                write!(f, "cannot record in `{}`: {error}", folder.display())
            }
            Error::Runtime(error) => write!(f, "cannot start: {error}"),
        }
    }
}

impl std::error::Error for Error {}
