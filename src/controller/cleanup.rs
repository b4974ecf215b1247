//! Objects that no Rollout refers to any more lose its hash and its annotation (`syncDestinationRule`, `syncService`).

use serde_json::Value;

use super::world::World;
use crate::cluster::{Cluster, reference};
use crate::model::{HASH_LABEL, Key, Kind, MANAGED_BY, Object};

/// Cleans the DestinationRules and Services whose Rollout is gone or refers to others.
pub fn clean_up(world: &mut World) {
    let cluster = world.cluster();
    for (key, object) in &mut world.objects {
        let managing = object
            .pointer("/metadata/annotations")
            .and_then(|all| all.get(MANAGED_BY));
        let Some(rollout) = managing.and_then(Value::as_str) else {
            continue;
        };
        if refers(
            &cluster,
            &Key::new(Kind::Rollout, &key.namespace, rollout),
            key,
        ) {
            continue;
        }
        let selector = object.pointer("/spec/selector");
        let hashed = selector.is_some_and(|labels| labels.get(HASH_LABEL).is_some());
        match key.kind {
            Kind::DestinationRule => {
                let subsets = object
                    .pointer_mut("/spec/subsets")
                    .and_then(Value::as_array_mut);
                for subset in subsets.into_iter().flatten() {
                    remove(subset.get_mut("labels"), HASH_LABEL);
                }
            }
            Kind::Service if hashed => remove(object.pointer_mut("/spec/selector"), HASH_LABEL),
            _ => continue,
        }
        remove(object.pointer_mut("/metadata/annotations"), MANAGED_BY);
    }
}

fn refers(cluster: &Cluster, rollout: &Key, key: &Key) -> bool {
    let Some(rollout) = cluster.get(rollout).and_then(Object::rollout) else {
        return false;
    };
    let rule = reference::destination_rule(rollout);
    rule.is_some_and(|link| link.key == *key)
        || reference::services(rollout).any(|link| link.key == *key)
}

fn remove(map: Option<&mut Value>, name: &str) {
    if let Some(map) = map.and_then(Value::as_object_mut) {
        map.remove(name);
    }
}
