//! A VirtualService sends traffic to a host that no Service and no ServiceEntry provides.
//!
//! ## What
//! The resolved host of a destination or mirror has no Service and no ServiceEntry (one for a wildcard
//! counts) that the VirtualService's namespace sees, where Services and ServiceEntries are known: in a
//! cluster, or when the input of `check` holds one. A host without a dot is a Service of the
//! VirtualService's namespace; a host with a dot stands as it is, so that `reviews.prod` is no Service.
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
//! Write the host that is provided, a Service of another namespace in full
//! (`reviews.prod.svc.cluster.local`), or apply the Service or ServiceEntry.

use std::collections::BTreeSet;

use super::parts::istio_names::host_fault;
use crate::cluster::{View, visible_providers};
use crate::field::Path;
use crate::model::{Host, Kind, Typed, VirtualService};
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
        // A host that istiod refuses is RG505's or RG507's.
        if destination.host == "*" || host_fault(&destination.host).is_some() {
            continue;
        }
        let host = view.resolve(&destination.host, service.meta.namespace());
        let provided = !visible_providers(view, &host, service).is_empty();
        if !provided && seen.insert(host.clone()) {
            report(service, view, path.field("host"), &host, found);
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
    found
        .warning(&service.meta.key, path, message)
        .subject(host.as_str())
        .help(help(view, host))
        .missing_anything();
}

/// Where `name.namespace` is a Service, its full name is what was meant.
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
            "write the host of a Service in this namespace, a Service elsewhere in full, or apply \
              what provides the host"
                .to_owned()
        }
    }
}
