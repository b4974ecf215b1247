//! A canary or stable subset is behind a Service whose selector the controller narrows to one revision.
//!
//! ## What
//! A canary or stable destination names a subset, and its host resolves to one of the six Services that a Rollout
//! names. The rule does not report the stable subset behind the Rollout's own stable Service, and the canary subset
//! behind its canary Service: both select the same pods. A Rollout that the controller refuses narrows nothing.
//!
//! ## Why
//! The controller writes a hash into the selector of each Service that a Rollout names
//! (`reconcileStableAndCanaryService`, `reconcileActiveService`). The Service then has the endpoints of one revision
//! only. The subset of the other revision selects none of them, and its share of the traffic gets 503.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! stableService: app
//! trafficRouting:
//!   istio:
//!     virtualService: {name: app}
//!     destinationRule: {name: app, canarySubsetName: canary, stableSubsetName: stable}
//! # VirtualService
//! - destination: {host: app, subset: canary}   # Service app selects the stable pods only
//! ```
//!
//! ## Fix
//! Remove `stableService` and `canaryService` from the Rollout, because subsets already separate its versions. Or send
//! to a Service that no Rollout names.

use std::collections::BTreeSet;

use crate::cluster::{Flow, Role, RoutedDestination, ServiceRole, reference};
use crate::field::Path;
use crate::model::Key;
use crate::verdict::{Findings, message};

rule!(RG306, Error, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(roles) = flow.roles() else {
        return;
    };
    let mut seen = BTreeSet::new();
    for routed in flow.routed().iter().filter(|routed| routed.by_subset) {
        // The controller takes any destination at the canary Service for a canary: only the subset tells the role.
        let role = if roles.proves_canary(routed.destination) {
            Role::Canary
        } else {
            Role::Stable
        };
        let Some(service) = routed.service(&flow.view) else {
            continue;
        };
        if !seen.insert((service.clone(), role)) {
            continue;
        }
        if let Some((owner, path)) = narrowed_by(flow, &service, role) {
            report(flow, routed, (&service, role), (&owner, path), found);
        }
    }
}

/// The Rollout that narrows the Service to other pods than those of the role, and its field that names the Service.
fn narrowed_by(flow: &Flow<'_>, service: &Key, role: Role) -> Option<(Key, Path)> {
    let others = flow.other_owners(service);
    let owners = std::iter::once(flow.rollout).chain(others);
    let mut fields = owners.flat_map(|owner| {
        let links = reference::services(owner).filter(|link| link.key == *service);
        links.map(move |link| (owner.meta.key.clone(), link))
    });
    let narrows = fields.find(|(owner, link)| {
        let same = match role {
            Role::Canary => link.role == ServiceRole::Canary,
            _ => link.role == ServiceRole::Stable,
        };
        owner != flow.key() || !same
    });
    narrows.map(|(owner, link)| {
        flow.note_owner(&owner, service);
        (owner, link.path())
    })
}

fn report(
    flow: &Flow<'_>,
    routed: &RoutedDestination<'_>,
    (service, role): (&Key, Role),
    (owner, field): (&Key, Path),
    found: &mut Findings<'_>,
) {
    let role = role.as_str();
    let place = routed.path.field("host");
    let message = message!(
        "{} sends {role} traffic of {} to subset `{}` of {service}",
        routed.virtual_service,
        flow.key(),
        routed.destination.subset
    )
    .with_field(&place)
    .text(format!(
        ", whose selector gets the hash of one revision, because {owner} names it"
    ))
    .in_field(&field);
    let finding = found.error(flow.key(), routed.reference.field("name"), message);
    finding
        .subject(format!("{service} {role} {owner}"))
        .help(format!(
            "remove `{field}`, because subsets already separate the versions; or send to a Service that no Rollout \
             names"
        ))
        .with(routed.virtual_service, place)
        .with(owner, field);
}
