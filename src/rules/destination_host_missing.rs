//! A VirtualService sends traffic to a host that no Service and no ServiceEntry provides.
//!
//! ## What
//! For the resolved host of a destination or mirror there is no Service and no ServiceEntry, also none with a
//! wildcard, that the VirtualService's namespace sees. The rule needs to know Services and ServiceEntries: in a
//! cluster it does, and in `check` if the input has one. A host without a dot is a Service in the VirtualService's
//! namespace. Istio does not complete a host with a dot, so `reviews.prod` is not a Service.
//!
//! ## Why
//! The proxy has no cluster for the host and answers 503 (`istioctl analyze`: IST0101).
//!
//! ## Example
//! ```yaml
//! # VirtualService in namespace default; the Service reviews is in namespace prod
//! destination: {host: reviews.prod}
//! ```
//!
//! ## Fix
//! Write a host that exists; for a Service of another namespace write its full name
//! (`reviews.prod.svc.cluster.local`). Or apply the Service or ServiceEntry.

use std::collections::BTreeSet;

use super::parts::istio_names::host_fault;
use crate::cluster::{View, visible_providers};
use crate::field::Path;
use crate::model::{Host, Key, Kind, Typed, VirtualService};
use crate::verdict::{Findings, message};

rule!(
    RG502,
    Warning,
    VirtualService(check),
    reads = [Service, ServiceEntry]
);

fn check(service: Typed<'_, VirtualService>, view: &View<'_>, found: &mut Findings<'_>) {
    if !view.knows(&[Kind::Service, Kind::ServiceEntry]) {
        return;
    }
    let mut seen = BTreeSet::new();
    for (path, destination) in service.destinations() {
        // RG505 and RG507 report a host that istiod rejects.
        if destination.host == "*" || host_fault(&destination.host).is_some() {
            continue;
        }
        let host = view.resolve(&destination.host, service.meta.namespace());
        let view = view.about_host(&host);
        let provided = !visible_providers(&view, &host, service).is_empty();
        if !provided && seen.insert(host.clone()) {
            report(service, &view, path.field("host"), &host, found);
        }
    }
}

fn report(
    service: Typed<'_, VirtualService>,
    view: &View<'_>,
    path: Path,
    host: &Host,
    found: &mut Findings<'_>,
) {
    let message = message!("{} sends to `{host}`", service.meta.key)
        .in_field(&path)
        .text(format!(
            ", which no Service and no ServiceEntry {} (IST0101)",
            if view.providers(host).is_empty() {
                "provides"
            } else {
                "exported to its namespace provides"
            }
        ));
    let finding = found.warning(&service.meta.key, path, message);
    finding
        .subject(host.as_str())
        .of_host(host)
        .help(help(view, host))
        .missing_for(host);
    if let Some((namespace, name)) = host.service(&view.mesh().domain) {
        finding.seeks(Key::new(Kind::Service, namespace, name));
    }
}

/// Suggests the full name if the host is `name.namespace` of a Service that exists.
fn help(view: &View<'_>, host: &Host) -> String {
    let meant = match host.as_str().split('.').collect::<Vec<_>>().as_slice() {
        [name, namespace] | [name, namespace, "svc"] => Some(view.resolve(name, namespace)),
        _ => None,
    };
    match meant {
        Some(full) if !view.providers(&full).is_empty() => {
            format!("write `{full}`: Istio completes only names without a dot")
        }
        _ => {
            "write the name of a Service in this namespace or the full host of one elsewhere, or apply \
             what provides the host"
                .to_owned()
        }
    }
}
