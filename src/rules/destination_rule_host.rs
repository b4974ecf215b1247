//! The host of a Rollout's DestinationRule is not the host that its routes send to.
//!
//! ## What
//! A destination in a managed route has the canary or the stable subset, and its host, resolved in the
//! VirtualService's namespace, is not the resolved host of the Rollout's DestinationRule and does not match its
//! wildcard.
//!
//! ## Why
//! The controller writes the hashes into a DestinationRule that does not apply to this traffic. Either the host has
//! no such subset (503), or its subset does not select by version and the weights have no effect.
//!
//! ## Example
//! ```yaml
//! # VirtualService shop/app, a managed route
//! destination: {host: app, subset: canary}
//! # DestinationRule shop/app, which the Rollout names
//! host: app-internal
//! ```
//!
//! ## Fix
//! Give both the same host, preferably as `name.namespace.svc.cluster.local`.

use std::collections::BTreeSet;

use crate::cluster::{Flow, LinkedDestinationRule, RoutedDestination};
use crate::field::Path;
use crate::model::Host;
use crate::verdict::{Findings, message};

rule!(
    RG305,
    Error,
    Rollout(check),
    reads = [DestinationRule, VirtualService]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(linked) = flow.destination_rule() else {
        return;
    };
    let rule_host = linked.host(&flow.view);
    if rule_host.is_empty() {
        return;
    }
    let mut seen = BTreeSet::new();
    for routed in flow.routed() {
        let is_other = routed.by_subset && !rule_host.covers(&routed.host);
        if is_other && seen.insert((routed.virtual_service, routed.host.clone())) {
            report(flow, &linked, &rule_host, &routed, found);
        }
    }
}

fn report(
    flow: &Flow<'_>,
    linked: &LinkedDestinationRule<'_>,
    rule_host: &Host,
    routed: &RoutedDestination<'_>,
    found: &mut Findings<'_>,
) {
    let path = linked.link.path().field("name");
    let place = routed.path.field("host");
    let message = message!("{} names {}", flow.key(), linked.link.key)
        .in_field(&path)
        .text(format!(
            ", which is for host `{rule_host}`, but {} sends its {} traffic to `{}`",
            routed.virtual_service,
            routed.role.as_str(),
            routed.host
        ))
        .in_field(&place);
    found
        .error(flow.key(), path, message)
        .subject(format!("{} {}", routed.virtual_service, routed.host))
        .help(
            "give the DestinationRule and the destination one host; a short name is completed with \
             the namespace of the object that it stands in",
        )
        .with(&linked.link.key, Path::spec(["host"]))
        .with(routed.virtual_service, place);
}
