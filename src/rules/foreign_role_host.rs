//! A canary or stable destination's host is not the Service of that role.
//!
//! ## What
//! The Rollout tells canary and stable apart by Services (no `destinationRule`), and the host of a
//! destination that has one of the roles resolves, in the VirtualService's namespace, to something else
//! than that Service in the Rollout's namespace: another namespace's, or, as `name.namespace`, nothing.
//!
//! ## Why
//! The controller compares the part before the first dot only and turns the weight; Istio sends the
//! traffic to the host as it stands. A host with a dot is never completed, so that `app-canary.prod`
//! is no Service and the proxy answers 503.
//!
//! ## Example
//! ```yaml
//! # Rollout prod/app
//! canaryService: app-canary
//! # VirtualService prod/app
//! destination: {host: app-canary.prod}
//! ```
//!
//! ## Fix
//! Write the full host, `app-canary.prod.svc.cluster.local`, or in the Rollout's own namespace the short
//! one.

use std::collections::BTreeSet;

use super::parts::role_destinations::service_field;
use crate::cluster::{Flow, LinkedVirtualService, Role, Roles};
use crate::field::Path;
use crate::model::{Destination, Host, Key, Kind};
use crate::verdict::{Findings, message};

rule!(RG212, Warning, Rollout(check), reads = [VirtualService]);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(roles) = flow.roles().filter(|roles| roles.rule.is_none()) else {
        return;
    };
    let mut seen = BTreeSet::new();
    for linked in flow.virtual_services() {
        for route in linked.managed_routes() {
            for (place, entry) in route.entries() {
                let Some(to) = entry.destination.as_ref() else {
                    continue;
                };
                let foreign = Foreign::of(flow, &roles, &linked, to);
                let Some(foreign) = foreign else { continue };
                if seen.insert(foreign.subject()) {
                    foreign.report(place.fields(["destination", "host"]), found);
                }
            }
        }
    }
}

/// A destination of a role that goes elsewhere than to the role's Service.
struct Foreign<'a> {
    flow: &'a Flow<'a>,
    linked: &'a LinkedVirtualService<'a>,
    to: &'a Destination,
    role: Role,
    /// Where the Rollout names the Service.
    field: Path,
    service: Key,
    wanted: Host,
}

impl<'a> Foreign<'a> {
    fn of(
        flow: &'a Flow<'a>,
        roles: &Roles<'_>,
        linked: &'a LinkedVirtualService<'a>,
        to: &'a Destination,
    ) -> Option<Self> {
        let role = roles.role(to)?;
        let name = match role {
            Role::Canary => roles.canary_service,
            Role::Stable => roles.stable_service,
            Role::Experiment | Role::Additional => return None,
        };
        let namespace = &flow.key().namespace;
        let service = Key::new(Kind::Service, namespace, name);
        let wanted = flow.view.service_host(&service);
        let host = linked.host(to, &flow.view);
        // Under another domain (a mesh of clusters, an unknown cluster domain) it is the same Service.
        let same_service = host
            .as_str()
            .starts_with(&format!("{name}.{namespace}.svc."));
        (host != wanted && !same_service).then_some(Self {
            flow,
            linked,
            to,
            role,
            field: service_field(flow, roles, role),
            service,
            wanted,
        })
    }

    fn report(&self, place: Path, found: &mut Findings<'_>) {
        let host = self.linked.host(self.to, &self.flow.view);
        let message = message!("{} sends to `{host}`", self.linked.link.key)
            .in_field(&place)
            .text(format!(
                ", not to {} {} of {}",
                self.role.as_str(),
                self.service,
                self.flow.key()
            ))
            .with_field(&self.field);
        found
            .warning(self.flow.key(), self.field.clone(), message)
            .subject(self.subject())
            .help(format!("write `{}`", self.wanted))
            .with(&self.linked.link.key, place);
    }

    /// By the Service and not by its role, which a ping-pong changes at each release.
    fn subject(&self) -> String {
        let service = &self.service.name;
        format!("{} {service} {}", self.linked.link.key, self.to.host)
    }
}
