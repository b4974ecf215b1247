//! A host is none that Istio takes, or stands where it must not.
//!
//! ## What
//! A destination, mirror or DestinationRule host that is no DNS name (only the first label may be or begin
//! with `*`; no IP address, no last label of digits alone), or a bare `*` as a destination or mirror; an
//! entry of `hosts` that is neither a DNS name nor an IP address, or is `*` where the sidecars apply the
//! VirtualService (no `gateways`, or `mesh` among them); two `hosts` of one VirtualService that cover
//! each other; an SNI host that is no DNS name or that no entry of `hosts` covers.
//!
//! ## Why
//! istiod refuses the object (`istioctl analyze`: IST0106).
//!
//! ## Example
//! ```yaml
//! hosts: ["*.example.org", www.example.org]   # one covers the other
//! http:
//! - route:
//!   - destination: {host: app_v1}             # no DNS name
//! ```
//!
//! ## Fix
//! Write the host as DNS has it. Keep the wider of two hosts; list under `hosts` what the SNI hosts ask for.

use std::collections::HashSet;

use super::parts::istio_names::{gateway_host_fault, host_fault, is_ip};
use super::parts::place::is_malformed;
use crate::field::Path;
use crate::model::{Body, DestinationRule, Key, Object, Typed, VirtualService};
use crate::verdict::{Cause, Findings, message};

rule!(RG507, Error, Any(check));

fn check(object: &Object, found: &mut Findings<'_>) {
    match &object.body {
        Body::VirtualService(service) => {
            let service = object.typed(service);
            destinations(service, found);
            let hosts = Hosts::of(service);
            if hosts.entries(found) {
                hosts.repeats(found);
            }
            hosts.sni(found);
        }
        Body::DestinationRule(rule) => rule_host(object.typed(rule), found),
        _ => {}
    }
}

fn destinations(service: Typed<'_, VirtualService>, found: &mut Findings<'_>) {
    for (path, destination) in service.destinations() {
        let host = destination.host.as_str();
        let fault = match host {
            "" => None,
            "*" => Some("is not a host that traffic can be sent to".to_owned()),
            host => host_fault(host),
        };
        if let Some(fault) = fault {
            refuse(&service.meta.key, path.field("host"), host, &fault, found);
        }
    }
}

fn rule_host(rule: Typed<'_, DestinationRule>, found: &mut Findings<'_>) {
    if let Some(fault) = host_fault(&rule.host).filter(|_| !rule.host.is_empty()) {
        refuse(
            &rule.meta.key,
            Path::spec(["host"]),
            &rule.host,
            &fault,
            found,
        );
    }
}

fn refuse(key: &Key, path: Path, host: &str, fault: &str, found: &mut Findings<'_>) {
    let message = message!("{key} has the host `{host}`")
        .in_field(&path)
        .text(format!(", which {fault} (IST0106)"));
    found.error(key, path, message).subject(host).help(
        "write labels of letters, digits and `-`, joined by dots; only the first may be or begin with \
         `*`, and the last may not be all digits; a bare `*` is for DestinationRules and gateways",
    );
}

/// The `hosts` of a VirtualService, for finding what covers a host without comparing all with all.
struct Hosts<'a> {
    service: Typed<'a, VirtualService>,
    exact: HashSet<&'a str>,
    /// What follows the `*` of each wildcard.
    suffixes: HashSet<&'a str>,
}

impl<'a> Hosts<'a> {
    fn of(service: Typed<'a, VirtualService>) -> Self {
        let hosts = || service.body.hosts.iter().map(String::as_str);
        Self {
            service,
            exact: hosts().filter(|host| !host.starts_with('*')).collect(),
            suffixes: hosts().filter_map(|host| host.strip_prefix('*')).collect(),
        }
    }

    /// Each entry by itself; whether all are good, without which istiod does not compare them.
    fn entries(&self, found: &mut Findings<'_>) -> bool {
        let mut good = true;
        for (index, host) in self.service.hosts.iter().enumerate() {
            let path = Path::spec(["hosts"]).index(index);
            if is_malformed(self.service.malformed, &path) {
                good = false;
            } else if let Some(fault) = self.fault(host) {
                refuse(&self.service.meta.key, path, host, &fault, found);
                good = false;
            }
        }
        good
    }

    fn fault(&self, host: &str) -> Option<String> {
        let mesh = self.service.is_mesh();
        if mesh && host == "*" {
            return Some("Istio rejects if sidecars apply the VirtualService".to_owned());
        }
        let fault = if mesh {
            host_fault(host)
        } else {
            gateway_host_fault(host, self.has_sni())
        };
        fault.filter(|_| !is_ip(host))
    }

    fn has_sni(&self) -> bool {
        let mut matches = self.service.tls().iter().flat_map(|route| &route.matches);
        matches.any(|entry| !entry.sni_hosts.is_empty())
    }

    /// Every entry that another one covers.
    fn repeats(&self, found: &mut Findings<'_>) {
        let mut seen = HashSet::new();
        for (index, host) in self.service.hosts.iter().enumerate() {
            let again = (!seen.insert(host)).then(|| host.clone());
            if let Some(other) = again.or_else(|| self.wider(host)) {
                self.repeat(index, host, &other, found);
            }
        }
    }

    /// A wildcard that covers the host and is not it.
    fn wider(&self, host: &str) -> Option<String> {
        let suffix = match host.strip_prefix('*') {
            Some(rest) => self.suffix_of(rest.get(1..)?),
            None => self.suffix_of(host),
        };
        suffix.map(|suffix| format!("*{suffix}"))
    }

    fn covers(&self, host: &str) -> bool {
        let end = host.strip_prefix('*').unwrap_or(host);
        self.exact.contains(host) || self.suffix_of(end).is_some()
    }

    /// The longest wildcard that a name with this end is under, without its `*`.
    fn suffix_of<'b>(&self, end: &'b str) -> Option<&'b str> {
        let mut ends = (0..=end.len()).filter_map(|start| end.get(start..));
        ends.find(|end| self.suffixes.contains(end))
    }

    fn repeat(&self, index: usize, host: &str, other: &str, found: &mut Findings<'_>) {
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

    fn sni(&self, found: &mut Findings<'_>) {
        for (index, route) in self.service.tls().iter().enumerate() {
            for (at, entry) in route.matches.iter().enumerate() {
                let path = Path::spec(["tls"]).index(index).field("match").index(at);
                for (number, host) in entry.sni_hosts.iter().enumerate() {
                    self.sni_host(path.field("sniHosts").index(number), host, found);
                }
            }
        }
    }

    fn sni_host(&self, path: Path, host: &str, found: &mut Findings<'_>) {
        let service = self.service;
        if is_malformed(service.malformed, &path) {
            return;
        }
        // istiod takes a VirtualService without gateways for one on gateways here, and here alone.
        let listed = service.gateways.iter().any(|gateway| gateway == "mesh");
        let fault = if listed {
            host_fault(host)
        } else {
            gateway_host_fault(host, true)
        };
        match fault {
            // Against the SNI specification, but taken, and compared with nothing.
            Some(_) if is_ip(host) => {}
            Some(fault) => refuse(&service.meta.key, path, host, &fault, found),
            None if self.covers(host) => {}
            None => self.uncovered(path, host, found),
        }
    }

    fn uncovered(&self, path: Path, host: &str, found: &mut Findings<'_>) {
        let message = message!("{} matches the SNI host `{host}`", self.service.meta.key)
            .in_field(&path)
            .text(", which no entry of `spec.hosts` covers (IST0106)");
        found
            .error(&self.service.meta.key, path, message)
            .subject(host)
            .help("list the SNI host, or a wildcard that covers it, in `spec.hosts`");
    }
}
