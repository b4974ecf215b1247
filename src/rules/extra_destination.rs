//! A managed route has a weighted destination that the controller deletes.
//!
//! ## What
//! A destination of a managed route has a weight other than 0 and no role: it is neither canary nor stable, belongs
//! to no running experiment, and its subset is not in `additionalSubsetNames`. Up to controller 1.10 it is an error if
//! a later canary or stable destination has a weight or is about to get one, or if two such destinations come before
//! one of these; otherwise it is a warning.
//!
//! ## Why
//! At its next write the controller deletes the destination and gives its weight to the stable destination. Up to
//! 1.10 it counts the positions before it deletes: what it writes to a later destination goes to the one after that,
//! or is added at the end as another destination (`patchVirtualService`).
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
//! Move the destination to a route that the Rollout does not list, or set its weight to 0. With a `destinationRule`,
//! you can instead add its subset to `additionalSubsetNames`.

use std::collections::BTreeSet;

use super::parts::names::destination;
use super::parts::role_destinations::has_both_roles;
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
            // The controller does not write to a VirtualService that it rejects.
            if new && has_both_roles(&roles, route.destinations) {
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
    let identity = route_identity(linked.service, route);
    let kept = Kept::of(flow);
    let shifting = Shifting::of(flow, roles, route.destinations);
    for (index, (place, entry)) in route.entries().enumerate() {
        let Some(to) = deleted(roles, entry) else {
            continue;
        };
        let deletion = Deletion {
            linked,
            place,
            shifts_weights: shifting.shifts_weights(index),
            was_kept: kept.was_kept(to),
            name: destination(to),
            route: &identity,
        };
        if seen.insert(deletion.name.clone()) {
            deletion.report(flow, roles, found);
        }
    }
}

/// A destination that the controller deletes.
struct Deletion<'a> {
    linked: &'a LinkedVirtualService<'a>,
    place: Path,
    /// Whether the controller then writes the weight of another destination to the wrong one.
    shifts_weights: bool,
    was_kept: bool,
    name: String,
    route: &'a str,
}

impl Deletion<'_> {
    fn report(self, flow: &Flow<'_>, roles: &Roles<'_>, found: &mut Findings<'_>) {
        let path = self.linked.link.path().field("name");
        let key = &self.linked.link.key;
        let message = message!("{}", flow.key())
            .with_field(&path)
            .text(format!(" deletes destination {}", self.name))
            .in_field(&self.place)
            .text(format!(" of {key}"));
        let finding = if self.shifts_weights {
            found.error(flow.key(), path, message.text(WRONG_WEIGHTS))
        } else {
            found.warning(flow.key(), path, message)
        };
        finding
            .subject(format!("{key} {} {}", self.route, self.name))
            .help(help(flow, roles))
            .with(key, self.place);
        if self.was_kept {
            finding.awaits(key);
        }
    }
}

/// The destination of the entry if the controller deletes it. It keeps one whose weight is 0.
fn deleted<'a>(roles: &Roles<'_>, entry: &'a RouteDestination) -> Option<&'a Destination> {
    let to = entry.destination.as_ref()?;
    // The controller ignores a host that begins with a dot.
    let has_name = !to.service_name().is_empty();
    (weight(entry) != 0 && has_name && roles.role(to).is_none()).then_some(to)
}

/// Whether the write takes the subset of a destination out of `additionalSubsetNames`, so that the VirtualService may
/// follow.
struct Kept<'a> {
    /// The roles before the write.
    before: Option<Roles<'a>>,
    is_written: bool,
}

impl<'a> Kept<'a> {
    fn of(flow: &Flow<'a>) -> Self {
        let before = flow.view.before().rollout(flow.key());
        Self {
            before: before.and_then(|rollout| Roles::of(rollout.body, flow.argo())),
            is_written: flow.view.is_written(),
        }
    }

    /// Without a write nobody can tell.
    fn was_kept(&self, to: &Destination) -> bool {
        let role = self.before.as_ref().and_then(|roles| roles.role(to));
        role == Some(Role::Additional) || !self.is_written
    }
}

/// Which deletions make the controller write a canary or stable weight to the wrong destination: it counts the
/// positions before it deletes.
#[derive(Default)]
struct Shifting {
    /// The last destination whose weight it writes. It writes a weight only if it changes.
    last_written: Option<usize>,
    /// The last deleted destination that a canary or stable one follows.
    last_deleted: Option<usize>,
}

impl Shifting {
    fn of(flow: &Flow<'_>, roles: &Roles<'_>, destinations: &[RouteDestination]) -> Self {
        if !flow.argo().misplaces_weights_after_a_deletion() {
            return Self::default();
        }
        let canary_weight = flow.rollout.status.canary_weight();
        let (mut shifting, mut deleted_so_far) = (Self::default(), None);
        for (index, entry) in destinations.iter().enumerate() {
            let role = entry.destination.as_ref().and_then(|to| roles.role(to));
            let is_written = match role {
                Some(Role::Canary) => weight(entry) != 0 || canary_weight != 0,
                Some(Role::Stable) => weight(entry) != 0 || canary_weight != 100,
                Some(Role::Experiment | Role::Additional) => continue,
                None => {
                    if deleted(roles, entry).is_some() {
                        deleted_so_far = Some(index);
                    }
                    continue;
                }
            };
            if is_written {
                shifting.last_written = Some(index);
            }
            shifting.last_deleted = deleted_so_far;
        }
        shifting
    }

    /// Whether the deletion of the destination at the index does.
    fn shifts_weights(&self, index: usize) -> bool {
        let later = |other: Option<usize>| other.is_some_and(|other| other > index);
        later(self.last_written) || later(self.last_deleted)
    }
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

const WRONG_WEIGHTS: &str = ", so that it writes later weights to the wrong destinations";
