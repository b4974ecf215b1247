//! Two VirtualServices that sidecars apply are for one host.
//!
//! ## What
//! Two VirtualServices of the mesh (no `gateways`, or `mesh` among them) have a host in common, each
//! resolved in its own namespace, and some namespace sees both by their `exportTo`. Each of them is
//! told.
//!
//! ## Why
//! A sidecar applies one VirtualService to a host and drops the other without a word: weights written
//! to the dropped one move nothing (`istioctl analyze`: IST0109).
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
//! Put all routes of the host in one VirtualService, delegate to the others, or export them to
//! different namespaces.

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
        let rivals = rivals(service, view, &host);
        if rivals.is_empty() || !seen.insert(host.clone()) {
            continue;
        }
        let path = Path::spec(["hosts"]).index(index);
        let names: Vec<String> = rivals.iter().map(|to| to.meta.key.to_string()).collect();
        let message = message!("sidecars apply only one of {}", service.meta.key)
            .with_field(&path)
            .text(format!(", {} to host `{host}` (IST0109)", names.join(", ")));
        let finding = found.warning(&service.meta.key, path, message);
        finding
            .subject(host.as_str())
            .cause(Cause::Duplicate)
            .mutual()
            .help("put the routes of the host in one VirtualService, or delegate to the other");
        for rival in rivals {
            finding.with(&rival.meta.key, place(rival, view, &host));
        }
    }
}

/// Other VirtualServices that claim the host where this one does; of many the first three.
fn rivals<'a>(
    service: Typed<'_, VirtualService>,
    view: &View<'a>,
    host: &Host,
) -> Vec<Typed<'a, VirtualService>> {
    let claiming = view.virtual_services_claiming(host).into_iter();
    claiming
        .filter(|other| other.meta.key != service.meta.key && meet(&service, other))
        .take(3)
        .collect()
}

/// Whether some namespace sees both.
fn meet(one: &Typed<'_, VirtualService>, other: &Typed<'_, VirtualService>) -> bool {
    let (one, other) = (export_to(*one).namespaces(), export_to(*other).namespaces());
    let all = |reach: &BTreeSet<&str>| reach.contains("*");
    let seen = |reach: &BTreeSet<&str>| !reach.is_empty();
    match (all(&one), all(&other)) {
        (true, _) => seen(&other),
        (_, true) => seen(&one),
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
