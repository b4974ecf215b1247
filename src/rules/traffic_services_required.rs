//! A router needs Services that the Rollout does not name.
//!
//! ## What
//! `canaryService` or `stableService` is missing, and the router needs both: Istio without `destinationRule` and
//! `pingPong`, an ALB without `pingPong`, SMI, Apisix, Ambassador, Nginx, App Mesh or Traefik. An ALB with `pingPong`
//! needs `alb.rootService` instead.
//!
//! ## Why
//! The controller sets the Rollout to `Degraded: InvalidSpec` and stops (`ValidateRolloutStrategyCanary`).
//!
//! ## Example
//! ```yaml
//! canary:
//!   stableService: app-stable
//!   trafficRouting:
//!     istio:
//!       virtualService: {name: app}
//! ```
//!
//! ## Fix
//! Name both Services. With Istio, you can set a `destinationRule` with a canary and a stable subset instead.

use crate::cluster::{Flow, ServiceRole};
use crate::field::Path;
use crate::model::Canary;
use crate::verdict::{Cause, Findings, Message};

rule!(RG102, Error, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(canary) = flow.canary() else {
        return;
    };
    if let Some(router) = router_by_services(canary) {
        for (role, name) in [
            (ServiceRole::Canary, &canary.canary_service),
            (ServiceRole::Stable, &canary.stable_service),
        ] {
            if name.is_empty() {
                report(flow, role.path(), role.field(), router, found);
            }
        }
    }
    if lacks_root_service(canary) {
        let path = Path::spec(["strategy", "canary", "trafficRouting", "alb", "rootService"]);
        report(flow, path, "rootService", "an ALB with `pingPong`", found);
    }
}

/// The router that needs a canary and a stable Service.
fn router_by_services(canary: &Canary) -> Option<&'static str> {
    let routing = canary.traffic_routing.as_ref()?;
    let ping_pong = canary.ping_pong.is_some();
    let istio = routing.istio.as_ref();
    let by_host = istio.is_some_and(|istio| istio.destination_rule.is_none());
    let routers = [
        (by_host && !ping_pong, "Istio without a `destinationRule`"),
        (routing.alb && !ping_pong, "an ALB"),
        (routing.smi, "SMI"),
        (routing.apisix, "Apisix"),
        (routing.ambassador, "Ambassador"),
        (routing.nginx, "Nginx"),
        (routing.app_mesh, "App Mesh"),
        (routing.traefik, "Traefik"),
    ];
    let mut needing = routers.into_iter().filter(|(needs, _)| *needs);
    needing.next().map(|(_, router)| router)
}

fn lacks_root_service(canary: &Canary) -> bool {
    let routing = canary.traffic_routing.as_ref();
    canary.ping_pong.is_some()
        && routing.is_some_and(|routing| routing.alb && routing.alb_root_service.is_empty())
}

fn report(
    flow: &Flow<'_>,
    path: Path,
    field: &'static str,
    router: &str,
    found: &mut Findings<'_>,
) {
    let reason = format!(", but routing by {router} requires it");
    let message = Message::missing(flow.key(), &path).text(reason);
    found
        .error(flow.key(), path, message)
        .subject(field)
        .help("name the Service there and apply it beside the Rollout")
        .cause(Cause::Required);
}
