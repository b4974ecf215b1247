//! A managed route lacks the canary or the stable destination.
//!
//! ## What
//! A route whose weights the controller writes has no destination with the canary (stable) subset of
//! the Rollout's `destinationRule`, or, without one, no destination whose host begins with the name of
//! the canary (stable) Service. A route that only redirects or delegates has no destination at all. Tls
//! and tcp routes that the Rollout does not list are `unlisted-l4-route`'s.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops: no weight moves, no abort is
//! carried out (`validateVirtualServiceRouteDestinations`).
//!
//! ## Example
//! ```yaml
//! # Rollout
//! destinationRule: {name: app, canarySubsetName: canary, stableSubsetName: stable}
//! # VirtualService
//! http:
//! - name: primary
//!   route: [{destination: {host: app, subset: stable}}]
//! ```
//!
//! ## Fix
//! Give every managed route both destinations; a weight of 0 is enough for the canary.

use std::collections::BTreeSet;

use super::parts::role_destinations::{Lack, lacks};
use super::parts::route_identity::route_identity;
use super::parts::suggest::did_you_mean;
use crate::cluster::{Flow, LinkedVirtualService, List, ManagedRoute};
use crate::verdict::{Cause, Findings, message};

rule!(RG204, Error, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        for (_, reference) in linked.link.lists() {
            let routes = linked.routes_validated_by(reference).into_iter();
            let ours = |list: List| list == List::Http || list.is_listed(reference);
            for route in routes.filter(|route| ours(route.list)) {
                if seen.insert((linked.link.key.clone(), route.list, route.index)) {
                    check_route(flow, &linked, &route, found);
                }
            }
        }
    }
}

fn check_route(
    flow: &Flow<'_>,
    linked: &LinkedVirtualService<'_>,
    route: &ManagedRoute<'_>,
    found: &mut Findings<'_>,
) {
    for lack in lacks(flow, route.destinations) {
        let message = message!("{} needs ", flow.key())
            .join(lack.text())
            .text(format!(
                " in route {} of {}, which has no such destination",
                route.label(),
                linked.link.key
            ));
        let role = lack.role.as_str();
        let route_identity = route_identity(linked.service, route);
        found
            .error(flow.key(), lack.field.clone(), message)
            .subject(format!("{} {route_identity} {role}", linked.link.key))
            .help(help(flow, route, &lack))
            .cause(Cause::NotFound)
            .with(&linked.link.key, route.path().field("route"));
    }
}

fn help(flow: &Flow<'_>, route: &ManagedRoute<'_>, lack: &Lack<'_>) -> String {
    if route.destinations.is_empty() {
        return "the controller can manage only a route with destinations: list another one in \
                `routes`, or give it a canary and a stable destination"
            .to_owned();
    }
    let roles = flow.roles();
    let strangers = route
        .destinations
        .iter()
        .filter_map(|to| to.destination.as_ref())
        .filter(|to| roles.is_some_and(|roles| roles.role(to).is_none()));
    let names = strangers.flat_map(|to| [to.subset.as_str(), to.service_name()]);
    format!(
        "{}add the {} destination (its weight may be 0), or correct the name",
        did_you_mean(lack.name, names),
        lack.role.as_str(),
    )
}
