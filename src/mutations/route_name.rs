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
//! There are several http routes, the Rollout lists several names or none, two Rollouts list different
//! names, or the route lacks one of the destinations.

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
    let mut names: Vec<(&str, &Key)> = written
        .flows()
        .flat_map(|flow| names(flow, route, written.key()))
        .collect();
    names.dedup_by_key(|(name, _)| *name);
    if let [(name, owner)] = names.as_slice() {
        let path = Path::spec(["http"]).index(0).field("name");
        if patch.set(&path, Value::from(*name)) {
            patch.note(format!("named the http route `{name}`: {owner} lists it"));
        }
    }
}

/// The single names that the flow lists for this VirtualService.
fn names<'a>(flow: Flow<'a>, route: &HttpRoute, key: &Key) -> Vec<(&'a str, &'a Key)> {
    let linked = flow.virtual_services();
    let linked = linked.filter(|linked| linked.link.key == *key && has_roles(&flow, route));
    linked
        .filter_map(|linked: LinkedVirtualService<'a>| {
            match linked.link.reference.routes.as_slice() {
                [name] if !name.is_empty() => Some((name.as_str(), flow.key())),
                _ => None,
            }
        })
        .collect()
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
