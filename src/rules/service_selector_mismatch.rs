//! A Service of a Rollout selects by a label that the Rollout's pods do not have.
//!
//! ## What
//! The rule reports an error if the selector of one of the six Services that the Rollout names has a label, other
//! than the hash, that is missing from the pod template or has another value there. As for the controller, the labels
//! of `canaryMetadata` and `stableMetadata` do not count.
//!
//! It reports a warning if the Rollout does not name the Service but a canary or stable subset destination resolves
//! to it. In that case the labels of the role's metadata count.
//!
//! A Service without a selector is not checked, and neither are pods of a `workloadRef` that is not known.
//!
//! ## Why
//! For a named Service the controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateService`). A
//! Service that only gets traffic would select none of the Rollout's pods.
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
//! Select by labels that all pods of the Rollout have. The controller adds the hash.

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
        for (label, required) in pods.unmet(selector) {
            let message = message!("{} names {}", flow.key(), linked.link.key)
                .in_field(&linked.link.path)
                .text(format!(
                    ", whose selector asks for `{label}: {required}`, {}",
                    pods.failing(label)
                ));
            let finding = found.error(flow.key(), linked.link.path.clone(), message);
            explain(finding, flow, pods, (&linked.link.key, label));
            if was_met(flow, label, required) {
                finding.awaits(&linked.link.key);
            }
        }
    }
}

/// Whether the write takes the label from the pods, so that the Service may follow. Without a write nobody can tell.
fn was_met(flow: &Flow<'_>, label: &str, required: &str) -> bool {
    let before = flow.view.before();
    let rollout = before.rollout(flow.key());
    let rollout = rollout.map(|rollout| Flow::of(rollout, before));
    let labels = rollout.and_then(|flow| flow.pod_labels());
    let value = labels.and_then(|labels| labels.get(label));
    value.is_some_and(|value| value == required) || !flow.view.is_written()
}

/// Checks the Services that subset destinations resolve to and that the Rollout does not name.
fn check_routed(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let named: BTreeSet<Key> = reference::services(flow.rollout).map(|l| l.key).collect();
    let mut seen = BTreeSet::new();
    for routed in flow.routed() {
        let service = routed.service(&flow.view);
        if let Some(key) = service.filter(|key| routed.by_subset && !named.contains(key)) {
            check_routed_service(flow, &routed, &key, &mut seen, found);
        }
    }
}

fn check_routed_service(
    flow: &Flow<'_>,
    routed: &RoutedDestination<'_>,
    key: &Key,
    seen: &mut BTreeSet<(Key, String)>,
    found: &mut Findings<'_>,
) {
    let service = flow.view.service(key);
    let selector = service.and_then(|service| service.body.selector.as_ref());
    let (Some(selector), Some(pods)) = (selector, Pods::of_role(flow, routed.role)) else {
        return;
    };
    for (label, required) in pods.unmet(selector) {
        if !seen.insert((key.clone(), label.to_owned())) {
            continue;
        }
        let place = routed.path.field("host");
        let message = message!("{} gets its {} traffic", flow.key(), routed.role.as_str())
            .text(format!(
                " through {key} (`{place}` of {})",
                routed.virtual_service
            ))
            .text(format!(
                ", whose selector asks for `{label}: {required}`, {}",
                pods.failing(label)
            ));
        let finding = found.warning(flow.key(), routed.reference.field("name"), message);
        explain(finding, flow, &pods, (key, label));
        finding.with(routed.virtual_service, place);
    }
}

/// Adds what both kinds of finding say about a label in the selector of a Service.
fn explain(finding: &mut Finding, flow: &Flow<'_>, pods: &Pods, (service, label): (&Key, &str)) {
    finding
        .subject(format!("{service} {label}"))
        .help(format!(
            "select by labels that all pods of the Rollout have: {}; the controller adds the hash itself",
            pods.common_labels(flow)
        ))
        .with(service, Path::spec(["selector"]).entry(label));
    pods.add_workload(finding);
}
