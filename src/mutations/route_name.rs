//! Names the only http route of a VirtualService as the Rollout lists it.
//!
//! ## What
//! A VirtualService with one http route that has no name and holds the flow's canary and stable
//! destinations gets the one name in the Rollout's `routes`.
//!
//! ## Why
//! Coming from plain Istio, the route has no name, and the controller refuses the Rollout
//! (`Degraded: InvalidSpec`) until it has.
//!
//! ## Not when
//! There are several http routes, the Rollout lists several names or none, two Rollouts name the
//! VirtualService, or the route lacks one of the destinations.

use serde_json::Value;

use super::{Patch, Written};
use crate::cluster::{Flow, LinkedVirtualService};
use crate::field::Path;
use crate::model::{HttpRoute, Key, Object};

mutation!("route-name" on VirtualService, "route_name.rs");

fn apply(written: &Written<'_>, patch: &mut Patch) {
    let Object::VirtualService(service) = written.new else {
        return;
    };
    let [route] = service.http() else { return };
    if !route.name.is_empty() {
        return;
    }
    let names: Vec<Option<(&str, &Key)>> = written
        .flows()
        .flat_map(|flow| names(flow, route, written.key()))
        .collect();
    if let [Some((name, owner))] = names.as_slice() {
        let path = Path::spec(["http"]).index(0).field("name");
        if patch.set(&path, Value::from(*name)) {
            patch.note(format!("named the http route `{name}`: {owner} lists it"));
        }
    }
}

/// For each of the flow's references to this VirtualService the single name that it lists, if it does.
fn names<'a>(flow: Flow<'a>, route: &HttpRoute, key: &Key) -> Vec<Option<(&'a str, &'a Key)>> {
    let complete = has_roles(&flow, route);
    let linked = flow.virtual_services();
    let linked = linked.filter(|linked| linked.link.key == *key);
    let single = |linked: LinkedVirtualService<'a>| match linked.link.reference.routes.as_slice() {
        [name] if !name.is_empty() && complete => Some((name.as_str(), flow.key())),
        _ => None,
    };
    linked.map(single).collect()
}

fn has_roles(flow: &Flow<'_>, route: &HttpRoute) -> bool {
    let Some(roles) = flow.roles() else {
        return false;
    };
    let weighted = route.route.as_deref().unwrap_or_default().iter();
    let destinations = || weighted.clone().filter_map(|one| one.destination.as_ref());
    destinations().any(|to| roles.proves_canary(to))
        && destinations().any(|to| roles.proves_stable(to))
}
