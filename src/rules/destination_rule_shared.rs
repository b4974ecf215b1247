//! Two Rollouts use one DestinationRule.
//!
//! ## What
//! Another Rollout of the namespace, one that is not being deleted, names the same DestinationRule.
//!
//! ## Why
//! Each controller pass deletes the subsets that its Rollout does not name (`UpdateHash`): within
//! milliseconds the DestinationRule has no subsets at all, all traffic gets 503, and both Rollouts say
//! that all is well.
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
//! Give each Rollout a DestinationRule of its own.

use crate::cluster::{Flow, reference};
use crate::model::Key;
use crate::text::first_of;
use crate::verdict::{Cause, Findings, message};

rule!(RG601, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(link) = reference::destination_rule(flow.rollout) else {
        return;
    };
    let path = link.path.field("name");
    let others: Vec<&Key> = flow
        .others_using(&link.key)
        .map(|other| &other.meta.key)
        .collect();
    if others.is_empty() {
        return;
    }
    let names: Vec<String> = others.iter().map(ToString::to_string).collect();
    let message = message!("{} names {}", flow.key(), link.key)
        .in_field(&path)
        .text(format!(
            ", and so does {}: each deletes the other's subsets",
            first_of(&names, 3)
        ));
    let finding = found.error(flow.key(), path.clone(), message);
    finding
        .subject(link.key.full_name())
        .help("give each Rollout a DestinationRule of its own")
        .cause(Cause::Duplicate)
        .harms_others()
        .mutual();
    for other in others.into_iter().take(3) {
        finding.with(other, path.clone());
    }
}
