//! Reads a live cluster once, for `check --cluster`.

use std::io;
use std::path::Path;

use super::snapshot::snapshot;
use crate::api::client::{ConnectError, connect_from_outside};
use crate::cluster::{Cluster, Mesh};
use crate::model::Kind;

/// Why a live cluster cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    NoCluster(#[from] ConnectError),
    #[error("{kind} objects cannot be listed: {source}")]
    List { kind: Kind, source: kube::Error },
}

/// The objects that rules read, of the cluster that the kubeconfig names. Without a kubeconfig, of the cluster that
/// `kubectl` would use.
pub fn read_once(kubeconfig: Option<&Path>, mesh: Mesh) -> Result<Cluster, ReadError> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().map_err(ReadError::Runtime)?;
    runtime.block_on(async {
        let client = connect_from_outside(kubeconfig).await?;
        let read = snapshot(&client, mesh).await;
        read.map_err(|(kind, source)| ReadError::List { kind, source })
    })
}
