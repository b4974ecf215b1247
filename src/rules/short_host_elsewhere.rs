//! A managed destination has a short host, and the VirtualService is in another namespace.
//!
//! ## What
//! A Rollout with a `destinationRule` manages a route of a VirtualService in another namespace, and the host of a
//! canary or stable destination has no dot. For a Rollout without a `destinationRule`, see `foreign-role-host`.
//!
//! ## Why
//! Istio completes a short host with the namespace of the VirtualService. The Rollout's Service, pods and
//! DestinationRule are in another namespace, so the traffic goes to a host that does not have the subsets.
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
//! Write the full host, such as `app.prod.svc.cluster.local`.

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
                if is_short(flow, &roles, &linked, to)
                    && seen.insert((linked.link.key.clone(), to.host.clone()))
                {
                    report(flow, &linked, &place, to, found);
                }
            }
        }
    }
}

/// Whether it is a canary or stable destination whose host Istio completes.
fn is_short(
    flow: &Flow<'_>,
    roles: &Roles<'_>,
    linked: &LinkedVirtualService<'_>,
    to: &Destination,
) -> bool {
    let is_managed = matches!(roles.role(to), Some(Role::Canary | Role::Stable));
    is_managed && linked.host(to, &flow.view).as_str() != to.host
}

fn report(
    flow: &Flow<'_>,
    linked: &LinkedVirtualService<'_>,
    place: &Path,
    to: &Destination,
    found: &mut Findings<'_>,
) {
    let path = linked.link.path().field("name");
    let place = place.fields(["destination", "host"]);
    let message = message!(
        "{} sends to `{}` by short host `{}`",
        linked.link.key,
        linked.host(to, &flow.view),
        to.host
    )
    .in_field(&place)
    .text(format!(", outside the namespace of {}", flow.key()));
    let full_host = flow.view.resolve(&to.host, &flow.key().namespace);
    found
        .warning(flow.key(), path, message)
        .subject(format!("{} {}", linked.link.key, to.host))
        .help(format!("write the full host, such as `{full_host}`"))
        .with(&linked.link.key, place);
}
