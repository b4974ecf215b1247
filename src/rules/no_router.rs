//! A Rollout's `trafficRouting` names no router.
//!
//! ## What
//! `trafficRouting` is set, but none of `istio`, `alb`, `smi`, `apisix`, `ambassador`, `nginx`, `appMesh`, `traefik` and
//! `plugins` is.
//!
//! ## Why
//! The controller sets no weights (`NewTrafficRoutingReconciler` returns none). A `setWeight` step only changes how many
//! pods the canary has. Nevertheless it keeps all stable pods, as with a router.
//!
//! ## Example
//! ```yaml
//! trafficRouting:
//!   managedRoutes: [{name: testers}]
//! ```
//!
//! ## Fix
//! Name a router, such as `istio`, or remove `trafficRouting`.

use crate::cluster::Flow;
use crate::field::Path;
use crate::verdict::{Cause, Findings, message};

rule!(RG115, Warning, Rollout(check));

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let Some(routing) = flow.rollout.traffic_routing() else {
        return;
    };
    let path = Path::spec(["strategy", "canary", "trafficRouting"]);
    let malformed = &flow.rollout.malformed;
    let has_malformed = malformed.iter().any(|fault| fault.path.starts_with(&path));
    if routing.has_router() || has_malformed {
        return;
    }
    let message = message!("{} sets `trafficRouting` without a router", flow.key())
        .with_field(&path)
        .text(", so that `setWeight` moves pods and no traffic");
    found
        .warning(flow.key(), path, message)
        .help("name a router, such as `istio`, or remove `trafficRouting`")
        .cause(Cause::Required);
}
