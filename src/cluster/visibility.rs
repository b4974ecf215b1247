//! What a client's namespace sees of what others export: providers of a host, delegates.
//! DestinationRules have their own look-up, in `subsets`.

use super::View;
use crate::model::{Body, Host, Object, Typed, VirtualService};

/// Whether `export_to` of an object in `owner` shows it to clients in `namespace`. An empty list shows
/// it to all (the mesh's default), `~` to nobody.
pub fn is_exported(export_to: &[String], owner: &str, namespace: &str) -> bool {
    let shows = |entry: &String| match entry.as_str() {
        "*" => true,
        "." => owner == namespace,
        named => named == namespace,
    };
    export_to.is_empty() || export_to.iter().any(shows)
}

/// The Services and ServiceEntries of a host that the clients of a VirtualService see. The pods of a
/// gateway may run in any namespace, and a delegate serves its roots' clients: there all count.
pub fn visible_providers<'a>(
    view: &View<'a>,
    host: &Host,
    service: Typed<'_, VirtualService>,
) -> Vec<&'a Object> {
    let mut providers = view.providers(host);
    if service.is_mesh() && !service.is_delegate() {
        let namespace = service.meta.namespace();
        providers.retain(|provider| {
            let owner = provider.meta.namespace();
            is_exported(export_to(provider), owner, namespace)
        });
    }
    providers
}

/// The port numbers that a Service or ServiceEntry declares; none for any other object.
pub fn provided_ports(provider: &Object) -> &[i64] {
    match &provider.body {
        Body::Service(service) => &service.ports,
        Body::ServiceEntry(entry) => &entry.ports,
        _ => &[],
    }
}

fn export_to(provider: &Object) -> &[String] {
    match &provider.body {
        Body::ServiceEntry(entry) => &entry.export_to,
        _ => &provider.meta.export_to,
    }
}
