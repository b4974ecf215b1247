//! A Service of a Rollout selects by a label that the Rollout's pods do not have.
//!
//! ## What
//! A label in the selector of one of the six Services that the Rollout names, the hash aside, that the
//! pod template lacks or has with another value; labels of `canaryMetadata` and `stableMetadata` do not
//! count, as they do not to the controller. It is a warning for a Service that the Rollout does not name
//! but a canary or stable subset destination resolves to; there the labels of the role's metadata do
//! count. A Service without a selector, and pods of an unknown `workloadRef`, are not judged.
//!
//! ## Why
//! For a named Service the controller sets the Rollout to `Degraded: InvalidSpec` and stops
//! (`ValidateService`). A Service that is only routed to would have none of the Rollout's pods behind it.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! canaryService: app-canary
//! template: {metadata: {labels: {app: app}}}
//! # Service app-canary
//! selector: {app: app, version: v2}
//! ```
//!
//! ## Fix
//! Select by labels that all pods of the Rollout have; the controller adds the hash itself.

use std::collections::BTreeSet;

use super::parts::pods::Pods;
use crate::cluster::{Flow, RoutedDestination, reference};
use crate::field::Path;
use crate::model::Key;
use crate::verdict::{Finding, Findings, message};

rule!(
    RG402,
    Both,
    Rollout(check),
    reads = [VirtualService, Service, Deployment, ReplicaSet, PodTemplate]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if let Some(pods) = Pods::of(flow) {
        check_named(flow, &pods, found);
        check_routed(flow, found);
    }
}

fn check_named(flow: &Flow<'_>, pods: &Pods, found: &mut Findings<'_>) {
    for linked in flow.services() {
        let Some(selector) = &linked.service.selector else {
            continue;
        };
        for (label, wanted) in pods.unmet(selector) {
            let message = message!("{} names {}", flow.key(), linked.link.key)
                .in_field(&linked.link.path)
                .text(format!(
                    ", whose selector asks for `{label}: {wanted}`, {}",
                    pods.failing(label)
                ));
            let finding = found.error(flow.key(), linked.link.path.clone(), message);
            rest(finding, flow, pods, (&linked.link.key, label));
        }
    }
}

/// The Services that subset destinations resolve to and that the Rollout does not name.
fn check_routed(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let named: BTreeSet<Key> = reference::services(flow.rollout).map(|l| l.key).collect();
    let mut told = BTreeSet::new();
    for routed in flow.routed() {
        let service = routed.service(&flow.view);
        if let Some(key) = service.filter(|key| routed.by_subset && !named.contains(key)) {
            check_one_routed(flow, &routed, &key, &mut told, found);
        }
    }
}

fn check_one_routed(
    flow: &Flow<'_>,
    routed: &RoutedDestination<'_>,
    key: &Key,
    told: &mut BTreeSet<(Key, String)>,
    found: &mut Findings<'_>,
) {
    let service = flow.view.service(key);
    let selector = service.and_then(|service| service.body.selector.as_ref());
    let (Some(selector), Some(pods)) = (selector, Pods::of_role(flow, routed.role)) else {
        return;
    };
    for (label, wanted) in pods.unmet(selector) {
        if !told.insert((key.clone(), label.to_owned())) {
            continue;
        }
        let place = routed.path.field("host");
        let message = message!(
            "{} gets its {} traffic through {key} (`{place}` of {}), whose selector asks for `{label}: {wanted}`, {}",
            flow.key(),
            routed.role.as_str(),
            routed.virtual_service,
            pods.failing(label)
        );
        let finding = found.warning(flow.key(), routed.reference.field("name"), message);
        rest(finding, flow, &pods, (key, label));
        finding.with(routed.virtual_service, place);
    }
}

/// What both kinds of finding say of the Service's label.
fn rest(finding: &mut Finding, flow: &Flow<'_>, pods: &Pods, asked: (&Key, &str)) {
    let (service, label) = asked;
    finding
        .subject(format!("{service} {label}"))
        .help(format!(
            "select by labels that all pods of the Rollout have: {}; the controller adds the hash \
             itself",
            pods.lasting(flow)
        ))
        .with(service, Path::spec(["selector"]).entry(label));
    pods.rest(finding);
}
