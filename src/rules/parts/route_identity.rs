//! What identifies a route across writes, for the subject of a finding: list indexes change.

use crate::cluster::{List, ManagedRoute};
use crate::model::{Typed, VirtualService};

/// The name of an http route; what a tls or tcp route matches, because it has no name.
pub fn route_identity(service: Typed<'_, VirtualService>, route: &ManagedRoute<'_>) -> String {
    let routes = match route.list {
        List::Http => return format!("http {}", route.name),
        List::Tls => service.tls(),
        List::Tcp => service.tcp(),
    };
    let matches = routes.get(route.index).into_iter();
    let matches = matches.flat_map(|route| &route.matches);
    let texts = matches.map(|entry| format!("{} {}", entry.port, entry.sni_hosts.join(",")));
    let texts: Vec<String> = texts.collect();
    format!("{} {}", route.list.field(), texts.join(";"))
}
