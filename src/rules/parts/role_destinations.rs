//! The canary and the stable destination, which the controller requires of every managed route.

use crate::cluster::reference::{self, istio_path};
use crate::cluster::{Flow, Role, Roles, ServiceRole};
use crate::field::Path;
use crate::model::RouteDestination;
use crate::verdict::{Message, message};

/// The destination of a role that a route does not have.
pub struct MissingDestination<'a> {
    pub role: Role,
    /// The subset or Service that a destination must have for the role.
    pub name: &'a str,
    /// Where the Rollout names it.
    pub field: Path,
    by_subset: bool,
}

/// The destinations that the route does not have. If the Rollout names no subset or Service for a role, another rule
/// reports that, unless `pingPong` is why none is named.
pub fn missing_destinations<'a>(
    flow: &Flow<'a>,
    destinations: &[RouteDestination],
) -> Vec<MissingDestination<'a>> {
    let Some(roles) = flow.roles() else {
        return Vec::new();
    };
    let missing = missing_roles(&roles, destinations).into_iter();
    missing
        .map(|role| MissingDestination::of(flow, &roles, role))
        .filter(|missing| !missing.name.is_empty() || has_half_named_pair(flow, &roles))
        .collect()
}

/// Whether the destinations include a canary and a stable one, without which the controller rejects the route.
pub fn has_both_roles(roles: &Roles<'_>, destinations: &[RouteDestination]) -> bool {
    missing_roles(roles, destinations).is_empty()
}

fn missing_roles(roles: &Roles<'_>, destinations: &[RouteDestination]) -> Vec<Role> {
    let destinations = || destinations.iter().filter_map(|to| to.destination.as_ref());
    let canary = destinations().any(|to| roles.proves_canary(to));
    let stable = destinations().any(|to| roles.proves_stable(to));
    let roles = [(Role::Canary, canary), (Role::Stable, stable)].into_iter();
    roles
        .filter(|(_, there)| !there)
        .map(|(role, _)| role)
        .collect()
}

/// With `pingPong` a Rollout need not name canary and stable Services. But if it names one of them, the controller
/// ignores the pair and looks for the other, which has no name.
fn has_half_named_pair(flow: &Flow<'_>, roles: &Roles<'_>) -> bool {
    let canary = flow.canary();
    roles.rule.is_none()
        && canary.is_some_and(|canary| canary.ping_pong.is_some())
        && (!roles.canary_service.is_empty() || !roles.stable_service.is_empty())
}

impl<'a> MissingDestination<'a> {
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

    /// ``canary subset `v2` (`spec….canarySubsetName`)``.
    pub fn message(&self) -> Message {
        let kind = if self.by_subset { "subset" } else { "Service" };
        let role = self.role.as_str();
        if self.name.is_empty() {
            return message!("a {role} {kind} (`{}` names none)", self.field);
        }
        message!("{role} {kind} `{}`", self.name).with_field(&self.field)
    }
}

/// The field that names the Service of the role: `canaryService`, or one of `pingPong`.
pub fn service_field(flow: &Flow<'_>, roles: &Roles<'_>, role: Role) -> Path {
    let (name, otherwise) = match role {
        Role::Canary => (roles.canary_service, ServiceRole::Canary),
        _ => (roles.stable_service, ServiceRole::Stable),
    };
    let mut links = reference::services(flow.rollout);
    let link = links.find(|link| *link.key.name == *name);
    link.map_or_else(|| otherwise.path(), |link| link.path())
}
