//! The canary or the stable subset that a Rollout names is not in its DestinationRule.
//!
//! ## What
//! `canarySubsetName` or `stableSubsetName` is no subset of the DestinationRule that the Rollout
//! names. An empty name is RG107's.
//!
//! ## Why
//! The controller writes the hash of a version into the subsets of these two names and deletes all
//! others (`UpdateHash`). After a rename in the DestinationRule it deletes the renamed subset, the
//! VirtualService points at nothing, and the Rollout says nothing but `Paused`.
//!
//! ## Example
//! ```yaml
//! # Rollout
//! destinationRule: {name: app, canarySubsetName: canary, stableSubsetName: stable}
//! # DestinationRule app
//! subsets: [{name: canary-v2}, {name: stable}]
//! ```
//!
//! ## Fix
//! Give the subset the name that the Rollout lists. To rename it, add the new subset beside the old,
//! move the Rollout and the VirtualService, then drop the old subset.

use super::parts::names::quoted;
use super::parts::suggest::{did_you_mean, nearest};
use crate::cluster::{Flow, LinkedDestinationRule};
use crate::field::Path;
use crate::verdict::{Cause, Findings, message};

rule!(RG302, Error, Rollout(check), reads = [DestinationRule]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(linked) = flow.destination_rule() else {
        return;
    };
    let reference = linked.link.reference;
    let named = [
        ("canarySubsetName", &reference.canary_subset_name),
        ("stableSubsetName", &reference.stable_subset_name),
    ];
    for (field, subset) in named {
        if !subset.is_empty() && linked.rule.subset(subset).is_none() {
            report(flow, &linked, field, subset, found);
        }
    }
}

fn report(
    flow: &Flow<'_>,
    linked: &LinkedDestinationRule<'_>,
    field: &'static str,
    subset: &str,
    found: &mut Findings<'_>,
) {
    let path = linked.link.path.field(field);
    let message = message!("{} names subset `{subset}`", flow.key())
        .in_field(&path)
        .text(format!(", which {} does not have", linked.link.key));
    let names = || {
        linked
            .rule
            .subsets
            .iter()
            .map(|subset| subset.name.as_str())
    };
    let help = format!(
        "{}its subsets: {}; to rename one, add the new subset beside the old, move the Rollout and \
         the VirtualService, then drop the old one",
        did_you_mean(subset, names()),
        quoted(names()),
    );
    found
        .error(flow.key(), path, message)
        .subject(format!("{} {subset}", linked.link.key))
        .help(help)
        .cause(Cause::NotFound)
        .respell(nearest(subset, names()).filter(|right| !taken(linked, right)))
        .with(&linked.link.key, Path::spec(["subsets"]));
}

/// Whether the Rollout names the subset already, for its other role.
fn taken(linked: &LinkedDestinationRule<'_>, subset: &str) -> bool {
    let reference = linked.link.reference;
    subset == reference.canary_subset_name || subset == reference.stable_subset_name
}
