//! A rollback is never denied, whatever is wrong with the flow by then.

use crate::bed::Bed;
use crate::folder::Folder;
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(the_old_manifests_are_applied_during_a_canary),
    shared!(an_undo_over_old_errors),
    shared!(the_old_manifests_over_old_errors),
    shared!(helm_rolls_back_during_a_canary),
];

/// `git revert`: the original folder is applied again.
fn the_old_manifests_are_applied_during_a_canary(bed: &Bed) {
    let world = World::new(bed, "rollback-apply");
    let folder = world.install(&SUBSET_LEVEL);
    folder.edit("rollout.yaml", "app:v1", "app:v2").apply().ok();
    world.until_first_step(&SUBSET_LEVEL);
    folder.edit("rollout.yaml", "app:v2", "app:v1").apply().ok();
    world.until_phase("app07", "Healthy");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);
    assert_eq!(image(&world), "registry.example/app:v1");
}

/// Breaks the flow in every way while rollout-guard is off; then `undo`.
fn an_undo_over_old_errors(bed: &Bed) {
    for (name, break_it) in BREAKS {
        let world = World::new(bed, &format!("undo-{name}"));
        break_unguarded(&world, *break_it);
        world.argo("abort app07").ok();
        world.argo("undo app07").ok();
        assert_eq!(image(&world), "registry.example/app:v1");
        world.folder(SUBSET_LEVEL.folder).apply().ok();
        world.until_phase("app07", "Healthy");
    }
}

/// Breaks the flow in every way; then applies the whole original folder.
fn the_old_manifests_over_old_errors(bed: &Bed) {
    for (name, break_it) in BREAKS {
        let world = World::new(bed, &format!("revert-{name}"));
        break_unguarded(&world, *break_it);
        world
            .folder(SUBSET_LEVEL.folder)
            .apply_file("rollout.yaml")
            .ok();
        assert_eq!(image(&world), "registry.example/app:v1");
        world.folder(SUBSET_LEVEL.folder).apply().ok();
        world.until_phase("app07", "Healthy");
    }
}

fn break_unguarded(world: &World, break_it: fn(&Folder)) {
    let namespace = &world.namespace;
    let label = |word: &str| {
        world
            .kubectl(&format!("label namespace {namespace} {word}"))
            .ok();
    };
    let folder = world.start_canary(&SUBSET_LEVEL);
    label("rollout-guard.io/enforce=off");
    break_it(&folder);
    folder.apply_file("virtual-service.yaml").ok();
    folder.apply_file("destination-rule.yaml").ok();
    world.reconcile("app07");
    label("rollout-guard.io/enforce-");
}

/// A name, and the change that somebody makes to the files.
type Break = (&'static str, fn(&Folder));

const BREAKS: &[Break] = &[
    ("route", |folder| {
        folder.edit("virtual-service.yaml", "name: primary", "name: main");
    }),
    ("subset", |folder| {
        folder.edit("destination-rule.yaml", "name: version-v2", "name: v2");
    }),
    ("labels", |folder| {
        folder.edit(
            "destination-rule.yaml",
            "      name: app07\n",
            "      version: v9\n",
        );
    }),
    ("destination", |folder| {
        folder.edit(
            "virtual-service.yaml",
            "subset: version-v2",
            "subset: version-v9",
        );
    }),
];

fn helm_rolls_back_during_a_canary(bed: &Bed) {
    for tool in ["helm", "helm3"] {
        let world = World::new(bed, &format!("rollback-{tool}"));
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
        let force = if tool == "helm" {
            "--force-conflicts"
        } else {
            ""
        };
        helm(&format!(
            "upgrade app07 --set image=registry.example/app:v2 {force}"
        ))
        .arg(chart.path(""))
        .ok();
        world.until_first_step(&SUBSET_LEVEL);
        helm(&format!("rollback app07 1 {force}")).ok();
        world.until_phase("app07", "Healthy");
        world.until_weights("virtservice-app07", "primary", &[0, 100]);
        assert_eq!(image(&world), "registry.example/app:v1");
    }
}

fn image(world: &World) -> String {
    let rollout = world.read("Rollout", "app07");
    let image = &rollout["spec"]["template"]["spec"]["containers"][0]["image"];
    image.as_str().unwrap_or_default().to_owned()
}
