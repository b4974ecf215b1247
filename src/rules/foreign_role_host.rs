//! The host of a canary or stable destination is not the Service of that role.
//!
//! ## What
//! The Rollout has no `destinationRule`, so the controller recognizes the canary and stable destinations by the names
//! of their Services. The host of such a destination, resolved in the VirtualService's namespace, is not that Service
//! in the Rollout's namespace: it is in another namespace, or, written as `name.namespace`, it does not exist.
//!
//! ## Why
//! The controller compares only the part of the host before the first dot, and changes the weight. Istio sends the
//! traffic to the host as it is written. Istio does not complete a host that has a dot, so `app-canary.prod` is not a
//! Service and the proxy answers 503.
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
//! Write the full host, such as `app-canary.prod.svc.cluster.local`, or in the Rollout's own namespace the name of
//! the Service.

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
                let wrong = WrongHost::of(flow, &roles, &linked, to);
                let Some(wrong) = wrong else { continue };
                if seen.insert(wrong.subject()) {
                    wrong.report(place.fields(["destination", "host"]), found);
                }
            }
        }
    }
}

/// A destination that has a role but does not send to the role's Service.
struct WrongHost<'a> {
    flow: &'a Flow<'a>,
    linked: &'a LinkedVirtualService<'a>,
    to: &'a Destination,
    role: Role,
    /// Where the Rollout names the Service.
    field: Path,
    service: Key,
    service_host: Host,
}

impl<'a> WrongHost<'a> {
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
        let service_host = flow.view.service_host(&service);
        let host = linked.host(to, &flow.view);
        // With another domain (a mesh of several clusters, another cluster domain) it is still the Service.
        let same_service = host
            .as_str()
            .starts_with(&format!("{name}.{namespace}.svc."));
        (host != service_host && !same_service).then_some(Self {
            flow,
            linked,
            to,
            role,
            field: service_field(flow, roles, role),
            service,
            service_host,
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
            .help(format!("write `{}`", self.service_host))
            .with(&self.linked.link.key, place);
    }

    /// Names the Service and not its role: with `pingPong` the role changes at each release.
    fn subject(&self) -> String {
        let service = &self.service.name;
        format!("{} {service} {}", self.linked.link.key, self.to.host)
    }
}
