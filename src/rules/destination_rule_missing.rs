//! A Rollout names a DestinationRule that does not exist.
//!
//! ## What
//! `destinationRule.name` names no DestinationRule in the Rollout's own namespace, the only one where the controller
//! looks. The rule reports nothing if Istio's objects are in another cluster (`istio.primaryCluster: remote`).
//!
//! ## Why
//! The controller cannot write the hash of a version into a subset and fails at every reconcile (`UpdateHash`), so no
//! weight changes.
//!
//! ## Example
//! ```yaml
//! # Rollout in namespace shop; DestinationRule shop/app does not exist
//! destinationRule: {name: app, canarySubsetName: canary, stableSubsetName: stable}
//! ```
//!
//! ## Fix
//! Apply the DestinationRule in the Rollout's namespace, or correct the name.

use crate::cluster::{Flow, reference};
use crate::verdict::{Findings, message};

rule!(RG301, Warning, Rollout(check), reads = [DestinationRule]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(link) = reference::destination_rule(flow.rollout) else {
        return;
    };
    if flow.view.mesh().remote_istio || flow.destination_rule().is_some() {
        return;
    }
    let path = link.path().field("name");
    let message = message!("{} names {}", flow.key(), link.key)
        .in_field(&path)
        .text(", which does not exist");
    found
        .warning(flow.key(), path, message)
        .subject(link.key.to_string())
        .help("apply it in the Rollout's namespace: a DestinationRule is looked up nowhere else")
        .missing(&link.key);
}
