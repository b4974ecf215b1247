//! What Argo CD deletes in the middle of a canary: an Application with its objects, and what a commit deletes.

use crate::argo_cd::{Application, Options};
use crate::bed::Bed;
use crate::shared;
use crate::story::{Story, side_by_side};
use crate::team::Team;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(an_application_is_deleted_in_mid_canary),
    shared!(a_flow_is_pruned_in_mid_canary),
];

/// Argo CD deletes all objects at once, so some deletes come before the Rollout's.
fn an_application_is_deleted_in_mid_canary(bed: &Bed) {
    let guarded = || {
        let world = World::new(bed, "argocd-delete");
        let team = start(&world);
        team.release_image();
        team.tool.delete();
        let took = team.until_deleted();
        eprintln!("e2e: Argo CD: deleted in {took:.0?}");
        until_gone(&team);
        let log = std::fs::read_to_string(bed.layout.log("argocd-application-controller"));
        let denied = "rollout-guard denies this DELETE of VirtualService argocd-delete/";
        assert!(
            log.expect("its log").contains(denied),
            "no delete was denied"
        );
    };
    let control = || {
        let world = World::without_guard(bed, "argocd-delete-control");
        let team = start(&world);
        team.release_image();
        team.tool.delete();
        let took = team.until_deleted();
        eprintln!("e2e: Argo CD: deleted in {took:.0?} without the guard");
        until_gone(&team);
    };
    side_by_side(guarded, control);
}

/// A commit deletes the whole flow.
fn a_flow_is_pruned_in_mid_canary(bed: &Bed) {
    let guarded = || {
        let world = World::new(bed, "argocd-prune");
        let team = start(&world);
        team.release_image();
        team.delete_flow();
        let took = team.until_deleted();
        eprintln!("e2e: Argo CD: pruned in {took:.0?}");
        team.until_status("Synced", "Healthy");
    };
    let control = || {
        let world = World::without_guard(bed, "argocd-prune-control");
        let team = start(&world);
        team.release_image();
        team.delete_flow();
        let took = team.until_deleted();
        eprintln!("e2e: Argo CD: pruned in {took:.0?} without the guard");
        team.until_status("Synced", "Healthy");
    };
    side_by_side(guarded, control);
}

fn until_gone(team: &Team<Application>) {
    let what = "the Application to go";
    team.world.bed.wait(what, crate::world::DEADLINE, || {
        team.tool
            .find()
            .map_or(Ok(()), |seen| Err(seen.to_string()))
    });
}

fn start<'w>(world: &'w World<'w>) -> Team<'w, Application<'w>> {
    Team::of_subset_level(world, |repository| {
        Application::create(world, repository, Options::SERVER_SIDE)
    })
}
