//! Two http routes have the same name, and a Rollout lists it.
//!
//! ## What
//! A VirtualService has several http routes with a name that is in `routes` of a Rollout's reference to it.
//!
//! ## Why
//! The controller manages only the first route with the name (`searchHttpRoute`). The other routes keep their
//! weights, so their traffic does not take part in the release.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! virtualService: {name: app, routes: [primary]}
//! # VirtualService app
//! http:
//! - name: primary
//!   match: [{uri: {prefix: /api}}]
//! - name: primary
//! ```
//!
//! ## Fix
//! Give each route its own name, and list all routes that take part in the release.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{View, reference};
use crate::field::Path;
use crate::model::{Key, Typed, VirtualService};
use crate::verdict::{Cause, Findings, message};

rule!(
    RG207,
    Warning,
    VirtualService(check),
    reads = [Rollout, Service]
);

fn check(service: Typed<'_, VirtualService>, view: &View<'_>, found: &mut Findings<'_>) {
    let repeated = repeated(&service);
    let names = repeated.iter().map(|(_, name)| *name).collect();
    let users = users(service, view, &names);
    for (index, name) in repeated {
        let Some(users @ [(rollout, place), ..]) = users.get(name).map(Vec::as_slice) else {
            continue;
        };
        let path = Path::spec(["http"]).index(index).field("name");
        let message = message!(
            "{} has several http routes named `{name}`, of which {rollout}",
            service.meta.key
        )
        .with_field(place)
        .text(" manages only the first");
        let finding = found.warning(&service.meta.key, path, message);
        finding
            .subject(name)
            .cause(Cause::Duplicate)
            .help("give each route a name of its own, and list those of the release in `routes`");
        for (rollout, place) in users {
            finding.with(rollout, place.clone());
        }
    }
}

/// The names that more than one route has, each with the index of its second route.
fn repeated(service: &VirtualService) -> Vec<(usize, &str)> {
    let (mut seen, mut seen_twice) = (BTreeSet::new(), BTreeSet::new());
    let names = service.http().iter().map(|route| route.name.as_str());
    let indexed = names.enumerate();
    let repeated = indexed.filter(|(_, name)| !seen.insert(*name) && seen_twice.insert(*name));
    repeated.collect()
}

/// The Rollouts that list one of the names in a reference to this VirtualService, and where, by name.
fn users<'a>(
    service: Typed<'_, VirtualService>,
    view: &View<'a>,
    names: &BTreeSet<&str>,
) -> BTreeMap<&'a str, Vec<(Key, Path)>> {
    let mut users: BTreeMap<&str, Vec<(Key, Path)>> = BTreeMap::new();
    if names.is_empty() {
        return users;
    }
    for flow in view.flows_with_claim(&service.meta.key) {
        let rollout = flow.rollout;
        let links = reference::virtual_services(rollout, view.mesh().argo_version);
        for link in links.filter(|link| link.key == service.meta.key) {
            let mut seen = BTreeSet::new();
            for (index, name) in link.reference.routes.iter().enumerate() {
                if names.contains(name.as_str()) && seen.insert(name) {
                    let place = link.path().field("routes").index(index);
                    let of_name = users.entry(name).or_default();
                    of_name.push((rollout.meta.key.clone(), place));
                }
            }
        }
    }
    users
}
