//! Gives the canary and stable subsets labels that all pods of the Rollout have, if they have no labels.
//!
//! ## What
//! A canary or stable subset of a DestinationRule without labels other than the hash gets the labels of the Rollout's
//! `selector.matchLabels` that the pods and the selector of the Service of the DestinationRule's host also have. If
//! neither of these is known, it gets all of them. It never gets the hash, or a label that `canaryMetadata` or
//! `stableMetadata` changes.
//!
//! ## Why
//! A subset without labels selects every pod of the host until the controller writes the hash. With labels that all
//! pods of the Rollout have, it selects the same pods, and the file shows which they are.
//!
//! ## Not when
//! The mutation changes nothing if the subset has a label, or if several Rollouts name the DestinationRule, whose pods
//! may have other labels. If the Service is not known, nothing is changed either while a VirtualService sends to the host
//! for which the Rollout's controller does not act: its pods may be others. A wrong label is reported by rule RG303.

use serde_json::Value;

use super::input::Input;
use super::patch::Patch;
use crate::cluster::{Flow, LinkedDestinationRule};
use crate::field::Path;
use crate::model::{
    Destination, DestinationRule, DestinationRuleRef, HASH_LABEL, Key, Kind, Labels, Object,
    Service, Subset, Typed,
};

mutation!(DestinationRule(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    let Some(rule) = input.write.new.as_ref().and_then(Object::destination_rule) else {
        return;
    };
    if !rule.subsets.iter().any(is_bare) {
        return;
    }
    let Some(flow) = input.only_flow() else {
        return;
    };
    let Some(linked) = flow.destination_rule() else {
        return;
    };
    let bare: Vec<(usize, &Subset)> = bare_subsets(&rule, linked.link.reference).collect();
    let service = service_of(&flow, &linked);
    if bare.is_empty() || (service.is_none() && serves_others(&flow, &linked, &bare)) {
        return;
    }
    let labels = common_labels(&flow, service);
    let labelled: Vec<String> = bare
        .into_iter()
        .filter(|(index, _)| label(*index, &labels, patch))
        .map(|(_, subset)| format!("`{}`", subset.name))
        .collect();
    if !labelled.is_empty() {
        let pairs = labels
            .iter()
            .map(|(label, value)| format!("{label}={value}"));
        let pairs = pairs.collect::<Vec<_>>().join(",");
        let s = if labelled.len() == 1 { "" } else { "s" };
        let (subsets, owner) = (labelled.join(" and "), flow.key());
        patch.note(format!(
            "gave subset{s} {subsets} the labels {pairs} of {owner}"
        ));
    }
}

/// The canary and stable subsets without a label but the hash.
fn bare_subsets<'a>(
    rule: &'a DestinationRule,
    reference: &'a DestinationRuleRef,
) -> impl Iterator<Item = (usize, &'a Subset)> {
    let names = [&reference.canary_subset_name, &reference.stable_subset_name];
    let subsets = rule.subsets.iter().enumerate();
    subsets.filter(move |(_, subset)| {
        !subset.name.is_empty() && names.contains(&&subset.name) && is_bare(subset)
    })
}

fn is_bare(subset: &Subset) -> bool {
    let labels = subset.labels.iter().flatten();
    labels.into_iter().all(|(name, _)| name == HASH_LABEL)
}

fn label(index: usize, labels: &Labels, patch: &mut Patch) -> bool {
    let path = Path::spec(["subsets"]).index(index).field("labels");
    let set = |(label, value): (&String, &String)| {
        patch.set(&path.entry(label), Value::from(value.as_str()))
    };
    labels.iter().map(set).filter(|changed| *changed).count() > 0
}

/// The Service behind the host of the DestinationRule, if it is known.
fn service_of<'a>(
    flow: &Flow<'a>,
    linked: &LinkedDestinationRule<'_>,
) -> Option<Typed<'a, Service>> {
    let host = linked.host(&flow.view);
    let (namespace, name) = host.service(&flow.view.mesh().domain)?;
    flow.view.service(&Key::new(Kind::Service, namespace, name))
}

/// Whether a VirtualService sends to one of the subsets and the Rollout's controller does not turn its weights.
fn serves_others(
    flow: &Flow<'_>,
    linked: &LinkedDestinationRule<'_>,
    subsets: &[(usize, &Subset)],
) -> bool {
    let (view, host) = (&flow.view, linked.host(&flow.view));
    let is_sent_to = |to: &Destination, namespace: &str| {
        let is_named = subsets.iter().any(|(_, subset)| subset.name == to.subset);
        is_named && host.covers(&view.resolve(&to.host, namespace))
    };
    let senders = view.virtual_services_sending_to(&host).into_iter();
    let mut senders = senders.filter(|sender| {
        let mut destinations = sender.body.destinations();
        destinations.any(|(_, to)| is_sent_to(to, sender.meta.namespace()))
    });
    senders.any(|sender| !flow.is_effective_for(&sender.meta.key))
}

/// The labels that all pods of the Rollout have and the Service behind the host, if it is known, selects by.
fn common_labels(flow: &Flow<'_>, service: Option<Typed<'_, Service>>) -> Labels {
    // A template without labels is no Rollout's: what its pods have is then not known.
    let pods = flow.pod_labels().filter(|labels| !labels.is_empty());
    let mut labels = flow.match_labels();
    labels.retain(|label, value| {
        let has = |labels: &Labels| labels.get(label) == Some(value);
        let selected = service.is_none_or(|service| service.selector.as_ref().is_some_and(has));
        let mut added = flow.canary().into_iter();
        let is_changed = added.any(|canary| {
            let added = [&canary.canary_labels, &canary.stable_labels];
            added
                .into_iter()
                .any(|labels| labels.contains_key(label) && !has(labels))
        });
        label != HASH_LABEL && selected && pods.is_none_or(has) && !is_changed
    });
    labels
}
