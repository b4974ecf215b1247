//! Host-level traffic splitting: two Services, one canary and one stable, which the controller distinguishes by the
//! hash in their selectors.

use crate::bed::Bed;
use crate::release::{HOST_LEVEL, always_weighed, selected};
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(from_install_through_set_image_to_promotion),
    shared!(everything_applied_again_during_a_canary),
    shared!(abort_then_retry_then_undo),
];

fn from_install_through_set_image_to_promotion(bed: &Bed) {
    let world = World::new(bed, "host-release");
    world.install(&HOST_LEVEL);
    world.set_image(&HOST_LEVEL, "v2");
    world.until_first_step(&HOST_LEVEL);
    assert_eq!(
        world.weights("shop", "primary"),
        [("shop-stable".into(), 95), ("shop-canary".into(), 5)]
    );
    let (stable, canary) = (world.selected("shop-stable"), world.selected("shop-canary"));
    assert!(!stable.is_empty() && !canary.is_empty());
    assert_ne!(stable, canary);

    world.promote(&HOST_LEVEL);
    world.until_weights("shop", "primary", &[50, 50]);
    // The controller writes the weights before the step.
    world.until_step("shop", 3);
    world.promote(&HOST_LEVEL);
    world.until_phase("shop", "Healthy");
    world.until_weights("shop", "primary", &[100, 0]);
    world.until("Service", "shop-stable", "of the new version", |service| {
        selected(service) == canary
    });
}

/// Client-side, server-side with force, and replace: each sends the file as it is.
fn everything_applied_again_during_a_canary(bed: &Bed) {
    let world = World::new(bed, "host-apply");
    let folder = world.start_canary(&HOST_LEVEL);
    let hashes = |service: &str| world.selected(service);
    let before = (hashes("shop-stable"), hashes("shop-canary"));
    let recording = world.record(&["VirtualService", "Service"]);

    for verb in ["apply", "apply --server-side --force-conflicts", "replace"] {
        folder.kubectl(verb, "virtual-service.yaml").ok();
        folder.kubectl(verb, "services.yaml").ok();
    }
    folder.edit("services.yaml", "targetPort: 8080", "targetPort: 9090");
    folder
        .kubectl("replace", "services.yaml")
        .ok()
        .says(&format!("kept hash `{}` of stableService", before.0))
        .says("Rollout host-apply/shop owns them");
    world.reconcile("shop");

    let stored = recording.stop(bed);
    always_weighed(&stored, &[95, 5]);
    for service in &stored["Service"] {
        assert!(!selected(service).is_empty(), "{service:#}");
    }
    assert_eq!((hashes("shop-stable"), hashes("shop-canary")), before);
    let port = &world.read("Service", "shop-canary")["spec"]["ports"][0]["targetPort"];
    assert_eq!(port, 9090, "the user's own change is stored");
    world.promote(&HOST_LEVEL);
    world.until_weights("shop", "primary", &[50, 50]);
}

fn abort_then_retry_then_undo(bed: &Bed) {
    let world = World::new(bed, "host-abort");
    let folder = world.start_canary(&HOST_LEVEL);
    world.argo("abort shop").ok();
    world.until_phase("shop", "Degraded");
    world.until_weights("shop", "primary", &[100, 0]);
    // Not `replace`: after an abort the controller itself rewrites the canary Service many times a second.
    folder
        .kubectl("apply --server-side --force-conflicts", "services.yaml")
        .ok();
    world.reconcile("shop");
    assert_eq!(world.selected("shop-stable"), stable_revision(&world));

    world.argo("retry rollout shop").ok();
    world.until_first_step(&HOST_LEVEL);
    world.argo("abort shop").ok();
    world.argo("undo shop").ok();
    world.until_phase("shop", "Healthy");
    world.until_weights("shop", "primary", &[100, 0]);
    assert_eq!(world.selected("shop-stable"), stable_revision(&world));
}

fn stable_revision(world: &World) -> String {
    let stable = &world.read("Rollout", "shop")["status"]["stableRS"];
    stable.as_str().unwrap_or_default().to_owned()
}
