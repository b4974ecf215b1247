//! Keeps `rollouts-pod-template-hash` in the selectors of a Rollout's Services.
//!
//! ## What
//! Each of the six Services that a Rollout names keeps the hash of its live selector, unless the Rollout's status knows
//! the hash of the write and not the live one. If the live selector has none (on a CREATE, or because an earlier write
//! removed it) and the Rollout has a stable revision, the hash comes from the status:
//!
//! - `stableRS` for the stable role;
//! - `currentPodHash` for the canary role, or `stableRS` after an abort;
//! - `blueGreen.activeSelector` for the active Service, otherwise `stableRS`, and `currentPodHash` for the preview
//!   Service;
//! - by `canary.stablePingPong` for ping and pong; between releases the one that is not stable gets none.
//!
//! The annotation `argo-rollouts.argoproj.io/managed-by-rollouts` is also kept.
//!
//! ## Why
//! Without the hash both Services select all pods, so the weights have no effect, and the controller does not watch
//! updates of Services. A blue-green release is promoted without approval.
//!
//! ## Not when
//! The mutation changes nothing if the Rollout no longer names the Service.

use serde_json::Value;

use super::input::Input;
use super::patch::{Kept, Patch};
use crate::cluster::{Flow, LinkedService};
use crate::field::Path;
use crate::model::{HASH_LABEL, MANAGED_BY, Object, Service, Typed};

mutation!(Service(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    if is_settled(input) {
        return;
    }
    for flow in input.flows() {
        let services = flow.services();
        let mut roles = services.filter(|linked| linked.link.key == *input.key());
        if let Some(linked) = roles.next() {
            keep_hash(&flow, &linked, input, patch);
            keep_managed_by(&flow, input, patch);
        }
    }
}

/// Whether the write keeps the live hash by itself: then no status changes it.
fn is_settled(input: &Input<'_>) -> bool {
    let [new, live] = [&input.write.new, &input.write.old]
        .map(|object| object.as_ref().and_then(Object::service));
    let hash = live.and_then(hash_of).filter(|hash| !hash.is_empty());
    hash.is_some() && hash == new.and_then(hash_of) && input.keeps_managed_by()
}

fn keep_hash(flow: &Flow<'_>, linked: &LinkedService<'_>, input: &Input<'_>, patch: &mut Patch) {
    let role = linked.link.role;
    let live = input.write.old.as_ref().and_then(Object::service);
    let kept = flow.kept_hash(live.and_then(hash_of), hash_of(linked.service));
    let Some(hash) = kept.cloned().or_else(|| flow.hash_of_service(role)) else {
        return;
    };
    let path = Path::spec(["selector"]).entry(HASH_LABEL);
    if patch.set(&path, Value::from(hash.as_str())) {
        let what = format!("hash `{hash}` of {}", role.field());
        patch.keep(Kept::One(what), flow.key());
    }
}

fn hash_of(service: Typed<'_, Service>) -> Option<&String> {
    service.body.selector.as_ref()?.get(HASH_LABEL)
}

/// The annotation by which the controller knows the Service as its own.
fn keep_managed_by(flow: &Flow<'_>, input: &Input<'_>, patch: &mut Patch) {
    let live = input.write.old.as_ref();
    let live = live.and_then(|live| live.meta.managed_by.as_ref());
    if live.is_some_and(|owner| **owner == *flow.key().name) {
        let path = Path::of(["metadata", "annotations"]).entry(MANAGED_BY);
        if patch.set(&path, Value::from(flow.rollout.meta.name())) {
            patch.keep(
                Kept::One("the managed-by annotation".to_owned()),
                flow.key(),
            );
        }
    }
}
