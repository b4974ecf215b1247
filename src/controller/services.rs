//! The Services: their selectors get the hash of a revision (`reconcileStableAndCanaryService`, `reconcilePingAndPong`).

use serde_json::{Value, json};

use super::target::Target;
use super::world::World;
use crate::cluster::{Flow, ServiceRole, reference};
use crate::model::{HASH_LABEL, Key};

pub(super) fn select(world: &mut World, flow: &Flow<'_>, target: &Target) {
    let stable_is_ping = flow.rollout.status.stable_is_ping();
    for link in reference::services(flow.rollout) {
        let stable = match link.role {
            ServiceRole::Stable => true,
            ServiceRole::Ping => stable_is_ping,
            ServiceRole::Pong => !stable_is_ping,
            ServiceRole::Canary => false,
            ServiceRole::Active | ServiceRole::Preview => continue,
        };
        let hash = if stable {
            &target.stable_hash
        } else {
            &target.canary_hash
        };
        write(world, &link.key, hash);
    }
}

fn write(world: &mut World, service: &Key, hash: &str) {
    let Some(spec) = world
        .objects
        .get_mut(service)
        .and_then(|it| it.get_mut("spec"))
    else {
        return;
    };
    let Some(spec) = spec.as_object_mut().filter(|_| !hash.is_empty()) else {
        return;
    };
    let selector = spec.entry("selector").or_insert_with(|| json!({}));
    if let Value::Object(labels) = selector {
        labels.insert(HASH_LABEL.to_owned(), hash.into());
    }
}
