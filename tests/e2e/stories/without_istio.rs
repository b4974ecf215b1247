//! A Rollout without Istio: its replica counts are its only weights, and rollout-guard reports nothing.

use crate::bed::Bed;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(set_image_promote_abort_and_undo),
    shared!(a_step_that_needs_a_router_is_denied),
];

fn set_image_promote_abort_and_undo(bed: &Bed) {
    let world = World::new(bed, "without-istio");
    let folder = world.folder("examples/without-istio");
    folder.apply().ok().without_warning();
    world.until_phase("test-rollout", "Healthy");

    set_image(&world, "v2");
    world.until_phase("test-rollout", "Paused");
    let canary = world.until("Rollout", "test-rollout", "one updated pod", |rollout| {
        rollout["status"]["updatedReplicas"] == 1
    });
    assert_eq!(canary["status"]["replicas"], 5, "20 % of five pods is one");
    folder
        .apply_file("service.yaml")
        .ok()
        .says("unchanged")
        .without_warning();
    folder
        .kubectl("replace", "service.yaml")
        .ok()
        .without_warning();

    world
        .argo("promote test-rollout --full")
        .ok()
        .without_warning();
    world.until_phase("test-rollout", "Healthy");

    set_image(&world, "v3");
    world.until_phase("test-rollout", "Paused");
    world.argo("abort test-rollout").ok().without_warning();
    world.until_phase("test-rollout", "Degraded");
    world.argo("undo test-rollout").ok().without_warning();
    let healthy = world.until_phase("test-rollout", "Healthy");
    let image = &healthy["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "registry.example/app:v2");
}

fn set_image(world: &World, version: &str) {
    world
        .argo(&format!(
            "set image test-rollout app07=registry.example/app:{version}"
        ))
        .ok()
        .without_warning();
}

/// A Rollout that would become InvalidSpec, and stop, is denied when it is written.
fn a_step_that_needs_a_router_is_denied(bed: &Bed) {
    let world = World::new(bed, "without-istio-step");
    let folder = world.folder("examples/without-istio");
    folder.edit(
        "rollout.yaml",
        "- pause: {}",
        "- setMirrorRoute:\n          name: mirror",
    );
    folder.apply_file("rollout.yaml").fails().prints(&["The Rollout \"test-rollout\" is invalid: spec.strategy.canary.steps[1].setMirrorRoute: Invalid value: Rollout without-istio-step/test-rollout has a step in `spec.strategy.canary.steps[1].setMirrorRoute` that needs Istio or a plugin; set `trafficRouting` with Istio or a plugin, or drop the step (in an incident: set the annotation `rollout-guard.io/allow: RG106` on the object in the same write, and remove it afterwards) [rollout-guard RG106]"]);
}
