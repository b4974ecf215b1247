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
use crate::verdict::{Cause, Findings};

rule!(
    RG601,
    Error,
    Rollout,
    reads & [],
    "destination_rule_shared.rs"
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(link) = reference::destination_rule(flow.rollout) else {
        return;
    };
    let path = link.path.field("name");
    for other in flow.others_using(&link.key) {
        let other = &other.meta.key;
        let message = format!(
            "{} names {} in `{path}`, and so does {other}: each deletes the other's subsets",
            flow.key(),
            link.key,
        );
        found
            .error(flow.key(), path.clone(), message)
            .subject(format!("{} {}", other.full_name(), link.key))
            .help("give each Rollout a DestinationRule of its own")
            .cause(Cause::Duplicate)
            .with(other, path.clone())
            .harms_others();
    }
}
