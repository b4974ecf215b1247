//! A managed route has no canary or no stable destination.
//!
//! ## What
//! A route whose weights the controller writes has no destination with the canary (stable) subset of the Rollout's
//! `destinationRule`. Without a `destinationRule`, the route has no destination whose host begins with the name of
//! the canary (stable) Service. A route that only redirects or delegates has no destination at all. For tls and tcp
//! routes that the Rollout does not list, see `unlisted-l4-route`.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops: no weight changes and no abort takes effect
//! (`validateVirtualServiceRouteDestinations`).
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
//! Give every managed route both destinations. The weight of the canary can be 0.

use std::collections::BTreeSet;

use super::parts::role_destinations::{MissingDestination, missing_destinations};
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
            // Unlisted tls and tcp routes are RG206's.
            let is_checked = |list: List| list == List::Http || list.is_listed(reference);
            for route in routes.filter(|route| is_checked(route.list)) {
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
    for missing in missing_destinations(flow, route.destinations) {
        let message = message!("{} needs ", flow.key())
            .join(missing.message())
            .text(format!(
                " in route {} of {}, which has no such destination",
                route.label(),
                linked.link.key
            ));
        let role = missing.role.as_str();
        let route_identity = route_identity(linked.service, route);
        found
            .error(flow.key(), missing.field.clone(), message)
            .subject(format!("{} {route_identity} {role}", linked.link.key))
            .help(help(flow, route, &missing))
            .cause(Cause::NotFound)
            .awaits(&linked.link.key)
            .with(&linked.link.key, route.path().field("route"));
    }
}

fn help(flow: &Flow<'_>, route: &ManagedRoute<'_>, missing: &MissingDestination<'_>) -> String {
    if route.destinations.is_empty() {
        return "the controller can manage only a route with destinations: list another one in \
                `routes`, or give it a canary and a stable destination"
            .to_owned();
    }
    let roles = flow.roles();
    let without_role = route
        .destinations
        .iter()
        .filter_map(|to| to.destination.as_ref())
        .filter(|to| roles.as_ref().is_some_and(|roles| roles.role(to).is_none()));
    let names = without_role.flat_map(|to| [to.subset.as_str(), to.service_name()]);
    format!(
        "{}add the {} destination (its weight may be 0), or correct the name; to move to other \
         destinations, add them with weight 0 before the old ones, then move the Rollout's reference",
        did_you_mean(missing.name, names),
        missing.role.as_str(),
    )
}
