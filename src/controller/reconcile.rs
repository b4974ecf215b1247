//! One reconcile of a Rollout.

use serde_json::{Value, json};

use super::target::Target;
use super::world::World;
use super::{destination_rule, routes, services, weights};
use crate::cluster::{Flow, View};
use crate::model::{Key, Object};

/// Writes what the controller would write at this point of the release, in its order. A Rollout that does not exist, or
/// that has no canary strategy, changes nothing.
pub fn reconcile(world: &mut World, rollout: &Key, target: &Target) {
    write_status(world, rollout, target);
    let cluster = world.cluster();
    let object = cluster.get(rollout);
    let Some(typed) = object.and_then(Object::rollout) else {
        return;
    };
    let flow = Flow::of(typed, View::of(&cluster));
    let Some(roles) = flow.roles() else {
        return;
    };
    services::select(world, &flow, target);
    let links: Vec<_> = flow.virtual_service_links().collect();
    for link in &links {
        if target.ended || target.without_pods {
            routes::remove_inserted(world, &link.key, &flow);
        }
        if !target.ended {
            routes::carry_out(world, &link.key, link.reference, &flow, target);
        }
    }
    destination_rule::write_hashes(world, &flow, target);
    for link in &links {
        weights::write(world, &link.key, link.reference, typed.body, &roles, target);
    }
}

/// The status, which later reconciles and the guard read.
fn write_status(world: &mut World, key: &Key, target: &Target) {
    let Some(object) = world.objects.get_mut(key) else {
        return;
    };
    if !is_canary(object) {
        return;
    }
    let experiments: i64 = target.experiments.iter().map(|other| other.weight).sum();
    let stable = (100 - target.weight - experiments).max(0);
    let weights = json!({
        "canary": {"weight": target.weight, "podTemplateHash": target.canary_hash},
        "stable": {"weight": stable, "podTemplateHash": target.stable_hash},
        "additional": target.experiments.iter().map(|other| json!({
            "weight": other.weight,
            "serviceName": other.service_name,
            "podTemplateHash": other.pod_template_hash,
        })).collect::<Vec<_>>(),
    });
    let Some(object) = object.as_object_mut() else {
        return;
    };
    let status = object.entry("status").or_insert_with(|| json!({}));
    if !status.is_object() {
        *status = json!({});
    }
    status["stableRS"] = target.stable_hash.clone().into();
    status["currentPodHash"] = target.canary_hash.clone().into();
    if let Some(step) = target.step {
        status["currentStepIndex"] = step.into();
    }
    if !status["canary"].is_object() {
        status["canary"] = json!({});
    }
    status["canary"]["weights"] = weights;
}

fn is_canary(object: &Value) -> bool {
    object.pointer("/spec/strategy/canary").is_some()
}
