//! How messages and subjects name routes and destinations, and list names.

use crate::cluster::{List, ManagedRoute};
use crate::model::{Destination, VirtualService};

/// The names in backticks, or `none`.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names = names.into_iter().filter(|name| !name.is_empty());
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() {
        "none".to_owned()
    } else {
        quoted.join(", ")
    }
}

/// A route as subjects name it: by its name, or by what it matches where it cannot have one.
pub fn identity(service: &VirtualService, route: &ManagedRoute<'_>) -> String {
    let routes = match route.list {
        List::Http => return format!("http {}", route.name),
        List::Tls => service.tls(),
        List::Tcp => service.tcp(),
    };
    let matches = routes
        .get(route.index)
        .map_or(&[][..], |route| &route.matches);
    let text = matches.iter().map(|entry| {
        let hosts = entry.sni_hosts.join(",");
        format!("{} {hosts}", entry.port)
    });
    let text: Vec<String> = text.collect();
    format!("{} {}", route.list.field(), text.join(";"))
}

/// A destination's host, and its subset where it has one.
pub fn destination(destination: &Destination) -> String {
    match destination.subset.as_str() {
        "" => format!("`{}`", destination.host),
        subset => format!("`{}` subset `{subset}`", destination.host),
    }
}
