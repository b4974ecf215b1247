//! A weight of a route is negative, or the weights sum to 0.
//!
//! ## What
//! An http, tls or tcp destination has a weight below 0, or a route has several destinations whose weights sum to 0.
//! A missing weight counts as 0. The weight of a single destination can be 0.
//!
//! ## Why
//! istiod rejects the object (`istioctl analyze`: IST0106), because no destination would get traffic.
//!
//! ## Example
//! ```yaml
//! route:
//! - {destination: {host: app-stable}, weight: 0}
//! - {destination: {host: app-canary}, weight: 0}
//! ```
//!
//! ## Fix
//! Give the destinations of the route weights of 0 or more that sum to 100.

use super::parts::named_path::in_virtual_service;
use crate::cluster::View;
use crate::field::Path;
use crate::model::{RouteDestination, Typed, VirtualService};
use crate::verdict::{Findings, message};

rule!(RG504, Error, VirtualService(check));

fn check(service: Typed<'_, VirtualService>, _: &View<'_>, found: &mut Findings<'_>) {
    for (path, route) in service.routes() {
        check_negative(service, &path, route, found);
        // A weight of the wrong type would count as 0.
        let mut malformed = service.malformed.iter();
        let has_malformed = malformed.any(|fault| fault.path.starts_with(&path));
        if !has_malformed && route.len() > 1 && sum(route) == 0 {
            report_sum(service, path, found);
        }
    }
}

fn sum(route: &[RouteDestination]) -> i64 {
    let weights = route.iter().map(|to| to.weight.unwrap_or_default());
    weights.fold(0, i64::saturating_add)
}

fn check_negative(
    service: Typed<'_, VirtualService>,
    path: &Path,
    route: &[RouteDestination],
    found: &mut Findings<'_>,
) {
    for (index, destination) in route.iter().enumerate() {
        let Some(weight @ ..0) = destination.weight else {
            continue;
        };
        let path = path.index(index).field("weight");
        let message = message!("{} has the weight {weight}", service.meta.key)
            .in_field(&path)
            .text(", which must not be below 0 (IST0106)");
        let subject = in_virtual_service(service, &path);
        found
            .error(&service.meta.key, path, message)
            .subject(subject)
            .help("write a weight of 0 or more; the weights of a route should sum to 100");
    }
}

fn report_sum(service: Typed<'_, VirtualService>, path: Path, found: &mut Findings<'_>) {
    let message = message!("{} has several destinations", service.meta.key)
        .in_field(&path)
        .text(" whose weights sum to 0 (IST0106)");
    let subject = in_virtual_service(service, &path);
    found
        .error(&service.meta.key, path, message)
        .subject(subject)
        .help("give at least one destination of the route a weight above 0");
}
