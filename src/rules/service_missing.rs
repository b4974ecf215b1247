//! A Rollout names a Service that does not exist.
//!
//! ## What
//! `canaryService`, `stableService`, `pingService`, `pongService`, `activeService` or `previewService` names no
//! Service in the Rollout's namespace.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and tries again every 20 seconds. Until the Service
//! exists, nothing is rolled out (`getReferencedService`).
//!
//! ## Example
//! ```yaml
//! # Rollout in namespace shop; Service shop/app-canary does not exist
//! canaryService: app-canary
//! ```
//!
//! ## Fix
//! Apply the Service in the Rollout's namespace, or correct the name.

use crate::cluster::{Flow, reference};
use crate::verdict::{Findings, message};

rule!(RG401, Warning, Rollout(check), reads = [Service]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    for link in reference::services(flow.rollout) {
        if flow.view.service(&link.key).is_some() {
            continue;
        }
        let message = message!("{} names {}", flow.key(), link.key)
            .in_field(&link.path())
            .text(", which does not exist");
        found
            .warning(flow.key(), link.path(), message)
            .subject(format!("{} {}", link.role.field(), link.key))
            .help("apply the Service in the Rollout's namespace, or correct the name")
            .missing(&link.key)
            .seeks(link.key);
    }
}
