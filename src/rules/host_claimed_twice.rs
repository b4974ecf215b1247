//! Two VirtualServices that sidecars apply have the same host.
//!
//! ## What
//! Two VirtualServices of the mesh (without `gateways`, or with `mesh` in it) have a host in common, each resolved in
//! its own namespace, and by their `exportTo` at least one namespace sees both. The rule reports both of them.
//!
//! ## Why
//! A sidecar applies one VirtualService per host and ignores the other without a warning. The weights in the other
//! have no effect (`istioctl analyze`: IST0109).
//!
//! ## Example
//! ```yaml
//! # VirtualService prod/app
//! hosts: [app]
//! # VirtualService prod/app-admin
//! hosts: [app.prod.svc.cluster.local]
//! ```
//!
//! ## Fix
//! Put all routes of the host in one VirtualService, delegate to the others, or export them to different namespaces.

use std::collections::BTreeSet;

use crate::cluster::{ExportTo, View};
use crate::field::Path;
use crate::model::{Host, Typed, VirtualService};
use crate::verdict::{Cause, Findings, message};

rule!(RG213, Warning, VirtualService(check));

fn check(service: Typed<'_, VirtualService>, view: &View<'_>, found: &mut Findings<'_>) {
    if !service.is_mesh() {
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, host) in service.hosts.iter().enumerate() {
        let host = view.resolve(host, service.meta.namespace());
        let others = with_same_host(service, view, &host);
        if others.is_empty() || !seen.insert(host.clone()) {
            continue;
        }
        let path = Path::spec(["hosts"]).index(index);
        let names: Vec<String> = others.iter().map(|to| to.meta.key.to_string()).collect();
        let message = message!("sidecars apply only one of {}", service.meta.key)
            .with_field(&path)
            .text(format!(", {} to host `{host}` (IST0109)", names.join(", ")));
        let finding = found.warning(&service.meta.key, path, message);
        finding
            .subject(host.as_str())
            .cause(Cause::Duplicate)
            .mutual()
            .help("put the routes of the host in one VirtualService, or delegate to the other");
        for other in others {
            finding.with(&other.meta.key, place(other, view, &host));
        }
    }
}

/// The first three other VirtualServices with the host that some namespace sees together with this one.
fn with_same_host<'a>(
    service: Typed<'_, VirtualService>,
    view: &View<'a>,
    host: &Host,
) -> Vec<Typed<'a, VirtualService>> {
    view.virtual_services_claiming(host)
        .filter(|other| other.meta.key != service.meta.key && share_namespace(&service, other))
        .take(MAX_OTHERS)
        .collect()
}

/// Whether some namespace sees both.
fn share_namespace(one: &Typed<'_, VirtualService>, other: &Typed<'_, VirtualService>) -> bool {
    let (one, other) = (export_to(*one).namespaces(), export_to(*other).namespaces());
    match (one.contains("*"), other.contains("*")) {
        (true, _) => !other.is_empty(),
        (_, true) => !one.is_empty(),
        _ => !one.is_disjoint(&other),
    }
}

fn export_to(service: Typed<'_, VirtualService>) -> ExportTo<'_> {
    ExportTo::new(&service.body.export_to, &service.meta.key.namespace)
}

/// Where the VirtualService names the host.
fn place(service: Typed<'_, VirtualService>, view: &View<'_>, host: &Host) -> Path {
    let resolve = |name: &String| view.resolve(name, service.meta.namespace());
    let mut hosts = service.hosts.iter();
    let index = hosts.position(|name| resolve(name) == *host);
    Path::spec(["hosts"]).index(index.unwrap_or_default())
}

/// How many other VirtualServices a message names.
const MAX_OTHERS: usize = 3;
