//! The pair that the controller asks of every managed route: a canary and a stable destination.

use crate::cluster::reference::{self, istio_path};
use crate::cluster::{Flow, Role, Roles, ServiceRole};
use crate::field::Path;
use crate::model::RouteDestination;
use crate::verdict::{Message, message};

/// A role for which a route has no destination.
pub struct Lack<'a> {
    pub role: Role,
    /// The subset or Service that a destination must have for the role.
    pub name: &'a str,
    /// Where the Rollout names it.
    pub field: Path,
    by_subset: bool,
}

/// The roles for which there is no destination. A role without a name is left out where rules on the
/// Rollout alone speak of it.
pub fn lacks<'a>(flow: &Flow<'a>, destinations: &[RouteDestination]) -> Vec<Lack<'a>> {
    let Some(roles) = flow.roles() else {
        return Vec::new();
    };
    let lacking = lacking_roles(&roles, destinations).into_iter();
    lacking
        .map(|role| Lack::of(flow, &roles, role))
        .filter(|lack| !lack.name.is_empty() || named_by_pair(flow, &roles))
        .collect()
}

/// Whether the controller takes the destinations for a managed route's.
pub fn is_complete(roles: &Roles<'_>, destinations: &[RouteDestination]) -> bool {
    lacking_roles(roles, destinations).is_empty()
}

fn lacking_roles(roles: &Roles<'_>, destinations: &[RouteDestination]) -> Vec<Role> {
    let destinations = || destinations.iter().filter_map(|to| to.destination.as_ref());
    let canary = destinations().any(|to| roles.proves_canary(to));
    let stable = destinations().any(|to| roles.proves_stable(to));
    let roles = [(Role::Canary, canary), (Role::Stable, stable)].into_iter();
    roles
        .filter(|(_, there)| !there)
        .map(|(role, _)| role)
        .collect()
}

/// A `pingPong` frees the Rollout from naming canary and stable Services, and counts only where it
/// names neither: with one of them the other is asked for and has no name.
fn named_by_pair(flow: &Flow<'_>, roles: &Roles<'_>) -> bool {
    let canary = flow.canary();
    roles.rule.is_none()
        && canary.is_some_and(|canary| canary.ping_pong.is_some())
        && (!roles.canary_service.is_empty() || !roles.stable_service.is_empty())
}

impl<'a> Lack<'a> {
    fn of(flow: &Flow<'a>, roles: &Roles<'a>, role: Role) -> Self {
        let canary = role == Role::Canary;
        let rule = istio_path().field("destinationRule");
        let (name, field) = match (roles.rule, canary) {
            (Some(to), true) => (
                to.canary_subset_name.as_str(),
                rule.field("canarySubsetName"),
            ),
            (Some(to), false) => (
                to.stable_subset_name.as_str(),
                rule.field("stableSubsetName"),
            ),
            (None, true) => (roles.canary_service, service_field(flow, roles, role)),
            (None, false) => (roles.stable_service, service_field(flow, roles, role)),
        };
        Self {
            role,
            name,
            field,
            by_subset: roles.rule.is_some(),
        }
    }

    /// `canary subset `v2` (`spec….canarySubsetName`)`.
    pub fn text(&self) -> Message {
        let kind = if self.by_subset { "subset" } else { "Service" };
        let role = self.role.as_str();
        if self.name.is_empty() {
            return message!("a {role} {kind} (`{}` names none)", self.field);
        }
        message!("{role} {kind} `{}`", self.name).with_field(&self.field)
    }
}

/// The field that names the Service of the role: `canaryService`, or a ping-pong one.
pub fn service_field(flow: &Flow<'_>, roles: &Roles<'_>, role: Role) -> Path {
    let (name, otherwise) = match role {
        Role::Canary => (roles.canary_service, ServiceRole::Canary),
        _ => (roles.stable_service, ServiceRole::Stable),
    };
    let mut links = reference::services(flow.rollout);
    let link = links.find(|link| *link.key.name == *name);
    link.map_or_else(|| otherwise.path(), |link| link.path)
}
