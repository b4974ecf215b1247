//! The same as in `baseline`, with rollout-guard: the values that an apply would wipe are kept in the same write.

use crate::bed::Bed;
use crate::shared;
use crate::story::Story;
use crate::world::{World, hashes, weights};

pub const STORIES: &[Story] = &[
    shared!(an_unchanged_apply_keeps_weights_and_hashes),
    shared!(deleting_a_route_during_a_canary_is_denied),
];

fn an_unchanged_apply_keeps_weights_and_hashes(bed: &Bed) {
    let world = World::new(bed, "guarded-apply");
    start_canary(&world);
    let before = world.hashes("destrule-app07");
    let recording = world.record(&["VirtualService", "DestinationRule"]);
    world
        .apply("examples/subset-level/virtual-service.yaml")
        .says("kept weights 5/95");
    world.apply("examples/subset-level/destination-rule.yaml");
    let stored = recording.stop(bed);
    for revision in &stored["VirtualService"] {
        let weights: Vec<u64> = weights(revision, "primary")
            .into_iter()
            .map(|(_, weight)| weight)
            .collect();
        assert_eq!(weights, [5, 95], "{revision:#}");
    }
    for revision in &stored["DestinationRule"] {
        assert_eq!(hashes(revision), before, "{revision:#}");
    }
}

fn deleting_a_route_during_a_canary_is_denied(bed: &Bed) {
    let world = World::new(bed, "guarded-delete");
    start_canary(&world);
    world
        .kubectl("delete virtualservice virtservice-app07")
        .fails()
        .says("RG701");
    world.argo("promote app07 --full").ok();
    world.until_phase("app07", "Healthy");
}

fn start_canary(world: &World) {
    world.apply("examples/subset-level");
    world.until_phase("app07", "Healthy");
    world
        .argo("set image app07 app07=registry.example/app:v2")
        .ok();
    world.until_phase("app07", "Paused");
    world.until_weights("virtservice-app07", "primary", &[5, 95]);
}
