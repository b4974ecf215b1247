//! A Rollout gives one Service two roles, or a role no Service.
//!
//! ## What
//! `canaryService` is `stableService`, `pingService` is `pongService`, or `activeService` is
//! `previewService`; or `pingService`, `pongService` or `activeService` is absent or empty.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops
//! (`ValidateRolloutStrategyCanary`, `ValidateRolloutStrategyBlueGreen`): one selector cannot hold two
//! hashes. Without an active Service it fails at every reconcile.
//!
//! ## Example
//! ```yaml
//! blueGreen:
//!   activeService: app
//!   previewService: app
//! ```
//!
//! ## Fix
//! Give each role a Service of its own. A preview Service may be left out.

use crate::cluster::{Flow, ServiceRole};
use crate::verdict::{Cause, Findings, Message, message};

rule!(RG103, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let roles = Roles { flow };
    if let Some(canary) = flow.canary() {
        let stable = (ServiceRole::Stable, canary.stable_service.as_str());
        let canary_role = (ServiceRole::Canary, canary.canary_service.as_str());
        roles.check_distinct(canary_role, stable, found);
        if let Some(pair) = &canary.ping_pong {
            let ping = (ServiceRole::Ping, pair.ping_service.as_str());
            let pong = (ServiceRole::Pong, pair.pong_service.as_str());
            roles.check_named(ping, found);
            roles.check_named(pong, found);
            roles.check_distinct(ping, pong, found);
        }
    }
    if let Some(blue_green) = &flow.rollout.blue_green {
        let active = (ServiceRole::Active, blue_green.active_service.as_str());
        let preview = (ServiceRole::Preview, blue_green.preview_service.as_str());
        roles.check_named(active, found);
        roles.check_distinct(active, preview, found);
    }
}

/// The roles that a Rollout gives to Services, each with the Service's name.
struct Roles<'a> {
    flow: &'a Flow<'a>,
}

impl Roles<'_> {
    fn check_named(&self, (role, name): (ServiceRole, &str), found: &mut Findings<'_>) {
        if !name.is_empty() {
            return;
        }
        let key = self.flow.key();
        let message = Message::missing(key, &role.path());
        found
            .error(key, role.path(), message)
            .subject(role.field())
            .help("name a Service of its own there")
            .cause(Cause::Required);
    }

    fn check_distinct(
        &self,
        (first, name): (ServiceRole, &str),
        (second, other): (ServiceRole, &str),
        found: &mut Findings<'_>,
    ) {
        if name.is_empty() || name != other {
            return;
        }
        let key = self.flow.key();
        let message = message!("{key} names Service `{name}`")
            .in_field(&second.path())
            .text(format!(", which is already its `{}`", first.field()));
        found
            .error(key, second.path(), message)
            .subject(format!("{} {}", first.field(), second.field()))
            .help("give each of the two a Service of its own")
            .cause(Cause::Duplicate);
    }
}
