//! The Services: their selectors get the hash of a revision (`ensureSVCTargets`, which `reconcileStableAndCanaryService` and
//! `reconcilePingAndPongService` call; `reconcileActiveService`, `reconcilePreviewService`).

use serde_json::{Value, json};

use super::target::Target;
use super::world::World;
use crate::cluster::{Flow, ServiceRole, reference};
use crate::model::{HASH_LABEL, Key, MANAGED_BY};

pub(super) fn select(world: &mut World, flow: &Flow<'_>, target: &Target, first: bool) {
    let stable_is_ping = flow.rollout.status.stable_is_ping();
    let promoted = target.canary_hash == target.stable_hash;
    for link in reference::services(flow.rollout) {
        let hash = match link.role {
            ServiceRole::Canary if target.aborted => &target.stable_hash,
            // A Service is not sent to a revision of which no pod is available.
            ServiceRole::Canary if target.without_pods => continue,
            ServiceRole::Canary | ServiceRole::Preview => &target.canary_hash,
            ServiceRole::Ping | ServiceRole::Pong => {
                // The first release writes the one that is then stable; later only the canary's is written.
                let stable = (link.role == ServiceRole::Ping) == stable_is_ping;
                match (stable, promoted) {
                    (true, _) if first => &target.stable_hash,
                    (true, _) | (false, true) => continue,
                    (false, false) => &target.canary_hash,
                }
            }
            // Nothing is stable before the first promotion.
            ServiceRole::Active if target.stable_hash.is_empty() => &target.canary_hash,
            ServiceRole::Stable | ServiceRole::Active => &target.stable_hash,
        };
        write(world, &link.key, hash, flow.rollout.meta.name());
    }
}

fn hash_of<'a>(world: &'a World, service: &Key) -> Option<&'a str> {
    let service = world.objects.get(service)?;
    service["spec"]["selector"][HASH_LABEL].as_str()
}

/// Writes a hash that the Service does not have. The first one comes with the annotation.
fn write(world: &mut World, service: &Key, hash: &str, rollout: &str) {
    if hash.is_empty() || hash_of(world, service) == Some(hash) {
        return;
    }
    let Some(object) = world
        .objects
        .get_mut(service)
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let fields = [
        ("spec", "selector", HASH_LABEL, hash),
        ("metadata", "annotations", MANAGED_BY, rollout),
    ];
    for (part, map, name, value) in fields {
        let part = object.get_mut(part).and_then(Value::as_object_mut);
        let Some(part) = part else { continue };
        let map = part.entry(map).or_insert_with(|| json!({}));
        if map.is_null() {
            *map = json!({});
        }
        let Some(map) = map.as_object_mut() else {
            continue;
        };
        if name == HASH_LABEL || !map.contains_key(name) {
            map.insert(name.to_owned(), value.into());
        }
    }
}
