//! Why `serve` cannot start.

use std::io;
use std::path::PathBuf;

use crate::api::client::ConnectError;
use crate::files;
use crate::files::settings::SettingsError;
use crate::pki;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no cluster to judge by: {0}; pass `--kubeconfig FILE`, or `--manifests PATH` for none"
    )]
    NoCluster(#[from] ConnectError),
    #[error("`--manifests -` cannot be read again when it changes: pass a file or a folder")]
    Stdin,
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Manifests(#[from] files::Error),
    #[error(transparent)]
    Certificate(#[from] pki::Error),
    #[error("cannot listen on `{address}`: {source}")]
    Listen { address: String, source: io::Error },
    #[error("cannot record in `{}`: {source}", folder.display())]
    Record { folder: PathBuf, source: io::Error },
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
}
