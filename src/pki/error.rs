//! Why there is no certificate to serve.

use std::io;
use std::path::PathBuf;

use super::authority::AuthorityError;
use super::callers::ClientCaError;
use super::rotation::InvalidName;
use super::serving_certificate::ServingCertificateError;

/// Why there is no certificate to serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Files(#[from] ServingCertificateError),
    #[error("`--tls-secret` needs a live cluster")]
    NoCluster,
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("Secret `{0}` is no longer looked after")]
    KeeperEnded(String),
    #[error("cannot make a certificate: {0}")]
    Make(#[from] AuthorityError),
    #[error("`--ca-file {}` cannot be written: {source}", file.display())]
    CaFile { file: PathBuf, source: io::Error },
    #[error(transparent)]
    ClientCa(#[from] ClientCaError),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}
