//! The canary or stable subset requires a label that the Rollout's pods do not have.
//!
//! ## What
//! A label of the canary or stable subset, other than the hash, is missing from the pods of that role or has another
//! value there. The pods have the labels of `spec.template`, or of the template that `workloadRef` names, overridden
//! by those of `canaryMetadata` or `stableMetadata`. The rule reports nothing if the template is not known. It
//! ignores labels that Istio adds to endpoints: `topology.istio.io/*`, `topology.kubernetes.io/*`,
//! `kubernetes.io/hostname`, `istio.io/rev`, `service.istio.io/*`, `security.istio.io/*`.
//!
//! During a release the stable pods still have the labels of the old template. The rule also reports a label of the
//! stable subset that only the pods of the new template have. The old labels are those of the stable ReplicaSet. If it
//! is not known, the rule reports a label that the stored subset does not have and that `spec.selector` does not require.
//!
//! ## Why
//! The subset selects no pod, so its share of the traffic gets 503. Labels such as `version: v1` are left over from a
//! canary with two Deployments. The versions of a Rollout differ only by the hash, and the controller adds the hash
//! to the subset.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! template: {metadata: {labels: {app: app}}}
//! # DestinationRule
//! subsets:
//! - {name: canary, labels: {version: v2}}
//! ```
//!
//! ## Fix
//! Remove the label, or use labels that all pods of the Rollout have, such as `app: app`. Add a new label of the
//! template to the subset after the release.

use std::cell::LazyCell;

use super::parts::pods::{ADD_AFTER_RELEASE, Pods, state};
use crate::cluster::{Flow, LinkedDestinationRule, Role};
use crate::field::Path;
use crate::model::{HASH_LABEL, Labels};
use crate::verdict::{Findings, Remedy, message};

rule!(
    RG303,
    Error,
    Rollout(check),
    reads = [
        DestinationRule,
        Deployment,
        ReplicaSet,
        PodTemplate,
        Revision
    ]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(linked) = flow.destination_rule() else {
        return;
    };
    for role in [Role::Canary, Role::Stable] {
        if let (Some(subset), Some(pods)) = (subset_of(&linked, role), Pods::of_role(flow, role)) {
            check_subset(flow, &linked, &subset, &pods, found);
        }
    }
    check_stable_revision(flow, &linked, found);
}

/// The subset of a role, with the field of the Rollout that names it.
struct NamedSubset<'a> {
    field: &'static str,
    name: &'a str,
    index: usize,
    labels: &'a Labels,
}

fn subset_of<'a>(linked: &LinkedDestinationRule<'a>, role: Role) -> Option<NamedSubset<'a>> {
    let reference = linked.link.reference;
    let (field, name) = match role {
        Role::Canary => ("canarySubsetName", &reference.canary_subset_name),
        _ => ("stableSubsetName", &reference.stable_subset_name),
    };
    let (index, subset) = linked.rule.body.subset(name)?;
    Some(NamedSubset {
        field,
        name,
        index,
        labels: subset.labels.as_ref()?,
    })
}

fn check_subset(
    flow: &Flow<'_>,
    linked: &LinkedDestinationRule<'_>,
    subset: &NamedSubset<'_>,
    pods: &Pods,
    found: &mut Findings<'_>,
) {
    let common_labels = LazyCell::new(|| pods.common_labels(flow));
    for (key, value) in pods.unmet(subset.labels) {
        if is_added_by_istio(key) {
            continue;
        }
        let path = linked.link.path().field(subset.field);
        let message = message!(
            "{} names subset `{}` of {}",
            flow.key(),
            subset.name,
            linked.link.key
        )
        .in_field(&path)
        .text(format!(
            ", which asks for label `{key}: {value}`, {}",
            pods.failing(key)
        ));
        let labels = Path::spec(["subsets"]).index(subset.index).field("labels");
        let finding = found.error(flow.key(), path, message);
        finding
            .subject(format!("{} {} {key}", linked.link.key, subset.name))
            .help(format!(
                "take the label out: the controller tells the versions apart by `{HASH_LABEL}`, \
                 which it adds itself; labels that fit: {}",
                *common_labels
            ))
            .with(&linked.link.key, labels.entry(key));
        // The label is left over from a canary without Argo Rollouts, and no other Rollout uses the subset.
        if key == "version" && flow.others_using(&linked.link.key).next().is_none() {
            finding.remedy(Remedy::Remove(linked.link.key.clone(), labels.entry(key)));
        }
        pods.add_workload(finding);
    }
}

/// The labels of the stable subset that only pods of the new template have.
fn check_stable_revision(
    flow: &Flow<'_>,
    linked: &LinkedDestinationRule<'_>,
    found: &mut Findings<'_>,
) {
    let Some(subset) = subset_of(linked, Role::Stable) else {
        return;
    };
    let before = flow.view.before().destination_rule(&linked.link.key);
    let before = before.and_then(|rule| rule.body.subset(subset.name));
    let before = before.and_then(|(_, subset)| subset.labels.as_ref());
    let Some(pods) = Pods::of_revision(flow, &flow.rollout.status.stable_rs, before) else {
        return;
    };
    let template = Pods::of_role(flow, Role::Stable);
    let reported = template.map(|pods| pods.unmet(subset.labels));
    let reported = reported.unwrap_or_default();
    for (key, value) in pods.unmet(subset.labels) {
        if is_added_by_istio(key) || reported.contains(&(key, value)) {
            continue;
        }
        let path = linked.link.path().field(subset.field);
        let labels = Path::spec(["subsets"]).index(subset.index).field("labels");
        let message = message!(
            "{} {}, and subset `{}` of {}",
            flow.key(),
            state(flow),
            subset.name,
            linked.link.key
        )
        .with_field(&path)
        .text(format!(
            " asks for label `{key}: {value}`, {}",
            pods.failing_in_release(key)
        ));
        let finding = found.error(flow.key(), path, message);
        finding
            .subject(format!("{} {} {key}", linked.link.key, subset.name))
            .help(ADD_AFTER_RELEASE)
            .with(&linked.link.key, labels.entry(key));
        pods.add_workload(finding);
    }
}

/// Whether Istio adds the label to endpoints, whatever the pod's own labels are.
fn is_added_by_istio(key: &str) -> bool {
    ISTIO_LABELS.contains(&key) || ISTIO_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

const ISTIO_LABELS: [&str; 2] = ["kubernetes.io/hostname", "istio.io/rev"];
const ISTIO_PREFIXES: [&str; 4] = [
    "topology.istio.io/",
    "topology.kubernetes.io/",
    "service.istio.io/",
    "security.istio.io/",
];
