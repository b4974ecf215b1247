//! Destinations of weight 0, which Istio leaves out of a route with several.

use std::collections::BTreeMap;

use crate::cluster::{Flow, View};
use crate::field::Path;
use crate::model::{Key, Typed, VirtualService};

/// A destination of weight 0 beside others.
pub enum Unweighted {
    /// Istio leaves it out.
    Ignored,
    /// The controller of the Rollout, which names the VirtualService in this field, can give it a weight.
    Managed(Key, Box<Path>),
}

/// The destinations of weight 0 beside others, by the paths of their subsets.
pub fn unweighted(
    service: Typed<'_, VirtualService>,
    view: &View<'_>,
) -> BTreeMap<Path, Unweighted> {
    let managed = managed_routes(service, view);
    let mut all = BTreeMap::new();
    for (route, entries) in service.routes().filter(|(_, entries)| entries.len() > 1) {
        let unweighted = entries.iter().enumerate();
        let unweighted = unweighted.filter(|(_, entry)| entry.weight.unwrap_or_default() == 0);
        for (index, _) in unweighted {
            let path = route.index(index).field("destination").field("subset");
            let kind = match managed.get(&route) {
                Some((rollout, path)) => {
                    Unweighted::Managed(rollout.clone(), Box::new(path.clone()))
                }
                None => Unweighted::Ignored,
            };
            all.insert(path, kind);
        }
    }
    all
}

/// The paths of the destination lists whose weights controllers write, each with a Rollout and the field of it that
/// names the VirtualService.
fn managed_routes(
    service: Typed<'_, VirtualService>,
    view: &View<'_>,
) -> BTreeMap<Path, (Key, Path)> {
    let key = &service.meta.key;
    let mut managed = BTreeMap::new();
    for rollout in view.rollouts_using(key) {
        let flow = Flow::of(rollout, *view);
        let links = flow.virtual_services();
        for linked in links.filter(|linked| linked.link.key == *key && flow.is_effective_for(key)) {
            for route in linked.managed_routes() {
                let place = (flow.key().clone(), linked.link.path().field("name"));
                managed.insert(route.path().field("route"), place);
            }
        }
    }
    managed
}
