//! Which kinds are watched.

use std::collections::BTreeSet;

use crate::cluster::{Cluster, reference};
use crate::decide::kinds_read;
use crate::model::{Key, Kind, Watch};

/// The kinds that are watched from the start: those that decisions read, workloads aside. A kind of workload is
/// watched as soon as a `workloadRef` names one.
pub(super) fn from_start() -> impl Iterator<Item = Kind> {
    let kinds = kinds_read().into_iter();
    kinds.filter(|kind| kind.watch() != Watch::WorkloadRef)
}

/// The kinds that a `workloadRef` of these Rollouts names.
pub(super) fn workloads<'a>(
    cluster: &Cluster,
    keys: impl IntoIterator<Item = &'a Key>,
) -> BTreeSet<Kind> {
    let objects = keys.into_iter().filter_map(|key| cluster.get(key));
    let workloads = objects.filter_map(|object| reference::workload(object.rollout()?));
    workloads.map(|key| key.kind).collect()
}

/// Whether the rules read nothing but the metadata of this kind.
pub(super) fn is_metadata_only(kind: Kind) -> bool {
    kind.watch() == Watch::Metadata
}
