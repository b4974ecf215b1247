//! Keeps `rollouts-pod-template-hash` in the selectors of a Rollout's Services.
//!
//! ## What
//! Each of the six Services that a Rollout names keeps the hash of its live selector. If the live selector has none
//! (on a CREATE, or because an earlier write removed it) and the Rollout has a stable revision, the hash comes from
//! the Rollout's status:
//!
//! - `stableRS` for the stable role;
//! - `currentPodHash` for the canary role, or `stableRS` after an abort;
//! - `blueGreen.activeSelector` for the active Service, otherwise `stableRS`, and `currentPodHash` for the preview
//!   Service;
//! - by `canary.stablePingPong` for ping and pong.
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
use crate::cluster::{Flow, ServiceRole};
use crate::field::Path;
use crate::model::{HASH_LABEL, MANAGED_BY, Object};

mutation!(Service(apply));

fn apply(input: &Input<'_>, patch: &mut Patch) {
    for flow in input.flows() {
        let services = flow.services();
        let mut roles = services.filter(|linked| linked.link.key == *input.key());
        if let Some(linked) = roles.next() {
            keep_hash(&flow, linked.link.role, input, patch);
            keep_managed_by(&flow, input, patch);
        }
    }
}

fn keep_hash(flow: &Flow<'_>, role: ServiceRole, input: &Input<'_>, patch: &mut Patch) {
    let live = input.write.old.as_ref().and_then(Object::service);
    let live = live.and_then(|service| service.body.selector.as_ref());
    let live = live.and_then(|selector| selector.get(HASH_LABEL)).cloned();
    let live = live.filter(|hash| !hash.is_empty());
    let Some(hash) = live.or_else(|| flow.hash_of_service(role)) else {
        return;
    };
    let path = Path::spec(["selector"]).entry(HASH_LABEL);
    if patch.set(&path, Value::from(hash.as_str())) {
        let what = format!("hash `{hash}` of {}", role.field());
        patch.keep(Kept::One(what), flow.key());
    }
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
