//! A managed route has a weighted destination that the controller deletes.
//!
//! ## What
//! A destination of a managed route has a weight other than 0 and no role: it is neither canary nor
//! stable, belongs to no running experiment and its subset is not in `additionalSubsetNames`. It is an
//! error when a canary or stable destination after it has, or is about to get, a weight, or when two of
//! them stand before one.
//!
//! ## Why
//! At its next write the controller deletes the destination and gives its share to the stable one. It
//! counts the positions before the deletion: whatever it writes to a later destination then lands on
//! the one after that, or at the end as another destination (`patchVirtualService`).
//!
//! ## Example
//! ```yaml
//! # Rollout: canarySubsetName: canary, stableSubsetName: stable
//! http:
//! - name: primary
//!   route:
//!   - {destination: {host: app, subset: legacy}, weight: 20}
//!   - {destination: {host: app, subset: stable}, weight: 80}
//!   - {destination: {host: app, subset: canary}, weight: 0}
//! ```
//!
//! ## Fix
//! Move the destination to a route that the Rollout does not list, set its weight to 0, or, with a
//! `destinationRule`, add its subset to `additionalSubsetNames`.

use std::collections::BTreeSet;

use super::parts::names::destination;
use super::parts::role_destinations::is_complete;
use super::parts::route_identity::route_identity;
use crate::cluster::{Flow, LinkedVirtualService, ManagedRoute, Role, Roles};
use crate::field::Path;
use crate::model::{Destination, RouteDestination};
use crate::verdict::{Findings, message};

rule!(RG205, Both, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(roles) = flow.roles() else {
        return;
    };
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        for route in linked.managed_routes() {
            let new = seen.insert((linked.link.key.clone(), route.list, route.index));
            // The controller writes nothing to a VirtualService that it refuses.
            if new && is_complete(&roles, route.destinations) {
                check_route(flow, &roles, &linked, &route, found);
            }
        }
    }
}

fn check_route(
    flow: &Flow<'_>,
    roles: &Roles<'_>,
    linked: &LinkedVirtualService<'_>,
    route: &ManagedRoute<'_>,
    found: &mut Findings<'_>,
) {
    let mut seen = BTreeSet::new();
    for (index, (place, entry)) in route.entries().enumerate() {
        let Some(to) = extra(roles, entry) else {
            continue;
        };
        let extra = Extra {
            linked,
            place,
            shifts: shifts(flow, roles, route.destinations, index),
            name: destination(to),
            route: route_identity(linked.service, route),
        };
        if seen.insert(extra.name.clone()) {
            extra.report(flow, roles, found);
        }
    }
}

/// A destination that the controller deletes.
struct Extra<'a> {
    linked: &'a LinkedVirtualService<'a>,
    place: Path,
    shifts: bool,
    name: String,
    route: String,
}

impl Extra<'_> {
    fn report(self, flow: &Flow<'_>, roles: &Roles<'_>, found: &mut Findings<'_>) {
        let path = self.linked.link.path.field("name");
        let key = &self.linked.link.key;
        let message = message!("{}", flow.key())
            .with_field(&path)
            .text(format!(" deletes destination {}", self.name))
            .in_field(&self.place)
            .text(format!(
                " of {key}{}",
                if self.shifts { SHIFTED } else { "" }
            ));
        let finding = if self.shifts {
            found.error(flow.key(), path, message)
        } else {
            found.warning(flow.key(), path, message)
        };
        finding
            .subject(format!("{key} {} {}", self.route, self.name))
            .help(help(flow, roles))
            .with(key, self.place);
    }
}

/// The destination of an entry that the controller deletes. One without a weight stays.
fn extra<'a>(roles: &Roles<'_>, entry: &'a RouteDestination) -> Option<&'a Destination> {
    let to = entry.destination.as_ref()?;
    let weighted = weight(entry) != 0;
    // The controller passes over a host that begins with a dot.
    let extra = weighted && !to.service_name().is_empty() && roles.role(to).is_none();
    extra.then_some(to)
}

/// Whether deleting the destination at `index` moves what is written to the canary or stable one.
fn shifts(
    flow: &Flow<'_>,
    roles: &Roles<'_>,
    destinations: &[RouteDestination],
    index: usize,
) -> bool {
    let canary_weight = flow.rollout.status.canary_weight();
    let mut deleted = 1;
    for entry in destinations.iter().skip(index + 1) {
        let role = entry.destination.as_ref().and_then(|to| roles.role(to));
        // A write is made only where the weight is not yet what the controller wants.
        let written = match role {
            Some(Role::Canary) => weight(entry) != 0 || canary_weight != 0,
            Some(Role::Stable) => weight(entry) != 0 || canary_weight != 100,
            Some(Role::Experiment | Role::Additional) => continue,
            None => {
                deleted += usize::from(extra(roles, entry).is_some());
                continue;
            }
        };
        if written || deleted > 1 {
            return true;
        }
    }
    false
}

fn weight(entry: &RouteDestination) -> i64 {
    entry.weight.unwrap_or_default()
}

fn help(flow: &Flow<'_>, roles: &Roles<'_>) -> &'static str {
    if roles.rule.is_some() && flow.argo().keeps_additional_subsets() {
        "add its subset to `additionalSubsetNames`, or move it to a route that the Rollout does not \
         list"
    } else {
        "move it to a route that the Rollout does not list"
    }
}

const SHIFTED: &str = ", so that it writes later weights to the wrong destinations";
