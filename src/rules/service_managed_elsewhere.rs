//! A Rollout names a Service that belongs to another Rollout.
//!
//! ## What
//! The annotation `argo-rollouts.argoproj.io/managed-by-rollouts` of one of the six named Services has the name of
//! another Rollout.
//!
//! ## Why
//! The controller rejects the Service and sets the Rollout to `Degraded: InvalidSpec` (`ValidateService`).
//!
//! ## Example
//! ```yaml
//! # Rollout shop, canaryService: app-canary
//! # Service app-canary
//! annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: app}
//! ```
//!
//! ## Fix
//! Use a Service that only this Rollout uses. If the other Rollout no longer exists, remove the annotation.

use crate::cluster::Flow;
use crate::field::Path;
use crate::model::MANAGED_BY;
use crate::verdict::{Findings, message};

rule!(RG403, Error, Rollout(check), reads = [Service]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    for linked in flow.services() {
        let Some(owner) = &linked.service.meta.managed_by else {
            continue;
        };
        if owner == flow.rollout.meta.name() {
            continue;
        }
        let message = message!("{} names {}", flow.key(), linked.link.key)
            .in_field(&linked.link.path())
            .text(format!(
                ", which the annotation `{MANAGED_BY}` gives to Rollout `{owner}`"
            ));
        let annotation = Path::of(["metadata", "annotations"]).entry(MANAGED_BY);
        found
            .error(flow.key(), linked.link.path(), message)
            .subject(format!("{} {owner}", linked.link.key))
            .help(format!(
                "name a Service of its own; if Rollout `{owner}` is gone, remove the annotation"
            ))
            .with(&linked.link.key, annotation);
    }
}
