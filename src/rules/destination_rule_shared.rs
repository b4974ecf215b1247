//! Two Rollouts use the same DestinationRule.
//!
//! ## What
//! Another Rollout of the namespace, which is not being deleted, names the same DestinationRule. A Rollout that the
//! controller refuses and has never reconciled harms nobody: it alone gets a warning.
//!
//! ## Why
//! Each reconcile deletes the subsets that its own Rollout does not name (`UpdateHash`). Within milliseconds the
//! DestinationRule has no subsets, all traffic gets 503, and both Rollouts report that they are healthy.
//!
//! ## Example
//! ```yaml
//! # Rollout app
//! destinationRule: {name: app, canarySubsetName: canary, stableSubsetName: stable}
//! # Rollout app-next
//! destinationRule: {name: app, canarySubsetName: next-canary, stableSubsetName: next-stable}
//! ```
//!
//! ## Fix
//! Give each Rollout its own DestinationRule.

use crate::cluster::{Flow, reference};
use crate::model::Key;
use crate::text::first_of;
use crate::verdict::{Cause, Findings, message};

rule!(
    RG601,
    Both,
    Rollout(check),
    reads = [VirtualService, DestinationRule]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(link) = reference::destination_rule(flow.rollout) else {
        return;
    };
    let path = link.path().field("name");
    let others: Vec<&Key> = flow
        .other_owners(&link.key)
        .map(|other| &other.meta.key)
        .take(MAX_COUNTED)
        .collect();
    if others.is_empty() {
        return;
    }
    let names: Vec<String> = others.iter().map(ToString::to_string).collect();
    let message = message!("{} names {}", flow.key(), link.key)
        .in_field(&path)
        .text(format!(
            ", and so does {}: each deletes the other's subsets",
            first_of(&names, MAX_ROLLOUTS)
        ));
    let finding = if flow.is_effective_for(&link.key) {
        found
            .error(flow.key(), path.clone(), message)
            .harms_others()
    } else {
        found.warning(flow.key(), path.clone(), message)
    };
    finding
        .subject(link.key.full_name())
        .help("give each Rollout a DestinationRule of its own; to rename a Rollout, delete the old one first")
        .cause(Cause::Duplicate)
        .mutual();
    for other in others.into_iter().take(MAX_ROLLOUTS) {
        finding.with(other, path.clone());
        flow.note_owner(other, &link.key);
    }
}

/// How many other Rollouts a message names.
const MAX_ROLLOUTS: usize = 3;
/// How many it counts: of thousands, each would count all.
const MAX_COUNTED: usize = 50;
