//! Deletes during a release: denied if they would break the release by accident, never if the whole flow is being
//! deleted.

use crate::bed::{Bed, poll};
use crate::release::{HOST_LEVEL, SUBSET_LEVEL};
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(a_namespace_is_deleted_during_a_release),
    shared!(an_owner_is_deleted_and_the_garbage_collector_follows),
    shared!(finalizers_are_removed),
    shared!(a_route_in_use_is_not_deleted),
    shared!(the_rollout_first_then_the_rest),
    shared!(helm_uninstalls_during_a_canary),
];

fn a_namespace_is_deleted_during_a_release(bed: &Bed) {
    for (name, flow) in [("gone-subset", &SUBSET_LEVEL), ("gone-host", &HOST_LEVEL)] {
        let world = World::new(bed, name);
        world.start_canary(flow);
        world
            .kubectl(&format!("delete namespace {name} --timeout=45s"))
            .ok()
            .says("deleted");
    }
}

/// A ConfigMap owns a VirtualService and the Services, as an operator's resource owns its objects.
fn an_owner_is_deleted_and_the_garbage_collector_follows(bed: &Bed) {
    let world = World::new(bed, "collected");
    world.start_canary(&HOST_LEVEL);
    world.kubectl("create configmap owner").ok();
    let uid = world.read("ConfigMap", "owner")["metadata"]["uid"].to_string();
    let owned = format!(
        r#"{{"metadata":{{"ownerReferences":[{{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":{uid}}}]}}}}"#
    );
    for object in [
        "virtualservice/shop",
        "service/shop-stable",
        "service/shop-canary",
    ] {
        world
            .kubectl(&format!("patch {object} --type=merge -p"))
            .arg(&owned)
            .ok();
    }
    world.kubectl("delete configmap owner").ok();
    until_gone(&world, "VirtualService", "shop");
    until_gone(&world, "Service", "shop-stable");
    until_gone(&world, "Service", "shop-canary");
}

fn until_gone(world: &World, kind: &str, name: &str) {
    poll(
        &format!("{kind} {name} to go"),
        crate::world::DEADLINE,
        &mut || {
            world
                .find(kind, name)
                .map_or(Ok(()), |object| Err(object.to_string()))
        },
    );
}

/// An object that is being deleted accepts every write that removes a finalizer.
fn finalizers_are_removed(bed: &Bed) {
    let world = World::new(bed, "finalizers");
    world.install(&SUBSET_LEVEL);
    for object in [
        "virtualservice/virtservice-app07",
        "destinationrule/destrule-app07",
        "rollout/app07",
    ] {
        finalizers(&world, object, r#"["example.com/backup"]"#);
    }
    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_first_step(&SUBSET_LEVEL);
    world.kubectl("delete rollout app07 --wait=false").ok();
    for object in [
        "virtualservice/virtservice-app07",
        "destinationrule/destrule-app07",
    ] {
        world.kubectl(&format!("delete {object} --wait=false")).ok();
    }
    for object in [
        "virtualservice/virtservice-app07",
        "destinationrule/destrule-app07",
        "rollout/app07",
    ] {
        finalizers(&world, object, "null");
    }
    until_gone(&world, "VirtualService", "virtservice-app07");
    until_gone(&world, "DestinationRule", "destrule-app07");
    until_gone(&world, "Rollout", "app07");
}

fn finalizers(world: &World, object: &str, list: &str) {
    world
        .kubectl(&format!("patch {object} --type=merge -p"))
        .arg(format!(r#"{{"metadata":{{"finalizers":{list}}}}}"#))
        .ok();
}

fn a_route_in_use_is_not_deleted(bed: &Bed) {
    let world = World::new(bed, "in-use");
    let folder = world.start_canary(&SUBSET_LEVEL);
    world
        .kubectl("delete virtualservice virtservice-app07")
        .fails()
        .prints(&["The VirtualService \"virtservice-app07\" is invalid: metadata.name: Forbidden: VirtualService in-use/virtservice-app07 is in use: Rollout in-use/app07, which is in the middle of a release, names it in `spec.strategy.canary.trafficRouting.istio.virtualService.name`; finish or abort the release first, then take the reference out and delete it (in an incident: set the annotation `rollout-guard.io/allow: RG701` on the object before the delete, and remove it afterwards) [rollout-guard RG701]"]);
    world
        .kubectl("delete destinationrule destrule-app07")
        .fails()
        .says("[rollout-guard RG701]");
    world.argo("abort app07").ok();
    world.until_phase("app07", "Degraded");
    folder
        .kubectl("delete --wait=false", "virtual-service.yaml")
        .ok()
        .says("RG701");
}

fn the_rollout_first_then_the_rest(bed: &Bed) {
    let world = World::new(bed, "taken-down");
    let folder = world.start_canary(&SUBSET_LEVEL);
    for file in [
        "rollout",
        "virtual-service",
        "destination-rule",
        "service",
        "gateway",
    ] {
        folder
            .kubectl("delete", &format!("{file}.yaml"))
            .ok()
            .says("deleted")
            .without_warning();
    }
}

/// Helm deletes the Service first, then the DestinationRule: both are denied while the Rollout exists. Helm
/// continues with the Rollout and the VirtualService, and a second uninstall deletes the rest.
fn helm_uninstalls_during_a_canary(bed: &Bed) {
    for tool in ["helm", "helm3"] {
        let world = World::new(bed, &format!("uninstalled-by-{tool}"));
        let chart = world.folder("tests/e2e/manifests/app-chart");
        let helm = |words: &str| {
            if tool == "helm" {
                world.helm(words)
            } else {
                world.helm3(words)
            }
        };
        helm("install app07").arg(chart.path("")).ok();
        world.until_phase("app07", "Healthy");
        world.set_image(&SUBSET_LEVEL, "v2");
        world.until_first_step(&SUBSET_LEVEL);

        helm("uninstall app07")
            .fails()
            .says("RG701: denied: Service uninstalled-by")
            .says("RG701: denied: DestinationRule uninstalled-by")
            .says("Error: failed to delete release: app07");
        let left = |kind: &str, name: &str| world.find(kind, name).is_some();
        assert!(left("Service", "app07") && left("DestinationRule", "destrule-app07"));
        assert!(!left("VirtualService", "virtservice-app07"));
        until_gone(&world, "Rollout", "app07");

        helm("uninstall app07")
            .ok()
            .says("release \"app07\" uninstalled");
        assert!(!left("Service", "app07") && !left("DestinationRule", "destrule-app07"));
    }
}
