//! Two http routes have one name, and a Rollout lists it.
//!
//! ## What
//! A VirtualService has several http routes of a name that is in the `routes` of a Rollout's reference
//! to it.
//!
//! ## Why
//! The controller manages the first route of the name; the others keep the weights that they have, and
//! their traffic takes no part in the release (`searchHttpRoute`).
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
//! Give every route a name of its own, and list all that take part in the release.

use std::collections::BTreeSet;

use crate::cluster::{View, reference};
use crate::field::Path;
use crate::model::{Key, Typed, VirtualService};
use crate::verdict::{Cause, Findings, message};

rule!(RG207, Warning, VirtualService(check), reads = [Rollout]);

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
    let mut once = BTreeSet::new();
    let mut twice = BTreeSet::new();
    let routes = service.http().iter().enumerate();
    let again = routes.filter(|(_, route)| !once.insert(&route.name) && twice.insert(&route.name));
    again
        .map(|(index, route)| (index, route.name.as_str()))
        .collect()
}

/// The Rollouts that list the name for this VirtualService, with the path of the entry.
fn users(service: Typed<'_, VirtualService>, view: &View<'_>, name: &str) -> Vec<(Key, Path)> {
    let rollouts = view.rollouts_using(&service.meta.key).into_iter();
    let entries = rollouts.flat_map(|rollout| {
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
