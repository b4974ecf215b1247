//! A host is invalid, or not allowed in this field.
//!
//! ## What
//! The rule reports:
//!
//! - a host of a destination, a mirror or a DestinationRule that is not a DNS name. Only the first label can be or
//!   begin with `*`; IP addresses and a last label of only digits are not valid;
//! - a bare `*` as the host of a destination or mirror;
//! - an entry of `hosts` that is neither a DNS name nor an IP address, or that is `*` although sidecars apply the
//!   VirtualService (no `gateways`, or `mesh` in it);
//! - two `hosts` of one VirtualService of which one covers the other;
//! - an SNI host that is not a DNS name, or that no entry of `hosts` covers.
//!
//! ## Why
//! istiod rejects the object (`istioctl analyze`: IST0106).
//!
//! ## Example
//! ```yaml
//! hosts: ["*.example.org", www.example.org]   # the first covers the second
//! http:
//! - route:
//!   - destination: {host: app_v1}             # not a DNS name
//! ```
//!
//! ## Fix
//! Write the host as a DNS name. Of two hosts that cover each other, keep the wider one. List in `hosts` what the SNI
//! hosts need.

use std::collections::HashSet;

use super::parts::host_set::HostSet;
use super::parts::istio_names::{gateway_host_fault, host_fault, is_ip};
use crate::field::Path;
use crate::model::{Body, DestinationRule, Key, Object, Typed, VirtualService};
use crate::verdict::{Cause, Findings, message};

rule!(RG507, Error, Any(check));

fn check(object: &Object, found: &mut Findings<'_>) {
    match &object.body {
        Body::VirtualService(service) => {
            let service = object.typed(service);
            check_destinations(service, found);
            let hosts = Hosts::of(service);
            if hosts.check_entries(found) {
                hosts.check_covered(found);
            }
            hosts.check_sni(found);
        }
        Body::DestinationRule(rule) => check_rule_host(object.typed(rule), found),
        _ => {}
    }
}

fn check_destinations(service: Typed<'_, VirtualService>, found: &mut Findings<'_>) {
    for (path, destination) in service.destinations() {
        let host = destination.host.as_str();
        let fault = match host {
            "" => None,
            "*" => Some("is not a host that traffic can be sent to".to_owned()),
            host => host_fault(host),
        };
        if let Some(fault) = fault {
            report(&service.meta.key, path.field("host"), host, &fault, found);
        }
    }
}

fn check_rule_host(rule: Typed<'_, DestinationRule>, found: &mut Findings<'_>) {
    if let Some(fault) = host_fault(&rule.host).filter(|_| !rule.host.is_empty()) {
        report(
            &rule.meta.key,
            Path::spec(["host"]),
            &rule.host,
            &fault,
            found,
        );
    }
}

fn report(key: &Key, path: Path, host: &str, fault: &str, found: &mut Findings<'_>) {
    let message = message!("{key} has the host `{host}`")
        .in_field(&path)
        .text(format!(", which {fault} (IST0106)"));
    found.error(key, path, message).subject(host).help(
        "write labels of letters, digits and `-`, joined by dots; only the first may be or begin with \
         `*`, and the last may not be all digits; a bare `*` is for DestinationRules and gateways",
    );
}

/// The `hosts` of a VirtualService.
struct Hosts<'a> {
    service: Typed<'a, VirtualService>,
    set: HostSet<'a>,
    is_mesh: bool,
    has_sni: bool,
}

impl<'a> Hosts<'a> {
    fn of(service: Typed<'a, VirtualService>) -> Self {
        let mut matches = service.tls().iter().flat_map(|route| &route.matches);
        Self {
            service,
            set: HostSet::of(service.body.hosts.iter().map(String::as_str)),
            is_mesh: service.is_mesh(),
            has_sni: matches.any(|entry| !entry.sni_hosts.is_empty()),
        }
    }

    /// Checks each entry alone. Returns whether all are valid; otherwise istiod does not compare them.
    fn check_entries(&self, found: &mut Findings<'_>) -> bool {
        let mut all_valid = true;
        for (index, host) in self.service.hosts.iter().enumerate() {
            let path = Path::spec(["hosts"]).index(index);
            if self.service.is_malformed(&path) {
                all_valid = false;
            } else if let Some(fault) = self.fault(host) {
                report(&self.service.meta.key, path, host, &fault, found);
                all_valid = false;
            }
        }
        all_valid
    }

    fn fault(&self, host: &str) -> Option<String> {
        let mesh = self.is_mesh;
        if mesh && host == "*" {
            return Some("Istio rejects if sidecars apply the VirtualService".to_owned());
        }
        let fault = if mesh {
            host_fault(host)
        } else {
            gateway_host_fault(host, self.has_sni)
        };
        fault.filter(|_| !is_ip(host))
    }

    /// Reports every entry that another one covers.
    fn check_covered(&self, found: &mut Findings<'_>) {
        let mut seen = HashSet::new();
        for (index, host) in self.service.hosts.iter().enumerate() {
            let again = (!seen.insert(host)).then(|| host.clone());
            if let Some(other) = again.or_else(|| self.wider(host)) {
                self.report_covered(index, host, &other, found);
            }
        }
    }

    /// Another entry, a wildcard, that covers the host.
    fn wider(&self, host: &str) -> Option<String> {
        let suffix = match host.strip_prefix('*') {
            Some(rest) => self.set.suffix_of(rest.get(1..)?),
            None => self.set.suffix_of(host),
        };
        suffix.map(|suffix| format!("*{suffix}"))
    }

    fn report_covered(&self, index: usize, host: &str, other: &str, found: &mut Findings<'_>) {
        let path = Path::spec(["hosts"]).index(index);
        let message = message!("{} lists the host `{host}`", self.service.meta.key)
            .in_field(&path)
            .text(format!(
                ", which another entry of `spec.hosts`, `{other}`, covers (IST0106)"
            ));
        found
            .error(&self.service.meta.key, path, message)
            .subject(host)
            .help("keep the wider of the two")
            .cause(Cause::Duplicate);
    }

    fn check_sni(&self, found: &mut Findings<'_>) {
        // Only for SNI hosts, istiod treats a VirtualService without gateways as one on gateways.
        let mut gateways = self.service.gateways.iter();
        let is_mesh = gateways.any(|gateway| gateway == "mesh");
        for (index, route) in self.service.tls().iter().enumerate() {
            for (at, entry) in route.matches.iter().enumerate() {
                let path = Path::spec(["tls"]).index(index).field("match").index(at);
                for (number, host) in entry.sni_hosts.iter().enumerate() {
                    let path = path.field("sniHosts").index(number);
                    self.check_sni_host(path, host, is_mesh, found);
                }
            }
        }
    }

    fn check_sni_host(&self, path: Path, host: &str, is_mesh: bool, found: &mut Findings<'_>) {
        let service = self.service;
        if service.is_malformed(&path) {
            return;
        }
        let fault = if is_mesh {
            host_fault(host)
        } else {
            gateway_host_fault(host, true)
        };
        match fault {
            // istiod accepts an address here and does not compare it, although SNI forbids addresses.
            Some(_) if is_ip(host) => {}
            Some(fault) => report(&service.meta.key, path, host, &fault, found),
            None if self.set.covers(host) => {}
            None => self.report_uncovered(path, host, found),
        }
    }

    fn report_uncovered(&self, path: Path, host: &str, found: &mut Findings<'_>) {
        let message = message!("{} matches the SNI host `{host}`", self.service.meta.key)
            .in_field(&path)
            .text(", which no entry of `spec.hosts` covers (IST0106)");
        found
            .error(&self.service.meta.key, path, message)
            .subject(host)
            .help("list the SNI host, or a wildcard that covers it, in `spec.hosts`");
    }
}
