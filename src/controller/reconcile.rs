//! One reconcile of a Rollout.

use serde_json::{Value, json};

use super::target::Target;
use super::world::World;
use super::{destination_rule, routes, services, weights};
use crate::cluster::{Flow, View};
use crate::model::{Key, Object};

/// Writes what the controller would write at this point of the release, in its order. A Rollout that does not exist
/// changes nothing.
pub fn reconcile(world: &mut World, rollout: &Key, target: &Target) {
    let first = !has_stable(world, rollout);
    promote(world, rollout, target);
    let had_weight = canary_weight(world, rollout) > 0;
    if !target.waiting {
        write_status(world, rollout, target);
    }
    let cluster = world.cluster();
    let object = cluster.get(rollout);
    let Some(typed) = object.and_then(Object::rollout) else {
        return;
    };
    let flow = Flow::of(typed, View::of(&cluster));
    services::select(world, &flow, target, first);
    let Some(roles) = flow.roles() else {
        return;
    };
    let links: Vec<_> = flow.virtual_service_links().collect();
    for link in &links {
        if target.ended || target.without_pods {
            routes::remove_inserted(world, &link.key, &flow);
        }
        if !target.ended {
            routes::carry_out(world, &link.key, link.reference, &flow, target);
        }
    }
    if !target.waiting {
        destination_rule::write_hashes(world, &flow, target);
    }
    // A canary that has lost its pods loses its weight before the hashes change, so it waits for nothing.
    let reset = target.without_pods && had_weight;
    if !target.waiting || reset {
        for link in &links {
            weights::write(world, &link.key, link.reference, typed.body, &roles, target);
        }
    }
}

fn has_stable(world: &World, rollout: &Key) -> bool {
    let rollout = world.objects.get(rollout);
    let stable = rollout.and_then(|rollout| rollout["status"]["stableRS"].as_str());
    stable.is_some_and(|hash| !hash.is_empty())
}

fn canary_weight(world: &World, rollout: &Key) -> i64 {
    let weight = world
        .objects
        .get(rollout)
        .and_then(|rollout| rollout.pointer("/status/canary/weights/canary/weight"));
    weight.and_then(Value::as_i64).unwrap_or_default()
}

/// A promotion swaps ping and pong before the next reconcile (`promoteStable`); the first one makes ping the stable one.
fn promote(world: &mut World, key: &Key, target: &Target) {
    let Some(rollout) = world.objects.get_mut(key) else {
        return;
    };
    let promoted = target.canary_hash == target.stable_hash
        && rollout["status"]["stableRS"] != target.stable_hash.as_str();
    if !promoted || rollout.pointer("/spec/strategy/canary/pingPong").is_none() {
        return;
    }
    let canary = part(part(rollout, "status"), "canary");
    let stable_is_ping = canary["stablePingPong"] == "ping";
    canary["stablePingPong"] = if stable_is_ping { "pong" } else { "ping" }.into();
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
    let status = part(object, "status");
    status["stableRS"] = target.stable_hash.clone().into();
    status["currentPodHash"] = target.canary_hash.clone().into();
    if let Some(step) = target.step {
        status["currentStepIndex"] = step.into();
    }
    part(status, "canary")["weights"] = weights;
}

/// The object of that name in an object.
fn part<'a>(parent: &'a mut Value, name: &str) -> &'a mut Value {
    let part = &mut parent[name];
    if !part.is_object() {
        *part = json!({});
    }
    part
}

fn is_canary(object: &Value) -> bool {
    object.pointer("/spec/strategy/canary").is_some()
}
