//! A managed destination has a short host in a VirtualService of another namespace.
//!
//! ## What
//! A Rollout with a `destinationRule` manages a route of a VirtualService in another namespace, and a
//! canary or stable destination's host has no dot. Without a `destinationRule` the same is
//! `foreign-role-host`'s.
//!
//! ## Why
//! Istio completes a short host with the namespace of the VirtualService, where the Rollout has neither
//! Service, pods nor DestinationRule; the subsets belong to the other host.
//!
//! ## Example
//! ```yaml
//! # Rollout prod/app
//! virtualService: {name: app.gateways, routes: [primary]}
//! # VirtualService gateways/app
//! destination: {host: app, subset: canary}   # app.gateways.svc.cluster.local
//! ```
//!
//! ## Fix
//! Write the full host, `app.prod.svc.cluster.local`.

use std::collections::BTreeSet;

use crate::cluster::{Flow, LinkedVirtualService, Role, Roles};
use crate::field::Path;
use crate::model::Destination;
use crate::verdict::{Findings, message};

rule!(RG209, Warning, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(roles) = flow.roles().filter(|roles| roles.rule.is_some()) else {
        return;
    };
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        if linked.link.key.namespace == flow.key().namespace {
            continue;
        }
        for route in linked.managed_routes() {
            for (place, entry) in route.entries() {
                let Some(to) = entry.destination.as_ref() else {
                    continue;
                };
                let mut new = || seen.insert((linked.link.key.clone(), to.host.clone()));
                if is_short(flow, &roles, &linked, to) && new() {
                    report(flow, &linked, &place, to, found);
                }
            }
        }
    }
}

fn is_short(
    flow: &Flow<'_>,
    roles: &Roles<'_>,
    linked: &LinkedVirtualService<'_>,
    to: &Destination,
) -> bool {
    let managed = matches!(roles.role(to), Some(Role::Canary | Role::Stable));
    managed && linked.host(to, &flow.view).as_str() != to.host
}

fn report(
    flow: &Flow<'_>,
    linked: &LinkedVirtualService<'_>,
    place: &Path,
    to: &Destination,
    found: &mut Findings<'_>,
) {
    let path = linked.link.path.field("name");
    let place = place.fields(["destination", "host"]);
    let message = message!(
        "{} sends to `{}` by short host `{}`",
        linked.link.key,
        linked.host(to, &flow.view),
        to.host
    )
    .in_field(&place)
    .text(format!(", outside the namespace of {}", flow.key()));
    let wanted = flow.view.resolve(&to.host, &flow.key().namespace);
    found
        .warning(flow.key(), path, message)
        .subject(format!("{} {}", linked.link.key, to.host))
        .help(format!("write the full host, such as `{wanted}`"))
        .with(&linked.link.key, place);
}
