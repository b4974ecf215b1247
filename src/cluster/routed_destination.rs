//! The canary and stable destinations of a flow's managed routes.

use super::flow::{Flow, LinkedVirtualService};
use super::role::{Role, Roles};
use super::view::View;
use crate::field::Path;
use crate::model::{Destination, Host, Key, Kind};

/// One canary or stable destination in a managed route.
#[derive(Clone, Debug)]
pub struct RoutedDestination<'a> {
    /// The Rollout's reference to its VirtualService.
    pub reference: Path,
    /// The VirtualService with the route.
    pub virtual_service: &'a Key,
    /// Its `destination` object in the VirtualService.
    pub path: Path,
    /// Its role in the flow.
    pub role: Role,
    /// As it is written.
    pub destination: &'a Destination,
    /// Its host, completed in the namespace of the VirtualService.
    pub host: Host,
    /// The role comes from its subset, not from its Service.
    pub by_subset: bool,
}

impl<'a> Flow<'a> {
    /// The canary and stable destinations of all managed routes, without inserted mirror routes.
    pub fn routed(&self) -> Vec<RoutedDestination<'a>> {
        let Some(roles) = self.roles() else {
            return Vec::new();
        };
        let linked = self.virtual_services();
        linked
            .flat_map(|linked| routed_by(&linked, &roles, &self.view))
            .collect()
    }
}

impl RoutedDestination<'_> {
    /// The Service of the host, if the host has the form of a Service's.
    pub fn service(&self, view: &View<'_>) -> Option<Key> {
        let (namespace, name) = self.host.service(&view.mesh().domain)?;
        Some(Key::new(Kind::Service, namespace, name))
    }
}

fn routed_by<'a>(
    linked: &LinkedVirtualService<'a>,
    roles: &Roles<'a>,
    view: &View<'a>,
) -> Vec<RoutedDestination<'a>> {
    let mut routed = Vec::new();
    for route in linked.managed_routes() {
        for (path, entry) in route.entries() {
            let Some(destination) = &entry.destination else {
                continue;
            };
            let Some(role @ (Role::Canary | Role::Stable)) = roles.role(destination) else {
                continue;
            };
            let proven = roles.proves_canary(destination) || roles.proves_stable(destination);
            routed.push(RoutedDestination {
                reference: linked.link.path(),
                virtual_service: &linked.service.meta.key,
                path: path.field("destination"),
                role,
                destination,
                host: linked.host(destination, view),
                by_subset: roles.rule.is_some() && proven,
            });
        }
    }
    routed
}
