//! A field has the wrong type, or a required field is missing or empty.
//!
//! ## What
//! The rule checks Rollouts, VirtualServices, DestinationRules, Services and ServiceEntries. It reports a field that
//! the rules read (except in `status`) if its type is wrong or its number is out of range (32 bits; a port). It
//! reports these fields if they are missing or empty:
//!
//! - in a DestinationRule, `host` and a subset's `name`;
//! - in a VirtualService, a `destination` of a route or of `mirrors`, its `host` and that of a `mirror`, a tls
//!   route's `match` and the `sniHosts` in it;
//! - in a Rollout, the names in `managedRoutes`.
//!
//! ## Why
//! The API server or istiod rejects the object (`istioctl analyze`: IST0106), and the other rules cannot check what
//! they cannot read.
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
    if object.more_malformed > 0 {
        report_more(object, found);
    }
    if object.unread_entries > 0 {
        report_unread(object, found);
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
            "write {} there, or drop the field{quotes}",
            fault.expected
        ));
}

/// The rest of them are counted, and of a list with many the entries behind them are not read.
fn report_more(object: &Object, found: &mut Findings<'_>) {
    let path = Path::of(["spec"]);
    let (object, more) = (object.key(), object.more_malformed);
    let message = message!("{object}: at least {more} more fields in `{path}` have a wrong type");
    found
        .error(object, path, message)
        .subject("more")
        .help("correct the first ones; the others are then reported");
}

fn report_unread(object: &Object, found: &mut Findings<'_>) {
    let path = Path::of(["spec"]);
    let (object, unread) = (object.key(), object.unread_entries);
    let message =
        message!("{object}: the lists in `{path}` are too long, {unread} entries are not read");
    found
        .error(object, path, message)
        .subject("unread")
        .help("split the object: 12,000 entries of lists, or 48,000 names, are read");
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
        .help("add the field, or drop the object or list entry that it is in")
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
            let mut missing = in_destinations(service);
            missing.extend(in_tls_matches(service));
            missing
        }
        Body::DestinationRule(rule) => in_rule(rule),
        Body::Rollout(rollout) => in_rollout(rollout),
        _ => Vec::new(),
    }
}

fn in_destinations(service: &VirtualService) -> Vec<Path> {
    let mut missing = Vec::new();
    for (path, route) in service.routes() {
        for (index, weighted) in route.iter().enumerate() {
            if weighted.destination.is_none() {
                missing.push(path.index(index).field("destination"));
            }
        }
    }
    for (at, route) in service.http().iter().enumerate() {
        let path = Path::spec(["http"]).index(at).field("mirrors");
        for (index, mirror) in route.mirrors.iter().enumerate() {
            if mirror.is_none() {
                missing.push(path.index(index).field("destination"));
            }
        }
    }
    for (path, destination) in service.destinations() {
        if destination.host.is_empty() {
            missing.push(path.field("host"));
        }
    }
    missing
}

fn in_tls_matches(service: &VirtualService) -> Vec<Path> {
    let mut missing = Vec::new();
    for (index, route) in service.tls().iter().enumerate() {
        let path = Path::spec(["tls"]).index(index).field("match");
        for (at, entry) in route.matches.iter().enumerate() {
            if entry.sni_hosts.is_empty() {
                missing.push(path.index(at).field("sniHosts"));
            }
        }
        if route.matches.is_empty() {
            missing.push(path);
        }
    }
    missing
}

fn in_rule(rule: &DestinationRule) -> Vec<Path> {
    let mut missing = Vec::new();
    if rule.host.is_empty() {
        missing.push(Path::spec(["host"]));
    }
    for (index, subset) in rule.subsets.iter().enumerate() {
        if subset.name.is_empty() {
            missing.push(Path::spec(["subsets"]).index(index).field("name"));
        }
    }
    missing
}

/// The fields that the Rollout's CRD requires and no other rule checks.
fn in_rollout(rollout: &Rollout) -> Vec<Path> {
    let mut missing = Vec::new();
    let path = Path::spec(["strategy", "canary", "trafficRouting", "managedRoutes"]);
    for (index, name) in rollout.managed_routes().iter().enumerate() {
        if name.is_empty() {
            missing.push(path.index(index).field("name"));
        }
    }
    missing
}

const QUOTES: &str = "; without quotes, `yes`, `on`, `y` and `1.0` are not strings in YAML";
