//! One Service has two roles, or a role has no Service.
//!
//! ## What
//! `canaryService` equals `stableService`, `pingService` equals `pongService`, or `activeService` equals
//! `previewService`; or `pingService`, `pongService` or `activeService` is missing or empty.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateRolloutStrategyCanary`,
//! `ValidateRolloutStrategyBlueGreen`), because one selector cannot hold two hashes. Without an active Service, every
//! reconcile fails.
//!
//! ## Example
//! ```yaml
//! blueGreen:
//!   activeService: app
//!   previewService: app
//! ```
//!
//! ## Fix
//! Give each role its own Service. A preview Service is optional.

use crate::cluster::{Flow, ServiceRole};
use crate::verdict::{Cause, Findings, Message, message};

rule!(RG103, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    if let Some(canary) = flow.canary() {
        let stable = (ServiceRole::Stable, canary.stable_service.as_str());
        let canary_role = (ServiceRole::Canary, canary.canary_service.as_str());
        check_distinct(flow, canary_role, stable, found);
        if let Some(pair) = &canary.ping_pong {
            let ping = (ServiceRole::Ping, pair.ping_service.as_str());
            let pong = (ServiceRole::Pong, pair.pong_service.as_str());
            check_named(flow, ping, found);
            check_named(flow, pong, found);
            check_distinct(flow, ping, pong, found);
        }
    }
    if let Some(blue_green) = &flow.rollout.blue_green {
        let active = (ServiceRole::Active, blue_green.active_service.as_str());
        let preview = (ServiceRole::Preview, blue_green.preview_service.as_str());
        check_named(flow, active, found);
        check_distinct(flow, active, preview, found);
    }
}

/// A role and the name of its Service.
type Named<'a> = (ServiceRole, &'a str);

fn check_named(flow: &Flow<'_>, (role, name): Named<'_>, found: &mut Findings<'_>) {
    // RG505 reports a name that is no string.
    if name.is_empty() && !flow.rollout.is_malformed(&role.path()) {
        let message = Message::missing(flow.key(), &role.path());
        found
            .error(flow.key(), role.path(), message)
            .subject(role.field())
            .help("name a Service that no other field of the Rollout names")
            .cause(Cause::Required);
    }
}

fn check_distinct(
    flow: &Flow<'_>,
    (first, name): Named<'_>,
    (second, other): Named<'_>,
    found: &mut Findings<'_>,
) {
    if !name.is_empty() && name == other {
        let message = message!("{} names Service `{name}`", flow.key())
            .in_field(&second.path())
            .text(format!(", which is already its `{}`", first.field()));
        found
            .error(flow.key(), second.path(), message)
            .subject(format!("{} {}", first.field(), second.field()))
            .help("give each of the two a Service of its own")
            .cause(Cause::Duplicate);
    }
}
