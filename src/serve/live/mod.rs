//! A live cluster: one watch for each kind that the rules read, in a cluster that reviews look into and
//! never wait for, and the way to read again what a refusal rests on.

mod door;
mod ledger;
mod news;
mod reader;
mod served;
mod snapshot;
mod watching;

pub(super) use reader::Reader;
pub(super) use snapshot::snapshot;

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use kube::Client;
use tokio::sync::{broadcast, mpsc};

use self::ledger::Ledger;
use self::served::Served;
use self::watching::Watching;
use super::admin::{Readiness, vital};
use super::{ClusterHandle, Metrics};
use crate::cluster::{Cluster, Mesh};
use crate::model::{Key, Kind};

/// What `serve` has of a live cluster.
#[derive(Clone)]
pub(super) struct Live {
    pub cluster: ClusterHandle,
    pub reader: Reader,
    pub changes: broadcast::Sender<Arc<Changed>>,
}

/// One step of the cluster, for the audit: what it was, what it is, and which objects differ.
#[derive(Debug)]
pub(super) struct Changed {
    pub before: Arc<Cluster>,
    pub after: Arc<Cluster>,
    pub keys: BTreeSet<Key>,
}

/// Begins to watch; `readiness` hears when every watch has its first list.
pub(super) fn start(
    client: &Client,
    mesh: Mesh,
    metrics: &Arc<Metrics>,
    readiness: &Arc<Readiness>,
) -> Live {
    let mesh = Mesh { live: true, ..mesh };
    let cluster: ClusterHandle = Arc::new(ArcSwap::from_pointee(Cluster::new(mesh)));
    let (changes, _) = broadcast::channel(CHANGES);
    let (news, heard) = mpsc::channel(NEWS);
    let served = Served::new(client.clone());
    let watching = Watching {
        client: client.clone(),
        served: served.clone(),
        news,
        metrics: Arc::clone(metrics),
        readiness: Arc::clone(readiness),
    };
    let ledger = Ledger {
        cluster: Arc::clone(&cluster),
        changes: changes.clone(),
        metrics: Arc::clone(metrics),
        readiness: Arc::clone(readiness),
        watching,
    };
    vital("the index", readiness, ledger.keep(heard));
    Live {
        cluster,
        reader: Reader::new(client.clone(), served, Arc::clone(metrics)),
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
