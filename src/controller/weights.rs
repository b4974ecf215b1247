//! The weights of the managed routes (`processRoutes`).

use serde_json::{Value, json};

use super::target::Target;
use super::world::World;
use crate::cluster::{ManagedRoute, Role, Roles};
use crate::model::{Destination, Key, Object, Rollout, VirtualServiceRef};

pub(super) fn write(
    world: &mut World,
    service: &Key,
    reference: &VirtualServiceRef,
    rollout: &Rollout,
    roles: &Roles<'_>,
    target: &Target,
) {
    let cluster = world.cluster();
    let Some(typed) = cluster.get(service).and_then(Object::virtual_service) else {
        return;
    };
    let argo = world.mesh.argo_version;
    for route in ManagedRoute::weighted(rollout, typed.body, reference, argo) {
        let pointer = route.path().field("route").pointer();
        if let Some(entries) = world.list(service, &pointer) {
            split(entries, roles, target);
        }
    }
}

/// Gives each destination the weight of its role. One that has a weight and no role goes, experiments that are missing
/// come.
fn split(entries: &mut Vec<Value>, roles: &Roles<'_>, target: &Target) {
    let role = |entry: &Value| roles.role(&destination(entry));
    let of_experiments: i64 = target.experiments.iter().map(|other| other.weight).sum();
    let additional = entries
        .iter()
        .filter(|entry| role(entry) == Some(Role::Additional));
    let of_additional: i64 = additional
        .filter_map(|entry| entry["weight"].as_i64())
        .sum();
    let stable = (100 - target.weight - of_experiments - of_additional).max(0);
    entries.retain_mut(|entry| {
        let weight = match role(entry) {
            Some(Role::Canary) => target.weight,
            Some(Role::Stable) => stable,
            Some(Role::Experiment) => experiment(entry, target),
            Some(Role::Additional) => return true,
            None => return entry["weight"].as_i64().unwrap_or_default() == 0,
        };
        entry["weight"] = weight.into();
        true
    });
    for other in &target.experiments {
        let there = |entry: &Value| destination(entry).service_name() == other.service_name;
        if !entries.iter().any(there) {
            let destination = json!({"host": other.service_name});
            entries.push(json!({"destination": destination, "weight": other.weight}));
        }
    }
}

fn experiment(entry: &Value, target: &Target) -> i64 {
    let destination = destination(entry);
    let mut experiments = target.experiments.iter();
    let found = experiments.find(|other| other.service_name == destination.service_name());
    found.map_or(0, |other| other.weight)
}

fn destination(entry: &Value) -> Destination {
    let text = |field: &str| {
        let text = entry["destination"][field].as_str();
        text.unwrap_or_default().to_owned()
    };
    Destination {
        host: text("host"),
        subset: text("subset"),
        port: None,
    }
}
