//! `kubectl apply` of a folder with its files in every order, and renames of what two objects share.

use crate::bed::Bed;
use crate::folder::Folder;
use crate::release::{HOST_LEVEL, SUBSET_LEVEL};
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(the_files_of_a_subset_level_flow_in_every_order),
    shared!(the_files_of_a_host_level_flow_in_every_order),
    shared!(both_ends_renamed_in_one_commit_are_denied_in_either_order),
    shared!(add_the_new_move_the_reference_drop_the_old),
];

fn the_files_of_a_subset_level_flow_in_every_order(bed: &Bed) {
    let world = World::new(bed, "order-subset");
    let folder = world.folder(SUBSET_LEVEL.folder);
    let files = [
        "service.yaml",
        "destination-rule.yaml",
        "virtual-service.yaml",
        "rollout.yaml",
    ];
    in_every_order(&world, &folder, &files);
    folder.apply().ok();
    world.until_phase("app07", "Healthy");
}

fn the_files_of_a_host_level_flow_in_every_order(bed: &Bed) {
    let world = World::new(bed, "order-host");
    let folder = world.folder(HOST_LEVEL.folder);
    in_every_order(
        &world,
        &folder,
        &["services.yaml", "virtual-service.yaml", "rollout.yaml"],
    );
    folder.apply().ok();
    world.until_phase("shop", "Healthy");
}

/// Applies all files to an empty namespace, then deletes them in the same order.
fn in_every_order(world: &World, folder: &Folder, files: &[&str]) {
    for order in permutations(files) {
        for verb in ["apply", "delete --wait=false"] {
            let run = order.iter().fold(world.kubectl(verb), |run, file| {
                run.arg("-f").arg(folder.path(file))
            });
            run.ok();
        }
    }
}

fn permutations<'f>(files: &[&'f str]) -> Vec<Vec<&'f str>> {
    if files.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: &&'f str| {
        let rest: Vec<&str> = files.iter().copied().filter(|file| file != first).collect();
        let rest = permutations(&rest).into_iter();
        let all = rest.map(|rest| [vec![*first], rest].concat());
        all.collect::<Vec<_>>()
    };
    files.iter().flat_map(with_first).collect()
}

/// Each write alone leaves a reference to a name that does not exist. The help names the safe order.
fn both_ends_renamed_in_one_commit_are_denied_in_either_order(bed: &Bed) {
    let world = World::new(bed, "order-rename");
    let folder = world.install(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "name: primary", "name: main");
    folder.edit("rollout.yaml", "- primary\n", "- main\n");
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .says("to rename a route, add the new one behind the old, move the Rollout's reference, then drop the old one")
        .says("[rollout-guard RG202]");
    folder
        .apply_file("rollout.yaml")
        .fails()
        .says("to rename a route, add the new one behind the old, move the Rollout's reference, then drop the old one")
        .says("[rollout-guard RG202]");
    world.reconcile("app07");
    world.until_phase("app07", "Healthy");
}

fn add_the_new_move_the_reference_drop_the_old(bed: &Bed) {
    let world = World::new(bed, "order-move");
    let folder = world.install(&SUBSET_LEVEL);
    let old = folder.text("virtual-service.yaml");
    let route = old.split_once("  http:\n").expect("http routes").1;
    let new = old.clone() + &route.replace("name: primary", "name: main");
    folder.write("virtual-service.yaml", &new);
    folder.apply_file("virtual-service.yaml").ok();
    folder.edit("rollout.yaml", "- primary\n", "- main\n");
    folder.apply_file("rollout.yaml").ok();
    folder.write(
        "virtual-service.yaml",
        &old.replace("name: primary", "name: main"),
    );
    folder.apply_file("virtual-service.yaml").ok();
    world.until_phase("app07", "Healthy");
    world.set_image(&SUBSET_LEVEL, "v2");
    world.until_weights("virtservice-app07", "main", &[5, 95]);
}
