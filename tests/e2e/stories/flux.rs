//! Flux's controllers beside rollout-guard: reconciliations in the middle of canaries, and what a team commits, compared
//! with a namespace without rollout-guard.

use std::thread::sleep;
use std::time::Duration;

use crate::bed::Bed;
use crate::flux::Kustomization;
use crate::shared;
use crate::story::{Story, side_by_side};
use crate::team::Team;
use crate::world::{DEADLINE, World};

pub const STORIES: &[Story] = &[
    shared!(a_minute_of_reconciliations),
    shared!(a_release_of_several_objects),
    shared!(a_bad_commit_is_refused_and_mended),
    shared!(a_fault_in_one_object_applies_nothing),
    shared!(a_revert_rolls_back),
    shared!(a_pending_reference),
    shared!(a_flow_is_pruned_in_mid_canary),
    shared!(a_kustomization_is_deleted_in_mid_canary),
];

fn a_minute_of_reconciliations(bed: &Bed) {
    let guarded = || {
        let world = World::new(bed, "flux-interval");
        let team = mid_canaries(&world);
        team.until_first_weights();
        sleep(Duration::from_mins(1));
        team.until_applied();
        team.release_timeouts();
        team.promote_flows();
        team.until_applied();
        team.end()
    };
    let control = || {
        let world = World::without_guard(bed, "flux-interval-control");
        let team = mid_canaries(&world);
        sleep(Duration::from_mins(1));
        team.end()
    };
    let (guarded, control) = side_by_side(guarded, control);
    eprintln!("e2e: Flux: with the guard: {guarded}; without: {control}");
    assert!(guarded.wrong.is_empty(), "{}", guarded.wrong.join("\n"));
    assert!(
        !control.wrong.is_empty(),
        "without the guard nothing was wiped, so the story shows nothing"
    );
}

fn mid_canaries<'w>(world: &'w World<'w>) -> Team<'w, Kustomization<'w>> {
    let team = Team::of_two_flows(world, |repository| Kustomization::create(world, repository));
    team.release_images();
    team
}

fn a_release_of_several_objects(bed: &Bed) {
    let guarded = || {
        let world = World::new(bed, "flux-several");
        start(&world).release_several_objects();
    };
    let control = || {
        let world = World::without_guard(bed, "flux-several-control");
        start(&world).release_several_objects();
    };
    side_by_side(guarded, control);
}

/// In the middle of a canary.
fn a_bad_commit_is_refused_and_mended(bed: &Bed) {
    let guarded = || {
        let world = World::new(bed, "flux-bad");
        let team = start(&world);
        team.release_image();
        team.rename_route();
        let message = team.tool.until_ready(&team.head(), "False");
        assert!(message.contains("[rollout-guard RG202"), "{message}");
        world.until_weights("virtservice-app07", "primary", &[5, 95]);
        team.mend_route();
        world.until_weights("virtservice-app07", "primary", &[5, 95]);
        assert_eq!(team.end().wrong, Vec::<String>::new());
    };
    let control = || {
        let world = World::without_guard(bed, "flux-bad-control");
        let team = start(&world);
        team.release_image();
        team.rename_route();
        team.until_applied();
        assert_eq!(team.routes(), ["main"]);
        world.until_phase("app07", "Degraded");
    };
    side_by_side(guarded, control);
}

/// All objects are tried as dry runs before one is applied.
fn a_fault_in_one_object_applies_nothing(bed: &Bed) {
    let world = World::new(bed, "flux-fault");
    let team = start(&world);
    team.break_one_object();
    let message = team.tool.until_ready(&team.head(), "False");
    let dry_run = "DestinationRule/flux-fault/destrule-app07 dry-run failed";
    assert!(message.contains(dry_run), "{message}");
    assert!(message.contains("[rollout-guard RG503"), "{message}");
    assert_eq!(team.routes(), ["primary"]);
    team.revert();
    team.until_applied();
}

fn a_revert_rolls_back(bed: &Bed) {
    let guarded = || {
        let world = World::new(bed, "flux-revert");
        let team = start(&world);
        team.release_image();
        team.roll_back();
        assert_eq!(team.end().wrong, Vec::<String>::new());
    };
    let control = || {
        let world = World::without_guard(bed, "flux-revert-control");
        let team = start(&world);
        team.release_image();
        team.roll_back();
    };
    side_by_side(guarded, control);
}

fn a_pending_reference(bed: &Bed) {
    let world = World::new(bed, "flux-pending");
    let team = start(&world);
    team.list_route();
    // A Kustomization is ready although its Rollout is not.
    team.until_applied();
    let log = std::fs::read_to_string(bed.layout.log("kustomize-controller"));
    let pending = "RG202: pending: VirtualService flux-pending/";
    assert!(log.expect("its log").contains(pending), "no warning");
    team.add_route();
}

/// A commit deletes the whole flow. Flux deletes the VirtualService before the Rollout.
fn a_flow_is_pruned_in_mid_canary(bed: &Bed) {
    let guarded = || {
        let world = World::new(bed, "flux-prune");
        let team = start(&world);
        team.release_image();
        team.delete_flow();
        let message = team.tool.until_ready(&team.head(), "False");
        std::fs::write(bed.layout.log("flux-prune-message"), &message).expect("a log");
        assert!(message.contains("[rollout-guard RG701 "), "{message}");
        assert!(
            message.contains("VirtualService/flux-prune/virtservice-app07 delete failed"),
            "{message}"
        );
        let took = team.until_deleted();
        eprintln!("e2e: Flux: pruned {took:.0?} after the denial");
        team.until_applied();
    };
    let control = || {
        let world = World::without_guard(bed, "flux-prune-control");
        let team = start(&world);
        team.release_image();
        team.delete_flow();
        team.until_applied();
        team.until_deleted();
    };
    side_by_side(guarded, control);
}

/// Its finalizer deletes what it applied.
fn a_kustomization_is_deleted_in_mid_canary(bed: &Bed) {
    let world = World::new(bed, "flux-delete");
    let team = start(&world);
    team.release_image();
    world.kubectl("delete kustomization team --wait=false").ok();
    let took = team.until_deleted();
    eprintln!("e2e: Flux: a Kustomization and its flow were deleted in {took:.0?}");
    let log = std::fs::read_to_string(bed.layout.log("kustomize-controller")).expect("its log");
    let denied = |line: &&str| line.contains("RG701") && line.contains("flux-delete");
    let denied = log.lines().filter(denied).count();
    assert!(denied > 0, "no delete was denied");
    bed.wait("the Kustomization to go", DEADLINE, || {
        let found = world.find("Kustomization", "team");
        found.map_or(Ok(()), |object| Err(object.to_string()))
    });
}

fn start<'w>(world: &'w World<'w>) -> Team<'w, Kustomization<'w>> {
    Team::of_subset_level(world, |repository| Kustomization::create(world, repository))
}
