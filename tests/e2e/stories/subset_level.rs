//! Subset-level traffic splitting, in the steps of the guide: from the first apply of the folder to the change of
//! the ConfigMap, with all files applied again in between.

use crate::bed::Bed;
use crate::folder::Folder;
use crate::release::{SUBSET_LEVEL, always_hashed, always_weighed};
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(from_install_through_set_image_to_promotion),
    shared!(everything_applied_again_during_a_canary),
    shared!(a_release_in_git_applied_again_and_again),
    shared!(abort_then_retry_then_undo),
    shared!(a_config_map_is_swapped),
];

fn from_install_through_set_image_to_promotion(bed: &Bed) {
    let world = World::new(bed, "subset-release");
    world.folder("examples/subset-level").apply().ok();
    world.until_phase("app07", "Healthy");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);

    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_first_step(&SUBSET_LEVEL);
    assert_eq!(
        world.weights("virtservice-app07", "primary"),
        [("version-v2".into(), 5), ("version-v1".into(), 95)]
    );
    let hashes = world.hashes("destrule-app07");
    assert!(!hashes["version-v1"].is_empty() && !hashes["version-v2"].is_empty());
    assert_ne!(hashes["version-v1"], hashes["version-v2"]);

    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
    // The controller writes the weights before the step.
    world.until_step("app07", 3);
    world.promote(&SUBSET_LEVEL);
    world.until_phase("app07", "Healthy");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);
    let promoted = world.hashes("destrule-app07");
    assert_eq!(promoted["version-v1"], hashes["version-v2"]);
}

/// The controller's values are kept and the user's change is stored, in the same write.
fn everything_applied_again_during_a_canary(bed: &Bed) {
    let world = World::new(bed, "subset-apply");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let hashes = world.hashes("destrule-app07");
    let recording = world.record(&["VirtualService", "DestinationRule"]);

    for _ in 0..3 {
        apply_routing(&folder);
    }
    folder.edit(
        "virtual-service.yaml",
        "  - name: primary\n",
        "  - name: primary\n    timeout: 7s\n",
    );
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("configured");
    assert_eq!(
        world.read("VirtualService", "virtservice-app07")["spec"]["http"][0]["timeout"],
        "7s"
    );
    world.reconcile("app07");

    let stored = recording.stop(bed);
    assert!(
        !stored["VirtualService"].is_empty(),
        "the timeout is a revision"
    );
    always_weighed(&stored, &[5, 95]);
    always_hashed(&stored, &hashes);
    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
}

fn apply_routing(folder: &Folder) {
    folder.apply_file("virtual-service.yaml").ok().says(
        "rollout-guard: kept weights 5/95 of route `primary`: Rollout subset-apply/app07 owns them",
    );
    folder
        .apply_file("destination-rule.yaml")
        .ok()
        .says("rollout-guard: kept hashes of subsets `version-v2` and `version-v1`: Rollout subset-apply/app07 owns them");
    folder.apply_file("service.yaml").ok().says("unchanged");
    folder.apply_file("gateway.yaml").ok().says("unchanged");
}

/// The image is changed in the file, and a script applies the whole folder every minute.
fn a_release_in_git_applied_again_and_again(bed: &Bed) {
    let world = World::new(bed, "subset-git");
    let folder = world.install(&SUBSET_LEVEL);
    folder.edit("rollout.yaml", "app:v1", "app:v2").apply().ok();
    world.until_first_step(&SUBSET_LEVEL);
    let hashes = world.hashes("destrule-app07");

    let recording = world.record(&["VirtualService", "DestinationRule"]);
    for _ in 0..3 {
        folder.apply().ok().says("kept weights 5/95");
    }
    let stored = recording.stop(bed);
    always_weighed(&stored, &[5, 95]);
    always_hashed(&stored, &hashes);

    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
    folder.apply().ok().says("kept weights 50/50");
    world.promote(&SUBSET_LEVEL);
    world.until_phase("app07", "Healthy");
    folder.apply().ok();
    world.until_weights("virtservice-app07", "primary", &[0, 100]);
}

fn abort_then_retry_then_undo(bed: &Bed) {
    let world = World::new(bed, "subset-abort");
    let folder = world.start_canary(&SUBSET_LEVEL);
    world
        .argo("abort app07")
        .ok()
        .says("rollout 'app07' aborted");
    world.until_phase("app07", "Degraded");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);
    folder.apply_file("virtual-service.yaml").ok();
    folder.apply_file("destination-rule.yaml").ok();
    world.until_weights("virtservice-app07", "primary", &[0, 100]);

    world
        .argo("retry rollout app07")
        .ok()
        .says("rollout 'app07' retried");
    world.until_first_step(&SUBSET_LEVEL);
    world.argo("abort app07").ok();
    world.until_phase("app07", "Degraded");

    world.argo("undo app07").ok().says("rollout 'app07' undo");
    let healthy = world.until_phase("app07", "Healthy");
    let image = &healthy["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "registry.example/app:v1");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);
}

/// Only `set image` has a command of its own; a ConfigMap is changed in the Rollout's file.
fn a_config_map_is_swapped(bed: &Bed) {
    let world = World::new(bed, "subset-config-map");
    let folder = world.folder("examples/subset-level");
    folder.edit(
        "rollout.yaml",
        "        - containerPort: 8080\n",
        "        - containerPort: 8080\n        volumeMounts:\n        - name: config\n          mountPath: /config\n      \
         volumes:\n      - name: config\n        configMap:\n          name: cm-01\n",
    );
    for (name, text) in [("cm-01", "alamakota"), ("cm-02", "alamakota 2")] {
        world
            .kubectl(&format!("create configmap {name}"))
            .arg(format!("--from-literal=key01={text}"))
            .ok();
    }
    folder.apply().ok();
    world.until_phase("app07", "Healthy");

    folder.edit("rollout.yaml", "name: cm-01", "name: cm-02");
    folder
        .apply_file("rollout.yaml")
        .ok()
        .says("rollout.argoproj.io/app07 configured");
    world.until_first_step(&SUBSET_LEVEL);
    folder.apply().ok().says("kept weights 5/95");
    world.argo("promote app07 --full").ok();
    world.until_phase("app07", "Healthy");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);
}
