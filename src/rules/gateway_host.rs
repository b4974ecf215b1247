//! A VirtualService is bound to a Gateway that does not admit its hosts.
//!
//! ## What
//! The rule reports
//! - a Gateway in `gateways` none of whose servers admits any of the VirtualService's `hosts`;
//! - a host that no Gateway in `gateways` admits, if sidecars do not apply the VirtualService (`gateways` has no
//!   `mesh`) and all of the Gateways are known.
//!
//! A server admits a host if an entry of its `hosts` covers it, or the other way round. An entry `namespace/host` only
//! admits hosts of VirtualServices in that namespace; `.` is the Gateway's own namespace.
//!
//! ## Why
//! The gateway's proxies do not apply the VirtualService to this host: its requests get 404, and there is no error
//! (`pickMatchingGatewayHosts`; `istioctl analyze`: IST0132).
//!
//! ## Example
//! ```yaml
//! # Gateway public
//! servers: [{hosts: ["*.example.com"]}]
//! # VirtualService
//! gateways: [public]
//! hosts: [app.example.org]
//! ```
//!
//! ## Fix
//! Add the host to a server of the Gateway, or correct the host.

use std::collections::BTreeSet;

use super::parts::host_set::HostSet;
use super::parts::names::quoted;
use crate::cluster::{View, reference};
use crate::field::Path;
use crate::model::{Gateway, Key, Object, Typed, VirtualService};
use crate::verdict::{Findings, message};

rule!(RG514, Warning, VirtualService(check), reads = [Gateway]);

fn check(service: Typed<'_, VirtualService>, view: &View<'_>, found: &mut Findings<'_>) {
    let list = Path::spec(["hosts"]);
    if service.hosts.is_empty() || service.is_malformed(&list) {
        return;
    }
    let namespace = service.meta.namespace();
    let complete = |host: &String| view.resolve(host, namespace).as_str().to_owned();
    let resolved: Vec<String> = service.body.hosts.iter().map(complete).collect();
    let hosts = service.body.hosts.iter().chain(&resolved);
    let hosts = Overlapping::of(hosts.map(String::as_str));
    let mut admitted = Vec::new();
    let mut is_reported = false;
    let mut all_known = !service.is_mesh();
    let mut seen = BTreeSet::new();
    for (path, key) in reference::gateways(service) {
        let gateway = view.get(&key).and_then(Object::gateway);
        let Some(gateway) = gateway.filter(|known| known.malformed.is_empty()) else {
            all_known = false;
            continue;
        };
        if !seen.insert(key.clone()) {
            continue;
        }
        let entries = gateway.body.hosts.iter();
        let entries =
            entries.filter_map(|entry| host_for(entry, gateway.meta.namespace(), namespace));
        let before = admitted.len();
        admitted.extend(entries.filter(|entry| hosts.overlap(entry)));
        if admitted.len() == before {
            is_reported = true;
            report_gateway(service, path, (&key, gateway.body), found);
        }
    }
    if !all_known || is_reported {
        return;
    }
    let admitted = Overlapping::of(admitted.into_iter());
    let both = service.body.hosts.iter().zip(&resolved).enumerate();
    for (index, (host, resolved)) in both {
        if !admitted.overlap(host) && !admitted.overlap(resolved) {
            report_host(service, list.index(index), host, found);
        }
    }
}

/// The host of an entry for VirtualServices of the namespace; `None` if the entry is for others
/// (`sanitizeServerHostNamespace`).
fn host_for<'a>(entry: &'a str, own: &str, namespace: &str) -> Option<&'a str> {
    let Some((scope, host)) = entry.split_once('/') else {
        return Some(entry);
    };
    let scope = if scope == "." { own } else { scope };
    (scope == "*" || scope == namespace).then_some(host)
}

/// Hosts that can be asked for those that overlap another: one of the two covers the other (Istio's `Name.Matches`).
struct Overlapping<'a> {
    set: HostSet<'a>,
    /// All that are under a wildcard are one range.
    reversed: BTreeSet<String>,
}

impl<'a> Overlapping<'a> {
    fn of(hosts: impl Iterator<Item = &'a str> + Clone) -> Self {
        Self {
            set: HostSet::of(hosts.clone()),
            reversed: hosts.map(reversed).collect(),
        }
    }

    fn overlap(&self, host: &str) -> bool {
        let is_under = |suffix: &str| {
            let stem = reversed(suffix);
            let first = self.reversed.range(stem.clone()..).next();
            first.is_some_and(|first| first.starts_with(&stem))
        };
        self.set.covers(host) || host.strip_prefix('*').is_some_and(is_under)
    }
}

fn reversed(host: &str) -> String {
    host.chars().rev().collect()
}

fn report_gateway(
    service: Typed<'_, VirtualService>,
    path: Path,
    (key, gateway): (&Key, &Gateway),
    found: &mut Findings<'_>,
) {
    let servers = quoted(gateway.hosts.iter().map(String::as_str));
    let message = message!("{} is bound to {key}", service.meta.key)
        .in_field(&path)
        .text(format!(
            ", which admits none of its `hosts`, but {servers} (IST0132)"
        ));
    found
        .warning(&service.meta.key, path, message)
        .subject(key.full_name())
        .help("add the host to a server of the Gateway, or correct `spec.hosts`")
        .with(key, Path::spec(["servers"]));
}

fn report_host(
    service: Typed<'_, VirtualService>,
    path: Path,
    host: &str,
    found: &mut Findings<'_>,
) {
    let message = message!("{} has the host `{host}`", service.meta.key)
        .in_field(&path)
        .text(", which none of its Gateways admits (IST0132)");
    found
        .warning(&service.meta.key, path, message)
        .subject(host)
        .help("add the host to a server of a Gateway, or add `mesh` to `gateways` if sidecars should apply it");
}
