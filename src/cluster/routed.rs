//! The destinations of a flow's managed routes that take the canary's or the stable pods' traffic.

use super::{Flow, LinkedVirtualService, Role, Roles, View};
use crate::field::Path;
use crate::model::{Destination, Host, Key, Kind};

/// One canary or stable destination in a managed route.
#[derive(Clone, Debug)]
pub struct RoutedDestination<'a> {
    /// The Rollout's reference to its VirtualService.
    pub reference: Path,
    pub virtual_service: &'a Key,
    /// Its `destination` object in the VirtualService.
    pub path: Path,
    pub role: Role,
    pub destination: &'a Destination,
    pub host: Host,
    /// Its subset is the DestinationRule's of its role, not its Service's name alone.
    pub by_subset: bool,
}

impl<'a> Flow<'a> {
    /// The canary and stable destinations of all managed routes, inserted mirror routes aside.
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
    /// The Service that the host names, if it has the form of one.
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
        let path = route.path().field("route");
        for (index, weighted) in route.destinations.iter().enumerate() {
            let Some(destination) = &weighted.destination else {
                continue;
            };
            let Some(role @ (Role::Canary | Role::Stable)) = roles.role(destination) else {
                continue;
            };
            let proven = roles.proves_canary(destination) || roles.proves_stable(destination);
            routed.push(RoutedDestination {
                reference: linked.link.path.clone(),
                virtual_service: &linked.service.meta.key,
                path: path.index(index).field("destination"),
                role,
                destination,
                host: linked.host(destination, view),
                by_subset: roles.rule.is_some() && proven,
            });
        }
    }
    routed
}
