//! A Rollouts controller that writes as an unlisted user: a wrong name in the values must never make rollout-guard
//! revert the controller.

use crate::alone;
use crate::bed::{Bed, poll};
use crate::guard::NAMESPACE;
use crate::release::{HOST_LEVEL, SUBSET_LEVEL, always_hashed};
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[alone!(its_canary_completes_unchanged)];

fn its_canary_completes_unchanged(bed: &Bed) {
    bed.guard().install(&[
        "profile=guard",
        "controller.users={system:serviceaccount:elsewhere:argo}",
    ]);
    let world = World::unsettled(bed, "unlisted");
    let folder = world.start_canary(&SUBSET_LEVEL);
    let hashes = world.hashes("destrule-app07");
    let recording = world.record(&["DestinationRule"]);
    folder
        .apply_file("virtual-service.yaml")
        .ok()
        .says("kept weights 5/95");
    folder.apply_file("destination-rule.yaml").ok();
    a_person_with_its_field_manager_is_judged(&world);
    world.reconcile("app07");
    always_hashed(&recording.stop(bed), &hashes);
    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
    world.promote(&SUBSET_LEVEL);
    world.until_phase("app07", "Healthy");
    world.until_weights("virtservice-app07", "primary", &[0, 100]);
    is_reported(bed, &world);

    let world = World::unsettled(bed, "unlisted-host");
    world.start_canary(&HOST_LEVEL);
    world.argo("abort shop").ok();
    world.until_weights("shop", "primary", &[100, 0]);
    world.argo("undo shop").ok();
    world.until_phase("shop", "Healthy");
    bed.guard().ensure();
}

fn a_person_with_its_field_manager_is_judged(world: &World) {
    let patch =
        "patch virtualservice virtservice-app07 --type=json --field-manager=rollouts-controller -p";
    let weight = r#"[{"op":"replace","path":"/spec/http/0/route/0/weight","value":50}]"#;
    world
        .kubectl(patch)
        .arg(weight)
        .ok()
        .says("kept weights 5/95");
    let name = r#"[{"op":"replace","path":"/spec/http/0/name","value":"main"}]"#;
    world
        .kubectl(patch)
        .arg(name)
        .fails()
        .says("[rollout-guard RG202]");
}

/// The log and an Event on the Rollout name the account to add.
fn is_reported(bed: &Bed, world: &World) {
    let user = "system:serviceaccount:argo-rollouts:argo-rollouts";
    let event = poll("the Event", crate::world::DEADLINE, &mut || {
        let shown = "-o custom-columns=REASON:.reason,MESSAGE:.message,NOTE:.note";
        let events = world.kubectl(&format!("get events {shown}")).ok().stdout;
        if events.contains(&format!("set `controllerUsers: [\"{user}\"]`")) {
            Ok(events)
        } else {
            Err(events)
        }
    });
    assert!(event.contains("RolloutGuardUnlistedController"), "{event}");
    let pods = bed.guard().pods();
    let logs = pods.iter().map(|pod| {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        std::fs::read_to_string(bed.layout.log(name)).unwrap_or_default()
    });
    let logs: Vec<String> = logs.collect();
    assert!(
        logs.iter().any(|log| log.contains(user)),
        "no log of {NAMESPACE} names {user}"
    );
}
