//! A Rollout names a VirtualService that does not exist.
//!
//! ## What
//! `virtualService` or an element of `virtualServices` names a VirtualService that does not exist. The name can be
//! `name.namespace`; a name without a dot is in the Rollout's own namespace. The rule reports nothing if Istio's
//! objects are in another cluster (`istio.primaryCluster: remote`).
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and waits for the VirtualService. Until then a new
//! version gets no traffic, and an abort does not take traffic away from it.
//!
//! ## Example
//! ```yaml
//! # Rollout prod/app; VirtualService prod/app does not exist
//! virtualService: {name: app, routes: [primary]}
//! ```
//!
//! ## Fix
//! Apply the VirtualService, or correct the name. You can apply the two objects in any order.

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
        let path = link.path().field("name");
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
