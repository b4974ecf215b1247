//! A managed route gets no requests, because a route before it matches all of them.
//!
//! ## What
//! A route of `http` without conditions stands before a route whose weights a Rollout manages. A route has no
//! conditions if it has no `match`, or one entry of `match` is empty or only has `uri: {prefix: /}`. Routes with a
//! `delegate`, and routes that the same Rollout manages, do not count.
//!
//! ## Why
//! Istio takes the first route that matches (`istioctl analyze`: IST0130). The managed route never gets a request, so
//! the canary gets no traffic. No analysis finds a fault in it, and it is promoted without a test.
//!
//! ## Example
//! ```yaml
//! http:
//! - route: [{destination: {host: legacy}}]
//! - name: primary   # the route in the Rollout's `routes`
//! ```
//!
//! ## Fix
//! Move the managed route before the other one, or give the other one a `match`.

use std::collections::BTreeSet;

use crate::cluster::{Flow, List, View};
use crate::field::Path;
use crate::model::{Key, Typed, VirtualService};
use crate::verdict::{Findings, message};

rule!(RG214, Warning, VirtualService(check), reads = [Rollout]);

fn check(service: Typed<'_, VirtualService>, view: &View<'_>, found: &mut Findings<'_>) {
    let routes = service.http();
    if !routes.iter().any(|route| route.matches_all) {
        return;
    }
    for flow in view.flows_with_claim(&service.meta.key) {
        let managed = managed_routes(&flow, &service.meta.key);
        let first = routes.iter().enumerate().position(|(index, route)| {
            route.matches_all && route.delegate.is_none() && !managed.contains(&index)
        });
        let hidden = managed.iter().find(|index| first < Some(**index));
        if let (Some(first), Some(hidden)) = (first, hidden) {
            report(service, (first, *hidden), flow.key(), found);
        }
    }
}

/// The indexes of the http routes whose weights the Rollout manages.
fn managed_routes(flow: &Flow<'_>, service: &Key) -> BTreeSet<usize> {
    let linked = flow.virtual_services();
    let linked = linked.filter(|linked| linked.link.key == *service);
    let routes = linked.flat_map(|linked| linked.managed_routes());
    routes
        .filter(|route| route.list == List::Http)
        .map(|route| route.index)
        .collect()
}

fn report(
    service: Typed<'_, VirtualService>,
    (first, hidden): (usize, usize),
    rollout: &Key,
    found: &mut Findings<'_>,
) {
    let list = Path::spec(["http"]);
    let path = list.index(hidden);
    let name = service.http().get(hidden).map(|route| route.name.as_str());
    let name = name
        .filter(|name| !name.is_empty())
        .unwrap_or("without a name");
    let message = message!(
        "{}: the route `{name}` that {rollout} manages gets no requests",
        service.meta.key
    )
    .with_field(&path)
    .text(", because a route before it matches all")
    .with_field(&list.index(first))
    .text(" (IST0130)");
    found
        .warning(&service.meta.key, path, message)
        .subject(format!("{name} {rollout}"))
        .help("move the managed route before it, or give the other route a `match`")
        .with(rollout, Path::spec(["strategy"]));
}
