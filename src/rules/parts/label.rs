//! How messages and subjects name routes and destinations, and list names.

use crate::cluster::{List, ManagedRoute};
use crate::model::{Destination, Typed, VirtualService};

/// The names in backticks, or `none`; of many the first ones and how many more.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names = names.into_iter().filter(|name| !name.is_empty());
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() {
        "none".to_owned()
    } else {
        few(&quoted, 12)
    }
}

/// The first `most` of several texts, and how many more there are.
pub fn few(texts: &[String], most: usize) -> String {
    let shown = texts.get(..most).unwrap_or(texts).join(", ");
    match texts.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A route as subjects name it: by its name, or by what it matches where it cannot have one.
pub fn identity(service: Typed<'_, VirtualService>, route: &ManagedRoute<'_>) -> String {
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
