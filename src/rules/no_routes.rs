//! A Rollout names a VirtualService that has no routes.
//!
//! ## What
//! The VirtualService has none of `http`, `tls` and `tcp`, or only an empty `http`.
//!
//! ## Why
//! There is no route whose weights the controller could write. If all three lists are missing, it sets the Rollout to
//! `Degraded: InvalidSpec`. With an empty `http` it goes through the steps without splitting traffic. Istio's own
//! webhook, where it is installed, rejects such a VirtualService.
//!
//! ## Example
//! ```yaml
//! # VirtualService app, which a Rollout names
//! spec:
//!   hosts: [app]
//! ```
//!
//! ## Fix
//! Give the VirtualService a route with a canary and a stable destination.

use std::collections::BTreeSet;

use crate::cluster::{Flow, LinkedVirtualService, List};
use crate::field::Path;
use crate::verdict::{Cause, Findings, message};

rule!(RG210, Error, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        if !is_empty(&linked) || !seen.insert(linked.link.key.clone()) {
            continue;
        }
        let path = linked.link.path().field("name");
        let lists = if List::Tcp.is_managed_by(linked.argo) {
            "`http`, `tls` or `tcp`"
        } else {
            "`http` or `tls`"
        };
        let message = message!("{} refers", flow.key())
            .in_field(&path)
            .text(format!(
                " to {}, which has no {lists} routes",
                linked.link.key
            ));
        found
            .error(flow.key(), path, message)
            .subject(linked.link.key.to_string())
            .help("give the VirtualService a route with a canary and a stable destination")
            .cause(Cause::Required)
            .with(&linked.link.key, Path::spec(["http"]));
    }
}

/// Whether the controller finds no list of routes, or only an empty `http`.
fn is_empty(linked: &LinkedVirtualService<'_>) -> bool {
    let service = linked.service;
    let lists_http = linked
        .link
        .lists()
        .any(|(_, reference)| List::Http.is_listed(reference));
    // RG202 reports a route that the Rollout lists of an empty `http`.
    let not_found = service.http.is_some() && lists_http;
    let tcp = service.tcp.is_some() && List::Tcp.is_managed_by(linked.argo);
    service.http().is_empty() && service.tls.is_none() && !tcp && !not_found
}
