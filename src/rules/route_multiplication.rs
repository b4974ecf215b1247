//! The controller duplicates http routes at each write when it orders them.
//!
//! ## What
//! The Rollout has `managedRoutes`, and the VirtualService has two http routes without a name or with the same name;
//! or `managedRoutes` lists a route twice that exists or that a step inserts. The rule reports nothing if `routes` is
//! empty and the controller rejects the VirtualService for that (`route-ambiguous`).
//!
//! ## Why
//! To order the routes as in `managedRoutes`, the controller looks up each route by its name and takes all routes
//! that have it (`getOrderedVirtualServiceRoutes`): at each write two routes of one name become four, then sixteen,
//! until the object is too large to store.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! managedRoutes: [{name: canary-header}]
//! virtualService: {name: app, routes: [primary]}
//! # VirtualService app
//! http:
//! - match: [{uri: {prefix: /admin}}]
//! - match: [{uri: {prefix: /metrics}}]
//! - name: primary
//! ```
//!
//! ## Fix
//! Give each http route its own name, and list each name once in `managedRoutes`.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{Flow, LinkedVirtualService, List};
use crate::field::Path;
use crate::model::{HttpRoute, Step};
use crate::verdict::{Cause, Findings, message};

rule!(RG208, Error, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let orders = !flow.rollout.managed_routes().is_empty();
    if !orders || !flow.argo().multiplies_unnamed_routes() {
        return;
    }
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        if is_ambiguous(flow, &linked) || !seen.insert(linked.link.key.clone()) {
            continue;
        }
        check_routes(flow, &linked, found);
        check_managed(flow, &linked, found);
    }
}

/// Whether the controller does not order the routes because it cannot choose the managed one.
fn is_ambiguous(flow: &Flow<'_>, linked: &LinkedVirtualService<'_>) -> bool {
    let routes = flow.user_routes(linked.service.body).count();
    !List::Http.is_listed(linked.link.first) && routes > 1
}

/// Reports several routes with the same name, or without one.
fn check_routes(flow: &Flow<'_>, linked: &LinkedVirtualService<'_>, found: &mut Findings<'_>) {
    for (name, (last, count)) in by_name(linked.service.http()) {
        if count < 2 {
            continue;
        }
        let place = Path::spec(["http"]).index(last).field("name");
        let named = match name {
            "" => "without a name".to_owned(),
            name => format!("named `{name}`"),
        };
        let path = managed_path();
        let message = message!("{} has {count} http routes {named}", linked.link.key)
            .with_field(&place)
            .text(format!(
                ", which the controller of {} multiplies at each write, because of `{path}`",
                flow.key()
            ));
        let finding = found.error(flow.key(), path, message);
        finding.harms_others = flow.is_effective_for(&linked.link.key);
        finding
            .subject(format!("{} {name}", linked.link.key))
            .help("give each http route of the VirtualService a name of its own")
            .cause(Cause::Duplicate)
            .with(&linked.link.key, place);
    }
}

/// Reports a route that `managedRoutes` lists several times.
fn check_managed(flow: &Flow<'_>, linked: &LinkedVirtualService<'_>, found: &mut Findings<'_>) {
    let existing = by_name(linked.service.http());
    let inserted = inserted(flow);
    let mut seen = BTreeSet::new();
    for (index, name) in flow.rollout.managed_routes().iter().enumerate() {
        let exists = existing.contains_key(name.as_str()) || inserted.contains(name.as_str());
        if seen.insert(name) || !exists || linked.service.http.is_none() {
            continue;
        }
        let path = managed_path().index(index).field("name");
        let message = message!("{} names managed route `{name}` again", flow.key())
            .in_field(&path)
            .text(format!(
                ", so that the controller multiplies it in {} at each write",
                linked.link.key
            ));
        let finding = found.error(flow.key(), path, message);
        finding.harms_others = flow.is_effective_for(&linked.link.key);
        finding
            .subject(format!("{} managed {name}", linked.link.key))
            .help("name each route in `managedRoutes` once")
            .cause(Cause::Duplicate)
            .with(&linked.link.key, Path::spec(["http"]));
    }
}

/// For each name, the index of its last route and the number of its routes.
fn by_name(routes: &[HttpRoute]) -> BTreeMap<&str, (usize, usize)> {
    let mut names = BTreeMap::new();
    for (index, route) in routes.iter().enumerate() {
        let entry = names.entry(route.name.as_str()).or_insert((index, 0));
        *entry = (index, entry.1 + 1);
    }
    names
}

/// The routes that steps insert.
fn inserted<'a>(flow: &Flow<'a>) -> BTreeSet<&'a str> {
    let steps = flow.canary().into_iter().flat_map(|canary| &canary.steps);
    let routes = steps.flat_map(Step::route_step);
    let kept = routes.filter(|(_, route)| !route.removes());
    kept.map(|(_, route)| route.name.as_str()).collect()
}

fn managed_path() -> Path {
    Path::spec(["strategy", "canary", "trafficRouting", "managedRoutes"])
}
