//! A VirtualService has tls or tcp routes that the Rollout does not list and the controller cannot use.
//!
//! ## What
//! The VirtualService has a `tls` (`tcp`) list, the reference has no `tlsRoutes` (`tcpRoutes`), and the list is
//! empty, or its first route has no canary or no stable destination.
//!
//! ## Why
//! The controller manages every list that exists, listed or not: it takes the first route and requires both
//! destinations, and otherwise sets the Rollout to `Degraded: InvalidSpec`. In an empty list it reads past the end
//! and panics at every reconcile (`ValidateTlsRoutes`, `ValidateTcpRoutes`).
//!
//! ## Example
//! ```yaml
//! # Rollout
//! virtualService: {name: app, routes: [primary]}
//! # VirtualService app
//! http:
//! - name: primary
//! tls: []
//! ```
//!
//! ## Fix
//! Remove an empty list. Move tls and tcp routes that do not belong to the Rollout to another VirtualService.

use std::collections::BTreeSet;

use super::parts::role_destinations::missing_destinations;
use crate::cluster::{Flow, LinkedVirtualService, List};
use crate::field::Path;
use crate::model::L4Route;
use crate::verdict::{Cause, Findings, message};

rule!(RG206, Error, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        for (path, reference) in linked.link.lists() {
            let service = linked.service;
            let lists = [(List::Tls, &service.tls), (List::Tcp, &service.tcp)];
            for (list, routes) in lists {
                let Some(routes) = routes else { continue };
                let is_unlisted = list.is_managed_by(linked.argo) && !list.is_listed(reference);
                if is_unlisted && seen.insert((linked.link.key.clone(), list)) {
                    let unlisted = Unlisted {
                        flow,
                        linked: &linked,
                        list,
                        path: path.field(list.reference_field()),
                    };
                    unlisted.check(routes, found);
                }
            }
        }
    }
}

/// A list of the VirtualService from which the reference lists no route.
struct Unlisted<'a> {
    flow: &'a Flow<'a>,
    linked: &'a LinkedVirtualService<'a>,
    list: List,
    /// The field that would list its routes.
    path: Path,
}

impl Unlisted<'_> {
    fn check(&self, routes: &[L4Route], found: &mut Findings<'_>) {
        match routes.first() {
            None => self.report_empty(found),
            Some(first) => self.check_first(first, found),
        }
    }

    fn report_empty(&self, found: &mut Findings<'_>) {
        let list = self.list.field();
        let message = message!(
            "{} has an empty `{list}` list, at which the controller of {}",
            self.linked.link.key,
            self.flow.key()
        )
        .with_field(&self.path)
        .text(" panics");
        found
            .error(self.flow.key(), self.path.clone(), message)
            .subject(format!("{} {list}", self.linked.link.key))
            .help(format!("leave `{list}` out of the VirtualService"))
            .with(&self.linked.link.key, Path::spec([list]));
    }

    fn check_first(&self, first: &L4Route, found: &mut Findings<'_>) {
        let list = self.list.field();
        let destinations = first.route.as_deref().unwrap_or_default();
        for missing in missing_destinations(self.flow, destinations) {
            let message = message!("{} lacks ", self.linked.link.key)
                .join(missing.message())
                .text(format!(
                    " in its first {list} route, which {} manages as it lists no `{}`",
                    self.flow.key(),
                    self.list.reference_field(),
                ));
            let role = missing.role.as_str();
            let place = Path::spec([list]).index(0).field("route");
            found
                .error(self.flow.key(), self.path.clone(), message)
                .subject(format!("{} {list} {role}", self.linked.link.key))
                .help(format!(
                    "list the {list} route to manage in `{}`, or move the {list} routes to a \
                     VirtualService of their own",
                    self.list.reference_field(),
                ))
                .cause(Cause::NotFound)
                .with(&self.linked.link.key, place);
        }
    }
}
