//! A Rollout refers to a VirtualService that does not exist.
//!
//! ## What
//! `virtualService` or an element of `virtualServices` names no VirtualService that is there. A name
//! may be `name.namespace`; without a dot the Rollout's own namespace is meant. Nothing is said where
//! Istio's objects are kept in another cluster (`istio.primaryCluster: remote`).
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and waits for the VirtualService; a new
//! version gets no traffic and an abort takes none away.
//!
//! ## Example
//! ```yaml
//! # Rollout prod/app; there is no VirtualService prod/app
//! virtualService: {name: app, routes: [primary]}
//! ```
//!
//! ## Fix
//! Apply the VirtualService, or correct the name. Which of the two is applied first does not matter.

use std::collections::BTreeSet;

use crate::cluster::Flow;
use crate::verdict::{Findings, message};

rule!(RG201, Warning, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if flow.view.mesh().remote_istio {
        return;
    }
    let mut seen = BTreeSet::new();
    for link in flow.virtual_service_links() {
        if flow.view.virtual_service(&link.key).is_some() || !seen.insert(link.key.clone()) {
            continue;
        }
        let path = link.path.field("name");
        let message = message!("{} refers", flow.key())
            .in_field(&path)
            .text(format!(" to {}, which does not exist", link.key));
        found
            .warning(flow.key(), path, message)
            .subject(link.key.to_string())
            .help(
                "apply the VirtualService, or correct the name; `name.namespace` refers to another \
                 namespace",
            )
            .missing(&link.key);
    }
}
