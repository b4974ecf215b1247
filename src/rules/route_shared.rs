//! Two Rollouts manage one route of a VirtualService.
//!
//! ## What
//! Another Rollout, of any namespace and not being deleted, manages a route that this Rollout manages
//! too: an http route by name, the only or the first unnamed one, or a tls or tcp route.
//!
//! ## Why
//! Both write the route's weights, and each deletes the destinations that it does not know: the other's
//! canary and stable.
//!
//! ## Example
//! ```yaml
//! # Rollout app
//! virtualService: {name: app, routes: [primary]}
//! # Rollout app-next
//! virtualService: {name: app, routes: [primary]}
//! ```
//!
//! ## Fix
//! Give each Rollout a route of its own; several Rollouts may share a VirtualService.

use std::collections::BTreeSet;

use crate::cluster::{Flow, LinkedVirtualService, List, ManagedRoute};
use crate::field::Path;
use crate::model::{Key, Rollout, Typed, VirtualService};
use crate::text::first_of;
use crate::verdict::{Cause, Findings, message};

rule!(RG602, Error, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut told = BTreeSet::new();
    for linked in flow.virtual_services() {
        for shared in sharers(flow, &linked) {
            let subject = subject(linked.service, &shared.route);
            if told.insert((linked.link.key.clone(), subject.clone())) {
                shared.report(flow, &linked, &subject, found);
            }
        }
    }
}

/// A route that several Rollouts manage.
struct Shared<'a> {
    route: ManagedRoute<'a>,
    /// The others, with the path of their reference; not all of very many.
    others: Vec<(&'a Key, Path)>,
}

/// The routes of the VirtualService that other Rollouts manage too.
fn sharers<'a>(flow: &Flow<'a>, linked: &LinkedVirtualService<'a>) -> Vec<Shared<'a>> {
    let mut routes: Vec<Shared<'a>> = linked
        .managed_routes()
        .into_iter()
        .map(|route| Shared {
            route,
            others: Vec::new(),
        })
        .collect();
    for other in flow.others_using(&linked.link.key) {
        for (route, theirs) in shared(linked, other, flow) {
            let place = (route.list, route.index);
            let mut own = routes.iter_mut();
            if let Some(own) = own.find(|own| (own.route.list, own.route.index) == place) {
                own.others
                    .push((&other.meta.key, theirs.link.path.field("name")));
            }
        }
        if routes.iter().all(|route| route.others.len() > MOST_TOLD) {
            break;
        }
    }
    routes.retain(|route| !route.others.is_empty());
    routes
}

/// The routes of the VirtualService that the other Rollout manages too, with its reference.
fn shared<'a>(
    linked: &LinkedVirtualService<'a>,
    other: Typed<'a, Rollout>,
    flow: &Flow<'a>,
) -> Vec<(ManagedRoute<'a>, LinkedVirtualService<'a>)> {
    let other = Flow::of(other, flow.view);
    let references = other.virtual_services();
    let references = references.filter(|theirs| theirs.link.key == linked.link.key);
    let both = references.flat_map(|theirs| {
        let managed = theirs.managed_routes();
        let is_theirs = move |route: &ManagedRoute<'_>| {
            let mut managed = managed.iter();
            managed.any(|other| (other.list, other.index) == (route.list, route.index))
        };
        let routes = linked.managed_routes().into_iter();
        routes
            .filter(is_theirs)
            .map(move |route| (route, theirs.clone()))
    });
    both.collect()
}

impl Shared<'_> {
    fn report(
        self,
        flow: &Flow<'_>,
        linked: &LinkedVirtualService<'_>,
        subject: &str,
        found: &mut Findings<'_>,
    ) {
        let path = linked.link.path.field("name");
        let names: Vec<String> = self.others.iter().map(|(key, _)| key.to_string()).collect();
        let message = message!(
            "{} manages route {} of {}",
            flow.key(),
            self.route.label(),
            linked.link.key
        )
        .by_field(&path)
        .text(format!(
            ", and so does {}: each writes its weights",
            first_of(&names, MOST_TOLD)
        ));
        let finding = found.error(flow.key(), path, message);
        finding
            .subject(format!("{} {subject}", linked.link.key))
            .help("give each Rollout a route of its own, and list its name in `routes`")
            .cause(Cause::Duplicate)
            .with(&linked.link.key, self.route.path())
            .harms_others()
            .mutual();
        for (key, path) in self.others.into_iter().take(MOST_TOLD) {
            finding.with(key, path);
        }
    }
}

/// What tells the route from others: its name, for tls and tcp the ports and SNI hosts it matches.
fn subject(service: Typed<'_, VirtualService>, route: &ManagedRoute<'_>) -> String {
    let l4 = match route.list {
        List::Http => return format!("http {}", route.name),
        List::Tls => service.tls(),
        List::Tcp => service.tcp(),
    };
    let matches = l4.get(route.index).into_iter().flat_map(|l4| &l4.matches);
    let matches = matches.map(|one| format!(" {} {}", one.port, one.sni_hosts.join(",")));
    format!("{}{}", route.list.field(), matches.collect::<String>())
}

/// How many other Rollouts a message names.
const MOST_TOLD: usize = 3;
