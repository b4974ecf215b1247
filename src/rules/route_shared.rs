//! Two Rollouts manage the same route of a VirtualService.
//!
//! ## What
//! Another Rollout of any namespace, which is not being deleted, manages a route that this Rollout manages: an http
//! route by its name, the only or the first http route without a name, or a tls or tcp route. A Rollout that the
//! controller refuses and has never reconciled, or that cannot act on a VirtualService of another namespace, harms
//! nobody: it alone gets a warning.
//!
//! ## Why
//! Both Rollouts write the weights of the route, and each deletes the destinations that it does not know, which are
//! the canary and stable destinations of the other.
//!
//! ## Example
//! ```yaml
//! # Rollout app
//! virtualService: {name: app, routes: [primary]}
//! # Rollout app-next
//! virtualService: {name: app, routes: [primary]}
//! ```
//!
//! ## Fix
//! Give each Rollout its own route. Several Rollouts can use the same VirtualService.

use std::collections::BTreeSet;

use super::parts::route_identity::route_identity;
use crate::cluster::{Flow, LinkedVirtualService, ManagedRoute};
use crate::field::Path;
use crate::model::Key;
use crate::text::first_of;
use crate::verdict::{Cause, Findings, message};

rule!(
    RG602,
    Both,
    Rollout(check),
    reads = [VirtualService, Service]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        for shared in shared_routes(flow, &linked) {
            let route = route_identity(linked.service, &shared.route);
            if seen.insert((linked.link.key.clone(), route.clone())) {
                shared.report(flow, &linked, &route, found);
            }
        }
    }
}

/// A route that several Rollouts manage.
struct SharedRoute<'a> {
    route: ManagedRoute<'a>,
    /// The other Rollouts, with the field that names the VirtualService; not necessarily all of them.
    others: Vec<(&'a Key, Path)>,
}

/// The routes of the VirtualService that other Rollouts manage too.
fn shared_routes<'a>(flow: &Flow<'a>, linked: &LinkedVirtualService<'a>) -> Vec<SharedRoute<'a>> {
    let mut routes: Vec<SharedRoute<'a>> = linked
        .managed_routes()
        .into_iter()
        .map(|route| SharedRoute {
            route,
            others: Vec::new(),
        })
        .collect();
    for other in flow.other_owners(&linked.link.key) {
        let other_flow = Flow::of(other, flow.view);
        let references = other_flow.virtual_services();
        for theirs in references.filter(|theirs| theirs.link.key == linked.link.key) {
            for managed in theirs.managed_routes() {
                let place = (managed.list, managed.index);
                let mut own = routes.iter_mut();
                if let Some(own) = own.find(|own| (own.route.list, own.route.index) == place) {
                    let reference = theirs.link.path.field("name");
                    own.others.push((&other.meta.key, reference));
                }
            }
        }
        if routes.iter().all(|route| route.others.len() > MAX_ROLLOUTS) {
            break;
        }
    }
    routes.retain(|route| !route.others.is_empty());
    routes
}

impl SharedRoute<'_> {
    fn report(
        self,
        flow: &Flow<'_>,
        linked: &LinkedVirtualService<'_>,
        route: &str,
        found: &mut Findings<'_>,
    ) {
        let path = linked.link.path.field("name");
        let names: Vec<String> = self.others.iter().map(|(key, _)| key.to_string()).collect();
        let message = message!(
            "{} manages route {} of {}",
            flow.key(),
            self.route.label(),
            linked.link.key
        )
        .by_field(&path)
        .text(format!(
            ", and so does {}: each writes its weights",
            first_of(&names, MAX_ROLLOUTS)
        ));
        let finding = if flow.is_effective_for(&linked.link.key) {
            found.error(flow.key(), path, message).harms_others()
        } else {
            found.warning(flow.key(), path, message)
        };
        finding
            .subject(format!("{} {route}", linked.link.key))
            .help("give each Rollout a route of its own, and list its name in `routes`")
            .cause(Cause::Duplicate)
            .with(&linked.link.key, self.route.path())
            .mutual();
        for (key, path) in self.others.into_iter().take(MAX_ROLLOUTS) {
            finding.with(key, path);
        }
    }
}

/// How many other Rollouts a message names.
const MAX_ROLLOUTS: usize = 3;
