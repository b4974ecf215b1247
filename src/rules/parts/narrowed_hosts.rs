//! Hosts that a write sends to by subsets alone, for RG501.

use std::collections::HashSet;

use super::unweighted::{Unweighted, unweighted};
use crate::cluster::View;
use crate::model::{Host, Typed, VirtualService};

/// The hosts to which the VirtualService sent only without a subset before the write, and no longer does.
pub fn narrowed_hosts(service: Typed<'_, VirtualService>, view: &View<'_>) -> HashSet<Host> {
    // Where istiod reads the rules of another cluster, nobody knows them.
    if !view.is_written() || view.mesh().remote_istio {
        return HashSet::new();
    }
    let before = view.before();
    let Some(old) = before.virtual_service(&service.meta.key) else {
        return HashSet::new();
    };
    let mut narrowed = hosts(old, &before, true);
    if !narrowed.is_empty() {
        let (kept, known) = (hosts(service, view, true), hosts(old, &before, false));
        narrowed.retain(|host| !kept.contains(host) && !known.contains(host));
    }
    narrowed
}

/// The hosts to which the VirtualService sends without a subset, or with one, by destinations that Istio does not leave
/// out.
fn hosts(service: Typed<'_, VirtualService>, view: &View<'_>, whole: bool) -> HashSet<Host> {
    let unweighted = unweighted(service, view);
    let destinations = service.body.destinations().filter(|(path, to)| {
        let weight = unweighted.get(&path.field("subset"));
        let is_left_out = matches!(weight, Some(Unweighted::Ignored));
        to.subset.is_empty() == whole && !to.host.is_empty() && !is_left_out
    });
    destinations
        .map(|(_, to)| view.resolve(&to.host, service.meta.namespace()))
        .collect()
}
