//! How strict rollout-guard is: the namespace label `rollout-guard.io/enforce`, and the profile of the chart.

use crate::bed::{Bed, poll};
use crate::folder::Folder;
use crate::release::{SUBSET_LEVEL, always_weighed, first};
use crate::story::Story;
use crate::world::{DEADLINE, World};
use crate::{alone, shared};

pub const STORIES: &[Story] = &[
    shared!(a_namespace_is_observed),
    shared!(a_namespace_is_not_reviewed),
    shared!(a_namespace_is_strict),
    alone!(the_chart_observes_by_default),
    alone!(the_chart_is_strict),
];

fn a_namespace_is_observed(bed: &Bed) {
    let world = World::new(bed, "label-observe");
    label(&world, "observe");
    observed(&world);
    label(&world, "guard");
    world.until_first_step(&SUBSET_LEVEL);
    let folder = world.folder(SUBSET_LEVEL.folder);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("kept weights 5/95");
    rename_route(&folder);
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .says("[rollout-guard RG202]");
}

/// Nothing is denied or changed; warnings show what would be.
fn observed(world: &World) {
    let folder = world.start_canary(&SUBSET_LEVEL);
    let recording = world.record(&["VirtualService"]);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("rollout-guard: would have kept weights 5/95 of route `primary`");
    let stored = first(recording.stop(world.bed));
    always_weighed(&stored, &[0, 100]);
    world.until_first_step(&SUBSET_LEVEL);

    rename_route(&folder);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("RG202: would deny: ");
    world.until_phase("app07", "Degraded");
    world
        .folder(SUBSET_LEVEL.folder)
        .apply_file("virtual-service.yaml")
        .ok();
    world.until_first_step(&SUBSET_LEVEL);
    world
        .kubectl("delete --dry-run=server virtualservice virtservice-app07")
        .ok()
        .says("RG701: would deny: ");
}

fn a_namespace_is_not_reviewed(bed: &Bed) {
    let world = World::new(bed, "label-off");
    label(&world, "off");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let recording = world.record(&["VirtualService"]);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .without_warning();
    let stored = first(recording.stop(bed));
    always_weighed(&stored, &[0, 100]);
    rename_route(&folder);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .without_warning();
}

/// An error that existed before is denied too.
fn a_namespace_is_strict(bed: &Bed) {
    let world = World::new(bed, "label-strict");
    let folder = with_an_old_error(&world);
    folder.edit("service.yaml", "port: 8080", "port: 8081");
    folder.edit(
        "virtual-service.yaml",
        "    route:\n",
        "    timeout: 7s\n    route:\n",
    );
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("Warning: RG202");

    label(&world, "strict");
    folder.edit("virtual-service.yaml", "timeout: 7s", "timeout: 8s");
    denied_until_seen(&folder);
    world
        .kubectl("label namespace label-strict rollout-guard.io/enforce-")
        .ok();
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("Warning: RG202");
}

/// The route that the Rollout lists was renamed while nothing was denied. The Rollout was reconciled before: one that
/// never was holds no object, in profile `strict` neither.
fn with_an_old_error<'w>(world: &'w World<'w>) -> Folder<'w> {
    let folder = world.install(&SUBSET_LEVEL);
    label(world, "observe");
    rename_route(&folder);
    poll("the label to be seen", DEADLINE, &mut || {
        let ran = folder.kubectl("apply", "virtual-service.yaml").run();
        if ran.code == 0 {
            Ok(())
        } else {
            Err(ran.to_string())
        }
    });
    label(world, "guard");
    folder
}

fn denied_until_seen(folder: &Folder) {
    let dry = || {
        folder
            .kubectl("apply --dry-run=server", "virtual-service.yaml")
            .run()
    };
    poll("the label to be seen", DEADLINE, &mut || {
        let ran = dry();
        if ran.code == 0 {
            Err(ran.to_string())
        } else {
            Ok(())
        }
    });
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .says("[rollout-guard RG202]");
}

fn the_chart_observes_by_default(bed: &Bed) {
    bed.guard().install(&[]);
    let world = World::unsettled(bed, "profile-observe");
    observed(&world);
    // The operator enforces during a release: the release is guarded from now on.
    bed.guard().install(&["profile=guard"]);
    world
        .folder(SUBSET_LEVEL.folder)
        .apply_file("virtual-service.yaml")
        .ok()
        .says("kept weights 5/95");
    world
        .kubectl("delete virtualservice virtservice-app07")
        .fails()
        .says("[rollout-guard RG701]");
}

fn the_chart_is_strict(bed: &Bed) {
    bed.guard().install(&["profile=strict"]);
    let world = World::unsettled(bed, "profile-strict");
    let folder = world.folder(SUBSET_LEVEL.folder);
    // Under `strict` a referenced object must exist, so the order of apply matters.
    folder
        .apply_file("rollout.yaml")
        .fails()
        .says("[rollout-guard RG201]")
        .says("[rollout-guard RG301]");
    for file in [
        "service.yaml",
        "gateway.yaml",
        "destination-rule.yaml",
        "virtual-service.yaml",
        "rollout.yaml",
    ] {
        folder.apply_file(file).ok();
    }
    world.until_phase("app07", "Healthy");
    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_first_step(&SUBSET_LEVEL);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("kept weights 5/95");
    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
    bed.guard().ensure();
}

fn label(world: &World, word: &str) {
    let namespace = &world.namespace;
    world
        .kubectl(&format!(
            "label --overwrite namespace {namespace} rollout-guard.io/enforce={word}"
        ))
        .ok();
}

fn rename_route(folder: &Folder) {
    folder.edit("virtual-service.yaml", "name: primary\n", "name: main\n");
}
