//! What a team commits: a release of several objects, a mistake, a revert, and a reference that is pending.

use std::time::Instant;

use serde_json::Value;

use crate::api::text;
use crate::argo_cd::{Application, Options};
use crate::bed::Bed;
use crate::shared;
use crate::story::{Story, side_by_side};
use crate::team::{Team, Tool};
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(a_release_of_several_objects),
    shared!(a_release_of_several_objects_in_mid_canary),
    shared!(a_bad_commit_is_refused_and_mended),
    shared!(a_mended_commit_waits_without_retry_refresh),
    shared!(a_fault_in_one_object_fails_the_comparison),
    shared!(a_revert_rolls_back),
    shared!(a_pending_reference),
];

fn a_release_of_several_objects(bed: &Bed) {
    for (name, options) in MODES {
        let guarded = || {
            let world = World::new(bed, &format!("argocd-several-{name}"));
            let team = start(&world, options);
            team.release_several_objects();
            team.until_status("Synced", "Healthy");
        };
        let control = || {
            let world = World::without_guard(bed, &format!("argocd-several-{name}-control"));
            start(&world, options).release_several_objects();
        };
        side_by_side(guarded, control);
    }
}

/// The Rollout is denied until the VirtualService has the route. Argo CD goes on, so the first retry brings the rest.
fn a_release_of_several_objects_in_mid_canary(bed: &Bed) {
    for (name, options) in MODES {
        let world = World::new(bed, &format!("argocd-mid-{name}"));
        let team = start(&world, options);
        team.release_image();
        let started = Instant::now();
        team.commit_several_objects();
        until_refused(&team);
        team.until_applied();
        let took = started.elapsed();
        eprintln!("e2e: {}: released after {took:.0?}", world.namespace);
        assert_eq!(team.routes(), ["primary", "beta", "eu"]);
        world.until_weights("virtservice-app07", "beta", &[5, 95]);
        world.until_weights("virtservice-app07", "primary", &[5, 95]);
    }
}

/// In the middle of a canary.
fn a_bad_commit_is_refused_and_mended(bed: &Bed) {
    for (name, options) in MODES {
        let guarded =
            || refused_and_mended(&World::new(bed, &format!("argocd-bad-{name}")), options);
        let control = || {
            let world = World::without_guard(bed, &format!("argocd-bad-{name}-control"));
            let team = start(&world, options);
            team.release_image();
            team.rename_route();
            team.until_applied();
            assert_eq!(team.routes(), ["main"]);
            world.until_phase("app07", "Degraded");
            let sync = if options.server_side_diff {
                "OutOfSync"
            } else {
                "Synced"
            };
            team.until_status(sync, "Degraded");
        };
        side_by_side(guarded, control);
    }
}

fn refused_and_mended(world: &World, options: Options) {
    let team = start(world, options);
    team.release_image();
    team.rename_route();
    let started = Instant::now();
    until_refused(&team);
    let refused = started.elapsed();
    team.tool.until_shown("[rollout-guard RG202");
    world.until_weights("virtservice-app07", "primary", &[5, 95]);
    let started = Instant::now();
    team.mend_route();
    eprintln!(
        "e2e: {}: shown after {refused:.0?}, mended after {:.0?}",
        world.namespace,
        started.elapsed()
    );
    world.until_weights("virtservice-app07", "primary", &[5, 95]);
    world.argo("promote app07 --full").ok();
    world.until_phase("app07", "Healthy");
    team.tool.refresh();
    team.until_status("Synced", "Healthy");
    assert_eq!(team.end().wrong, Vec::<String>::new());
}

/// The retries of the bad commit begin 10 s after the denial.
fn a_mended_commit_waits_without_retry_refresh(bed: &Bed) {
    let world = World::new(bed, "argocd-retry");
    let options = Options {
        retry_refresh: false,
        ..Options::CLIENT_SIDE
    };
    let team = start(&world, options);
    team.release_image();
    team.rename_route();
    let bad = team.head();
    let state = |seen: &Value, field: &str| seen["status"]["operationState"][field].clone();
    until_refused(&team);
    team.revert();
    let seen = team.tool.until("two retries", |seen| {
        state(seen, "retryCount").as_u64() >= Some(2)
            && text(seen, "/status/operationState/message").contains("[rollout-guard RG202")
    });
    assert_eq!(state(&seen, "syncResult")["revision"], bad, "{seen:#}");
    assert_eq!(text(&seen, "/status/sync/revision"), team.head());
}

/// Server-side diff asks about each object. What is wrong in one object fails the comparison, and nothing is synced.
fn a_fault_in_one_object_fails_the_comparison(bed: &Bed) {
    let world = World::new(bed, "argocd-fault");
    let team = start(&world, Options::SERVER_SIDE);
    team.break_one_object();
    let seen = team.tool.until("an error", |seen| {
        text(seen, "/status/conditions/0/message").contains("[rollout-guard RG503")
    });
    assert_eq!(text(&seen, "/status/conditions/0/type"), "ComparisonError");
    assert_eq!(text(&seen, "/status/sync/status"), "Unknown");
    team.tool.until_shown("[rollout-guard RG503");
    assert_eq!(team.routes(), ["primary"]);
    team.revert();
    team.until_status("Synced", "Healthy");
}

fn a_revert_rolls_back(bed: &Bed) {
    for (name, options) in MODES {
        let guarded = || {
            let world = World::new(bed, &format!("argocd-revert-{name}"));
            let team = start(&world, options);
            team.release_image();
            team.roll_back();
            team.tool.refresh();
            team.until_status("Synced", "Healthy");
            assert_eq!(team.end().wrong, Vec::<String>::new());
        };
        let control = || {
            let world = World::without_guard(bed, &format!("argocd-revert-{name}-control"));
            let team = start(&world, options);
            team.release_image();
            team.roll_back();
        };
        side_by_side(guarded, control);
    }
}

fn a_pending_reference(bed: &Bed) {
    for (name, options) in MODES {
        let world = World::new(bed, &format!("argocd-pending-{name}"));
        let team = start(&world, options);
        team.list_route();
        team.until_status("Synced", "Degraded");
        let log = std::fs::read_to_string(bed.layout.log("argocd-application-controller"));
        let pending = format!(
            "Warning: RG202: pending: VirtualService {}/",
            world.namespace
        );
        assert!(log.expect("its log").contains(&pending), "no warning");
        team.add_route();
        team.until_status("Synced", "Healthy");
    }
}

fn until_refused(team: &Team<Application>) {
    team.tool.until("refused", |seen| {
        text(seen, "/status/operationState/message").contains("[rollout-guard RG202")
    });
}

fn start<'w>(world: &'w World<'w>, options: Options) -> Team<'w, Application<'w>> {
    Team::of_subset_level(world, |repository| {
        Application::create(world, repository, options)
    })
}

const MODES: [(&str, Options); 2] = [
    ("default", Options::CLIENT_SIDE),
    ("server-side", Options::SERVER_SIDE),
];
