//! The DestinationRule: hashes of the two subsets, subsets of experiments, and no others (`UpdateHash`).

use serde_json::{Value, json};

use super::target::Target;
use super::world::World;
use crate::cluster::{Flow, reference};
use crate::model::{DestinationRuleRef, HASH_LABEL, MANAGED_BY};

pub(super) fn write_hashes(world: &mut World, flow: &Flow<'_>, target: &Target) {
    let Some(link) = reference::destination_rule(flow.rollout) else {
        return;
    };
    if let Some(metadata) = world
        .objects
        .get_mut(&link.key)
        .and_then(|rule| rule.get_mut("metadata"))
        .filter(|metadata| metadata.is_object())
    {
        if !metadata["annotations"].is_object() {
            metadata["annotations"] = json!({});
        }
        metadata["annotations"][MANAGED_BY] = flow.rollout.meta.name().into();
    }
    let Some(subsets) = world.list(&link.key, "/spec/subsets") else {
        return;
    };
    subsets.retain_mut(|subset| keep(subset, link.reference, target));
    for experiment in &target.experiments {
        let named = |subset: &Value| subset["name"] == experiment.service_name.as_str();
        if !subsets.iter().any(named) {
            let labels = json!({HASH_LABEL: experiment.pod_template_hash});
            subsets.push(json!({"name": experiment.service_name, "labels": labels}));
        }
    }
}

/// Writes the subset's hash; false for one that the controller deletes.
fn keep(subset: &mut Value, reference: &DestinationRuleRef, target: &Target) -> bool {
    if !subset.is_object() {
        return true;
    }
    let name = subset["name"].as_str().unwrap_or_default();
    let of_experiment = target
        .experiments
        .iter()
        .find(|other| other.service_name == name);
    let hash = if name == reference.canary_subset_name {
        &target.canary_hash
    } else if name == reference.stable_subset_name {
        &target.stable_hash
    } else if let Some(experiment) = of_experiment {
        &experiment.pod_template_hash
    } else {
        return false;
    };
    if !subset["labels"].is_object() {
        subset["labels"] = json!({});
    }
    if let Some(labels) = subset["labels"].as_object_mut() {
        if hash.is_empty() {
            labels.remove(HASH_LABEL);
        } else {
            labels.insert(HASH_LABEL.to_owned(), hash.as_str().into());
        }
    }
    true
}
