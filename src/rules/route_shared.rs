//! Two Rollouts manage the same route of a VirtualService.
//!
//! ## What
//! Another Rollout of any namespace, which is not being deleted, manages a route that this Rollout manages: an http
//! route by its name, the only or the first http route without a name, or a tls or tcp route. A Rollout that the
//! controller refuses and has never reconciled, or that cannot act on a VirtualService of another namespace, harms
//! nobody: it alone gets a warning.
//!
//! It is a warning if each of the Rollouts lists the canary and stable subsets of the other in
//! `additionalSubsetNames`.
//!
//! ## Why
//! Both Rollouts write the weights of the route, and each deletes the destinations that it does not know, which are
//! the canary and stable destinations of the other. Since controller 1.9 it keeps those whose subsets are in
//! `additionalSubsetNames`, and gives the stable destination what they leave.
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
//! Give each Rollout its own route. Several Rollouts can use the same VirtualService. Or list the subsets of the other
//! Rollout in the `additionalSubsetNames` of each.

use std::collections::{BTreeSet, HashMap};

use super::parts::route_identity::route_identity;
use crate::cluster::{Flow, LinkedVirtualService, List, ManagedRoute, reference};
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
            let identity = (linked.link.key.clone(), route);
            if !seen.contains(&identity) {
                shared.report(flow, &linked, &identity.1, found);
                seen.insert(identity);
            }
        }
    }
}

/// A route that several Rollouts manage.
struct SharedRoute<'a> {
    route: ManagedRoute<'a>,
    /// The Rollouts that delete the destinations of this one, or the other way round, with the field that names the
    /// VirtualService; not necessarily all of them.
    others: Vec<(&'a Key, Path)>,
    /// Those where each keeps the destinations of the other.
    tolerant: Vec<(&'a Key, Path)>,
}

/// The routes of the VirtualService that other Rollouts manage too.
fn shared_routes<'a>(flow: &Flow<'a>, linked: &LinkedVirtualService<'a>) -> Vec<SharedRoute<'a>> {
    let mut routes: Vec<SharedRoute<'a>> = linked
        .managed_routes()
        .into_iter()
        .map(|route| SharedRoute {
            route,
            others: Vec::new(),
            tolerant: Vec::new(),
        })
        .collect();
    let places = routes.iter().enumerate();
    let places = places.map(|(at, shared)| ((shared.route.list, shared.route.index), at));
    let places: HashMap<(List, usize), usize> = places.collect();
    for other in flow.other_owners(&linked.link.key) {
        let other_flow = Flow::of(other, flow.view);
        let tolerant = keeps_subsets_of(flow, &other_flow) && keeps_subsets_of(&other_flow, flow);
        let references = other_flow.virtual_services();
        for theirs in references.filter(|theirs| theirs.link.key == linked.link.key) {
            for managed in theirs.managed_routes() {
                let own = places.get(&(managed.list, managed.index));
                if let Some(own) = own.and_then(|at| routes.get_mut(*at)) {
                    let reference = theirs.link.path().field("name");
                    let list = if tolerant {
                        &mut own.tolerant
                    } else {
                        &mut own.others
                    };
                    list.push((&other.meta.key, reference));
                }
            }
        }
        if routes.iter().all(|route| route.others.len() > MAX_ROLLOUTS) {
            break;
        }
    }
    routes.retain(|route| !route.others.is_empty() || !route.tolerant.is_empty());
    routes
}

/// Whether the controller of `flow` keeps the canary and stable destinations of the other Rollout.
fn keeps_subsets_of(flow: &Flow<'_>, other: &Flow<'_>) -> bool {
    let [own, theirs] = [flow, other].map(|flow| reference::destination_rule(flow.rollout));
    let (Some(own), Some(theirs)) = (own, theirs) else {
        return false;
    };
    let listed = own.reference.additional_subset_names.as_deref();
    let (listed, theirs) = (listed.unwrap_or_default(), theirs.reference);
    flow.argo().keeps_additional_subsets()
        && listed.contains(&theirs.canary_subset_name)
        && listed.contains(&theirs.stable_subset_name)
}

impl SharedRoute<'_> {
    fn report(
        self,
        flow: &Flow<'_>,
        linked: &LinkedVirtualService<'_>,
        route: &str,
        found: &mut Findings<'_>,
    ) {
        let path = linked.link.path().field("name");
        let is_tolerated = self.others.is_empty();
        let (others, effect) = if is_tolerated {
            (
                self.tolerant,
                "gives its stable subset what the other leaves",
            )
        } else {
            (self.others, "writes its weights")
        };
        let names: Vec<String> = others.iter().map(|(key, _)| key.to_string()).collect();
        let message = message!(
            "{} manages route {} of {}",
            flow.key(),
            self.route.label(),
            linked.link.key
        )
        .by_field(&path)
        .text(format!(
            ", and so does {}: each {effect}",
            first_of(&names, MAX_ROLLOUTS)
        ));
        let finding = if !is_tolerated && flow.is_effective_for(&linked.link.key) {
            found.error(flow.key(), path, message).harms_others()
        } else {
            found.warning(flow.key(), path, message)
        };
        finding
            .subject(format!("{} {route}", linked.link.key))
            .help("give each Rollout a route of its own, and list its name in `routes`; to rename a Rollout, delete \
                 the old one first")
            .cause(Cause::Duplicate)
            .with(&linked.link.key, self.route.path())
            .mutual();
        for (key, path) in others.into_iter().take(MAX_ROLLOUTS) {
            finding.with(key, path);
            flow.note_owner(key, &linked.link.key);
        }
    }
}

/// How many other Rollouts a message names.
const MAX_ROLLOUTS: usize = 3;
