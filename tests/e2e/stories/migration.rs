//! From plain Istio to a Rollout with the same Service, DestinationRule and VirtualService, in the steps of the
//! guide: generic labels in the subsets, a name for the route, then the Rollout instead of the two Deployments.

use crate::api::list;
use crate::bed::Bed;
use crate::folder::Folder;
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::{World, hashes};

pub const STORIES: &[Story] = &[
    shared!(step_by_step),
    shared!(the_rollout_comes_first),
    shared!(subsets_without_labels_get_generic_ones),
];

fn step_by_step(bed: &Bed) {
    let world = World::new(bed, "migration");
    let folder = plain_istio(&world);
    folder.edit("virtual-service.yaml", "weight: 95", "weight: 100");
    folder.edit("virtual-service.yaml", "weight: 5\n", "weight: 0\n");
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .without_warning();
    world.kubectl("delete deployment server-v2").ok();

    generic_labels(&folder, "name: app07");
    folder
        .apply_file("destination-rule.yaml")
        .ok()
        .without_warning();
    folder.edit(
        "virtual-service.yaml",
        "  - route:\n",
        "  - name: primary\n    route:\n",
    );
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .without_warning();
    world.apply("examples/subset-level/rollout.yaml");
    world.until_phase("app07", "Healthy");
    world.until(
        "DestinationRule",
        "destrule-app07",
        "the controller's",
        |rule| hashes(rule).values().all(|hash| !hash.is_empty()),
    );
    world.kubectl("delete deployment server-v1").ok();

    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_first_step(&SUBSET_LEVEL);
    folder.apply_file("destination-rule.yaml").ok();
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("kept weights 5/95");
    world.argo("promote app07 --full").ok();
    world.until_phase("app07", "Healthy");
}

/// A CREATE is never denied for what other objects lack; missing objects are reported.
fn the_rollout_comes_first(bed: &Bed) {
    let world = World::new(bed, "migration-wrong");
    let folder = plain_istio(&world);
    let told = world.apply("examples/subset-level/rollout.yaml");
    told.says("RG202: Rollout migration-wrong/app07 lists route `primary`, which VirtualService migration-wrong/virtservice-app07 does not have")
        .says("RG303: Rollout migration-wrong/app07 names subset `version-v2` of DestinationRule migration-wrong/destrule-app07, which asks for label `version: v2`, which the canary's pods lack");

    generic_labels(&folder, "name: app07");
    folder.apply_file("destination-rule.yaml").ok();
    folder.edit(
        "virtual-service.yaml",
        "  - route:\n",
        "  - name: primary\n    route:\n",
    );
    folder.apply_file("virtual-service.yaml").ok();
    world.until_phase("app07", "Healthy");
    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_first_step(&SUBSET_LEVEL);
}

/// The labels of the subsets are removed. rollout-guard adds labels that all pods have.
fn subsets_without_labels_get_generic_ones(bed: &Bed) {
    let world = World::new(bed, "migration-labels");
    let folder = world.install(&SUBSET_LEVEL);
    folder.edit(
        "destination-rule.yaml",
        "    labels:\n      name: app07\n",
        "",
    );
    folder
        .apply_file("destination-rule.yaml")
        .ok()
        .says("gave subsets `version-v1` and `version-v2` the labels name=app07 of Rollout migration-labels/app07");
    let rule = world.read("DestinationRule", "destrule-app07");
    for subset in list(&rule, "/spec/subsets") {
        assert_eq!(subset["labels"]["name"], "app07", "{rule:#}");
    }
    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_first_step(&SUBSET_LEVEL);
}

fn plain_istio<'w>(world: &'w World<'w>) -> Folder<'w> {
    let folder = world.folder("examples/plain-istio");
    folder.apply().ok().without_warning();
    folder
}

fn generic_labels(folder: &Folder, label: &str) {
    folder.edit("destination-rule.yaml", "version: v1", label);
    folder.edit("destination-rule.yaml", "version: v2", label);
}
