//! The rows that break: the write is refused, in these very words, and the release goes on.

use crate::api::{list, text};
use crate::bed::Bed;
use crate::release::SUBSET_LEVEL;
use crate::shared;
use crate::story::Story;
use crate::world::World;

pub const STORIES: &[Story] = &[
    shared!(the_canary_subset_is_renamed),
    shared!(a_second_rollout_takes_the_same_destination_rule),
    shared!(the_managed_route_is_renamed),
    shared!(an_empty_tls_list_is_added),
    shared!(three_unnamed_routes_meet_managed_routes),
    shared!(an_additional_subset_is_put_into_the_managed_destination_rule),
];

fn the_canary_subset_is_renamed(bed: &Bed) {
    let world = World::new(bed, "table-subset");
    let folder = world.in_mid_canary(&SUBSET_LEVEL);
    folder.edit("destination-rule.yaml", "name: version-v2", "name: v2");
    folder
        .apply_file("destination-rule.yaml")
        .fails()
        .prints(&[]);
    still_in_mid_canary(&world);

    let control = World::without_guard(bed, "table-subset-control");
    let folder = control.in_mid_canary(&SUBSET_LEVEL);
    folder.edit("destination-rule.yaml", "name: version-v2", "name: v2");
    folder.apply_file("destination-rule.yaml").ok();
    control.until("DestinationRule", "destrule-app07", "only v1", |rule| {
        subsets(rule) == ["version-v1"]
    });
}

fn a_second_rollout_takes_the_same_destination_rule(bed: &Bed) {
    let world = World::new(bed, "table-second");
    let folder = world.in_mid_canary(&SUBSET_LEVEL);
    let second = as_second(&folder.text("rollout.yaml"));
    world
        .kubectl("apply -f -")
        .input(&second)
        .fails()
        .prints(&[]);
    assert!(world.find("Rollout", "app08").is_none());
    still_in_mid_canary(&world);

    let control = World::without_guard(bed, "table-second-control");
    let folder = control.in_mid_canary(&SUBSET_LEVEL);
    let second = as_second(&folder.text("rollout.yaml"));
    control.kubectl("apply -f -").input(&second).ok();
    control.until(
        "DestinationRule",
        "destrule-app07",
        "no subset at all",
        |rule| subsets(rule).is_empty(),
    );
}

/// Another app that was begun as a copy, and its author forgot one line.
fn as_second(rollout: &str) -> String {
    rollout
        .replace("  name: app07\n", "  name: app08\n")
        .replace("stableSubsetName: version-v1", "stableSubsetName: app08-v1")
        .replace("canarySubsetName: version-v2", "canarySubsetName: app08-v2")
}

fn the_managed_route_is_renamed(bed: &Bed) {
    let world = World::new(bed, "table-route");
    let folder = world.in_mid_canary(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "name: primary", "name: main");
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .prints(&[]);
    still_in_mid_canary(&world);

    let control = World::without_guard(bed, "table-route-control");
    let folder = control.in_mid_canary(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "name: primary", "name: main");
    folder.apply_file("virtual-service.yaml").ok();
    let frozen = control.until_phase("app07", "Degraded");
    assert!(
        text(&frozen, "/status/message").contains("InvalidSpec"),
        "{frozen:#}"
    );
}

/// The controller panics at every reconcile, and nobody hears of it.
fn an_empty_tls_list_is_added(bed: &Bed) {
    let world = World::new(bed, "table-tls");
    let folder = world.in_mid_canary(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "  http:\n", "  tls: []\n  http:\n");
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .prints(&[]);
    still_in_mid_canary(&world);

    let control = World::without_guard(bed, "table-tls-control");
    let folder = control.in_mid_canary(&SUBSET_LEVEL);
    folder.edit("virtual-service.yaml", "  http:\n", "  tls: []\n  http:\n");
    folder.apply_file("virtual-service.yaml").ok();
    control.argo("promote app07").ok();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let stuck = control.read("Rollout", "app07");
    assert_eq!(stuck["status"]["phase"], "Paused");
    assert_eq!(stuck["status"]["currentStepIndex"], 1);
}

fn three_unnamed_routes_meet_managed_routes(bed: &Bed) {
    let world = World::new(bed, "table-routes");
    let folder = world.folder("tests/e2e/manifests/header-route");
    folder.apply().ok();
    world.until_phase("web", "Healthy");
    let three = three_more_routes(&folder.text("virtual-service.yaml"));
    folder.write("virtual-service.yaml", &three);
    folder
        .apply_file("virtual-service.yaml")
        .fails()
        .prints(&[]);

    let control = World::without_guard(bed, "table-routes-control");
    let folder = control.folder("tests/e2e/manifests/header-route");
    folder.write(
        "virtual-service.yaml",
        &three.replace("table-routes", "table-routes-control"),
    );
    folder.apply().ok();
    control.until_phase("web", "Healthy");
    control
        .argo("set image web web=registry.example/app:v2")
        .ok();
    control.until("VirtualService", "web", "many routes", |object| {
        list(object, "/spec/http").len() > 10
    });
}

fn three_more_routes(virtual_service: &str) -> String {
    let more = ["/a", "/b", "/c"].map(|prefix| {
        format!(
            "  - match:\n    - uri:\n        prefix: {prefix}\n    route:\n    - destination:\n        host: web-stable\n"
        )
    });
    virtual_service.to_owned() + &more.concat()
}

fn an_additional_subset_is_put_into_the_managed_destination_rule(bed: &Bed) {
    let world = World::new(bed, "table-extra");
    let folder = world.install(&SUBSET_LEVEL);
    folder.edit(
        "destination-rule.yaml",
        "  subsets:\n",
        "  subsets:\n  - name: extra\n    labels:\n      name: app07\n",
    );
    folder
        .apply_file("destination-rule.yaml")
        .ok()
        .says("RG304");
    folder.edit(
        "rollout.yaml",
        "            stableSubsetName: version-v1\n",
        "            stableSubsetName: version-v1\n            additionalSubsetNames: [extra]\n",
    );
    folder.apply_file("rollout.yaml").fails().prints(&[]);

    let control = World::without_guard(bed, "table-extra-control");
    let copy = control.install(&SUBSET_LEVEL);
    for file in ["destination-rule.yaml", "rollout.yaml"] {
        copy.write(
            file,
            &folder
                .text(file)
                .replace("table-extra", "table-extra-control"),
        );
        copy.apply_file(file).ok();
    }
    control.set_image(&SUBSET_LEVEL, "v2");
    control.until_first_step(&SUBSET_LEVEL);
    let rule = control.read("DestinationRule", "destrule-app07");
    assert!(!subsets(&rule).contains(&"extra"), "{rule:#}");
}

fn still_in_mid_canary(world: &World) {
    world.reconcile("app07");
    world.until_first_step(&SUBSET_LEVEL);
    let hashes = world.hashes("destrule-app07");
    assert!(hashes.values().all(|hash| !hash.is_empty()), "{hashes:?}");
    world.promote(&SUBSET_LEVEL);
    world.until_weights("virtservice-app07", "primary", &[50, 50]);
}

fn subsets(rule: &serde_json::Value) -> Vec<&str> {
    let subsets = list(rule, "/spec/subsets").iter();
    subsets.map(|subset| text(subset, "/name")).collect()
}
