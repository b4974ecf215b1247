//! The index of `serve --manifests`: read from files, and read again when they change.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::error::Error;
use super::options::Options;
use crate::cluster::{Cluster, Mesh};
use crate::files;
use crate::files::manifests::Manifests;
use crate::files::watch::FileWatch;
use crate::live::ClusterHandle;
use crate::metrics::Metrics;

/// Reads the manifests, and again whenever they change. If they cannot be read, the last good index stays in use.
pub(super) fn watch(
    options: &Options,
    mesh: &Mesh,
    metrics: &Arc<Metrics>,
) -> Result<ClusterHandle, Error> {
    let source = Source {
        paths: options.manifests.clone(),
        namespace: options.settings.namespace().to_owned(),
        mesh: mesh.clone(),
    };
    let paths = source.paths.clone();
    let watch = FileWatch::new(move || files::files(&paths));
    let cluster = source.read()?;
    metrics.count_objects(&cluster);
    if cluster.is_empty() {
        tracing::warn!("the manifests hold no object of a kind that rules read");
    }
    let handle: ClusterHandle = Arc::new(ArcSwap::from_pointee(cluster));
    let (index, metrics) = (Arc::clone(&handle), Arc::clone(metrics));
    watch.spawn(move || source.read_again(&index, &metrics));
    Ok(handle)
}

struct Source {
    paths: Vec<PathBuf>,
    namespace: String,
    mesh: Mesh,
}

impl Source {
    fn read(&self) -> Result<Cluster, files::Error> {
        let manifests = Manifests::read(&self.paths, &self.namespace)?;
        for note in &manifests.notes {
            tracing::warn!("{note}");
        }
        Ok(manifests.cluster(self.mesh.clone()))
    }

    fn read_again(&self, handle: &ClusterHandle, metrics: &Metrics) {
        match self.read() {
            Ok(cluster) => {
                metrics.count_objects(&cluster);
                tracing::info!(objects = cluster.len(), "the manifests changed");
                handle.store(Arc::new(cluster));
            }
            Err(error) => {
                metrics.manifests_failed();
                tracing::warn!(
                    error = error.to_string(),
                    "the changed manifests cannot be read: the last good ones stay in use"
                );
            }
        }
    }
}
