//! A field has the wrong type, or a required field is missing or empty.
//!
//! ## What
//! The rule checks Rollouts, VirtualServices, DestinationRules, Services and ServiceEntries. It reports a
//! field that the rules read (except in `status`) if its type is wrong or its number is out of range (32
//! bits; a port). It reports these fields if they are missing or empty:
//!
//! - in a DestinationRule, `host` and a subset's `name`;
//! - in a VirtualService, a `destination` of a route or of `mirrors`, its `host` and that of a `mirror`, a
//!   tls route's `match` and the `sniHosts` in it;
//! - in a Rollout, `activeService` and the names in `managedRoutes`.
//!
//! ## Why
//! The API server or istiod rejects the object (`istioctl analyze`: IST0106), and the other rules cannot
//! check what they cannot read.
//!
//! ## Example
//! ```yaml
//! hosts: app            # must be a list
//! http:
//! - route:
//!   - destination: {subset: v1}     # host is required
//! ```
//!
//! ## Fix
//! Correct the field's type, or add the field.

use super::parts::named_path::{in_any, in_destination_rule, in_virtual_service};
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
    // Another version of the controller may write another status.
    let status = Path::of(["status"]);
    let faults = object.malformed.iter();
    for fault in faults.filter(|fault| !fault.path.starts_with(&status)) {
        report_type(object, fault, found);
    }
    let missing = missing_fields(object).into_iter();
    for path in missing.filter(|path| !object.is_malformed(path)) {
        report_missing(object, path, found);
    }
}

fn report_type(object: &Object, fault: &Malformed, found: &mut Findings<'_>) {
    let quotes = match fault.expected {
        "a string" => QUOTES,
        _ => "",
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
        .subject(named_path(object, &fault.path))
        .help(format!(
            "write {}, or remove the field{quotes}",
            fault.expected
        ));
}

fn report_missing(object: &Object, path: Path, found: &mut Findings<'_>) {
    let required_by = match object.key().kind {
        Kind::Rollout => ", but Argo Rollouts requires it",
        _ => ", but Istio requires it (IST0106)",
    };
    let message = Message::missing(object.key(), &path).text(required_by);
    let subject = named_path(object, &path);
    found
        .error(object.key(), path, message)
        .subject(subject)
        .help("add the field, or remove the object or list entry that it is in")
        .cause(Cause::Required);
}

fn named_path(object: &Object, path: &Path) -> String {
    match &object.body {
        Body::VirtualService(service) => in_virtual_service(object.typed(service), path),
        Body::DestinationRule(rule) => in_destination_rule(object.typed(rule), path),
        _ => in_any(path),
    }
}

/// The required fields that are missing or empty.
fn missing_fields(object: &Object) -> Vec<Path> {
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

/// The fields that the Rollout's CRD requires and no other rule checks. If both Services of a blue-green Rollout are
/// empty they are equal, which RG103 reports.
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

const QUOTES: &str = "; without quotes, `yes`, `on`, `y` and `1.0` are not strings in YAML";
