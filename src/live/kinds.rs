//! Which kinds are watched.

use std::collections::BTreeSet;

use crate::cluster::{Cluster, reference};
use crate::model::{Key, Kind};

/// The kinds that are watched from the start. A kind of workload is watched as soon as a `workloadRef` names one.
pub(super) const ALWAYS: [Kind; 7] = [
    Kind::Rollout,
    Kind::VirtualService,
    Kind::DestinationRule,
    Kind::Service,
    Kind::ServiceEntry,
    Kind::Gateway,
    Kind::Namespace,
];

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
    matches!(kind, Kind::Gateway | Kind::Namespace)
}
