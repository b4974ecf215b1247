//! What happens without rollout-guard: the comparison for the stories with it.

use crate::bed::Bed;
use crate::shared;
use crate::story::Story;
use crate::world::{World, hashes, weights};

pub const STORIES: &[Story] = &[
    shared!(a_canary_reaches_its_first_weight),
    shared!(an_unchanged_apply_wipes_weights_and_hashes),
];

fn a_canary_reaches_its_first_weight(bed: &Bed) {
    let world = World::without_guard(bed, "baseline-canary");
    start_canary(&world);
    assert_eq!(
        world.weights("virtservice-app07", "primary"),
        [("version-v2".into(), 5), ("version-v1".into(), 95)]
    );
    let hashes = world.hashes("destrule-app07");
    assert!(hashes.values().all(|hash| !hash.is_empty()), "{hashes:?}");
    assert_ne!(hashes["version-v1"], hashes["version-v2"]);

    world.argo("promote app07").ok();
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
}

/// `kubectl apply` of the files that are already applied: the weights become the file's, the hashes are gone.
fn an_unchanged_apply_wipes_weights_and_hashes(bed: &Bed) {
    let world = World::without_guard(bed, "baseline-apply");
    start_canary(&world);
    let recording = world.record(&["VirtualService", "DestinationRule"]);
    world
        .apply("examples/subset-level/virtual-service.yaml")
        .says("configured");
    world
        .apply("examples/subset-level/destination-rule.yaml")
        .says("configured");
    let stored = recording.stop(bed);

    let wiped = &stored["VirtualService"][0];
    let weights: Vec<u64> = weights(wiped, "primary")
        .into_iter()
        .map(|(_, weight)| weight)
        .collect();
    assert_eq!(weights, [0, 100], "{wiped:#}");
    let wiped = &stored["DestinationRule"][0];
    assert!(hashes(wiped).values().all(String::is_empty), "{wiped:#}");
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
