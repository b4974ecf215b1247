//! A Service, subset or route has lost what the controller had written.
//!
//! ## What
//! The Rollout has a stable revision, and one of its six Services, or its canary or stable subset, has no
//! `rollouts-pod-template-hash`; or a managed route gives the canary more than `status.canary.weights` does. Only the
//! audit and `check` report it, not reviews: between two writes of the controller this can be so for a moment.
//!
//! ## Why
//! A write has removed it while rollout-guard was not running. Without the hash a Service or subset selects the pods
//! of all revisions. The controller does not watch updates of Services, and repairs nothing while pods are not ready.
//!
//! ## Example
//! ```yaml
//! # Rollout app at a canary step, canaryService: app-canary
//! # Service app-canary
//! selector: {app: app}
//! ```
//!
//! ## Fix
//! Write to the Rollout, for example an annotation: at the next reconcile the controller restores the value. While
//! pods are not ready, apply the DestinationRule or VirtualService again, and rollout-guard restores the value.
//!
//! With blue-green, do not write to the Rollout: if the active Service has no hash, the controller skips the pause
//! and promotes. Write the hash into the selectors by hand, first into the active Service's.

use super::parts::names::destination;
use crate::cluster::{Flow, LinkedVirtualService, ManagedRoute, Role, Roles, ServiceRole};
use crate::field::Path;
use crate::model::{HASH_LABEL, Key, Labels};
use crate::verdict::{Findings, message};

rule!(
    RG704,
    Warning,
    Standing(check),
    reads = [VirtualService, DestinationRule, Service]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if flow.rollout.status.stable_rs.is_empty() {
        return;
    }
    check_services(flow, found);
    check_subsets(flow, found);
    check_weights(flow, found);
}

fn check_services(flow: &Flow<'_>, found: &mut Findings<'_>) {
    for linked in flow.services() {
        let selector = linked.service.selector.as_ref();
        let role = linked.link.role;
        if let Some(hash) = flow.hash_of_service(role).filter(|_| lacks_hash(selector)) {
            let lost = LostHash {
                holder: format!("{} ({})", linked.link.key, role.field()),
                hash,
                key: &linked.link.key,
                path: Path::spec(["selector"]),
                help: help(role),
            };
            lost.report(flow, linked.link.path(), found);
        }
    }
}

fn check_subsets(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(linked) = flow.destination_rule() else {
        return;
    };
    let names = linked.link.reference;
    let (canary, stable) = (&names.canary_subset_name, &names.stable_subset_name);
    let roles = [
        (Role::Canary, "canarySubsetName", canary),
        (Role::Stable, "stableSubsetName", stable),
    ];
    for (role, field, name) in roles {
        let Some((index, subset)) = linked.rule.subset(name) else {
            continue;
        };
        let lacks = lacks_hash(subset.labels.as_ref());
        if let Some(hash) = flow.hash_of_subset(role).filter(|_| lacks) {
            let lost = LostHash {
                holder: format!("subset `{name}` of {}", linked.link.key),
                hash,
                key: &linked.link.key,
                path: Path::spec(["subsets"]).index(index),
                help: HELP,
            };
            lost.report(flow, linked.link.path().field(field), found);
        }
    }
}

/// With blue-green, a reconcile of the controller promotes without approval if the active Service has no hash.
fn help(role: ServiceRole) -> &'static str {
    match role {
        ServiceRole::Active | ServiceRole::Preview => HELP_BLUE_GREEN,
        ServiceRole::Canary | ServiceRole::Stable | ServiceRole::Ping | ServiceRole::Pong => HELP,
    }
}

fn lacks_hash(labels: Option<&Labels>) -> bool {
    labels
        .and_then(|labels| labels.get(HASH_LABEL))
        .is_none_or(String::is_empty)
}

/// A Service or subset without the hash that the Rollout's status gives it.
struct LostHash<'a> {
    /// What messages call the Service or subset.
    holder: String,
    hash: String,
    key: &'a Key,
    /// Where the hash should be.
    path: Path,
    help: &'static str,
}

impl LostHash<'_> {
    /// Reports it at `reference`, the field of the Rollout that names the Service or subset.
    fn report(self, flow: &Flow<'_>, reference: Path, found: &mut Findings<'_>) {
        let LostHash { holder, hash, .. } = &self;
        let message = message!(
            "{holder} has lost the hash `{hash}` of {}, and selects the pods of all revisions",
            flow.key()
        );
        found
            .warning(flow.key(), reference, message)
            .subject(holder.clone())
            .help(self.help)
            .with(self.key, self.path);
    }
}

fn check_weights(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let (Some(roles), Some(weights)) = (flow.roles(), &flow.rollout.status.weights) else {
        return;
    };
    for linked in flow.virtual_services() {
        for route in linked.managed_routes() {
            check_route(
                flow,
                &roles,
                weights.canary.weight,
                (&linked, &route),
                found,
            );
        }
    }
}

/// Reports what a route sends to the canary beyond the weight of the Rollout's status.
fn check_route(
    flow: &Flow<'_>,
    roles: &Roles<'_>,
    status_weight: i64,
    (linked, route): (&LinkedVirtualService<'_>, &ManagedRoute<'_>),
    found: &mut Findings<'_>,
) {
    for (place, entry) in route.entries() {
        let Some(to) = &entry.destination else {
            continue;
        };
        let weight = entry.weight.unwrap_or_default();
        if roles.role(to) != Some(Role::Canary) || weight <= status_weight {
            continue;
        }
        let key = &linked.link.key;
        let message = message!(
            "`{place}` of {key} sends {weight} to the canary {}, to which {} gives {status_weight}",
            destination(to),
            flow.key()
        );
        found
            .warning(flow.key(), linked.link.path().field("name"), message)
            .subject(format!("{key} {}", route.label()))
            .help(HELP)
            .with(key, place);
    }
}

const HELP: &str = "write to the Rollout, an annotation is enough: its controller puts it back";
const HELP_BLUE_GREEN: &str = "write the hash into the selector by hand, first into the active Service's, and do not write to \
     the Rollout before: without the hash the controller promotes at its next reconcile, also without approval";
