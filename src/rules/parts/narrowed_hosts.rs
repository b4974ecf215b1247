//! Hosts that a write sends to by subsets alone, for RG501.

use std::collections::HashSet;

use super::unweighted::{Unweighted, unweighted};
use crate::cluster::View;
use crate::field::{Path, Segment};
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

/// Whether the destination at this path can answer a request: the proxy drops the response of a mirror, and no request
/// gets past an http route without conditions.
pub fn answers(service: &VirtualService, path: &Path) -> bool {
    let [
        _,
        Segment::Field(list),
        Segment::Index(index),
        Segment::Field(field),
        ..,
    ] = path.segments()
    else {
        return false;
    };
    let mut before = service.http().iter().take(*index);
    let is_behind_all = before.any(|route| route.matches_all && route.delegate.is_none());
    *field == "route" && (*list != "http" || !is_behind_all)
}

/// The hosts to which the VirtualService sends without a subset, or with one, by destinations that answer and that Istio
/// does not leave out.
fn hosts(service: Typed<'_, VirtualService>, view: &View<'_>, whole: bool) -> HashSet<Host> {
    let unweighted = unweighted(service, view);
    let destinations = service.body.destinations().filter(|(path, to)| {
        let weight = unweighted.get(&path.field("subset"));
        let is_left_out = matches!(weight, Some(Unweighted::Ignored));
        let is_counted = !to.host.is_empty() && !is_left_out && answers(service.body, path);
        to.subset.is_empty() == whole && is_counted
    });
    destinations
        .map(|(_, to)| view.resolve(&to.host, service.meta.namespace()))
        .collect()
}
