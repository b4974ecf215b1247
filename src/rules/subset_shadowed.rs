//! Two DestinationRules of one host define the same subset, and a Rollout manages one of them.
//!
//! ## What
//! Two DestinationRules of one namespace have the same host and the same `exportTo`, no `workloadSelector`, and both
//! define a subset that a Rollout names for its canary or stable pods in one of them. The rule reports both of them.
//!
//! ## Why
//! Istio merges the two and takes the subset of the older one. If the Rollout manages the newer one, the hashes that
//! the controller writes have no effect, and the subset selects pods of all revisions.
//!
//! ## Example
//! ```yaml
//! # DestinationRule app, which the Rollout names, and DestinationRule app-old
//! host: app
//! subsets: [{name: canary}, {name: stable}]
//! ```
//!
//! ## Fix
//! Define the subset in the DestinationRule that the Rollout names only.

use std::collections::BTreeSet;

use crate::cluster::{View, reference};
use crate::field::Path;
use crate::model::{DestinationRule, Typed};
use crate::verdict::{Cause, Findings, message};

rule!(RG307, Warning, DestinationRule(check), reads = [Rollout]);

fn check(rule: Typed<'_, DestinationRule>, view: &View<'_>, found: &mut Findings<'_>) {
    if rule.workload_selector || rule.host.is_empty() || rule.subsets.is_empty() {
        return;
    }
    let own = managed_subsets(rule, view);
    let host = view.resolve(&rule.host, rule.meta.namespace());
    let others = view.rules_governing(&host).into_iter();
    let merged = others.filter(|other| {
        other.meta.key != rule.meta.key
            && other.meta.namespace() == rule.meta.namespace()
            && view.resolve(&other.host, other.meta.namespace()) == host
            && !other.workload_selector
            && exported(*other) == exported(rule)
    });
    let mut seen = BTreeSet::new();
    let names: BTreeSet<&str> = rule
        .subsets
        .iter()
        .map(|subset| subset.name.as_str())
        .collect();
    for other in merged {
        // Many may have the host, and each name is reported once.
        if seen.len() == names.len() {
            break;
        }
        let theirs = managed_subsets(other, view);
        for (index, subset) in rule.subsets.iter().enumerate() {
            let name = subset.name.as_str();
            let managed = own.contains(name) || theirs.contains(name);
            let Some((place, _)) = other.body.subset(name).filter(|_| managed) else {
                continue;
            };
            if !seen.insert(name) {
                continue;
            }
            let path = |index| Path::spec(["subsets"]).index(index).field("name");
            let message = message!("{} defines subset `{name}`", rule.meta.key)
                .with_field(&path(index))
                .text(format!(
                    " of host `{host}` as {} does, and Istio takes that of the older one",
                    other.meta.key
                ));
            found
                .warning(&rule.meta.key, path(index), message)
                .subject(format!("{host} {name}"))
                .help("define the subset only in the DestinationRule that the Rollout names")
                .cause(Cause::Duplicate)
                .mutual()
                .with(&other.meta.key, path(place));
        }
    }
}

/// The canary and stable subsets for which Rollouts name the rule.
fn managed_subsets<'a>(rule: Typed<'_, DestinationRule>, view: &View<'a>) -> BTreeSet<&'a str> {
    let rollouts = view.rollouts_using(&rule.meta.key).into_iter();
    let rollouts = rollouts.filter(|rollout| !rollout.meta.deleting);
    let links = rollouts.filter_map(reference::destination_rule);
    links
        .flat_map(|link| {
            let to = link.reference;
            [&to.canary_subset_name, &to.stable_subset_name]
        })
        .filter(|name| !name.is_empty())
        .map(String::as_str)
        .collect()
}

fn exported(rule: Typed<'_, DestinationRule>) -> BTreeSet<&String> {
    rule.body.export_to.iter().collect()
}
