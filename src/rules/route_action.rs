//! A route has no action, or more than one.
//!
//! ## What
//! The rule reports:
//!
//! - an http route without exactly one of `route`, `redirect` and `directResponse` (an empty `route` counts as none).
//!   In a VirtualService with `hosts`, a route with `delegate` must have neither `route` nor `redirect`;
//! - an http route with both `mirror` and `mirrors`;
//! - a tls or tcp route without `route`;
//! - a VirtualService without `hosts`, which makes it a delegate, that has `gateways`, `tls`, `tcp` or a `delegate`
//!   of its own;
//! - a VirtualService with no http, tls or tcp route.
//!
//! ## Why
//! istiod rejects the object (`istioctl analyze`: IST0106).
//!
//! ## Example
//! ```yaml
//! http:
//! - redirect: {uri: /new}
//!   route:
//!   - destination: {host: app}
//! ```
//!
//! ## Fix
//! Keep one action per route.

use super::parts::named_path::in_virtual_service;
use crate::cluster::View;
use crate::field::Path;
use crate::model::{HttpRoute, L4Route, Typed, VirtualService};
use crate::verdict::{Cause, Finding, Findings, Message, message};

rule!(RG508, Error, VirtualService(check));

fn check(service: Typed<'_, VirtualService>, _: &View<'_>, found: &mut Findings<'_>) {
    check_any_route(service, found);
    let has_malformed_hosts = service.is_malformed(&Path::spec(["hosts"]));
    let is_delegate = service.is_delegate() && !has_malformed_hosts;
    if is_delegate {
        check_delegate(service, found);
    }
    for (index, route) in service.http().iter().enumerate() {
        let path = Path::spec(["http"]).index(index);
        if service.is_malformed(&path) {
            continue;
        }
        if route.delegate.is_some() && !is_delegate {
            // istiod checks nothing else of a route that delegates.
            check_delegating_route(service, &path, route, found);
        } else {
            check_http_route(service, &path, route, found);
        }
    }
    check_l4_routes(service, "tls", service.tls(), found);
    check_l4_routes(service, "tcp", service.tcp(), found);
}

fn check_any_route(service: Typed<'_, VirtualService>, found: &mut Findings<'_>) {
    let lists = ["http", "tls", "tcp"].map(|list| Path::spec([list]));
    let malformed = |path| service.is_malformed(path);
    let empty = service.http().is_empty() && service.tls().is_empty() && service.tcp().is_empty();
    if empty && !lists.iter().any(malformed) {
        let text = "has no route in `spec.http`, `spec.tls` or `spec.tcp`";
        let message = message!("{} {text}", service.meta.key);
        report(service, Path::spec(["http"]), message, found)
            .help("add a route, or delete the VirtualService")
            .cause(Cause::Required);
    }
}

/// A VirtualService without hosts can only have http routes, to which others delegate.
fn check_delegate(service: Typed<'_, VirtualService>, found: &mut Findings<'_>) {
    let lists = [
        ("gateways", !service.gateways.is_empty()),
        ("tls", !service.tls().is_empty()),
        ("tcp", !service.tcp().is_empty()),
    ];
    let set = lists.into_iter().filter(|(_, set)| *set);
    let mut paths: Vec<Path> = set.map(|(field, _)| Path::spec([field])).collect();
    let routes = service.http().iter().enumerate();
    let delegating = routes.filter(|(_, route)| route.delegate.is_some());
    paths.extend(delegating.map(|(index, _)| Path::spec(["http"]).index(index).field("delegate")));
    for path in paths {
        let message = message!(
            "{} has no `hosts`, which makes it a delegate, but has `{path}`",
            service.meta.key
        );
        report(service, path, message, found).help(
            "write `hosts`, or move the field to the VirtualService that delegates to this one",
        );
    }
}

fn check_delegating_route(
    service: Typed<'_, VirtualService>,
    path: &Path,
    route: &HttpRoute,
    found: &mut Findings<'_>,
) {
    let routed = route.route.as_ref().is_some_and(|to| !to.is_empty());
    let set = [("route", routed), ("redirect", route.redirect)];
    for (field, _) in set.into_iter().filter(|(_, set)| *set) {
        let message = message!(
            "{} has both `delegate` and `{field}` in `{path}`",
            service.meta.key
        );
        report(service, path.field(field), message, found)
            .help("keep only `delegate`, or remove it");
    }
}

fn check_http_route(
    service: Typed<'_, VirtualService>,
    path: &Path,
    route: &HttpRoute,
    found: &mut Findings<'_>,
) {
    let routed = route.route.as_ref().is_some_and(|to| !to.is_empty());
    let fields = [
        ("route", routed),
        ("redirect", route.redirect),
        ("directResponse", route.direct_response),
    ];
    let is_malformed = |field| service.is_malformed(&path.field(field));
    let set = fields
        .into_iter()
        .filter(|(field, set)| *set || is_malformed(field));
    let set: Vec<&'static str> = set.map(|(field, _)| field).collect();
    match set.as_slice() {
        [] => {
            let message = message!(
                "{} has none of `route`, `redirect` and `directResponse` in `{path}`",
                service.meta.key
            );
            report(service, path.clone(), message, found)
                .help("say what the route does")
                .cause(Cause::Required);
        }
        [_] => {}
        [.., last] => {
            let set = set.join("` and `");
            let message = message!("{} has `{set}` in `{path}`", service.meta.key);
            report(service, path.field(last), message, found).help("keep one of them");
        }
    }
    if route.mirror.is_some() && !route.mirrors.is_empty() {
        let message = message!(
            "{} has both `mirror` and `mirrors` in `{path}`",
            service.meta.key
        );
        report(service, path.field("mirrors"), message, found).help("move `mirror` into `mirrors`");
    }
}

fn check_l4_routes(
    service: Typed<'_, VirtualService>,
    list: &'static str,
    routes: &[L4Route],
    found: &mut Findings<'_>,
) {
    for (index, route) in routes.iter().enumerate() {
        let path = Path::spec([list]).index(index).field("route");
        let empty = route.route.as_ref().is_none_or(Vec::is_empty);
        if empty && !service.is_malformed(&path) {
            let message = Message::missing(&service.meta.key, &path);
            report(service, path, message, found)
                .help("say where the route sends")
                .cause(Cause::Required);
        }
    }
}

fn report<'f>(
    service: Typed<'_, VirtualService>,
    path: Path,
    message: Message,
    found: &'f mut Findings<'_>,
) -> &'f mut Finding {
    let subject = in_virtual_service(service, &path);
    found
        .error(&service.meta.key, path, message.text(" (IST0106)"))
        .subject(subject)
}
