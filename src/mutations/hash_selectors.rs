//! Keeps `rollouts-pod-template-hash` in the canary and stable subsets of a Rollout's DestinationRule.
//!
//! ## What
//! A canary or stable subset gets the hash that it has in the live object, whatever hash the write has, unless the
//! Rollout's status knows the hash of the write and not the live one. If the live object has none (on a CREATE, or
//! because an earlier write removed it), the hash comes from the status:
//! `canary.weights.<role>.podTemplateHash`, otherwise `currentPodHash` for the canary and `stableRS` for the stable
//! subset, once there is a stable revision. The subsets of a running experiment that the write removes are restored,
//! and the annotation `argo-rollouts.argoproj.io/managed-by-rollouts` is kept. A hash is copied, never computed.
//!
//! ## Why
//! Without the hash both subsets select all pods, so the canary gets traffic by the number of its pods instead of its
//! weight. While pods are not ready, the controller does not restore the hash.
//!
//! ## Not when
//! The mutation changes nothing if the Rollout no longer names the DestinationRule, or if neither the live object nor
//! the status has a hash: during the first deployment the controller writes none.

use std::collections::HashMap;

use serde_json::Value;

use super::input::Input;
use super::patch::{Kept, Patch};
use crate::cluster::{Flow, Role};
use crate::field::Path;
use crate::model::{
    DestinationRule, DestinationRuleRef, HASH_LABEL, MANAGED_BY, Object, Subset, Typed,
};

mutation!(DestinationRule(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    let Some(rule) = input.write.new.as_ref().and_then(Object::destination_rule) else {
        return;
    };
    let live = input.write.old.as_ref().and_then(Object::destination_rule);
    if live.is_some_and(|live| is_settled(rule, live)) && input.keeps_managed_by() {
        return;
    }
    for flow in input.flows() {
        let Some(linked) = flow.destination_rule() else {
            continue;
        };
        keep_hashes(&flow, linked.link.reference, rule, live, patch);
        if let Some(live) = live {
            keep_experiments(&flow, rule, live, input, patch);
            keep_managed_by(&flow, live, patch);
        }
    }
}

/// Whether the write keeps the live subsets and their hashes by itself: then no status changes them.
fn is_settled(rule: Typed<'_, DestinationRule>, live: Typed<'_, DestinationRule>) -> bool {
    let hash = |subset: &Subset| Some(subset.labels.as_ref()?.get(HASH_LABEL)?.to_owned());
    let hashes =
        |rule: &DestinationRule| -> Vec<Option<String>> { rule.subsets.iter().map(hash).collect() };
    let names = |rule: &DestinationRule| -> Vec<String> {
        let subsets = rule.subsets.iter();
        subsets.map(|subset| subset.name.clone()).collect()
    };
    let written = hashes(&rule);
    let mut all = written.iter().flatten();
    written.iter().all(Option::is_some)
        && all.all(|hash| !hash.is_empty())
        && written == hashes(&live)
        && names(&rule) == names(&live)
}

fn keep_hashes(
    flow: &Flow<'_>,
    reference: &DestinationRuleRef,
    rule: Typed<'_, DestinationRule>,
    live: Option<Typed<'_, DestinationRule>>,
    patch: &mut Patch,
) {
    let roles = [
        (Role::Canary, &reference.canary_subset_name),
        (Role::Stable, &reference.stable_subset_name),
    ];
    let mut kept = Vec::new();
    for (role, name) in roles {
        let Some((index, _)) = rule.subset(name).filter(|_| !name.is_empty()) else {
            continue;
        };
        let in_live = live.and_then(|live| hash_of(live, name));
        let kept_hash = flow.kept_hash(in_live, hash_of(rule, name));
        let Some(hash) = kept_hash.cloned().or_else(|| flow.hash_of_subset(role)) else {
            continue;
        };
        let labels = Path::spec(["subsets"]).index(index).field("labels");
        if patch.set(&labels.entry(HASH_LABEL), Value::from(hash.as_str())) {
            kept.push((name, hash));
        }
    }
    match kept.as_slice() {
        [] => {}
        [(name, hash)] => patch.keep(
            Kept::One(format!("hash `{hash}` of subset `{name}`")),
            flow.key(),
        ),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            let names = names.join(" and ");
            patch.keep(
                Kept::Several(format!("hashes of subsets {names}")),
                flow.key(),
            );
        }
    }
}

fn hash_of<'a>(rule: Typed<'a, DestinationRule>, subset: &str) -> Option<&'a String> {
    let (_, subset) = rule.body.subset(subset)?;
    subset.labels.as_ref()?.get(HASH_LABEL)
}

/// A running experiment's subsets that live has, the status lists and the write dropped.
fn keep_experiments(
    flow: &Flow<'_>,
    rule: Typed<'_, DestinationRule>,
    live: Typed<'_, DestinationRule>,
    input: &Input<'_>,
    patch: &mut Patch,
) {
    let list = Path::spec(["subsets"]);
    let (written, in_live) = (by_name(&rule), by_name(&live));
    for experiment in flow.rollout.status.experiments() {
        let name = experiment.service_name.as_str();
        let dropped = !name.is_empty() && !written.contains_key(name);
        let Some(index) = in_live.get(name).filter(|_| dropped) else {
            continue;
        };
        let subset = input.live_entry(&list.index(*index));
        if subset.is_some_and(|subset| patch.append(&list, name, subset)) {
            patch.keep(Kept::One(format!("experiment subset `{name}`")), flow.key());
        }
    }
}

/// The index of the first subset of each name.
fn by_name(rule: &DestinationRule) -> HashMap<&str, usize> {
    let mut names = HashMap::new();
    for (index, subset) in rule.subsets.iter().enumerate() {
        names.entry(subset.name.as_str()).or_insert(index);
    }
    names
}

/// The annotation by which the controller knows the DestinationRule as its own.
fn keep_managed_by(flow: &Flow<'_>, live: Typed<'_, DestinationRule>, patch: &mut Patch) {
    let owner = live.meta.managed_by.as_ref();
    if owner.is_some_and(|owner| **owner == *flow.key().name) {
        let path = Path::of(["metadata", "annotations"]).entry(MANAGED_BY);
        if patch.set(&path, Value::from(flow.rollout.meta.name())) {
            patch.keep(
                Kept::One("the managed-by annotation".to_owned()),
                flow.key(),
            );
        }
    }
}
