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
//! During a release the stable pods still have the labels of the old template. The rule also reports an error if the
//! Service of the stable pods (stable, active, the stable one of ping and pong, the one that the stable subset
//! destination resolves to) requires a label that only the pods of the new template have. The old labels are those of
//! the stable ReplicaSet. If it is not known, the rule reports a label that the stored Service does not require and
//! that `spec.selector` does not require. If it is known, the rule holds from the write of the new template on, before
//! the controller has seen it. The same holds for the Service of the canary while it gets traffic and selects pods of an
//! older template, by a hash whose ReplicaSet is known.
//!
//! A Service without a selector is not checked, and neither are pods of a `workloadRef` that is not known.
//!
//! ## Why
//! For a named Service the controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateService`). A
//! Service that only gets traffic would select none of the Rollout's pods. A stable Service that selects by a label of
//! the new template has no endpoints until the release ends (argoproj/argo-rollouts#4371).
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
//! Select by labels that all pods of the Rollout have. The controller adds the hash. Add a new label of the template to
//! the selector after the release.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::parts::pods::{ADD_AFTER_RELEASE, ADD_WHEN_RELEASED, Pods, state};
use crate::cluster::{Flow, ManagedRoute, Role, RoutedDestination, ServiceRole, View, reference};
use crate::field::Path;
use crate::model::{HASH_LABEL, Key, Labels};
use crate::verdict::{Finding, Findings, message};

rule!(
    RG402,
    Both,
    Rollout(check),
    reads = [
        VirtualService,
        Service,
        Deployment,
        ReplicaSet,
        PodTemplate,
        Revision
    ]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if let Some(pods) = Pods::of(flow) {
        let routed = flow.routed();
        check_named(flow, &pods, found);
        check_routed(flow, &routed, found);
        check_stable_revision(flow, &routed, &pods, found);
    }
}

fn check_named(flow: &Flow<'_>, pods: &Pods, found: &mut Findings<'_>) {
    for linked in flow.services() {
        let Some(selector) = &linked.service.selector else {
            continue;
        };
        let common_labels = LazyCell::new(|| pods.common_labels(flow));
        for (label, required) in pods.unmet(selector) {
            let message = message!("{} names {}", flow.key(), linked.link.key)
                .in_field(&linked.link.path())
                .text(format!(
                    ", whose selector asks for `{label}: {required}`, {}",
                    pods.failing(label)
                ));
            let finding = found.error(flow.key(), linked.link.path(), message);
            explain(finding, pods, &common_labels, (&linked.link.key, label));
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
fn check_routed(flow: &Flow<'_>, routed: &[RoutedDestination<'_>], found: &mut Findings<'_>) {
    let named: BTreeSet<Key> = reference::services(flow.rollout).map(|l| l.key).collect();
    let mut seen = BTreeSet::new();
    for routed in routed {
        let service = routed.service(&flow.view);
        if let Some(key) = service.filter(|key| routed.by_subset && !named.contains(key)) {
            check_routed_service(flow, routed, &key, &mut seen, found);
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
    let common_labels = LazyCell::new(|| pods.common_labels(flow));
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
        explain(finding, &pods, &common_labels, (key, label));
        finding.with(routed.virtual_service, place);
    }
}

/// The labels in the selectors of the Services of the stable pods, and of older canary pods, that only pods of the new
/// template have. Their subjects are
/// those of labels that no pods have: a template that gets such a label brings no new fault.
fn check_stable_revision(
    flow: &Flow<'_>,
    routed: &[RoutedDestination<'_>],
    template: &Pods,
    found: &mut Findings<'_>,
) {
    for (key, path, hash) in stable_services(flow, routed) {
        let Some(selector) = selector(&flow.view, &key) else {
            continue;
        };
        let before = flow.view.before();
        let Some(pods) = Pods::of_revision(flow, &hash, self::selector(&before, &key)) else {
            continue;
        };
        let reported = template.unmet(selector);
        for (label, required) in pods.unmet(selector) {
            if reported.contains(&(label, required)) {
                continue;
            }
            let message = message!("{} {}, and {key}", flow.key(), state(flow))
                .with_field(&path)
                .text(format!(
                    " selects {} pods by label `{label}: {required}`, {}",
                    pods.owner,
                    pods.failing_in_release(label)
                ));
            let finding = found.error(flow.key(), path.clone(), message);
            finding
                .subject(format!("{key} {label}"))
                .help(if hash == flow.rollout.status.stable_rs {
                    ADD_AFTER_RELEASE
                } else {
                    ADD_WHEN_RELEASED
                })
                .with(&key, Path::spec(["selector"]).entry(label));
            pods.add_workload(finding);
        }
    }
}

/// The Services that select pods of an older template, with the field of the Rollout that leads to each and the pods'
/// hash.
fn stable_services(
    flow: &Flow<'_>,
    routed: &[RoutedDestination<'_>],
) -> BTreeSet<(Key, Path, String)> {
    let status = &flow.rollout.status;
    let mut services = BTreeSet::new();
    for link in reference::services(flow.rollout) {
        let stable = match link.role {
            ServiceRole::Stable | ServiceRole::Active => true,
            ServiceRole::Ping => status.stable_is_ping(),
            ServiceRole::Pong => !status.stable_is_ping(),
            ServiceRole::Canary | ServiceRole::Preview => false,
        };
        if let Some(hash) = flow.hash_of_service(link.role).filter(|_| stable) {
            let path = link.path();
            services.insert((link.key, path, hash));
        } else if let Some(hash) = hash_in_use(flow, &link.key) {
            let path = link.path();
            services.insert((link.key, path, hash));
        }
    }
    for routed in routed {
        let stable = routed.by_subset && routed.role == Role::Stable;
        if let Some(key) = routed.service(&flow.view).filter(|_| stable) {
            let path = routed.reference.field("name");
            services.insert((key, path, status.stable_rs.clone()));
        }
    }
    let mut seen = BTreeSet::new();
    services.retain(|(key, ..)| seen.insert(key.clone()));
    services
}

/// The hash by which the canary's Service selects pods that get traffic: of the stable pods if the Service
/// was theirs before the last write of the Rollout, of an older template if that write changed it.
fn hash_in_use(flow: &Flow<'_>, service: &Key) -> Option<String> {
    let view = &flow.view;
    let hash = selector(&view.before(), service)?.get(HASH_LABEL)?;
    let host = view.service_host(service);
    let gets_traffic = flow.virtual_services().any(|linked| {
        let routes = linked.managed_routes();
        let mut entries = routes.iter().flat_map(ManagedRoute::entries);
        entries.any(|(_, entry)| {
            let to = entry.destination.as_ref();
            entry.weight > Some(0) && to.is_some_and(|to| linked.host(to, view) == host)
        })
    });
    gets_traffic.then(|| hash.clone())
}

fn selector<'a>(view: &View<'a>, service: &Key) -> Option<&'a Labels> {
    view.service(service)?.body.selector.as_ref()
}

/// Adds what both kinds of finding say about a label in the selector of a Service.
fn explain(
    finding: &mut Finding,
    pods: &Pods,
    common_labels: &str,
    (service, label): (&Key, &str),
) {
    finding
        .subject(format!("{service} {label}"))
        .help(format!(
            "select by labels that all pods of the Rollout have: {common_labels}; the controller adds the \
             hash itself"
        ))
        .with(service, Path::spec(["selector"]).entry(label));
    pods.add_workload(finding);
}
