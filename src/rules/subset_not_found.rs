//! A Rollout names a subset that its DestinationRule does not have.
//!
//! ## What
//! `canarySubsetName` or `stableSubsetName` is not a subset of the DestinationRule that the Rollout names. For an
//! empty name, see RG107.
//!
//! ## Why
//! The controller writes the hash of a version into the subsets with these two names and deletes all other subsets
//! (`UpdateHash`). If the subset was renamed in the DestinationRule, the controller deletes the renamed subset, the
//! VirtualService sends to a subset that no longer exists, and the Rollout only shows `Paused`.
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
//! Give the subset the name that the Rollout lists. The controller deletes every other subset of its
//! DestinationRule, so that a new name cannot stand beside the old one. To rename the two, define the new ones in a
//! second DestinationRule of the host, add a route to them behind the managed one, change the Rollout to both in one
//! write, then delete the old route and the old DestinationRule.

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
    let path = linked.link.path().field(field);
    let message = message!("{} names subset `{subset}`", flow.key())
        .in_field(&path)
        .text(format!(", which {} does not have", linked.link.key));
    let subsets = &linked.rule.subsets;
    let names = || subsets.iter().map(|subset| subset.name.as_str());
    let help = format!(
        "{}its subsets: {}; to rename them, define the new ones in a second DestinationRule of the host, \
         add a route to them behind the managed one, move the Rollout to both in one write, then drop \
         the old route and rule",
        did_you_mean(subset, names()),
        quoted(names()),
    );
    found
        .error(flow.key(), path, message)
        .subject(format!("{} {subset}", linked.link.key))
        .help(help)
        .cause(Cause::NotFound)
        .respell(nearest(subset, names()).filter(|name| !is_named(linked, name)))
        .awaits(&linked.link.key)
        .with(&linked.link.key, Path::spec(["subsets"]));
}

/// Whether the Rollout already names the subset, for the other role.
fn is_named(linked: &LinkedDestinationRule<'_>, subset: &str) -> bool {
    let reference = linked.link.reference;
    subset == reference.canary_subset_name || subset == reference.stable_subset_name
}
