//! A live cluster for a command: lists it once, or watches it, and reads whole objects.

use std::path::Path;
use std::sync::Arc;

use kube::Client;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::index_step::ClusterHandle;
use super::read_once::ReadError;
use super::reader::Reader;
use super::snapshot::snapshot;
use super::start::start;
use crate::api::client::connect_from_outside;
use crate::api::discovery::Discovery;
use crate::cluster::{Cluster, Mesh};
use crate::health::Readiness;
use crate::metrics::Metrics;
use crate::model::Key;

/// A connection to a cluster, with the threads that it needs.
pub struct Viewer {
    runtime: Runtime,
    client: Client,
    reader: Reader,
    metrics: Arc<Metrics>,
}

impl Viewer {
    /// Connects to the cluster that the kubeconfig names. Without a kubeconfig, to the one that `kubectl` would use.
    pub fn connect(kubeconfig: Option<&Path>) -> Result<Self, ReadError> {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(ReadError::Runtime)?;
        let client = runtime.block_on(connect_from_outside(kubeconfig))?;
        let metrics = Arc::new(Metrics::default());
        let discovery = Discovery::new(client.clone());
        let reader = Reader::new(client.clone(), discovery, Arc::clone(&metrics));
        Ok(Self {
            runtime,
            client,
            reader,
            metrics,
        })
    }

    /// The namespace of the kubeconfig's context.
    pub fn namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// The objects that rules read.
    pub fn list(&self, mesh: Mesh) -> Result<Cluster, ReadError> {
        let read = self.runtime.block_on(snapshot(&self.client, mesh));
        read.map_err(|(kind, source)| ReadError::List { kind, source })
    }

    /// The same, kept current. Returns when all is read.
    pub fn watch(&self, mesh: Mesh) -> ClusterHandle {
        let readiness = Arc::new(Readiness::default());
        self.runtime.block_on(async {
            let live = start(&self.client, &self.client, mesh, &self.metrics, &readiness);
            readiness.until_cluster_is_read().await;
            live.cluster
        })
    }

    /// Those of the objects that exist, with all their fields.
    pub fn whole(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Value>, kube::Error> {
        self.runtime.block_on(self.reader.whole(keys))
    }
}
