//! Plain Istio: two Deployments, a subset for each, and the administrator sets the weights. The controller owns
//! nothing, so nothing is changed or reported.

use crate::bed::Bed;
use crate::folder::Folder;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(the_administrator_turns_the_weights),
    shared!(an_undefined_subset_is_denied),
];

fn the_administrator_turns_the_weights(bed: &Bed) {
    let world = World::new(bed, "plain-weights");
    let folder = world.folder("examples/plain-istio");
    folder.apply().ok().without_warning();
    let recording = world.record(&["VirtualService"]);

    turn(&folder, (5, 95), (50, 50));
    turn(&folder, (50, 50), (100, 0));
    world
        .kubectl("patch virtualservice virtservice-app07 --type=json -p")
        .arg(
            r#"[{"op":"replace","path":"/spec/http/0/route/0/weight","value":90},
                {"op":"replace","path":"/spec/http/0/route/1/weight","value":10}]"#,
        )
        .ok()
        .without_warning();
    folder
        .kubectl(
            "apply --server-side --force-conflicts",
            "virtual-service.yaml",
        )
        .ok()
        .without_warning();
    folder
        .kubectl("replace", "destination-rule.yaml")
        .ok()
        .without_warning();
    folder
        .kubectl("replace", "service.yaml")
        .ok()
        .without_warning();

    let stored = recording.stop(bed);
    let turned = stored["VirtualService"].iter().map(|revision| {
        let weight = |at: usize| revision["spec"]["http"][0]["route"][at]["weight"].as_u64();
        [weight(0), weight(1)].map(Option::unwrap_or_default)
    });
    let turned: Vec<[u64; 2]> = turned.collect();
    assert_eq!(turned[..4], [[50, 50], [100, 0], [90, 10], [100, 0]]);
    let rule = world.read("DestinationRule", "destrule-app07");
    assert_eq!(
        rule["spec"]["subsets"][0]["labels"],
        serde_json::json!({"version": "v1"})
    );
}

fn turn(folder: &Folder, from: (u8, u8), to: (u8, u8)) {
    let lines = |(canary, stable): (u8, u8)| {
        let host = folder.text("virtual-service.yaml");
        let host = host
            .lines()
            .find_map(|line| line.trim().strip_prefix("host: "));
        let host = host.expect("the destination's host");
        format!(
            "        subset: version-v2\n      weight: {canary}\n    - destination:\n        host: {host}\n        \
             subset: version-v1\n      weight: {stable}\n"
        )
    };
    folder
        .edit("virtual-service.yaml", &lines(from), &lines(to))
        .apply_file("virtual-service.yaml")
        .ok()
        .says("configured")
        .without_warning();
}

fn an_undefined_subset_is_denied(bed: &Bed) {
    let world = World::new(bed, "plain-subset");
    let folder = world.folder("examples/plain-istio");
    folder.apply().ok();
    folder.edit(
        "virtual-service.yaml",
        "subset: version-v2",
        "subset: version-v3",
    );
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .prints(&["The VirtualService \"virtservice-app07\" is invalid: spec.http[0].route[0].destination.subset: Not found: \"version-v3\": VirtualService plain-subset/virtservice-app07 sends to subset `version-v3` of `app07.plain-subset.svc.cluster.local` in `spec.http[0].route[0].destination.subset`, which DestinationRule plain-subset/destrule-app07 does not define (IST0101); defined: `version-v1`, `version-v2`; to rename a subset, add the new one beside the old (in a second DestinationRule of the host if a Rollout names this one), move the routes, then drop the old one; if DestinationRule plain-subset/destrule-app07 adds it, apply that first, or run the same apply again (in an incident: set the annotation `rollout-guard.io/allow: RG501` on the object in the same write, and remove it afterwards) [rollout-guard RG501]"]);
}
