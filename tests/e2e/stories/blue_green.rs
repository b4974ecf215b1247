//! Blue-green: the new version waits behind the preview Service until a person approves it.

use crate::bed::Bed;
use crate::release::selected;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(replaced_services_promote_no_version),
    shared!(without_the_guard_the_unapproved_version_is_promoted),
];

fn replaced_services_promote_no_version(bed: &Bed) {
    let world = World::new(bed, "blue-green");
    let approved = in_approval(&world);
    let unapproved = world.selected("desk-preview");
    let recording = world.record(&["Service"]);
    let folder = world.folder(FOLDER);
    for verb in ["replace", "apply", "apply --server-side --force-conflicts"] {
        folder.kubectl(verb, "services.yaml").ok();
    }
    world.reconcile("desk");
    for service in &recording.stop(bed)["Service"] {
        assert!(!selected(service).is_empty(), "{service:#}");
    }
    let rollout = world.until_phase("desk", "Paused");
    assert_eq!(rollout["status"]["stableRS"], approved.as_str());
    assert_eq!(world.selected("desk-active"), approved);
    assert_eq!(world.selected("desk-preview"), unapproved);

    world.argo("promote desk").ok();
    world.until_phase("desk", "Healthy");
    assert_eq!(world.selected("desk-active"), unapproved);
}

fn without_the_guard_the_unapproved_version_is_promoted(bed: &Bed) {
    let world = World::without_guard(bed, "blue-green-control");
    let approved = in_approval(&world);
    world
        .folder(FOLDER)
        .kubectl("replace", "services.yaml")
        .ok();
    world.reconcile("desk");
    world.until(
        "Rollout",
        "desk",
        "the unapproved version is stable",
        |rollout| rollout["status"]["stableRS"] != approved.as_str(),
    );
}

/// The new version waits for approval. Returns the hash of the old one.
fn in_approval(world: &World) -> String {
    world.apply(FOLDER);
    world.until_phase("desk", "Healthy");
    let approved = world.selected("desk-active");
    world
        .argo("set image desk desk=registry.example/app:v2")
        .ok();
    world.until_phase("desk", "Paused");
    assert_ne!(world.selected("desk-preview"), approved);
    assert_eq!(world.selected("desk-active"), approved);
    approved
}

const FOLDER: &str = "tests/e2e/manifests/blue-green";
