//! Names the only http route of a VirtualService as the Rollout lists it.
//!
//! ## What
//! If a VirtualService has one http route, which has no name, the flow's canary and stable destinations and no
//! others, the route gets the one name in the Rollout's `routes`.
//!
//! ## Why
//! A route that was written without Argo Rollouts has no name. Until it has one, the controller sets the Rollout to
//! `Degraded: InvalidSpec`.
//!
//! ## Not when
//! The mutation changes nothing if there are several http routes, the Rollout lists several names or none, two
//! Rollouts name the VirtualService, the route does not have both destinations or has one that the controller would
//! delete, its hosts are not those of the DestinationRule, or a subset is behind a Service that a Rollout names. In
//! these cases a name would replace a route that is not found (RG202) by a route that is wrong (RG204, RG205, RG305,
//! RG306).

use serde_json::Value;

use super::input::Input;
use super::patch::Patch;
use crate::cluster::{Flow, LinkedVirtualService, View};
use crate::field::Path;
use crate::model::{Destination, Host, HttpRoute, Key, Kind, Object};

mutation!(VirtualService(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    let Some(service) = input.write.new.as_ref().and_then(Object::virtual_service) else {
        return;
    };
    let [route] = service.http() else { return };
    if !route.name.is_empty() {
        return;
    }
    let names: Vec<Option<(&str, &Key)>> = input
        .flows()
        .flat_map(|flow| names(flow, route, input.key()))
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
    let fits = fits(&flow, route, &key.namespace);
    let linked = flow.virtual_services();
    let linked = linked.filter(|linked| linked.link.key == *key);
    let single = |linked: LinkedVirtualService<'a>| match linked.link.reference.routes.as_slice() {
        [name] if !name.is_empty() && fits => Some((name.as_str(), flow.key())),
        _ => None,
    };
    linked.map(single).collect()
}

/// Whether the route is the flow's and nobody else's, so that a name makes it right.
fn fits(flow: &Flow<'_>, route: &HttpRoute, namespace: &str) -> bool {
    let Some(roles) = flow.roles() else {
        return false;
    };
    let weighted = route.route.as_deref().unwrap_or_default().iter();
    let destinations = || weighted.clone().filter_map(|one| one.destination.as_ref());
    let governed = flow
        .destination_rule()
        .map(|linked| linked.host(&flow.view));
    let strange = |to: &Destination| {
        let host = flow.view.resolve(&to.host, namespace);
        let governed = governed.as_ref().filter(|_| !to.subset.is_empty());
        // A subset behind a Service that a Rollout narrows to one revision is no error before the route is managed.
        let narrowed = !to.subset.is_empty() && is_named_by_rollout(&flow.view, &host);
        roles.role(to).is_none() || narrowed || governed.is_some_and(|rule| !rule.covers(&host))
    };
    destinations().any(|to| roles.proves_canary(to))
        && destinations().any(|to| roles.proves_stable(to))
        && !destinations().any(strange)
}

/// Whether the host is that of a Service that a Rollout names.
fn is_named_by_rollout(view: &View<'_>, host: &Host) -> bool {
    let service = host.service(&view.mesh().domain);
    let key = service.map(|(namespace, name)| Key::new(Kind::Service, namespace, name));
    key.is_some_and(|key| !view.rollouts_using(&key).is_empty())
}
