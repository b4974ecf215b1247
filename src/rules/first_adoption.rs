//! A new Rollout takes over a running workload whose host already gets traffic.
//!
//! ## What
//! The CREATE of a Rollout with `workloadRef` that names an existing DestinationRule, for whose host there is a
//! Service or a VirtualService that sends to it.
//!
//! ## Why
//! The controller writes its hash into the subsets as soon as it has created a ReplicaSet, before the pods are ready.
//! The pods of the Deployment do not have that label, so the traffic gets 503.
//!
//! ## Example
//! ```yaml
//! # Rollout, newly created
//! workloadRef: {apiVersion: apps/v1, kind: Deployment, name: app}
//! # DestinationRule app, in use
//! host: app
//! ```
//!
//! ## Fix
//! Create the Rollout without traffic routing, wait until its pods are ready, then add traffic routing.

use crate::cluster::{Flow, View};
use crate::field::Path;
use crate::model::{Host, Object, Operation, Write};
use crate::verdict::{Cause, Findings, message};

rule!(
    RG703,
    Warning,
    Write(check),
    reads = [VirtualService, DestinationRule, Service, ServiceEntry]
);

fn check(write: &Write, view: &View<'_>, found: &mut Findings<'_>) {
    let rollout = write.new.as_ref().and_then(Object::rollout);
    let (Operation::Create, Some(rollout)) = (write.operation, rollout) else {
        return;
    };
    let Some(linked) = Flow::of(rollout, *view).destination_rule() else {
        return;
    };
    let host = linked.host(view);
    if rollout.workload_ref.is_none() || !serves(view, &host) {
        return;
    }
    let path = linked.link.path().field("name");
    let message = message!("{} names {}", write.key, linked.link.key)
        .in_field(&path)
        .text(format!(", whose host `{host}` already serves: "))
        .text("its subsets get the hash before new pods are ready");
    found
        .warning(&write.key, path, message)
        .subject(linked.link.key.to_string())
        .help("create the Rollout without `trafficRouting`, add it when its pods are ready")
        .cause(Cause::Forbidden)
        .with(&linked.link.key, Path::spec(["subsets"]));
}

/// Whether the host may already get traffic.
fn serves(view: &View<'_>, host: &Host) -> bool {
    let providers = view.providers(host);
    let service = |provider: &&Object| provider.service().is_some();
    providers.iter().any(service) || !view.virtual_services_sending_to(host).is_empty()
}
