//! Hosts that a write sends to by subsets alone, for RG501.

use std::collections::HashSet;

use crate::cluster::View;
use crate::model::{Host, Typed, VirtualService};

/// The hosts to which the VirtualService sent without a subset before the write, and no longer does.
pub fn narrowed_hosts(service: Typed<'_, VirtualService>, view: &View<'_>) -> HashSet<Host> {
    // Where istiod reads the rules of another cluster, nobody knows them.
    if !view.is_written() || view.mesh().remote_istio {
        return HashSet::new();
    }
    let old = view.before().virtual_service(&service.meta.key);
    let mut hosts = old.map(|old| whole_hosts(old, view)).unwrap_or_default();
    if !hosts.is_empty() {
        let kept = whole_hosts(service, view);
        hosts.retain(|host| !kept.contains(host));
    }
    hosts
}

/// The hosts to which the VirtualService sends without a subset.
fn whole_hosts(service: Typed<'_, VirtualService>, view: &View<'_>) -> HashSet<Host> {
    let destinations = service.body.destinations().map(|(_, to)| to);
    let whole = destinations.filter(|to| to.subset.is_empty() && !to.host.is_empty());
    whole
        .map(|to| view.resolve(&to.host, service.meta.namespace()))
        .collect()
}
