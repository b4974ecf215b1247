//! The index that reviews read, and the steps in which it changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::cluster::Cluster;
use crate::model::Key;

/// The newest cluster. A review loads it once, when it begins.
pub type ClusterHandle = Arc<ArcSwap<Cluster>>;

/// One change of the index, for the audit.
#[derive(Debug)]
pub struct IndexStep {
    pub before: Arc<Cluster>,
    pub after: Arc<Cluster>,
    /// The objects that differ.
    pub keys: BTreeSet<Key>,
}
