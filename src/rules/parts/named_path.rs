//! A field's path with names instead of list indexes, for the subject of a finding: indexes change from one write
//! to the next.

use crate::field::{Path, Segment};
use crate::model::{DestinationRule, HttpRoute, L4Route, RouteDestination, Typed, VirtualService};
use crate::text::truncate_bytes;

/// A route without a name is named by so many destinations: each of them may have a finding.
const MAX_TARGETS: usize = 12;

/// `spec.http.primary.route.weight`. A route without a name is named by its destinations.
pub fn in_virtual_service(service: Typed<'_, VirtualService>, path: &Path) -> String {
    words(path, |list, index| match list {
        "http" => service.http().get(index).map(of_http),
        "tls" => service.tls().get(index).map(of_l4),
        "tcp" => service.tcp().get(index).map(of_l4),
        _ => None,
    })
}

/// `spec.subsets.v1.trafficPolicy`.
pub fn in_destination_rule(rule: Typed<'_, DestinationRule>, path: &Path) -> String {
    words(path, |list, index| match list {
        "subsets" => rule
            .subsets
            .get(index)
            .map(|subset| short(&subset.name).to_owned()),
        _ => None,
    })
}

/// The path without list indexes, for objects whose list entries have no names.
pub fn in_any(path: &Path) -> String {
    words(path, |_, _| None)
}

fn words(path: &Path, name_of: impl Fn(&str, usize) -> Option<String>) -> String {
    let mut words = Vec::new();
    let mut list = "";
    for segment in path.segments() {
        match segment {
            Segment::Field(name) => {
                list = name;
                words.push((*name).to_owned());
            }
            Segment::Index(index) => words.extend(name_of(list, *index)),
            Segment::Entry(key) | Segment::Unknown(key) => words.push(key.clone()),
        }
    }
    words.join(".")
}

fn of_http(route: &HttpRoute) -> String {
    if route.name.is_empty() {
        targets(route.route.as_deref())
    } else {
        short(&route.name).to_owned()
    }
}

fn of_l4(route: &L4Route) -> String {
    targets(route.route.as_deref())
}

fn targets(route: Option<&[RouteDestination]>) -> String {
    let route = route.unwrap_or_default();
    let destinations = route.iter().take(MAX_TARGETS);
    let targets = destinations.filter_map(|weighted| {
        let destination = weighted.destination.as_ref()?;
        let (host, subset) = (short(&destination.host), short(&destination.subset));
        Some(format!("{host}/{subset}"))
    });
    let targets: Vec<String> = targets.collect();
    let more = match route.len().saturating_sub(MAX_TARGETS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("({}{more})", targets.join(","))
}

/// A name as long as one in Kubernetes can be.
fn short(name: &str) -> &str {
    truncate_bytes(name, 253)
}
