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

use std::collections::BTreeSet;

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
    for (index, name) in repeated(&service) {
        let users = users(service, view, name);
        let Some((rollout, place)) = users.first() else {
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
        for (rollout, place) in &users {
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

/// The Rollouts that list the name in a reference to this VirtualService, and where.
fn users(service: Typed<'_, VirtualService>, view: &View<'_>, name: &str) -> Vec<(Key, Path)> {
    let flows = view.flows_with_claim(&service.meta.key).into_iter();
    let entries = flows.flat_map(|flow| {
        let rollout = flow.rollout;
        let links = reference::virtual_services(rollout, view.mesh().argo_version);
        let ours = links.filter(|link| link.key == service.meta.key);
        ours.filter_map(|link| {
            let mut names = link.reference.routes.iter();
            let index = names.position(|listed| listed == name)?;
            let place = link.path.field("routes").index(index);
            Some((rollout.meta.key.clone(), place))
        })
    });
    entries.collect()
}
