//! A minute of automatic sync with self-heal in the middle of two canaries, a commit meanwhile, and the promotion.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use crate::api::text;
use crate::argo_cd::{Application, Options};
use crate::bed::Bed;
use crate::shared;
use crate::story::{Story, side_by_side};
use crate::team::Team;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(client_side_apply),
    shared!(client_side_apply_with_server_side_diff),
    shared!(server_side_apply),
    shared!(server_side_apply_with_server_side_diff),
];

fn client_side_apply(bed: &Bed) {
    compare(bed, "argocd-csa", Options::CLIENT_SIDE);
}

fn client_side_apply_with_server_side_diff(bed: &Bed) {
    let options = Options {
        server_side_diff: true,
        ..Options::CLIENT_SIDE
    };
    compare(bed, "argocd-csa-diff", options);
}

fn server_side_apply(bed: &Bed) {
    let options = Options {
        server_side_apply: true,
        ..Options::CLIENT_SIDE
    };
    compare(bed, "argocd-ssa", options);
}

fn server_side_apply_with_server_side_diff(bed: &Bed) {
    compare(bed, "argocd-ssa-diff", Options::SERVER_SIDE);
}

fn compare(bed: &Bed, name: &str, options: Options) {
    let guarded = || {
        let world = World::new(bed, name);
        let team = mid_canary(&world, options);
        team.until_first_weights();
        if options.server_side_diff {
            team.until_status("Synced", "Suspended");
        }
        let seen = watch(&team.tool);
        complete(&team, options);
        (seen, team.end())
    };
    let control = || {
        let world = World::without_guard(bed, &format!("{name}-control"));
        let team = mid_canary(&world, options);
        (watch(&team.tool), team.end())
    };
    let ((seen, tally), (control, unguarded)) = side_by_side(guarded, control);
    eprintln!(
        "e2e: {name}: with the guard: {tally}, {}; without: {unguarded}, {}",
        seen.summary(),
        control.summary()
    );
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    assert!(
        !unguarded.wrong.is_empty(),
        "without the guard nothing was wiped, so the story shows nothing"
    );
    assert_eq!(seen.failed, 0, "syncs failed with the guard");
    if options.server_side_diff {
        assert_eq!((seen.out_of_sync, seen.syncs), (0, 0));
    } else {
        assert!(
            seen.out_of_sync > 0 && seen.syncs > 0,
            "docs/gitops.md says so"
        );
    }
}

fn mid_canary<'w>(world: &'w World<'w>, options: Options) -> Team<'w, Application<'w>> {
    let team = Team::of_two_flows(world, |repository| {
        Application::create(world, repository, options)
    });
    team.release_images();
    team
}

/// A commit arrives during the canaries, and their promotion ends as in git.
fn complete(team: &Team<Application>, options: Options) {
    team.release_timeouts();
    team.promote_flows();
    // This comparison takes the controller's hashes for a difference, also when no release is in progress.
    let noisy = options.server_side_apply && !options.server_side_diff;
    team.until_status(if noisy { "OutOfSync" } else { "Synced" }, "Healthy");
}

/// How the Application looked in a minute of the canary.
#[derive(Default)]
struct Seen {
    /// The number of seconds.
    out_of_sync: usize,
    /// Syncs that began.
    syncs: usize,
    failed: usize,
}

impl Seen {
    fn summary(&self) -> String {
        let Self {
            out_of_sync, syncs, ..
        } = self;
        format!("{syncs} syncs and OutOfSync in {out_of_sync} of {SECONDS} s of the canary")
    }
}

/// Looks at the Application each second.
fn watch(application: &Application) -> Seen {
    let (mut seen, mut syncs) = (Seen::default(), BTreeMap::new());
    for _ in 0..SECONDS {
        let now = application.read();
        if text(&now, "/status/sync/status") == "OutOfSync" {
            seen.out_of_sync += 1;
        }
        let sync = |field: &str| text(&now["status"]["operationState"], field).to_owned();
        syncs.insert(sync("/startedAt"), sync("/phase"));
        sleep(Duration::from_secs(1));
    }
    seen.syncs = syncs.len() - 1;
    seen.failed = syncs.values().filter(|phase| *phase == "Failed").count();
    seen
}

const SECONDS: usize = 60;
