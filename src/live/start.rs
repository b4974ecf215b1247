//! Starts the watches of a live cluster.

use std::sync::Arc;

use arc_swap::ArcSwap;
use kube::Client;
use tokio::sync::{broadcast, mpsc};

use super::index_step::{ClusterHandle, IndexStep};
use super::index_writer::IndexWriter;
use super::reader::Reader;
use super::watcher::Watcher;
use crate::api::discovery::Discovery;
use crate::cluster::{Cluster, Mesh};
use crate::health::{Readiness, spawn_supervised};
use crate::metrics::Metrics;

/// How many steps the audit may be behind. If it is further behind, it judges all objects again.
const MAX_WAITING_STEPS: usize = 256;
/// How many watch events may wait for the index.
const MAX_WAITING_EVENTS: usize = 1024;

/// A live cluster that is watched.
pub struct Live {
    pub cluster: ClusterHandle,
    pub reader: Reader,
    pub discovery: Discovery,
    pub steps: broadcast::Sender<Arc<IndexStep>>,
}

/// Starts to watch with one client, and to read for reviews with the other. `readiness` is told when every watch has
/// its first list.
pub fn start(
    client: &Client,
    reviews: &Client,
    mesh: Mesh,
    metrics: &Arc<Metrics>,
    readiness: &Arc<Readiness>,
) -> Live {
    let mesh = Mesh { live: true, ..mesh };
    let cluster: ClusterHandle = Arc::new(ArcSwap::from_pointee(Cluster::new(mesh)));
    let (steps, _) = broadcast::channel(MAX_WAITING_STEPS);
    let (events, received) = mpsc::channel(MAX_WAITING_EVENTS);
    let discovery = Discovery::new(client.clone());
    let watcher = Watcher {
        client: client.clone(),
        discovery: discovery.clone(),
        events,
        metrics: Arc::clone(metrics),
        readiness: Arc::clone(readiness),
    };
    let writer = IndexWriter {
        cluster: Arc::clone(&cluster),
        steps: steps.clone(),
        metrics: Arc::clone(metrics),
        readiness: Arc::clone(readiness),
        watcher,
    };
    spawn_supervised("the index", readiness, writer.run(received));
    Live {
        cluster,
        reader: Reader::new(reviews.clone(), discovery.clone(), Arc::clone(metrics)),
        discovery,
        steps,
    }
}
