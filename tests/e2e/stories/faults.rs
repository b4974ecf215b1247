//! What breaks, and that it comes back by itself. These stories run alone.

use std::time::Duration;

use crate::alone;
use crate::bed::{Bed, poll};
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    alone!(a_killed_replica_comes_back),
    alone!(the_api_server_is_restarted),
];

fn a_killed_replica_comes_back(bed: &Bed) {
    let world = World::new(bed, "fault-kill");
    let guard = bed.guard();
    guard.until_ready(3);
    for process in guard.processes() {
        process.kill();
    }
    guard.until_ready(3);
    let restarts: Vec<_> = guard
        .pods()
        .iter()
        .map(|pod| pod["status"]["containerStatuses"][0]["restartCount"].clone())
        .collect();
    assert_eq!(restarts, [1, 1, 1]);
    until_it_refuses(&world);
}

fn the_api_server_is_restarted(bed: &Bed) {
    let world = World::new(bed, "fault-api-server");
    assert!(
        bed.api_server.stop(Duration::from_secs(90)),
        "kube-apiserver does not end"
    );
    bed.api_server.start_again();
    bed.until_api_server_is_ready();
    bed.guard().until_ready(3);
    until_it_refuses(&world);
}

/// The API server may still hold a connection to what is gone, which the first call finds out.
fn until_it_refuses(world: &World) {
    let file = world.copy_of("examples/subset-level-broken");
    poll("a refusal", Duration::from_secs(20), &mut || {
        let applied = world.kubectl("apply --dry-run=server -f").arg(&file).run();
        if applied.stderr.contains("[rollout-guard RG") {
            Ok(())
        } else {
            Err(applied.to_string())
        }
    });
}
