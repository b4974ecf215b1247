//! A Rollout routes through a VirtualService of another namespace.
//!
//! ## What
//! A reference to a VirtualService resolves to another namespace than the Rollout's, and neither the VirtualService
//! nor its Namespace has the annotation `rollout-guard.io/claimed-by` with the Rollout's namespace or `*`. It is a
//! warning; with the setting `crossNamespace: consent` it is an error. Only writes of the Rollout are denied for it.
//!
//! ## Why
//! The controller writes the weights of any VirtualService that a Rollout names. Who may write Rollouts in one
//! namespace can so turn the traffic of another.
//!
//! ## Example
//! ```yaml
//! # Rollout prod/app
//! virtualService: {name: app.gateways, routes: [primary]}
//! ```
//!
//! ## Fix
//! Move the VirtualService into the Rollout's namespace, or let its owner consent:
//!
//! ```yaml
//! # VirtualService gateways/app, or Namespace gateways
//! metadata:
//!   annotations: {rollout-guard.io/claimed-by: prod}
//! ```

use std::collections::BTreeSet;

use crate::cluster::Flow;
use crate::model::CLAIMED_BY;
use crate::verdict::{Cause, Findings, message};

rule!(
    RG218,
    Both,
    Rollout(check),
    reads = [VirtualService, Namespace]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let own = &*flow.key().namespace;
    let view = &flow.view;
    let mut seen = BTreeSet::new();
    for link in flow.virtual_service_links() {
        let owner = &*link.key.namespace;
        let of_service = || view.virtual_service(&link.key).map(|service| service.meta);
        let consents = of_service().is_some_and(|meta| meta.is_claimed_by(own))
            || view
                .namespace(owner)
                .is_some_and(|meta| meta.is_claimed_by(own));
        if owner == own || consents || !seen.insert(link.key.clone()) {
            continue;
        }
        let path = link.path().field("name");
        let message = message!("{} routes through {}", flow.key(), link.key)
            .in_field(&path)
            .text(format!(
                ", which annotation `{CLAIMED_BY}` does not give to `{own}`"
            ));
        let finding = if view.mesh().needs_consent {
            found.error(flow.key(), path, message)
        } else {
            found.warning(flow.key(), path, message)
        };
        finding
            .subject(link.key.full_name())
            .help(format!(
                "the owner of namespace `{owner}` consents with annotation `{CLAIMED_BY}: {own}` on the \
                 VirtualService or the Namespace"
            ))
            .cause(Cause::Forbidden)
            .denies_only(flow.key());
    }
}
