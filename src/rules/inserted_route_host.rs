//! A route that the controller inserts sends to a host that is not the canary's.
//!
//! ## What
//! A Rollout has a `setHeaderRoute` or `setMirrorRoute` step with a `match`. The controller inserts the route with the
//! host of the DestinationRule, or without one with the name in `canaryService`. The rule reports a warning if
//! - this host has no dot and the VirtualService is in another namespace;
//! - this host is a wildcard.
//!
//! It also reports an experiment step with a weight if the VirtualService is in another namespace: the name of the
//! experiment's Service has no dot.
//!
//! ## Why
//! Istio completes a host without a dot with the namespace of the VirtualService, and a wildcard is no destination.
//! The matching requests get 503 while the step lasts (`createHeaderRoute`, `getDestinationRuleHost`).
//!
//! ## Example
//! ```yaml
//! # Rollout prod/app
//! canaryService: app-canary
//! virtualService: {name: app.gateways}
//! steps:
//! - setHeaderRoute: {name: testers, match: [{headerName: x-test, headerValue: {exact: "1"}}]}
//! # inserted: destination: {host: app-canary}, which is app-canary.gateways.svc.cluster.local
//! ```
//!
//! ## Fix
//! Write the full host in the DestinationRule, or put the VirtualService into the Rollout's namespace.

use std::collections::BTreeSet;

use crate::cluster::{Flow, LinkedVirtualService};
use crate::field::Path;
use crate::model::Key;
use crate::verdict::{Findings, message};

rule!(
    RG217,
    Warning,
    Rollout(check),
    reads = [VirtualService, DestinationRule]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if !flow.argo().inserts_managed_routes() {
        return;
    }
    let route = flow.rollout.body.inserting_steps().next();
    let experiment = flow.rollout.body.weighted_experiments().next();
    if route.is_none() && experiment.is_none() {
        return;
    }
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        if !seen.insert(linked.link.key.clone()) {
            continue;
        }
        if let Some(step) = &route {
            check_route(flow, &linked, step, found);
        }
        if let Some(step) = experiment.as_ref().filter(|_| is_elsewhere(flow, &linked)) {
            let host = "the name of the experiment's Service";
            report(flow, &linked.link.key, (step, host), None, found);
        }
    }
}

fn check_route(
    flow: &Flow<'_>,
    linked: &LinkedVirtualService<'_>,
    step: &Path,
    found: &mut Findings<'_>,
) {
    let rule = flow.destination_rule();
    let host = match (&rule, flow.roles()) {
        (Some(rule), _) => rule.rule.body.host.as_str(),
        (None, Some(roles)) if roles.rule.is_none() => roles.canary_service,
        _ => return,
    };
    let resolved = |namespace: &str| flow.view.resolve(host, namespace);
    let moved = resolved(&flow.key().namespace) != resolved(&linked.link.key.namespace);
    if host.is_empty() || !(moved || host.starts_with('*')) {
        return;
    }
    let rule = rule.map(|rule| rule.link.key);
    let host = format!("`{host}`");
    report(flow, &linked.link.key, (step, &host), rule.as_ref(), found);
}

fn is_elsewhere(flow: &Flow<'_>, linked: &LinkedVirtualService<'_>) -> bool {
    linked.link.key.namespace != flow.key().namespace
}

fn report(
    flow: &Flow<'_>,
    service: &Key,
    (step, host): (&Path, &str),
    rule: Option<&Key>,
    found: &mut Findings<'_>,
) {
    let message = message!("{} sends", flow.key())
        .by_field(step)
        .text(format!(
            " to host {host} in {service}, which is not the host of its pods there"
        ));
    let finding = found.warning(flow.key(), step.clone(), message);
    finding
        .subject(format!("{service} {host}"))
        .help(
            "write the full host in the DestinationRule, or put the VirtualService into the Rollout's namespace",
        )
        .with(service, Path::spec(["http"]));
    if let Some(rule) = rule {
        finding.with(rule, Path::spec(["host"]));
    }
}
