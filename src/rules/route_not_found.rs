//! A Rollout lists a route that the VirtualService does not have.
//!
//! ## What
//! A name in `routes`, or an entry of `tlsRoutes` or `tcpRoutes`, matches no route in the VirtualService's list of
//! that kind. A VirtualService without that list is not checked.
//!
//! VirtualServices with the same plain name in several namespaces must also have the routes of the first reference:
//! the controller validates all of them with its lists.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops: no weight changes and no abort takes effect
//! until the route exists (`ValidateHTTPRoutes`, `ValidateTlsRoutes`, `ValidateTcpRoutes`).
//!
//! ## Example
//! ```yaml
//! # Rollout
//! virtualService: {name: app, routes: [primary]}
//! # VirtualService app
//! http:
//! - name: main
//! ```
//!
//! ## Fix
//! Give the route the name that the Rollout lists. To rename it, between releases, add the new route behind
//! the old one, change the Rollout's reference, then delete the old route.

use std::collections::{BTreeSet, HashSet};

use super::parts::names::quoted;
use super::parts::suggest::{did_you_mean, nearest};
use crate::cluster::{Flow, L4Routes, LinkedVirtualService, List};
use crate::field::Path;
use crate::model::VirtualServiceRef;
use crate::verdict::{Cause, Findings, message};

rule!(RG202, Error, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        for (path, reference) in linked.link.lists() {
            for unresolved in unresolved(reference, &linked) {
                if seen.insert((linked.link.key.clone(), unresolved.subject.clone())) {
                    report(flow, &linked, &path, &unresolved, found);
                }
            }
        }
    }
}

/// A route that the Rollout lists and the VirtualService does not have.
struct Unresolved {
    list: List,
    /// The index in the reference's list.
    index: usize,
    subject: String,
    /// How the message names the route.
    text: String,
    help: String,
    /// The name that was probably meant, if the reference does not list it already.
    correct_name: Option<String>,
}

fn unresolved(reference: &VirtualServiceRef, linked: &LinkedVirtualService<'_>) -> Vec<Unresolved> {
    let mut missing = http(reference, linked);
    missing.extend(tls(reference, linked));
    if List::Tcp.is_managed_by(linked.argo) {
        missing.extend(tcp(reference, linked));
    }
    missing
}

fn http(reference: &VirtualServiceRef, linked: &LinkedVirtualService<'_>) -> Vec<Unresolved> {
    let Some(routes) = &linked.service.http else {
        return Vec::new();
    };
    let names = || routes.iter().map(|route| route.name.as_str());
    let known: HashSet<&str> = names().collect();
    let listed_names: HashSet<&str> = reference.routes.iter().map(String::as_str).collect();
    let listed = reference.routes.iter().enumerate();
    let unknown = listed.filter(|(_, name)| !known.contains(name.as_str()));
    unknown
        .map(|(index, name)| Unresolved {
            list: List::Http,
            index,
            subject: name.clone(),
            text: format!("route `{name}`"),
            help: format!(
                "{}its http routes: {}",
                did_you_mean(name, names()),
                quoted(names())
            ),
            correct_name: nearest(name, names())
                .filter(|name| !listed_names.contains(name))
                .map(str::to_owned),
        })
        .collect()
}

fn tls(reference: &VirtualServiceRef, linked: &LinkedVirtualService<'_>) -> Vec<Unresolved> {
    if linked.service.tls.is_none() {
        return Vec::new();
    }
    let routes = L4Routes::of(linked.service.body);
    let entries = reference.tls_routes.iter().enumerate();
    let unknown = entries.filter(|(_, entry)| routes.tls(entry).is_empty());
    unknown
        .map(|(index, entry)| Unresolved {
            list: List::Tls,
            index,
            subject: format!("tls {} {}", entry.port, entry.sni_hosts.join(",")),
            text: format!(
                "tls route with port {} and SNI hosts {}",
                entry.port,
                quoted(entry.sni_hosts.iter().map(String::as_str))
            ),
            help: "a tls route is found by its one port (0 if none) and all its SNI hosts".into(),
            correct_name: None,
        })
        .collect()
}

fn tcp(reference: &VirtualServiceRef, linked: &LinkedVirtualService<'_>) -> Vec<Unresolved> {
    if linked.service.tcp.is_none() {
        return Vec::new();
    }
    let routes = L4Routes::of(linked.service.body);
    let entries = reference.tcp_routes.iter().enumerate();
    let unknown = entries.filter(|(_, entry)| routes.tcp(entry).is_empty());
    unknown
        .map(|(index, entry)| Unresolved {
            list: List::Tcp,
            index,
            subject: format!("tcp {}", entry.port),
            text: format!("tcp route with port {}", entry.port),
            help: "a tcp route is found by its one port (0 if none)".into(),
            correct_name: None,
        })
        .collect()
}

fn report(
    flow: &Flow<'_>,
    linked: &LinkedVirtualService<'_>,
    reference: &Path,
    unresolved: &Unresolved,
    found: &mut Findings<'_>,
) {
    let field = unresolved.list.reference_field();
    let path = reference.field(field).index(unresolved.index);
    let same_name = if *reference == linked.link.path() {
        ""
    } else {
        SAME_NAME_HELP
    };
    let message = message!("{} lists {}", flow.key(), unresolved.text)
        .in_field(&path)
        .text(format!(", which {} does not have", linked.link.key));
    found
        .error(flow.key(), path, message)
        .subject(format!("{} {}", linked.link.key, unresolved.subject))
        .help(format!("{}{RENAME_HELP}{same_name}", unresolved.help))
        .cause(Cause::NotFound)
        .respell(unresolved.correct_name.as_deref())
        .awaits(&linked.link.key)
        .with(&linked.link.key, Path::spec([unresolved.list.field()]));
}

const RENAME_HELP: &str = "; to rename a route, add the new one behind the old, move the Rollout's \
                           reference, then drop the old one";
const SAME_NAME_HELP: &str = "; the controller also validates VirtualServices of the same name in other \
                              namespaces with the lists of the first reference";
