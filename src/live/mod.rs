//! A live cluster: one watch for each kind that the rules read, in a cluster that reviews look into and
//! never wait for, and the way to read again what a refusal rests on.

#![allow(clippy::disallowed_methods)]

mod decode;
mod index_writer;
mod reader;
mod snapshot;
mod watch_event;
mod watcher;

pub use reader::Reader;
pub use snapshot::snapshot;

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use kube::Client;
use tokio::sync::{broadcast, mpsc};

use self::index_writer::IndexWriter;
use self::watcher::Watcher;
use crate::api::discovery::Discovery;
use crate::cluster::{Cluster, Mesh};
use crate::health::{Readiness, spawn_supervised};
use crate::metrics::Metrics;
use crate::model::{Key, Kind};

/// What every review reads, once, at its beginning.
pub type ClusterHandle = Arc<ArcSwap<Cluster>>;

/// What `serve` has of a live cluster.
#[derive(Clone)]
pub struct Live {
    pub cluster: ClusterHandle,
    pub reader: Reader,
    pub discovery: Discovery,
    pub changes: broadcast::Sender<Arc<Changed>>,
}

/// One step of the cluster, for the audit: what it was, what it is, and which objects differ.
#[derive(Debug)]
pub struct Changed {
    pub before: Arc<Cluster>,
    pub after: Arc<Cluster>,
    pub keys: BTreeSet<Key>,
}

/// Begins to watch; `readiness` hears when every watch has its first list.
pub fn start(
    client: &Client,
    mesh: Mesh,
    metrics: &Arc<Metrics>,
    readiness: &Arc<Readiness>,
) -> Live {
    let mesh = Mesh { live: true, ..mesh };
    let cluster: ClusterHandle = Arc::new(ArcSwap::from_pointee(Cluster::new(mesh)));
    let (changes, _) = broadcast::channel(CHANGES);
    let (news, heard) = mpsc::channel(NEWS);
    let discovery = Discovery::new(client.clone());
    let watcher = Watcher {
        client: client.clone(),
        discovery: discovery.clone(),
        news,
        metrics: Arc::clone(metrics),
        readiness: Arc::clone(readiness),
    };
    let writer = IndexWriter {
        cluster: Arc::clone(&cluster),
        changes: changes.clone(),
        metrics: Arc::clone(metrics),
        readiness: Arc::clone(readiness),
        watcher,
    };
    spawn_supervised("the index", readiness, writer.keep(heard));
    Live {
        cluster,
        reader: Reader::new(client.clone(), discovery.clone(), Arc::clone(metrics)),
        discovery,
        changes,
    }
}

/// The kinds that are watched from the start; workloads are once a `workloadRef` names one.
const ALWAYS: [Kind; 7] = [
    Kind::Rollout,
    Kind::VirtualService,
    Kind::DestinationRule,
    Kind::Service,
    Kind::ServiceEntry,
    Kind::Gateway,
    Kind::Namespace,
];

/// In steps that the audit may be behind before it looks at everything again.
const CHANGES: usize = 256;
/// In events that may wait to be entered.
const NEWS: usize = 1024;
