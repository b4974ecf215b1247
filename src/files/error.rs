//! Why a file cannot be used.

use std::io;
use std::path::Path;
use std::string::FromUtf8Error;

use crate::source;
use crate::text::printable;

/// Why a file cannot be used. The text begins with its name.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {source}")]
pub struct Error {
    /// As people read it: without control characters.
    pub file: String,
    source: Fault,
}

/// What is wrong with one file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("{}", io_text(.0))]
    List(#[from] walkdir::Error),
    #[error("No such file or folder{hint}")]
    Missing { hint: String },
    #[error(
        "{tool} is not installed: put it on PATH, or pipe what it renders into `rollout-guard check -`"
    )]
    NoTool { tool: &'static str },
    #[error("`{command}` failed: {reason}")]
    Render { command: String, reason: String },
    #[error("is not read: it is no regular file but {0}")]
    Special(&'static str),
    #[error("is not read: it is larger than {} MiB", super::input::MAX_BYTES >> 20)]
    TooLarge,
    #[error("is not read: it is a link that leads out of the given folders, to {0}")]
    LeadsOut(String),
    #[error("is not UTF-8 text")]
    Encoding(#[from] FromUtf8Error),
    #[error(transparent)]
    Parse(#[from] source::Error),
    #[error("line {line}, column {column}: a key of a Kubernetes object must be a string")]
    ComplexKey { line: usize, column: usize },
}

impl Error {
    pub(super) fn of(file: &Path, source: impl Into<Fault>) -> Self {
        Self {
            file: shown(file),
            source: source.into(),
        }
    }

    /// What is wrong, without the name of the file.
    pub fn reason(&self) -> String {
        self.source.to_string()
    }
}

/// The path as people read it.
pub(super) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

/// Without the path, which the error names already.
fn io_text(error: &walkdir::Error) -> String {
    let io = error.io_error().map(ToString::to_string);
    io.unwrap_or_else(|| error.to_string())
}
