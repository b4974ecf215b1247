//! Faults, and recovery without help. These stories run alone.

use crate::alone;
use crate::bed::{Bed, poll};
use crate::story::Story;
use crate::world::{DEADLINE, World};

pub const STORIES: &[Story] = &[
    alone!(a_killed_replica_comes_back),
    alone!(the_api_server_is_restarted),
    alone!(connections_are_cut),
];

fn a_killed_replica_comes_back(bed: &Bed) {
    let world = World::new(bed, "fault-kill");
    let guard = bed.guard();
    guard.until_ready(3);
    guard.restarted(3, |processes| {
        assert_eq!(processes.len(), 3);
        for process in &processes {
            process.kill();
        }
    });
    guard.until_ready(3);
    until_it_denies(&world);
}

fn the_api_server_is_restarted(bed: &Bed) {
    let world = World::new(bed, "fault-api-server");
    bed.restart_api_server();
    bed.guard().until_ready(3);
    until_it_denies(&world);
}

fn connections_are_cut(bed: &Bed) {
    let world = World::new(bed, "fault-cut");
    until_it_denies(&world);
    poll("each replica's connection", DEADLINE, &mut || {
        let open = bed.services.open("default", "kubernetes");
        if open >= 3 {
            Ok(())
        } else {
            Err(format!("{open} are open"))
        }
    });
    bed.services.cut("default", "kubernetes");
    let reviews = bed.services.cut("rollout-guard", "rollout-guard");
    assert!(
        reviews >= 1,
        "the API server keeps its connections: {reviews}"
    );
    until_it_denies(&world);
    bed.guard().until_ready(3);
}

/// The API server may still have a connection to a pod that is gone, and notices only at the first call.
fn until_it_denies(world: &World) {
    poll("a denial", DEADLINE, &mut || {
        let applied = world
            .kubectl("apply --dry-run=server -f -")
            .input(NOWHERE)
            .run();
        if applied.stderr.contains("[rollout-guard RG504]") {
            Ok(())
        } else {
            Err(applied.to_string())
        }
    });
}

/// Weights that sum to 0: wrong in every cluster.
const NOWHERE: &str = "
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: nowhere
spec:
  hosts: [nowhere.example]
  gateways: [mesh]
  http:
  - route:
    - {destination: {host: a.example}, weight: 0}
    - {destination: {host: b.example}, weight: 0}
";
