//! A live cluster read once, for `check --cluster`.

use std::path::Path;

use crate::api::client;
use crate::cluster::{Cluster, Mesh};
use crate::live;

/// What the rules read of the cluster that the kubeconfig names; without one, of that which `kubectl` would
/// ask.
///
/// # Errors
/// A sentence that says why it cannot be read.
pub fn read_once(kubeconfig: Option<&Path>, mesh: Mesh) -> Result<Cluster, String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        let client = client::connect_from_outside(kubeconfig).await?;
        let read = live::snapshot(&client, mesh).await;
        read.map_err(|(kind, error)| format!("{kind} objects cannot be listed: {error}"))
    })
}
