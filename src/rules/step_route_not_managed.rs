//! A step inserts a route that `managedRoutes` does not list, or that has an incomplete match.
//!
//! ## What
//! The rule reports:
//!
//! - a `setHeaderRoute` or `setMirrorRoute` step without a name, or with a name that `managedRoutes` does not list;
//! - a match without a `headerValue`;
//! - a `headerValue`, `method` or `path` that does not have exactly one non-empty field of `exact`, `regex` and
//!   `prefix` (with an ALB, a `headerValue` must have `exact`).
//!
//! A step without a `match` removes the route, and is valid.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateStepRouteFoundInManagedRoute`,
//! `hasMultipleMatchValues`). At promotion, a step without a name would delete all unnamed routes.
//!
//! ## Example
//! ```yaml
//! steps:
//! - setHeaderRoute:
//!     name: testers
//!     match:
//!     - {headerName: x-test, headerValue: {exact: "1"}}
//! trafficRouting:
//!   managedRoutes:
//!   - name: tester
//! ```
//!
//! ## Fix
//! Add the route's name to `managedRoutes`, and give each match value one of `exact`, `regex` and `prefix`.

use std::collections::HashSet;

use super::parts::names::quoted;
use super::parts::suggest::did_you_mean;
use crate::cluster::Flow;
use crate::field::Path;
use crate::model::{RouteStep, StringMatch};
use crate::verdict::{Cause, Findings, message};

rule!(RG104, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let managed: HashSet<&String> = flow.rollout.managed_routes().iter().collect();
    for (path, step) in flow.rollout.steps() {
        for (field, route) in step.route_step() {
            let path = path.field(field);
            check_managed(flow, &managed, &path, route, found);
            if field == "setMirrorRoute" || routes_by_header(flow) {
                check_matches(flow, &path, route, found);
            }
        }
    }
}

fn check_managed(
    flow: &Flow<'_>,
    managed: &HashSet<&String>,
    path: &Path,
    route: &RouteStep,
    found: &mut Findings<'_>,
) {
    if flow.rollout.traffic_routing().is_none() {
        return;
    }
    let name = route.name.as_str();
    let path = path.field("name");
    if name.is_empty() {
        let message = message!("{} has a step without a route name", flow.key()).in_field(&path);
        let finding = found.error(flow.key(), path, message);
        finding.subject("no name").cause(Cause::Required);
        finding.help("give the route a name and list it in `managedRoutes`");
    } else if !managed.contains(&route.name) {
        let message = message!("{} inserts route `{name}`", flow.key())
            .in_field(&path)
            .text(format!(
                ", which `{}` does not list",
                Path::spec(["strategy", "canary", "trafficRouting", "managedRoutes"])
            ));
        let names = || {
            let managed = flow.rollout.managed_routes().iter();
            managed.map(String::as_str)
        };
        let finding = found.error(flow.key(), path, message);
        finding.subject(name).cause(Cause::NotFound);
        finding.help(format!(
            "{}add the route's name to `managedRoutes`; listed there: {}",
            did_you_mean(name, names()),
            quoted(names()),
        ));
    }
}

/// Whether the router supports header routes. For other routers the controller does not read the match.
fn routes_by_header(flow: &Flow<'_>) -> bool {
    let routing = flow.rollout.traffic_routing();
    routing.is_some_and(|routing| {
        routing.istio.is_some() || routing.alb || routing.apisix || routing.plugins
    })
}

fn check_matches(flow: &Flow<'_>, path: &Path, route: &RouteStep, found: &mut Findings<'_>) {
    let is_alb = flow.rollout.traffic_routing().is_some_and(|r| r.alb);
    let matches = route.matches.iter().flatten().enumerate();
    for (index, fields) in matches {
        for field in fields {
            let exact_only = is_alb && field.name == "headerValue";
            let Some(fault) = fault(field.name, field.value.as_ref(), exact_only) else {
                continue;
            };
            let path = path.field("match").index(index).field(field.name);
            let message = message!("{} {fault}", flow.key()).in_field(&path);
            found
                .error(flow.key(), path, message)
                .subject(format!("{} {}", route.name, field.name))
                .help(if exact_only { EXACT_HELP } else { ONE_OF_HELP });
        }
    }
}

/// What is wrong with the value of a match. `method` and `path` are optional.
fn fault(name: &str, value: Option<&StringMatch>, exact_only: bool) -> Option<&'static str> {
    let Some(value) = value else {
        return (name == "headerValue").then_some("has a match without a `headerValue`");
    };
    match value.set_fields() {
        0 => Some("has a match value without `exact`, `regex` or `prefix`"),
        1 if exact_only && value.exact.is_empty() => {
            Some("has a match value that an ALB does not support")
        }
        1 => None,
        _ => Some("has a match value with more than one of `exact`, `regex` and `prefix`"),
    }
}

const ONE_OF_HELP: &str = "set exactly one of `exact`, `regex` and `prefix`";
const EXACT_HELP: &str = "set `exact` and nothing else: an ALB matches header values by it alone";
