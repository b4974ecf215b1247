//! A Service, subset or route of a Rollout lacks what the controller had put there.
//!
//! ## What
//! The Rollout has a stable revision, and one of its six Services, or its canary or stable subset, has no
//! `rollouts-pod-template-hash`; or a managed route gives the canary more than `status.canary.weights`
//! does. Told by the audit and `check`, not in reviews: between two writes of the controller it may be so
//! for a moment.
//!
//! ## Why
//! A write while the guard was away has wiped it. Without the hash a Service or subset selects the pods of
//! all revisions. The controller does not look at Service updates, and repairs none while pods are not
//! ready.
//!
//! ## Example
//! ```yaml
//! # Rollout app in mid-canary, canaryService: app-canary
//! # Service app-canary
//! selector: {app: app}
//! ```
//!
//! ## Fix
//! Write to the Rollout, an annotation is enough: at its next reconcile the controller puts it back. While
//! pods are not ready, re-apply the DestinationRule or VirtualService: the guard puts it back. With
//! blue-green write nothing to the Rollout: a controller that finds no hash in the active Service skips the
//! pause and promotes. Put the hash back into the selectors by hand, the active Service's first.

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
            let lost = Lost {
                what: format!("{} ({})", linked.link.key, role.field()),
                hash,
                key: &linked.link.key,
                place: Path::spec(["selector"]),
                help: help(role),
            };
            lost.report(flow, linked.link.path.clone(), found);
        }
    }
}

fn check_subsets(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(linked) = flow.destination_rule() else {
        return;
    };
    let reference = linked.link.reference;
    let roles = [
        (
            Role::Canary,
            "canarySubsetName",
            &reference.canary_subset_name,
        ),
        (
            Role::Stable,
            "stableSubsetName",
            &reference.stable_subset_name,
        ),
    ];
    for (role, field, name) in roles {
        let Some((index, subset)) = linked.rule.subset(name) else {
            continue;
        };
        let lacks = lacks_hash(subset.labels.as_ref());
        if let Some(hash) = flow.hash_of_subset(role).filter(|_| lacks) {
            let lost = Lost {
                what: format!("subset `{name}` of {}", linked.link.key),
                hash,
                key: &linked.link.key,
                place: Path::spec(["subsets"]).index(index),
                help: HELP,
            };
            lost.report(flow, linked.link.path.field(field), found);
        }
    }
}

/// At a reconcile the controller promotes what waits for approval if the active Service has no hash.
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

/// A place without the hash that the status gives it.
struct Lost<'a> {
    what: String,
    hash: String,
    key: &'a Key,
    place: Path,
    help: &'static str,
}

impl Lost<'_> {
    fn report(self, flow: &Flow<'_>, path: Path, found: &mut Findings<'_>) {
        let Lost { what, hash, .. } = &self;
        let message = message!(
            "{what} has lost the hash `{hash}` of {}, and selects the pods of all revisions",
            flow.key()
        );
        found
            .warning(flow.key(), path, message)
            .subject(what.clone())
            .help(self.help)
            .with(self.key, self.place);
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

fn check_route(
    flow: &Flow<'_>,
    roles: &Roles<'_>,
    granted: i64,
    (linked, route): (&LinkedVirtualService<'_>, &ManagedRoute<'_>),
    found: &mut Findings<'_>,
) {
    for (place, entry) in route.entries() {
        let Some(to) = &entry.destination else {
            continue;
        };
        let weight = entry.weight.unwrap_or_default();
        if roles.role(to) != Some(Role::Canary) || weight <= granted {
            continue;
        }
        let key = &linked.link.key;
        let message = message!(
            "`{place}` of {key} sends {weight} to the canary {}, to which {} gives {granted}",
            destination(to),
            flow.key()
        );
        found
            .warning(flow.key(), linked.link.path.field("name"), message)
            .subject(format!("{key} {}", route.label()))
            .help(HELP)
            .with(key, place);
    }
}

const HELP: &str = "write to the Rollout, an annotation is enough: its controller puts it back";
const HELP_BLUE_GREEN: &str = "write the hash into its selector by hand, the active Service's first, and nothing to the \
     Rollout before: without it the controller promotes at its next reconcile, approved or not";
