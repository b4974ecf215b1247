//! A field has the wrong type, or one that Istio or Argo requires is absent or empty.
//!
//! ## What
//! In a Rollout, VirtualService, DestinationRule, Service or ServiceEntry: a field that the rules read
//! with a type other than its own, `status` aside, or a number beyond its range (32 bits; a port). And
//! absent or empty: a DestinationRule's `host`, a subset's `name`, a `destination` (of a route or of
//! `mirrors`), its `host` or that of a `mirror`, a tls route's `match` and the `sniHosts` in it; a
//! Rollout's `activeService` and the names in `managedRoutes`.
//!
//! ## Why
//! The API server or istiod refuses the object (`istioctl analyze`: IST0106), and the other rules can
//! say nothing of what they cannot read.
//!
//! ## Example
//! ```yaml
//! hosts: app            # a list must stand here
//! http:
//! - route:
//!   - destination: {subset: v1}     # host is required
//! ```
//!
//! ## Fix
//! Write the field as its type asks, or add it.

use super::parts::place::{in_any, in_destination_rule, in_virtual_service, is_malformed};
use crate::cluster::ServiceRole;
use crate::field::Path;
use crate::model::{Body, DestinationRule, Kind, Malformed, Object, Rollout, VirtualService};
use crate::verdict::{Cause, Findings, Message, message};

rule!(RG505, Error, Any(check));

fn check(object: &Object, found: &mut Findings<'_>) {
    let kind = object.key().kind;
    if !kind.is_guarded() && kind != Kind::ServiceEntry {
        return;
    }
    let faults = &object.malformed;
    // The status is the controller's, and a newer one's may differ.
    let status = Path::of(["status"]);
    for fault in faults.iter().filter(|f| !f.path.starts_with(&status)) {
        wrong_type(object, fault, found);
    }
    let absent = required(object).into_iter();
    for path in absent.filter(|path| !is_malformed(faults, path)) {
        nothing(object, path, found);
    }
}

fn wrong_type(object: &Object, fault: &Malformed, found: &mut Findings<'_>) {
    let quotes = if fault.expected == "a string" {
        QUOTES
    } else {
        ""
    };
    let message = message!(
        "{}: `{}` is {}, but must be {}",
        object.key(),
        fault.path,
        fault.found,
        fault.expected
    );
    found
        .error(object.key(), fault.path.clone(), message)
        .subject(place(object, &fault.path))
        .help(format!(
            "write {} there, or drop the field{quotes}",
            fault.expected
        ));
}

fn nothing(object: &Object, path: Path, found: &mut Findings<'_>) {
    let required_by = match object.key().kind {
        Kind::Rollout => ", but Argo Rollouts requires it",
        _ => ", but Istio requires it (IST0106)",
    };
    let message = Message::missing(object.key(), &path).text(required_by);
    let subject = place(object, &path);
    found
        .error(object.key(), path, message)
        .subject(subject)
        .help("add the field, or drop what it stands in")
        .cause(Cause::Required);
}

fn place(object: &Object, path: &Path) -> String {
    match &object.body {
        Body::VirtualService(service) => in_virtual_service(object.typed(service), path),
        Body::DestinationRule(rule) => in_destination_rule(object.typed(rule), path),
        _ => in_any(path),
    }
}

/// The required fields that have nothing in them.
fn required(object: &Object) -> Vec<Path> {
    match &object.body {
        Body::VirtualService(service) => {
            let mut paths = of_destinations(service);
            paths.extend(of_tls(service));
            paths
        }
        Body::DestinationRule(rule) => of_destination_rule(rule),
        Body::Rollout(rollout) => of_rollout(rollout),
        _ => Vec::new(),
    }
}

fn of_destinations(service: &VirtualService) -> Vec<Path> {
    let routed = service.routes().flat_map(|(path, route)| {
        let bare = route.iter().enumerate();
        let bare = bare.filter(|(_, weighted)| weighted.destination.is_none());
        bare.map(move |(index, _)| path.index(index))
    });
    let mirrored = service.http().iter().enumerate().flat_map(|(at, route)| {
        let path = Path::spec(["http"]).index(at).field("mirrors");
        let bare = route.mirrors.iter().enumerate();
        let bare = bare.filter(|(_, mirror)| mirror.is_none());
        bare.map(move |(index, _)| path.index(index))
    });
    let destinations = routed.chain(mirrored).map(|path| path.field("destination"));
    let hosts = service
        .destinations()
        .filter(|(_, destination)| destination.host.is_empty());
    destinations
        .chain(hosts.map(|(path, _)| path.field("host")))
        .collect()
}

fn of_tls(service: &VirtualService) -> Vec<Path> {
    let mut paths = Vec::new();
    for (index, route) in service.tls().iter().enumerate() {
        let path = Path::spec(["tls"]).index(index).field("match");
        if route.matches.is_empty() {
            paths.push(path.clone());
        }
        let bare = route.matches.iter().enumerate();
        let bare = bare.filter(|(_, entry)| entry.sni_hosts.is_empty());
        paths.extend(bare.map(|(at, _)| path.index(at).field("sniHosts")));
    }
    paths
}

fn of_destination_rule(rule: &DestinationRule) -> Vec<Path> {
    let host = rule.host.is_empty().then(|| Path::spec(["host"]));
    let subsets = rule.subsets.iter().enumerate();
    let nameless = subsets.filter(|(_, subset)| subset.name.is_empty());
    let names = nameless.map(|(index, _)| Path::spec(["subsets"]).index(index).field("name"));
    host.into_iter().chain(names).collect()
}

/// What the Rollout's CRD requires and no other rule asks for. Where both Services of a blue-green
/// Rollout are empty they are equal, which is RG103's.
fn of_rollout(rollout: &Rollout) -> Vec<Path> {
    let blue_green = rollout.blue_green.as_ref();
    let active = blue_green
        .filter(|services| services.active_service.is_empty())
        .filter(|services| !services.preview_service.is_empty())
        .map(|_| ServiceRole::Active.path());
    let managed = Path::spec(["strategy", "canary", "trafficRouting", "managedRoutes"]);
    let routes = rollout.managed_routes().iter().enumerate();
    let nameless = routes.filter(|(_, name)| name.is_empty());
    let routes = nameless.map(|(index, _)| managed.index(index).field("name"));
    active.into_iter().chain(routes).collect()
}

const QUOTES: &str = "; without quotes YAML reads `yes`, `on`, `y` and `1.0` as no strings";
