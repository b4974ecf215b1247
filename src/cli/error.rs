//! Why a command cannot be carried out.

use std::io;
use std::path::{Path, PathBuf};

#[cfg(all(feature = "serve", feature = "terminal"))]
use crate::doctor;
use crate::files::revision::RevisionError;
use crate::files::settings::InputError;
use crate::review::BadRequest;
#[cfg(feature = "serve")]
use crate::{live, pki::AuthorityError, serve};

/// Input that cannot be used. The text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("{}: {source}", file.display())]
    Review { file: PathBuf, source: BadRequest },
    #[error("{}: the answer cannot be written: {source}", file.display())]
    Answer {
        file: PathBuf,
        source: serde_json::Error,
    },
    /// `hint` is a similar name, or how to list all names.
    #[error("no rule is called `{word}`{hint}")]
    UnknownRule { word: String, hint: String },
    #[cfg(feature = "terminal")]
    #[error("which Rollout? pass `--rollout`; with a canary there are: {known}")]
    ChooseRollout { known: String },
    #[cfg(feature = "terminal")]
    #[error("there is no Rollout with a canary in these files, so there are no steps to play")]
    NoCanary,
    /// `hint` says what is known.
    #[cfg(feature = "terminal")]
    #[error("no object `{word}`: {hint}")]
    UnknownObject { word: String, hint: String },
    #[cfg(all(feature = "serve", feature = "terminal"))]
    #[error("manifests have no cluster: leave out `--watch` and `--kubeconfig`, or the files")]
    NotOfManifests,
    #[cfg(all(feature = "serve", feature = "terminal"))]
    #[error("{0}; or name files or folders of manifests")]
    NoClusterToShow(#[source] live::ReadError),
    #[cfg(all(not(feature = "serve"), feature = "terminal"))]
    #[error("which files? name files or folders of manifests")]
    NoManifests,
    #[error(transparent)]
    Revision(#[from] RevisionError),
    #[error("standard input has no revisions: give `--diff-base` files of a git repository")]
    NoRevision,
    #[cfg(feature = "terminal")]
    #[error("standard input cannot be edited in place; leave out --write")]
    StandardInput,
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Serve(#[from] serve::Error),
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Cluster(#[from] live::ReadError),
    #[cfg(all(feature = "serve", feature = "terminal"))]
    #[error(transparent)]
    Doctor(#[from] doctor::Error),
    #[cfg(all(feature = "serve", feature = "terminal"))]
    #[error("the objects to show cannot be read: {0}")]
    Objects(#[source] kube::Error),
    #[cfg(feature = "serve")]
    #[error("cannot make certificates for `--dns`: {0}")]
    Certificates(#[from] AuthorityError),
    #[cfg(feature = "serve")]
    #[error("{} is there already: pass `--force` to replace it", file.display())]
    FileExists { file: PathBuf },
}

impl Error {
    /// An error of reading or writing this file.
    pub fn of_file(file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        |source| Error::File { file, source }
    }
}
